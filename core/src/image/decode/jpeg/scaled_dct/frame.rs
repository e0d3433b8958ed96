//! The frame: its components and the coefficients that are kept of them (ITU-T
//! T.81, sections A.1 and A.2).

use std::ops::Range;

use super::stop::Stop;
use crate::image::bytes::{array, be16};
use crate::image::raster::with_room;
use crate::image::size::{Rect, Size};

/// Coefficients that are kept of a block, one way, at most.
pub(super) const MOST_KEPT: usize = 5;

/// What the number of blocks in a row is a multiple of, so that whole registers of them can be
/// transformed.
const LANES: usize = 8;

/// The rows and columns of coefficients by their place in a scan (T.81, figure 5).
const ZIGZAG: [(u8, u8); 64] = zigzag();

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) progressive: bool,
    pub(super) size: Size,
    /// The scale at which it is wanted.
    pub(super) eighths: usize,
    /// MCUs of a scan of several components.
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Pixels of an MCU, across and down.
    pub(super) mcu: (usize, usize),
    /// What is wanted of the image.
    pub(super) part: Rect,
    /// The columns of MCUs whose coefficients are kept.
    pub(super) wanted: Range<usize>,
    pub(super) components: Vec<Component>,
    /// Whether one scan had all of a sequential image.
    pub(super) complete: bool,
}

#[derive(Debug)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Blocks in an MCU of several components.
    pub(super) h: usize,
    pub(super) v: usize,
    /// How many times as many blocks the component with most of them has.
    pub(super) across: usize,
    pub(super) down: usize,
    /// The blocks that the image covers.
    pub(super) columns: usize,
    pub(super) rows: usize,
    table: u8,
    /// The quantizers, in zigzag order, that held when the first scan of the component came.
    pub(super) quantizers: Option<[u16; 64]>,
    /// How many coefficients of a block are kept, both ways: those of the lowest
    /// frequencies.
    pub(super) kept: (usize, usize),
    /// For every row of blocks that is held and every coefficient that is kept, row by
    /// row of them, the coefficients of all blocks.
    pub(super) coefficients: Vec<i16>,
    /// Blocks from one such row to the next.
    pub(super) stride: usize,
    /// Rows of blocks that are held: all of whole MCUs, or those of one row of MCUs after the
    /// other.
    pub(super) held: usize,
    /// For every block which of its AC coefficients are not 0, by their place in a scan;
    /// empty where no scan depends on it.
    pub(super) masks: Vec<u64>,
    /// By coefficient: which of its bits is the last that is known, or -1.
    pub(super) precision: [i8; 64],
}

impl Frame {
    /// Reads a frame header.
    pub(super) fn new(
        progressive: bool,
        eighths: usize,
        body: &[u8],
        part: Rect,
    ) -> Result<Frame, Stop> {
        let [bits, _, _, _, _, count] = array(body, 0).ok_or(Stop::Declined)?;
        let height = be16(body, 1).ok_or(Stop::Declined)?;
        let width = be16(body, 3).ok_or(Stop::Declined)?;
        let entries = body.get(6..).unwrap_or_default().as_chunks::<3>();
        let count_fits = entries.0.len() == usize::from(count) && entries.1.is_empty();
        if bits != 8 || width == 0 || height == 0 || !count_fits || !matches!(count, 1 | 3 | 4) {
            return Err(Stop::Declined);
        }
        let factors = || {
            // How often something is sampled says nothing where there is nothing else.
            let of = |hv: u8| if count == 1 && hv != 0 { 0x11 } else { hv };
            entries
                .0
                .iter()
                .map(move |&[_, hv, _]| (usize::from(of(hv) >> 4), usize::from(of(hv) & 15)))
        };
        let (most_h, most_v) = factors().fold((1, 1), |(mh, mv), (h, v)| (mh.max(h), mv.max(v)));
        let (width, height) = (usize::from(width), usize::from(height));
        let mut frame = Frame {
            progressive,
            eighths,
            size: Size::new(width as u32, height as u32),
            columns: width.div_ceil(8 * most_h),
            rows: height.div_ceil(8 * most_v),
            mcu: (8 * most_h, 8 * most_v),
            part,
            wanted: 0..0,
            components: Vec::with_capacity(4),
            complete: false,
        };
        for (&[id, _, table], (h, v)) in entries.0.iter().zip(factors()) {
            if !(1..=4).contains(&h) || !(1..=4).contains(&v) || table > 3 {
                return Err(Stop::Declined);
            }
            // libjpeg does not know what lies between two samples either.
            if most_h % h != 0 || most_v % v != 0 {
                return Err(Stop::Declined);
            }
            if frame.components.iter().any(|other| other.id == id) {
                return Err(Stop::Declined);
            }
            let (across, down) = (most_h / h, most_v / v);
            frame.components.push(Component {
                id,
                h,
                v,
                across,
                down,
                columns: (width * h).div_ceil(8 * most_h),
                rows: (height * v).div_ceil(8 * most_v),
                table,
                quantizers: None,
                kept: (kept(eighths, across), kept(eighths, down)),
                coefficients: Vec::new(),
                stride: 0,
                held: 0,
                masks: Vec::new(),
                precision: [-1; 64],
            });
        }
        Ok(frame)
    }

    /// The same, without coefficients.
    pub(super) fn bare(&self) -> Frame {
        let bare = |of: &Component| of.row_of(self.columns);
        let components = self.components.iter().map(bare).collect();
        Frame { components, wanted: self.wanted.clone(), ..*self }
    }

    /// Makes room for all coefficients that are kept.
    pub(super) fn hold_all(&mut self) -> Result<(), Stop> {
        self.wanted = 0..self.columns;
        self.hold(self.rows)
    }

    /// Makes room for those of what is wanted of one row of MCUs.
    pub(super) fn hold_row(&mut self) -> Result<(), Stop> {
        let (from, width) = (self.part.x as usize, self.part.size.width as usize);
        self.wanted = from / self.mcu.0..(from + width).div_ceil(self.mcu.0);
        self.hold(1)
    }

    fn hold(&mut self, rows: usize) -> Result<(), Stop> {
        for component in &mut self.components {
            component.stride = stride(self.wanted.len(), component.h);
            component.held = rows * component.v;
            let len = component.row_len() * component.held;
            let mut coefficients = with_room(len)?;
            coefficients.resize(len, 0);
            component.coefficients = coefficients;
        }
        Ok(())
    }

    /// The end of the part, in rows of pixels.
    pub(super) fn needed(&self) -> usize {
        (self.part.y + self.part.size.height) as usize
    }

    /// So many pixels at the scale that is wanted.
    pub(super) fn scaled(&self, pixels: usize) -> usize {
        (pixels * self.eighths).div_ceil(8)
    }
}

impl Component {
    /// The component, with one row of so many MCUs, but without room for its coefficients.
    pub(super) fn row_of(&self, columns: usize) -> Component {
        let stride = stride(columns, self.h);
        Component { coefficients: Vec::new(), masks: Vec::new(), stride, held: self.v, ..*self }
    }

    /// The coefficients of a row of blocks, of the whole image's.
    pub(super) fn row(&self, row: usize) -> &[i16] {
        let start = row % self.held.max(1) * self.row_len();
        self.coefficients.get(start..start + self.row_len()).unwrap_or_default()
    }

    /// Keeps the quantizers for the component's first scan.
    pub(super) fn latch(&mut self, quantizers: &[Option<[u16; 64]>; 4]) -> Result<(), Stop> {
        if self.quantizers.is_none() {
            self.quantizers = quantizers.get(usize::from(self.table)).copied().flatten();
        }
        self.quantizers.map(|_| ()).ok_or(Stop::Declined)
    }

    /// The quantizers that a scan would give the component now.
    pub(super) fn quantizers_of<'a>(
        &self,
        quantizers: &'a [Option<[u16; 64]>; 4],
    ) -> Option<&'a [u16; 64]> {
        quantizers.get(usize::from(self.table))?.as_ref()
    }

    /// Coefficients from one row of blocks to the next.
    pub(super) fn row_len(&self) -> usize {
        self.stride * self.kept.0 * self.kept.1
    }

    /// Which coefficients are kept, by their place in a scan.
    pub(super) fn kept_mask(&self) -> u64 {
        (0..64).filter(|&at| self.offset(at).is_some()).fold(0, |mask, at| mask | 1 << at)
    }

    /// Where, in a row of blocks, the coefficients are that have that place in a scan.
    pub(super) fn offset(&self, at: usize) -> Option<usize> {
        let &(row, column) = ZIGZAG.get(at)?;
        let (row, column) = (usize::from(row), usize::from(column));
        (column < self.kept.0 && row < self.kept.1)
            .then(|| (row * self.kept.0 + column) * self.stride)
    }

    /// Makes room for the masks.
    pub(super) fn mark(&mut self) -> Result<(), Stop> {
        if self.masks.is_empty() {
            let len = self.coefficients.len() / (self.kept.0 * self.kept.1);
            self.masks = with_room(len)?;
            self.masks.resize(len, 0);
        }
        Ok(())
    }
}

/// Whether components that are sampled so often can be read.
///
/// libjpeg does not know what lies between two samples either.
pub(in crate::image::decode::jpeg) fn knows(sampling: &[(u8, u8)]) -> bool {
    let (most_h, most_v) = sampling.iter().fold((1, 1), |(mh, mv), &(h, v)| (mh.max(h), mv.max(v)));
    sampling.len() == 1 || sampling.iter().all(|&(h, v)| most_h % h == 0 && most_v % v == 0)
}

/// How many coefficients are kept of a block, one way, of a component that is sampled
/// so many `times` less than others are. What more add to chroma does not show.
fn kept(eighths: usize, times: usize) -> usize {
    if eighths == 1 { 1 } else { (eighths * times).min(eighths.max(4)) }
}

/// Blocks of a row of so many MCUs, and what makes the last ones of them a whole group.
fn stride(columns: usize, h: usize) -> usize {
    (columns * h).next_multiple_of(LANES)
}

/// Bytes of all that is kept of an image with components of these sampling factors.
pub(in crate::image::decode::jpeg) fn bytes(
    sampling: &[(u8, u8)],
    size: Size,
    progressive: bool,
    eighths: usize,
) -> u64 {
    let height = size.height as usize;
    let mask = if progressive && eighths > 1 { 8 } else { 0 };
    bytes_of_rows(sampling, size, eighths, |most_v| height.div_ceil(8 * most_v), mask)
}

/// The same where one row of MCUs is kept after the other.
pub(in crate::image::decode::jpeg) fn bytes_of_row(
    sampling: &[(u8, u8)],
    size: Size,
    eighths: usize,
) -> u64 {
    bytes_of_rows(sampling, size, eighths, |_| 1, 0)
}

fn bytes_of_rows(
    sampling: &[(u8, u8)],
    size: Size,
    eighths: usize,
    rows: impl Fn(usize) -> usize,
    mask: usize,
) -> u64 {
    let factors = || sampling.iter().map(|&(h, v)| (usize::from(h), usize::from(v)));
    let (most_h, most_v) = factors().fold((1, 1), |(mh, mv), (h, v)| (mh.max(h), mv.max(v)));
    let columns = (size.width as usize).div_ceil(8 * most_h);
    let bytes = |(h, v): (usize, usize)| {
        let (across, down) = (most_h / h, most_v / v);
        let kept = (kept(eighths, across), kept(eighths, down));
        let block = kept.0 * kept.1 * 2 + mask;
        // A row of them on its way to samples.
        let row = kept.0 * 4 + (kept.1 * 4 + 5) * eighths * across;
        (stride(columns, h) * (rows(most_v) * v * block + row)) as u64
    };
    factors().map(bytes).sum()
}

const fn zigzag() -> [(u8, u8); 64] {
    let mut places = [(0, 0); 64];
    let (mut row, mut column) = (0u8, 0u8);
    let mut at = 0;
    while at < 64 {
        places[at] = (row, column);
        let up = (row + column) % 2 == 0;
        match (up, row, column) {
            (true, _, 7) => row += 1,
            (true, 0, _) => column += 1,
            (true, ..) => (row, column) = (row - 1, column + 1),
            (false, 7, _) => column += 1,
            (false, _, 0) => row += 1,
            (false, ..) => (row, column) = (row + 1, column - 1),
        }
        at += 1;
    }
    places
}
