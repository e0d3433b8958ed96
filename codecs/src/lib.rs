//! Safe faces of codecs in C, as much of them as image-gate needs: bytes in, 8 bits a channel out
//! and the other way round, on the calling thread; only of large AV1 frames dav1d has two of its own, and of
//! HEVC libde265 one.
//!
//! Pixels lie in slices of their caller, who has the memory counted; rows follow each other
//! without a gap. Where a crate's safe face does all that is needed, there is none here.
//!
//! And [`cpu`] and [`memory`], safe faces of the processor and of what the system says of memory.

pub mod aom;
pub mod av1;
pub mod avif;
mod band;
pub mod cpu;
mod fresh;
pub mod heif;
pub mod jpeg;
#[cfg(feature = "jxl")]
pub mod jxl;
pub mod memory;
pub mod webp;
pub mod yuv;

pub use band::Band;

/// Bytes of an image's pixels, of which a row has to be countable in 32 bits.
fn bytes(width: u32, height: u32, channels: u32) -> Option<usize> {
    let row = width.checked_mul(channels)?;
    usize::try_from(row).ok()?.checked_mul(usize::try_from(height).ok()?).filter(|&len| len > 0)
}

/// # Safety
/// Null, or that many readable bytes that live as long as the result.
unsafe fn slice<'a>(data: *const u8, len: usize) -> &'a [u8] {
    if data.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(data, len) }
}
