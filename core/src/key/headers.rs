//! Response headers that tell a client its limits.

use std::fmt::Write;

use super::problem::policy as name_of;
use super::window::{Period, Resource};

/// A limit, and what of it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// What is limited.
    pub what: Resource,
    /// In which window.
    pub per: Period,
    /// To how much.
    pub limit: u64,
    /// How much of that was used.
    pub used: u64,
}

impl Usage {
    /// What is left.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11: the limits, and
/// what is left of them for how many seconds. A number that is too large for a structured field
/// (RFC 9651) stands as the largest one that is not.
#[must_use]
pub fn draft(usage: &[Usage], time: u64) -> (String, String) {
    let (mut policy, mut state) = (String::new(), String::new());
    for (at, item) in usage.iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let name = name_of(item.what, item.per);
        let unit = match item.what {
            Resource::Requests => "",
            Resource::Bytes => ";qu=\"content-bytes\"",
        };
        let _ = write!(policy, "{comma}\"{name}\";q={}{unit}", integer(item.limit));
        let _ = write!(state, "{comma}\"{name}\";r={}", integer(item.remaining()));
        if let Some(end) = item.per.end(time) {
            let _ = write!(policy, ";w={}", end - item.per.start(time));
            let _ = write!(state, ";t={}", end - time);
        }
    }
    (policy, state)
}

/// A number as a structured field can have it.
fn integer(number: u64) -> u64 {
    number.min(999_999_999_999_999)
}

/// The values of `X-RateLimit-Limit`, `-Remaining` and, where there will be more, `-Reset` (seconds
/// since 1970), for the limit of requests with the least left.
#[must_use]
pub fn legacy(usage: &[Usage], time: u64) -> Option<(u64, u64, Option<u64>)> {
    let requests = usage.iter().filter(|item| item.what == Resource::Requests);
    // Of two with the same left, the one that lasts longer.
    let item = requests.rev().min_by_key(|item| item.remaining())?;
    Some((item.limit, item.remaining(), item.per.end(time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: u64 = 1_798_675_200 + 82_800; // 2026-12-31, 23:00

    fn usage() -> [Usage; 3] {
        let requests = Resource::Requests;
        [
            Usage { what: requests, per: Period::Minute, limit: 10, used: 4 },
            Usage { what: requests, per: Period::Day, limit: 100, used: 200 },
            Usage { what: Resource::Bytes, per: Period::Month, limit: 4096, used: 96 },
        ]
    }

    #[test]
    fn as_the_draft_has_it() {
        let (policy, state) = draft(&usage(), TIME);
        assert_eq!(
            policy,
            "\"requests-minute\";q=10;w=60, \"requests-day\";q=100;w=86400, \
             \"bytes-month\";q=4096;qu=\"content-bytes\";w=2678400"
        );
        assert_eq!(
            state,
            "\"requests-minute\";r=6;t=60, \"requests-day\";r=0;t=3600, \"bytes-month\";r=4000;t=3600"
        );
    }

    #[test]
    fn what_no_structured_field_can_have() {
        let usage = [Usage { what: Resource::Bytes, per: Period::Month, limit: 1 << 60, used: 1 }];
        let (policy, state) = draft(&usage, TIME);
        assert!(policy.contains(";q=999999999999999;"), "{policy}");
        assert!(state.contains(";r=999999999999999;"), "{state}");
    }

    #[test]
    fn what_is_paid_ahead_has_no_window() {
        let usage = [Usage { what: Resource::Requests, per: Period::Total, limit: 10, used: 4 }];
        let (policy, state) = draft(&usage, TIME);
        assert_eq!(
            (policy.as_str(), state.as_str()),
            ("\"requests-total\";q=10", "\"requests-total\";r=6")
        );
        assert_eq!(legacy(&usage, TIME), Some((10, 6, None)));
    }

    #[test]
    fn as_it_used_to_be() {
        assert_eq!(legacy(&usage(), TIME), Some((100, 0, Some(TIME + 3600))));
        assert_eq!(legacy(&usage()[2..], TIME), None);
    }
}
