//! The file name in `Content-Disposition` (RFC 6266).

use super::Format;

/// Extensions longer than this are no extensions but the end of a sentence.
const MAX_EXTENSION: usize = 5;

/// Gives the file names in a `Content-Disposition` value the extension of
/// `format`; `None` where nothing changes.
///
/// Both `filename` (token or quoted string) and `filename*` are renamed. A name
/// without an extension stays as it is, and so does one whose extension
/// already stands for the format (`photo.JPEG` for JPEG).
#[must_use]
pub fn rename_attachment(content_disposition: &[u8], format: Format) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(content_disposition.len() + 2 * MAX_EXTENSION);
    let mut copied = 0;
    for param in DispositionParams::new(content_disposition) {
        let name = content_disposition.get(param.name.clone())?;
        if !name.eq_ignore_ascii_case(b"filename") && !name.eq_ignore_ascii_case(b"filename*") {
            continue;
        }
        let value = content_disposition.get(param.value.clone())?;
        let Some(dot) = extension_dot(value) else { continue };
        let extension = value.get(dot + 1..)?;
        if stands_for(extension, format) {
            continue;
        }
        out.extend_from_slice(content_disposition.get(copied..=param.value.start + dot)?);
        out.extend_from_slice(format.extension().as_bytes());
        copied = param.value.end;
    }
    if copied == 0 {
        return None;
    }
    out.extend_from_slice(content_disposition.get(copied..)?);
    Some(out)
}

/// Where the dot before the extension is.
fn extension_dot(name: &[u8]) -> Option<usize> {
    let dot = name.iter().rposition(|&byte| byte == b'.')?;
    let extension = name.get(dot + 1..)?;
    let plausible = (1..=MAX_EXTENSION).contains(&extension.len())
        && extension.iter().all(u8::is_ascii_alphanumeric);
    (dot > 0 && plausible).then_some(dot)
}

fn stands_for(extension: &[u8], format: Format) -> bool {
    let extension = extension.to_ascii_lowercase();
    Format::from_name(&extension) == Some(format)
}

/// One parameter of the value, as byte ranges; quotes are left out.
struct Param {
    name: std::ops::Range<usize>,
    value: std::ops::Range<usize>,
}

/// Walks over `; name=value` pairs; ends at the first that is malformed.
struct DispositionParams<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl DispositionParams<'_> {
    fn new(bytes: &[u8]) -> DispositionParams<'_> {
        DispositionParams {
            bytes,
            at: bytes.iter().position(|&b| b == b';').unwrap_or(bytes.len()),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
    }

    fn token(&mut self) -> std::ops::Range<usize> {
        let start = self.at;
        self.skip(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b';' | b'=' | b'"'));
        start..self.at
    }

    fn quoted(&mut self) -> Option<std::ops::Range<usize>> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(start..self.at - 1)
    }
}

impl Iterator for DispositionParams<'_> {
    type Item = Param;

    fn next(&mut self) -> Option<Param> {
        self.skip(|byte| byte == b';' || byte.is_ascii_whitespace());
        let name = self.token();
        self.skip(|byte| byte.is_ascii_whitespace());
        if name.is_empty() || self.peek()? != b'=' {
            return None;
        }
        self.at += 1;
        self.skip(|byte| byte.is_ascii_whitespace());
        let value = if self.peek() == Some(b'"') { self.quoted()? } else { self.token() };
        Some(Param { name, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(value: &str, format: Format) -> Option<String> {
        rename_attachment(value.as_bytes(), format).map(|out| String::from_utf8(out).unwrap())
    }

    #[test]
    fn every_notation() {
        for (before, after) in [
            ("attachment; filename=a.png", "attachment; filename=a.webp"),
            ("attachment;filename=\"a b.png\"", "attachment;filename=\"a b.webp\""),
            ("inline; FileName = \"x.y.jpeg\" ; a=b", "inline; FileName = \"x.y.webp\" ; a=b"),
            (
                "attachment; filename=\"a.png\"; filename*=UTF-8''%c3%a4.png",
                "attachment; filename=\"a.webp\"; filename*=UTF-8''%c3%a4.webp",
            ),
            ("attachment; filename=\"a;\\\".png\"", "attachment; filename=\"a;\\\".webp\""),
        ] {
            assert_eq!(renamed(before, Format::Webp).as_deref(), Some(after), "{before}");
        }
        assert_eq!(
            renamed("attachment; filename=a.png", Format::Jpeg).as_deref(),
            Some("attachment; filename=a.jpg")
        );
    }

    #[test]
    fn nothing_to_change() {
        for value in [
            "",
            "inline",
            "attachment; filename=a.webp",
            "attachment; filename=a.WEBP",
            "attachment; filename=picture",
            "attachment; filename=.png",
            "attachment; filename=\"No. 5 of them\"",
            "attachment; filename=\"a.png",
            "attachment; filename=\"a.png\\",
            "attachment; filename=",
            "attachment; name=\"a.png\"",
            ";;;===\"",
        ] {
            assert_eq!(renamed(value, Format::Webp), None, "{value}");
        }
        assert_eq!(renamed("attachment; filename=a.JPEG", Format::Jpeg), None);
        assert_eq!(renamed("attachment; filename=a.jpg", Format::Jpeg), None);
    }

    #[test]
    fn bytes_of_any_charset_survive() {
        let out = rename_attachment(b"attachment; filename=\"\xe4.gif\"", Format::Png).unwrap();
        assert_eq!(out, b"attachment; filename=\"\xe4.png\"");
    }
}
