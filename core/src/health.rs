//! What does not work, for whoever looks after a server.

use serde::Serialize;

/// Something that does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What it is.
    pub reason: TroubleReason,
    /// The zone of access keys that it is of, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Since when, in seconds since 1970.
    pub since: u64,
}

/// What can be the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleReason {
    /// A worker refuses images, as too many wait.
    QueueFull,
    /// The keys are not those of the key file, which is bad.
    KeyFile,
    /// The counters can't be saved.
    State,
    /// Redis does not answer.
    Redis,
}

/// As JSON shows it.
#[derive(Debug, Serialize)]
pub struct HealthView<'a> {
    status: &'static str,
    reasons: &'a [Trouble],
}

impl HealthView<'_> {
    /// Returns that of a server with those troubles.
    #[must_use]
    pub fn of(troubles: &[Trouble]) -> HealthView<'_> {
        let status = if troubles.is_empty() { "ready" } else { "degraded" };
        HealthView { status, reasons: troubles }
    }
}
