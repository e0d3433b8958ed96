//! Refusals as problem details (RFC 9457), for clients that are programs.

use serde::Serialize;

use super::window::{Period, Resource};

/// The media type of such a document.
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// Why a request is refused. Who presents a key that does not hold learns no more than that: not
/// whether it once did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It has no key.
    Missing,
    /// It has more than one.
    Ambiguous,
    /// Its key is nobody's, or holds no more.
    Invalid,
    /// Its key is not for this URI or method.
    Forbidden,
    /// These quotas are used up.
    Quota(Vec<(Resource, Period)>),
    /// As many requests of the partner run as may.
    Concurrency,
    /// What other nodes used is not known.
    Unknown,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    status: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(rename = "violated-policies", skip_serializing_if = "Option::is_none")]
    violated: Option<Vec<String>>,
}

impl Problem {
    /// The document that goes out with a status.
    ///
    /// Of quotas it is of the type that draft-ietf-httpapi-ratelimit-headers-11 registers (section
    /// 6), with the names that `RateLimit-Policy` has for them. All else has no type of its own,
    /// and so the status for a title.
    #[must_use]
    pub fn document(&self, status: u32) -> String {
        let detail = match self {
            Problem::Missing => Some("There is no key in this request."),
            Problem::Ambiguous => Some("There is more than one key in this request."),
            Problem::Invalid => Some("The key is not valid."),
            Problem::Forbidden => Some("The key is not for this request."),
            Problem::Unknown => Some("What was used of quotas is not known for the moment."),
            Problem::Quota(_) | Problem::Concurrency => None,
        };
        let violated: Option<Vec<String>> = match self {
            Problem::Quota(windows) => {
                Some(windows.iter().map(|&(what, per)| policy(what, per)).collect())
            }
            Problem::Concurrency => Some(vec!["concurrency".to_owned()]),
            _ => None,
        };
        let document = Document {
            kind: violated
                .is_some()
                .then_some("https://iana.org/assignments/http-problem-types#quota-exceeded"),
            title: match &violated {
                Some(_) => Some("Request cannot be satisfied as assigned quota has been exceeded"),
                None => phrase(status),
            },
            status,
            detail,
            violated,
        };
        // Writing strings and numbers to memory does not fail.
        serde_json::to_string(&document).unwrap_or_default()
    }
}

/// The name that headers and problems have for a quota.
pub(super) fn policy(what: Resource, per: Period) -> String {
    format!("{}-{}", what.name(), per.name())
}

/// The phrase of a status (RFC 9110, section 15, and RFC 6585), of those that refusals have.
fn phrase(status: u32) -> Option<&'static str> {
    Some(match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_named_as_in_the_headers() {
        let windows = vec![(Resource::Requests, Period::Day), (Resource::Bytes, Period::Month)];
        assert_eq!(
            Problem::Quota(windows).document(429),
            "{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\",\
             \"title\":\"Request cannot be satisfied as assigned quota has been exceeded\",\
             \"status\":429,\"violated-policies\":[\"requests-day\",\"bytes-month\"]}"
        );
        let document = Problem::Concurrency.document(429);
        assert!(document.ends_with("\"violated-policies\":[\"concurrency\"]}"), "{document}");
    }

    #[test]
    fn all_else_has_the_title_of_its_status() {
        assert_eq!(
            Problem::Missing.document(401),
            "{\"title\":\"Unauthorized\",\"status\":401,\"detail\":\"There is no key in this \
             request.\"}"
        );
        assert_eq!(
            Problem::Forbidden.document(418),
            "{\"status\":418,\"detail\":\"The key is not for this request.\"}"
        );
    }
}
