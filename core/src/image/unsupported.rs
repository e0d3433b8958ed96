//! Images that are known by their first bytes, but not read.

use super::Error;
use super::format::recognize;

/// How many first bytes [`unsupported`] looks at where it need not have more.
pub const UNSUPPORTED_LEN: usize = 1024;

/// What to say of a file that is none of the [formats](super::Format), by its first bytes:
/// [`Error::UnsupportedFormat`] that names the type of an image, else [`Error::NotImage`].
#[must_use]
pub fn unsupported(bytes: &[u8]) -> Error {
    let unread = recognize(bytes).filter(|format| !format.is_read());
    let name = name(bytes).map(str::to_owned);
    let name = name.or_else(|| unread.map(|format| format.name().to_ascii_uppercase()));
    name.map_or(Error::NotImage, Error::UnsupportedFormat)
}

/// Whether a file is an SVG drawing, by its first bytes.
#[must_use]
pub fn is_svg(bytes: &[u8]) -> bool {
    svg(bytes).unwrap_or(false)
}

/// Types with one beginning.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"II*\0\x10\0\0\0CR", "CR2"),
    (b"IIRO", "ORF"),
    (b"IIRS", "ORF"),
    (b"IIU\0", "RW2"),
    (b"FUJIFILMCCD-RAW", "RAF"),
    (b"8BPS\0\x01", "PSD"),
    (b"8BPS\0\x02", "PSB"),
    (b"gimp xcf", "XCF"),
    (b"farbfeld", "farbfeld"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"#?RGBE", "Radiance HDR"),
    (b"DDS ", "DDS"),
    (b"\x8aMNG\r\n\x1a\n", "MNG"),
    (b"\x8bJNG\r\n\x1a\n", "JNG"),
    (b"FLIF", "FLIF"),
    (b"BPG\xfb", "BPG"),
    (b"icns", "ICNS"),
    (b"\xd7\xcd\xc6\x9a\0\0", "WMF"),
    (b"AT&TFORM", "DjVu"),
];

fn name(bytes: &[u8]) -> Option<&'static str> {
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(name);
    }
    match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => brand(bytes),
        [0, 0, 2, 0, 1..=255, 0, _, _, _, 0, ..] => Some("CUR"),
        [1, 0, 0, 0, ..] if bytes.get(40..44) == Some(b" EMF") => Some("EMF"),
        [0x0a, 0 | 2..=5, 1, 1 | 2 | 4 | 8, ..] => Some("PCX"),
        _ => is_svg(bytes).then_some("SVG"),
    }
}

/// The type of an ISO base media file by the brands of its first box.
fn brand(bytes: &[u8]) -> Option<&'static str> {
    const BRANDS: &[(&[u8], &str)] = &[
        (b"heic", "HEIC"),
        (b"heix", "HEIC"),
        (b"heim", "HEIC"),
        (b"heis", "HEIC"),
        (b"hevc", "HEIC"),
        (b"hevx", "HEIC"),
        (b"hevm", "HEIC"),
        (b"hevs", "HEIC"),
        (b"avif", "AVIF"),
        (b"avis", "AVIF"),
        (b"avci", "HEIF"),
        (b"jpeg", "HEIF"),
        (b"j2ki", "HEIF"),
        (b"vvic", "HEIF"),
        (b"jxl ", "JPEG XL"),
        (b"jp2 ", "JPEG 2000"),
        (b"jpx ", "JPEG 2000"),
        (b"crx ", "CR3"),
        (b"mif1", "HEIF"),
        (b"mif2", "HEIF"),
        (b"msf1", "HEIF"),
        (b"miaf", "HEIF"),
    ];
    let len = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    let listed = bytes.get(8..len.min(bytes.len()))?.as_chunks::<4>().0;
    // The second word is the minor version. Films have other brands, and are none.
    let listed = || listed.iter().enumerate().filter(|&(i, _)| i != 1).map(|(_, brand)| brand);
    BRANDS.iter().find(|(name, _)| listed().any(|brand| brand == name)).map(|&(_, name)| name)
}

/// Whether the root of an XML document is `svg`; `None` where it ends before that is known.
fn svg(bytes: &[u8]) -> Option<bool> {
    let narrow;
    let mut rest = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        // Of UTF-16, every other byte is enough: what is looked for is ASCII.
        [0xff, 0xfe, rest @ ..] => {
            narrow = rest.iter().step_by(2).copied().collect::<Vec<u8>>();
            &narrow
        }
        [0xfe, 0xff, rest @ ..] => {
            narrow = rest.iter().skip(1).step_by(2).copied().collect::<Vec<u8>>();
            &narrow
        }
        _ => bytes,
    };
    loop {
        rest = rest.trim_ascii_start().strip_prefix(b"<")?;
        if let Some(comment) = rest.strip_prefix(b"!--") {
            rest = behind(comment, b"-->")?;
        } else if let Some(instruction) = rest.strip_prefix(b"?") {
            rest = behind(instruction, b"?>")?;
        } else if let Some(doctype) = rest.strip_prefix(b"!DOCTYPE") {
            // It names the root.
            return Some(is_root(doctype.trim_ascii_start()));
        } else {
            return Some(is_root(rest));
        }
    }
}

fn behind<'a>(bytes: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let at = bytes.windows(end.len()).position(|window| window == end)?;
    bytes.get(at + end.len()..)
}

/// Whether a name that stands here is `svg`, maybe behind a prefix.
fn is_root(bytes: &[u8]) -> bool {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/' | b'[');
    let Some(end) = bytes.iter().position(ends) else { return false };
    let name = bytes.get(..end).unwrap_or_default();
    name.rsplit(|&byte| byte == b':').next() == Some(b"svg")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings() {
        for text in [
            "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "<svg>",
            "\u{feff}<?xml version=\"1.0\"?>\n<svg width=\"1\">",
            "  \n<!-- a > b --> <!----><svg/>",
            "<?xml version=\"1.0\"?><!-- one --><?xml-stylesheet href=\"a\"?><!-- two --><svg\n>",
            "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"svg11.dtd\"><svg>",
            "<!DOCTYPE svg [ <!ENTITY a \"b\"> ]>",
            "<svg:svg xmlns:svg=\"http://www.w3.org/2000/svg\">",
        ] {
            assert!(is_svg(text.as_bytes()), "{text}");
            let wide: Vec<u16> = std::iter::once(0xfeff).chain(text.encode_utf16()).collect();
            let le: Vec<u8> = wide.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let be: Vec<u8> = wide.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            if !text.starts_with('\u{feff}') {
                assert!(is_svg(&le) && is_svg(&be), "{text}");
            }
        }
        for text in [
            "",
            "<",
            "<svg",
            "<svgz>",
            "<html><svg></svg></html>",
            "<!DOCTYPE html><svg>",
            "<!-- <svg> ",
            "<!-- <svg> -->",
            "svg",
            "text <svg>",
            "<?xml version=\"1.0\"?><rss><svg/></rss>",
        ] {
            assert!(!is_svg(text.as_bytes()), "{text}");
            assert_eq!(unsupported(text.as_bytes()), Error::NotImage, "{text}");
        }
    }

    #[test]
    fn brands() {
        let file = |brands: &[u8]| {
            let len = 8 + brands.len() as u32;
            [&len.to_be_bytes(), &b"ftyp"[..], brands, &b"mdat"[..]].concat()
        };
        for (brands, name) in [
            (&b"heic\0\0\0\0mif1heic"[..], "HEIC"),
            (b"mif1\0\0\0\0mif1heicmiaf", "HEIC"),
            (b"mif1\0\0\0\0mif1", "HEIF"),
            (b"crx \0\0\0\x01crx isom", "CR3"),
        ] {
            assert_eq!(unsupported(&file(brands)), Error::UnsupportedFormat(name.to_owned()));
        }
        for brands in [&b"isom\0\0\x02\0isomiso2avc1mp41"[..], b"isomheic", b""] {
            assert_eq!(unsupported(&file(brands)), Error::NotImage);
        }
    }

    #[test]
    fn what_only_begins_alike() {
        for text in [
            &b"BMW is a maker of cars, and of motorcycles"[..],
            b"P5js is a library",
            b"II",
            b"\0\0\x01\xba\x44\0",
            b"\0\0\x01\0\0\0",
            b"%PDF-1.7",
            b"\x1f\x8b\x08",
        ] {
            assert_eq!(unsupported(text), Error::NotImage, "{}", text.escape_ascii());
        }
    }
}
