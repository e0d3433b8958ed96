//! The links of other image servers, read as what they ask for here.
//!
//! One file a dialect: each takes path and arguments apart as its original does, and says what is
//! meant in the terms of [`SETTINGS`](super::SETTINGS). Where this server can't do what an option
//! says, the link is refused, so that nobody gets another picture than he was promised.

mod asked;
mod cloudflare;
mod description;
mod iiif;
mod imgix;
mod imgproxy;
mod ipx;
mod next;
mod numbers;
mod query;
mod signed;
mod source;
#[cfg(test)]
mod tests;
mod thumbor;
mod weserv;

pub use asked::{Asked, Link, Resource, Unknown};
pub use description::Description;
pub use iiif::PROFILE;
pub use signed::Signed;
pub use source::{Hosts, Origin, Source};

use super::Error;
use super::words::Words;

/// Whose links they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Cloudflare Images, by URL.
    Cloudflare,
    /// The IIIF Image API 3.0.
    Iiif,
    /// imgix.
    Imgix,
    /// imgproxy.
    Imgproxy,
    /// ipx, the server of Nuxt Image.
    Ipx,
    /// Next.js' `/_next/image`.
    Next,
    /// thumbor and imagor.
    Thumbor,
    /// images.weserv.nl.
    Weserv,
}

impl Words for Dialect {
    const WORDS: &'static [(&'static str, Dialect)] = &[
        ("cloudflare", Dialect::Cloudflare),
        ("iiif", Dialect::Iiif),
        ("imgix", Dialect::Imgix),
        ("imgproxy", Dialect::Imgproxy),
        ("ipx", Dialect::Ipx),
        ("next", Dialect::Next),
        ("thumbor", Dialect::Thumbor),
        ("weserv", Dialect::Weserv),
    ];
}

/// How long a link may be.
const LONGEST: usize = 16 * 1024;

impl Dialect {
    /// Returns what the paths of its links begin with; that of a location's prefix which is a part
    /// of this belongs to the link.
    #[must_use]
    pub fn fixed_part(self) -> &'static [u8] {
        match self {
            Dialect::Cloudflare => cloudflare::FIXED_PART,
            Dialect::Iiif => iiif::FIXED_PART,
            Dialect::Imgix => imgix::FIXED_PART,
            Dialect::Imgproxy => imgproxy::FIXED_PART,
            Dialect::Ipx => ipx::FIXED_PART,
            Dialect::Next => next::FIXED_PART,
            Dialect::Thumbor => thumbor::FIXED_PART,
            Dialect::Weserv => weserv::FIXED_PART,
        }
    }

    /// Reads a link.
    ///
    /// # Errors
    /// [`Error::BadParams`] that says what is wrong with it.
    pub fn read(self, link: Link<'_>, unknown: Unknown) -> Result<Asked, Error> {
        if link.path.len() + link.query.map_or(0, <[u8]>::len) > LONGEST {
            return Err(Error::BadParams(format!("the link is longer than {LONGEST} bytes")));
        }
        if link.path.contains(&b'#') || link.query.is_some_and(|query| query.contains(&b'#')) {
            return Err(Error::BadParams("the link has a fragment".to_owned()));
        }
        match self {
            Dialect::Cloudflare => cloudflare::read(link, unknown),
            Dialect::Iiif => iiif::read(link, unknown),
            Dialect::Imgix => imgix::read(link, unknown),
            Dialect::Imgproxy => imgproxy::read(link, unknown),
            Dialect::Ipx => ipx::read(link, unknown),
            Dialect::Next => next::read(link, unknown),
            Dialect::Thumbor => thumbor::read(link, unknown),
            Dialect::Weserv => weserv::read(link, unknown),
        }
    }

    /// Returns what of `uri`, as the client wrote it, is a link in a location of that name.
    ///
    /// # Errors
    /// [`Error::BadParams`] where the location's name is not written out at its beginning.
    pub fn link<'a>(self, uri: &'a [u8], location: &[u8]) -> Result<Link<'a>, Error> {
        let (path, query) = split(uri);
        let path = behind(path, self.prefix(location)).ok_or_else(|| {
            Error::BadParams("the link is not written out as it is meant".to_owned())
        })?;
        Ok(Link { path, query })
    }

    /// What of a location's name stands before its links.
    fn prefix(self, location: &[u8]) -> &[u8] {
        let fixed = self.fixed_part();
        let shared = (0..=location.len())
            .find(|&at| location.get(at..).is_some_and(|end| fixed.starts_with(end)))
            .unwrap_or(location.len());
        location.get(..shared).unwrap_or_default()
    }
}

/// The path, and the arguments behind the question mark.
fn split(uri: &[u8]) -> (&[u8], Option<&[u8]>) {
    let (path, query) = uri.split_at(memchr::memchr(b'?', uri).unwrap_or(uri.len()));
    (path, query.get(1..))
}

/// What of a percent-encoded path is behind a decoded prefix.
fn behind<'a>(mut path: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    for &wanted in prefix {
        let (byte, rest) = match path {
            [b'%', high, low, rest @ ..] => (crate::escapes::hex_pair([*high, *low])?, rest),
            [byte, rest @ ..] => (*byte, rest),
            [] => return None,
        };
        if byte != wanted {
            return None;
        }
        path = rest;
    }
    Some(path)
}
