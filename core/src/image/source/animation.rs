//! What formats have in common where they move.

use std::num::NonZeroU32;

/// What holds for all frames of an animation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) struct Animation {
    /// How often it is played; `None` is for ever.
    pub(in crate::image) plays: Option<NonZeroU32>,
    /// Whether something of any of its pictures may be transparent.
    pub(in crate::image) alpha: bool,
}

/// What becomes of a frame once it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) enum Dispose {
    /// It stays.
    Keep,
    /// Where it was, all is transparent. Browsers ignore the background colour of either format.
    Clear,
    /// What was there before comes back.
    Restore,
}
