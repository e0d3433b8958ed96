//! Arguments of a request, in the one order and the one spelling in which they are signed and sent.

use crate::escapes::{percent_decode_lossy, percent_encode};
use crate::link;

/// Arguments, escaped.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Takes arguments as they stand in a URL. A plus is a plus.
    pub fn parse(args: &[u8]) -> Query {
        let mut query = Query::default();
        for (name, value) in link::arguments(args) {
            query.push(&percent_decode_lossy(name), &percent_decode_lossy(value));
        }
        query
    }

    /// Adds an argument.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.0.push((percent_encode(name), percent_encode(value)));
    }

    /// Returns them as they are signed, and sent.
    pub fn into_text(mut self) -> String {
        self.0.sort();
        let pairs: Vec<_> =
            self.0.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_order_and_one_spelling() {
        for (args, text) in [
            ("", ""),
            ("&&", ""),
            ("lifecycle", "lifecycle="),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1&A=3", "A=3&a=1&a=2"),
            ("versionId=a+b/c==", "versionId=a%2Bb%2Fc%3D%3D"),
            ("x=%7e%2f%c3%bc%", "x=~%2F%C3%BC%25"),
            ("response-content-type=image/jpeg; a", "response-content-type=image%2Fjpeg%3B%20a"),
        ] {
            assert_eq!(Query::parse(args.as_bytes()).into_text(), text, "{args}");
        }
    }
}
