//! What the tests of the outputs show.

use super::json::ZoneStatus;
use super::report::{PartnerReport, QuotaWindow, Report, Totals};
use super::window::{Period, Resource};

pub fn zone() -> ZoneStatus {
    let hour = |what, limit, used, remote| QuotaWindow {
        what,
        per: Period::Hour,
        limit,
        start: 1_764_039_600,
        used,
        remote,
        alert: 0,
    };
    let acme = PartnerReport {
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
            hour(Resource::Requests, Some(100), 60, 30),
            hour(Resource::Bytes, None, 5, 0),
        ],
        alerts: 2,
    };
    let gone = PartnerReport { id: "gone".into(), disabled: true, ..PartnerReport::default() };
    ZoneStatus {
        name: "partners".into(),
        report: Report { node: "node-a".into(), time: 1_764_042_000, partners: vec![acme, gone] },
        history: None,
        page: None,
        month: None,
        days: None,
        health: super::json::Health::default(),
    }
}
