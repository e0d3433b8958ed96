//! Expressions of nginx.conf, evaluated over a link where there is no nginx.

use std::borrow::Cow;

use super::url::{Url, is_plain};
use crate::escapes::percent_decode_strict;

/// Text with variables in it: `$uri|$secure_link_hash_expires`, `${uri}x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression(Vec<Term>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Text(String),
    Variable(String),
}

/// Why an expression comes to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// A dollar sign without a name.
    #[error("no name behind \"$\"")]
    Name,
    /// A brace that is not closed.
    #[error("no \"}}\" behind \"${{\"")]
    Brace,
    /// A variable that a link alone does not give.
    #[error("a link alone does not say what ${0} is")]
    Unknown(String),
    /// A path that nginx takes for another.
    #[error("$uri: nginx would resolve the path of this link to another one")]
    Path,
}

impl Expression {
    /// Reads one as nginx does.
    ///
    /// # Errors
    /// [`ExpressionError::Name`] or [`ExpressionError::Brace`].
    pub fn parse(text: &str) -> Result<Expression, ExpressionError> {
        let mut pieces = text.split('$');
        let mut parts = vec![Term::Text(pieces.next().unwrap_or_default().to_string())];
        for piece in pieces {
            let (name, rest) = match piece.strip_prefix('{') {
                Some(piece) => piece.split_once('}').ok_or(ExpressionError::Brace)?,
                None => {
                    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    piece.split_at(piece.find(|c| !is_name(c)).unwrap_or(piece.len()))
                }
            };
            if name.is_empty() {
                return Err(ExpressionError::Name);
            }
            parts.push(Term::Variable(name.to_string()));
            parts.push(Term::Text(rest.to_string()));
        }
        parts.retain(|part| !matches!(part, Term::Text(text) if text.is_empty()));
        Ok(Expression(parts))
    }

    /// The names of its variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Term::Variable(name) => Some(name.as_str()),
            Term::Text(_) => None,
        })
    }

    /// The text that it comes to.
    ///
    /// # Errors
    /// [`ExpressionError::Unknown`] or [`ExpressionError::Path`].
    pub fn evaluate(&self, variables: &Variables<'_>) -> Result<Vec<u8>, ExpressionError> {
        let mut out = Vec::new();
        for part in &self.0 {
            match part {
                Term::Text(text) => out.extend(text.as_bytes()),
                Term::Variable(name) => out.extend(&*variables.variable(name)?),
            }
        }
        Ok(out)
    }
}

/// What the variables of an expression are.
#[derive(Debug, Clone, Copy)]
pub struct Variables<'a> {
    /// The link.
    pub url: &'a str,
    /// The expiry, as it stands in the link.
    pub expires: &'a [u8],
    /// Variables by name; they go first.
    pub set: &'a [(String, String)],
    /// Whether `$uri` is the path as the link has it, which nginx never sees.
    pub is_raw: bool,
}

impl<'a> Variables<'a> {
    fn variable(&self, name: &str) -> Result<Cow<'a, [u8]>, ExpressionError> {
        if let Some((_, value)) = self.set.iter().find(|(known, _)| known == name) {
            return Ok(value.as_bytes().into());
        }
        let url = Url::parse(self.url.as_bytes());
        let Url { origin, path, .. } = url;
        let at = origin.windows(3).position(|three| three == b"://");
        let unknown = || ExpressionError::Unknown(name.to_string());
        Ok(match name {
            "uri" | "document_uri" if self.is_raw => path.into(),
            "uri" | "document_uri" if !is_plain(path) => return Err(ExpressionError::Path),
            "uri" | "document_uri" => percent_decode_strict(path).ok_or(ExpressionError::Path)?,
            "secure_link_hash_expires" | "secure_link_expires" => self.expires.into(),
            "scheme" => at.and_then(|at| origin.get(..at)).ok_or_else(unknown)?.into(),
            "http_host" => at.and_then(|at| origin.get(at + 3..)).ok_or_else(unknown)?.into(),
            _ => match name.strip_prefix("arg_") {
                Some(name) => url.argument_of_nginx(name.as_bytes()).unwrap_or_default().into(),
                None => return Err(unknown()),
            },
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn evaluate(text: &str, url: &str) -> Result<String, ExpressionError> {
        let set = [("remote_addr".to_string(), "192.0.2.7".to_string())];
        let variables = Variables { url, expires: b"7", set: &set, is_raw: false };
        let out = Expression::parse(text)?.evaluate(&variables)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn variables_of_a_link() {
        let url = "https://h.example:8443/a%20b/c.jpg?w=1%202&t=x";
        for (text, expected) in [
            ("", ""),
            ("text", "text"),
            ("$arg_W|$arg_Q", "1%202|"),
            ("$uri|$secure_link_hash_expires|$arg_w", "/a b/c.jpg|7|1%202"),
            ("$secure_link_expires$uri$remote_addr s", "7/a b/c.jpg192.0.2.7 s"),
            ("${uri}x${arg_t}", "/a b/c.jpgxx"),
            ("$scheme://$http_host$arg_none", "https://h.example:8443"),
        ] {
            assert_eq!(evaluate(text, url).as_deref(), Ok(expected), "{text}");
        }
        let raw = Variables { url, expires: b"", set: &[], is_raw: true };
        let uri = Expression::parse("$uri").unwrap().evaluate(&raw);
        assert_eq!(uri.as_deref(), Ok(&b"/a%20b/c.jpg"[..]));
    }

    #[test]
    fn what_comes_to_nothing() {
        for (text, error) in [
            ("$", ExpressionError::Name),
            ("a$ b", ExpressionError::Name),
            ("${}", ExpressionError::Name),
            ("${uri", ExpressionError::Brace),
            ("$request_id", ExpressionError::Unknown("request_id".into())),
            ("$scheme", ExpressionError::Unknown("scheme".into())),
        ] {
            assert_eq!(evaluate(text, "/a"), Err(error), "{text}");
        }
        for url in ["/a/../b", "/a//b", "/a%2fb", "/a%2", "a"] {
            assert_eq!(evaluate("$uri", url), Err(ExpressionError::Path), "{url}");
        }
    }

    #[test]
    fn names_of_variables() {
        let expression = Expression::parse("$a-${b}c$d_1").unwrap();
        assert_eq!(expression.variables().collect::<Vec<_>>(), ["a", "b", "d_1"]);
    }
}
