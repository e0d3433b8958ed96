//! Where fonts are.

use std::fmt::Write as _;
use std::sync::Arc;

use super::canonical::Canonical;

/// Where fonts are that a system has.
pub const FONTS: &str = "/usr/share/fonts";

/// A folder with fonts, by its absolute path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FontFolder(Arc<str>);

impl FontFolder {
    /// The folder of that path; `None` where that is not absolute.
    #[must_use]
    pub fn parse(path: &[u8]) -> Option<FontFolder> {
        let path = std::str::from_utf8(path).ok()?;
        path.starts_with('/').then(|| FontFolder(path.into()))
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0
    }
}

impl Canonical for FontFolder {
    fn write(&self, out: &mut String) {
        let _ = write!(out, "{}:{}", self.0.len(), self.0);
    }
}
