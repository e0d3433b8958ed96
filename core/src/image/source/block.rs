//! A piece of metadata as it lies in its source.

use std::borrow::Cow;

#[cfg(feature = "jxl")]
use crate::image::bytes::be32;
use crate::image::{ContentCoding, Control, decode_body};

/// Bytes that one may have that is compressed, and those that it becomes.
const LONGEST: u64 = 2 << 20;

/// Exif or XMP.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) enum Block<'a> {
    Plain(&'a [u8]),
    Deflated(&'a [u8]),
    /// In brotli's format (RFC 7932), and the same of what JPEG XL has as Exif.
    #[cfg(feature = "jxl")]
    Brotli(&'a [u8]),
    #[cfg(feature = "jxl")]
    PackedExif(&'a [u8]),
}

impl<'a> Block<'a> {
    /// What it holds; `None` where that can't be read.
    pub(in crate::image) fn read(self) -> Option<Cow<'a, [u8]>> {
        let control = Control::default();
        match self {
            Block::Plain(bytes) => Some(Cow::Borrowed(bytes)),
            Block::Deflated(bytes) if bytes.len() as u64 > LONGEST => None,
            Block::Deflated(bytes) => {
                decode_body(ContentCoding::Deflate, bytes, LONGEST, &control).ok().map(Cow::Owned)
            }
            #[cfg(feature = "jxl")]
            Block::Brotli(bytes) => brotli(bytes).map(Cow::Owned),
            #[cfg(feature = "jxl")]
            Block::PackedExif(bytes) => Some(Cow::Owned(tiff(&brotli(bytes)?)?.to_vec())),
        }
    }

    /// The same of one that is not compressed.
    pub(in crate::image) fn plain(self) -> Option<&'a [u8]> {
        match self {
            Block::Plain(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// The TIFF structure of what JPEG XL has as Exif, which begins with its place.
#[cfg(feature = "jxl")]
pub(super) fn tiff(exif: &[u8]) -> Option<&[u8]> {
    let offset = be32(exif, 0)?;
    exif.get(4..)?.get(usize::try_from(offset).ok()?..)
}

/// Undoes brotli's compression of what is short enough, with a window of 4 MiB at most (RFC 7932, section 9.1): no
/// encoder of metadata takes a larger one.
#[cfg(feature = "jxl")]
fn brotli(bytes: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read;

    const BUFFER: usize = 1 << 12;
    let window = match *bytes.first()? {
        first if first & 1 == 0 => 16,
        first if first & 0x0e != 0 => 17 + (first >> 1 & 7),
        // What is not that of the RFC.
        first if first & 0x70 == 0x10 => return None,
        _ => 17,
    };
    if window > 22 || bytes.len() as u64 > LONGEST {
        return None;
    }
    let mut out = Vec::new();
    let decoder = brotli_decompressor::Decompressor::new(bytes, BUFFER);
    decoder.take(LONGEST + 1).read_to_end(&mut out).ok()?;
    (out.len() as u64 <= LONGEST).then_some(out)
}
