//! Safe faces of codecs in C, as much of them as image-gate needs: bytes in, 8 bits a channel out
//! and the other way round, on the calling thread; only of large AV1 frames dav1d has two of its own.
//!
//! Pixels lie in slices of their caller, who has the memory counted; rows follow each other
//! without a gap. Where a crate's safe face does all that is needed, there is none here.
//!
//! And [`cpu`] and [`zeroed`], safe faces of the processor and the allocator.

pub mod av1;
pub mod avif;
pub mod cpu;
pub mod jpeg;
pub mod webp;
pub mod yuv;

use std::alloc::{Layout, alloc_zeroed};

/// Returns that many zeros, or nothing where there is no memory for them. Of many, none is written:
/// hundreds of megabytes are there at once, and what is written to them takes the time.
#[must_use]
pub fn zeroed(len: usize) -> Option<Vec<u8>> {
    if len == 0 {
        return Some(Vec::new());
    }
    let layout = Layout::array::<u8>(len).ok()?;
    // SAFETY: the layout is not of zero bytes.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() {
        return None;
    }
    // SAFETY: allocated with the layout of a vector of that capacity, and all of it is zeros.
    Some(unsafe { Vec::from_raw_parts(start, len, len) })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_as_many_as_there_is_memory_for() {
        for len in [0, 1, 4097, 3 << 20] {
            let mut zeros = zeroed(len).unwrap();
            assert!(zeros.len() == len && zeros.iter().all(|&byte| byte == 0));
            zeros.push(7);
            assert_eq!(zeros.last(), Some(&7));
        }
        assert!(zeroed(isize::MAX as usize).is_none());
        assert!(zeroed(usize::MAX).is_none());
    }
}
