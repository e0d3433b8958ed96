//! What the regular expression of a location captures.

/// A group of a regular expression.
pub struct Capture {
    /// Which one it is, from 1.
    number: usize,
    /// Empty where it has none.
    name: Vec<u8>,
}

impl Capture {
    /// Whether a variable is what the group captured.
    pub fn is_called(&self, variable: &[u8]) -> bool {
        variable == self.number.to_string().as_bytes()
            || !self.name.is_empty() && self.name == variable
    }

    /// The names of the variables that are.
    pub fn names(self) -> impl Iterator<Item = Vec<u8>> {
        [self.number.to_string().into_bytes(), self.name]
            .into_iter()
            .filter(|name| !name.is_empty())
    }
}

/// The groups that capture; `None` where one holds another, as both then hold the same text.
pub fn captures(regex: &[u8]) -> Option<Vec<Capture>> {
    let (mut found, mut open, mut is_class) = (Vec::new(), Vec::new(), false);
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
                if is_capture {
                    if open.contains(&true) {
                        return None;
                    }
                    let name = name.unwrap_or_default().to_vec();
                    found.push(Capture { number: found.len() + 1, name });
                }
                open.push(is_capture);
            }
            b')' if !is_class => {
                open.pop();
            }
            _ => (),
        }
    }
    Some(found)
}

/// The name of the group whose `(` was read.
fn name(group: &[u8]) -> Option<&[u8]> {
    let named = group.strip_prefix(b"?")?;
    let named = named.strip_prefix(b"P").unwrap_or(named);
    let (end, name) = match named.split_first()? {
        (b'<', name) => (b'>', name),
        (b'\'', name) => (b'\'', name),
        _ => return None,
    };
    let name = name.split(|&byte| byte == end).next()?;
    // `(?<=` and `(?<!` look behind, and capture nothing.
    name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').then_some(name)
}
