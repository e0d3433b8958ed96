//! From source bytes to pixels.

mod avif;
mod bitmap;
mod canvas;
mod gif;
#[cfg(feature = "heif")]
mod heic;
mod jpeg;
#[cfg(feature = "jxl")]
mod jxl;
mod lzw;
mod options;
mod part;
mod pictures;
mod planes;
mod png;
mod scale;
#[cfg(feature = "svg")]
mod svg;
#[cfg(feature = "tiff")]
mod tiff;
mod webp;

use super::damage::{Damage, Tolerance};
use super::raster::{DeepRaster, Layout, Raster};
use super::size::Size;
use super::source::{Animation, Container, Source};
use super::{Control, Error, Limits};
use canvas::Canvas;

pub(super) use jpeg::{decode_planes, shrunk};
pub(super) use options::Decode;
pub(super) use planes::band_bytes;
pub(super) use scale::{Fidelity, STEEPEST, Scale};
pub(super) use webp::{bytes_of_planes, decode_planes as decode_webp_planes};

/// Checks the pixels that decoding the source, or the first frame of its animation, makes.
///
/// # Errors
/// [`Error::TooManyPixels`].
pub(super) fn check(source: &Source, how: &Decode, limits: &Limits) -> Result<(), Error> {
    let size = Size::new(source.info.width, source.info.height);
    let decoded = match &source.kind {
        Container::Jpeg(_) | Container::Svg(_) => how.raster_size(size),
        // A frame may be larger than the canvas that it is painted on.
        Container::Gif(gif) if gif.first.size.pixels() > size.pixels() => gif.first.size,
        // Others are decoded whole before they are scaled or cut.
        Container::Png(_)
        | Container::Gif(_)
        | Container::Webp(_)
        | Container::Avif(_)
        | Container::Bitmap(_)
        | Container::Tiff(_)
        | Container::Jxl(_)
        | Container::Heic(_) => size,
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
    let raster = match &source.kind {
        #[cfg(feature = "svg")]
        Container::Svg(svg) => {
            let size = Size::new(source.info.width, source.info.height);
            svg::decode(svg, how.raster_size(size), control)
        }
        _ => pictures::decode(source, how, tolerance, control),
    }?;
    control.check()?;
    Ok(raster)
}

/// Decodes a source that is a still PNG, not interlaced and without a palette, an AVIF or a JPEG XL, to 16 bits a
/// sample.
///
/// # Errors
/// Those of [`decode`].
pub(super) fn decode_deep(
    source: &Source,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<DeepRaster, Error> {
    control.check()?;
    let raster = match &source.kind {
        Container::Png(png) => png::decode_deep(png, tolerance, control),
        Container::Avif(avif) => avif::decode_deep(avif, control),
        #[cfg(feature = "jxl")]
        Container::Jxl(own) => jxl::decode_deep(source.input, own, control),
        _ => Err(Error::Internal("16 bits of a format that has none".to_owned())),
    }?;
    control.check()?;
    Ok(raster)
}

/// The pictures of an animation in their order, of which only one is in memory.
pub(super) struct Frames<'a> {
    canvas: Canvas,
    reader: Reader<'a>,
    left: u32,
    is_first: bool,
    tolerance: &'a Tolerance,
}

enum Reader<'a> {
    Png(png::PngFrames<'a>),
    Gif(Box<gif::GifFrames<'a>>),
    Webp(webp::WebpFrames<'a>),
    Avif(Box<avif::AvifFrames<'a>>),
    #[cfg(feature = "jxl")]
    Jxl(jxl::JxlFrames<'a>),
}

impl<'a> Frames<'a> {
    pub(super) fn new(
        source: &'a Source<'a>,
        animation: Animation,
        tolerance: &'a Tolerance,
    ) -> Result<Frames<'a>, Error> {
        let still = || Error::Internal("frames of a still image".to_owned());
        let reader = match &source.kind {
            Container::Png(png) => Reader::Png(png::PngFrames::new(png)),
            Container::Gif(gif) => {
                gif.check_data()?;
                Reader::Gif(Box::new(gif::GifFrames::new(gif)))
            }
            Container::Webp(webp) => Reader::Webp(webp::WebpFrames::new(webp)),
            Container::Avif(avif) => {
                let frames = avif::AvifFrames::new(source.input, avif)?.ok_or_else(still)?;
                Reader::Avif(Box::new(frames))
            }
            #[cfg(feature = "jxl")]
            Container::Jxl(own) => Reader::Jxl(jxl::JxlFrames::new(source.input, own)),
            #[cfg(not(feature = "jxl"))]
            Container::Jxl(_) => return Err(still()),
            Container::Jpeg(_)
            | Container::Bitmap(_)
            | Container::Tiff(_)
            | Container::Heic(_)
            | Container::Svg(_) => return Err(still()),
        };
        let size = Size::new(source.info.width, source.info.height);
        let canvas = Canvas::new(size, animated_layout(animation))?;
        Ok(Frames { canvas, reader, left: source.info.frames, is_first: true, tolerance })
    }

    /// Goes on to the next picture; returns for how many milliseconds it is shown, or that
    /// there is none.
    ///
    /// # Errors
    /// Those of [`decode`].
    pub(super) fn next(&mut self, control: &Control) -> Result<Option<u32>, Error> {
        control.check()?;
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let is_first = std::mem::replace(&mut self.is_first, false);
        let painted = match &mut self.reader {
            // These have pictures of which a part is shown, and know what of it is damage.
            Reader::Png(frames) => return frames.next(&mut self.canvas, self.tolerance, control),
            Reader::Gif(frames) => return frames.next(&mut self.canvas, self.tolerance, control),
            Reader::Webp(frames) => return frames.next(&mut self.canvas, self.tolerance, control),
            Reader::Avif(frames) => frames.next(&mut self.canvas, control),
            #[cfg(feature = "jxl")]
            Reader::Jxl(frames) => frames.next(&mut self.canvas, control),
        };
        match painted {
            // Those before one that is broken stay.
            Err(
                Error::DecodeFailed(what)
                | Error::UnsupportedFormat(what)
                | Error::TooManyFrames(what),
            ) if !is_first => {
                self.left = 0;
                self.tolerance.note(Damage::inside(what))?;
                Ok(None)
            }
            painted => painted,
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
        (Container::Jpeg(jpeg), _) => jpeg::layout(jpeg),
        (Container::Png(png), false) if png.is_grey() => Layout::L8,
        (Container::Png(png), true) if png.is_grey() => Layout::La8,
        (Container::Bitmap(bitmap), _) => bitmap.layout,
        (Container::Tiff(tiff), _) => tiff.layout,
        (Container::Jxl(jxl), _) => jxl.layout,
        (_, false) => Layout::Rgb8,
        (_, true) => Layout::Rgba8,
    }
}

/// Bytes that the decoder holds besides the raster that it returns.
pub(super) fn working_bytes(source: &Source, how: &Decode) -> u64 {
    match &source.kind {
        #[cfg(feature = "svg")]
        Container::Svg(svg) => {
            let size = Size::new(source.info.width, source.info.height);
            svg::working_bytes(svg, how.raster_size(size))
        }
        _ => pictures::working_bytes(source, how),
    }
}

/// Bytes that are held while all of a source is looked at, before it is decoded, for those who
/// tolerate no damage.
pub(super) fn verifying_bytes(source: &Source) -> u64 {
    match &source.kind {
        Container::Jpeg(jpeg) => jpeg::verifying_bytes(source.input, jpeg),
        // The canvas, and what was on it before.
        _ if source.animation().is_some() => {
            let size = Size::new(source.info.width, source.info.height);
            let how = Decode { moves: true, ..Decode::all(size, 1) };
            let working = working_bytes(source, &how);
            size.pixels().saturating_mul(8).saturating_add(working)
        }
        // What is decoded is all that there is.
        Container::Png(_)
        | Container::Gif(_)
        | Container::Webp(_)
        | Container::Avif(_)
        | Container::Bitmap(_)
        | Container::Tiff(_)
        | Container::Jxl(_)
        | Container::Heic(_)
        | Container::Svg(_) => 0,
    }
}
