//! The error log.

use std::cell::Cell;
use std::fmt::Arguments;
use std::marker::PhantomData;

use nginx_sys::{NGX_LOG_DEBUG, ngx_cycle, ngx_log_t, ngx_uint_t};

use super::{shim, worker};

/// Writes one line at `level` (`NGX_LOG_ERR`, ...), to which nginx adds the client and the request.
pub(super) fn write(log: *mut ngx_log_t, level: u32, message: Arguments<'_>) {
    let level = level as ngx_uint_t;
    // SAFETY: callers pass the log of a live cycle, connection or configuration, or null.
    if log.is_null() || unsafe { (*log).log_level } < level {
        return;
    }
    let line = message.to_string();
    // SAFETY: the log is live, and the line has as many bytes.
    unsafe { shim::ig_log(level, log, line.as_ptr(), line.len()) }
}

/// Lines of which one in a while is enough.
#[derive(Clone, Default)]
pub struct LogThrottle {
    /// When the last one was written, in seconds since 1970.
    last: Cell<u64>,
    held: Cell<u64>,
}

impl LogThrottle {
    /// Whether this line is to be written, and then how many were not since the last that was,
    /// which is at least `seconds` ago.
    pub fn next(&self, seconds: u64) -> Option<u64> {
        let now = worker::time();
        let last = self.last.get();
        if last != 0 && last <= now && now - last < seconds {
            self.held.set(self.held.get().saturating_add(1));
            return None;
        }
        self.last.set(now);
        Some(self.held.take())
    }
}

/// While this lives, nginx writes no debugging to the log: at that level it quotes the literal
/// parts of an expression that it evaluates, and a secret may be among them.
pub struct MuteDebugLog<'r> {
    log: *mut ngx_log_t,
    level: ngx_uint_t,
    request: PhantomData<&'r ()>,
}

impl<'r> MuteDebugLog<'r> {
    /// Begins with a log that outlives it.
    ///
    /// # Safety
    /// The log is that of a live connection, used on the event loop, and nothing that is called
    /// meanwhile replaces its level.
    pub(super) unsafe fn begin(log: *mut ngx_log_t) -> MuteDebugLog<'r> {
        // SAFETY: the caller's promises. What the bits above a plain level ask for is debugging.
        unsafe {
            let level = (*log).log_level;
            (*log).log_level = level.min(NGX_LOG_DEBUG as ngx_uint_t);
            MuteDebugLog { log, level, request: PhantomData }
        }
    }
}

impl Drop for MuteDebugLog<'_> {
    fn drop(&mut self) {
        // SAFETY: as in `begin`.
        unsafe { (*self.log).log_level = self.level }
    }
}

/// The log of the running configuration, which a thread may write to: lines that belong to no
/// request.
#[derive(Clone, Copy)]
pub struct CycleLog(());

impl CycleLog {
    /// That of the configuration that is running whenever something is written.
    pub fn current() -> CycleLog {
        CycleLog(())
    }

    /// Writes one line at `level`.
    pub fn write(self, level: u32, message: Arguments<'_>) {
        // SAFETY: a worker has one cycle for all its life. A process that is its own master sets
        // another one, a word, long before it frees the log of the one before. nginx's own threads
        // write to this log, too: a line is one `write`.
        let log = unsafe { (*(&raw const ngx_cycle).read_volatile()).log };
        // nginx's time is that of the event loop, which may have slept since; only it sets that.
        match worker::late() {
            Some(time) => self::write(log, level, format_args!("{message}, at {time}")),
            None => self::write(log, level, message),
        }
    }
}
