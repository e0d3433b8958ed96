//! Credentials as the Security Token Service gives them to who shows a token of somebody else's.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::answer::{Answer, AnswerError};
use super::credentials::Credentials;
use crate::escapes::percent_encode;

/// The version of the interface: the only one there is.
const VERSION: &str = "2011-06-15";

/// The longest name of a refusal.
const LONGEST_CODE: usize = 64;

/// Returns the body of a request of `AssumeRoleWithWebIdentity`, a form.
#[must_use]
pub fn web_identity_form(role: &str, session: &str, token: &str) -> String {
    let [role, session, token] = [role, session, token].map(|text| percent_encode(text.as_bytes()));
    format!(
        "Action=AssumeRoleWithWebIdentity&Version={VERSION}&RoleArn={role}\
         &RoleSessionName={session}&WebIdentityToken={token}"
    )
}

/// Reads an answer.
///
/// # Errors
/// What is wrong with it.
pub fn parse_web_identity_answer(text: &[u8]) -> Result<Credentials, AnswerError> {
    let text = std::str::from_utf8(text).map_err(|_| AnswerError::Xml)?;
    let mut reader = Reader::from_str(text);
    let (mut answer, mut code) = (Answer::default(), String::new());
    // The names of the elements that are open.
    let mut open: Vec<String> = Vec::new();
    loop {
        match reader.read_event().map_err(|_| AnswerError::Xml)? {
            Event::Start(tag) => open.push(tag.local_name().as_ref().to_owned()),
            Event::End(_) => {
                open.pop().ok_or(AnswerError::Xml)?;
            }
            Event::Text(text) => {
                let text = text.xml10_content();
                let names = open.last_chunk().map(|names: &[_; 2]| names.each_ref());
                match names.map(|names| names.map(String::as_str)).unwrap_or_default() {
                    ["Credentials", "AccessKeyId"] => answer.id.push_str(&text),
                    ["Credentials", "SecretAccessKey"] => answer.secret.push_str(&text),
                    ["Credentials", "SessionToken"] => {
                        answer.session_token.get_or_insert_default().push_str(&text);
                    }
                    ["Credentials", "Expiration"] => {
                        answer.expiration.get_or_insert_default().push_str(&text);
                    }
                    ["Error", "Code"] => code.push_str(&text),
                    _ => (),
                }
            }
            Event::Eof => break,
            // No value has an entity or a section; what a document type defines could be anywhere.
            Event::GeneralRef(_) | Event::CData(_)
                if open.last().is_none_or(|name| name != "Message") =>
            {
                return Err(AnswerError::Xml);
            }
            Event::DocType(_) => return Err(AnswerError::Xml),
            _ => (),
        }
    }
    if !open.is_empty() {
        return Err(AnswerError::Xml);
    }
    let is_word = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    match (code.len(), is_word) {
        (0, _) if answer.id.is_empty() => Err(AnswerError::Xml),
        (0, _) => answer.credentials(),
        (1..=LONGEST_CODE, true) => Err(AnswerError::Refused(code)),
        _ => Err(AnswerError::Code),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::s3::CredentialsError;

    /// As in the reference of STS's interface.
    fn answer(token: &str, expiration: &str) -> String {
        format!(
            "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">
               <AssumeRoleWithWebIdentityResult>
                 <SubjectFromWebIdentityToken>system:serviceaccount:a:b</SubjectFromWebIdentityToken>
                 <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/a/b</Arn>
                   <AssumedRoleId>AROACLKWSDQRAOEXAMPLE:b</AssumedRoleId></AssumedRoleUser>
                 <Credentials>
                   <SessionToken>{token}</SessionToken>
                   <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY</SecretAccessKey>
                   <Expiration>{expiration}</Expiration>
                   <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>
                 </Credentials>
               </AssumeRoleWithWebIdentityResult>
               <ResponseMetadata><RequestId>ad4156e9</RequestId></ResponseMetadata>
             </AssumeRoleWithWebIdentityResponse>"
        )
    }

    fn parse(text: &str) -> Result<Credentials, AnswerError> {
        parse_web_identity_answer(text.as_bytes())
    }

    #[test]
    fn an_answer() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let mut expected =
            Credentials::new("ASIAIOSFODNN7EXAMPLE", secret, Some("AQoDY/+=")).unwrap();
        expected.expires = Some(1_414_191_623);
        assert_eq!(parse(&answer("AQoDY/+=", "2014-10-24T23:00:23Z")), Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_answer() {
        let good = answer("SECRET", "2014-10-24T23:00:23Z");
        let refused = |code: &str| {
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>SECRET &amp; more</Message></Error></ErrorResponse>"
            )
        };
        for (text, error) in [
            ("", AnswerError::Xml),
            ("SECRET", AnswerError::Xml),
            ("<a>SECRET</b>", AnswerError::Xml),
            ("<Credentials><AccessKeyId>I", AnswerError::Xml),
            (&good[..good.len() - 1], AnswerError::Xml),
            (&good[..good.len() / 2], AnswerError::Xml),
            (&format!("<!DOCTYPE a [<!ENTITY b 'SECRET'>]>{good}"), AnswerError::Xml),
            (&answer("&b;SECRET", "2014-10-24T23:00:23Z"), AnswerError::Xml),
            (
                &answer("a SECRET", "2014-10-24T23:00:23Z"),
                AnswerError::Credentials(CredentialsError::SessionToken),
            ),
            (&answer("SECRET", "soon"), AnswerError::Expiration),
            (&refused("ExpiredTokenException"), {
                AnswerError::Refused("ExpiredTokenException".to_owned())
            }),
            (&refused("SECRET SECRET"), AnswerError::Code),
            (&refused(&"a".repeat(65)), AnswerError::Code),
        ] {
            let found = parse(text).unwrap_err();
            assert_eq!(found, error, "{text}");
            assert!(!found.to_string().contains("SECRET"));
        }
    }

    #[test]
    fn names_count_only_where_they_belong() {
        let text = "<a><Credentials><AccessKeyId>I</AccessKeyId><b><AccessKeyId>\
                    other</AccessKeyId></b><SecretAccessKey>S</SecretAccessKey></Credentials><AccessKeyId>other\
                    </AccessKeyId></a>";
        assert_eq!(parse(text), Ok(Credentials::new("I", "S", None).unwrap()));
        assert!(parse_web_identity_answer(b"\xff").is_err());
    }

    #[test]
    fn a_form_is_escaped() {
        assert_eq!(
            web_identity_form("arn:aws:iam::1:role/a", "nginx", "a.b-c_d&Action=x"),
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3A\
             role%2Fa&RoleSessionName=nginx&WebIdentityToken=a.b-c_d%26Action%3Dx"
        );
    }
}
