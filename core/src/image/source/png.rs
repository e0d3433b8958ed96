//! PNG chunks (W3C PNG, third edition, section 5).

use std::borrow::Cow;

use memchr::memchr;

use super::super::bytes::{array, be32};
use super::super::{Coding, Control, Error, Format, Info, decode_body};
use super::{Embedded, Icc, Kind, Source, broken, truncated};

pub(in super::super) const SIGNATURE: usize = 8;
/// Length, type and checksum around each chunk's data.
const AROUND: usize = 12;
/// The standard's own bound on sides and lengths.
const MAX: u32 = i32::MAX as u32;

const PALETTE: u8 = 3;
const XMP: &[u8] = b"XML:com.adobe.xmp\0";

/// What the chunks say besides [`Info`].
#[derive(Debug)]
pub(in super::super) struct Png {
    color_type: u8,
    /// Whether the rows come in seven passes.
    pub(in super::super) interlaced: bool,
}

impl Png {
    pub(in super::super) fn has_palette(&self) -> bool {
        self.color_type == PALETTE
    }

    pub(in super::super) fn is_grey(&self) -> bool {
        matches!(self.color_type, 0 | 4)
    }
}

/// Reads all chunks; what they hold stays packed.
pub(super) fn read(input: &[u8]) -> Result<Source<'_>, Error> {
    let mut chunks = Chunks::new(input, SIGNATURE);
    let header = match chunks.next() {
        Some((kind, data)) if &kind == b"IHDR" => Header::read(data)?,
        _ => return Err(broken("the first chunk is no IHDR")),
    };

    let mut embedded = Embedded::default();
    let mut alpha = matches!(header.color_type, 4 | 6);
    let mut animation_frames = 0;
    let mut whole = false;
    let mut has_data = false;
    for (kind, data) in &mut chunks {
        match &kind {
            b"tRNS" => alpha = true,
            b"iCCP" => embedded.icc = embedded.icc.or_else(|| profile(data)),
            b"eXIf" => embedded.exif = embedded.exif.or(Some(data)),
            b"iTXt" if data.starts_with(XMP) => embedded.xmp = embedded.xmp.or_else(|| xmp(data)),
            b"tEXt" | b"zTXt" => embedded.texts.add(&kind, data),
            b"fcTL" => animation_frames += 1,
            b"IDAT" => has_data = true,
            b"IEND" => {
                whole = true;
                break;
            }
            _ => {}
        }
    }

    Ok(Source {
        input,
        info: Info {
            format: Format::Png,
            width: header.width,
            height: header.height,
            orientation: embedded.orientation(),
            frames: 1.max(animation_frames),
            alpha,
            bits: if header.color_type == PALETTE { 8 } else { header.bits },
            has_profile: embedded.icc.is_some(),
            progressive: false,
        },
        kind: Kind::Png(Png { color_type: header.color_type, interlaced: header.interlaced }),
        embedded,
        fault: (!whole || !has_data).then(truncated),
        damage: None,
    })
}

/// Texts by their keyword, of which the standard names some and ImageMagick made others up.
#[derive(Debug, Default)]
pub(in super::super) struct Texts<'a> {
    author: Option<&'a [u8]>,
    rights: Option<&'a [u8]>,
    /// EXIF in hexadecimal digits, and whether these are compressed.
    exif: Option<(&'a [u8], bool)>,
}

/// The longest that is looked at of EXIF in digits.
const MAX_DIGITS: u64 = 1 << 20;

impl<'a> Texts<'a> {
    fn add(&mut self, kind: &[u8; 4], data: &'a [u8]) {
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
        let (text, packed) = self.exif?;
        let text = match packed {
            true => {
                decode_body(Coding::Deflate, text, MAX_DIGITS, &Control::default()).ok()?.into()
            }
            false => Cow::Borrowed(text),
        };
        // An empty line, the name, and the length in decimal digits come first.
        let digits = text.splitn(4, |&byte| byte == b'\n').nth(3)?;
        let mut digits = digits.iter().filter_map(|&byte| char::from(byte).to_digit(16));
        let mut bytes = Vec::new();
        while let (Some(high), Some(low)) = (digits.next(), digits.next()) {
            bytes.push((high << 4 | low) as u8);
        }
        Some(bytes.strip_prefix(b"Exif\0\0").map(<[u8]>::to_vec).unwrap_or(bytes))
    }
}

/// A text in Latin-1 as UTF-8.
fn utf8(text: &[u8]) -> Cow<'_, [u8]> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes())
}

struct Header {
    width: u32,
    height: u32,
    bits: u8,
    color_type: u8,
    interlaced: bool,
}

impl Header {
    fn read(data: &[u8]) -> Result<Header, Error> {
        let bad = || broken("the IHDR chunk is not valid");
        let width = be32(data, 0).ok_or_else(bad)?;
        let height = be32(data, 4).ok_or_else(bad)?;
        let [bits, color_type, compression, filter, interlace] = array(data, 8).ok_or_else(bad)?;
        let depth_fits = match color_type {
            0 => matches!(bits, 1 | 2 | 4 | 8 | 16),
            2 | 4 | 6 => matches!(bits, 8 | 16),
            PALETTE => matches!(bits, 1 | 2 | 4 | 8),
            _ => false,
        };
        let sides_fit = (1..=MAX).contains(&width) && (1..=MAX).contains(&height);
        if !depth_fits || !sides_fit || compression != 0 || filter != 0 || interlace > 1 {
            return Err(bad());
        }
        Ok(Header { width, height, bits, color_type, interlaced: interlace == 1 })
    }
}

/// The compressed profile behind its name and its method.
fn profile(data: &[u8]) -> Option<Icc<'_>> {
    let name = memchr(0, data)?;
    match data.get(name + 1..)? {
        [0, zlib @ ..] => Some(Icc::Zlib(zlib)),
        _ => None,
    }
}

/// The packet behind its keyword, flags, language and translated keyword. XMP
/// is never compressed (XMP specification, part 3, section 1.1.5).
fn xmp(data: &[u8]) -> Option<&[u8]> {
    let [0, 0, rest @ ..] = data.get(XMP.len()..)? else { return None };
    let rest = rest.get(memchr(0, rest)? + 1..)?;
    rest.get(memchr(0, rest)? + 1..)
}

/// The chunks up to the first that is not whole.
pub(in super::super) struct Chunks<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Chunks<'a> {
    /// Those that begin there.
    pub(in super::super) fn new(input: &'a [u8], at: usize) -> Chunks<'a> {
        Chunks { input, at }
    }

    /// Where the next one begins.
    pub(in super::super) fn at(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<([u8; 4], &'a [u8])> {
        let len = be32(self.input, self.at).filter(|&len| len <= MAX)? as usize;
        let kind = array(self.input, self.at + 4)?;
        let end = self.at.checked_add(len)?.checked_add(AROUND)?;
        let data = self.input.get(self.at + 8..end - 4)?;
        self.input.get(..end)?;
        self.at = end;
        Some((kind, data))
    }
}
