//! Texts of PNG that say what EXIF says elsewhere.

use std::borrow::Cow;

use memchr::memchr;

use super::jpeg::EXIF;
use crate::image::{ContentCoding, Control, decode_body};

/// Texts by their keyword, of which the standard names some and ImageMagick made others up.
#[derive(Debug, Default)]
pub(in crate::image) struct Texts<'a> {
    author: Option<&'a [u8]>,
    rights: Option<&'a [u8]>,
    /// EXIF in hexadecimal digits, and whether these are compressed.
    exif: Option<(&'a [u8], bool)>,
}

/// The longest that is looked at of EXIF in digits.
const MAX_DIGITS: u64 = 1 << 20;

impl<'a> Texts<'a> {
    pub(super) fn add(&mut self, kind: &[u8; 4], data: &'a [u8]) {
        let Some((keyword, text)) = memchr(0, data).and_then(|at| data.split_at_checked(at)) else {
            return;
        };
        let packed = kind == b"zTXt";
        // Behind the keyword there is a zero, and the method where it is compressed.
        let text = text.get(if packed { 2 } else { 1 }..).unwrap_or_default();
        match keyword {
            b"Author" if !packed => self.author = self.author.or(Some(text)),
            b"Copyright" if !packed => self.rights = self.rights.or(Some(text)),
            b"Raw profile type exif" | b"Raw profile type APP1" => {
                self.exif = self.exif.or(Some((text, packed)));
            }
            _ => {}
        }
    }

    pub(super) fn author(&self) -> Option<Cow<'a, [u8]>> {
        self.author.map(utf8)
    }

    pub(super) fn rights(&self) -> Option<Cow<'a, [u8]>> {
        self.rights.map(utf8)
    }

    /// The TIFF structure of EXIF.
    pub(super) fn exif(&self) -> Option<Vec<u8>> {
        let (text, packed) = self.exif.filter(|(text, _)| text.len() as u64 <= MAX_DIGITS)?;
        let text = match packed {
            true => decode_body(ContentCoding::Deflate, text, MAX_DIGITS, &Control::default())
                .ok()?
                .into(),
            false => Cow::Borrowed(text),
        };
        // An empty line, the name, and the length in decimal digits come first.
        let digits = text.splitn(4, |&byte| byte == b'\n').nth(3)?;
        let mut digits = digits.iter().filter_map(|&byte| char::from(byte).to_digit(16));
        let mut bytes = Vec::new();
        while let (Some(high), Some(low)) = (digits.next(), digits.next()) {
            bytes.push((high << 4 | low) as u8);
        }
        Some(bytes.strip_prefix(EXIF).map(<[u8]>::to_vec).unwrap_or(bytes))
    }
}

/// A text in Latin-1 as UTF-8.
fn utf8(text: &[u8]) -> Cow<'_, [u8]> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes())
}
