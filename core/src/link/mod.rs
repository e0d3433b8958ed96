//! Signed links: what a token is, whether it fits what it signs, and when it is valid.
//!
//! [`secure_link`] holds the links of nginx's `secure_link`, to the byte. [`Signer`] makes and
//! checks our own: a MAC, an id of the key, maybe a path prefix. [`ThirdParty`] checks what the
//! signers of other systems make, [`SignRequest`] makes it.

pub mod akamai;
pub mod alibaba;
pub mod bunny;
pub mod cdn77;
pub mod cloudflare;
pub mod cloudfront;
mod encoding;
mod expression;
mod format;
pub mod google;
pub mod imgix;
pub mod imgproxy;
mod key;
pub mod keycdn;
mod mac;
mod public_key;
pub mod secure_link;
mod sign;
mod signer;
mod third_party;
pub mod thumbor;
mod url;
mod validity;
mod verify_error;

pub use encoding::{Encoding, decode_base64};
pub use expression::{Expression, ExpressionError, Variables};
pub use format::{LinkRequest, Rules, SignError, SignRequest, Unsigned, Verified};
pub use key::{Key, KeyError, odd_file, parse_secret, secret_of_file};
pub use mac::{Algorithm, Mac, Tag};
pub use signer::{MIN_TAG, Signer, Token};
pub use third_party::{ThirdParty, ThirdPartyFormat};
#[cfg(test)]
pub(crate) use url::argument_of_nginx;
pub use url::{UrlError, check_url, comes_to, decoded, path_of, without_arguments};
pub(crate) use url::{arguments, resolved};
pub use validity::{ValidityPeriod, parse_time};
pub use verify_error::VerifyError;
