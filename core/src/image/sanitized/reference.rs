//! What a document may point at: its own parts, and pictures that are in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::image::{Format, SNIFF_LEN, sniff};

/// A part of the document itself, without spaces around it.
pub(super) fn fragment(reference: &str) -> Option<&str> {
    let reference = reference.trim_ascii();
    reference.starts_with('#').then_some(reference)
}

/// A picture within the document, written anew: one that is made of pixels, under the name of what its bytes
/// are, whatever it is called.
pub(super) fn picture(reference: &str) -> Option<String> {
    let reference = reference.trim_ascii();
    let (scheme, rest) = reference.split_at_checked("data:".len())?;
    let (head, data) = rest.split_once(',')?;
    let is_base64 = head.rsplit_once(';')?.1.trim_ascii().eq_ignore_ascii_case("base64");
    if !scheme.eq_ignore_ascii_case("data:") || !is_base64 {
        return None;
    }
    let is_data = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let mut url = String::new();
    let mut rest = data;
    while let Some(next) = rest.chars().next() {
        let behind = rest.get(next.len_utf8()..)?;
        let (byte, behind) = match next {
            '%' => {
                let (digits, behind) = behind.split_at_checked(2)?;
                // A sign is no digit.
                let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                (u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?, behind)
            }
            next => (u8::try_from(next).ok()?, behind),
        };
        rest = behind;
        match byte {
            byte if is_data(byte) => url.push(char::from(byte)),
            byte if byte.is_ascii_whitespace() => {}
            _ => return None,
        }
    }
    let first = STANDARD.decode(url.get(..url.len().min(BEGIN))?).ok()?;
    let format = sniff(&first).filter(|format| is_shown(*format))?;
    url.insert_str(0, &format!("data:{};base64,", format.media_type()));
    Some(url)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures() {
        let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
        let url = format!("data:image/png;base64,{png}");
        for head in [
            "data:image/png;base64",
            " DATA:Image/JPEG;base64",
            "data:image/svg+xml;x=y; base64",
            "data:;base64",
            "data:text/html;base64",
        ] {
            assert_eq!(picture(&format!("{head},{png}")).as_ref(), Some(&url), "{head}");
        }
        for data in [
            format!("{}\n {}", &png[..30], &png[30..]),
            png.replace('=', "%3D").replace('+', "%2b"),
            png.replace('/', "%2F").replace('A', "%41%0a"),
        ] {
            assert_eq!(picture(&format!("data:image/png;base64,{data}")).as_ref(), Some(&url));
        }
        let svg = STANDARD.encode("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>");
        for other in [
            format!("data:image/svg+xml;base64,{svg}"),
            format!("data:image/png;base64,{svg}"),
            format!("data:image/png,{png}"),
            format!("data:base64,{png}"),
            format!("data:image/png;base64,{png}%22"),
            format!("data:image/png;base64,{png}%+1"),
            format!("data:image/png;base64,{png}%4"),
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
