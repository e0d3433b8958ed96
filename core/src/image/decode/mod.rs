//! From source bytes to pixels.

mod avif;
mod canvas;
mod gif;
mod jpeg;
mod png;
mod webp;

use super::geometry::Size;
use super::pixels::LARGEST_BOX;
use super::raster::{Layout, Raster};
use super::source::{Animation, Kind, Source};
use super::{Control, Error};
use canvas::Canvas;

pub(super) use jpeg::{scales, shrunk};

/// How a source is to be decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decode {
    /// JPEG only: the scale in eighths, one of [`scales`].
    pub(super) eighths: u32,
    /// The side of the boxes of pixels whose averages are decoded, for all that
    /// [`boxes`] knows; otherwise 1.
    pub(super) side: u32,
    /// JPEG only: the number of scans that the decoder accepts.
    pub(super) scans: u32,
}

impl Decode {
    /// The size of the decoded raster.
    pub(super) fn raster_size(&self, stored: Size) -> Size {
        let side = |pixels: u32| {
            let eighths = u64::from(pixels) * u64::from(self.eighths);
            eighths.div_ceil(8 * u64::from(self.side)) as u32
        };
        Size::new(side(stored.width), side(stored.height))
    }

    /// The part of that raster that the image covers, from its top left corner:
    /// a smaller one may end within its last column and row.
    pub(super) fn extent(&self, stored: Size) -> (f64, f64) {
        let scale = f64::from(self.eighths) / f64::from(8 * self.side);
        let side = |pixels: u32| f64::from(pixels) * scale;
        (side(stored.width), side(stored.height))
    }
}

/// Decodes the source, or the first frame of its animation.
///
/// # Errors
/// [`Error::DecodeFailed`] unless every pixel could be decoded;
/// [`Error::Internal`] without memory; those of [`Control::check`].
pub(super) fn decode(source: &Source, how: &Decode, control: &Control) -> Result<Raster, Error> {
    control.check()?;
    let size = Size::new(source.info.width, source.info.height);
    let raster = match &source.kind {
        Kind::Jpeg(jpeg) => jpeg::decode(source.input, jpeg, size, how, control),
        Kind::Png(_) => png::decode(source.input, size, how.side, control),
        Kind::Gif(gif) => gif::decode(source.input, gif, size, source.info.alpha),
        Kind::Webp(webp) => webp::decode(webp, size, how.side),
        Kind::Avif => avif::decode(source.input, size, source.info.alpha),
    }?;
    control.check()?;
    Ok(raster)
}

/// The pictures of an animation in their order, of which only one is in memory.
pub(super) struct Frames<'a> {
    canvas: Canvas,
    reader: Reader<'a>,
    left: u32,
}

enum Reader<'a> {
    Gif(Box<gif::Frames<'a>>),
    Webp(webp::Frames<'a>),
}

impl<'a> Frames<'a> {
    pub(super) fn new(source: &Source<'a>, animation: Animation) -> Result<Frames<'a>, Error> {
        let reader = match &source.kind {
            Kind::Gif(gif) => Reader::Gif(Box::new(gif::Frames::new(source.input, gif.largest)?)),
            Kind::Webp(webp) => Reader::Webp(webp::Frames::new(webp)),
            Kind::Jpeg(_) | Kind::Png(_) | Kind::Avif => {
                return Err(Error::Internal("frames of a still image".to_owned()));
            }
        };
        let size = Size::new(source.info.width, source.info.height);
        let canvas = Canvas::new(size, animated_layout(animation))?;
        Ok(Frames { canvas, reader, left: source.info.frames })
    }

    /// Goes on to the next picture; answers for how many milliseconds it is shown, or that
    /// there is none.
    ///
    /// # Errors
    /// Those of [`decode`].
    pub(super) fn next(&mut self, control: &Control) -> Result<Option<u32>, Error> {
        control.check()?;
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        match &mut self.reader {
            Reader::Gif(frames) => frames.next(&mut self.canvas),
            Reader::Webp(frames) => frames.next(&mut self.canvas),
        }
    }

    /// The picture at hand.
    pub(super) fn picture(&self) -> &Raster {
        self.canvas.raster()
    }
}

/// The layout of the pictures of an animation.
pub(super) fn animated_layout(animation: Animation) -> Layout {
    if animation.alpha { Layout::Rgba8 } else { Layout::Rgb8 }
}

/// The side of the boxes whose averages are to be decoded, for an image that is to
/// be scaled.
///
/// What is left to the resize is a shrink of at least 2, so that its filter still
/// decides what the result looks like. Boxes of 2 take longer than a resize of
/// everything does, and so do those that have to be weighted by alpha.
pub(super) fn boxes(source: &Source, scaled: Size) -> u32 {
    let whole = match &source.kind {
        Kind::Png(png) => png.interlaced,
        Kind::Webp(webp) => webp.first.is_some(),
        Kind::Jpeg(_) | Kind::Gif(_) | Kind::Avif => true,
    };
    let times = |stored: u32, scaled: u32| stored / scaled.max(1) / 2;
    let side = times(source.info.width, scaled.width).min(times(source.info.height, scaled.height));
    if whole || source.info.alpha || side < 3 { 1 } else { side.min(LARGEST_BOX) }
}

/// The layout of the decoded raster. For PNG and WebP it is the one with most
/// channels that can come out.
pub(super) fn layout(source: &Source) -> Layout {
    match (&source.kind, source.info.alpha) {
        (Kind::Jpeg(jpeg), _) => jpeg::layout(jpeg),
        (Kind::Png(png), false) if png.is_grey() => Layout::L8,
        (Kind::Png(png), true) if png.is_grey() => Layout::La8,
        (_, false) => Layout::Rgb8,
        (_, true) => Layout::Rgba8,
    }
}

/// Bytes that the decoder holds besides the raster that it returns.
pub(super) fn working_bytes(source: &Source, how: &Decode) -> u64 {
    let pixels = Size::new(source.info.width, source.info.height).pixels();
    // Row buffers, tables and code of the codecs' own.
    const FIXED: u64 = 1 << 20;
    FIXED
        + match &source.kind {
            Kind::Jpeg(jpeg) => jpeg::working_bytes(source.input, jpeg, how),
            Kind::Png(_) => 0,
            // The indices of the frame.
            Kind::Gif(gif) => gif.largest.pixels(),
            // The bitmap that libwebp allocates, its planes of a lossy image's
            // alpha, and the frame of an animation before it is composed.
            Kind::Webp(webp) => pixels * if webp.first.is_some() { 9 } else { 5 },
            // Planes of up to 16 bits a sample, of the picture and of the one that filters write.
            Kind::Avif => pixels * 16,
        }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::DecodeFailed(error.to_string())
}
