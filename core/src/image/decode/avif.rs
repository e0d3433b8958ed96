//! AVIF by dav1d, its colours by libavif.

use image_gate_codecs::av1::{self, DecodeOptions, Picture};
use image_gate_codecs::yuv::{Planes, convert, convert_deep};

use super::planes::{self, RowConverter, View};
use super::scale::Scale;
use crate::image::error::broken;
use crate::image::raster::{DeepRaster, Layout, Raster, zeroed};
use crate::image::size::Size;
use crate::image::source::avif::{Avif, Cell};
use crate::image::source::heif::{Chroma, Coded};
use crate::image::{Control, Error};

/// Pixels of which the colours are converted in no time.
const FEW_PIXELS: u64 = 2 << 20;

/// What a thread decodes in a millisecond at least, of bytes and of pixels.
const BYTES: u64 = 4_000;
const PIXELS: u64 = 25_000;

/// Milliseconds for which a step may go on though nobody waits for it.
const SHORT: u64 = 100;

pub(super) fn decode(avif: &Avif, control: &Control) -> Result<Raster, Error> {
    let Avif { image, crop, code_points } = avif;
    let decode = |cell: &Cell| picture(cell, control).map(Planes::Av1);
    let colors = planes::whole(&image.colors, decode)?;
    let alpha = image.alpha.as_ref().map(|alpha| planes::whole(alpha, decode)).transpose()?;
    let matrix = planes::matrix(code_points, image.premultiplied);
    let layout = if alpha.is_some() { Layout::Rgba8 } else { Layout::Rgb8 };
    let all = Size::new(colors.width(), colors.height());
    if crop.size == all && all.pixels() <= FEW_PIXELS {
        let mut raster = Raster::new(crop.size, layout)?;
        convert(&colors, alpha.as_ref(), &matrix, 0..all.height, raster.data_mut())
            .map_err(broken)?;
        return Ok(raster);
    }
    let mut rows = RowConverter::new(matrix, all, *crop, layout, Scale::Whole)?;
    rows.convert(&View::all(&colors, alpha.as_ref()), all.height, control)?;
    Ok(rows.finish())
}

/// Decodes to 16 bits a sample.
pub(super) fn decode_deep(avif: &Avif, control: &Control) -> Result<DeepRaster, Error> {
    let Avif { image, crop, code_points } = avif;
    let decode = |cell: &Cell| picture(cell, control).map(Planes::Av1);
    let colors = planes::whole(&image.colors, decode)?;
    let alpha = image.alpha.as_ref().map(|alpha| planes::whole(alpha, decode)).transpose()?;
    let matrix = planes::matrix(code_points, image.premultiplied);
    let mut raster = DeepRaster::new(crop.size, if alpha.is_some() { 4 } else { 3 })?;
    let (pixel, len) = (raster.pixel(), raster.stride());
    let stride = colors.width() as usize * pixel;
    let mut band = zeroed(planes::band_bytes(colors.width(), pixel as u64) as usize)?;
    let short = || broken("a row is too short");
    for (first, to) in (0u32..)
        .step_by(planes::BAND as usize)
        .zip(raster.data.chunks_mut(len * planes::BAND as usize))
    {
        control.check()?;
        let start = crop.y.saturating_add(first);
        let rows = start..start.saturating_add((to.len() / len) as u32);
        let around = planes::around(rows.clone(), &(0..colors.height()));
        let band = band.get_mut(..stride * around.len()).ok_or_else(short)?;
        convert_deep(&colors, alpha.as_ref(), &matrix, around.clone(), band).map_err(broken)?;
        let inner =
            band.chunks_exact(stride).skip(rows.start.saturating_sub(around.start) as usize);
        for (to, from) in to.chunks_exact_mut(len).zip(inner) {
            let seen = from.get(crop.x as usize * pixel..).and_then(|from| from.get(..len));
            to.copy_from_slice(seen.ok_or_else(short)?);
        }
    }
    Ok(raster)
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
    let Avif { image, .. } = avif;
    let pictures = [Some(&image.colors), image.alpha.as_ref()].into_iter().flatten();
    // The planes of the colours are there while alpha is decoded.
    let (mut held, mut most) = (0, 0);
    for picture in pictures {
        let decoding = picture.cells.iter().map(decoder_bytes).max().unwrap_or_default();
        let grid = match picture.cells.len() {
            0 | 1 => 0,
            _ => planes::bytes(picture.samples, picture.size),
        };
        most = most.max(held + grid + decoding);
        held += if grid > 0 { grid } else { planes::bytes(picture.samples, padded(picture.size)) };
    }
    most.max(held + planes::band_bytes(image.colors.size.width, 4))
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
    FIXED + pictures * planes::bytes(cell.samples(), size) + size.pixels() * (blocks + stoppable)
}

/// What dav1d allocates for pictures that large.
fn padded(size: Size) -> Size {
    Size::new(size.width.next_multiple_of(128), size.height.next_multiple_of(128))
}
