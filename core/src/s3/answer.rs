//! What services say that give credentials for some hours.

use super::credentials::{Credentials, CredentialsError};
use crate::key::Date;

/// What is wrong with an answer. Quotes nothing of it but what STS calls its refusals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Not JSON, or other values.
    #[error("the answer is not JSON with credentials in it")]
    Json,
    /// Not XML, or other elements.
    #[error("the answer is not XML with credentials in it")]
    Xml,
    /// It says that there are none.
    #[error("the answer says that there are no credentials")]
    Code,
    /// It says so, and why.
    #[error("the answer is \"{0}\"")]
    Refused(String),
    /// A text that is no time.
    #[error("the credentials have an expiry that is no time")]
    Expiration,
    /// They can't be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

/// Credentials as they stand in an answer.
#[derive(Default)]
pub(super) struct Answer {
    pub id: String,
    pub secret: String,
    pub session_token: Option<String>,
    pub expiration: Option<String>,
}

impl Answer {
    /// Takes them.
    pub(super) fn credentials(self) -> Result<Credentials, AnswerError> {
        let mut credentials =
            Credentials::new(&self.id, &self.secret, self.session_token.as_deref())?;
        credentials.expires = match &self.expiration {
            None => None,
            Some(text) => Some(parse_time(text).ok_or(AnswerError::Expiration)?),
        };
        Ok(credentials)
    }
}

/// A time of UTC; parts of a second don't count.
fn parse_time(text: &str) -> Option<u64> {
    let text = match text.split_once('.') {
        None => text.to_owned(),
        Some((whole, part)) => {
            let digits = part.strip_suffix('Z')?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("{whole}Z"))?
        }
    };
    let (first, last) = Date::parse(text.as_bytes())?;
    // A date alone is none.
    (last - first == 1).then_some(first)
}
