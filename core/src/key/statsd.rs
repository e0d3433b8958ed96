//! What counters grew by, as datagrams for statsd.
//!
//! Formats: <https://github.com/statsd/statsd/blob/master/docs/metric_types.md> and, for tags,
//! <https://docs.datadoghq.com/developers/dogstatsd/datagram_shell/>.

use super::counter::{COUNTERS, Counter};
use super::report::Report;

/// Bytes that a datagram has at most: what fits into an Ethernet frame after the headers of IPv6
/// and UDP, and a tunnel's or two.
pub const MAX_DATAGRAM: usize = 1432;

/// How the partner gets into a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tags {
    /// As a part of its name: `PREFIX.ZONE.PARTNER.requests:1|c`.
    None,
    /// As tags in Datadog's form: `PREFIX.requests:1|c|#zone:ZONE,partner:PARTNER`.
    Dogstatsd,
}

/// How metrics are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statsd {
    /// What names begin with; may be empty.
    pub prefix: String,
    /// How the partner gets into a metric.
    pub tags: Tags,
}

/// A datagram, and what is to be remembered once it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Datagram {
    /// Lines of metrics.
    pub bytes: Vec<u8>,
    /// The counters in it.
    pub advances: Vec<Advance>,
}

/// One counter in a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    /// Which partner of the report.
    pub partner: usize,
    /// Which counter of [`Counter::ALL`].
    pub counter: usize,
    /// What it grew by.
    pub by: u64,
}

impl Statsd {
    /// The datagrams that say what grew since `sent`, which holds for each partner of the report
    /// what was sent before.
    #[must_use]
    pub fn datagrams(
        &self,
        zone: &str,
        report: &Report,
        sent: &[[u64; COUNTERS]],
    ) -> Vec<Datagram> {
        let mut datagrams: Vec<Datagram> = Vec::new();
        for (partner, (of, sent)) in report.partners.iter().zip(sent).enumerate() {
            let values = of.totals.counters();
            for (counter, ((what, value), sent)) in
                Counter::ALL.iter().zip(values).zip(sent).enumerate()
            {
                let Some(grown) = value.checked_sub(*sent).filter(|&grown| grown > 0) else {
                    continue;
                };
                let line = self.line(zone, &of.id, what, grown);
                if line.len() > MAX_DATAGRAM {
                    continue;
                }
                let advance = Advance { partner, counter, by: grown };
                match datagrams.last_mut() {
                    Some(last) if last.bytes.len() + 1 + line.len() <= MAX_DATAGRAM => {
                        last.bytes.push(b'\n');
                        last.bytes.extend_from_slice(line.as_bytes());
                        last.advances.push(advance);
                    }
                    _ => datagrams
                        .push(Datagram { bytes: line.into_bytes(), advances: vec![advance] }),
                }
            }
        }
        datagrams
    }

    fn line(&self, zone: &str, partner: &str, counter: &Counter, grown: u64) -> String {
        let mut parts = Vec::new();
        if !self.prefix.is_empty() {
            parts.push(self.prefix.clone());
        }
        match self.tags {
            Tags::None => {
                parts.extend([name(zone), name(partner), counter.name.into()]);
                parts.extend(counter.class.map(str::to_owned));
                format!("{}:{grown}|c", parts.join("."))
            }
            Tags::Dogstatsd => {
                parts.push(counter.name.into());
                let class = counter.class.map(|class| format!(",class:{class}"));
                format!(
                    "{}:{grown}|c|#zone:{},partner:{}{}",
                    parts.join("."),
                    tag(zone),
                    tag(partner),
                    class.unwrap_or_default()
                )
            }
        }
    }
}

/// A part of a metric's name: dots would add parts.
fn name(text: &str) -> String {
    replaced(text, |c| matches!(c, '_' | '-'))
}

/// A tag's value.
fn tag(text: &str) -> String {
    replaced(text, |c| matches!(c, '_' | '-' | '.' | '/'))
}

fn replaced(text: &str, also: impl Fn(char) -> bool) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || also(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::report::{PartnerReport, Totals};
    use crate::key::samples::zone;
    use std::collections::HashMap;

    fn statsd(tags: Tags) -> Statsd {
        Statsd { prefix: "nginx".into(), tags }
    }

    fn lines(datagrams: &[Datagram]) -> Vec<String> {
        datagrams
            .iter()
            .flat_map(|datagram| std::str::from_utf8(&datagram.bytes).unwrap().lines())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn names_hold_the_partner() {
        let nothing = [[0; COUNTERS]; 2];
        let datagrams = statsd(Tags::None).datagrams("partners", &zone().report, &nothing);
        assert_eq!(
            lines(&datagrams),
            [
                "nginx.partners.acme_press.requests:120|c",
                "nginx.partners.acme_press.responses.2xx:100|c",
                "nginx.partners.acme_press.responses.3xx:5|c",
                "nginx.partners.acme_press.responses.4xx:14|c",
                "nginx.partners.acme_press.responses.5xx:1|c",
                "nginx.partners.acme_press.bytes_sent:9000000000|c",
                "nginx.partners.acme_press.bytes_received:24000|c",
                "nginx.partners.acme_press.refused:7|c",
            ]
        );
    }

    #[test]
    fn tags_in_datadogs_form() {
        let nothing = [[0; COUNTERS]; 2];
        let datagrams = statsd(Tags::Dogstatsd).datagrams("a|b,c#", &zone().report, &nothing);
        let lines = lines(&datagrams);
        assert_eq!(lines[0], "nginx.requests:120|c|#zone:a_b_c_,partner:acme.press");
        assert_eq!(lines[1], "nginx.responses:100|c|#zone:a_b_c_,partner:acme.press,class:2xx");
    }

    #[test]
    fn no_prefix_no_dot() {
        let statsd = Statsd { prefix: String::new(), tags: Tags::None };
        let datagrams = statsd.datagrams("z", &zone().report, &[[0; COUNTERS]; 2]);
        assert_eq!(lines(&datagrams)[0], "z.acme_press.requests:120|c");
    }

    #[test]
    fn only_what_grew_since() {
        let mut report = zone().report;
        let sent = report.partners.iter().map(|p| p.totals.counters()).collect::<Vec<_>>();
        assert_eq!(statsd(Tags::None).datagrams("z", &report, &sent), []);
        report.partners[0].totals.requests += 2;
        // Counters don't fall; were one to, nothing would be sent.
        report.partners[0].totals.refused -= 1;
        let datagrams = statsd(Tags::None).datagrams("z", &report, &sent);
        assert_eq!(lines(&datagrams), ["nginx.z.acme_press.requests:2|c"]);
        assert_eq!(datagrams[0].advances, [Advance { partner: 0, counter: 0, by: 2 }]);
    }

    #[test]
    fn a_datagram_fits_and_nothing_is_left_out() {
        let partners: Vec<PartnerReport> = (0..200)
            .map(|i| PartnerReport {
                id: format!("{}-{i}", "p".repeat(i % 60)),
                totals: Totals { requests: 1, bytes_sent: 1 << 40, ..Totals::default() },
                ..PartnerReport::default()
            })
            .collect();
        let report = Report { partners, ..Report::default() };
        let sent = vec![[0; COUNTERS]; 200];
        for tags in [Tags::None, Tags::Dogstatsd] {
            let datagrams = statsd(tags).datagrams("zone", &report, &sent);
            assert!(datagrams.len() > 10);
            let mut advanced = HashMap::new();
            for datagram in &datagrams {
                assert!(datagram.bytes.len() <= MAX_DATAGRAM);
                assert!(!datagram.bytes.ends_with(b"\n"));
                for advance in &datagram.advances {
                    assert!(
                        advanced.insert((advance.partner, advance.counter), advance.by).is_none()
                    );
                }
            }
            assert_eq!(advanced.len(), 400);
            assert_eq!(lines(&datagrams).len(), 400);
        }
    }

    #[test]
    fn a_line_that_does_not_fit_is_left_out() {
        let statsd = Statsd { prefix: "x".repeat(1500), tags: Tags::None };
        assert_eq!(statsd.datagrams("z", &zone().report, &[[0; COUNTERS]; 2]), []);
    }
}
