//! Zones in shared memory.

use std::io;

use image_gate_runtime::key;
pub use image_gate_runtime::key::{
    Answered, KeyFile, KeyTable, QuotaDecision, Record, StateFile, ZoneHeader,
};

use crate::ngx::kept_memory::KeptMemory;
use crate::ngx::shm::Shareable;

/// A request of a partner whose requests at once are limited.
pub type RunningRequest = key::RunningRequest<KeptMemory>;

/// A zone, once it has memory. Everything can be done on any thread.
pub type Zone = key::Zone<KeptMemory>;

// SAFETY: atomics only.
#[expect(unsafe_code, reason = "what lies in shared memory")]
unsafe impl Shareable for ZoneHeader {}

// SAFETY: atomics only.
#[expect(unsafe_code, reason = "what lies in shared memory")]
unsafe impl Shareable for Record {}

impl key::Memory for KeptMemory {
    fn view(&self) -> Option<(&ZoneHeader, &[Record])> {
        KeptMemory::view(self)
    }

    fn locked<R>(&self, body: impl FnOnce() -> R) -> io::Result<R> {
        KeptMemory::locked(self, body)
    }
}
