//! Planes of luma, chroma and alpha, and their conversion to RGB by libavif.

use std::ffi::c_int;
use std::ops::Range;
use std::ptr::null;

use crate::av1::{self, Sampling};
use crate::avif::{Error, check};
use crate::{bytes, heif};

/// How the planes of a picture become colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YuvMatrix {
    /// The colour primaries, as a code point of ITU-T H.273, from which some matrices follow.
    pub primaries: u16,
    /// The matrix coefficients, as a code point.
    pub coefficients: u16,
    /// Whether samples use all of their range.
    pub full_range: bool,
    /// Whether colours are multiplied by alpha.
    pub premultiplied: bool,
}

/// Planes of a picture, decoded or put together of several.
#[derive(Debug)]
pub enum Planes {
    /// As dav1d gave them.
    Av1(av1::Picture),
    /// As libheif gave them.
    Hevc(heif::Picture),
    /// Cells side by side.
    Grid(Grid),
}

impl Planes {
    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        match self {
            Planes::Av1(picture) => picture.width(),
            Planes::Hevc(picture) => picture.width(),
            Planes::Grid(grid) => grid.width,
        }
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        match self {
            Planes::Av1(picture) => picture.height(),
            Planes::Hevc(picture) => picture.height(),
            Planes::Grid(grid) => grid.height,
        }
    }

    fn depth(&self) -> u8 {
        match self {
            Planes::Av1(picture) => picture.depth(),
            Planes::Hevc(picture) => picture.depth(),
            Planes::Grid(grid) => grid.depth,
        }
    }

    fn sampling(&self) -> Sampling {
        match self {
            Planes::Av1(picture) => picture.sampling(),
            Planes::Hevc(picture) => picture.sampling(),
            Planes::Grid(grid) => grid.sampling,
        }
    }

    fn full_range(&self) -> bool {
        match self {
            Planes::Av1(picture) => picture.full_range(),
            Planes::Hevc(picture) => picture.full_range(),
            Planes::Grid(grid) => grid.full_range,
        }
    }

    /// A row of a plane, which libavif reads no further than it is wide.
    fn row(&self, plane: usize, y: u32) -> Option<&[u8]> {
        match self {
            Planes::Av1(picture) => picture.row(plane, y),
            Planes::Hevc(picture) => picture.row(plane, y),
            Planes::Grid(grid) => grid.row(plane, y),
        }
    }

    fn stride(&self, plane: usize) -> isize {
        match self {
            Planes::Av1(picture) => picture.stride(plane),
            Planes::Hevc(picture) => picture.stride(plane),
            Planes::Grid(grid) => isize::try_from(grid.row_bytes(plane)).unwrap_or_default(),
        }
    }
}

impl Sampling {
    /// How often the sides of chroma are halved, across and down.
    pub(crate) fn shifts(self) -> (u32, u32) {
        match self {
            Sampling::Grey | Sampling::Full => (0, 0),
            Sampling::HalfWide => (1, 0),
            Sampling::Half => (1, 1),
        }
    }

    /// How many planes there are.
    pub(crate) fn planes(self) -> usize {
        if self == Sampling::Grey { 1 } else { 3 }
    }

    /// The size of a plane of a picture, or of a place in one.
    pub(crate) fn of(self, plane: usize, width: u32, height: u32) -> (u32, u32) {
        let (across, down) = if plane == 0 { (0, 0) } else { self.shifts() };
        (width.div_ceil(1 << across), height.div_ceil(1 << down))
    }
}

/// A picture that is put together of cells.
#[derive(Debug)]
pub struct Grid {
    width: u32,
    height: u32,
    depth: u8,
    sampling: Sampling,
    full_range: bool,
    planes: Vec<Vec<u8>>,
}

impl Grid {
    /// An empty one, of cells like this.
    ///
    /// # Errors
    /// Where there is no memory.
    pub fn new(width: u32, height: u32, cell: &Planes) -> Result<Grid, Error> {
        let (depth, sampling) = (cell.depth(), cell.sampling());
        let full_range = cell.full_range();
        let mut planes = Vec::new();
        for plane in 0..sampling.planes() {
            let (across, down) = sampling.of(plane, width, height);
            let len = bytes(across, down, sample(depth)).ok_or(Error("a huge image"))?;
            let mut data = Vec::new();
            data.try_reserve_exact(len).map_err(|_| Error("no memory for the planes"))?;
            data.resize(len, 0);
            planes.push(data);
        }
        Ok(Grid { width, height, depth, sampling, full_range, planes })
    }

    /// Puts a cell to its place, an even one; what sticks out is cut.
    ///
    /// # Errors
    /// Where it differs from the others.
    pub fn paste(&mut self, cell: &Planes, x: u32, y: u32) -> Result<(), Error> {
        let other = (cell.depth(), cell.sampling(), cell.full_range());
        if other != (self.depth, self.sampling, self.full_range) {
            return Err(Error("the cells of a grid differ"));
        }
        let bytes_of = sample(self.depth) as usize;
        for plane in 0..self.sampling.planes() {
            let (left, top) = self.sampling.of(plane, x, y);
            let (_, rows) = self.sampling.of(plane, cell.width(), cell.height());
            let row_bytes = self.row_bytes(plane);
            let Some(data) = self.planes.get_mut(plane) else { continue };
            let below = data.chunks_exact_mut(row_bytes.max(1)).skip(top as usize);
            for (to, row) in below.zip(0..rows) {
                let to = to.get_mut(left as usize * bytes_of..).unwrap_or_default();
                let from = cell.row(plane, row).unwrap_or_default();
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        }
        Ok(())
    }

    /// Has the last rows, an even number of them, be the first, and what is below them be pasted anew.
    pub fn scroll(&mut self, rows: u32) {
        for plane in 0..self.sampling.planes() {
            let (_, kept) = self.sampling.of(plane, self.width, rows);
            let len = self.row_bytes(plane) * kept as usize;
            if let Some(data) = self.planes.get_mut(plane)
                && let Some(start) = data.len().checked_sub(len)
            {
                data.copy_within(start.., 0);
            }
        }
    }

    fn row_bytes(&self, plane: usize) -> usize {
        self.sampling.of(plane, self.width, 1).0 as usize * sample(self.depth) as usize
    }

    fn row(&self, plane: usize, y: u32) -> Option<&[u8]> {
        let len = self.row_bytes(plane);
        let at = len.checked_mul(usize::try_from(y).ok()?)?;
        self.planes.get(plane)?.get(at..at.checked_add(len)?)
    }
}

/// Bytes of a sample.
fn sample(depth: u8) -> u32 {
    if depth > 8 { 2 } else { 1 }
}

/// Samples of narrow range that were made larger or smaller as if they were of the full one.
struct NarrowRange {
    /// What stands for nothing, and how much above that is all.
    least: f32,
    range: f32,
    most: f32,
}

impl NarrowRange {
    /// Of samples of so many bits, of which the largest became `most`.
    fn new(depth: u8, most: f32) -> NarrowRange {
        let step =
            most / ((1_u32 << depth.min(16)) - 1) as f32 * (1_u32 << depth.min(16)) as f32 / 256.0;
        NarrowRange { least: 16.0 * step, range: 219.0 * step, most }
    }

    fn widened(&self, sample: f32) -> f32 {
        // What is next to all is all: it was rounded.
        let share = (sample - self.least) / self.range;
        (share * self.most).round().clamp(0.0, self.most)
    }
}

/// Converts rows into RGB, or RGBA with alpha, not premultiplied. They begin with an even one, and
/// chroma is interpolated without what is beyond them.
///
/// # Errors
/// Where alpha is not like the colours, the matrix is none that libavif knows, or `pixels` is not
/// exactly as long as the rows become.
pub fn convert(
    colors: &Planes,
    alpha: Option<&Planes>,
    matrix: &YuvMatrix,
    rows: Range<u32>,
    pixels: &mut [u8],
) -> Result<(), Error> {
    convert_to(colors, alpha, matrix, rows, false, pixels)?;
    if let Some(alpha) = alpha.filter(|alpha| !alpha.full_range()) {
        let narrow = NarrowRange::new(alpha.depth(), 255.0);
        for [_, _, _, alpha] in pixels.as_chunks_mut::<4>().0 {
            *alpha = narrow.widened((*alpha).into()) as u8;
        }
    }
    Ok(())
}

/// The same with 16 bits a sample, in the order of the machine.
///
/// # Errors
/// As of [`convert`].
pub fn convert_deep(
    colors: &Planes,
    alpha: Option<&Planes>,
    matrix: &YuvMatrix,
    rows: Range<u32>,
    pixels: &mut [u8],
) -> Result<(), Error> {
    convert_to(colors, alpha, matrix, rows, true, pixels)?;
    if let Some(alpha) = alpha.filter(|alpha| !alpha.full_range()) {
        let narrow = NarrowRange::new(alpha.depth(), 65535.0);
        for [.., low, high] in pixels.as_chunks_mut::<8>().0 {
            let sample = u16::from_ne_bytes([*low, *high]);
            [*low, *high] = (narrow.widened(sample.into()) as u16).to_ne_bytes();
        }
    }
    Ok(())
}

fn convert_to(
    colors: &Planes,
    alpha: Option<&Planes>,
    matrix: &YuvMatrix,
    rows: Range<u32>,
    deep: bool,
    pixels: &mut [u8],
) -> Result<(), Error> {
    let (width, height) = (colors.width(), rows.end.saturating_sub(rows.start));
    let channels = if alpha.is_some() { 4 } else { 3 };
    let sample = if deep { 2 } else { 1 };
    // libavif writes samples of 16 bits to where they belong alone.
    if !pixels.as_ptr().addr().is_multiple_of(sample as usize) {
        return Err(Error("the buffer begins at an odd address"));
    }
    if Some(pixels.len()) != bytes(width, height, channels * sample) {
        return Err(Error("the buffer has not the size of the rows"));
    }
    if !rows.start.is_multiple_of(2) || rows.end > colors.height() {
        return Err(Error("not rows of the image"));
    }
    let depth = colors.depth();
    let same = |alpha: &Planes| {
        (alpha.width(), alpha.height(), alpha.depth()) == (width, colors.height(), depth)
    };
    if !alpha.is_none_or(same) {
        return Err(Error("alpha is not like the colours"));
    }
    let sampling = colors.sampling();
    let first = |planes: &Planes, plane: usize| {
        let (_, y) = planes.sampling().of(plane, 0, rows.start);
        planes.row(plane, y).map_or(null(), <[u8]>::as_ptr)
    };
    let mut view = RawView {
        planes: [null(); 3],
        alpha: alpha.map_or(null(), |alpha| first(alpha, 0)),
        strides: [stride(colors, 0)?, 0],
        alpha_stride: alpha.map_or(Ok(0), |alpha| stride(alpha, 0))?,
        width,
        height,
        depth,
        layout: match sampling {
            Sampling::Grey => 0,
            Sampling::Half => 1,
            Sampling::HalfWide => 2,
            Sampling::Full => 3,
        },
        full_range: matrix.full_range.into(),
        premultiplied: matrix.premultiplied.into(),
        primaries: matrix.primaries,
        coefficients: matrix.coefficients,
    };
    for (plane, to) in view.planes.iter_mut().enumerate().take(sampling.planes()) {
        *to = first(colors, plane);
        if to.is_null() {
            return Err(Error("a plane is missing"));
        }
    }
    if sampling.planes() > 1 {
        view.strides[1] = stride(colors, 1)?;
    }
    // SAFETY: the planes have all the rows, and the rows all the samples, of pictures that large;
    // there is room for as many pixels as were just counted.
    check(unsafe { ig_avif_convert(&view, deep.into(), pixels.as_mut_ptr()) })
}

fn stride(planes: &Planes, plane: usize) -> Result<u32, Error> {
    u32::try_from(planes.stride(plane)).map_err(|_| Error("rows that are bottom up"))
}

/// `ig_avif_view` of the shim.
#[repr(C)]
struct RawView {
    planes: [*const u8; 3],
    alpha: *const u8,
    strides: [u32; 2],
    alpha_stride: u32,
    width: u32,
    height: u32,
    depth: u8,
    layout: u8,
    full_range: u8,
    premultiplied: u8,
    primaries: u16,
    coefficients: u16,
}

unsafe extern "C" {
    fn ig_avif_convert(view: *const RawView, deep: c_int, pixels: *mut u8) -> c_int;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_opaque_in_a_narrow_range_is_opaque() {
        for (depth, most) in
            [8, 10, 12].into_iter().flat_map(|depth| [(depth, 255), (depth, 65535)])
        {
            let scaled = |sample: u32| {
                let all = (1_u32 << depth) - 1;
                ((u64::from(sample) * most + u64::from(all) / 2) / u64::from(all)) as f32
            };
            let narrow = NarrowRange::new(depth, most as f32);
            let of = |sample: u32| narrow.widened(scaled(sample << (depth - 8)));
            assert_eq!([16, 0, 235, 255].map(of), [0.0, 0.0, most as f32, most as f32], "{depth}");
            let share = of(125) / most as f32 - 109.0 / 219.0;
            assert!(share.abs() < 0.003, "{depth}: {share}");
        }
    }
}
