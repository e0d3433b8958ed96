//! What the tests of the outputs show.

use super::json::Zone;
use super::report::{Partner, Report, Totals, Window};
use super::window::{Period, Quantity};

pub fn zone() -> Zone {
    let hour = |what, limit, used, remote| Window {
        what,
        per: Period::Hour,
        limit,
        start: 1_764_039_600,
        used,
        remote,
    };
    let acme = Partner {
        id: "acme.press".into(),
        disabled: false,
        totals: Totals {
            requests: 120,
            responses: [0, 100, 5, 14, 1],
            bytes_sent: 9_000_000_000,
            bytes_received: 24_000,
            refused: 7,
            first_use: 1_764_000_000,
            last_use: 1_764_041_999,
        },
        windows: vec![
            hour(Quantity::Requests, Some(100), 60, 30),
            hour(Quantity::Bytes, None, 5, 0),
        ],
    };
    let gone = Partner { id: "gone".into(), disabled: true, ..Partner::default() };
    Zone {
        name: "partners".into(),
        report: Report { node: "node-a".into(), time: 1_764_042_000, partners: vec![acme, gone] },
        history: None,
        page: None,
        health: super::json::Health::default(),
    }
}
