//! Sums of several nodes in Redis.

use std::sync::atomic::Ordering;
use std::time::Duration;

use image_gate_core::key::redis::{CounterEntry, Exchange, SCRIPT, What, arguments};
use image_gate_core::key::{PartnerReport, QuotaWindow, Report};
use redis::{Client, RedisResult, Script};

use super::redis_connection::Connection;
use super::sink::Sink;
use crate::host::Host;
use crate::key::{Memory, PartnerExport, Zone};
use crate::stop_signal::StopSignal;

/// Where Redis is, and what this node does there.
#[derive(Debug, Clone)]
pub struct RedisConf {
    /// Where it is; connects on demand.
    pub client: Client,
    /// The name of this node.
    pub node: String,
    /// Between exchanges.
    pub interval: Duration,
    /// For each address that is connected to, for its password and database, and for each answer.
    pub timeout: Duration,
    /// Whether partners with quotas are refused while Redis does not answer.
    pub deny: bool,
}

/// How long the names of a host may take to be looked up, and those of its addresses to be tried that do not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// This node, as Redis knows it.
pub struct Node {
    conf: RedisConf,
    exchange: Exchange,
    script: Script,
    connection: Option<Connection>,
}

impl Node {
    /// Returns one that is not connected.
    pub fn new(conf: RedisConf) -> Node {
        Node { conf, exchange: Exchange::default(), script: Script::new(SCRIPT), connection: None }
    }

    fn exchange<M: Memory>(
        &mut self,
        zone: &Zone<M>,
        host: &impl Host,
        stop: &StopSignal,
    ) -> Result<(), String> {
        let time = host.now().seconds();
        let report = zone.report(&self.conf.node, time);
        PartnerExport::after_counters();
        let life = zone.header().instance.load(Ordering::Relaxed);
        let batches = self.exchange.batches(&zone.name, &report, &start(zone, &report));
        let (conf, script, connection) =
            (self.conf.clone(), self.script.clone(), self.connection.take());
        let calls = u32::try_from(batches.len()).unwrap_or(u32::MAX).saturating_add(5);
        let limit = PATIENCE.saturating_add(conf.timeout.saturating_mul(calls));
        let (connection, batches, answers) = stop
            .run(host, "access_key redis", limit, move || {
                let mut connection = connection;
                let answers = talk(&conf, &script, &mut connection, life, &batches);
                (connection, batches, answers)
            })
            .map_err(|gone| gone.to_string())?;
        self.connection = connection;
        let address = || self.conf.client.get_connection_info().addr().to_string();
        let answers = answers.map_err(|error| format!("{}: {}", address(), describe(&error)))?;
        for (batch, others) in batches.iter().zip(answers) {
            if others.len() != batch.len() {
                return Err("an answer of another length".to_owned());
            }
            for (entry, others) in batch.iter().zip(others) {
                let window = match entry.what {
                    What::Total(_) => None,
                    What::Window(at) => report
                        .partners
                        .get(entry.partner)
                        .and_then(|partner| partner.windows.get(at)),
                };
                if let Some(window) = window {
                    zone.set_remote(entry.partner, window.what, window.per, window.start, others);
                }
            }
        }
        self.exchange.succeeded(&report);
        Ok(())
    }
}

/// Sends all batches, and returns what came back for each. Also with nothing to say it connects:
/// who looks into the log after the start should know.
fn talk(
    conf: &RedisConf,
    script: &Script,
    connection: &mut Option<Connection>,
    life: u64,
    batches: &[Vec<CounterEntry>],
) -> RedisResult<Vec<Vec<u64>>> {
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(Connection::open(&conf.client, conf.timeout)?),
    };
    let call = |batch: &Vec<CounterEntry>| {
        let mut call = script.prepare_invoke();
        for entry in batch {
            call.key(&entry.key);
        }
        for argument in arguments(&conf.node, life, batch) {
            call.arg(argument);
        }
        call.invoke(connection)
    };
    batches.iter().map(call).collect()
}

/// Returns what of the report is not the zone's own, but began with it or was taken over.
fn start<M: Memory>(zone: &Zone<M>, report: &Report) -> Report {
    let partners = report.partners.iter().zip(zone.records()).map(|(partner, record)| {
        let windows = partner.windows.iter().map(|window| QuotaWindow {
            used: record.export.start_used(window.what, window.per, window.start),
            ..*window
        });
        PartnerReport {
            id: partner.id.clone(),
            disabled: partner.disabled,
            totals: record.export.start_totals(),
            windows: windows.collect(),
            ..PartnerReport::default()
        }
    });
    Report { node: report.node.clone(), time: report.time, partners: partners.collect() }
}

fn describe(error: &redis::RedisError) -> String {
    if error.is_timeout() { "timed out".to_owned() } else { error.to_string() }
}

impl Sink for Node {
    const NAME: &'static str = "redis";

    fn send<M: Memory>(
        &mut self,
        zone: &Zone<M>,
        host: &impl Host,
        stop: &StopSignal,
    ) -> (Duration, Result<(), String>) {
        let began = host.now().steady;
        let result = self.exchange(zone, host, stop);
        if stop.is_stopped() {
            return (Duration::ZERO, result);
        }
        let now = host.now();
        zone.header().redis_bad.note(result.is_ok(), now.seconds());
        let pause = match &result {
            Ok(()) => self.conf.interval,
            Err(_) => {
                // An answer to what was asked before may still come on it.
                self.connection = None;
                self.exchange.failed(self.conf.interval)
            }
        };
        (pause.saturating_sub(now.steady.saturating_duration_since(began)), result)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::host::Now;
    use crate::key::{QuotaDecision, state_file};
    use crate::testing::{FakeHost, Folder, Heap, Redis, count, keys, start as begin};
    use image_gate_core::key::{Period, QuotaLimits, Resource};
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize};
    use std::thread;
    use std::time::Instant;

    /// A worker of one node.
    struct Fixture {
        folder: Arc<Folder>,
        host: FakeHost,
        zone: Zone<Heap>,
        node: Node,
        stop: StopSignal,
    }

    impl Fixture {
        fn new(name: &str, url: &str) -> Fixture {
            let folder = Arc::new(Folder::new());
            folder.write("keys", &quota());
            // What Redis is to forget goes by its own clock.
            Fixture::on(folder, FakeHost::at(Now::read()), name, url)
        }

        fn on(folder: Arc<Folder>, host: FakeHost, name: &str, url: &str) -> Fixture {
            let mut zone = begin(&Heap::new(2), &folder, &host);
            zone.denies = true;
            let node = Node::new(RedisConf {
                client: Client::open(url).unwrap(),
                node: name.into(),
                interval: Duration::from_secs(1),
                timeout: Duration::from_secs(5),
                deny: true,
            });
            Fixture { folder, host, zone, node, stop: StopSignal::default() }
        }

        /// Counts answers to requests that are let in first.
        fn count(&self, requests: u64) {
            let time = self.host.now().seconds();
            for _ in 0..requests {
                assert!(self.admit(u64::MAX - 1));
            }
            assert_eq!(time, self.host.now().seconds());
            count(&self.zone, 0, requests, &self.host);
        }

        fn admit(&self, limit: u64) -> bool {
            let time = self.host.now().seconds();
            let mut limits = QuotaLimits::default();
            limits.set(Resource::Requests, Period::Hour, limit);
            let record = &self.zone.records()[0];
            let admission = self.zone.admit(record, &limits, time, &Period::numbers(time));
            matches!(admission, QuotaDecision::Admitted)
        }

        fn used(&self) -> u64 {
            let time = self.host.now().seconds();
            self.zone.used(&self.zone.records()[0], Resource::Requests, Period::Hour, time)
        }

        fn send(&mut self) -> (u64, Result<(), String>) {
            let (pause, result) = self.node.send(&self.zone, &self.host, &self.stop);
            (u64::try_from(pause.as_millis()).unwrap(), result)
        }

        fn works(&mut self) {
            assert_eq!(self.send(), (1000, Ok(())));
            assert!(self.zone.header().redis_bad.is_well());
        }
    }

    fn quota() -> Vec<u8> {
        let mut line = keys(&["acme"]);
        line.pop();
        line.extend(b" requests=1000/hour\n");
        line
    }

    const TOTAL: &str = "access_key:{z}:acme:requests";

    #[test]
    fn nodes_know_of_each_other() {
        let redis = Redis::new();
        let mut a = Fixture::new("a", &redis.url());
        let mut b = Fixture::new("b", &redis.url());
        b.host = a.host.clone();
        a.count(3);
        b.count(2);
        for _ in 0..3 {
            a.works();
            b.works();
        }
        assert_eq!((a.used(), b.used()), (5, 5));
        assert_eq!(redis.field(TOTAL, "a").zip(redis.field(TOTAL, "b")), Some((3, 2)));
        // Two are left on any node.
        assert_eq!([a.admit(7), a.admit(7), a.admit(7)], [true, true, false]);
        a.works();
        b.works();
        assert!(!b.admit(7));
        // In the next window all begin anew.
        a.host.pass(Duration::from_secs(3600));
        assert_eq!((a.used(), b.used()), (0, 0));
        assert!(b.admit(7));
    }

    #[test]
    fn a_start_from_the_state_file_adds_only_what_comes() {
        let redis = Redis::new();
        let mut first = Fixture::new("a", &redis.url());
        first.count(3);
        first.works();
        state_file::save(&first.zone, false, first.host.now().seconds()).unwrap();
        let (folder, host) = (first.folder.clone(), first.host.clone());
        let mut second = Fixture::on(folder, host, "a", &redis.url());
        second.works();
        assert_eq!(redis.field(TOTAL, "a"), Some(3));
        second.count(2);
        second.works();
        assert_eq!((redis.field(TOTAL, "a"), second.used()), (Some(5), 5));
        // Without its file the node goes on from what is kept in Redis.
        let mut third = Fixture::new("a", &redis.url());
        third.count(1);
        third.works();
        assert_eq!(redis.field(TOTAL, "a"), Some(6));
    }

    #[test]
    fn redis_may_come_back_with_nothing() {
        let mut redis = Redis::new();
        let mut a = Fixture::new("a", &redis.url());
        a.count(3);
        a.works();
        redis.stop();
        let (pause, result) = a.send();
        assert!(result.is_err());
        assert_eq!(pause, 1000);
        assert!(!a.zone.header().redis_bad.is_well());
        // Nobody knows what other nodes used, nor asks where the configuration changed.
        assert!(!a.admit(1000));
        a.zone.denies = false;
        assert!(a.admit(1000));
        a.zone.denies = true;
        redis.restart();
        a.works();
        assert!(a.admit(1000));
        assert_eq!(redis.field(TOTAL, "a"), Some(3));
    }

    #[test]
    fn what_two_at_one_state_file_count_is_told_once() {
        let redis = Redis::new();
        let mut old = Fixture::new("a", &redis.url());
        let save = |at: &Fixture| state_file::save(&at.zone, false, at.host.now().seconds());
        old.count(3);
        old.works();
        save(&old).unwrap();
        old.count(4);
        old.works();
        // It begins with what was saved, while Redis was told more.
        let mut new = Fixture::on(old.folder.clone(), old.host.clone(), "a", &redis.url());
        new.count(10);
        new.works();
        old.works();
        assert_eq!(redis.field(TOTAL, "a"), Some(17));
        // Each counts what the other one used, be it from Redis or from the file.
        assert_eq!((old.used(), new.used()), (17, 17));
        old.count(5);
        for at in [&old, &new, &old] {
            save(at).unwrap();
        }
        for _ in 0..2 {
            old.works();
            new.works();
            assert_eq!((redis.field(TOTAL, "a"), old.used(), new.used()), (Some(22), 22, 22));
        }
        new.count(1);
        new.works();
        assert_eq!((redis.field(TOTAL, "a"), new.used()), (Some(23), 23));
    }

    #[test]
    fn pauses_grow_with_each_failure() {
        let mut redis = Redis::new();
        let mut a = Fixture::new("a", &redis.url());
        redis.stop();
        let pauses: Vec<u64> = (0..7).map(|_| a.send().0).collect();
        assert_eq!(pauses, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        redis.restart();
        a.works();
        redis.stop();
        assert_eq!(a.send().0, 1000);
    }

    /// Between a node and Redis; loses answers while it is told to.
    struct Proxy {
        url: String,
        loses: Arc<AtomicBool>,
        connections: Arc<AtomicUsize>,
    }

    impl Proxy {
        fn new(redis: &Redis) -> Proxy {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("redis://{}", listener.local_addr().unwrap());
            let loses = Arc::new(AtomicBool::new(false));
            let connections = Arc::new(AtomicUsize::new(0));
            let (socket, losing, counter) = (redis.socket(), loses.clone(), connections.clone());
            thread::spawn(move || {
                for client in listener.incoming() {
                    let (client, server) = (client.unwrap(), UnixStream::connect(&socket).unwrap());
                    counter.fetch_add(1, Ordering::SeqCst);
                    let (from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                    thread::spawn(move || std::io::copy(&mut &from, &mut to));
                    let losing = losing.clone();
                    thread::spawn(move || answer(server, client, &losing));
                }
            });
            Proxy { url, loses, connections }
        }
    }

    fn answer(mut server: UnixStream, mut client: TcpStream, loses: &AtomicBool) {
        let mut buffer = [0; 65536];
        while let Ok(len @ 1..) = server.read(&mut buffer) {
            if loses.load(Ordering::SeqCst) {
                break;
            }
            client.write_all(&buffer[..len]).unwrap();
        }
        // Either may be gone already.
        drop(client.shutdown(Shutdown::Both));
        drop(server.shutdown(Shutdown::Both));
    }

    #[test]
    fn a_lost_answer_counts_nothing_twice() {
        let redis = Redis::new();
        let proxy = Proxy::new(&redis);
        let mut a = Fixture::new("a", &proxy.url);
        let mut b = Fixture::new("b", &redis.url());
        b.host = a.host.clone();
        a.count(3);
        a.works();
        a.works();
        assert_eq!(proxy.connections.load(Ordering::SeqCst), 1, "it is kept");
        for round in 1..4 {
            a.count(1);
            proxy.loses.store(true, Ordering::SeqCst);
            assert!(a.send().1.is_err());
            assert_eq!(redis.field(TOTAL, "a"), Some(3 + round), "it was counted all the same");
            proxy.loses.store(false, Ordering::SeqCst);
            a.works();
            assert_eq!(redis.field(TOTAL, "a"), Some(3 + round));
            assert_eq!(proxy.connections.load(Ordering::SeqCst) as u64, 1 + round);
        }
        b.works();
        assert_eq!((a.used(), b.used()), (6, 6));
    }

    /// One that takes connections and says nothing, or the same to everything.
    fn listener(says: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                thread::spawn(move || {
                    let mut buffer = [0; 65536];
                    while let Ok(len @ 1..) = client.read(&mut buffer) {
                        let asked = &buffer[..len];
                        let commands = asked.split(|&byte| byte == b'\n');
                        for _ in commands.filter(|line| line.starts_with(b"*")) {
                            // It may be gone.
                            drop(client.write_all(says));
                        }
                    }
                });
            }
        });
        url
    }

    #[test]
    fn one_that_says_nothing_is_left_in_time() {
        let mut a = Fixture::new("a", &listener(b""));
        a.node.conf.timeout = Duration::from_millis(50);
        a.count(1);
        let began = Instant::now();
        let (next, sent) = a.send();
        assert_eq!(next, 1000);
        assert!(sent.is_err_and(|error| error.ends_with(": timed out")));
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert!(a.node.connection.is_none() && !a.admit(1000));
        assert_eq!(a.send().0, 2000);
    }

    /// One that answers with `piece` again and again, with pauses, and never ends.
    fn endless(start: &'static [u8], piece: Vec<u8>, pause: Duration) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for client in listener.incoming() {
                let (mut client, piece) = (client.unwrap(), piece.clone());
                thread::spawn(move || {
                    let mut result = client.write_all(start);
                    while result.is_ok() {
                        result = client.write_all(&piece);
                        thread::sleep(pause);
                    }
                });
            }
        });
        url
    }

    #[test]
    fn an_answer_comes_in_time_as_a_whole() {
        for start in [&b"+"[..], b"*1000000\r\n", b"$100000\r\n", b"-"] {
            let url = endless(start, b"1".to_vec(), Duration::from_millis(20));
            let mut a = Fixture::new("a", &url);
            a.node.conf.timeout = Duration::from_millis(200);
            a.count(1);
            let began = Instant::now();
            let said = a.send().1.unwrap_err();
            assert!(said.ends_with(": timed out"), "{said}");
            assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
            assert!(!a.admit(1000), "nobody knows what other nodes used");
        }
    }

    #[test]
    fn an_answer_has_so_many_bytes_and_no_more() {
        let many = b":1\r\n".repeat(100_000);
        let pushes = b">1\r\n:1\r\n".repeat(100_000);
        let long = vec![b'A'; 1 << 20];
        for (start, piece) in [
            (&b"+"[..], long.clone()),
            (b"$9223372036854775807\r\n", long),
            (b"*1000000\r\n", many),
            (b"", pushes),
        ] {
            let mut a = Fixture::new("a", &endless(start, piece, Duration::ZERO));
            a.node.conf.timeout = Duration::from_secs(60);
            a.count(1);
            let began = Instant::now();
            let said = a.send().1.unwrap_err();
            assert!(!said.ends_with(": timed out"), "{said}");
            assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        }
    }

    #[test]
    fn nobody_waits_for_it_in_the_end() {
        let mut a = Fixture::new("a", &listener(b""));
        a.node.conf.timeout = Duration::from_secs(60);
        a.count(1);
        let (stop, began) = (a.stop.clone(), Instant::now());
        let thread = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            stop.stop();
        });
        assert_eq!(a.send(), (0, Err("stopped".into())));
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        // That it did not answer says nothing about it.
        assert!(a.zone.header().redis_bad.is_well());
        thread.join().unwrap();
    }

    #[test]
    fn what_is_no_answer_is_taken_for_none() {
        for (says, reason) in [
            (&b"-ERR no\r\n"[..], "no"),
            (b"+OK\r\n", ""),
            (b"*1\r\n:7\r\n", "an answer of another length"),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", ""),
        ] {
            let mut a = Fixture::new("a", &listener(says));
            a.node.conf.timeout = Duration::from_millis(200);
            a.count(1);
            let said = a.send().1.unwrap_err();
            assert!(said.contains(reason), "{said}");
            assert_eq!(a.used(), 1);
        }
    }

    #[test]
    fn the_time_that_it_took_is_part_of_the_pause() {
        #[derive(Clone)]
        struct Slow(FakeHost);
        impl Host for Slow {
            fn now(&self) -> Now {
                let now = self.0.now();
                self.0.pass(Duration::from_millis(300));
                now
            }
            fn process(&self) -> u32 {
                self.0.process()
            }
            fn error(&self, line: std::fmt::Arguments<'_>) {
                self.0.error(line);
            }
            fn notice(&self, line: std::fmt::Arguments<'_>) {
                self.0.notice(line);
            }
            fn is_leaving(&self) -> bool {
                false
            }
            fn is_alive(&self, _: u64) -> bool {
                true
            }
            fn spawn(
                &self,
                name: &str,
                body: impl FnOnce() + Send + 'static,
            ) -> std::io::Result<thread::JoinHandle<()>> {
                self.0.spawn(name, body)
            }
        }
        let redis = Redis::new();
        let Fixture { mut node, zone, host, stop, .. } = Fixture::new("a", &redis.url());
        let (pause, result) = node.send(&zone, &Slow(host), &stop);
        assert_eq!((pause.as_millis(), result), (400, Ok(())));
    }
}
