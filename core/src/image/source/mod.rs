//! What a source says about itself: walkers over each container that read
//! headers, count frames and find metadata, and never decode a pixel.
//!
//! Reading is lenient, so that the size of a damaged image can still be told.
//! [`Source::check`] is not: whatever passes it is of a supported kind, within
//! the limits, and no more damaged than is tolerated, and only then a decoder
//! gets to see it.

mod animation;
pub(super) mod avif;
pub(super) mod bitmap;
mod block;
mod code_points;
mod embedded;
mod exif;
pub(super) mod gif;
mod headers;
pub(super) mod heic;
pub(super) mod heif;
pub(super) mod icc;
pub(super) mod jpeg;
pub(super) mod jxl;
pub(super) mod png;
mod prefix;
mod rights;
pub(super) mod svg;
mod texts;
pub(super) mod tiff;
pub(super) mod webp;

use std::borrow::Cow;
use std::sync::OnceLock;

pub(super) use animation::{Animation, Dispose};
pub(super) use block::Block;
pub(super) use code_points::{HdrColors, HdrCurve};
pub(super) use embedded::Embedded;
pub(super) use exif::Exif;
pub(super) use icc::Icc;

use super::damage::{Damage, Tolerance};
use super::limits::check_frames;
use super::size::Size;
use super::{Error, Format, Info, Limits, sniff, unsupported};
use headers::SourceHeaders;

/// More frames than that no animation has: not even the first one is looked at.
const MOST_FRAMES: u32 = 1 << 16;

/// What only one container has.
#[derive(Debug)]
pub(super) enum Container<'a> {
    Jpeg(jpeg::Jpeg),
    Png(png::Png<'a>),
    Gif(gif::Gif<'a>),
    Webp(webp::Webp<'a>),
    Avif(Box<avif::Avif<'a>>),
    Bitmap(bitmap::Bitmap<'a>),
    Tiff(Box<tiff::Tiff<'a>>),
    Jxl(jxl::Jxl<'a>),
    Heic(Box<heic::Heic<'a>>),
    Svg(svg::Svg<'a>),
}

/// A source whose headers are read.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) input: &'a [u8],
    pub(super) info: Info,
    pub(super) kind: Container<'a>,
    pub(super) embedded: Embedded<'a>,
    /// Why the part after the headers can't be decoded.
    fault: Option<Error>,
    /// What is wrong with it, though there is something to be shown.
    damage: Option<Damage>,
    /// What [`hdr`](Source::hdr) has found.
    hdr: OnceLock<Option<HdrColors>>,
}

impl<'a> Source<'a> {
    /// Reads the headers.
    ///
    /// # Errors
    /// [`Error::NotImage`], [`Error::UnsupportedFormat`] or [`Error::DecodeFailed`].
    pub(super) fn read(input: &'a [u8]) -> Result<Source<'a>, Error> {
        Source::read_page(input, 1)
    }

    /// Reads the headers, and of what has pages those of that one, counted from 1.
    ///
    /// # Errors
    /// Those of [`read`](Source::read), and [`Error::BeyondImage`] where there are fewer pages.
    pub(super) fn read_page(input: &'a [u8], page: u16) -> Result<Source<'a>, Error> {
        match sniff(input).ok_or_else(|| unsupported(input))? {
            Format::Jpeg => jpeg::read(input).map(|read| Source::new(input, read, Container::Jpeg)),
            Format::Png => png::read(input).map(|read| Source::new(input, read, Container::Png)),
            Format::Gif => gif::read(input).map(|read| Source::new(input, read, Container::Gif)),
            Format::Webp => webp::read(input).map(|read| Source::new(input, read, Container::Webp)),
            Format::Avif => avif::read(input)
                .map(|read| Source::new(input, read, |avif| Container::Avif(Box::new(avif)))),
            Format::Heic => heic::read(input)
                .map(|read| Source::new(input, read, |heic| Container::Heic(Box::new(heic)))),
            Format::Svg => svg::read(input).map(|read| Source::new(input, read, Container::Svg)),
            Format::Jxl => jxl::read(input).map(|read| Source::new(input, read, Container::Jxl)),
            Format::Ico => match bitmap::largest(input)? {
                png if sniff(png) == Some(Format::Png) => png::read(png).map(|read| {
                    let mut source = Source::new(png, read, Container::Png);
                    source.info.format = Format::Ico;
                    source.info.frames = 1;
                    source
                }),
                icon => bitmap::read(Format::Ico, icon)
                    .map(|read| Source::new(icon, read, Container::Bitmap)),
            },
            format @ (Format::Bmp | Format::Pnm | Format::Qoi) => {
                bitmap::read(format, input).map(|read| Source::new(input, read, Container::Bitmap))
            }
            Format::Tiff => tiff::read(input, page)
                .map(|read| Source::new(input, read, |tiff| Container::Tiff(Box::new(tiff)))),
        }
    }

    fn new<T>(
        input: &'a [u8],
        read: SourceHeaders<'a, T>,
        kind: impl Fn(T) -> Container<'a>,
    ) -> Source<'a> {
        let SourceHeaders { info, own, embedded, fault, damage } = read;
        Source { input, info, kind: kind(own), embedded, fault, damage, hdr: OnceLock::new() }
    }

    /// Checks everything that can be known before it is known what will be decoded.
    ///
    /// # Errors
    /// [`Error::TooManyPixels`], [`Error::TooManyFrames`], [`Error::UnsupportedFormat`], or
    /// [`Error::DecodeFailed`] for more damage than is tolerated.
    pub(super) fn check(&self, limits: &Limits, tolerance: &Tolerance) -> Result<(), Error> {
        let &Info { width, height, frames, .. } = &self.info;
        limits.check_sides(Size::new(width, height))?;
        check_frames(frames, limits.frames.max(MOST_FRAMES))?;
        match &self.kind {
            Container::Jpeg(jpeg) => jpeg.check(limits, tolerance)?,
            // Frames may be larger than what is seen of them.
            Container::Avif(avif) => {
                let image = &avif.image;
                for layer in [Some(&image.colors), image.alpha.as_ref()].into_iter().flatten() {
                    for size in [layer.size, avif::largest(&layer.cells)] {
                        limits.check_sides(size)?;
                        let Size { width, height } = size;
                        limits.check_pixels(size.pixels(), || format!("{width}x{height}"))?;
                    }
                }
            }
            Container::Webp(webp) => {
                webp.code_bytes()?;
            }
            Container::Tiff(tiff) => tiff.check(limits)?,
            Container::Heic(heic) => heic.check(limits)?,
            Container::Png(_)
            | Container::Gif(_)
            | Container::Bitmap(_)
            | Container::Jxl(_)
            | Container::Svg(_) => {}
        }
        self.fault.clone().map_or(Ok(()), Err)?;
        self.damage.clone().map_or(Ok(()), |damage| tolerance.note(damage))
    }

    /// Checks what decoding all frames of an animation takes.
    ///
    /// # Errors
    /// [`Error::TooManyFrames`] or [`Error::TooManyPixels`].
    pub(super) fn check_animation(&self, limits: &Limits) -> Result<(), Error> {
        let &Info { width, height, frames, .. } = &self.info;
        check_frames(frames, limits.frames)?;
        let pixels = Size::new(width, height).pixels().saturating_mul(frames.into());
        limits.check_pixels(pixels, || format!("{width}x{height} times {frames} frames"))?;
        match &self.kind {
            // Frames may be larger than the canvas that they are painted on.
            Container::Gif(gif) => limits.check_pixels(gif.pixels, || "the frames".to_owned()),
            Container::Avif(avif) => {
                let coded = avif::largest(&avif.image.colors.cells).pixels();
                let pixels = coded.saturating_mul(frames.into());
                limits.check_pixels(pixels, || "the frames".to_owned())
            }
            Container::Jpeg(_)
            | Container::Png(_)
            | Container::Webp(_)
            | Container::Bitmap(_)
            | Container::Tiff(_)
            | Container::Jxl(_)
            | Container::Heic(_)
            | Container::Svg(_) => Ok(()),
        }
    }

    /// What the frames have in common, where there are several.
    pub(super) fn animation(&self) -> Option<Animation> {
        match &self.kind {
            Container::Png(png) => png.animation,
            Container::Gif(gif) => Some(gif.animation),
            Container::Webp(webp) => Some(webp.animation),
            Container::Avif(avif) => avif.moving.as_ref().map(|moving| moving.animation),
            Container::Jxl(jxl) => jxl.animation,
            Container::Jpeg(_)
            | Container::Bitmap(_)
            | Container::Tiff(_)
            | Container::Heic(_)
            | Container::Svg(_) => None,
        }
        .filter(|_| self.info.frames > 1)
    }

    /// The profile's bytes, where a whole one is embedded.
    pub(super) fn profile(&self) -> Option<Cow<'a, [u8]>> {
        self.embedded.icc.as_ref()?.bytes()
    }

    /// The colours of a higher dynamic range than sRGB that it has.
    pub(super) fn hdr(&self) -> Option<HdrColors> {
        *self.hdr.get_or_init(|| {
            self.embedded.hdr.or_else(|| {
                let (primaries, transfer) = icc::code_points(&self.profile()?)?;
                code_points::hdr(primaries, transfer)
            })
        })
    }
}
