//! Image types and how to recognise them.

use super::bytes::array;
use super::canonical::Canonical;
use super::svg::is_svg;

/// An image type. All are read that the build has; [some](Format::is_written) are written, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG (ITU-T T.81).
    Jpeg,
    /// PNG (W3C PNG, third edition).
    Png,
    /// GIF87a and GIF89a.
    Gif,
    /// WebP (RFC 9649).
    Webp,
    /// AVIF (AV1 Image File Format).
    Avif,
    /// BMP, the bitmap files of Windows and OS/2.
    Bmp,
    /// ICO, the icons of Windows.
    Ico,
    /// PBM, PGM, PPM and PAM, the formats of Netpbm.
    Pnm,
    /// QOI, the Quite OK Image Format.
    Qoi,
    /// TIFF 6.0 and BigTIFF.
    Tiff,
    /// JPEG XL (ISO/IEC 18181).
    Jxl,
    /// HEIC (HEVC in a HEIF file).
    Heic,
    /// SVG 1.1 and 2, as far as it neither moves nor runs scripts.
    Svg,
}

impl Canonical for Format {
    fn write(&self, out: &mut String) {
        out.push_str(self.name());
    }
}

/// How many first bytes [`sniff`] looks at, at most, but for SVG: there they are as many as are said of
/// [`unsupported`](super::unsupported).
pub const SNIFF_LEN: usize = 32;

impl Format {
    /// All of them, in the order of their numbers, in which counters of older versions have them.
    pub const ALL: [Format; 13] = [
        Format::Jpeg,
        Format::Png,
        Format::Gif,
        Format::Webp,
        Format::Avif,
        Format::Bmp,
        Format::Ico,
        Format::Pnm,
        Format::Qoi,
        Format::Tiff,
        Format::Jxl,
        Format::Heic,
        Format::Svg,
    ];

    /// The written formats that are not [universal](Format::is_universal).
    pub(super) const MODERN: [Format; 3] = [Format::Avif, Format::Webp, Format::Jxl];

    /// Whether it can be the format of an output.
    #[must_use]
    pub fn is_written(self) -> bool {
        self.is_universal() || Format::MODERN.contains(&self) && self.is_read()
    }

    /// Whether this build can decode it.
    #[must_use]
    pub fn is_read(self) -> bool {
        match self {
            Format::Jpeg | Format::Png | Format::Gif | Format::Webp | Format::Avif => true,
            Format::Bmp => cfg!(feature = "bmp"),
            Format::Heic => cfg!(feature = "heif"),
            Format::Ico => cfg!(feature = "ico"),
            Format::Jxl => cfg!(feature = "jxl"),
            Format::Pnm => cfg!(feature = "pnm"),
            Format::Qoi => cfg!(feature = "qoi"),
            Format::Svg => cfg!(feature = "svg"),
            Format::Tiff => cfg!(feature = "tiff"),
        }
    }

    /// Whether every client that shows images at all shows this one, of those that are written.
    #[must_use]
    pub fn is_universal(self) -> bool {
        matches!(self, Format::Jpeg | Format::Png | Format::Gif)
    }

    /// Whether animations are written in this format.
    #[must_use]
    pub fn supports_animation(self) -> bool {
        matches!(self, Format::Png | Format::Gif | Format::Webp | Format::Avif | Format::Jxl)
    }

    /// Its place in [`ALL`](Format::ALL).
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The lower-case name used in directives, variables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Jpeg => "jpeg",
            other => other.extension(),
        }
    }

    /// The format of that [name](Format::name), or of one of the [extensions](Format::extensions).
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Format> {
        let is_named = |format: &Format| {
            format.extensions().iter().any(|extension| extension.as_bytes() == name)
        };
        Format::ALL.into_iter().find(is_named)
    }

    /// The format of an output [of that name](Format::from_name).
    #[must_use]
    pub fn written_from_name(name: &[u8]) -> Option<Format> {
        Format::from_name(name).filter(|format| format.is_written())
    }

    /// The media type: the registered one, where there is one.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Jpeg => "image/jpeg",
            Format::Png => "image/png",
            Format::Gif => "image/gif",
            Format::Webp => "image/webp",
            Format::Avif => "image/avif",
            Format::Bmp => "image/bmp",
            Format::Ico => "image/vnd.microsoft.icon",
            Format::Pnm => "image/x-portable-anymap",
            Format::Qoi => "image/qoi",
            Format::Tiff => "image/tiff",
            Format::Jxl => "image/jxl",
            Format::Heic => "image/heic",
            Format::Svg => "image/svg+xml",
        }
    }

    /// The format of a media type without parameters, as it is registered or often written, of
    /// those that are [read](Format::is_read).
    #[must_use]
    pub fn from_media_type(media_type: &[u8]) -> Option<Format> {
        const ALSO: [(&str, Format); 11] = [
            ("image/jpg", Format::Jpeg),
            ("image/x-ms-bmp", Format::Bmp),
            ("image/x-icon", Format::Ico),
            ("image/x-portable-bitmap", Format::Pnm),
            ("image/x-portable-graymap", Format::Pnm),
            ("image/x-portable-pixmap", Format::Pnm),
            ("image/x-qoi", Format::Qoi),
            ("image/tif", Format::Tiff),
            ("image/heif", Format::Heic),
            ("image/heic-sequence", Format::Heic),
            ("image/heif-sequence", Format::Heic),
        ];
        let names = Format::ALL.into_iter().map(|format| (format.media_type(), format));
        let known = |(name, _): &(&str, Format)| name.as_bytes().eq_ignore_ascii_case(media_type);
        let format = names.chain(ALSO).find(known).map(|(_, format)| format);
        format.filter(|format| format.is_read())
    }

    /// The usual file extension, without its dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        self.extensions().first().copied().unwrap_or_default()
    }

    /// The file extensions that files of it have, without their dots, the usual one first.
    #[must_use]
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Format::Jpeg => &["jpg", "jpeg"],
            Format::Png => &["png"],
            Format::Gif => &["gif"],
            Format::Webp => &["webp"],
            Format::Avif => &["avif"],
            Format::Bmp => &["bmp", "dib"],
            Format::Ico => &["ico"],
            Format::Pnm => &["pnm", "pbm", "pgm", "ppm", "pam"],
            Format::Qoi => &["qoi"],
            Format::Tiff => &["tiff", "tif"],
            Format::Jxl => &["jxl"],
            Format::Heic => &["heic", "heif", "hif"],
            Format::Svg => &["svg"],
        }
    }
}

/// Recognises an image by its first [`SNIFF_LEN`] bytes, of the formats that are
/// [read](Format::is_read).
#[must_use]
pub fn sniff(bytes: &[u8]) -> Option<Format> {
    recognize(bytes).filter(|format| format.is_read())
}

/// The format of an image by its first [`SNIFF_LEN`] bytes, be it read or not.
pub(super) fn recognize(bytes: &[u8]) -> Option<Format> {
    Some(match bytes {
        [0xff, 0xd8, 0xff, ..] => Format::Jpeg,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Format::Png,
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Format::Gif,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Format::Webp,
        [0, 0, 0, len, b'f', b't', b'y', b'p', brands @ ..] => return by_brands(*len, brands),
        [b'B', b'M', rest @ ..] if is_bmp_header_len(array(rest, 12)) => Format::Bmp,
        // The number of pictures, and of the first one two sides, the colours and a zero.
        [0, 0, 1, 0, 1..=255, 0, _, _, _, 0, ..] => Format::Ico,
        [b'P', b'1'..=b'7', rest @ ..] if goes_on_as_pnm(rest) => Format::Pnm,
        [b'q', b'o', b'i', b'f', ..] => Format::Qoi,
        // Raw files of Canon's cameras.
        [b'I', b'I', b'*', 0, _, _, _, _, b'C', b'R', ..] => return None,
        [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => Format::Tiff,
        [0xff, 0x0a, ..] => Format::Jxl,
        [0, 0, 0, 12, b'J', b'X', b'L', b' ', b'\r', b'\n', 0x87, b'\n', ..] => Format::Jxl,
        _ => return is_svg(bytes).then_some(Format::Svg),
    })
}

/// Whether what follows the first two bytes of a PNM file may be its header: a space or the end of a line, be it that
/// of DOS, and a number, a comment or a word of PAM.
fn goes_on_as_pnm(rest: &[u8]) -> bool {
    let rest = rest.get(..SNIFF_LEN - 2).unwrap_or(rest);
    let header = rest.trim_ascii_start();
    header.len() < rest.len() && matches!(header, [b'0'..=b'9' | b'#' | b'W', ..])
}

/// Whether the header of a BMP file may be so long: the oldest, those of OS/2 and of Windows.
fn is_bmp_header_len(len: Option<[u8; 4]>) -> bool {
    matches!(len, Some([12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

/// The format of a file by the first brands of its file type box of that length: the major one, and
/// compatible ones.
fn by_brands(len: u8, brands: &[u8]) -> Option<Format> {
    let len = usize::from(len).min(SNIFF_LEN).saturating_sub(8);
    let brands = brands.get(..len).unwrap_or(brands).as_chunks::<4>().0;
    // The second word is the minor version.
    let brands = || brands.iter().enumerate().filter(|&(i, _)| i != 1).map(|(_, brand)| brand);
    let names = |names: &[&[u8; 4]]| brands().any(|brand| names.contains(&brand));
    if names(&[b"avif", b"avis"]) {
        return Some(Format::Avif);
    }
    let is_heic = names(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"]);
    // What is coded otherwise says so, mostly.
    let is_other = names(&[b"avci", b"avcs", b"jpeg", b"jpgs", b"j2ki", b"j2is", b"vvic", b"vvis"]);
    (is_heic || names(&[b"mif1", b"msf1"]) && !is_other).then_some(Format::Heic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_in_its_place() {
        for (at, format) in Format::ALL.into_iter().enumerate() {
            assert_eq!(format.index(), at);
            assert_eq!(Format::from_name(format.name().as_bytes()), Some(format));
            let named = Format::from_media_type(format.media_type().as_bytes());
            assert_eq!(named, Some(format).filter(|format| format.is_read()));
        }
    }
}
