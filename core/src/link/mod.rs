//! Signed links: what a token is, whether it fits what it signs, and when it is valid.
//!
//! [`compat`] holds the links of nginx's `secure_link`, to the byte. [`Signer`] makes and checks
//! our own: a MAC, an id of the key, maybe a path prefix. [`Foreign`] checks what the signers of
//! other systems make, [`Grant`] makes it.

pub mod akamai;
pub mod bunny;
pub mod cloudfront;
pub mod compat;
mod encoding;
mod expression;
mod foreign;
mod format;
mod grant;
pub mod imgproxy;
mod key;
mod mac;
mod public_key;
mod reason;
mod signer;
pub mod thumbor;
mod url;
mod window;

pub use encoding::{Encoding, decode_base64};
pub use expression::{Expression, ExpressionError, Place};
pub use foreign::{Foreign, Format};
pub use format::{Grant, GrantError, Rules, Unsigned, Verified, Visit};
pub use key::{Key, KeyError, parse_secret, secret_of_file};
pub use mac::{Algorithm, Mac, Tag};
pub use reason::Reason;
pub use signer::{MIN_TAG, Signer, Token};
pub use url::{UrlError, check_url, decoded};
pub use window::{Window, parse_time};
