//! What there is to show of a zone: its partners, what they took and how much they may take.

use super::window::{Period, Resource};

/// A zone as one node saw it at one time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The node's name.
    pub node: String,
    /// Seconds since 1970, UTC.
    pub time: u64,
    /// In the order of the zone's records.
    pub partners: Vec<PartnerReport>,
}

/// One partner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartnerReport {
    /// The name in the key file: `[A-Za-z0-9._-]{1,64}`.
    pub id: String,
    /// Whether the key file says so, or holds the partner no more.
    pub disabled: bool,
    /// What the partner took of this node.
    pub totals: Totals,
    /// The windows that its quotas count in.
    pub windows: Vec<QuotaWindow>,
    /// How many alerts there were since the zone began.
    pub alerts: u64,
}

/// Counters of one node that only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Client requests.
    pub requests: u64,
    /// Responses by class, from 1xx to 5xx.
    pub responses: [u64; 5],
    /// Bytes sent, as on the wire.
    pub bytes_sent: u64,
    /// Bytes received, as on the wire.
    pub bytes_received: u64,
    /// Requests that a quota refused.
    pub refused: u64,
    /// Seconds since 1970 of the first request, 0 before it.
    pub first_use: u64,
    /// Seconds since 1970 of the last request, 0 before the first.
    pub last_use: u64,
}

/// What was used in the current window of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaWindow {
    /// What is counted.
    pub what: Resource,
    /// How long the window is.
    pub per: Period,
    /// How much may be used by all nodes together, if that is limited.
    pub limit: Option<u64>,
    /// Seconds since 1970 of the window's start.
    pub start: u64,
    /// Used of this node.
    pub used: u64,
    /// Used of all other nodes, as far as known.
    pub remote: u64,
    /// The highest threshold that was [told](super::Alert) of, in percent; 0 for none.
    pub alert: u16,
}

impl QuotaWindow {
    /// Used of all nodes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.used.saturating_add(self.remote)
    }
}
