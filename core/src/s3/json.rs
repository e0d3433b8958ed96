//! Credentials as the services of a machine or a container give them: of EC2, of ECS and of EKS.

use serde::Deserialize;

use super::answer::{self, AnswerError};
use super::credentials::Credentials;

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
pub fn parse_answer(text: &[u8]) -> Result<Credentials, AnswerError> {
    let answer: Answer = serde_json::from_slice(text).map_err(|_| AnswerError::Json)?;
    if answer.code.is_some_and(|code| code != "Success") {
        return Err(AnswerError::Code);
    }
    let Answer { access_key_id: id, secret_access_key: secret, token, expiration, .. } = answer;
    answer::Answer { id, secret, session_token: token, expiration }.credentials()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::s3::CredentialsError;

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
            ("", AnswerError::Json),
            ("SECRET", AnswerError::Json),
            ("[]", AnswerError::Json),
            (r#"{"AccessKeyId": 1}"#, AnswerError::Json),
            (r#"{"Code": "AssumeRoleUnauthorizedAccess"}"#, AnswerError::Code),
            ("{}", AnswerError::Credentials(CredentialsError::NoId)),
            (r#"{"AccessKeyId": "I"}"#, AnswerError::Credentials(CredentialsError::NoSecret)),
            (
                r#"{"AccessKeyId": "I", "SecretAccessKey": "S", "Token": "SECRET\n"}"#,
                AnswerError::Credentials(CredentialsError::SessionToken),
            ),
            (
                r#"{"AccessKeyId": "I", "SecretAccessKey": "S", "Expiration": "2026-01-01"}"#,
                AnswerError::Expiration,
            ),
            (
                r#"{"AccessKeyId": "I", "SecretAccessKey": "S", "Expiration": "soon"}"#,
                AnswerError::Expiration,
            ),
        ] {
            let found = parse_answer(answer.as_bytes()).unwrap_err();
            assert_eq!(found, error, "{answer}");
            assert!(!found.to_string().contains("SECRET"));
        }
    }
}
