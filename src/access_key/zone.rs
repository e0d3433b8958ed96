//! Zones in nginx's shared memory.

use image_gate_runtime::key;
pub use image_gate_runtime::key::{
    Answered, KeyFile, KeyTable, QuotaDecision, Record, StateFile, ZoneHeader,
};

use crate::ngx::shm::{Memory, Shareable};

/// A request of a partner whose requests at once are limited.
pub type RunningRequest = key::RunningRequest<Memory>;

/// A zone, once it has memory. Everything can be done on any thread.
pub type Zone = key::Zone<Memory>;

// SAFETY: atomics only.
#[expect(unsafe_code, reason = "what lies in shared memory")]
unsafe impl Shareable for ZoneHeader {}

// SAFETY: atomics only.
#[expect(unsafe_code, reason = "what lies in shared memory")]
unsafe impl Shareable for Record {}

impl key::Memory for Memory {
    fn view(&self) -> Option<(&ZoneHeader, &[Record])> {
        Memory::view(self)
    }

    fn locked<R>(&self, body: impl FnOnce() -> R) -> R {
        Memory::locked(*self, body)
    }
}
