//! Counters to statsd.

use std::io;
use std::net::{ToSocketAddrs, UdpSocket};
use std::time::Duration;

use image_gate_core::key::{Advance, Statsd};

use super::sink::Sink;
use crate::host::{Host, Now};
use crate::key::{Memory, PartnerExport, Record, Zone};
use crate::stop_signal::StopSignal;

/// Where statsd is.
#[derive(Debug, Clone)]
pub struct StatsdConf {
    /// Host and port.
    pub address: String,
    /// Between datagrams.
    pub interval: Duration,
    /// How they are written.
    pub statsd: Statsd,
}

/// How long a name server may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// One who sends to one address.
pub struct Sender {
    conf: StatsdConf,
    /// Made at the start, and again after an error: the name may lead to another address by then.
    socket: Option<UdpSocket>,
    /// What was in the datagram that was sent last: that nobody took it is only known afterwards.
    last: Vec<Advance>,
}

impl Sender {
    /// Returns one who has not sent anything.
    pub fn new(conf: StatsdConf) -> Sender {
        Sender { conf, socket: None, last: Vec::new() }
    }

    fn flush<M: Memory>(&mut self, zone: &Zone<M>, now: Now) -> Result<(), String> {
        self.hear(zone.records())?;
        let report = zone.report("", now.seconds());
        PartnerExport::after_counters();
        let records = zone.records();
        let sent: Vec<_> = records.iter().map(|record| record.export.sent()).collect();
        let statsd: &Statsd = &self.conf.statsd;
        for datagram in statsd.datagrams(&zone.name, &report, &sent) {
            let Some(socket) = &self.socket else { return Err("no socket".to_owned()) };
            socket.send(&datagram.bytes).map_err(|error| self.failed_with(&error, records))?;
            for advance in &datagram.advances {
                if let Some(record) = records.get(advance.partner) {
                    record.export.advance(advance.counter, advance.by);
                }
            }
            self.last = datagram.advances;
            // On this machine it is known by now whether somebody is there.
            self.hear(records)?;
        }
        Ok(())
    }

    /// Hears what came back for what was sent.
    fn hear(&mut self, records: &[Record]) -> Result<(), String> {
        match self.socket.as_ref().map(UdpSocket::take_error) {
            None | Some(Ok(None)) => Ok(()),
            Some(Ok(Some(error)) | Err(error)) => Err(self.failed_with(&error, records)),
        }
    }

    /// After the error of a socket: one that says that nobody is there is about the datagram that
    /// was sent last, whose counts are still to be sent then.
    fn failed_with(&mut self, error: &io::Error, records: &[Record]) -> String {
        let last = std::mem::take(&mut self.last);
        if error.kind() == io::ErrorKind::ConnectionRefused {
            for advance in last {
                if let Some(record) = records.get(advance.partner) {
                    record.export.take_back(advance.counter, advance.by);
                }
            }
        }
        self.failed(error)
    }

    /// Looks the name up, which takes as long as a name server likes.
    fn open(&mut self, host: &impl Host, stop: &StopSignal) -> Result<(), String> {
        if self.socket.is_none() {
            let address = self.conf.address.clone();
            let socket = stop
                .run(host, "access_key names", PATIENCE, move || connect(&address))
                .map_err(|gone| format!("{}: {gone}", self.conf.address))?;
            self.socket = Some(socket.map_err(|error| self.failed(&error))?);
        }
        Ok(())
    }

    fn failed(&mut self, error: &io::Error) -> String {
        self.socket = None;
        format!("{}: {error}", self.conf.address)
    }
}

fn connect(address: &str) -> io::Result<UdpSocket> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in address.to_socket_addrs()? {
        let local = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(local)?;
        match socket.connect(address) {
            // A full buffer is an error, not something to wait for.
            Ok(()) => return socket.set_nonblocking(true).map(|()| socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Sink for Sender {
    const NAME: &'static str = "statsd";

    fn send<M: Memory>(
        &mut self,
        zone: &Zone<M>,
        host: &impl Host,
        stop: &StopSignal,
    ) -> (Duration, Result<(), String>) {
        // Also with nothing to say, so that there is no name to be looked up in the end.
        let result = self.open(host, stop).and_then(|()| self.flush(zone, host.now()));
        (self.conf.interval, result)
    }

    fn finish<M: Memory>(&mut self, zone: &Zone<M>, now: Now) {
        // Without a socket there would be a name to look up, which takes its time.
        if self.socket.is_some() {
            // Nobody is there any more to hear of an error; what is not sent is still to be sent.
            drop(self.flush(zone, now));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::key::state_file;
    use crate::testing::{FakeHost, Folder, Heap, Statsd as Server, count, keys, start};
    use image_gate_core::key::{MAX_DATAGRAM, Tags};

    fn conf(address: String) -> StatsdConf {
        let statsd = Statsd { prefix: String::new(), tags: Tags::None };
        StatsdConf { address, interval: Duration::from_secs(10), statsd }
    }

    struct Fixture {
        folder: Folder,
        memory: Heap,
        host: FakeHost,
        zone: Zone<Heap>,
        stop: StopSignal,
    }

    impl Fixture {
        fn new(ids: &[&str]) -> Fixture {
            let (folder, memory, host) = (Folder::new(), Heap::new(ids.len()), FakeHost::new());
            folder.write("keys", &keys(ids));
            let zone = start(&memory, &folder, &host);
            Fixture { folder, memory, host, zone, stop: StopSignal::default() }
        }

        fn send(&self, sender: &mut Sender) -> Result<(), String> {
            let (pause, result) = sender.send(&self.zone, &self.host, &self.stop);
            assert_eq!(pause, sender.conf.interval);
            result
        }
    }

    #[test]
    fn what_grew_is_sent_and_nothing_where_nothing_did() {
        let (at, server) = (Fixture::new(&["acme", "beta"]), Server::new());
        let mut sender = Sender::new(conf(server.address()));
        assert_eq!(at.send(&mut sender), Ok(()));
        assert!(server.datagrams().is_empty());
        count(&at.zone, 0, 3, &at.host);
        assert_eq!(at.send(&mut sender), Ok(()));
        let lines = [
            "z.acme.requests:3|c",
            "z.acme.responses.2xx:3|c",
            "z.acme.bytes_sent:300|c",
            "z.acme.bytes_received:30|c",
        ];
        assert_eq!(server.datagrams(), [lines.join("\n")]);
        assert_eq!(at.send(&mut sender), Ok(()));
        assert!(server.datagrams().is_empty());
        count(&at.zone, 1, 1, &at.host);
        count(&at.zone, 0, 1, &at.host);
        assert_eq!(at.send(&mut sender), Ok(()));
        assert_eq!(
            server.sums("requests"),
            [("acme".to_owned(), 1), ("beta".to_owned(), 1)].into()
        );
    }

    #[test]
    fn datagrams_are_small_and_hold_all() {
        let ids: Vec<String> = (0..300).map(|number| format!("partner-{number}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let (at, server) = (Fixture::new(&ids), Server::new());
        for place in 0..ids.len() {
            count(&at.zone, place, place as u64 + 1, &at.host);
        }
        let mut sender = Sender::new(conf(server.address()));
        assert_eq!(at.send(&mut sender), Ok(()));
        let datagrams = server.datagrams();
        assert!(datagrams.iter().all(|datagram| datagram.len() <= MAX_DATAGRAM));
        assert!(
            datagrams.iter().filter(|datagram| datagram.len() < MAX_DATAGRAM - 100).count() <= 1
        );
        let sums = Server::sums_of(&datagrams, "requests");
        assert_eq!(sums.len(), 300);
        assert!((0..300).all(|place| sums[ids[place]] == place as u64 + 1));
    }

    #[test]
    fn another_worker_goes_on_where_the_first_ended() {
        let (at, server) = (Fixture::new(&["acme"]), Server::new());
        count(&at.zone, 0, 3, &at.host);
        assert_eq!(at.send(&mut Sender::new(conf(server.address()))), Ok(()));
        let other = Fixture {
            zone: start(&at.memory, &at.folder, &at.host),
            folder: Folder::new(),
            memory: at.memory.clone(),
            host: at.host.clone(),
            stop: StopSignal::default(),
        };
        count(&other.zone, 0, 2, &at.host);
        assert_eq!(other.send(&mut Sender::new(conf(server.address()))), Ok(()));
        assert_eq!(server.sums("requests")["acme"], 5);
    }

    #[test]
    fn what_others_sent_is_not_sent_again() {
        let (at, server) = (Fixture::new(&["acme"]), Server::new());
        count(&at.zone, 0, 3, &at.host);
        state_file::save(&at.zone, false, at.host.now().seconds()).unwrap();
        // After a start from the state file, and where two instances merge.
        let next = Fixture {
            zone: start(&Heap::new(1), &at.folder, &at.host),
            folder: Folder::new(),
            memory: at.memory.clone(),
            host: at.host.clone(),
            stop: StopSignal::default(),
        };
        count(&at.zone, 0, 4, &at.host);
        count(&next.zone, 0, 1, &at.host);
        for zone in [&at.zone, &next.zone, &at.zone] {
            state_file::save(zone, false, at.host.now().seconds()).unwrap();
        }
        assert_eq!(next.send(&mut Sender::new(conf(server.address()))), Ok(()));
        assert_eq!(server.sums("requests")["acme"], 1);
        assert_eq!(at.send(&mut Sender::new(conf(server.address()))), Ok(()));
        assert_eq!(server.sums("requests")["acme"], 7);
    }

    #[test]
    fn what_was_refused_is_sent_later() {
        let (at, server) = (Fixture::new(&["acme"]), Server::new());
        let address = server.address();
        drop(server);
        let mut sender = Sender::new(conf(address.clone()));
        let refused = format!("{address}: Connection refused (os error 111)");
        for _ in 0..5 {
            count(&at.zone, 0, 1, &at.host);
            // Told by the system at once, or with the next one.
            let told = at.send(&mut sender);
            assert!(told.is_ok() || told == Err(refused.clone()), "{told:?}");
        }
        let server = Server::at(&address);
        count(&at.zone, 0, 1, &at.host);
        for _ in 0..2 {
            drop(at.send(&mut sender));
        }
        assert_eq!(server.sums("requests")["acme"], 6);
    }

    #[test]
    fn the_end_sends_the_rest_but_looks_up_no_name() {
        let (at, server) = (Fixture::new(&["acme"]), Server::new());
        let mut sender = Sender::new(conf(server.address()));
        count(&at.zone, 0, 1, &at.host);
        sender.finish(&at.zone, at.host.now());
        assert!(server.datagrams().is_empty());
        assert_eq!(at.send(&mut sender), Ok(()));
        count(&at.zone, 0, 2, &at.host);
        sender.finish(&at.zone, at.host.now());
        assert_eq!(server.sums("requests")["acme"], 3);
    }

    #[test]
    fn an_address_that_leads_nowhere_is_told_and_tried_again() {
        let at = Fixture::new(&["acme"]);
        let mut sender = Sender::new(conf("127.0.0.1".into()));
        count(&at.zone, 0, 1, &at.host);
        for _ in 0..2 {
            assert!(at.send(&mut sender).unwrap_err().starts_with("127.0.0.1: invalid socket"));
        }
        let server = Server::new();
        sender.conf.address = server.address();
        assert_eq!(at.send(&mut sender), Ok(()));
        assert_eq!(server.sums("requests")["acme"], 1);
    }
}
