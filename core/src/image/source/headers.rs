//! What every container's reader returns.

use super::embedded::Embedded;
use crate::image::damage::Damage;
use crate::image::{Error, Info};

/// The headers of a source, of a container that has `T` beside what all have.
#[derive(Debug)]
pub(super) struct SourceHeaders<'a, T> {
    pub(super) info: Info,
    pub(super) own: T,
    pub(super) embedded: Embedded<'a>,
    /// Why the part after the headers can't be decoded.
    pub(super) fault: Option<Error>,
    /// What is wrong with it, though there is something to be shown.
    pub(super) damage: Option<Damage>,
}
