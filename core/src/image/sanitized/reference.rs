//! What a document may point at: its own parts, and pictures that are in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::image::{Format, SNIFF_LEN, sniff};

/// A part of the document itself, without spaces around it.
pub(super) fn fragment(reference: &str) -> Option<&str> {
    let reference = reference.trim_ascii();
    reference.starts_with('#').then_some(reference)
}

/// The media type and the data in base64, with the spaces that they may have, of a picture within the
/// document: one that is made of pixels, whatever it is called.
pub(super) fn picture(reference: &str) -> Option<(&'static str, &str)> {
    let reference = reference.trim_ascii();
    let (scheme, rest) = reference.split_at_checked("data:".len())?;
    let (head, data) = rest.split_once(',')?;
    let mut head = head.split(';').map(str::trim_ascii);
    let is_image = starts_with(head.next()?, "image/");
    let is_base64 = head.next_back()?.eq_ignore_ascii_case("base64");
    if !scheme.eq_ignore_ascii_case("data:") || !is_image || !is_base64 {
        return None;
    }
    let is_data = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'+' | b'/' | b'=')
            || byte.is_ascii_whitespace()
    };
    if !data.bytes().all(is_data) {
        return None;
    }
    let first: Vec<u8> =
        data.bytes().filter(|byte| !byte.is_ascii_whitespace()).take(BEGIN).collect();
    let first = STANDARD.decode(first).ok()?;
    let format = sniff(&first).filter(|format| is_shown(*format))?;
    Some((format.media_type(), data))
}

/// Letters of base64 by which a picture is known.
const BEGIN: usize = SNIFF_LEN.div_ceil(3) * 4;

/// Whether browsers show pictures of that format within drawings.
fn is_shown(format: Format) -> bool {
    match format {
        Format::Jpeg
        | Format::Png
        | Format::Gif
        | Format::Webp
        | Format::Avif
        | Format::Bmp
        | Format::Ico
        | Format::Jxl => true,
        Format::Pnm | Format::Qoi | Format::Tiff | Format::Heic | Format::Svg => false,
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures() {
        let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
        for head in
            ["data:image/png;base64", " DATA:Image/JPEG;base64", "data:image/svg+xml;x=y; base64"]
        {
            assert_eq!(picture(&format!("{head},{png}")), Some(("image/png", png)), "{head}");
        }
        let spaced = format!("{}\n {}", &png[..30], &png[30..]);
        assert!(picture(&format!("data:image/png;base64,{spaced}")).is_some());
        let svg = STANDARD.encode("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>");
        for other in [
            format!("data:image/svg+xml;base64,{svg}"),
            format!("data:image/png;base64,{svg}"),
            format!("data:image/png,{png}"),
            format!("data:text/html;base64,{png}"),
            format!("data:;base64,{png}"),
            format!("data:image/png;base64,{png}#x"),
            format!("data:image/png;base64,{png}\" x=\""),
            format!("https://example.com/data:image/png;base64,{png}"),
            "data:image/png;base64,".to_owned(),
            "data:".to_owned(),
            "é".to_owned(),
        ] {
            assert_eq!(picture(&other), None, "{other}");
        }
    }

    #[test]
    fn fragments() {
        assert_eq!(fragment(" #a\n"), Some("#a"));
        for other in ["", "a#b", "http://a/#b", "java\tscript:alert(1)", "\u{a0}#a", "//a#b"] {
            assert_eq!(fragment(other), None, "{other}");
        }
    }
}
