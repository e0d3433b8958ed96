//! How much of what in which window.

use super::window::{PerPeriod, Period, Resource};
use crate::units::scaled;

/// Stands for no limit, so that every request can work with plain numbers: no count comes so far.
pub const NO_LIMIT: u64 = u64::MAX;

/// At most one limit for each resource and period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaLimits([PerPeriod; Resource::ALL.len()]);

impl Default for QuotaLimits {
    fn default() -> QuotaLimits {
        QuotaLimits([[NO_LIMIT; Period::ALL.len()]; Resource::ALL.len()])
    }
}

impl QuotaLimits {
    /// The limit of a resource in a period.
    #[must_use]
    #[inline]
    pub fn get(&self, what: Resource, per: Period) -> Option<u64> {
        Some(self.0[what.index()][per.index()]).filter(|&limit| limit != NO_LIMIT)
    }

    /// Sets a limit; returns whether there was none.
    pub fn set(&mut self, what: Resource, per: Period, limit: u64) -> bool {
        let slot = &mut self.0[what.index()][per.index()];
        std::mem::replace(slot, limit.min(NO_LIMIT - 1)) == NO_LIMIT
    }

    /// These limits, and those of `other` where there are none here.
    #[must_use]
    #[inline]
    pub fn or(&self, other: &QuotaLimits) -> QuotaLimits {
        self.with(other, |own, other| if own == NO_LIMIT { other } else { own })
    }

    /// The smaller of both, wherever one of them has a limit.
    #[must_use]
    pub fn min(&self, other: &QuotaLimits) -> QuotaLimits {
        self.with(other, u64::min)
    }

    #[inline]
    fn with(&self, other: &QuotaLimits, choose: impl Fn(u64, u64) -> u64) -> QuotaLimits {
        let mut limits = *self;
        let others = other.0.as_flattened();
        for (limit, &other) in limits.0.as_flattened_mut().iter_mut().zip(others) {
            *limit = choose(*limit, other);
        }
        limits
    }

    /// Whether nothing is limited.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.as_flattened().iter().all(|&limit| limit == NO_LIMIT)
    }

    /// The limits of a resource, [`NO_LIMIT`] where there is none.
    #[must_use]
    #[inline]
    pub fn per_period(&self, what: Resource) -> &PerPeriod {
        &self.0[what.index()]
    }

    /// All limits, requests first and the shortest period first.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (Resource, Period, u64)> + '_ {
        let limits = self.0.as_flattened().iter().zip(WINDOWS);
        limits
            .filter(|(limit, _)| **limit != NO_LIMIT)
            .map(|(&limit, (what, per))| (what, per, limit))
    }
}

/// All windows, in the order of the limits.
const WINDOWS: [(Resource, Period); Resource::ALL.len() * Period::ALL.len()] = {
    let mut windows =
        [(Resource::Requests, Period::Second); Resource::ALL.len() * Period::ALL.len()];
    let mut at = 0;
    while at < windows.len() {
        windows[at] = (Resource::ALL[at / Period::ALL.len()], Period::ALL[at % Period::ALL.len()]);
        at += 1;
    }
    windows
};

/// A number of requests: decimal digits, with `k`, `m` or `g` behind them for the powers of 1000.
#[must_use]
pub fn parse_requests(text: &[u8]) -> Option<u64> {
    scaled(text, b"kmgt", 1_000).filter(|&number| number > 0)
}

/// A number of bytes: decimal digits, with `k`, `m`, `g` or `t` behind them for the powers of
/// 1024.
#[must_use]
pub fn parse_bytes(text: &[u8]) -> Option<u64> {
    scaled(text, b"kmgt", 1_024).filter(|&number| number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(parse_requests(b"1000"), Some(1_000));
        assert_eq!(parse_requests(b"5k"), Some(5_000));
        assert_eq!(parse_bytes(b"2G"), Some(2 << 30));
        assert_eq!(parse_bytes(b"1t"), Some(1 << 40));
        for text in ["", "0", "k", "-1", "1.5m", "1mb", "99999999999999999999", "99999999999t"] {
            assert_eq!(parse_bytes(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn own_limits_come_first() {
        let (mut own, mut common) = (QuotaLimits::default(), QuotaLimits::default());
        assert!(own.is_empty());
        assert!(own.set(Resource::Requests, Period::Day, 10));
        assert!(!own.set(Resource::Requests, Period::Day, 20));
        common.set(Resource::Requests, Period::Day, 5);
        common.set(Resource::Bytes, Period::Month, 7);
        let both: Vec<_> = own.or(&common).iter().collect();
        assert_eq!(
            both,
            [(Resource::Requests, Period::Day, 20), (Resource::Bytes, Period::Month, 7)]
        );
        assert_eq!(own.min(&common).get(Resource::Requests, Period::Day), Some(5));
        assert_eq!(common.min(&own).get(Resource::Requests, Period::Day), Some(5));
    }
}
