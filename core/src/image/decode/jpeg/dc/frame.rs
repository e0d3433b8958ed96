//! The frame: its components and their coefficients (ITU-T T.81, sections A.1
//! and A.2).

use super::super::super::super::bytes::{array, be16};
use super::super::super::super::geometry::Size;
use super::super::super::super::raster::with_room;
use super::Stop;

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) progressive: bool,
    pub(super) size: Size,
    /// MCUs of a scan of several components.
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Pixels of an MCU, down.
    pub(super) mcu_height: usize,
    /// Rows of pixels that are needed.
    pub(super) needed: usize,
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
    /// The quantizer that held when the first scan of the component came.
    pub(super) quantizer: Option<u16>,
    /// DC coefficients, of whole MCUs.
    pub(super) coefficients: Vec<i16>,
    pub(super) stride: usize,
    /// By coefficient: which of its bits is the last that is known, or -1.
    pub(super) precision: [i8; 64],
}

impl Frame {
    /// Reads a frame header.
    pub(super) fn new(progressive: bool, body: &[u8], needed: usize) -> Result<Frame, Stop> {
        let [bits, _, _, _, _, count] = array(body, 0).ok_or(Stop::Declined)?;
        let height = be16(body, 1).ok_or(Stop::Declined)?;
        let width = be16(body, 3).ok_or(Stop::Declined)?;
        let entries = body.get(6..).unwrap_or_default().as_chunks::<3>();
        let count_fits = entries.0.len() == usize::from(count) && entries.1.is_empty();
        if bits != 8 || width == 0 || height == 0 || !count_fits || !matches!(count, 1 | 3 | 4) {
            return Err(Stop::Declined);
        }
        let factors =
            || entries.0.iter().map(|&[_, hv, _]| (usize::from(hv >> 4), usize::from(hv & 15)));
        let (most_h, most_v) = factors().fold((1, 1), |(mh, mv), (h, v)| (mh.max(h), mv.max(v)));
        let (width, height) = (usize::from(width), usize::from(height));
        let mut frame = Frame {
            progressive,
            size: Size::new(width as u32, height as u32),
            columns: width.div_ceil(8 * most_h),
            rows: height.div_ceil(8 * most_v),
            mcu_height: 8 * most_v,
            needed,
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
            let stride = frame.columns * h;
            let len = stride * frame.rows * v;
            let mut coefficients = with_room(len)?;
            coefficients.resize(len, 0);
            frame.components.push(Component {
                id,
                h,
                v,
                across: most_h / h,
                down: most_v / v,
                columns: (width * h).div_ceil(8 * most_h),
                rows: (height * v).div_ceil(8 * most_v),
                table,
                quantizer: None,
                coefficients,
                stride,
                precision: [-1; 64],
            });
        }
        Ok(frame)
    }
}

impl Component {
    /// Keeps the quantizer for the component's first scan.
    pub(super) fn latch(&mut self, quantizers: &[Option<u16>; 4]) -> Result<(), Stop> {
        if self.quantizer.is_none() {
            self.quantizer = quantizers.get(usize::from(self.table)).copied().flatten();
        }
        self.quantizer.map(|_| ()).ok_or(Stop::Declined)
    }
}
