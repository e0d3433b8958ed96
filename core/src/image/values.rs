//! Values of directives and parameters, as they are written.

use super::Fraction;
use crate::units::scaled;

/// A plain decimal number: no sign, no space.
pub(super) fn whole(text: &[u8]) -> Option<u32> {
    decimal(text, 0)
}

/// A decimal number with at most that many places, in units of the last of them: with
/// two places `1.5` is 150.
pub(super) fn decimal(text: &[u8], places: usize) -> Option<u32> {
    let dot = text.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match dot {
        Some(dot) => (text.get(..dot)?, text.get(dot + 1..)?),
        None => (text, &[][..]),
    };
    if whole.is_empty() || (dot.is_some() && fraction.is_empty()) || fraction.len() > places {
        return None;
    }
    let missing = std::iter::repeat_n(&b'0', places - fraction.len());
    whole.iter().chain(fraction).chain(missing).try_fold(0u32, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// A size in nginx's notation, in bytes: a number, with `k`, `m` or `g` behind it or not.
pub(super) fn size(text: &[u8]) -> Option<u64> {
    // As large as nginx's own type for it.
    scaled(text, b"kmg", 1024).filter(|&size| i64::try_from(size).is_ok())
}

/// `on` or `off`.
#[must_use]
pub fn switch(text: &[u8]) -> Option<bool> {
    match text {
        b"on" => Some(true),
        b"off" => Some(false),
        _ => None,
    }
}

/// An angle, -360 to 360 degrees, as one from 0 to 359.
#[must_use]
pub fn degrees(text: &[u8]) -> Option<u16> {
    angle(text, 0)
}

/// An angle, -360 to 360 degrees with that many places at most, as one from 0 on in units of the
/// last of them.
pub(super) fn angle(text: &[u8], places: u8) -> Option<u16> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    let turn = 360 * 10i32.checked_pow(places.into())?;
    let angle =
        i32::try_from(decimal(digits, places.into())?).ok().filter(|&angle| angle <= turn)?;
    u16::try_from((sign * angle).rem_euclid(turn)).ok()
}

/// A place beside another one: two numbers of pixels, -65535 to 65535, as in `10,-20`.
#[must_use]
pub fn offset(text: &[u8]) -> Option<(i32, i32)> {
    let signed = |text: &[u8]| {
        let (digits, sign) = match text.strip_prefix(b"-") {
            Some(digits) => (digits, -1),
            None => (text, 1),
        };
        whole(digits).filter(|&pixels| pixels <= 65_535).map(|pixels| sign * pixels as i32)
    };
    let comma = text.iter().position(|&byte| byte == b',')?;
    Some((signed(text.get(..comma)?)?, signed(text.get(comma + 1..)?)?))
}

/// A share that is more than nothing.
#[must_use]
pub fn scale(text: &[u8]) -> Option<Fraction> {
    Fraction::parse(text).filter(|share| !share.is_zero())
}

/// Pixels to the em, 1 to 1000.
#[must_use]
pub fn text_size(text: &[u8]) -> Option<u16> {
    u16::try_from(whole(text)?).ok().filter(|size| (1..=1000).contains(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(whole(b"0"), Some(0));
        assert_eq!(whole(b"4294967295"), Some(u32::MAX));
        assert_eq!(decimal(b"1.5", 2), Some(150));
        assert_eq!(decimal(b"1.25", 2), Some(125));
        assert_eq!(decimal(b"3", 2), Some(300));
        assert_eq!(decimal(b"007.1", 1), Some(71));
        for text in ["", "-1", "+1", " 1", "1 ", "1.", ".1", "1.0.0", "1e3", "4294967296", "1,5"] {
            assert_eq!(whole(text.as_bytes()), None, "{text}");
            assert_eq!(decimal(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(decimal(b"1.123", 2), None);
        assert_eq!(decimal(b"42949672.96", 2), None);
        assert_eq!(decimal(b"1.0", 0), None);
    }

    #[test]
    fn ranges() {
        assert_eq!(
            [degrees(b"-30"), degrees(b"360"), degrees(b"90")],
            [Some(330), Some(0), Some(90)]
        );
        assert_eq!([degrees(b"361"), degrees(b"--1"), degrees(b"-"), degrees(b"1.5")], [None; 4]);
        assert_eq!([switch(b"on"), switch(b"off"), switch(b"1")], [Some(true), Some(false), None]);
        assert_eq!([offset(b"1,-2"), offset(b"65535,0")], [Some((1, -2)), Some((65535, 0))]);
        assert_eq!(
            [offset(b"1"), offset(b"1,2,3"), offset(b"1, 2"), offset(b"65536,0")],
            [None; 4]
        );
        assert_eq!(
            [text_size(b"1000"), text_size(b"0"), text_size(b"1001")],
            [Some(1000), None, None]
        );
        assert_eq!(scale(b"0%"), None);
        assert_eq!([size(b"0"), size(b"10"), size(b"2K")], [Some(0), Some(10), Some(2048)]);
        assert_eq!([size(b"3m"), size(b"1g")], [Some(3 << 20), Some(1 << 30)]);
        assert_eq!(size(b"9223372036854775807"), Some(i64::MAX as u64));
        let refused = ["", "k", "-1", "+1", "1x", "1 k", "9223372036854775808", "8589934592g"];
        assert!(refused.iter().all(|text| size(text.as_bytes()).is_none()));
    }
}
