//! Formats that hold one picture and little else: BMP, ICO, PNM, QOI.

mod bmp;
mod described;
mod ico;
mod pnm;
mod qoi;

pub(in crate::image) use bmp::Bmp;
pub(in crate::image) use ico::Icon;
pub(super) use ico::largest;
pub(in crate::image) use pnm::{Pnm, Samples};
pub(in crate::image) use qoi::Qoi;

use std::borrow::Cow;

use super::headers::SourceHeaders;
use super::{Embedded, Icc};
use crate::image::raster::Layout;
use crate::image::{Error, Format, Info};
use described::Described;

/// What the headers say besides [`Info`].
#[derive(Debug)]
pub(in crate::image) struct Bitmap<'a> {
    /// That of the decoded raster.
    pub(in crate::image) layout: Layout,
    pub(in crate::image) kind: BitmapKind<'a>,
}

/// What only one of the formats has.
#[derive(Debug)]
pub(in crate::image) enum BitmapKind<'a> {
    Bmp(Bmp<'a>),
    Icon(Icon<'a>),
    Pnm(Pnm<'a>),
    Qoi(Qoi<'a>),
}

/// Reads the headers of a file, or of the [largest] picture of an ICO file.
pub(super) fn read(format: Format, input: &[u8]) -> Result<SourceHeaders<'_, Bitmap<'_>>, Error> {
    Ok(match format {
        Format::Bmp => headers(format, bmp::read(input)?, BitmapKind::Bmp),
        Format::Ico => headers(format, ico::read(input)?, BitmapKind::Icon),
        Format::Pnm => headers(format, pnm::read(input)?, BitmapKind::Pnm),
        Format::Qoi => headers(format, qoi::read(input)?, BitmapKind::Qoi),
        _ => return Err(Error::Internal(format!("{} is no bitmap", format.name()))),
    })
}

fn headers<'a, T>(
    format: Format,
    described: Described<'a, T>,
    kind: impl Fn(T) -> BitmapKind<'a>,
) -> SourceHeaders<'a, Bitmap<'a>> {
    let Described { size, layout, bits, has_palette, profile, own } = described;
    let icc = profile.map(|profile| Icc::Plain(Cow::Borrowed(profile)));
    SourceHeaders {
        info: Info {
            format,
            width: size.width,
            height: size.height,
            orientation: 1,
            frames: 1,
            alpha: layout.has_alpha(),
            bits,
            has_palette,
            has_profile: icc.is_some(),
            progressive: false,
        },
        own: Bitmap { layout, kind: kind(own) },
        embedded: Embedded { icc, ..Embedded::default() },
        fault: None,
        damage: None,
    }
}
