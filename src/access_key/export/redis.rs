//! Sums of several nodes in Redis.

use std::time::{Duration, Instant};

use image_gate_core::key::redis::{Entry, Exchange, SCRIPT, What, arguments};
use image_gate_core::key::{Partner, Report, Window};
use redis::{Client, Connection, RedisResult, Script};

use super::conf::RedisConf;
use super::{Sink, now};
use crate::access_key::zone::Zone;

use std::sync::atomic::Ordering;

/// This node, as Redis knows it.
pub struct Node {
    conf: RedisConf,
    exchange: Exchange,
    script: Script,
    connection: Option<Connection>,
}

impl Node {
    /// One that is not connected.
    pub fn new(conf: RedisConf) -> Node {
        Node { conf, exchange: Exchange::default(), script: Script::new(SCRIPT), connection: None }
    }

    fn exchange(&mut self, zone: &Zone) -> Result<(), String> {
        let time = now();
        let report = zone.report(&self.conf.node, time);
        let life = zone.header().instance.load(Ordering::Relaxed);
        // Also with nothing to say: who looks into the log after the start should know.
        self.connection().map_err(|error| describe(&error))?;
        for batch in self.exchange.batches(&zone.name, &report, &start(zone, &report)) {
            let others = self.call(life, &batch).map_err(|error| describe(&error))?;
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

    fn call(&mut self, life: u64, batch: &[Entry]) -> RedisResult<Vec<u64>> {
        let arguments = arguments(&self.conf.node, life, batch);
        let script = self.script.clone();
        let mut call = script.prepare_invoke();
        for entry in batch {
            call.key(&entry.key);
        }
        for argument in arguments {
            call.arg(argument);
        }
        call.invoke(self.connection()?)
    }

    fn connection(&mut self) -> RedisResult<&mut Connection> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(connect(&self.conf.client, self.conf.timeout)?)),
        }
    }
}

fn connect(client: &Client, timeout: Duration) -> RedisResult<Connection> {
    let connection = client.get_connection_with_timeout(timeout)?;
    connection.set_read_timeout(Some(timeout))?;
    connection.set_write_timeout(Some(timeout))?;
    Ok(connection)
}

/// The report as it would have been when the records began.
fn start(zone: &Zone, report: &Report) -> Report {
    let partners = report.partners.iter().zip(zone.records()).map(|(partner, record)| {
        let windows = partner.windows.iter().map(|window| Window {
            used: record.export.start_used(window.what, window.per, window.start),
            ..*window
        });
        Partner {
            id: partner.id.clone(),
            disabled: partner.disabled,
            totals: record.export.start_totals(),
            windows: windows.collect(),
        }
    });
    Report { node: report.node.clone(), time: report.time, partners: partners.collect() }
}

fn describe(error: &redis::RedisError) -> String {
    if error.is_timeout() { "timed out".to_owned() } else { error.to_string() }
}

impl Sink for Node {
    const NAME: &'static str = "redis";

    fn send(&mut self, zone: &Zone) -> (Duration, Result<(), String>) {
        let began = Instant::now();
        let result = self.exchange(zone);
        if self.conf.deny {
            zone.set_deny(result.is_err());
        }
        let pause = match &result {
            Ok(()) => self.conf.interval,
            Err(_) => {
                // An answer to what was asked before may still come on it.
                self.connection = None;
                self.exchange.failed(self.conf.interval)
            }
        };
        (pause.saturating_sub(began.elapsed()), result)
    }
}
