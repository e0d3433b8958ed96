//! The scales at which a JPEG is decoded.

use super::scaled_dct;
use crate::image::source::jpeg::Jpeg;

/// The scales, in eighths, that are worth it. libjpeg-turbo knows 5, 6 and 7 too, but has
/// no fast inverse DCT for them; 6 of our own would show in the result.
pub(in crate::image::decode) fn scales(jpeg: &Jpeg) -> &'static [u32] {
    if can_scale_dct(jpeg) { &[1, 2, 3, 4, 5, 8] } else { &[1, 2, 3, 4, 8] }
}

/// Whether low frequencies are known to stand for the rest.
///
/// Inks that come more often than black have detail that nothing else stands
/// for, unlike the chroma beside luma.
pub(super) fn can_scale_dct(jpeg: &Jpeg) -> bool {
    !jpeg.arithmetic() && !jpeg.coarse_black() && scaled_dct::knows(jpeg.sampling())
}
