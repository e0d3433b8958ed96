//! What `access_key_statsd` and `access_key_redis` say.

use std::time::Duration;

use image_gate_core::key::Statsd;
use redis::Client;

use crate::ngx::worker;

/// What all of `http` says.
#[derive(Clone, Default)]
pub struct ExportConf {
    /// `access_key_statsd`.
    pub statsd: Option<StatsdConf>,
    /// `access_key_redis`.
    pub redis: Option<RedisConf>,
}

/// `access_key_statsd`.
#[derive(Clone)]
pub struct StatsdConf {
    /// Host and port.
    pub address: String,
    /// Between datagrams.
    pub interval: Duration,
    /// How they are written.
    pub statsd: Statsd,
}

/// `access_key_redis`.
#[derive(Clone)]
pub struct RedisConf {
    /// Where it is; connects on demand.
    pub client: Client,
    /// The name of this node.
    pub node: String,
    /// Between exchanges.
    pub interval: Duration,
    /// For each connection, request and answer.
    pub timeout: Duration,
    /// Whether partners with quotas are refused while Redis does not answer.
    pub deny: bool,
}

impl ExportConf {
    /// Whether there is anything to export.
    pub fn is_any(&self) -> bool {
        self.statsd.is_some() || self.redis.is_some()
    }

    /// The name of this node.
    pub fn node(&self) -> String {
        self.redis.as_ref().map_or_else(hostname, |redis| redis.node.clone())
    }
}

/// The name of this machine, in the letters that a node's name may have.
pub fn hostname() -> String {
    worker::hostname()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' })
        .take(64)
        .collect()
}
