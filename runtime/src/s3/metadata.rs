//! Credentials that services of a machine or a container give, and that end after some hours.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use image_gate_core::s3::{Credentials, parse_answer};
use ureq::Agent;
use ureq::http::Response;

use super::http::{self, LARGEST, word};
use crate::files;

/// Where EC2 tells a machine of itself.
const INSTANCE: &str = "http://169.254.169.254";

/// Where ECS tells a task of itself.
const CONTAINER: &str = "http://169.254.170.2";

/// For how many seconds a session with the service of a machine lasts.
const SESSION: &str = "300";

/// A service that gives credentials.
#[derive(Debug, Clone)]
pub struct MetadataService {
    /// Its URL. It has no name that would have to be looked up.
    url: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// EC2's, version 2: it wants a token of its own with each question.
    Instance,
    /// That of ECS or EKS, with what stands in `Authorization`.
    Container(Option<Token>),
}

/// A token for the service of a container.
#[derive(Clone)]
enum Token {
    Text(String),
    /// Read for each question: it ends, too.
    File(PathBuf),
}

/// Tells nothing of it.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Token::Text(_) => "Text",
            Token::File(_) => "File",
        })
    }
}

impl MetadataService {
    /// Returns that of a machine of EC2, or one that is asked alike at a URL.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub fn instance(url: Option<&str>) -> Result<MetadataService, String> {
        let url = checked(url.unwrap_or(INSTANCE))?.trim_end_matches('/').to_owned();
        Ok(MetadataService { url, kind: Kind::Instance })
    }

    /// Returns that of a container of ECS or EKS: at a URL, or where the variables of its
    /// environment say.
    ///
    /// # Errors
    /// What is missing, or wrong with the URL.
    pub fn container(
        url: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<MetadataService, String> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let url = match url {
            Some(url) => url.to_owned(),
            None => variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
                .map(|path| format!("{CONTAINER}{path}"))
                .or_else(|| variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"))
                .ok_or("no $AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")?,
        };
        let token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
            .map(|path| Token::File(path.into()))
            .or_else(|| variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Token::Text));
        Ok(MetadataService { url: checked(&url)?.to_owned(), kind: Kind::Container(token) })
    }

    /// Asks for credentials. Each question may take as long as `limit`.
    ///
    /// # Errors
    /// Why there are none, with the address and without anything secret: to know the path may be
    /// enough to be given credentials.
    pub fn fetch(&self, limit: Duration) -> Result<Credentials, String> {
        let agent = http::agent(limit, None);
        self.ask(&agent).map_err(|reason| format!("{}: {reason}", http::address(&self.url)))
    }

    fn ask(&self, agent: &Agent) -> Result<Credentials, String> {
        let url = &self.url;
        let answer = match &self.kind {
            Kind::Instance => {
                let session = agent
                    .put(format!("{url}/latest/api/token"))
                    .header("X-aws-ec2-metadata-token-ttl-seconds", SESSION)
                    .send_empty();
                let session = word(&read(session)?)?;
                let get = |path: &str| {
                    let header = "X-aws-ec2-metadata-token";
                    let url = format!("{url}/latest/meta-data/iam/security-credentials/{path}");
                    read(agent.get(url).header(header, &session).call())
                };
                let role = word(&get("")?)?;
                if !role
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@-_".contains(&byte))
                {
                    return Err("that is not the name of a role".to_owned());
                }
                get(&role)?
            }
            Kind::Container(token) => {
                let request = agent.get(url);
                let token = match token {
                    None => None,
                    Some(Token::Text(text)) => Some(word(text.as_bytes())?),
                    Some(Token::File(path)) => {
                        let text = files::read(path, LARGEST);
                        let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
                        Some(word(&text.0)?)
                    }
                };
                read(match token {
                    None => request.call(),
                    Some(token) => request.header("Authorization", token).call(),
                })?
            }
        };
        parse_answer(&answer).map_err(|error| error.to_string())
    }
}

/// The body of an answer that is one.
fn read(answer: Result<Response<ureq::Body>, ureq::Error>) -> Result<Vec<u8>, String> {
    match http::read(answer)? {
        (200, body) => Ok(body),
        (status, _) => Err(format!("status {status}")),
    }
}

/// A URL that nobody has to look up a name for, and that needs no TLS.
fn checked(url: &str) -> Result<&str, String> {
    let rest = url.strip_prefix("http://").unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    let bare = authority.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_numeric = authority.parse::<SocketAddr>().is_ok()
        || bare.unwrap_or(authority).parse::<IpAddr>().is_ok();
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if is_numeric && is_plain {
        Ok(url)
    } else {
        Err("the URL is not http://ADDRESS[:port][/path]".to_owned())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::s3::testing::{LIMIT, service};
    use crate::testing::Folder;
    use std::io::Read;
    use std::net::TcpListener;

    const GIVEN: &str = r#"{"Code": "Success", "AccessKeyId": "I", "SecretAccessKey": "SECRET",
        "Token": "T", "Expiration": "2030-01-01T00:00:00Z"}"#;

    fn instance(line: &str, headers: &str) -> (u16, String) {
        let has_session = headers.contains("x-aws-ec2-metadata-token: session\r\n");
        match line {
            "PUT /latest/api/token HTTP/1.1" => (200, "session".to_owned()),
            _ if !has_session => (401, String::new()),
            "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1" => {
                (200, "a.role\n".to_owned())
            }
            "GET /latest/meta-data/iam/security-credentials/a.role HTTP/1.1" => {
                (200, GIVEN.to_owned())
            }
            _ => (404, String::new()),
        }
    }

    #[test]
    fn a_machine() {
        let url = service(|line, headers, _| instance(line, headers));
        let found = MetadataService::instance(Some(&format!("{url}/"))).unwrap();
        let credentials = found.fetch(LIMIT).unwrap();
        assert_eq!((&credentials.id[..], credentials.expires), ("I", Some(1_893_456_000)));
    }

    #[test]
    fn a_container_and_its_token() {
        let url = service(|line, headers, _| match line {
            "GET /v2/credentials/uuid HTTP/1.1"
                if headers.contains("authorization: basic a=\r\n") =>
            {
                (200, GIVEN.to_owned())
            }
            _ => (403, String::new()),
        });
        let folder = Folder::new();
        let path = folder.write("token", b"Basic A=\n").display().to_string();
        let full = format!("{url}/v2/credentials/uuid");
        let fetch = |pairs: &[(&str, &str)]| {
            let variable = |name: &str| {
                pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            MetadataService::container(None, variable)?.fetch(LIMIT)
        };
        let uri = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &full[..]);
        let file = ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &path[..]);
        assert_eq!(fetch(&[uri, file]).unwrap().id, "I");
        assert_eq!(
            fetch(&[uri, ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic A=")]).unwrap().id,
            "I"
        );
        // What leads to credentials is not said.
        assert_eq!(fetch(&[uri]).unwrap_err(), format!("{url}: status 403"));
        assert_eq!(fetch(&[]).unwrap_err(), "no $AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        folder.write("token", b"");
        assert_eq!(fetch(&[uri, file]).unwrap_err(), format!("{url}: that is not a line of text"));
        std::fs::remove_file(folder.file("token")).unwrap();
        assert!(fetch(&[uri, file]).unwrap_err().contains(&format!("{path}: No such file")));
    }

    #[test]
    fn what_does_not_work_is_said_without_secrets() {
        let fetch = |answer: &'static str| {
            let url = service(move |line, headers, _| match line.contains("a.role") {
                true => (200, answer.to_owned()),
                false => instance(line, headers),
            });
            let reason = MetadataService::instance(Some(&url)).unwrap().fetch(LIMIT).unwrap_err();
            reason.strip_prefix(&format!("{url}: ")).unwrap().to_owned()
        };
        assert_eq!(fetch("SECRET"), "the answer is not JSON with credentials in it");
        assert_eq!(fetch(r#"{"Code": "Failed"}"#), "the answer says that there are no credentials");
        let long: &'static str = "SECRET".repeat(20_000).leak();
        assert!(!fetch(long).contains("SECRET"));
        // Nobody listens, and nobody answers.
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("http://{closed}");
        let reason = MetadataService::instance(Some(&url)).unwrap().fetch(LIMIT).unwrap_err();
        assert!(reason.starts_with(&url) && !reason.contains('\n'), "{reason}");
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let service = MetadataService::instance(Some(&url)).unwrap();
        assert!(service.fetch(Duration::from_millis(100)).is_err());
        let mut never = String::new();
        drop(silent.accept().unwrap().0.read_to_string(&mut never));
    }

    #[test]
    fn names_that_would_be_looked_up_are_refused() {
        for url in [
            "http://169.254.169.254",
            "http://127.0.0.1:80/a",
            "http://[::1]:80/",
            "http://[fd00:ec2::254]",
        ] {
            assert!(checked(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "http://",
            "http://localhost",
            "https://127.0.0.1",
            "127.0.0.1",
            "http://u@127.0.0.1",
            "http://127.0.0.1/a b",
        ] {
            assert!(MetadataService::instance(Some(url)).is_err(), "{url}");
        }
    }
}
