//! Images that are known by their first bytes, but not read.

use super::Error;
use super::format::recognize;
use super::svg::is_svg;

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

#[cfg(test)]
mod tests {
    use super::*;

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
