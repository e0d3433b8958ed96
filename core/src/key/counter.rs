//! The counters of a partner, one by one.

use super::report::Totals;

/// How many there are.
pub const COUNTERS: usize = 9;

/// What a counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// `requests`, `responses` and so on.
    pub name: &'static str,
    /// Of responses, the class: `2xx`.
    pub class: Option<&'static str>,
}

impl Counter {
    /// All of them, in the order of [`Totals::counters`].
    pub const ALL: [Counter; COUNTERS] = [
        Counter::plain("requests"),
        Counter::responses("1xx"),
        Counter::responses("2xx"),
        Counter::responses("3xx"),
        Counter::responses("4xx"),
        Counter::responses("5xx"),
        Counter::plain("bytes_sent"),
        Counter::plain("bytes_received"),
        Counter::plain("refused"),
    ];

    const fn plain(name: &'static str) -> Counter {
        Counter { name, class: None }
    }

    const fn responses(class: &'static str) -> Counter {
        Counter { name: "responses", class: Some(class) }
    }
}

impl Totals {
    /// The values of [`Counter::ALL`].
    #[must_use]
    pub fn counters(&self) -> [u64; COUNTERS] {
        let [informational, successful, redirection, client_error, server_error] = self.responses;
        [
            self.requests,
            informational,
            successful,
            redirection,
            client_error,
            server_error,
            self.bytes_sent,
            self.bytes_received,
            self.refused,
        ]
    }
}
