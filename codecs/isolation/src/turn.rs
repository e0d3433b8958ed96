//! Whose turn it is where a child makes picture after picture: a word of the head of the shared memory, which both
//! processes wait for.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::shared::HEAD;

/// Bytes at the end of the head: whose turn it is, and the number of the picture.
pub const LEN: usize = 8;

/// The child is at work.
const WORK: u32 = 0;
/// A picture is there, which the other process looks at.
const PICTURE: u32 = 1;

/// The words of a head.
#[derive(Clone, Copy)]
pub struct Turn<'a> {
    whose: &'a AtomicU32,
    number: &'a AtomicU32,
}

impl<'a> Turn<'a> {
    /// Those of a head at that address.
    ///
    /// # Safety
    /// The head of a mapping that lives as long as this; nobody uses its last bytes otherwise.
    pub unsafe fn of(head: *mut u8) -> Turn<'a> {
        // SAFETY: the head has these bytes, on a boundary of 4, as it begins where a page does.
        unsafe {
            let words = head.add(HEAD - LEN).cast::<u32>();
            Turn { whose: AtomicU32::from_ptr(words), number: AtomicU32::from_ptr(words.add(1)) }
        }
    }

    /// Of the child: there is a picture, with that number. Returns when the next one is wanted.
    pub fn show(self, number: u32) {
        self.number.store(number, Ordering::Relaxed);
        self.whose.store(PICTURE, Ordering::Release);
        wake(self.whose);
        while self.whose.load(Ordering::Acquire) == PICTURE {
            wait(self.whose, PICTURE, None);
        }
    }

    /// Has the child go on.
    pub fn go_on(self) {
        self.whose.store(WORK, Ordering::Release);
        wake(self.whose);
    }

    /// Waits a while for a picture; its number.
    pub fn picture(self, time: Duration) -> Option<u32> {
        if self.whose.load(Ordering::Acquire) != PICTURE {
            wait(self.whose, WORK, Some(time));
        }
        let is_there = self.whose.load(Ordering::Acquire) == PICTURE;
        is_there.then(|| self.number.load(Ordering::Relaxed))
    }
}

/// Waits until a word that is this is changed, and is said to be; or not so long.
fn wait(word: &AtomicU32, is: u32, time: Option<Duration>) {
    let time = time.map(|time| libc::timespec {
        tv_sec: time.as_secs() as libc::time_t,
        tv_nsec: libc::c_long::from(time.subsec_nanos() as i32),
    });
    let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: a word that is there, and a time or none.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, is, time) };
}

/// Says that a word was changed, to the one who waits for it.
fn wake(word: &AtomicU32) {
    // SAFETY: a word that is there.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}
