//! What a header describes.

use crate::image::raster::Layout;
use crate::image::size::Size;

/// A picture without metadata but a profile, of a format that has `T` beside what all have.
pub(super) struct Described<'a, T> {
    pub(super) size: Size,
    /// That of the decoded raster.
    pub(super) layout: Layout,
    /// Bits of a sample.
    pub(super) bits: u8,
    pub(super) has_palette: bool,
    pub(super) profile: Option<&'a [u8]>,
    pub(super) own: T,
}
