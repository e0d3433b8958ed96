//! The windows that quotas count in.

/// What a quota limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quantity {
    /// Requests.
    Requests,
    /// Bytes sent.
    Bytes,
}

/// How long a window is. Windows are aligned to UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A calendar month.
    Month,
}

impl Quantity {
    /// The name in directives and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Quantity::Requests => "requests",
            Quantity::Bytes => "bytes",
        }
    }
}

impl Period {
    /// The name in directives and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Period::Second => "second",
            Period::Minute => "minute",
            Period::Hour => "hour",
            Period::Day => "day",
            Period::Month => "month",
        }
    }

    /// When the window that began at `start` ends, in seconds since 1970.
    #[must_use]
    pub fn end(self, start: u64) -> u64 {
        match self {
            Period::Second => start + 1,
            Period::Minute => start + 60,
            Period::Hour => start + 3600,
            Period::Day => start + 86400,
            Period::Month => start + 31 * 86400,
        }
    }
}
