//! Where work is done that nothing inside of it can stop.

use super::{Control, Error};

/// What fills the bytes of a picture.
pub type FillPixels<'a> = dyn FnMut(&mut [u8]) -> Result<(), Error> + 'a;

/// What takes them over.
pub type TakePixels<'a> = dyn FnMut(&[u8]) -> Result<(), Error> + 'a;

/// How much work may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkSize {
    /// Bytes of the picture.
    pub pixels: usize,
    /// Bytes of memory that may be held beside it.
    pub memory: u64,
}

/// A place apart, where work ends as soon as its [`Control`] says so, even within a step of some
/// library's that asks nobody, and where more memory than was said fails instead of being had.
pub trait Isolation: std::fmt::Debug + Sync {
    /// Has `fill` make a picture from zeros there, and `take` have it here.
    ///
    /// What `fill` changes besides is lost. It reads `source`; other large blocks of memory it must not look at.
    ///
    /// # Errors
    /// Those of `fill` and `take`, and of [`Control::check`]; [`Error::TooManyPixels`] where it wants
    /// more memory; [`Error::Internal`] where there is no such place to be had.
    fn run(
        &self,
        size: WorkSize,
        source: &[u8],
        control: &Control,
        fill: &mut FillPixels<'_>,
        take: &mut TakePixels<'_>,
    ) -> Result<(), Error>;
}
