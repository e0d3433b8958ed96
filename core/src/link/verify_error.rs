//! Why a link is refused.

/// Why a link is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// There is no token.
    #[error("there is no token")]
    Missing,
    /// The token, or a time, is not written as it must be.
    #[error("the token or a time is not written as it must be")]
    Malformed,
    /// The token signs something else, or was made with another key.
    #[error("the token signs something else, or was made with another key")]
    Mismatch,
    /// It was valid until a moment that has passed.
    #[error("the link has expired")]
    Expired,
    /// It becomes valid later.
    #[error("the link is not valid yet")]
    NotYet,
    /// It has arguments that nobody signed and nobody allowed.
    #[error("the link has an argument that is not signed")]
    Unsigned,
    /// There is no key, or none of the id that the token names.
    #[error("there is no key of that id")]
    NoKey,
}

impl VerifyError {
    /// Its word in `$secure_link_hash_reason`.
    pub fn name(self) -> &'static str {
        match self {
            VerifyError::Missing => "missing",
            VerifyError::Malformed => "malformed",
            VerifyError::Mismatch => "mismatch",
            VerifyError::Expired => "expired",
            VerifyError::NotYet => "not_yet",
            VerifyError::Unsigned => "unsigned",
            VerifyError::NoKey => "no_key",
        }
    }
}
