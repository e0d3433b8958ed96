//! What leaves a worker: history for the status page, counters for statsd, sums in Redis.
//!
//! All of it happens on threads, in one worker for each zone: a watch in every worker looks each
//! second whether it holds the zone's lease, and has the sinks run as long as it does. The event
//! loop starts the watch and stops it, and never waits for a sink.

mod redis;
mod redis_connection;
mod sink;
mod statsd;
mod watch;

pub use ::redis::Client;
pub use redis::RedisConf;
pub use statsd::StatsdConf;
pub use watch::Watch;

/// Where counters go.
#[derive(Debug, Clone, Default)]
pub struct ExportConf {
    /// To statsd.
    pub statsd: Option<StatsdConf>,
    /// To Redis.
    pub redis: Option<RedisConf>,
}

impl ExportConf {
    /// Returns whether there is anything to export.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.statsd.is_some() || self.redis.is_some()
    }
}
