//! Counters to statsd.

use std::net::{ToSocketAddrs, UdpSocket};
use std::time::Duration;

use image_gate_core::key::Statsd;

use super::conf::StatsdConf;
use super::sink::{Sink, now};
use super::stop_signal::StopSignal;
use crate::access_key::zone::Zone;

/// How long a name server may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// One who sends to one address.
pub struct Sender {
    conf: StatsdConf,
    /// Made at the start, and again after an error: the name may lead to another address by then.
    socket: Option<UdpSocket>,
}

impl Sender {
    /// One who has not sent anything.
    pub fn new(conf: StatsdConf) -> Sender {
        Sender { conf, socket: None }
    }

    fn flush(&mut self, zone: &Zone) -> Result<(), String> {
        let report = zone.report("", now());
        let records = zone.records();
        let sent: Vec<_> = records.iter().map(|record| record.export.sent()).collect();
        let statsd: &Statsd = &self.conf.statsd;
        for datagram in statsd.datagrams(&zone.name, &report, &sent) {
            let Some(socket) = &self.socket else { return Err("no socket".to_owned()) };
            socket.send(&datagram.bytes).map_err(|error| self.failed(&error))?;
            for advance in datagram.advances {
                if let Some(record) = records.get(advance.partner) {
                    record.export.advance(advance.counter, advance.by);
                }
            }
        }
        Ok(())
    }

    /// Looks the name up, which takes as long as a name server likes.
    fn open(&mut self, stop: &StopSignal) -> Result<(), String> {
        if self.socket.is_none() {
            let address = self.conf.address.clone();
            let socket = stop
                .run("access_key names", PATIENCE, move || connect(&address))
                .map_err(|gone| format!("{}: {gone}", self.conf.address))?;
            self.socket = Some(socket.map_err(|error| self.failed(&error))?);
        }
        Ok(())
    }

    fn failed(&mut self, error: &std::io::Error) -> String {
        self.socket = None;
        format!("{}: {error}", self.conf.address)
    }
}

fn connect(address: &str) -> std::io::Result<UdpSocket> {
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
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

    fn send(&mut self, zone: &Zone, stop: &StopSignal) -> (Duration, Result<(), String>) {
        // Also with nothing to say, so that there is no name to be looked up in the end.
        let result = self.open(stop).and_then(|()| self.flush(zone));
        (self.conf.interval, result)
    }

    fn finish(&mut self, zone: &Zone) {
        // Without a socket there would be a name to look up, which takes its time.
        if self.socket.is_some() {
            // Nobody is there any more to hear of an error; what is not sent is still to be sent.
            drop(self.flush(zone));
        }
    }
}
