//! What the tests of this crate share.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::fmt::Arguments;
use std::fs;
use std::io;
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use image_gate_core::key::{Digest, Period, QuotaLimits};
use redis::Client;

use crate::host::{Host, Now};
use crate::key::{
    Answered, KeyFile, Keys, Memory, Record, StateFile, Zone, ZoneHeader, state_file,
};

/// A folder of one test, which goes with it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("image-gate-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file; one that is there is replaced by another, not written over.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let (new, path) = (self.file(".new"), self.file(name));
        fs::write(&new, bytes).unwrap();
        fs::rename(&new, &path).unwrap();
        path
    }

    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A test that failed may have taken it away.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A process whose clocks stand still until they are told to go on.
#[derive(Clone)]
pub struct FakeHost {
    process: u32,
    machine: Arc<Mutex<Machine>>,
}

/// What the processes of a machine share.
struct Machine {
    now: Now,
    lines: Vec<String>,
    leaving: Vec<u32>,
    dead: Vec<u32>,
}

impl FakeHost {
    pub fn new() -> FakeHost {
        let unix = Duration::from_secs(1_764_042_000);
        FakeHost::at(Now { steady: Instant::now(), unix })
    }

    pub fn at(now: Now) -> FakeHost {
        let machine = Machine { now, lines: Vec::new(), leaving: Vec::new(), dead: Vec::new() };
        FakeHost { process: 1, machine: Arc::new(Mutex::new(machine)) }
    }

    /// Another process of the same machine.
    pub fn another(&self, process: u32) -> FakeHost {
        FakeHost { process, ..self.clone() }
    }

    /// Tells the process to end once its requests have ended.
    pub fn leave(&self) {
        self.with(|machine| machine.leaving.push(self.process));
    }

    /// Takes the process away without a word.
    pub fn die(&self) {
        self.with(|machine| machine.dead.push(self.process));
    }

    fn with<R>(&self, body: impl FnOnce(&mut Machine) -> R) -> R {
        body(&mut self.machine.lock().unwrap())
    }

    pub fn pass(&self, time: Duration) {
        self.with(|machine| {
            machine.now.steady += time;
            machine.now.unix += time;
        });
    }

    /// Sets the clock that processes share back.
    pub fn set_back(&self, time: Duration) {
        self.with(|machine| machine.now.unix -= time);
    }

    /// The lines since this was asked last.
    pub fn lines(&self) -> Vec<String> {
        self.with(|machine| std::mem::take(&mut machine.lines))
    }

    fn write(&self, level: &str, line: Arguments<'_>) {
        self.with(|machine| machine.lines.push(format!("{level}: {line}")));
    }
}

impl Host for FakeHost {
    fn now(&self) -> Now {
        self.with(|machine| machine.now)
    }

    fn error(&self, line: Arguments<'_>) {
        self.write("error", line);
    }

    fn notice(&self, line: Arguments<'_>) {
        self.write("notice", line);
    }

    fn process(&self) -> u32 {
        self.process
    }

    fn is_leaving(&self) -> bool {
        self.with(|machine| machine.leaving.contains(&self.process))
    }

    fn is_alive(&self, process: u64) -> bool {
        self.with(|machine| !machine.dead.iter().any(|&dead| u64::from(dead) == process))
    }

    fn spawn(
        &self,
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        Builder::new().name(name.to_owned()).spawn(body)
    }
}

/// Memory of a zone that its clones share, as processes do.
#[derive(Clone)]
pub struct Heap(Arc<(ZoneHeader, Vec<Record>, Mutex<()>)>, usize);

impl Heap {
    pub fn new(room: usize) -> Heap {
        let records = std::iter::repeat_with(Record::default).take(room).collect();
        Heap(Arc::new((ZoneHeader::new(), records, Mutex::new(()))), room)
    }

    /// As a process has it that began when there was room for so many.
    pub fn first(&self, room: usize) -> Heap {
        Heap(self.0.clone(), room)
    }
}

impl Memory for Heap {
    fn view(&self) -> Option<(&ZoneHeader, &[Record])> {
        Some((&self.0.0, &self.0.1[..self.1]))
    }

    fn locked<R>(&self, body: impl FnOnce() -> R) -> io::Result<R> {
        let _held = self.0.2.lock().unwrap();
        Ok(body())
    }
}

/// A key file with a line for each partner.
pub fn keys(ids: &[&str]) -> Vec<u8> {
    let line = |id: &&str| format!("{id} {}\n", Digest::of(id.as_bytes()));
    ids.iter().map(line).collect::<String>().into_bytes()
}

/// What an nginx does that starts with that memory and the files `keys` and `state` of a folder.
pub fn start(memory: &Heap, folder: &Folder, host: &FakeHost) -> Zone<Heap> {
    let (file, keys) = KeyFile::read(folder.file("keys"), Some(Duration::from_secs(5)));
    let state = StateFile { path: folder.file("state"), interval: Duration::from_secs(10) };
    let keys = keys.or_else(|| Keys::read_copy(&state.path).ok()).unwrap();
    let known = {
        let path = state.path.clone();
        move || state_file::load(&path).ok().flatten().unwrap_or_default()
    };
    let (name, limits, memory) = ("z".into(), QuotaLimits::default(), memory.clone());
    let zone = Zone::new(name, Some(state), file, limits, memory, keys.table, known).unwrap();
    zone.header().key_file_bad.note(zone.file.trouble.is_none(), host.now().seconds());
    zone
}

/// Counts so many answered requests of the partner at a place.
pub fn count(zone: &Zone<Heap>, place: usize, requests: u64, host: &FakeHost) {
    let time = host.now().seconds();
    let answered = Answered { class: 2, sent: 100, received: 10, admitted: true, refused: false };
    for _ in 0..requests {
        zone.records()[place].count(time, &Period::numbers(time), &answered);
    }
}

/// The requests that were counted, by partner.
pub fn requests(zone: &Zone<Heap>) -> Vec<(String, u64)> {
    zone.records().iter().map(|record| (record.id(), record.totals().requests)).collect()
}

/// A statsd on a socket of its own.
pub struct Statsd(UdpSocket);

impl Statsd {
    pub fn new() -> Statsd {
        Statsd::at("127.0.0.1:0")
    }

    pub fn at(address: &str) -> Statsd {
        Statsd(UdpSocket::bind(address).unwrap())
    }

    pub fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// What came since this was asked last. On this machine, what was sent has come.
    pub fn datagrams(&self) -> Vec<String> {
        self.0.set_nonblocking(true).unwrap();
        let mut datagrams = Vec::new();
        let mut buffer = [0; 65536];
        while let Ok(len) = self.0.recv(&mut buffer) {
            datagrams.push(String::from_utf8(buffer[..len].to_vec()).unwrap());
        }
        datagrams
    }

    /// What came of one counter, by partner.
    pub fn sums(&self, counter: &str) -> HashMap<String, u64> {
        Statsd::sums_of(&self.datagrams(), counter)
    }

    /// The same of datagrams.
    pub fn sums_of(datagrams: &[String], counter: &str) -> HashMap<String, u64> {
        let mut sums = HashMap::new();
        for line in datagrams.iter().flat_map(|datagram| datagram.lines()) {
            let (name, value) = line.strip_suffix("|c").unwrap().split_once(':').unwrap();
            let parts: Vec<&str> = name.splitn(3, '.').collect();
            if parts[2] == counter {
                *sums.entry(parts[1].to_owned()).or_default() += value.parse::<u64>().unwrap();
            }
        }
        sums
    }
}

/// A Redis on a socket in a folder of its own.
pub struct Redis {
    folder: Folder,
    process: Child,
}

impl Redis {
    pub fn new() -> Redis {
        let folder = Folder::new();
        let process = Redis::start(&folder);
        Redis { folder, process }
    }

    fn start(folder: &Folder) -> Child {
        let socket = folder.file("socket");
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("redis-server, which these tests need: {error}"));
        while UnixStream::connect(&socket).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        process
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.file("socket")
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// The value of a field, if it is there.
    pub fn field(&self, key: &str, field: &str) -> Option<u64> {
        let mut connection = Client::open(self.url()).unwrap().get_connection().unwrap();
        redis::cmd("HGET").arg(key).arg(field).query(&mut connection).unwrap()
    }

    pub fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        drop(fs::remove_file(self.socket()));
    }

    /// Starts it again, with nothing in it.
    pub fn restart(&mut self) {
        self.stop();
        self.process = Redis::start(&self.folder);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have been stopped before.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
