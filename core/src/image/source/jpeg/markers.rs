//! The markers of a JPEG (ITU-T T.81, section B.1.1), and a walk from one to the next.

use memchr::memchr;

use crate::image::bytes::be16;

pub(in crate::image) const SOI: u8 = 0xd8;
pub(in crate::image) const EOI: u8 = 0xd9;
pub(in crate::image) const SOS: u8 = 0xda;

pub(super) const TEM: u8 = 0x01;
pub(super) const RST0: u8 = 0xd0;
pub(super) const RST7: u8 = 0xd7;
pub(in crate::image) const APP0: u8 = 0xe0;
pub(in crate::image) const APP1: u8 = 0xe1;
pub(in crate::image) const APP2: u8 = 0xe2;
pub(super) const APP13: u8 = 0xed;
pub(in crate::image) const APP14: u8 = 0xee;
pub(in crate::image) const APP15: u8 = 0xef;
pub(in crate::image) const COM: u8 = 0xfe;

pub(in crate::image) const JFIF: &[u8] = b"JFIF\0";
/// What stands before the TIFF structure of EXIF, in files of other formats too at times.
pub(in crate::image) const EXIF: &[u8] = b"Exif\0\0";
pub(in crate::image) const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
pub(in crate::image) const ICC: &[u8] = b"ICC_PROFILE\0";
pub(in crate::image) const ADOBE: &[u8] = b"Adobe";
/// What of an Adobe segment is defined (T.872, section 6.5.3). A shorter one is none to decoders.
pub(in crate::image) const ADOBE_LEN: usize = 12;
/// Where the colour transform is in it.
pub(in crate::image) const ADOBE_TRANSFORM: usize = 11;

pub(in crate::image) fn frame_header(marker: u8) -> bool {
    // C4, C8 and CC are Huffman tables, an extension and conditioning.
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

pub(super) fn is_restart(marker: u8) -> bool {
    matches!(marker, RST0..=RST7)
}

pub(in crate::image) fn stands_alone(marker: u8) -> bool {
    matches!(marker, TEM | RST0..=RST7 | SOI | EOI)
}

/// A position that moves from marker to marker.
pub(in crate::image) struct Walk<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    /// A walk that begins there.
    pub(in crate::image) fn new(input: &'a [u8], at: usize) -> Walk<'a> {
        Walk { input, at }
    }

    /// Where it is.
    pub(in crate::image) fn at(&self) -> usize {
        self.at
    }

    /// Moves behind the next marker and returns its code. Bytes that belong to
    /// nothing are skipped, as decoders do.
    pub(in crate::image) fn marker(&mut self) -> Option<u8> {
        loop {
            self.at += memchr(0xff, self.input.get(self.at..)?)?;
            while *self.input.get(self.at)? == 0xff {
                self.at += 1;
            }
            let code = *self.input.get(self.at)?;
            self.at += 1;
            if code != 0 {
                return Some(code);
            }
        }
    }

    /// Whether the length of the segment that begins here is none: less than its own two bytes.
    pub(in crate::image) fn lacks_length(&self) -> bool {
        be16(self.input, self.at).is_some_and(|len| len < 2)
    }

    /// Moves behind the segment that begins here and returns what is in it.
    pub(in crate::image) fn segment(&mut self) -> Option<&'a [u8]> {
        // libjpeg takes such a length for that of nothing, but where it reads what is in it.
        let len = usize::from(be16(self.input, self.at)?).max(2);
        let body = self.input.get(self.at + 2..self.at + len)?;
        self.at += len;
        Some(body)
    }

    /// Moves behind the entropy-coded data that begins here, in which stuffed
    /// zeros and restart markers are the only codes. Returns its length.
    pub(in crate::image) fn skip_entropy(&mut self) -> usize {
        let start = self.at;
        loop {
            match memchr(0xff, self.input.get(self.at..).unwrap_or_default()) {
                Some(skipped) => self.at += skipped,
                None => self.at = self.input.len(),
            }
            match self.input.get(self.at + 1) {
                Some(0 | RST0..=RST7) => self.at += 2,
                _ => return self.at.saturating_sub(start),
            }
        }
    }
}
