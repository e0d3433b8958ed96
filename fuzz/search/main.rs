//! Looks for files that take too long or too much: mutates files of one format by their structure,
//! and holds each job against its time and the estimate of its memory.
//!
//!     search FORMAT SECONDS [FILE...]
//!
//! A job may take two seconds of the processor, or is ended by a deadline of one second within two
//! tenths of a second of the processor's more; its peak is at most a quarter and 16 MiB above the
//! estimate. With files, only those are held against that. What is found stays in build/fuzz.

#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests share it")]
#[path = "../../core/tests/common/mod.rs"]
mod common;
mod mutate;

use std::cell::Cell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use common::ultra_hdr;
use image_gate_core::image::{Control, HdrPolicy, Limits, Plan, prepare};
use mutate::{Random, Shape};

const TIME: Duration = Duration::from_secs(1);
const LONG: u64 = 2_000_000;
const LATE: u64 = 200_000;
const MEMORY: u64 = 512 << 20;
const MIB: u64 = 1 << 20;

/// What is asked for.
const PARAMS: [&str; 12] = [
    "w=200,f=jpeg",
    "w=60,f=png",
    "w=3000,f=jpeg,q=90",
    "w=200,h=200,fit=crop,gravity=smart,f=jpeg",
    "f=webp",
    "f=png",
    "f=jpeg,rotate=90",
    "w=900,f=gif",
    "w=500,f=avif",
    "w=700,blur=5,f=webp",
    "w=300",
    "f=avif",
];

/// How much is asked for: each of that, with a higher dynamic range left or not.
const JOBS: usize = 2 * PARAMS.len();

/// What is asked for by a number below [`JOBS`].
fn asked(which: usize) -> Option<Plan> {
    let plan = Plan::from_params(PARAMS[which % PARAMS.len()]).ok()?;
    let hdr = if which < PARAMS.len() { HdrPolicy::Off } else { HdrPolicy::Keep };
    Some(Plan { hdr, ..plan })
}

/// The same for people.
fn name(which: usize) -> String {
    let hdr = if which < PARAMS.len() { "" } else { ",hdr=keep" };
    format!("{}{hdr}", PARAMS[which % PARAMS.len()])
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let (Some(format), Some(seconds)) =
        (args.get(1), args.get(2).and_then(|text| text.parse().ok()))
    else {
        eprintln!("search: FORMAT SECONDS [FILE...]");
        return ExitCode::FAILURE;
    };
    let Some(shape) = Shape::of(format) else {
        eprintln!("search: no format {format}");
        return ExitCode::FAILURE;
    };
    let mut report = Summary::default();
    if args.len() > 3 {
        for (number, file) in args.iter().skip(3).enumerate() {
            match std::fs::read(file) {
                Ok(input) => (0..JOBS).for_each(|which| {
                    report.hold(format, &input, which, number);
                }),
                Err(error) => eprintln!("search: {file}: {error}"),
            }
        }
    } else {
        if let Err(error) = std::fs::create_dir_all("build/fuzz") {
            eprintln!("search: build/fuzz: {error}");
            return ExitCode::FAILURE;
        }
        search(format, shape, seconds, &mut report);
    }
    println!("{report}");
    if report.found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn search(format: &str, shape: Shape, seconds: u64, report: &mut Summary) {
    let seeds = seeds(format);
    let mut random = Random(seconds ^ 0x9e37_79b9_7f4a_7c15);
    // What went further than the others is gone on with.
    let mut pool = seeds.clone();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut number = 0;
    while Instant::now() < end {
        let from = &pool[random.below(pool.len())];
        let other = &pool[random.below(pool.len())];
        let input = mutate::mutate(shape, from, other, &mut random);
        if input.len() > 16 << 20 {
            continue;
        }
        number += 1;
        let which = random.below(JOBS);
        let took = report.hold(format, &input, which, number);
        if took > report.slowest / 2 && input.len() < 4 << 20 {
            if pool.len() < 400 {
                pool.push(input);
            } else {
                let at = seeds.len() + random.below(pool.len() - seeds.len());
                pool[at] = input;
            }
        }
    }
}

/// Files to begin with: those of the tests, and pictures of several sizes made of one.
fn seeds(format: &str) -> Vec<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let ending = if format == "jpeg" { "jpg" } else { format };
    for folder in ["tests/fixtures", "../build/fuzz/seeds"] {
        let Ok(files) = std::fs::read_dir(root.join(folder)) else { continue };
        let files = files.flatten().map(|file| file.path());
        let mut files: Vec<_> =
            files.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
        files.sort();
        found.extend(files.iter().flat_map(std::fs::read));
    }
    if format == "jpeg" {
        found.extend(with_maps());
    }
    let Ok(picture) = std::fs::read(root.join("tests/fixtures/pattern.png")) else { return found };
    for params in ["w=97", "w=400,enlarge=on", "w=3000,enlarge=on", "w=1500,enlarge=on,q=95"] {
        let Ok(plan) = Plan::from_params(&format!("{params},sharpen=30,f={format}")) else {
            continue;
        };
        for interlace in [false, true] {
            let plan = Plan { interlace, ..plan.clone() };
            let Ok(prepared) = prepare(&picture, &plan, &Limits::default()) else { continue };
            let Ok(done) = prepared.run(&Control::default()) else { continue };
            if let image_gate_core::image::Output::Encoded(bytes) = done.output {
                found.push(bytes);
            }
        }
    }
    found
}

/// JPEGs with gain maps of all kinds, smaller than the picture and as large.
fn with_maps() -> Vec<Vec<u8>> {
    let picture = common::photo(400, 300);
    let picture = common::jpeg(&picture, 90, common::Subsamp::Sub2x2, false);
    let maps = [(100, 75), (400, 300)].map(|(width, height)| {
        common::jpeg(&common::photo(width, height), 85, common::Subsamp::None, false)
    });
    let kinds = ultra_hdr::KINDS.into_iter();
    let joined = kinds.flat_map(|kind| {
        maps.each_ref().map(|map| ultra_hdr::join(&picture, &ultra_hdr::map(map, kind, 0), kind))
    });
    joined.collect()
}

#[derive(Default)]
struct Summary {
    jobs: u64,
    decoded: u64,
    ended: u64,
    found: u64,
    slowest: u64,
    latest: u64,
    longest: u64,
    most: u64,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Summary { jobs, decoded, ended, found, slowest, latest, longest, most } = self;
        write!(
            f,
            "{jobs} files, {decoded} decoded, {ended} ended by the deadline; slowest {} ms, latest \
             {} ms after the deadline, longest step {} ms, at most {most} % of the memory allowed; \
             {found} found",
            slowest / 1000,
            latest / 1000,
            longest / 1000
        )
    }
}

impl Summary {
    /// Runs a job; returns how many microseconds it took.
    fn hold(&mut self, format: &str, input: &[u8], which: usize, number: usize) -> u64 {
        self.jobs += 1;
        let current = format!("build/fuzz/search-{format}-current");
        // So that a crash leaves it behind.
        if let Err(error) = std::fs::write(&current, input) {
            panic!("{current}: {error}");
        }
        let Some(plan) = asked(which) else { return 0 };
        forget_peak();
        let (before, resident) = (cpu(), status("VmRSS:"));
        let at_deadline = AtomicU64::new(0);
        let (sender, receiver) = mpsc::channel::<()>();
        let deadline = Instant::now() + TIME;
        let (result, estimate) = std::thread::scope(|scope| {
            let at_deadline = &at_deadline;
            scope.spawn(move || {
                // As long as the job has from here on, however long this thread took to begin.
                if receiver.recv_timeout(deadline - Instant::now()).is_err() {
                    at_deadline.store(cpu(), Ordering::Relaxed);
                }
                let _ = receiver.recv();
            });
            Steps::begin();
            let control = Control::new(Some(deadline)).ended_by(Steps::next);
            let prepared = prepare(input, &plan, &Limits::default());
            let out = match &prepared {
                Ok(prepared) if prepared.memory() <= MEMORY => (
                    prepared.run(&control).map(|_| ()).map_err(|error| error.word()),
                    prepared.memory(),
                ),
                Ok(_) => (Err("memory"), 0),
                Err(error) => (Err(error.word()), 0),
            };
            Steps::next();
            let _ = sender.send(());
            drop(sender);
            out
        });
        let end = cpu();
        let took = end - before;
        let peak = status("VmHWM:").saturating_sub(resident);
        let allowed = estimate + estimate / 4 + 16 * MIB;
        let late = match at_deadline.into_inner() {
            0 => 0,
            deadline => end.saturating_sub(deadline),
        };
        self.decoded += u64::from(result.is_ok());
        self.ended += u64::from(result == Err("timeout"));
        self.slowest = self.slowest.max(took);
        self.latest = self.latest.max(late);
        let step = LONGEST.with(Cell::get);
        if step > self.longest {
            println!("{number}: {}: a step of {} ms, {result:?}", self::name(which), step / 1000);
        }
        self.longest = self.longest.max(step);
        self.most = self.most.max(peak * 100 / allowed);
        let mut wrong = Vec::new();
        if took > LONG && result != Err("timeout") {
            wrong.push(format!("{} ms of the processor", took / 1000));
        }
        if late > LATE {
            wrong.push(format!("{} ms after the deadline", late / 1000));
        }
        if peak > allowed {
            wrong.push(format!("{} MiB of {} MiB", peak / MIB, allowed / MIB));
        }
        if !wrong.is_empty() {
            self.found += 1;
            let name = format!("build/fuzz/search-{format}-{number}");
            if let Err(error) = std::fs::copy(&current, &name) {
                panic!("{name}: {error}");
            }
            println!("{name}: {}, {result:?}: {}", self::name(which), wrong.join(", "));
        }
        took
    }
}

thread_local! {
    /// When the processor's time was last read, what it was, and the longest step of a job so far.
    static READ: Cell<(Option<Instant>, u64)> = const { Cell::new((None, 0)) };
    static LONGEST: Cell<u64> = const { Cell::new(0) };
}

/// What a job does between two looks at its control: so long it may be late.
struct Steps;

impl Steps {
    fn begin() {
        READ.set((Some(Instant::now()), thread_cpu()));
        LONGEST.set(0);
    }

    /// A look at the control. It comes often, so that the time is not read each time.
    fn next() -> bool {
        let (read, before) = READ.get();
        if read.is_none_or(|read| read.elapsed() > Duration::from_millis(5)) {
            let now = thread_cpu();
            LONGEST.set(LONGEST.get().max(now.saturating_sub(before)));
            READ.set((Some(Instant::now()), now));
        }
        false
    }
}

/// Microseconds of the processor that this thread took.
fn thread_cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default() / 1000
}

/// Microseconds of the processor that this process took, all threads counted.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let own: u64 = text.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or_default();
    // The threads that are gone count in the process' own times only, in hundredths of a second.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<u64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11)
        .take(2)
        .flat_map(str::parse)
        .collect();
    (own / 1000).max(fields.iter().sum::<u64>() * 10_000)
}

/// A number of kilobytes in /proc/self/status, in bytes.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Has the peak of memory begin anew.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
