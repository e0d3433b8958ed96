//! `image_resize_zone`: what all workers count, in shared memory.
//!
//! Counters only grow, over reloads too. What runs and waits now is kept by each worker in a slot
//! of its own, so that nothing is left of a worker that was killed.

use std::cell::OnceCell;
use std::fmt::Arguments;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use image_gate_core::health::{Trouble, TroubleReason};
use image_gate_core::image::{self, Format, LIMITS, Statistics};

use super::response_info::{ImageStatus, ResponseInfo, status_word};
use crate::ngx::shm::{Memory, Shareable, ShmZone};
use crate::ngx::worker;

/// "IGSTAT" and the version of this layout.
const MAGIC: u64 = u64::from_be_bytes(*b"IGSTAT\0\x03");

/// What becomes of a response, as `$image_resize_status` says, or a client that left.
const OUTCOMES: [&str; 6] = [
    status_word(ImageStatus::Transformed),
    status_word(ImageStatus::Original),
    status_word(ImageStatus::Passed),
    status_word(ImageStatus::NotModified),
    status_word(ImageStatus::Error),
    "aborted",
];
/// The place of a client that left, behind those of [`ImageStatus`] in their order.
const ABORTED: usize = ImageStatus::Error as usize + 1;

/// As `$image_resize_error` says.
const REASONS: [&str; 12] = [
    "not_image",
    "unsupported_format",
    "too_large",
    "too_many_pixels",
    "too_many_frames",
    "decode_failed",
    "bad_params",
    "watermark_failed",
    "timeout",
    "busy",
    "encode_failed",
    "internal",
];

/// As `$image_resize_cache_status` says, in small letters. The places behind are for more.
const LOOKUPS: [&str; 7] = ["hit", "miss", "expired", "bypass", "stale", "updating", "revalidated"];

/// The places behind are for what is to come.
const PLACES: usize = 16;
const _: () = assert!(Format::ALL.len() <= PLACES);

/// The beginning of a zone.
#[repr(C, align(64))]
struct Counters {
    magic: AtomicU64,
    source_bytes: AtomicU64,
    bytes: AtomicU64,
    requests: [AtomicU64; PLACES],
    errors: [AtomicU64; PLACES],
    cache: [AtomicU64; PLACES],
    images: [[AtomicU64; PLACES]; PLACES],
    job_time: AtomicHistogram,
    queue_time: AtomicHistogram,
}

#[repr(C)]
struct AtomicHistogram {
    buckets: [AtomicU64; LIMITS.len() + 1],
    sum: AtomicU64,
}

/// What one worker has to do now.
#[repr(C, align(64))]
struct WorkerSlot {
    process: AtomicU64,
    running: AtomicU64,
    queued: AtomicU64,
    /// Since when jobs are refused, in seconds since 1970; 0 while there is room.
    full_since: AtomicU64,
}

// SAFETY: atomics only.
#[expect(unsafe_code, reason = "what lies in shared memory")]
unsafe impl Shareable for Counters {}
// SAFETY: atomics only.
#[expect(unsafe_code, reason = "what lies in shared memory")]
unsafe impl Shareable for WorkerSlot {}

impl AtomicHistogram {
    fn add(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get(image::Histogram::bucket(micros)) {
            bucket.fetch_add(1, Relaxed);
        }
        self.sum.fetch_add(micros, Relaxed);
    }

    fn read(&self) -> image::Histogram {
        image::Histogram {
            buckets: self.buckets.each_ref().map(|bucket| bucket.load(Relaxed)),
            sum: self.sum.load(Relaxed),
        }
    }
}

/// The zone of a configuration.
#[derive(Default)]
pub struct StatsZone {
    memory: OnceCell<Memory>,
}

impl ShmZone for StatsZone {
    fn init(&self, memory: Memory, _: &dyn Fn(u32, Arguments<'_>)) -> Result<(), String> {
        let Some((counters, [_, ..])) = memory.view::<Counters, WorkerSlot>() else {
            return Err("image_resize_zone: the zone is too small".into());
        };
        let _ = counters.magic.compare_exchange(0, MAGIC, Relaxed, Relaxed);
        if counters.magic.load(Relaxed) != MAGIC {
            // Of another version of the module, which is still at work there.
            return Err("image_resize_zone: another version of the module uses the zone: restart \
                        nginx or change the zone's size"
                .into());
        }
        let _ = self.memory.set(memory);
        Ok(())
    }
}

/// As many processes as nginx may have (`NGX_MAX_PROCESSES`).
const MOST_WORKERS: usize = 1024;

/// What the other workers have to do now, as long as the configuration lives.
#[derive(Clone, Copy)]
pub struct OtherWorkers {
    memory: Memory,
    own: usize,
}

impl OtherWorkers {
    /// How many jobs of theirs run or wait.
    pub fn jobs(self) -> usize {
        let Some((_, slots)) = self.memory.view::<Counters, WorkerSlot>() else { return 0 };
        let others = slots.iter().take(MOST_WORKERS).enumerate();
        let others = others.filter(|&(number, _)| number != self.own);
        let jobs = others.map(|(_, slot)| slot.jobs()).sum::<u64>();
        usize::try_from(jobs).unwrap_or(usize::MAX)
    }
}

impl WorkerSlot {
    /// The jobs of a worker that lives. One that was killed can't take back what it said.
    fn jobs(&self) -> u64 {
        let jobs = self.running.load(Relaxed) + self.queued.load(Relaxed);
        if jobs > 0 && worker::is_alive(self.process.load(Relaxed)) { jobs } else { 0 }
    }
}

fn place<'a, T>(places: &'a [T], names: &[&str], name: &str) -> Option<&'a T> {
    places.get(names.iter().position(|&known| known == name)?)
}

fn count(counter: Option<&AtomicU64>) {
    if let Some(counter) = counter {
        counter.fetch_add(1, Relaxed);
    }
}

impl StatsZone {
    fn view(&self) -> Option<(&Counters, &[WorkerSlot])> {
        self.memory.get()?.view()
    }

    /// The workers but this one, for any thread; `None` in a process of its own, whose zones a reload may
    /// take away while a thread is at work.
    pub fn others(&self) -> Option<OtherWorkers> {
        if worker::is_single() {
            return None;
        }
        Some(OtherWorkers { memory: *self.memory.get()?, own: worker::slot() })
    }

    /// Counts a failure.
    pub fn count_error(&self, word: &str) {
        let counters = self.view().map(|(counters, _)| &counters.errors);
        count(counters.and_then(|errors| place(errors, &REASONS, word)));
    }

    /// Counts a look-up in a cache.
    pub fn count_lookup(&self, word: &str) {
        let counters = self.view().map(|(counters, _)| &counters.cache);
        count(counters.and_then(|cache| place(cache, &LOOKUPS, word)));
    }

    /// Says what this worker has to do now.
    pub fn set_jobs(&self, running: usize, queued: usize) {
        let Some((_, slots)) = self.view() else { return };
        let Some(slot) = slots.get(worker::slot()) else { return };
        slot.process.store(u64::from(worker::identity()), Relaxed);
        let (running, queued) = (running as u64, queued as u64);
        // What ends or begins leaves room.
        if slot.running.swap(running, Relaxed) > running
            || slot.queued.swap(queued, Relaxed) > queued
        {
            slot.full_since.store(0, Relaxed);
        }
    }

    /// Says that this worker had no room for a job.
    pub fn note_full(&self) {
        let Some((_, slots)) = self.view() else { return };
        let Some(slot) = slots.get(worker::slot()) else { return };
        let _ = slot.full_since.compare_exchange(0, worker::time(), Relaxed, Relaxed);
    }

    /// Counts what became of a request.
    pub fn count(&self, response: &ResponseInfo) {
        let Some((counters, _)) = self.view() else { return };
        let outcome = response.status.map_or(ABORTED, |status| status as usize);
        count(counters.requests.get(outcome));
        if let (Some(source), Some(format), Some(_)) =
            (response.source_format, response.format, response.bytes)
            && !response.is_kept
        {
            let row = counters.images.get(source.index());
            count(row.and_then(|row| row.get(format.index())));
        }
        counters.source_bytes.fetch_add(response.source_bytes.unwrap_or(0), Relaxed);
        counters.bytes.fetch_add(response.bytes.map_or(0, |bytes| bytes as u64), Relaxed);
        if let Some(time) = response.time {
            counters.job_time.add(time);
        }
        if let Some(time) = response.queue_time {
            counters.queue_time.add(time);
        }
    }

    /// All of it, as it is now.
    pub fn read(&self) -> Statistics {
        let Some((counters, slots)) = self.view() else { return Statistics::default() };
        let named = |names: &[&'static str], places: &[AtomicU64]| {
            names.iter().zip(places).map(|(&name, place)| (name, place.load(Relaxed))).collect()
        };
        let mut images = Vec::new();
        for (source, row) in Format::ALL.iter().zip(&counters.images) {
            for (format, count) in Format::ALL.iter().zip(row) {
                images.push((source.name(), format.name(), count.load(Relaxed)));
            }
        }
        images.retain(|&(_, _, count)| count > 0);
        let (mut running, mut queued, mut full_since) = (0, 0, None);
        for slot in slots {
            let (now_running, now_queued) = (slot.running.load(Relaxed), slot.queued.load(Relaxed));
            // A worker that was killed can't take back what it said.
            if now_running + now_queued > 0 && worker::is_alive(slot.process.load(Relaxed)) {
                running += now_running;
                queued += now_queued;
                let full = Some(slot.full_since.load(Relaxed)).filter(|&since| since > 0);
                full_since = full.into_iter().chain(full_since).min();
            }
        }
        let is_full =
            full_since.map(|since| Trouble { reason: TroubleReason::QueueFull, zone: None, since });
        Statistics {
            troubles: is_full.into_iter().collect(),
            requests: named(&OUTCOMES, &counters.requests),
            errors: named(&REASONS, &counters.errors),
            cache: named(&LOOKUPS, &counters.cache),
            images,
            source_bytes: counters.source_bytes.load(Relaxed),
            bytes: counters.bytes.load(Relaxed),
            running,
            queued,
            job_time: counters.job_time.read(),
            queue_time: counters.queue_time.read(),
        }
    }
}
