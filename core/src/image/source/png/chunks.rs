//! The chunks of a file, and the pieces of an image's data among them.

use crate::image::bytes::{array, be32};
use crate::image::size::Size;

/// Bytes in front of the first chunk.
pub(in crate::image) const SIGNATURE: usize = 8;
/// Length, type and checksum around each chunk's data.
const AROUND: usize = 12;
/// The standard's own bound on sides and lengths.
pub(super) const MAX: u32 = i32::MAX as u32;

/// The chunks up to the first that is not whole.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct PngChunks<'a> {
    input: &'a [u8],
    pub(super) at: usize,
    /// Where the last one begins.
    pub(super) start: usize,
}

impl<'a> PngChunks<'a> {
    /// Those that begin there.
    pub(in crate::image) fn new(input: &'a [u8], at: usize) -> PngChunks<'a> {
        PngChunks { input, at, start: at }
    }

    /// Where the next one begins.
    pub(in crate::image) fn at(&self) -> usize {
        self.at
    }

    /// Whether the checksum of the last one is right.
    pub(super) fn is_sound(&self) -> bool {
        let end = self.at.saturating_sub(4);
        let summed = self.input.get(self.start + 4..end).unwrap_or_default();
        be32(self.input, end) == Some(crc32fast::hash(summed))
    }

    /// The kind and the data of a chunk that the file ends within, once there is no other.
    pub(super) fn cut(&self) -> Option<([u8; 4], &'a [u8])> {
        let kind = array(self.input, self.at + 4)?;
        let len = be32(self.input, self.at)? as usize;
        let data = self.input.get(self.at + 8..)?;
        Some((kind, data.get(..len).unwrap_or(data)))
    }
}

impl<'a> Iterator for PngChunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<([u8; 4], &'a [u8])> {
        let len = be32(self.input, self.at).filter(|&len| len <= MAX)? as usize;
        let kind = array(self.input, self.at + 4)?;
        let end = self.at.checked_add(len)?.checked_add(AROUND)?;
        let data = self.input.get(self.at + 8..end - 4)?;
        self.input.get(..end)?;
        (self.start, self.at) = (self.at, end);
        Some((kind, data))
    }
}

/// An image of a file, its pixels still packed.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct PngImage<'a> {
    pub(in crate::image) size: Size,
    pub(super) input: &'a [u8],
    /// Where its first chunk of data begins.
    pub(super) start: usize,
    /// Whether its data is that of a frame beside the still image.
    pub(super) is_frame: bool,
}

impl<'a> PngImage<'a> {
    /// The pieces of its data, wherever they are.
    pub(in crate::image) fn data(&self) -> impl Iterator<Item = ImageData<'a>> + use<'a> {
        let mut chunks = PngChunks::new(self.input, self.start);
        let is_frame = self.is_frame;
        let mut ended = false;
        std::iter::from_fn(move || {
            while !ended {
                let (kind, bytes, chunk) = match chunks.next() {
                    Some((kind, data)) => (kind, data, Some(chunks)),
                    None => {
                        ended = true;
                        let (kind, data) = chunks.cut()?;
                        (kind, data, None)
                    }
                };
                match (&kind, is_frame) {
                    (b"IDAT", false) => return Some(ImageData { bytes, chunk }),
                    // Behind its number.
                    (b"fdAT", true) => {
                        return bytes.get(4..).map(|bytes| ImageData { bytes, chunk });
                    }
                    (b"IEND", _) | (b"fcTL", true) => ended = true,
                    _ => {}
                }
            }
            None
        })
    }
}

/// A piece of an image's data.
pub(in crate::image) struct ImageData<'a> {
    pub(in crate::image) bytes: &'a [u8],
    /// At its chunk, where that is whole.
    chunk: Option<PngChunks<'a>>,
}

impl ImageData<'_> {
    /// Whether its checksum is right, or not there.
    pub(in crate::image) fn is_sound(&self) -> bool {
        self.chunk.is_none_or(|chunk| chunk.is_sound())
    }
}
