//! Work in processes of its own: what comes back, and what ends it. Each task is a function, as it has nothing of
//! the process that asks for it but the source.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::PROCESSES;
use image_gate_core::image::{Control, Error, FillPixels, Isolation, ShowPicture, WorkSize};
use image_gate_isolation::{Processes, end_by_panic};

/// Those of a test, for work that uses no memory of C's.
fn own_processes() -> Processes {
    let processes = Processes::new(|| ());
    processes.start().unwrap();
    processes
}

const SIZE: WorkSize = WorkSize { pixels: 10_000, memory: 64 << 20, foreign: false };

fn run_on(source: &[u8], control: &Control, fill: FillPixels) -> Result<Vec<u8>, Error> {
    let mut taken = Vec::new();
    PROCESSES.run(SIZE, &[source], control, fill, &mut |pixels| {
        taken.extend_from_slice(pixels);
        Ok(())
    })?;
    Ok(taken)
}

fn run(control: &Control, fill: FillPixels) -> Result<Vec<u8>, Error> {
    run_on(&[], control, fill)
}

fn within(time: Duration) -> Control {
    Control::new(Some(Instant::now() + time))
}

fn spin(_: &[u8], _: &mut [u8], _: &Control) -> Result<(), Error> {
    loop {
        std::hint::spin_loop();
    }
}

/// The lines of `/proc` on the processes that this one has made, and those have, by their names.
fn processes_named(name: &str) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let ours =
            std::fs::read_link(entry.path().join("exe")).ok() == std::env::current_exe().ok();
        if ours && stat.contains(&format!("({name})")) {
            found.push((pid, stat));
        }
    }
    found
}

#[test]
fn what_is_filled_in_comes_back() {
    let filled =
        run(&Control::default(), |_, pixels, _| {
            // Blocks of many sizes, again and again.
            let mut blocks: Vec<Vec<u8>> = Vec::new();
            for round in 1..2000_usize {
                blocks.push(vec![round as u8; round * 37 % 200_000]);
                assert!(blocks.iter().step_by(7).all(|block| {
                    block.first().is_none_or(|first| block.last() == Some(first))
                }));
                if round % 3 == 0 {
                    blocks.swap_remove(round % blocks.len());
                }
                if blocks.len() > 100 {
                    blocks.clear();
                }
                for zeros in [vec![0_u8; (1 << 20) + round], vec![0_u8; (70 << 10) + round]] {
                    assert!(zeros.iter().step_by(512).all(|&byte| byte == 0));
                    // Whole pages go back to the system, and those of some have so many bytes.
                    assert!(zeros.as_ptr().addr().is_multiple_of(64 << 10));
                    drop(vec![1_u8; zeros.len()]);
                }
            }
            pixels.fill(7);
            Ok(())
        });
    assert_eq!(filled, Ok(vec![7; 10_000]));
}

#[test]
fn a_source_is_there_and_the_rest_is_zero() {
    let sum = |source: &[u8], pixels: &mut [u8], _: &Control| {
        assert!(pixels.iter().all(|&byte| byte == 0));
        let sum = source.iter().map(|&byte| u64::from(byte)).sum::<u64>();
        pixels[..8].copy_from_slice(&sum.to_le_bytes());
        Ok(())
    };
    let mut source = vec![1_u8; 30 << 20];
    source[20 << 20..].fill(2);
    for part in [&source[..], &source[(10 << 20) + 5..(25 << 20) + 7], &source[..1], &[]] {
        let filled = run_on(part, &Control::default(), sum).unwrap();
        let expected = part.iter().map(|&byte| u64::from(byte)).sum::<u64>();
        assert_eq!(filled[..8], expected.to_le_bytes());
    }
}

/// Pictures of the bytes 1, 2 and so on, shown for as many milliseconds, up to the first byte of the source; then what
/// the second says.
fn count(
    source: &[u8],
    pixels: &mut [u8],
    _: &Control,
    show: &mut ShowPicture<'_>,
) -> Result<(), Error> {
    for number in 1..=source[0] {
        // They stay as they were left.
        assert!(pixels.iter().all(|&pixel| pixel == number - 1));
        pixels.fill(number);
        show(pixels, number.into())?;
    }
    match source[1] {
        0 => Ok(()),
        1 => Err(Error::DecodeFailed("a hole".to_owned())),
        2 => std::process::abort(),
        _ => spin(&[], &mut [], &Control::default()),
    }
}

#[test]
fn pictures_come_one_after_the_other() {
    let ended = Error::DecodeFailed("the codec crashed".to_owned());
    let hole = Error::DecodeFailed("a hole".to_owned());
    for (most, then, expected) in [
        (3, 0, Ok(None)),
        (0, 0, Ok(None)),
        (200, 1, Err(hole.clone())),
        (0, 1, Err(hole)),
        (2, 2, Err(ended)),
        (2, 3, Err(Error::Timeout)),
    ] {
        let control = within(Duration::from_secs(if then == 3 { 1 } else { 20 }));
        let source = [most, then];
        let mut pictures = PROCESSES.begin(SIZE, &[&source], &control, count).unwrap();
        for number in 1..=most {
            let mut taken = Vec::new();
            let shown = pictures.next(&control, &mut |pixels| {
                taken.extend_from_slice(pixels);
                Ok(())
            });
            assert_eq!((shown, &taken[..]), (Ok(Some(number.into())), &[number; 10_000][..]));
        }
        let begin = Instant::now();
        assert_eq!(
            pictures.next(&control, &mut |_| panic!("no picture")),
            expected,
            "{most} {then}"
        );
        assert!(begin.elapsed() < Duration::from_millis(1200));
    }
}

/// Answers what it finds in the pixels with their sum.
fn sums(_: &[u8], pixels: &mut [u8], _: &Control, show: &mut ShowPicture<'_>) -> Result<(), Error> {
    loop {
        show(pixels, 0)?;
        let sum = pixels.iter().map(|&byte| u32::from(byte)).sum();
        show(pixels, sum)?;
    }
}

#[test]
fn what_is_left_in_the_place_of_a_picture_is_found_there() {
    let control = within(Duration::from_secs(20));
    let mut pictures = PROCESSES.begin(SIZE, &[], &control, sums).unwrap();
    for number in [1_u8, 2, 200] {
        let asked = pictures.next(&control, &mut |pixels| {
            pixels.fill(number);
            Ok(())
        });
        assert_eq!(asked, Ok(Some(0)));
        let sum = u32::from(number) * 10_000;
        assert_eq!(pictures.next(&control, &mut |_| Ok(())), Ok(Some(sum)));
    }
}

#[test]
fn who_is_left_with_pictures_ends() {
    let processes = own_processes();
    let control = within(Duration::from_secs(20));
    for taken in 0..3 {
        let mut pictures = processes.begin(SIZE, &[&[9, 0]], &control, count).unwrap();
        for _ in 0..taken {
            assert!(matches!(pictures.next(&control, &mut |_| Ok(())), Ok(Some(_))));
        }
        // It waits to be asked for the next.
        std::thread::sleep(Duration::from_millis(20));
        let begin = Instant::now();
        drop(pictures);
        assert!(begin.elapsed() < Duration::from_millis(300));
    }
    // What can't be taken is the end.
    let mut pictures = processes.begin(SIZE, &[&[9, 0]], &control, count).unwrap();
    let refused = pictures.next(&control, &mut |_| Err(Error::Cancelled));
    assert_eq!(refused, Err(Error::Cancelled));
}

#[test]
fn errors_come_back() {
    let broken = run(&Control::default(), |_, _, _| Err(Error::DecodeFailed("a hole".to_owned())));
    assert_eq!(broken, Err(Error::DecodeFailed("a hole".to_owned())));
    let long = run(&Control::default(), |_, _, _| Err(Error::Internal("x".repeat(9000))));
    assert!(matches!(long, Err(Error::Internal(text)) if text.len() > 4000 && text.len() < 4096));
}

/// A panic is what a stranger's file has done to a decoder.
#[test]
fn a_panic_is_the_files_fault() {
    let panicked = run(&Control::default(), |_, _, _| {
        std::panic::set_hook(Box::new(|_| ()));
        panic!("on purpose")
    });
    assert_eq!(panicked, Err(Error::DecodeFailed("the codec panicked".to_owned())));
    let panicked = run(&Control::default(), |_, _, _| {
        std::panic::set_hook(Box::new(|panic| end_by_panic(panic.location())));
        panic!("on purpose")
    });
    let Err(Error::DecodeFailed(text)) = panicked else { panic!("{panicked:?}") };
    assert!(text.starts_with("the codec panicked at processes.rs:"), "{text}");
}

#[test]
fn it_ends_where_it_does_not_ask() {
    let start = Instant::now();
    assert_eq!(run(&within(Duration::from_millis(100)), spin), Err(Error::Timeout));
    // Generous: what it would take is for ever.
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn it_ends_when_nobody_waits_any_more() {
    let control = Control::default();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            control.cancel();
        });
        assert_eq!(run(&control, spin), Err(Error::Cancelled));
    });
    // Whoever was told of that may count on what it had: no process of them runs on. Those of other tests may.
    let is_running = |stat: &str| stat.contains(") R ");
    let until = Instant::now() + Duration::from_secs(10);
    while processes_named("image codec").iter().any(|(_, stat)| is_running(stat)) {
        assert!(Instant::now() < until, "a child runs on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn it_may_see_itself_that_the_time_is_over() {
    for _ in 0..20 {
        let result = run(&within(Duration::from_millis(5)), |_, _, control| {
            loop {
                control.check()?;
            }
        });
        assert_eq!(result, Err(Error::Timeout));
    }
}

#[test]
fn more_memory_than_was_said() {
    let result = run(&Control::default(), |_, _, _| {
        let held: Vec<Vec<u8>> = (0..100).map(|_| vec![1; 1 << 20]).collect();
        Err(Error::Internal(format!("{} MB", held.len())))
    });
    assert!(matches!(result, Err(Error::TooManyPixels(_))), "{result:?}");
}

/// Has 40 MB in blocks of that size, where they are held included, and frees them.
fn hold(size: usize) {
    let count = (40 << 20) / (size + size_of::<Vec<u8>>());
    drop((0..count).map(|_| vec![1_u8; size]).collect::<Vec<_>>());
}

/// However large blocks are freed and had again: those of one size after those of another.
#[test]
fn what_is_freed_does_not_add_up() {
    let grown = run(&Control::default(), |_, pixels, _| {
        let before = resident();
        (16..=21).map(|power| 1 << power).for_each(hold);
        let grown = resident().zip(before);
        let grown = grown.map_or(u32::MAX, |(now, before)| now.saturating_sub(before));
        pixels[..4].copy_from_slice(&grown.to_le_bytes());
        Ok(())
    });
    let pixels = grown.unwrap();
    let kilobytes = u32::from_le_bytes([pixels[0], pixels[1], pixels[2], pixels[3]]);
    // A quarter of what may be held at once may be kept, of 240 MB that were.
    assert!(kilobytes < 40 << 10, "{kilobytes} kB");
}

/// What is kept counts: of small blocks all, of large ones nothing that the system can have back.
#[test]
fn what_is_kept_counts() {
    let small = run(&Control::default(), |_, _, _| {
        hold(1 << 10);
        drop(std::hint::black_box(vec![1_u8; 60 << 20]));
        Ok(())
    });
    assert!(matches!(small, Err(Error::TooManyPixels(_))), "{small:?}");
    let large = run(&Control::default(), |_, _, _| {
        hold(1 << 17);
        drop(std::hint::black_box(vec![1_u8; 60 << 20]));
        Ok(())
    });
    assert!(large.is_ok(), "{large:?}");
}

/// Kilobytes that this process has in memory.
fn resident() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().split(' ').next()?.parse().ok()
}

/// Blocks that are too small to go back are kept for others of their size, as many bytes as may be held.
#[test]
fn what_is_kept_is_bounded() {
    let result = run(&Control::default(), |_, _, _| {
        (4..=10).map(|power| 1 << power).for_each(hold);
        Ok(())
    });
    assert!(matches!(result, Err(Error::TooManyPixels(_))), "{result:?}");
}

#[test]
fn whatever_other_threads_have_locked() {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    drop(vec![1_u8; 100_000]);
                }
            });
        }
        // Helpers that begin then, too.
        for _ in 0..20 {
            let processes = own_processes();
            for _ in 0..10 {
                let fill: FillPixels = |_, pixels, _| {
                    let made: Vec<String> = (0..50).map(|number| number.to_string()).collect();
                    pixels.fill(made.len() as u8);
                    Ok(())
                };
                let mut seen = 0;
                let take = &mut |pixels: &[u8]| {
                    seen = pixels[9];
                    Ok(())
                };
                processes.run(SIZE, &[], &within(Duration::from_secs(20)), fill, take).unwrap();
                assert_eq!(seen, 50);
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

/// A helper that was ended is replaced, and its children are not those of the next.
#[test]
fn another_helper_takes_over() {
    let processes = own_processes();
    let fill: FillPixels = |_, pixels, _| {
        // SAFETY: asks for a number.
        let parent = unsafe { libc::getppid() };
        pixels[..4].copy_from_slice(&parent.to_le_bytes());
        Ok(())
    };
    let helper = || {
        let mut helper = 0;
        let take = &mut |pixels: &[u8]| {
            helper = i32::from_le_bytes([pixels[0], pixels[1], pixels[2], pixels[3]]);
            Ok(())
        };
        processes.run(SIZE, &[], &within(Duration::from_secs(20)), fill, take).map(|()| helper)
    };
    let first = helper().unwrap();
    assert_eq!(helper(), Ok(first));
    let watch = parent_of(first).unwrap();
    kill(first);
    let second = helper().unwrap();
    assert_ne!(second, first);
    assert_eq!(helper(), Ok(second));
    assert_eq!(parent_of(second), Some(watch));
    // Nobody puts another in its place then, and that is told.
    kill(watch);
    assert_eq!(helper(), Ok(second));
    kill(second);
    // SAFETY: asks whether there is such a process.
    while unsafe { libc::kill(second, 0) } == 0 && !is_zombie(second) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(matches!(helper(), Err(Error::Internal(_))));
    processes.stop();
    assert!(matches!(helper(), Err(Error::Internal(_))));
    processes.start().unwrap();
    let third = helper().unwrap();
    processes.stop();
    // SAFETY: no process of that number is left, unless the system has given it again.
    assert_ne!(unsafe { libc::kill(third, 0) }, 0);
}

fn kill(process: i32) {
    // SAFETY: a process that this one or one of its own has made, and that nobody has waited for.
    assert_eq!(unsafe { libc::kill(process, libc::SIGKILL) }, 0);
}

/// What `/proc` says of a process behind its name: its state, and the process that made it.
fn state_of(process: i32) -> Option<(String, i32)> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut words = stat.rsplit_once(") ")?.1.split(' ');
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
}

fn parent_of(process: i32) -> Option<i32> {
    state_of(process).map(|(_, parent)| parent)
}

fn is_zombie(process: i32) -> bool {
    state_of(process).is_some_and(|(state, _)| state == "Z")
}

/// Nothing is left of many of them: descriptors, mappings, zombies.
#[test]
fn nothing_is_left() {
    let processes = own_processes();
    let fill: FillPixels = |_, _, _| Ok(());
    let run = || {
        processes.run(SIZE, &[&[1, 2], &[3]], &Control::default(), fill, &mut |_| Ok(())).unwrap()
    };
    run();
    let count = |what: &str| std::fs::read_dir(what).unwrap().count();
    let before = count("/proc/self/fd");
    for _ in 0..200 {
        run();
    }
    // Other tests have some for a while.
    let until = Instant::now() + Duration::from_secs(10);
    while count("/proc/self/fd") > before + 8 {
        assert!(Instant::now() < until, "{} descriptors, {before} before", count("/proc/self/fd"));
        std::thread::sleep(Duration::from_millis(10));
    }
    let zombies =
        processes_named("image codec").iter().filter(|(_, stat)| stat.contains(") Z ")).count();
    assert!(zombies < 4, "{zombies}");
}

#[test]
fn a_crash_is_the_fault_of_the_source() {
    let crashed = Err(Error::DecodeFailed("the codec crashed".to_owned()));
    assert_eq!(run(&within(Duration::from_secs(5)), |_, _, _| std::process::abort()), crashed);
    fn deep(pixels: &mut [u8]) -> usize {
        let room = std::hint::black_box([0_u8; 4096]);
        pixels.len() + usize::from(room[9]) + if pixels.is_empty() { 0 } else { deep(pixels) }
    }
    let endless = |_: &[u8], pixels: &mut [u8], _: &Control| {
        if deep(pixels) == 0 { Ok(()) } else { Err(Error::NotImage) }
    };
    assert_eq!(run(&within(Duration::from_secs(5)), endless), crashed);
    assert!(run(&within(Duration::from_secs(5)), |_, _, _| Ok(())).is_ok());
}

#[test]
fn what_is_not_supported_is_told() {
    let refused =
        run(&Control::default(), |_, _, _| Err(Error::UnsupportedFormat("it".to_owned())));
    assert_eq!(refused, Err(Error::UnsupportedFormat("it".to_owned())));
}

#[test]
fn memory_of_other_allocators_is_bounded_too() {
    // As C has it, which `Memory` knows nothing of.
    let fill = |_: &[u8], pixels: &mut [u8], _: &Control| {
        let mut blocks = 0;
        // SAFETY: new blocks of that size, none of which is freed.
        while blocks < 1000 && !std::hint::black_box(unsafe { libc::malloc(1 << 20) }).is_null() {
            blocks += 1;
        }
        pixels[..8].copy_from_slice(&u64::to_le_bytes(blocks));
        Ok(())
    };
    let mut held = Err(Error::NotImage);
    let size = WorkSize { foreign: true, ..SIZE };
    let ran = PROCESSES.run(size, &[], &within(Duration::from_secs(5)), fill, &mut |pixels| {
        held = Ok(pixels.to_vec());
        Ok(())
    });
    assert_eq!(ran, Ok(()));
    let held = held.unwrap();
    let blocks = u64::from_le_bytes(held[..8].try_into().unwrap());
    // Of 64 MB that it may have besides.
    assert!((64..128).contains(&blocks), "{blocks}");
}
