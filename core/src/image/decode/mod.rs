//! From source bytes to pixels.

mod avif;
mod canvas;
mod gif;
mod jpeg;
mod options;
mod part;
mod png;
mod scale;
mod webp;

use super::damage::Tolerance;
use super::raster::{Layout, Raster};
use super::size::Size;
use super::source::{Animation, Kind, Source};
use super::{Control, Error, Limits};
use canvas::Canvas;

pub(super) use jpeg::shrunk;
pub(super) use options::Decode;
pub(super) use scale::Scale;

/// Checks the pixels that decoding the source, or the first frame of its animation, makes.
///
/// # Errors
/// [`Error::TooManyPixels`].
pub(super) fn check(source: &Source, how: &Decode, limits: &Limits) -> Result<(), Error> {
    let size = Size::new(source.info.width, source.info.height);
    let decoded = match &source.kind {
        Kind::Jpeg(_) => how.raster_size(size),
        // A frame may be larger than the canvas that it is painted on.
        Kind::Gif(gif) if gif.first.size.pixels() > size.pixels() => gif.first.size,
        // Others are decoded whole before they are scaled or cut.
        Kind::Png(_) | Kind::Gif(_) | Kind::Webp(_) | Kind::Avif(_) => size,
    };
    let Size { width, height } = decoded;
    limits.check_pixels(decoded.pixels(), || match decoded == size {
        true => format!("{width}x{height}"),
        false => format!("{width}x{height} of {}x{}", size.width, size.height),
    })
}

/// Decodes the source, or the first frame of its animation.
///
/// # Errors
/// [`Error::DecodeFailed`] unless every pixel of the part could be decoded, or what is missing
/// is tolerated;
/// [`Error::Internal`] without memory; those of [`Control::check`].
pub(super) fn decode(
    source: &Source,
    how: &Decode,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Raster, Error> {
    control.check()?;
    let size = Size::new(source.info.width, source.info.height);
    let raster = match &source.kind {
        Kind::Jpeg(jpeg) => jpeg::decode(source.input, jpeg, size, how, tolerance, control),
        Kind::Png(png) => png::decode(png, size, how.scale, tolerance, control),
        Kind::Gif(gif) => gif::decode(gif, size, source.info.alpha, tolerance, control),
        Kind::Webp(webp) => webp::decode(webp, size, how, tolerance, control),
        Kind::Avif(avif) => avif::decode(avif, control),
    }?;
    control.check()?;
    Ok(raster)
}

/// The pictures of an animation in their order, of which only one is in memory.
pub(super) struct Frames<'a> {
    canvas: Canvas,
    reader: Reader<'a>,
    left: u32,
    tolerance: &'a Tolerance,
}

enum Reader<'a> {
    Gif(Box<gif::Frames<'a>>),
    Webp(webp::Frames<'a>),
}

impl<'a> Frames<'a> {
    pub(super) fn new(
        source: &Source<'a>,
        animation: Animation,
        tolerance: &'a Tolerance,
    ) -> Result<Frames<'a>, Error> {
        let reader = match &source.kind {
            Kind::Gif(gif) => {
                gif.check_data()?;
                Reader::Gif(Box::new(gif::Frames::new(gif)))
            }
            Kind::Webp(webp) => Reader::Webp(webp::Frames::new(webp)),
            Kind::Jpeg(_) | Kind::Png(_) | Kind::Avif(_) => {
                return Err(Error::Internal("frames of a still image".to_owned()));
            }
        };
        let size = Size::new(source.info.width, source.info.height);
        let canvas = Canvas::new(size, animated_layout(animation))?;
        Ok(Frames { canvas, reader, left: source.info.frames, tolerance })
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
            Reader::Gif(frames) => frames.next(&mut self.canvas, self.tolerance, control),
            Reader::Webp(frames) => frames.next(&mut self.canvas, self.tolerance, control),
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
    // Row buffers, tables and code of the codecs' own.
    const FIXED: u64 = 1 << 20;
    FIXED
        + match &source.kind {
            Kind::Jpeg(jpeg) => jpeg::working_bytes(source.input, jpeg, how),
            // The indices of some rows.
            Kind::Png(_) | Kind::Gif(_) => 0,
            Kind::Webp(webp) => webp::working_bytes(webp, &source.info, how),
            Kind::Avif(avif) => avif::working_bytes(avif),
        }
}

/// Bytes that are held while all of a source is looked at, before it is decoded, for those who
/// tolerate no damage.
pub(super) fn verifying_bytes(source: &Source) -> u64 {
    match &source.kind {
        Kind::Jpeg(jpeg) => jpeg::verifying_bytes(source.input, jpeg),
        // What is decoded is all that there is.
        Kind::Png(_) | Kind::Gif(_) | Kind::Webp(_) | Kind::Avif(_) => 0,
    }
}
