//! The file in which AWS's own tools keep credentials: sections of profiles, with a name and a value a line.

use super::credentials::{Credentials, CredentialsError};

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";
const TOKEN: &str = "aws_session_token";
const NAMES: [&str; 3] = [ID, SECRET, TOKEN];

/// What is wrong with a file of credentials. Quotes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IniError {
    /// A byte that is no character.
    #[error("not UTF-8")]
    Encoding,
    /// A line that is none of such a file, by its number from 1.
    #[error("line {0}: {1}")]
    Line(usize, &'static str),
    /// There is no such section.
    #[error("there is no profile \"{0}\"")]
    NoProfile(String),
    /// What is in the section is not enough, or wrong.
    #[error("profile \"{0}\": {1}")]
    Profile(String, CredentialsError),
}

/// Reads the credentials of a profile.
///
/// # Errors
/// The first thing that is wrong with the file.
pub fn parse_profile(text: &[u8], profile: &str) -> Result<Credentials, IniError> {
    let text = std::str::from_utf8(text).map_err(|_| IniError::Encoding)?;
    let mut section = None;
    let mut sections: Vec<&str> = Vec::new();
    let mut found: [Option<&str>; NAMES.len()] = [None; NAMES.len()];
    // Whether the line before gave one of the values, which an indented line would go on.
    let mut is_value = false;
    for (index, line) in text.lines().enumerate() {
        let fail = |reason| Err(IniError::Line(index + 1, reason));
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[') {
            let Some(name) = name.strip_suffix(']') else {
                return fail("a section that is not closed by \"]\"");
            };
            // The other file of those tools writes it so.
            let name = name.trim();
            let name = name.strip_prefix("profile ").unwrap_or(name).trim();
            if sections.contains(&name) {
                return fail("a second section of that profile");
            }
            sections.push(name);
            (section, is_value) = (Some(name), false);
            continue;
        }
        let Some(section) = section else { return fail("a value before the first section") };
        if line.starts_with([' ', '\t']) && is_value {
            return fail("a value of more than one line");
        }
        let Some((name, value)) = trimmed.split_once('=') else {
            return fail("neither a section nor \"name = value\"");
        };
        let name = name.trim_end().to_ascii_lowercase();
        let place = NAMES.iter().position(|known| *known == name);
        is_value = place.is_some();
        if section != profile {
            continue;
        }
        if let Some(slot) = place.and_then(|place| found.get_mut(place)) {
            if slot.is_some() {
                return fail("a second value of that name");
            }
            *slot = Some(value.trim_start());
        }
    }
    if !sections.contains(&profile) {
        return Err(IniError::NoProfile(profile.to_owned()));
    }
    let [id, secret, token] = found;
    Credentials::new(id.unwrap_or_default(), secret.unwrap_or_default(), token)
        .map_err(|error| IniError::Profile(profile.to_owned(), error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const FILE: &str = "\
# a comment
[default]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key=wJalr/XUtn+FEMI=
region = eu-central-1
s3 =
  max_concurrent_requests = 20

[ other ]\r
AWS_ACCESS_KEY_ID=ID2\r
aws_secret_access_key =\ts2\r
aws_session_token = t=2\r
; a comment
[profile third]
role_arn = arn:aws:iam::1:role/x
";

    #[test]
    fn profiles_of_a_file() {
        let parse = |profile| parse_profile(FILE.as_bytes(), profile);
        let expected = Credentials::new("AKIDEXAMPLE", "wJalr/XUtn+FEMI=", None);
        assert_eq!(parse("default").unwrap(), expected.unwrap());
        assert_eq!(parse("other").unwrap(), Credentials::new("ID2", "s2", Some("t=2")).unwrap());
        let third = IniError::Profile("third".to_owned(), CredentialsError::NoId);
        assert_eq!(parse("third").unwrap_err(), third);
        assert_eq!(parse("no").unwrap_err().to_string(), "there is no profile \"no\"");
    }

    #[test]
    fn what_is_wrong_is_said_by_line_and_without_the_value() {
        let good = "[default]\naws_access_key_id = SECRET1\naws_secret_access_key = SECRET2\n";
        for (text, reason) in [
            ("", "there is no profile \"default\""),
            ("aws_access_key_id = SECRET1\n", "line 1: a value before the first section"),
            ("[default\n", "line 1: a section that is not closed by \"]\""),
            (&format!("{good}SECRET3\n"), "line 4: neither a section nor \"name = value\""),
            (&format!("{good}  SECRET3\n"), "line 4: a value of more than one line"),
            (&format!("{good}[default]\n"), "line 4: a second section of that profile"),
            (
                &format!("{good}aws_access_key_id = SECRET3\n"),
                "line 4: a second value of that name",
            ),
            (
                "[default]\naws_access_key_id = SECRET1\n",
                "profile \"default\": no secret access key",
            ),
            (
                "[default]\naws_access_key_id = A\naws_secret_access_key = SECRET # mine\n",
                "profile \"default\": the secret access key has a character that none has",
            ),
        ] {
            let error = parse_profile(text.as_bytes(), "default").unwrap_err().to_string();
            assert_eq!(error, reason);
            assert!(!error.contains("SECRET"));
        }
        assert_eq!(parse_profile(b"[default]\n\xff", "default").unwrap_err(), IniError::Encoding);
    }
}
