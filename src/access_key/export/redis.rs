//! Sums of several nodes in Redis.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use image_gate_core::key::redis::{CounterEntry, Exchange, SCRIPT, What, arguments};
use image_gate_core::key::{PartnerReport, QuotaWindow, Report};
use redis::{Client, Connection, RedisResult, Script};

use super::conf::RedisConf;
use super::sink::{Sink, now};
use super::stop_signal::StopSignal;
use crate::access_key::zone::Zone;

/// How long the names of a host may take to be looked up.
const PATIENCE: Duration = Duration::from_secs(10);

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

    fn exchange(&mut self, zone: &Zone, stop: &StopSignal) -> Result<(), String> {
        let time = now();
        let report = zone.report(&self.conf.node, time);
        let life = zone.header().instance.load(Ordering::Relaxed);
        let batches = self.exchange.batches(&zone.name, &report, &start(zone, &report));
        let (conf, script, connection) =
            (self.conf.clone(), self.script.clone(), self.connection.take());
        let calls = u32::try_from(batches.len()).unwrap_or(u32::MAX).saturating_add(2);
        let limit = PATIENCE.saturating_add(conf.timeout.saturating_mul(calls));
        let (connection, batches, answers) = stop
            .run("access_key redis", limit, move || {
                let mut connection = connection;
                let answers = talk(&conf, &script, &mut connection, life, &batches);
                (connection, batches, answers)
            })
            .map_err(|gone| gone.to_string())?;
        self.connection = connection;
        let answers = answers.map_err(|error| describe(&error))?;
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
        none => none.insert(connect(&conf.client, conf.timeout)?),
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

fn connect(client: &Client, timeout: Duration) -> RedisResult<Connection> {
    let connection = client.get_connection_with_timeout(timeout)?;
    connection.set_read_timeout(Some(timeout))?;
    connection.set_write_timeout(Some(timeout))?;
    Ok(connection)
}

/// The report as it would have been when the records began.
fn start(zone: &Zone, report: &Report) -> Report {
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
        }
    });
    Report { node: report.node.clone(), time: report.time, partners: partners.collect() }
}

fn describe(error: &redis::RedisError) -> String {
    if error.is_timeout() { "timed out".to_owned() } else { error.to_string() }
}

impl Sink for Node {
    const NAME: &'static str = "redis";

    fn send(&mut self, zone: &Zone, stop: &StopSignal) -> (Duration, Result<(), String>) {
        let began = Instant::now();
        let result = self.exchange(zone, stop);
        if stop.is_stopped() {
            return (Duration::ZERO, result);
        }
        zone.header().redis_bad.note(result.is_ok(), now());
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
