//! What browsers say of their screens and connections by headers, the client hints.
//!
//! <https://wicg.github.io/responsive-image-client-hints/>, <https://wicg.github.io/savedata/>,
//! <https://wicg.github.io/netinfo/>; and the names of widths from before they began by `Sec-CH-`.

use std::num::NonZeroU32;

use super::values::{decimal, whole};

/// Headers of the screen, by their names of today and before: how wide an image is on it, how wide the
/// page is in units of CSS, and how many pixels such a unit has.
const SCREEN: [&str; 6] =
    ["Sec-CH-Width", "Width", "Sec-CH-Viewport-Width", "Viewport-Width", "Sec-CH-DPR", "DPR"];
/// Headers that say how fast the connection is.
const CONNECTION: [&str; 4] = ["Save-Data", "ECT", "RTT", "Downlink"];

/// Milliseconds of a round trip above which a connection is slow.
const LONG_TRIP: u32 = 150;
/// Hundredths of a megabit a second below which it is.
const NARROW: u32 = 500;

/// What a client says of its screen and its connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// Whether it is listened to.
    pub is_heard: bool,
    /// The width, in pixels of the screen, that an image is to have.
    pub width: Option<NonZeroU32>,
    /// Whether the connection is slow, or is to be spared.
    pub is_slow: bool,
    /// The quality over slow connections, where nobody asks for another.
    pub slow_quality: Option<u8>,
}

/// The headers that an answer depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Varies {
    /// By formats that the client takes.
    pub accept: bool,
    /// By hints of its screen.
    pub width: bool,
    /// By hints of its connection.
    pub connection: bool,
}

/// Widths that images may have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Widths(Vec<NonZeroU32>);

impl Hints {
    /// The headers that a server asks for by `Accept-CH`.
    pub const ACCEPT: &str = "Sec-CH-Width, Sec-CH-Viewport-Width, Sec-CH-DPR, Width, \
         Viewport-Width, DPR, Save-Data, ECT, RTT, Downlink";

    /// Reads what the headers say: `header` returns the value of one. Where widths are listed, the
    /// width is one of them.
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a [u8]>, widths: &Widths) -> Hints {
        let [width, old_width, viewport, old_viewport, ratio, old_ratio] = SCREEN.map(&header);
        let units = || {
            let width = whole(viewport.or(old_viewport)?)?;
            let percent = ratio.or(old_ratio).and_then(hundredths).unwrap_or(100);
            u32::try_from((u64::from(width) * u64::from(percent)).div_ceil(100)).ok()
        };
        let width = width.or(old_width).and_then(whole).or_else(units).and_then(NonZeroU32::new);
        let width = if widths.0.is_empty() { width } else { widths.reach(width) };
        let [save_data, effective_type, round_trip, downlink] = CONNECTION.map(&header);
        let is_slow = save_data.is_some_and(|value| value.eq_ignore_ascii_case(b"on"))
            || effective_type.is_some_and(|kind| matches!(kind, b"slow-2g" | b"2g" | b"3g"))
            || round_trip.and_then(whole).is_some_and(|time| time > LONG_TRIP)
            || downlink.and_then(hundredths).is_some_and(|rate| rate < NARROW);
        Hints { is_heard: true, width, is_slow, slow_quality: None }
    }

    /// Returns them as the part of a cache's key: `w400`, `slow`, `w400-slow`, or nothing.
    #[must_use]
    pub fn key(&self) -> String {
        let width = self.width.map(|width| format!("w{width}"));
        let slow = self.is_slow.then(|| "slow".to_owned());
        width.into_iter().chain(slow).collect::<Vec<_>>().join("-")
    }
}

/// A number with places, in hundredths; what is finer than that is left out.
fn hundredths(text: &[u8]) -> Option<u32> {
    let dot = text.iter().position(|&byte| byte == b'.').unwrap_or(text.len());
    let (read, rest) = text.split_at(text.len().min(dot + 3));
    if !rest.iter().all(u8::is_ascii_digit) {
        return None;
    }
    decimal(read, 2)
}

impl Varies {
    /// Returns the names of the headers.
    pub fn headers(self) -> impl Iterator<Item = &'static str> {
        let accept = self.accept.then_some("Accept");
        let screen: &[_] = if self.width { &SCREEN } else { &[] };
        let connection: &[_] = if self.connection { &CONNECTION } else { &[] };
        accept.into_iter().chain([screen, connection].into_iter().flatten().copied())
    }
}

impl Widths {
    /// Reads numbers with commas between them; `None` where one is none.
    #[must_use]
    pub fn parse(list: &[u8]) -> Option<Widths> {
        let widths = list.split(|&byte| byte == b',');
        let mut widths: Vec<_> =
            widths.map(|text| whole(text).and_then(NonZeroU32::new)).collect::<Option<_>>()?;
        widths.sort_unstable();
        Some(Widths(widths))
    }

    /// Returns the least that is not less, or the largest where there is none or nothing is said.
    fn reach(&self, width: Option<NonZeroU32>) -> Option<NonZeroU32> {
        let reached = width.and_then(|width| self.0.iter().find(|&&listed| listed >= width));
        reached.or(self.0.last()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &'static str)], widths: &[u8]) -> String {
        let header = |wanted: &str| {
            let found = headers.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.as_bytes())
        };
        let widths =
            if widths.is_empty() { Widths::default() } else { Widths::parse(widths).unwrap() };
        Hints::read(header, &widths).key()
    }

    #[test]
    fn widths() {
        for (headers, all, listed) in [
            (&[][..], "", "w800"),
            (&[("Sec-CH-Width", "300")], "w300", "w400"),
            (&[("Width", "400")], "w400", "w400"),
            (&[("Width", "100"), ("Sec-CH-Width", "300")], "w300", "w400"),
            (&[("Sec-CH-Viewport-Width", "150")], "w150", "w200"),
            (&[("Sec-CH-Viewport-Width", "150"), ("Sec-CH-DPR", "1.5")], "w225", "w400"),
            (&[("Viewport-Width", "333"), ("DPR", "2.625")], "w873", "w800"),
            (&[("Sec-CH-DPR", "2")], "", "w800"),
            (&[("Sec-CH-Width", "0")], "", "w800"),
            (&[("Sec-CH-Width", "-1")], "", "w800"),
            (&[("Sec-CH-Width", "4294967296")], "", "w800"),
            (&[("Viewport-Width", "4294967295"), ("DPR", "42949672")], "", "w800"),
            (&[("Sec-CH-Width", "9999")], "w9999", "w800"),
            (&[("Viewport-Width", "100"), ("DPR", "2x")], "w100", "w200"),
        ] {
            assert_eq!(read(headers, b""), all, "{headers:?}");
            assert_eq!(read(headers, b"800,200,400"), listed, "{headers:?}");
        }
    }

    #[test]
    fn connections() {
        for (name, value, is_slow) in [
            ("Save-Data", "on", true),
            ("Save-Data", "off", false),
            ("ECT", "3g", true),
            ("ECT", "slow-2g", true),
            ("ECT", "4g", false),
            ("RTT", "150", false),
            ("RTT", "151", true),
            ("Downlink", "5", false),
            ("Downlink", "4.99", true),
            ("Downlink", "1.4499999", true),
            ("Downlink", "fast", false),
        ] {
            assert_eq!(
                read(&[(name, value)], b""),
                if is_slow { "slow" } else { "" },
                "{name}: {value}"
            );
        }
        assert_eq!(read(&[("Save-Data", "on"), ("Width", "7")], b""), "w7-slow");
    }

    #[test]
    fn lists() {
        for bad in ["", "1,", "0", "1;2", "a"] {
            assert_eq!(Widths::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn headers_are_those_that_are_asked_for() {
        let all = Varies { width: true, connection: true, accept: false };
        for name in all.headers() {
            assert!(Hints::ACCEPT.split(", ").any(|asked| asked == name), "{name}");
        }
        assert_eq!(Varies::default().headers().count(), 0);
        assert_eq!(Varies { accept: true, ..Varies::default() }.headers().count(), 1);
    }
}
