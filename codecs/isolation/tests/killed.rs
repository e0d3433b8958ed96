//! Helpers that are killed while all threads of the program use C's allocator, whose locks then stay as they are in a
//! copy of the program: in a test of its own, whose helper begins before there are threads.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::PROCESSES;
use image_gate_core::image::{Control, Error, FillPixels, Isolation, WorkSize};

const SIZE: WorkSize = WorkSize { pixels: 64, memory: 64 << 20, foreign: true };

/// Bytes that a helper may hold for itself: one that was made of this program when it was large has more.
const SMALL: u64 = 16 << 20;

/// Uses C's allocator, and says which process made this one, and how much memory that one had.
const WORK: FillPixels = |_, pixels, _| {
    for size in (1..200).map(|number| number * 977) {
        // SAFETY: a new block, which is freed once.
        unsafe { libc::free(std::hint::black_box(libc::malloc(size))) };
    }
    // SAFETY: asks for a number.
    let parent = unsafe { libc::getppid() };
    pixels[..4].copy_from_slice(&parent.to_le_bytes());
    pixels[4..12].copy_from_slice(&resident().to_le_bytes());
    Ok(())
};

/// Bytes that this process has in memory for itself, those included that it shares with what it is a copy of.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
    line.trim()
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .map_or(u64::MAX, |kb: u64| kb << 10)
}

fn work() -> Result<(i32, u64), Error> {
    let control = Control::new(Some(Instant::now() + Duration::from_secs(20)));
    let mut told = (0, 0);
    PROCESSES.run(SIZE, &[], &control, WORK, &mut |pixels| {
        let (parent, rest) = pixels.split_first_chunk().unwrap();
        told = (i32::from_le_bytes(*parent), u64::from_le_bytes(*rest.first_chunk().unwrap()));
        Ok(())
    })?;
    Ok(told)
}

/// Has the other threads end, also where a test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_next_helper_has_nothing_of_the_program() {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _over = Over(&is_over);
        for _ in 0..3 {
            scope.spawn(|| {
                let large = std::hint::black_box(vec![1_u8; 20 << 20]);
                while !is_over.load(Ordering::Relaxed) {
                    for size in (1..100).map(|number| number * 1009) {
                        // SAFETY: a new block, which is freed once.
                        unsafe { libc::free(std::hint::black_box(libc::malloc(size))) };
                    }
                }
                drop(large);
            });
        }
        let mut before = 0;
        for _ in 0..20 {
            let (helper, resident) = work().unwrap();
            assert_ne!(helper, before);
            assert!(resident < SMALL, "{resident} bytes");
            // SAFETY: a process that was made by one of this one's.
            assert_eq!(unsafe { libc::kill(helper, libc::SIGKILL) }, 0);
            before = helper;
        }
    });
}
