//! AVIF boxes (ISO/IEC 23000-22), by libavif.

use std::borrow::Cow;

use image_gate_codecs::avif::Decoder;
use memchr::memmem;

use super::super::bytes::be32;
use super::super::{Error, Format, Info};
use super::{Embedded, Icc, Kind, Source, broken, code_points};

const EXIF_PREFIX: &[u8] = b"Exif\0\0";

/// Reads all boxes; what they hold stays packed.
pub(super) fn read(input: &[u8]) -> Result<Source<'_>, Error> {
    let decoder = match Decoder::new(input) {
        Ok(decoder) => decoder,
        Err(error) => return too_large(input).ok_or_else(|| broken(&error.to_string())),
    };
    let found = decoder.info();
    let exif = within(input, decoder.exif());
    let embedded = Embedded {
        iptc: None,
        exif: exif.map(|exif| exif.strip_prefix(EXIF_PREFIX).unwrap_or(exif)),
        xmp: within(input, decoder.xmp()),
        icc: within(input, decoder.icc())
            .map(Cow::Borrowed)
            .or_else(|| code_points::profile(found.primaries, found.transfer).map(Cow::Owned))
            .map(Icc::Plain),
    };
    Ok(Source {
        input,
        info: Info {
            format: Format::Avif,
            width: found.width,
            height: found.height,
            orientation: found.orientation,
            frames: found.frames,
            alpha: found.alpha,
            bits: found.bits,
            has_profile: embedded.icc.is_some(),
            progressive: false,
        },
        kind: Kind::Avif,
        embedded,
        fault: None,
        damage: None,
    })
}

/// Where in the input a copy of libavif's was taken from. What was put together of several
/// extents is not found; nobody writes metadata like that.
fn within<'a>(input: &'a [u8], copy: &[u8]) -> Option<&'a [u8]> {
    if copy.is_empty() {
        return None;
    }
    let at = memmem::find(input, copy)?;
    input.get(at..at + copy.len())
}

/// An image whose size alone is more than libavif reads, so that what it says of itself can be
/// held against the limits.
fn too_large(input: &[u8]) -> Option<Source<'_>> {
    const MOST: u64 = 16384 * 16384;
    let (width, height) = memmem::find_iter(input, b"ispe")
        .filter_map(|at| be32(input, at + 8).zip(be32(input, at + 12)))
        .find(|&(width, height)| u64::from(width) * u64::from(height) > MOST)?;
    Some(Source {
        input,
        info: Info {
            format: Format::Avif,
            width,
            height,
            orientation: 1,
            frames: 1,
            alpha: false,
            bits: 8,
            has_profile: false,
            progressive: false,
        },
        kind: Kind::Avif,
        embedded: Embedded::default(),
        damage: None,
        fault: Some(Error::UnsupportedFormat(format!("AVIF of {width}x{height} pixels"))),
    })
}
