//! The container of WebP (RFC 9649, section 2): its flags, and how it is written.

use super::size::Size;

/// Flags of the `VP8X` chunk.
pub(super) const FLAG_ICC: u8 = 0x20;
pub(super) const FLAG_ALPHA: u8 = 0x10;
pub(super) const FLAG_EXIF: u8 = 0x08;
pub(super) const FLAG_XMP: u8 = 0x04;
pub(super) const FLAG_ANIMATION: u8 = 0x02;

/// Bytes of a file's header and its `VP8X` chunk.
pub(super) const AROUND_EXTENDED: usize = 12 + 18;

/// Begins a file; [`finish`] fills in its size.
pub(super) fn start(out: &mut Vec<u8>) {
    out.extend_from_slice(b"RIFF\0\0\0\0WEBP");
}

/// Adds the `VP8X` chunk of an image of that size.
pub(super) fn extended(out: &mut Vec<u8>, size: Size, flags: u8) {
    let mut body = [flags, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let sides = [size.width.wrapping_sub(1), size.height.wrapping_sub(1)];
    for (to, side) in body[4..].as_chunks_mut::<3>().0.iter_mut().zip(sides) {
        let [a, b, c, _] = side.to_le_bytes();
        *to = [a, b, c];
    }
    chunk(out, b"VP8X", &body);
}

/// Sets a flag of a file that begins with a `VP8X` chunk.
pub(super) fn add_flag(out: &mut [u8], flag: u8) {
    const FLAGS: usize = 12 + 8;
    if let Some(flags) = out.get_mut(FLAGS) {
        *flags |= flag;
    }
}

/// Adds a chunk.
pub(super) fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    out.extend_from_slice(kind);
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(body);
    if body.len() % 2 == 1 {
        out.push(0);
    }
}

/// Adds a chunk of a head and whole chunks, whose length is even therefore.
pub(super) fn nested(out: &mut Vec<u8>, kind: &[u8; 4], head: &[u8; 16], chunks: &[u8]) {
    out.extend_from_slice(kind);
    out.extend_from_slice(&((head.len() + chunks.len()) as u32).to_le_bytes());
    out.extend_from_slice(head);
    out.extend_from_slice(chunks);
}

/// Fills in the size; `None` where the format can't express it.
pub(super) fn finish(out: &mut [u8]) -> Option<()> {
    let size = u32::try_from(out.len().checked_sub(8)?).ok()?;
    out.get_mut(4..8)?.copy_from_slice(&size.to_le_bytes());
    Some(())
}
