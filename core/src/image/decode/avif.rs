//! AVIF by dav1d, its colours by libavif.

use std::ops::Range;

use image_gate_codecs::av1::{self, DecodeOptions, Picture};
use image_gate_codecs::yuv::{Grid, Planes, YuvMatrix, convert};

use crate::image::error::broken;
use crate::image::raster::{Layout, Raster, zeroed};
use crate::image::size::{Rect, Size};
use crate::image::source::avif::{Avif, AvifPicture, Cell, Chroma, SequenceHeader};
use crate::image::{Control, Error};

/// Rows that are converted between two looks at the [`Control`].
const BAND: u32 = 256;

/// Rows beyond a band, by which its chroma is interpolated.
const AROUND: u32 = 2;

/// Pixels of which the colours are converted in no time.
const FEW_PIXELS: u64 = 2 << 20;

/// What a thread decodes in a millisecond at least, of bytes and of pixels.
const BYTES: u64 = 4_000;
const PIXELS: u64 = 25_000;

/// Milliseconds for which a step may go on though nobody waits for it.
const SHORT: u64 = 100;

pub(super) fn decode(avif: &Avif, control: &Control) -> Result<Raster, Error> {
    let colors = planes(&avif.colors, control)?;
    let alpha = avif.alpha.as_ref().map(|alpha| planes(alpha, control)).transpose()?;
    let matrix = YuvMatrix {
        primaries: avif.primaries,
        coefficients: avif.matrix,
        full_range: avif.full_range,
        premultiplied: avif.premultiplied,
    };
    let layout = if alpha.is_some() { Layout::Rgba8 } else { Layout::Rgb8 };
    let mut raster = Raster::new(avif.crop.size, layout)?;
    let all = Size::new(colors.width(), colors.height());
    if avif.crop.size == all && all.pixels() <= FEW_PIXELS {
        convert(&colors, alpha.as_ref(), &matrix, 0..all.height, raster.data_mut())
            .map_err(broken)?;
        return Ok(raster);
    }
    let Rect { x, y, size } = avif.crop;
    let stride = all.width as usize * layout.channels();
    let cut = x as usize * layout.channels()..;
    let mut band = zeroed(stride * (BAND + 2 * AROUND + 2) as usize)?;
    let mut rows = raster.rows_mut();
    for start in (y..y + size.height).step_by(BAND as usize) {
        control.check()?;
        let end = (start + BAND).min(y + size.height);
        let around = around(start..end, all.height);
        let band = band.get_mut(..stride * around.len()).unwrap_or_default();
        convert(&colors, alpha.as_ref(), &matrix, around.clone(), band).map_err(broken)?;
        let inner = band.chunks_exact(stride).skip((start - around.start) as usize);
        for (from, to) in inner.take((end - start) as usize).zip(&mut rows) {
            let from = from.get(cut.clone()).and_then(|from| from.get(..to.len()));
            to.copy_from_slice(from.ok_or_else(|| broken("a row is too short"))?);
        }
    }
    Ok(raster)
}

/// The rows of which a band is interpolated.
fn around(band: Range<u32>, height: u32) -> Range<u32> {
    let start = band.start.saturating_sub(AROUND);
    start - start % 2..band.end.saturating_add(AROUND).min(height)
}

fn planes(layer: &AvifPicture, control: &Control) -> Result<Planes, Error> {
    if let [cell] = layer.cells.as_slice()
        && cell.size == layer.size
    {
        return picture(cell, control).map(Planes::Decoded);
    }
    let mut grid: Option<Grid> = None;
    for (cell, number) in layer.cells.iter().zip(0..) {
        let picture = picture(cell, control)?;
        let to = match &mut grid {
            Some(grid) => grid,
            none => none
                .insert(Grid::new(layer.size.width, layer.size.height, &picture).map_err(broken)?),
        };
        let columns = layer.columns.max(1);
        let (column, row) = ((number % columns) as u32, (number / columns) as u32);
        to.paste(&picture, column * cell.size.width, row * cell.size.height).map_err(broken)?;
    }
    grid.map(Planes::Grid).ok_or_else(|| broken("no cell"))
}

fn picture(cell: &Cell, control: &Control) -> Result<Picture, Error> {
    control.check()?;
    let most = cell.header().size.pixels();
    let options = DecodeOptions {
        stoppable: is_long(cell),
        pixels: u32::try_from(most).map_err(broken)?,
        operating_point: cell.operating_point,
        layer: cell.spatial_layer,
        layered: cell.header().is_layered(cell.operating_point),
    };
    let picture = av1::decode(cell.frames(), &options, || control.goes_on());
    let picture = picture.map_err(|error| match (error, control.check()) {
        (av1::Error::Stopped, Err(why)) => why,
        (error, _) => broken(error),
    })?;
    if (picture.width(), picture.height()) != (cell.size.width, cell.size.height) {
        return Err(broken("the AV1 frame has not the size of the image"));
    }
    Ok(picture)
}

/// Whether a frame may take so long that it has to be stoppable.
fn is_long(cell: &Cell) -> bool {
    let bytes = cell.frames().map(|frame| frame.len() as u64).max().unwrap_or_default();
    bytes / BYTES + cell.header().size.pixels() / PIXELS > SHORT
}

/// Bytes that the decoder holds besides the raster.
pub(super) fn working_bytes(avif: &Avif) -> u64 {
    let layers = [Some(&avif.colors), avif.alpha.as_ref()].into_iter().flatten();
    // The planes of the colours are there while alpha is decoded.
    let (mut held, mut most) = (0, 0);
    for layer in layers {
        let decoding = layer.cells.iter().map(decoder_bytes).max().unwrap_or_default();
        let grid = match layer.cells.len() {
            0 | 1 => 0,
            _ => plane_bytes(&layer.header, layer.size),
        };
        most = most.max(held + grid + decoding);
        held += if grid > 0 { grid } else { plane_bytes(&layer.header, padded(layer.size)) };
    }
    let band = u64::from(avif.colors.size.width) * u64::from(BAND + 2 * AROUND + 2) * 4;
    most.max(held + band)
}

/// Bytes that a decoder takes for a cell, its picture counted.
fn decoder_bytes(cell: &Cell) -> u64 {
    let header = cell.header();
    let size = padded(header.size);
    // Each frame may be kept to refer to; besides there is the one at work, and a copy of it.
    let frames = cell.frame_count().min(8) as u64;
    let pictures = frames + u64::from(frames > 1) + u64::from(header.copied);
    // What is known of each block, and of its filters.
    let blocks = if frames > 1 { 3 } else { 2 };
    let stoppable = if is_long(cell) {
        // The coefficients of the frame, and what else is read of it before it is put together.
        let (coefficients, palettes) = match header.chroma {
            Chroma::None => (4, 2),
            Chroma::Quarter => (6, 3),
            Chroma::Half => (8, 4),
            Chroma::Full => (12, 6),
        };
        (coefficients * if header.depth > 8 { 2 } else { 1 } + palettes) / 2 + 3
    } else {
        0
    };
    // Buffers of rows, and tables of the threads.
    const FIXED: u64 = 4 << 20;
    FIXED + pictures * plane_bytes(header, size) + size.pixels() * (blocks + stoppable)
}

/// What dav1d allocates for pictures that large.
fn padded(size: Size) -> Size {
    Size::new(size.width.next_multiple_of(128), size.height.next_multiple_of(128))
}

fn plane_bytes(header: &SequenceHeader, size: Size) -> u64 {
    let twice = match header.chroma {
        Chroma::None => 2,
        Chroma::Quarter => 3,
        Chroma::Half => 4,
        Chroma::Full => 6,
    };
    size.pixels() * twice * if header.depth > 8 { 2 } else { 1 } / 2
}
