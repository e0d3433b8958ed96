//! Credentials as the services of a machine or a container give them: of EC2, of ECS and of EKS.

use serde::Deserialize;

use super::credentials::{Credentials, CredentialsError};
use crate::key::Date;

/// What is wrong with such an answer. Quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, or other values.
    #[error("the answer is not JSON with credentials in it")]
    Json,
    /// It says that there are none.
    #[error("the answer says that there are no credentials")]
    Code,
    /// A text that is no time.
    #[error("the credentials have an expiry that is no time")]
    Expiration,
    /// They can't be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    /// Only EC2 has one.
    code: Option<String>,
    #[serde(default)]
    access_key_id: String,
    #[serde(default)]
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

/// Reads an answer.
///
/// # Errors
/// What is wrong with it.
pub fn parse_answer(text: &[u8]) -> Result<Credentials, JsonError> {
    let answer: Answer = serde_json::from_slice(text).map_err(|_| JsonError::Json)?;
    if answer.code.is_some_and(|code| code != "Success") {
        return Err(JsonError::Code);
    }
    let token = answer.token.as_deref();
    let mut credentials =
        Credentials::new(&answer.access_key_id, &answer.secret_access_key, token)?;
    credentials.expires = match &answer.expiration {
        None => None,
        Some(text) => Some(parse_time(text).ok_or(JsonError::Expiration)?),
    };
    Ok(credentials)
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// As in "Retrieve security credentials from instance metadata" of EC2's user guide.
    #[test]
    fn an_answer_of_ec2() {
        let answer = br#"{
            "Code" : "Success",
            "LastUpdated" : "2012-04-26T16:39:16Z",
            "Type" : "AWS-HMAC",
            "AccessKeyId" : "ASIAIOSFODNN7EXAMPLE",
            "SecretAccessKey" : "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "Token" : "token",
            "Expiration" : "2017-05-17T15:09:54Z"
        }"#;
        let credentials = parse_answer(answer).unwrap();
        assert_eq!(credentials.id, "ASIAIOSFODNN7EXAMPLE");
        assert_eq!(credentials.session_token.as_deref(), Some("token"));
        assert_eq!(credentials.expires, Some(1_495_033_794));
    }

    #[test]
    fn an_answer_of_ecs() {
        let answer = br#"{"RoleArn": "arn", "AccessKeyId": "I", "SecretAccessKey": "S",
            "Token": "T", "Expiration": "1970-01-02T00:00:00.250Z"}"#;
        let mut expected = Credentials::new("I", "S", Some("T")).unwrap();
        expected.expires = Some(86_400);
        assert_eq!(parse_answer(answer), Ok(expected));
        let lasting = parse_answer(br#"{"AccessKeyId": "I", "SecretAccessKey": "S"}"#).unwrap();
        assert_eq!(lasting.expires, None);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_answer() {
        for (answer, error) in [
            ("", JsonError::Json),
            ("SECRET", JsonError::Json),
            ("[]", JsonError::Json),
            (r#"{"AccessKeyId": 1}"#, JsonError::Json),
            (r#"{"Code": "AssumeRoleUnauthorizedAccess"}"#, JsonError::Code),
            ("{}", JsonError::Credentials(CredentialsError::NoId)),
            (r#"{"AccessKeyId": "I"}"#, JsonError::Credentials(CredentialsError::NoSecret)),
            (
                r#"{"AccessKeyId": "I", "SecretAccessKey": "S", "Token": "SECRET\n"}"#,
                JsonError::Credentials(CredentialsError::SessionToken),
            ),
            (
                r#"{"AccessKeyId": "I", "SecretAccessKey": "S", "Expiration": "2026-01-01"}"#,
                JsonError::Expiration,
            ),
            (
                r#"{"AccessKeyId": "I", "SecretAccessKey": "S", "Expiration": "soon"}"#,
                JsonError::Expiration,
            ),
        ] {
            let found = parse_answer(answer.as_bytes()).unwrap_err();
            assert_eq!(found, error, "{answer}");
            assert!(!found.to_string().contains("SECRET"));
        }
    }
}
