//! Whether a link asks for what was signed, where that is not the link as it came.
//!
//! Who signs a decoded path, or some arguments by their names, signs all links that come to the same: with slashes that are
//! encoded, doubled or climbed over, with arguments beside those, or with the same once more. Such a link is read a second time as it
//! would be written of no more than what was signed, and may ask for nothing else.

use super::source::written;
use super::{Dialect, Link, Unknown, iiif, split};
use crate::link::resolved;

/// What was signed of a link.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// Whether its path was, as it came. Else it was as a server decodes and resolves it.
    pub has_raw_path: bool,
    /// The arguments that were.
    pub query: &'a [u8],
}

impl Dialect {
    /// Returns whether `uri` asks for nothing that was not signed in a location of that name. What is no link asks for
    /// nothing.
    #[must_use]
    pub fn asks_for_signed(
        self,
        uri: &[u8],
        location: &[u8],
        unknown: Unknown,
        signed: &Signed<'_>,
    ) -> bool {
        let Ok(link) = self.link(uri, location) else { return true };
        let path = if signed.has_raw_path {
            link.path.to_vec()
        } else {
            let Some(path) = resolved(split(uri).0) else { return false };
            let Some(path) = path.strip_prefix(self.prefix(location)) else { return false };
            match self {
                Dialect::Iiif => iiif::written(path),
                _ => written(path),
            }
        };
        if path == link.path && link.query.unwrap_or_default() == signed.query {
            return true;
        }
        let Ok(came) = self.read(link, unknown) else { return true };
        let query = Some(signed.query).filter(|query| !query.is_empty());
        let plain = self.read(Link { path: &path, query }, unknown);
        plain.is_ok_and(|plain| plain.is_same(&came))
    }
}
