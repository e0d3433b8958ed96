//! Questions to services that give credentials.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// The longest answer, and the largest file of a token, in bytes.
pub const LARGEST: u64 = 64 * 1024;

/// What asks, for at most `limit` each time.
pub fn agent(limit: Duration, tls: Option<TlsConfig>) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(limit))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None);
    match tls {
        Some(tls) => config.tls_config(tls).build().into(),
        None => config.build().into(),
    }
}

/// TLS with whom the system trusts, or the certificates in a file.
///
/// # Errors
/// There are none.
pub fn tls(bundle: Option<&Path>) -> Result<TlsConfig, String> {
    // Read for each question, of which there are few: they may have been renewed.
    let found = match bundle {
        Some(path) => rustls_native_certs::load_certs_from_paths(Some(path), None),
        None => rustls_native_certs::load_native_certs(),
    };
    if found.certs.is_empty() {
        let reason = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(format!("no certificates of who is trusted{reason}"));
    }
    let certificates = found.certs.iter().map(|der| Certificate::from_der(der).to_owned());
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::from(certificates))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}

/// The status and the body of an answer.
pub fn read(answer: Result<Response<ureq::Body>, ureq::Error>) -> Result<(u16, Vec<u8>), String> {
    let mut answer = answer.map_err(|error| error.to_string())?;
    let body = answer.body_mut().with_config().limit(LARGEST).read_to_vec();
    Ok((answer.status().as_u16(), body.map_err(|error| error.to_string())?))
}

/// The first line of a text, if that can stand in a header.
pub fn word(text: &[u8]) -> Result<String, String> {
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii();
    // `Basic` and what comes with it are two words.
    if line.is_empty() || !line.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return Err("that is not a line of text".to_owned());
    }
    Ok(String::from_utf8_lossy(line).into_owned())
}

/// A URL without its path, which may be secret.
pub fn address(url: &str) -> &str {
    let host = url.find("//").map_or(0, |at| at + 2);
    let end = url.get(host..).and_then(|rest| rest.find('/'));
    url.get(..end.map_or(url.len(), |end| host + end)).unwrap_or_default()
}
