//! Who asks an S3 service.

use std::fmt;

/// An access key of AWS's kind.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// What the service knows it by. It is a part of each request.
    pub id: String,
    pub(super) secret: String,
    /// What comes with keys that do not last.
    pub session_token: Option<String>,
    /// When it ends, in seconds since 1970.
    pub expires: Option<u64>,
}

/// Tells nothing of the secret, nor of the token.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("id", &self.id)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// What is wrong with credentials. The messages never hold any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// There is no ID.
    #[error("no access key ID")]
    NoId,
    /// There is no secret.
    #[error("no secret access key")]
    NoSecret,
    /// It would not be one word of a header.
    #[error("the access key ID has a character that none has")]
    Id,
    /// A comment behind it may be meant.
    #[error("the secret access key has a character that none has")]
    Secret,
    /// It would not be one word of a header.
    #[error("the session token has a character that none has")]
    SessionToken,
}

impl Credentials {
    /// Takes an ID, a secret and maybe a session token.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(
        id: &str,
        secret: &str,
        session_token: Option<&str>,
    ) -> Result<Credentials, CredentialsError> {
        let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if id.is_empty() {
            return Err(CredentialsError::NoId);
        }
        if secret.is_empty() {
            return Err(CredentialsError::NoSecret);
        }
        // What ends it in a header that names it.
        if !is_word(id) || id.contains(['/', ',']) {
            return Err(CredentialsError::Id);
        }
        if !is_word(secret) {
            return Err(CredentialsError::Secret);
        }
        let session_token = session_token.filter(|token| !token.is_empty());
        if !session_token.is_none_or(is_word) {
            return Err(CredentialsError::SessionToken);
        }
        Ok(Credentials {
            id: id.to_owned(),
            secret: secret.to_owned(),
            session_token: session_token.map(str::to_owned),
            expires: None,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_word_of_a_header_is_refused() {
        use CredentialsError as E;
        for (id, secret, token, error) in [
            ("", "s", None, E::NoId),
            ("i", "", None, E::NoSecret),
            ("i i", "s", None, E::Id),
            ("i/i", "s", None, E::Id),
            ("i,i", "s", None, E::Id),
            ("i\n", "s", None, E::Id),
            ("i", "s # a comment", None, E::Secret),
            ("i", "s\u{e9}", None, E::Secret),
            ("i", "s", Some("t\r\nX: y"), E::SessionToken),
        ] {
            assert_eq!(Credentials::new(id, secret, token).unwrap_err(), error, "{id} {secret}");
        }
        let empty = Credentials::new("i", "s/+=", Some("")).unwrap();
        assert_eq!(empty.session_token, None);
    }

    #[test]
    fn debugging_tells_no_secret() {
        let text = format!("{:?}", Credentials::new("ident", "hush", Some("whisper")).unwrap());
        assert!(text.contains("ident"), "{text}");
        assert!(!text.contains("hush") && !text.contains("whisper"), "{text}");
    }
}
