//! Memory of zeros that the system clears page by page, once it is used.

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
