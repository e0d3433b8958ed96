//! Texts of PNG that say what EXIF says elsewhere.

use std::borrow::Cow;

use memchr::memchr;

use super::block::Block;
use super::exif::is_blank;
use super::jpeg::EXIF;

/// Texts by their keyword, of which the standard names some and ImageMagick made others up.
#[derive(Debug, Default)]
pub(in crate::image) struct Texts<'a> {
    author: Option<Text<'a>>,
    rights: Option<Text<'a>>,
    /// EXIF and XMP in hexadecimal digits.
    exif: Option<Text<'a>>,
    xmp: Option<Text<'a>>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
struct Text<'a> {
    bytes: Block<'a>,
    /// Whether it is in UTF-8, not in Latin-1.
    is_utf8: bool,
}

/// The longest that is looked at in digits.
const MAX_DIGITS: usize = 1 << 20;

/// The keyword of a packet of XMP.
const XMP: &[u8] = b"XML:com.adobe.xmp";

impl<'a> Texts<'a> {
    /// Notes what a chunk of text says (W3C PNG, third edition, section 11.3.3). Returns a packet of XMP.
    pub(super) fn add(&mut self, kind: &[u8; 4], data: &'a [u8]) -> Option<Block<'a>> {
        let (keyword, text) = Text::read(kind, data)?;
        let slot = match keyword {
            b"Author" => &mut self.author,
            b"Copyright" => &mut self.rights,
            b"Raw profile type exif" | b"Raw profile type APP1" => &mut self.exif,
            b"Raw profile type xmp" => &mut self.xmp,
            XMP if kind == b"iTXt" => return Some(text.bytes),
            _ => return None,
        };
        *slot = slot.or(Some(text));
        None
    }
}

impl<'a> Text<'a> {
    /// The keyword of a chunk, and its text.
    fn read(kind: &[u8; 4], data: &'a [u8]) -> Option<(&'a [u8], Text<'a>)> {
        let until_zero = |data: &'a [u8]| {
            let (before, behind) = data.split_at_checked(memchr(0, data)?)?;
            Some((before, behind.get(1..)?))
        };
        let (keyword, rest) = until_zero(data)?;
        let is_utf8 = kind == b"iTXt";
        let bytes = match kind {
            b"tEXt" => Block::Plain(rest),
            b"zTXt" => Block::Deflated(rest.get(1..)?),
            // Behind a flag and a method there are a language and a translated keyword.
            _ => {
                let (_, text) = until_zero(until_zero(rest.get(2..)?)?.1)?;
                if rest.starts_with(&[1]) { Block::Deflated(text) } else { Block::Plain(text) }
            }
        };
        Some((keyword, Text { bytes, is_utf8 }))
    }

    /// In UTF-8; `None` where it is blank.
    fn utf8(self) -> Option<Cow<'a, [u8]>> {
        let bytes = self.bytes.read().filter(|bytes| !is_blank(bytes))?;
        if self.is_utf8 || bytes.is_ascii() {
            return Some(bytes);
        }
        let text: String = bytes.iter().copied().map(char::from).collect();
        Some(Cow::Owned(text.into_bytes()))
    }
}

impl Text<'_> {
    /// What its hexadecimal digits say.
    fn of_digits(self) -> Option<Vec<u8>> {
        let text = self.bytes.read().filter(|text| text.len() <= MAX_DIGITS)?;
        // An empty line, the name, and the length in decimal digits come first.
        let digits = text.splitn(4, |&byte| byte == b'\n').nth(3)?;
        let mut digits = digits.iter().filter_map(|&byte| char::from(byte).to_digit(16));
        let mut bytes = Vec::new();
        while let (Some(high), Some(low)) = (digits.next(), digits.next()) {
            bytes.push((high << 4 | low) as u8);
        }
        Some(bytes)
    }
}

impl<'a> Texts<'a> {
    pub(super) fn author(&self) -> Option<Cow<'a, [u8]>> {
        self.author?.utf8()
    }

    pub(super) fn rights(&self) -> Option<Cow<'a, [u8]>> {
        self.rights?.utf8()
    }

    /// The TIFF structure of EXIF.
    pub(super) fn exif(&self) -> Option<Vec<u8>> {
        let bytes = self.exif?.of_digits()?;
        Some(bytes.strip_prefix(EXIF).map(<[u8]>::to_vec).unwrap_or(bytes))
    }

    /// A packet of XMP.
    pub(super) fn xmp(&self) -> Option<Vec<u8>> {
        self.xmp?.of_digits()
    }
}
