//! Credentials of a role that a token of somebody else's is good for, which the Security Token Service
//! gives: IAM roles for service accounts (IRSA) of EKS, and whatever else signs OpenID Connect tokens.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use image_gate_core::s3::{
    AnswerError, Credentials, is_region, parse_web_identity_answer, web_identity_form,
};

use super::http::{self, LARGEST};
use crate::files;

/// What sessions are called, unless the environment says.
const SESSION: &str = "nginx";

/// The service, and who asks it.
#[derive(Debug, Clone)]
pub struct SecurityTokenService {
    url: String,
    role: String,
    session: String,
    /// Read for each question: what is in it ends, too.
    token: PathBuf,
    /// Certificates of who is trusted, instead of the system's.
    bundle: Option<PathBuf>,
}

impl SecurityTokenService {
    /// Returns that at a URL, or where the variables of an environment say, which name the role and
    /// the file with the token.
    ///
    /// # Errors
    /// What is missing, or wrong with the URL.
    pub fn new(
        url: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<SecurityTokenService, String> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let needed = |name| variable(name).ok_or_else(|| format!("no ${name}"));
        let (role, token) = (needed("AWS_ROLE_ARN")?, needed("AWS_WEB_IDENTITY_TOKEN_FILE")?);
        let url = match url.map(str::to_owned).or_else(|| variable("AWS_ENDPOINT_URL_STS")) {
            Some(url) => url,
            None => {
                let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
                of_aws(region.as_deref())?
            }
        };
        if !is_url(&url) {
            return Err("the URL is not http[s]://HOST[:port][/path]".to_owned());
        }
        let session = variable("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| SESSION.to_owned());
        let bundle = variable("AWS_CA_BUNDLE").or_else(|| variable("SSL_CERT_FILE"));
        let bundle = bundle.map(PathBuf::from);
        Ok(SecurityTokenService { url, role, session, token: token.into(), bundle })
    }

    /// Returns whether others may read the token on its way.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let Some(rest) = self.url.strip_prefix("http://") else { return false };
        let authority = rest.split('/').next().unwrap_or_default();
        let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, _)) => host,
            None => authority.split(':').next().unwrap_or_default(),
        };
        let is_here = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        !(is_here || host == "localhost")
    }

    /// Asks for credentials, for at most `limit`.
    ///
    /// # Errors
    /// Why there are none, with the address and without anything secret.
    pub fn fetch(&self, limit: Duration) -> Result<Credentials, String> {
        self.ask(limit).map_err(|reason| format!("{}: {reason}", http::address(&self.url)))
    }

    fn ask(&self, limit: Duration) -> Result<Credentials, String> {
        let of_file =
            |reason: &dyn std::fmt::Display| format!("{}: {reason}", self.token.display());
        let text = files::read(&self.token, LARGEST).map_err(|error| of_file(&error))?;
        let token = http::word(&text.0).map_err(|error| of_file(&error))?;
        let is_secure = self.url.starts_with("https://");
        let tls = if is_secure { Some(http::tls(self.bundle.as_deref())?) } else { None };
        let answer = http::agent(limit, tls)
            .post(&self.url)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Accept", "application/xml")
            .send(web_identity_form(&self.role, &self.session, &token));
        let (status, body) = http::read(answer)?;
        match (status, parse_web_identity_answer(&body)) {
            (200, found) => found.map_err(|error| error.to_string()),
            (_, Err(refused @ AnswerError::Refused(_))) => {
                Err(format!("status {status}: {refused}"))
            }
            _ => Err(format!("status {status}")),
        }
    }
}

/// AWS's own in a region.
fn of_aws(region: Option<&str>) -> Result<String, String> {
    let Some(region) = region else { return Ok("https://sts.amazonaws.com".to_owned()) };
    if !is_region(region.as_bytes()) {
        return Err("$AWS_REGION is not the name of a region".to_owned());
    }
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    Ok(format!("https://sts.{region}.amazonaws.com{china}"))
}

/// A URL without a user, arguments or a fragment.
fn is_url(url: &str) -> bool {
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"#?@\\".contains(&byte));
    let has_scheme = url.starts_with("https://") || url.starts_with("http://");
    is_plain
        && has_scheme
        && url.parse::<ureq::http::Uri>().is_ok_and(|uri| {
            let host = uri.host().filter(|host| !host.is_empty());
            host.zip(uri.authority()).is_some_and(|(host, authority)| {
                authority.as_str() == host || authority.port_u16().is_some()
            })
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::s3::testing::{LIMIT, service};
    use crate::testing::Folder;

    const GIVEN: &str = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>\
        <Credentials><AccessKeyId>I</AccessKeyId><SecretAccessKey>SECRET</SecretAccessKey>\
        <SessionToken>T</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials>\
        </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";

    fn of(url: Option<&str>, more: &[(&str, &str)]) -> Result<SecurityTokenService, String> {
        let variable = |name: &str| {
            let known = [("AWS_ROLE_ARN", "arn:a/b"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")];
            let found = more.iter().chain(&known).find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        SecurityTokenService::new(url, variable)
    }

    #[test]
    fn a_role_by_a_token() {
        let url = service(|line, headers, body| {
            let is_form = headers.contains("content-type: application/x-www-form-urlencoded\r\n");
            let expected = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aa%2Fb\
                            &RoleSessionName=nginx&WebIdentityToken=TOKEN.one";
            match (line, is_form) {
                ("POST /sts HTTP/1.1", true) if body == expected => (200, GIVEN.to_owned()),
                _ => (400, "<Error><Code>InvalidIdentityToken</Code></Error>".to_owned()),
            }
        });
        let folder = Folder::new();
        let path = folder.write("token", b"TOKEN.one\n").display().to_string();
        let sts = of(Some(&format!("{url}/sts")), &[("AWS_WEB_IDENTITY_TOKEN_FILE", &path)]);
        let sts = sts.unwrap();
        let credentials = sts.fetch(LIMIT).unwrap();
        assert_eq!((&credentials.id[..], credentials.expires), ("I", Some(1_893_456_000)));
        // The file is another one each hour.
        folder.write("token", b"TOKEN.two");
        let refused = format!("{url}: status 400: the answer is \"InvalidIdentityToken\"");
        assert_eq!(sts.fetch(LIMIT).unwrap_err(), refused);
        folder.write("token", b"");
        assert_eq!(
            sts.fetch(LIMIT).unwrap_err(),
            format!("{url}: {path}: that is not a line of text")
        );
        std::fs::remove_file(folder.file("token")).unwrap();
        assert!(sts.fetch(LIMIT).unwrap_err().contains(&format!("{path}: No such file")));
    }

    #[test]
    fn where_it_is() {
        let url = |more: &[_]| of(None, more).map(|sts| sts.url);
        let region = |name| url(&[("AWS_REGION", name)]);
        assert_eq!(url(&[]), Ok("https://sts.amazonaws.com".to_owned()));
        assert_eq!(region("eu-central-1"), Ok("https://sts.eu-central-1.amazonaws.com".to_owned()));
        assert_eq!(region("cn-north-1"), Ok("https://sts.cn-north-1.amazonaws.com.cn".to_owned()));
        assert_eq!(region("a.b"), Err("$AWS_REGION is not the name of a region".to_owned()));
        let other = [("AWS_REGION", "x"), ("AWS_ENDPOINT_URL_STS", "http://minio:9000")];
        assert_eq!(url(&other), Ok("http://minio:9000".to_owned()));
        for (name, reason) in [
            ("AWS_ROLE_ARN", "no $AWS_ROLE_ARN"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "no $AWS_WEB_IDENTITY_TOKEN_FILE"),
        ] {
            assert_eq!(url(&[(name, "")]).unwrap_err(), reason);
        }
        for bad in [
            "",
            "http://",
            "https:///a",
            "ftp://a",
            "https://u@a",
            "https://a?b",
            "https://a b",
            "https://a:b",
        ] {
            assert!(of(Some(bad), &[]).is_err(), "{bad}");
        }
    }

    #[test]
    fn who_may_read_along() {
        for (url, is_open) in [
            ("https://sts.amazonaws.com", false),
            ("http://127.0.0.1:9000/", false),
            ("http://[::1]:9000", false),
            ("http://localhost", false),
            ("http://minio:9000", true),
            ("http://127.0.0.1.example.com", true),
            ("http://10.0.0.1", true),
        ] {
            assert_eq!(of(Some(url), &[]).unwrap().is_open(), is_open, "{url}");
        }
    }

    #[test]
    fn a_bundle_without_certificates_is_said() {
        let folder = Folder::new();
        let token = folder.write("token", b"TOKEN").display().to_string();
        let bundle = folder.write("bundle", b"nothing").display().to_string();
        let more = [("AWS_WEB_IDENTITY_TOKEN_FILE", &token[..]), ("AWS_CA_BUNDLE", &bundle)];
        let reason = of(Some("https://127.0.0.1:1"), &more).unwrap().fetch(LIMIT).unwrap_err();
        assert!(
            reason.starts_with("https://127.0.0.1:1: no certificates of who is trusted"),
            "{reason}"
        );
    }
}
