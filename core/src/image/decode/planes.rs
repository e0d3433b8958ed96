//! Planes of luma and chroma to the rows of a raster.

use std::ops::Range;

use image_gate_codecs::av1::Sampling;
use image_gate_codecs::yuv::{Grid, Planes, YuvMatrix, convert};

use super::scale::Scale;
use crate::image::error::broken;
use crate::image::pixels::Shrink;
use crate::image::raster::{Layout, Raster, zeroed};
use crate::image::size::{Rect, Size};
use crate::image::source::heif::{Chroma, CodePoints, Coded, HeifPicture, Samples};
use crate::image::{Control, Error};

/// Rows that are converted between two looks at the [`Control`].
pub(super) const BAND: u32 = 256;

/// Rows beyond a band, by which its chroma is interpolated.
const AROUND: u32 = 2;

/// Rows of the cells above that are kept for those below: the last ones are not converted before these are
/// there, and are interpolated by others.
const KEPT: u32 = 2 * AROUND;

/// The raster that rows become.
#[derive(Debug)]
enum Target {
    Whole(Raster),
    Small(Shrink),
}

/// Planes of some rows.
#[derive(Debug)]
pub(super) struct View<'p> {
    pub(super) colors: &'p Planes,
    pub(super) alpha: Option<&'p Planes>,
    /// Which row of the picture the first one is; it may be one before there are any.
    first: i64,
    /// Those that are there.
    rows: Range<u32>,
}

impl<'p> View<'p> {
    /// All rows of a picture.
    pub(super) fn all(colors: &'p Planes, alpha: Option<&'p Planes>) -> View<'p> {
        View { colors, alpha, first: 0, rows: 0..colors.height() }
    }
}

/// Converts rows, from the first one that is seen to the last.
#[derive(Debug)]
pub(super) struct RowConverter {
    matrix: YuvMatrix,
    crop: Rect,
    channels: usize,
    band: Vec<u8>,
    target: Target,
    /// The next row.
    next: u32,
}

impl RowConverter {
    /// For pictures of a size, of which what is to be seen is cut out.
    pub(super) fn new(
        matrix: YuvMatrix,
        size: Size,
        crop: Rect,
        layout: Layout,
        scale: Scale,
    ) -> Result<RowConverter, Error> {
        let target = match scale {
            Scale::Boxes(side) => Target::Small(Shrink::new(crop.size, layout, side)?),
            _ => Target::Whole(Raster::new(crop.size, layout)?),
        };
        let channels = layout.channels();
        let band = zeroed(band_bytes(size.width, channels as u64) as usize)?;
        Ok(RowConverter { matrix, crop, channels, band, target, next: crop.y })
    }

    /// Converts rows up to one, as far as they are seen.
    pub(super) fn convert(
        &mut self,
        from: &View,
        end: u32,
        control: &Control,
    ) -> Result<(), Error> {
        let View { colors, alpha, first, .. } = from;
        let Rect { x, y, size } = self.crop;
        let stride = colors.width() as usize * self.channels;
        let len = size.width as usize * self.channels;
        let end = end.min(y.saturating_add(size.height));
        let within = |row: u32| u32::try_from(i64::from(row) - first).map_err(broken);
        while self.next < end {
            control.check()?;
            let until = end.min(self.next + BAND);
            let rows = within(self.next)?..within(until)?;
            let around = around(rows.clone(), &from.rows);
            let short = || broken("a band is too short");
            let band = self.band.get_mut(..stride * around.len()).ok_or_else(short)?;
            convert(colors, *alpha, &self.matrix, around.clone(), band).map_err(broken)?;
            let inner = band.chunks_exact(stride).skip((rows.start - around.start) as usize);
            for (row, from) in (self.next - y..).zip(inner.take(rows.len())) {
                let seen = from.get(x as usize * self.channels..).and_then(|from| from.get(..len));
                let seen = seen.ok_or_else(|| broken("a row is too short"))?;
                match &mut self.target {
                    Target::Small(shrink) => shrink.push(seen),
                    Target::Whole(raster) => {
                        let to = raster.data_mut().get_mut(row as usize * len..);
                        let to = to.and_then(|to| to.get_mut(..len)).ok_or_else(short)?;
                        to.copy_from_slice(seen);
                    }
                }
            }
            self.next = until;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Raster {
        match self.target {
            Target::Whole(raster) => raster,
            Target::Small(shrink) => shrink.finish(),
        }
    }
}

/// The rows of which a band is interpolated, of those that are there, which begin with an even one.
pub(super) fn around(band: Range<u32>, there: &Range<u32>) -> Range<u32> {
    let start = band.start.saturating_sub(AROUND);
    (start - start % 2).max(there.start)..band.end.saturating_add(AROUND).min(there.end)
}

/// All planes of a picture, of which `decode` makes a cell.
pub(super) fn whole<'a, C: Coded<'a>>(
    picture: &HeifPicture<'a, C>,
    decode: impl Fn(&C) -> Result<Planes, Error>,
) -> Result<Planes, Error> {
    if let [cell] = picture.cells.as_slice()
        && cell.size() == picture.size
    {
        return decode(cell);
    }
    let mut grid: Option<Grid> = None;
    for (cell, number) in picture.cells.iter().zip(0..) {
        let (x, y) = place(picture, cell, number);
        paste(&mut grid, picture.size, &decode(cell)?, x, y)?;
    }
    grid.map(Planes::Grid).ok_or_else(|| broken("no cell"))
}

/// Whether [`by_rows`] has the rows of the cells of a picture, and is worth it.
pub(super) fn has_rows<'a, C: Coded<'a>>(picture: &HeifPicture<'a, C>) -> bool {
    let tall = picture.cells.first().map_or(0, |cell| cell.size().height);
    picture.cells.len() > picture.columns && tall >= KEPT && tall.is_multiple_of(2)
}

/// Converts a picture without alpha, of which no more than [a row of cells](has_rows) is in memory.
pub(super) fn by_rows<'a, C: Coded<'a>>(
    picture: &HeifPicture<'a, C>,
    to: &mut RowConverter,
    decode: impl Fn(&C) -> Result<Planes, Error>,
    control: &Control,
) -> Result<(), Error> {
    let Size { width, height } = picture.size;
    let seen = to.crop.y..to.crop.y.saturating_add(to.crop.size.height);
    let mut grid: Option<Grid> = None;
    for (number, cells) in (0u32..).zip(picture.cells.chunks(picture.columns.max(1))) {
        let tall = cells.first().map_or(0, |cell| cell.size().height);
        let top = number.saturating_mul(tall);
        let bottom = top.saturating_add(tall).min(height);
        // What is seen is interpolated by no others.
        if bottom.saturating_add(KEPT) <= seen.start || top >= seen.end.saturating_add(KEPT) {
            continue;
        }
        let above = if grid.is_some() { KEPT } else { 0 };
        for (column, cell) in (0u32..).zip(cells) {
            let room = Size::new(width, tall.saturating_add(KEPT));
            let x = column.saturating_mul(cell.size().width);
            paste(&mut grid, room, &decode(cell)?, x, KEPT)?;
        }
        let Some(cells) = grid.take() else { continue };
        let planes = Planes::Grid(cells);
        let rows = KEPT - above..KEPT + (bottom - top);
        let first = i64::from(top) - i64::from(KEPT);
        let view = View { colors: &planes, alpha: None, first, rows };
        let end = if bottom == height { height } else { bottom - AROUND };
        to.convert(&view, end, control)?;
        if let Planes::Grid(mut cells) = planes {
            cells.scroll(KEPT);
            grid = Some(cells);
        }
    }
    Ok(())
}

/// How planes become colours.
pub(super) fn matrix(code_points: &CodePoints, premultiplied: bool) -> YuvMatrix {
    let &CodePoints { primaries, matrix, full_range, .. } = code_points;
    YuvMatrix { primaries, coefficients: matrix, full_range, premultiplied }
}

/// What the planes are called by codecs.
pub(super) fn sampling(samples: Samples) -> Sampling {
    match samples.chroma {
        Chroma::None => Sampling::Grey,
        Chroma::Quarter => Sampling::Half,
        Chroma::Half => Sampling::HalfWide,
        Chroma::Full => Sampling::Full,
    }
}

/// Bytes of the planes of a picture.
pub(super) fn bytes(samples: Samples, size: Size) -> u64 {
    let twice = match samples.chroma {
        Chroma::None => 2,
        Chroma::Quarter => 3,
        Chroma::Half => 4,
        Chroma::Full => 6,
    };
    size.pixels() * twice * if samples.depth > 8 { 2 } else { 1 } / 2
}

/// Bytes of the planes that [`by_rows`] holds.
pub(super) fn row_bytes<'a, C: Coded<'a>>(picture: &HeifPicture<'a, C>) -> u64 {
    let tall = picture.cells.first().map_or(0, |cell| cell.size().height);
    bytes(picture.samples, Size::new(picture.size.width, tall.saturating_add(KEPT)))
}

/// Bytes of the rows that are converted at once.
pub(in crate::image) fn band_bytes(width: u32, channels: u64) -> u64 {
    u64::from(width) * u64::from(BAND + KEPT + 2) * channels
}

/// Where a cell is.
fn place<'a, C: Coded<'a>>(picture: &HeifPicture<'a, C>, cell: &C, number: usize) -> (u32, u32) {
    let columns = picture.columns.max(1);
    let (column, row) = ((number % columns) as u32, (number / columns) as u32);
    let Size { width, height } = cell.size();
    (column.saturating_mul(width), row.saturating_mul(height))
}

fn paste(grid: &mut Option<Grid>, size: Size, cell: &Planes, x: u32, y: u32) -> Result<(), Error> {
    let grid = match grid {
        Some(grid) => grid,
        none => none.insert(Grid::new(size.width, size.height, cell).map_err(broken)?),
    };
    grid.paste(cell, x, y).map_err(broken)
}
