//! AVIF by dav1d, its colours by libavif.

use image_gate_codecs::av1::{self, DecodeOptions, Picture, Sequence};
use image_gate_codecs::yuv::{Planes, convert, convert_deep};

use super::canvas::Canvas;
use super::planes::{self, RowConverter, View};
use super::scale::Scale;
use crate::image::error::broken;
use crate::image::raster::{DeepRaster, Layout, Raster, zeroed};
use crate::image::size::{Rect, Size};
use crate::image::source::Dispose;
use crate::image::source::avif::{Avif, Cell, Part, SampleReader, SampleTable};
use crate::image::source::heif::{Chroma, Coded};
use crate::image::{Control, Error};

/// Pixels of which the colours are converted in no time.
const FEW_PIXELS: u64 = 2 << 20;

/// What a thread decodes in a millisecond at least, of bytes and of pixels.
const BYTES: u64 = 4_000;
const PIXELS: u64 = 25_000;

/// Frames that a decoder keeps at most to refer to.
const KEPT_FRAMES: u64 = 8;

/// Milliseconds for which a step may go on though nobody waits for it.
const SHORT: u64 = 100;

pub(super) fn decode(avif: &Avif, control: &Control) -> Result<Raster, Error> {
    let (colors, alpha) = planes_of(avif, control)?;
    raster_of(avif, &colors, alpha.as_ref(), control)
}

/// The planes of the colours, and of alpha.
fn planes_of(avif: &Avif, control: &Control) -> Result<(Planes, Option<Planes>), Error> {
    let image = &avif.image;
    let decode = |cell: &Cell| picture(cell, control).map(Planes::Av1);
    let colors = planes::whole(&image.colors, decode)?;
    let alpha = image.alpha.as_ref().map(|alpha| planes::whole(alpha, decode)).transpose()?;
    Ok((colors, alpha))
}

/// What is to be seen of planes, in colours.
fn raster_of(
    avif: &Avif,
    colors: &Planes,
    alpha: Option<&Planes>,
    control: &Control,
) -> Result<Raster, Error> {
    let Avif { image, crop, code_points, .. } = avif;
    let matrix = planes::matrix(code_points, image.premultiplied);
    let layout = if alpha.is_some() { Layout::Rgba8 } else { Layout::Rgb8 };
    let all = Size::new(colors.width(), colors.height());
    if crop.size == all && all.pixels() <= FEW_PIXELS {
        let mut raster = Raster::new(crop.size, layout)?;
        convert(colors, alpha, &matrix, 0..all.height, raster.data_mut()).map_err(broken)?;
        return Ok(raster);
    }
    let mut rows = RowConverter::new(matrix, all, *crop, layout, Scale::Whole)?;
    rows.convert(&View::all(colors, alpha), all.height, control)?;
    Ok(rows.finish())
}

/// The pictures of a sequence, one after the other.
pub(super) struct AvifFrames<'a> {
    avif: &'a Avif<'a>,
    colors: Track<'a>,
    alpha: Option<Track<'a>>,
    /// Bytes that the samples may still have: no more than all of the file has, twice.
    left: usize,
}

impl<'a> AvifFrames<'a> {
    /// None yet; `None` for a still image.
    pub(super) fn new(input: &[u8], avif: &'a Avif<'a>) -> Result<Option<AvifFrames<'a>>, Error> {
        let Some(moving) = &avif.moving else { return Ok(None) };
        let track = |cells: &'a [Cell<'a>], table: &SampleTable<'a>| {
            let first = cells.first().ok_or_else(|| broken("no picture"))?;
            Track::new(first, table)
        };
        let image = &avif.image;
        let alpha = image.alpha.as_ref().zip(moving.alpha.as_ref());
        Ok(Some(AvifFrames {
            avif,
            colors: track(&image.colors.cells, &moving.colors)?,
            alpha: alpha.map(|(alpha, table)| track(&alpha.cells, table)).transpose()?,
            left: input.len().saturating_mul(2),
        }))
    }

    /// Paints the next picture; returns for how many milliseconds it is shown.
    pub(super) fn next(
        &mut self,
        canvas: &mut Canvas,
        control: &Control,
    ) -> Result<Option<u32>, Error> {
        let Some((colors, duration)) = self.colors.next(&mut self.left, control)? else {
            return Ok(None);
        };
        let alpha = match &mut self.alpha {
            None => None,
            Some(alpha) => match alpha.next(&mut self.left, control)? {
                Some((alpha, _)) => Some(alpha),
                None => return Err(broken("alpha ends before the colours")),
            },
        };
        let raster = raster_of(self.avif, &colors, alpha.as_ref(), control)?;
        let window = Rect { x: 0, y: 0, size: raster.size() };
        canvas.begin(window, Dispose::Keep, control)?;
        canvas.lay(window, &raster, window.size.height, false);
        Ok(Some(duration))
    }
}

/// The pictures of a track.
struct Track<'a> {
    first: &'a Cell<'a>,
    samples: SampleReader<'a>,
    decoder: Sequence<'a>,
}

impl<'a> Track<'a> {
    fn new(first: &'a Cell<'a>, table: &SampleTable<'a>) -> Result<Track<'a>, Error> {
        let stoppable = is_long(table.longest.into(), first);
        let decoder = Sequence::new(&options(first, stoppable)).map_err(broken)?;
        Ok(Track { first, samples: table.samples(), decoder })
    }

    /// The next picture, and for how many milliseconds it is shown.
    fn next(
        &mut self,
        left: &mut usize,
        control: &Control,
    ) -> Result<Option<(Planes, u32)>, Error> {
        control.check()?;
        let Some(sample) = self.samples.next()? else { return Ok(None) };
        *left = left
            .checked_sub(sample.data.len())
            .ok_or_else(|| broken("the samples of a sequence overlap"))?;
        let part = Part::read(sample.data, self.first)?;
        let picture = self.decoder.next(part.frames(), || control.goes_on());
        let picture = checked(picture, self.first, control)?;
        Ok(Some((Planes::Av1(picture), sample.duration)))
    }
}

/// Decodes to 16 bits a sample.
pub(super) fn decode_deep(avif: &Avif, control: &Control) -> Result<DeepRaster, Error> {
    let Avif { image, crop, code_points, .. } = avif;
    let (colors, alpha) = planes_of(avif, control)?;
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
    let options = options(cell, is_long(longest(cell), cell));
    checked(av1::decode(cell.frames(), &options, || control.goes_on()), cell, control)
}

fn options(cell: &Cell, stoppable: bool) -> DecodeOptions {
    let header = cell.header();
    DecodeOptions {
        stoppable,
        size: (header.size.width, header.size.height),
        operating_point: cell.operating_point,
        layer: cell.spatial_layer,
        layered: header.is_layered(cell.operating_point),
    }
}

/// A picture that is as large as it was said to be.
fn checked(
    decoded: Result<Picture, av1::Error>,
    cell: &Cell,
    control: &Control,
) -> Result<Picture, Error> {
    let picture = decoded.map_err(|error| match (error, control.check()) {
        (av1::Error::Stopped, Err(why)) => why,
        (error, _) => broken(error),
    })?;
    if (picture.width(), picture.height()) != (cell.size.width, cell.size.height) {
        return Err(broken("the AV1 frame has not the size of the image"));
    }
    Ok(picture)
}

/// Bytes of the longest frame.
fn longest(cell: &Cell) -> u64 {
    cell.frames().map(|frame| frame.len() as u64).max().unwrap_or_default()
}

/// Whether a frame of so many bytes may take so long that it has to be stoppable.
fn is_long(bytes: u64, cell: &Cell) -> bool {
    bytes / BYTES + cell.header().size.pixels() / PIXELS > SHORT
}

/// Bytes that the decoder holds besides the raster, of all pictures that there are or of one.
pub(super) fn working_bytes(avif: &Avif, moves: bool) -> u64 {
    let Avif { image, moving, .. } = avif;
    if let Some(moving) = moving.as_ref().filter(|_| moves) {
        // Both decoders stay, and a picture of each is there before it is painted.
        let alpha = image.alpha.as_ref().zip(moving.alpha.as_ref());
        let tracks = [Some((&image.colors, &moving.colors)), alpha].into_iter().flatten();
        let held = tracks.filter_map(|(picture, table)| {
            let bytes = of_decoder(picture.cells.first()?, KEPT_FRAMES, table.longest.into());
            Some(bytes + planes::bytes(picture.samples, padded(picture.size)))
        });
        let painted = image.colors.size.pixels() * 4;
        return held.sum::<u64>() + painted + planes::band_bytes(image.colors.size.width, 4);
    }
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
    of_decoder(cell, (cell.frame_count() as u64).min(KEPT_FRAMES), longest(cell))
}

/// Bytes that a decoder takes for frames like those of a cell, of which so many are kept to refer to, and none
/// is longer.
fn of_decoder(cell: &Cell, frames: u64, longest: u64) -> u64 {
    let header = cell.header();
    let size = padded(header.size);
    // Besides those that are kept there is the one at work, and a copy of it.
    let pictures = frames + u64::from(frames > 1) + u64::from(header.copied);
    // What is known of each block, and of its filters.
    let blocks = if frames > 1 { 3 } else { 2 };
    let stoppable = if is_long(longest, cell) {
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
