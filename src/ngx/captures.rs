//! What a regular expression captures, and what fits it begins with.

/// A group of a regular expression.
pub struct Capture<'a> {
    /// Which one it is, from 1.
    number: usize,
    /// Empty where it has none.
    name: &'a [u8],
    /// What it stands for, without its parentheses.
    text: &'a [u8],
}

impl<'a> Capture<'a> {
    /// Whether a variable is what the group captured.
    pub fn is_called(&self, variable: &[u8]) -> bool {
        variable == self.number.to_string().as_bytes()
            || !self.name.is_empty() && self.name == variable
    }

    /// The names of the variables that are.
    pub fn names(self) -> impl Iterator<Item = Vec<u8>> {
        [self.number.to_string().into_bytes(), self.name.to_vec()]
            .into_iter()
            .filter(|name| !name.is_empty())
    }

    /// Whether it captures whatever stands there, more segments of a path among it.
    pub fn is_anything(&self) -> bool {
        matches!(self.text, b".*" | b".+" | b".*?" | b".+?")
    }

    /// Whether it captures nothing but digits.
    pub fn is_number(&self) -> bool {
        let mut rest = self.text;
        let mut has_digits = false;
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'\\' if after.first() == Some(&b'd') => {
                    has_digits = true;
                    rest = after.get(1..).unwrap_or_default();
                }
                b'0'..=b'9' => has_digits = true,
                b'[' | b']' | b'-' | b'{' | b',' | b'}' | b'+' | b'*' | b'?' | b'|' => (),
                _ => return false,
            }
        }
        has_digits
    }
}

/// The groups that capture; `None` where one holds another, as both then hold the same text.
pub fn captures(regex: &[u8]) -> Option<Vec<Capture<'_>>> {
    let mut found: Vec<Capture<'_>> = Vec::new();
    // Of those that are open, which they are of those that capture, and where their text begins.
    let (mut open, mut is_class) = (Vec::new(), false);
    let mut rest = regex;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'\\' => rest = rest.get(1..).unwrap_or_default(),
            b'[' => is_class = true,
            b']' => is_class = false,
            b'(' if !is_class => {
                let name = name(rest);
                let is_capture = name.is_some() || !matches!(rest.first(), Some(b'?' | b'*'));
                let mut place = None;
                if is_capture {
                    if open.iter().any(Option::is_some) {
                        return None;
                    }
                    let (name, text) = name.unwrap_or((b"", rest));
                    place = Some((found.len(), text));
                    found.push(Capture { number: found.len() + 1, name, text: b"" });
                }
                open.push(place);
            }
            b')' if !is_class => {
                if let Some((place, text)) = open.pop().flatten()
                    && let Some(capture) = found.get_mut(place)
                {
                    let len = text.len().saturating_sub(rest.len() + 1);
                    capture.text = text.get(..len).unwrap_or_default();
                }
            }
            _ => (),
        }
    }
    Some(found)
}

/// The name of the group whose `(` was read, and what stands behind it.
fn name(group: &[u8]) -> Option<(&[u8], &[u8])> {
    let named = group.strip_prefix(b"?")?;
    let named = named.strip_prefix(b"P").unwrap_or(named);
    let (end, name) = match named.split_first()? {
        (b'<', name) => (b'>', name),
        (b'\'', name) => (b'\'', name),
        _ => return None,
    };
    let len = name.iter().position(|&byte| byte == end)?;
    let (name, text) = name.split_at(len);
    // `(?<=` and `(?<!` look behind, and capture nothing.
    let is_name = name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    is_name.then_some((name, text.get(1..).unwrap_or_default()))
}

/// What all URIs begin with that fit a regular expression, as far as that is easily seen.
pub fn beginning(regex: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    // Each of several may begin in another way.
    let one = Some(regex).filter(|regex| !regex.contains(&b'|'));
    let mut rest = one.and_then(|one| one.strip_prefix(b"^")).unwrap_or_default();
    loop {
        match *rest {
            [b'\\', byte, ref after @ ..] if byte.is_ascii_punctuation() => {
                text.push(byte);
                rest = after;
            }
            [byte, ref after @ ..] if byte.is_ascii_alphanumeric() || b"/-_~%".contains(&byte) => {
                text.push(byte);
                rest = after;
            }
            [b'?' | b'*' | b'{', ..] => {
                text.pop();
                return text;
            }
            _ => return text,
        }
    }
}
