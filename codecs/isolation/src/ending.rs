//! How a child ended, and why, as it says in the head of its shared memory.

use std::cell::UnsafeCell;
use std::panic::Location;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use image_gate_core::image::Error;

use crate::shared::HEAD;
use crate::{process, turn};

/// Bytes of the head for the ending, its text and a zero behind that.
const SAID: usize = HEAD - turn::LEN;

/// How the work ended, by what the child left.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Ending {
    Done = 1,
    DecodeFailed,
    EncodeFailed,
    Unsupported,
    /// It wanted more memory than it may have.
    OutOfMemory,
    /// The system has none.
    NoMemory,
    Internal,
    /// It has not ended, or somebody else has ended it.
    Begun,
}

/// Whether there was a child that began.
pub fn has_begun(head: &[u8]) -> bool {
    head.first().is_some_and(|&first| first != 0)
}

/// What a child said before it ended.
pub fn said(head: &[u8], memory: u64) -> Result<(), Error> {
    let text = || {
        let text = head.get(1..SAID).unwrap_or_default();
        let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    };
    let is = |ending: Ending| head.first() == Some(&(ending as u8));
    if is(Ending::Done) {
        return Ok(());
    }
    Err(if is(Ending::DecodeFailed) {
        Error::DecodeFailed(text())
    } else if is(Ending::EncodeFailed) {
        Error::EncodeFailed(text())
    } else if is(Ending::Unsupported) {
        Error::UnsupportedFormat(text())
    } else if is(Ending::Internal) {
        Error::Internal(text())
    } else if is(Ending::OutOfMemory) {
        Error::TooManyPixels(format!("the codec wants more than {memory} bytes of memory"))
    } else if is(Ending::NoMemory) {
        Error::Internal("no memory for the codec".to_owned())
    } else {
        Error::Internal("the process of the codec was ended".to_owned())
    })
}

/// Where this process says how it ended; null in all that are no such child.
static HEAD_OF_CHILD: AtomicPtr<u8> = AtomicPtr::new(null_mut());

/// This process is a child, and says there that it has begun, and how it ended.
pub fn leave_at(head: *mut u8) {
    HEAD_OF_CHILD.store(head, Ordering::Relaxed);
    // SAFETY: the head of the shared memory, which nobody else uses here.
    unsafe { head.write(Ending::Begun as u8) };
}

/// Ends this process, if it is such a child, for a panic at that place: it is the fault of who sent the file, and what
/// would be unwound is of no more use. For the hook of panics; elsewhere nothing happens.
pub fn end_by_panic(place: Option<&Location<'_>>) {
    if HEAD_OF_CHILD.load(Ordering::Relaxed).is_null() {
        return;
    }
    let place = place.map_or_else(String::new, |place| {
        // Where it was built is nobody's business.
        let file = place.file().rsplit('/').next().unwrap_or_default();
        format!(" at {file}:{}", place.line())
    });
    end(Ending::DecodeFailed, &format!("the codec panicked{place}"));
}

/// The stack of [`crashed`], as that of the crash may be used up.
struct Stack(UnsafeCell<[u8; 64 << 10]>);

// SAFETY: used by nobody but the kernel, for the one signal that ends the process.
unsafe impl Sync for Stack {}

static STACK: Stack = Stack(UnsafeCell::new([0; 64 << 10]));

/// Has a crash of a library in this process, which is such a child, be the fault of who sent the file.
pub fn end_by_crash() {
    const SIGNALS: [libc::c_int; 5] =
        [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT];
    let stack =
        libc::stack_t { ss_sp: STACK.0.get().cast(), ss_flags: 0, ss_size: size_of_val(&STACK.0) };
    // SAFETY: settings of this process alone; the stack is there for ever, and the handler takes no memory and
    // does not return.
    unsafe {
        libc::sigaltstack(&raw const stack, null_mut());
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = crashed as extern "C" fn(libc::c_int) as libc::sighandler_t;
        action.sa_flags = libc::SA_ONSTACK | libc::SA_RESETHAND;
        for signal in SIGNALS {
            libc::sigaction(signal, &raw const action, null_mut());
        }
    }
}

extern "C" fn crashed(_: libc::c_int) {
    end(Ending::DecodeFailed, "the codec crashed");
}

/// Says how it went, and ends this process. It takes no memory.
pub fn end(ending: Ending, text: &str) -> ! {
    let head = HEAD_OF_CHILD.load(Ordering::Relaxed);
    if !head.is_null() {
        let len = text.len().min(SAID - 2);
        // SAFETY: the head of the shared memory, which has room for that, and which nobody else uses here. It ends by
        // zero, as it was.
        unsafe {
            head.add(1).copy_from_nonoverlapping(text.as_ptr(), len);
            head.write(ending as u8);
        }
    }
    process::end(0)
}
