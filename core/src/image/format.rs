//! Image types and how to recognise them.

use super::canonical::Canonical;

/// An image type that is both read and written.
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
}

impl Canonical for Format {
    fn write(&self, out: &mut String) {
        out.push_str(self.name());
    }
}

/// How many first bytes [`sniff`] looks at, at most.
pub const SNIFF_LEN: usize = 32;

impl Format {
    /// All of them, in the order of their numbers, in which counters of older versions have them.
    pub const ALL: [Format; 5] =
        [Format::Jpeg, Format::Png, Format::Gif, Format::Webp, Format::Avif];

    /// The formats that are not [universal](Format::is_universal), the smaller one first.
    pub(super) const MODERN: [Format; 2] = [Format::Avif, Format::Webp];

    /// Whether every client that shows images at all shows this one.
    #[must_use]
    pub fn is_universal(self) -> bool {
        !Format::MODERN.contains(&self)
    }

    /// Whether animations are written in this format.
    #[must_use]
    pub fn supports_animation(self) -> bool {
        matches!(self, Format::Gif | Format::Webp)
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
            Format::Png => "png",
            Format::Gif => "gif",
            Format::Webp => "webp",
            Format::Avif => "avif",
        }
    }

    /// The format of that [name](Format::name); `jpg` is accepted for JPEG.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Format> {
        match name {
            b"jpeg" | b"jpg" => Some(Format::Jpeg),
            b"png" => Some(Format::Png),
            b"gif" => Some(Format::Gif),
            b"webp" => Some(Format::Webp),
            b"avif" => Some(Format::Avif),
            _ => None,
        }
    }

    /// The registered media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Jpeg => "image/jpeg",
            Format::Png => "image/png",
            Format::Gif => "image/gif",
            Format::Webp => "image/webp",
            Format::Avif => "image/avif",
        }
    }

    /// The format of a media type without parameters, as it is registered or often written.
    #[must_use]
    pub fn from_media_type(media_type: &[u8]) -> Option<Format> {
        let names: [(&[u8], Format); 6] = [
            (b"image/jpeg", Format::Jpeg),
            (b"image/jpg", Format::Jpeg),
            (b"image/png", Format::Png),
            (b"image/gif", Format::Gif),
            (b"image/webp", Format::Webp),
            (b"image/avif", Format::Avif),
        ];
        let known = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(media_type));
        known.map(|&(_, format)| format)
    }

    /// The usual file extension, without its dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Format::Jpeg => "jpg",
            Format::Png => "png",
            Format::Gif => "gif",
            Format::Webp => "webp",
            Format::Avif => "avif",
        }
    }
}

/// Recognises an image by its first [`SNIFF_LEN`] bytes.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Option<Format> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::Webp),
        [0, 0, 0, len, b'f', b't', b'y', b'p', brands @ ..] if names_avif(*len, brands) => {
            Some(Format::Avif)
        }
        _ => None,
    }
}

/// Whether one of the first brands of a file type box of that length, the major one or a
/// compatible one, is AVIF's: for a still image or a sequence.
fn names_avif(len: u8, brands: &[u8]) -> bool {
    let len = usize::from(len).min(SNIFF_LEN).saturating_sub(8);
    let brands = brands.get(..len).unwrap_or(brands).as_chunks::<4>().0;
    // The second word is the minor version.
    brands.iter().enumerate().any(|(i, brand)| i != 1 && matches!(brand, b"avif" | b"avis"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_in_its_place() {
        for (at, format) in Format::ALL.into_iter().enumerate() {
            assert_eq!(format.index(), at);
            assert_eq!(Format::from_name(format.name().as_bytes()), Some(format));
        }
    }
}
