//! Rows of a plane, as decoders hand them out.

/// What a decoder has of a plane at a time.
#[derive(Debug, Clone, Copy)]
pub struct Band<'a> {
    /// Rows without gaps; of JPEG those behind the last one of the image are not told apart.
    pub samples: &'a [u8],
    /// Of a row: of JPEG those of whole blocks.
    pub stride: usize,
}
