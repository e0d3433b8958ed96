//! Requests to an S3 service that are signed here: which object is asked for, and AWS Signature Version 4.
//!
//! [`Origin`] makes of a bucket, a key and credentials all that a request needs. The bytes that it
//! signs are those that are to be sent.

mod answer;
mod credentials;
mod endpoint;
mod ini;
mod json;
mod origin;
mod query;
mod sign;
mod sts;

pub use answer::AnswerError;
pub use credentials::{Credentials, CredentialsError};
pub use endpoint::{Endpoint, EndpointError, NameError, Style, is_region, is_service};
pub use ini::{IniError, parse_profile};
pub use json::parse_answer;
pub use origin::{Asked, Origin, Payload, SignedRequest};
pub use sts::{parse_web_identity_answer, web_identity_form};
