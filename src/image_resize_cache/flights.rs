//! Results that are being made: by which worker, and who waits for them here.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use image_gate_core::cache::{self, Claim, Flight, Ticket};

use crate::ngx::request::RequestId;
use crate::ngx::shm::{Memory, Shareable};
use crate::ngx::{NoMemory, Request, WeakRequest, worker};

/// Bytes of a zone: about 4000 results that are made at once.
pub const SIZE: u64 = 256 * 1024;

/// "IGFLIGHT" without its last letter, and the version of this layout.
const MAGIC: u64 = u64::from_be_bytes(*b"IGFLIGH\x01");

/// The beginning of a zone.
#[repr(C, align(64))]
struct Header {
    magic: AtomicU64,
}

#[repr(C, align(64))]
struct Slot(Flight);

impl AsRef<Flight> for Slot {
    fn as_ref(&self) -> &Flight {
        &self.0
    }
}

// SAFETY: atomics only.
#[expect(unsafe_code, reason = "what lies in shared memory")]
unsafe impl Shareable for Header {}
// SAFETY: atomics only.
#[expect(unsafe_code, reason = "what lies in shared memory")]
unsafe impl Shareable for Slot {}

/// What a result is known by while it is made.
pub type Name = [u64; 2];

/// The results of a cache that are being made.
#[derive(Default)]
pub struct Flights {
    memory: OnceCell<Memory>,
}

impl Flights {
    /// Takes the memory over.
    ///
    /// # Errors
    /// A reason in words.
    pub fn init(&self, memory: Memory) -> Result<(), String> {
        let Some((header, [_, ..])) = memory.view::<Header, Slot>() else {
            return Err("image_resize_cache_path: there is no room for locks".into());
        };
        let _ = header.magic.compare_exchange(0, MAGIC, Relaxed, Relaxed);
        if header.magic.load(Relaxed) != MAGIC {
            return Err("image_resize_cache_path: another version of the module uses the cache: \
                        restart nginx"
                .into());
        }
        let _ = self.memory.set(memory);
        Ok(())
    }

    fn locked<R>(&self, body: impl FnOnce(&[Slot]) -> R) -> Option<R> {
        let memory = self.memory.get()?;
        let (_, slots) = memory.view::<Header, Slot>()?;
        Some(memory.locked(|| body(slots)))
    }

    /// Has this worker make a result, unless another request of any worker does. Who `heeds_refusals` is not
    /// to make what turned out not to be kept lately.
    pub fn claim(&self, name: Name, age: u64, heeds_refusals: bool) -> Claim {
        let (me, now) = (worker::identity().into(), worker::milliseconds());
        let claim = |slots: &[Slot]| {
            cache::claim(slots, name, me, now, age, heeds_refusals, worker::is_alive)
        };
        self.locked(claim).unwrap_or(Claim::Free)
    }

    /// Whether another request makes it.
    pub fn is_busy(&self, name: Name, age: u64) -> bool {
        let now = worker::milliseconds();
        let is_busy = |slots: &[Slot]| cache::is_in_flight(slots, name, now, age, worker::is_alive);
        self.locked(is_busy).unwrap_or(false)
    }

    /// Says that a result is made no longer, and wakes who waits for it. One that is not kept is not
    /// waited for by others either, for a while.
    pub fn release(&self, ticket: &Ticket, is_refused: bool) {
        let refused = is_refused.then(worker::milliseconds);
        self.locked(|slots| cache::release(slots, ticket, refused));
        wake(ticket.key());
    }
}

thread_local! {
    /// Requests of this worker that wait.
    static WAITING: RefCell<HashMap<Name, Vec<WeakRequest>>> = RefCell::default();
}

/// How often a request looks whether a result is made still, in milliseconds: other workers can't
/// wake it.
const GLANCE: usize = 25;

/// Looks again; what it does is in the file `lookup`.
pub enum Wake {}

/// Has a request wait for a result.
///
/// # Errors
/// There is no memory.
pub fn wait(request: Request<'_>, name: Name) -> Result<(), NoMemory> {
    let event = request.event::<Wake>()?;
    let weak = request.weak().ok_or(NoMemory)?;
    request.wait()?;
    event.start_timer(GLANCE);
    WAITING.with_borrow_mut(|waiting| waiting.entry(name).or_default().push(weak));
    Ok(())
}

/// Ends the wait of a request.
pub fn leave(request: Request<'_>, name: Name) {
    if let Some(event) = request.known_event::<Wake>() {
        event.stop_timer();
    }
    forget(name, request.id());
    request.go_on();
}

/// Forgets a request that waits for nothing more, and all that are over.
fn forget(name: Name, id: RequestId) {
    WAITING.with_borrow_mut(|waiting| {
        let Some(requests) = waiting.get_mut(&name) else { return };
        requests.retain(|weak| weak.with(|request| request.id() != id) == Some(true));
        if requests.is_empty() {
            waiting.remove(&name);
        }
    });
}

fn wake(name: Name) {
    // The worker may be exiting, with the table gone already.
    let requests = WAITING.try_with(|waiting| {
        waiting.try_borrow_mut().ok().and_then(|mut waiting| waiting.remove(&name))
    });
    for weak in requests.ok().flatten().unwrap_or_default() {
        weak.with(|request| {
            if let Some(event) = request.known_event::<Wake>() {
                event.post();
            }
        });
    }
}

/// Has a waiting request look again later.
pub fn glance_again(request: Request<'_>) {
    if let Some(event) = request.known_event::<Wake>() {
        event.start_timer(GLANCE);
    }
}
