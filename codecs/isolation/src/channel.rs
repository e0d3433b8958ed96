//! Sockets between the processes, and what goes through them.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use image_gate_core::image::{FillPictures, FillPixels};

/// What fills the pixels, once or again and again.
#[derive(Clone, Copy)]
pub enum Fill {
    Once(FillPixels),
    Pictures(FillPictures),
}

/// What a child is to do. Addresses mean the same in all copies of a program.
#[derive(Clone, Copy)]
pub struct Task {
    pub fill: Fill,
    /// Bytes of the source.
    pub source: usize,
    /// Bytes of the pixels.
    pub pixels: usize,
    /// Bytes of memory that it may hold besides.
    pub memory: usize,
    /// Whether some of that is had from another allocator than [`Memory`](crate::Memory).
    pub foreign: bool,
    /// The time that it has.
    pub time: Option<Duration>,
}

/// What goes with a task: its shared memory, and the end of a socket that is open as long as the child lives.
pub struct Descriptors {
    pub shared: OwnedFd,
    pub alive: OwnedFd,
}

/// Room for two descriptors beside a message.
#[repr(C, align(8))]
struct Ancillary([u8; 64]);

/// Descriptors that a message has.
const DESCRIPTORS: usize = 2;
const DESCRIPTORS_LEN: u32 = (DESCRIPTORS * size_of::<RawFd>()) as u32;

/// Two ends of a socket that keeps messages apart, or else has none but its end.
pub fn pair(kind: libc::c_int) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends: [RawFd; 2] = [-1; 2];
    // SAFETY: there is room for two.
    let made =
        unsafe { libc::socketpair(libc::AF_UNIX, kind | libc::SOCK_CLOEXEC, 0, ends.as_mut_ptr()) };
    if made != 0 {
        return Err(io::Error::last_os_error());
    }
    let [one, other] = ends;
    // SAFETY: both were opened just now.
    Ok(unsafe { (OwnedFd::from_raw_fd(one), OwnedFd::from_raw_fd(other)) })
}

/// A message of one part with room for descriptors.
fn message(part: &mut libc::iovec, ancillary: &mut Ancillary) -> libc::msghdr {
    // SAFETY: all of it may be zero.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message.msg_control = ancillary.0.as_mut_ptr().cast();
    // SAFETY: calculates.
    message.msg_controllen = unsafe { libc::CMSG_SPACE(DESCRIPTORS_LEN) } as _;
    message
}

/// Sends a task, or fails at once where there is no room for one.
pub fn send(link: &OwnedFd, task: &Task, shared: RawFd, alive: RawFd) -> io::Result<()> {
    let mut task = *task;
    let mut part = libc::iovec { iov_base: (&raw mut task).cast(), iov_len: size_of::<Task>() };
    let mut ancillary = Ancillary([0; 64]);
    let message = message(&mut part, &mut ancillary);
    // SAFETY: the message has room for one header, and two descriptors behind it.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(DESCRIPTORS_LEN) as _;
        libc::CMSG_DATA(header).cast::<[RawFd; DESCRIPTORS]>().write_unaligned([shared, alive]);
    }
    again(|| {
        // SAFETY: the message and its parts are there until it returns.
        unsafe {
            let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
            libc::sendmsg(link.as_raw_fd(), &raw const message, flags)
        }
    })
    .map(drop)
}

/// Waits for a task. It takes no memory.
pub fn receive(link: &OwnedFd) -> Received {
    let mut task = MaybeUninit::<Task>::uninit();
    let mut part = libc::iovec { iov_base: task.as_mut_ptr().cast(), iov_len: size_of::<Task>() };
    let mut ancillary = Ancillary([0; 64]);
    let mut message = message(&mut part, &mut ancillary);
    let length = again(|| {
        // SAFETY: as above; there is room for a task.
        unsafe { libc::recvmsg(link.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) }
    });
    match length {
        Ok(0) => return Received::End,
        Ok(length) if length == size_of::<Task>() => {}
        _ => return Received::Nothing,
    }
    // SAFETY: null, or a header with what it says behind it.
    let found = unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null()
            || (*header).cmsg_type != libc::SCM_RIGHTS
            || (*header).cmsg_len as u64 != u64::from(libc::CMSG_LEN(DESCRIPTORS_LEN))
        {
            return Received::Nothing;
        }
        libc::CMSG_DATA(header).cast::<[RawFd; DESCRIPTORS]>().read_unaligned()
    };
    let [shared, alive] = found;
    // SAFETY: a whole task was received, from the process that this one is a copy of, which alone has the other
    // end: what it wrote means the same here. The descriptors are new ones of this process.
    unsafe {
        let descriptors = Descriptors {
            shared: OwnedFd::from_raw_fd(shared),
            alive: OwnedFd::from_raw_fd(alive),
        };
        Received::Task(task.assume_init(), descriptors)
    }
}

/// What came of waiting for a task.
pub enum Received {
    Task(Task, Descriptors),
    /// No whole task, for what the system lacks.
    Nothing,
    /// Nobody sends one any more.
    End,
}

/// Whether nobody sends anything any more.
pub fn is_closed(link: &OwnedFd) -> bool {
    let mut polled = libc::pollfd { fd: link.as_raw_fd(), events: 0, revents: 0 };
    // SAFETY: one descriptor, which is asked for nothing but its end.
    unsafe { libc::poll(&raw mut polled, 1, 0) > 0 && polled.revents & libc::POLLHUP != 0 }
}

/// What became of the other end of a socket.
pub enum Heard {
    /// Nothing, for that time.
    Nothing,
    /// There is no process that could have it, for this reason of the system's.
    NoProcess(io::Error),
    /// Nobody has it any more.
    End,
}

/// Says a number of the system's to the other end: to who waits, why there is no process. A process is ended by it,
/// whatever it is.
pub fn say(end: &OwnedFd, number: libc::c_int) {
    let byte = [u8::try_from(number).unwrap_or(0)];
    // SAFETY: one byte. If it can't be sent, nobody waits for it.
    unsafe {
        libc::send(end.as_raw_fd(), byte.as_ptr().cast(), byte.len(), libc::MSG_NOSIGNAL);
    }
}

/// Waits so many milliseconds for the other end.
pub fn hear(end: &OwnedFd, milliseconds: libc::c_int) -> Heard {
    let mut polled = libc::pollfd { fd: end.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one descriptor, which is open.
    if unsafe { libc::poll(&raw mut polled, 1, milliseconds) } <= 0 {
        return Heard::Nothing;
    }
    let mut byte = [0_u8];
    let read = again(|| {
        // SAFETY: there is room for one byte.
        unsafe {
            libc::recv(end.as_raw_fd(), byte.as_mut_ptr().cast(), byte.len(), libc::MSG_DONTWAIT)
        }
    });
    match read {
        Ok(1) => Heard::NoProcess(io::Error::from_raw_os_error(byte[0].into())),
        _ => Heard::End,
    }
}

/// Calls until no signal comes between.
fn again(mut call: impl FnMut() -> isize) -> io::Result<usize> {
    loop {
        if let Ok(done) = usize::try_from(call()) {
            return Ok(done);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
