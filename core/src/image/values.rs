//! Values of directives and parameters, as they are written.

use super::{Flip, Share};

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

fn hundredths(text: &[u8], min: u16, max: u16) -> Option<u16> {
    u16::try_from(decimal(text, 2)?).ok().filter(|number| (min..=max).contains(number))
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

/// A ratio of pixels, 1 to 4 with two places, in percent.
#[must_use]
pub fn dpr(text: &[u8]) -> Option<u16> {
    hundredths(text, 100, 400)
}

/// A factor, 0 to 10 with two places, in percent.
#[must_use]
pub fn factor(text: &[u8]) -> Option<u16> {
    hundredths(text, 0, 1000)
}

/// An exponent, 0.1 to 10 with two places, in percent.
#[must_use]
pub fn gamma(text: &[u8]) -> Option<u16> {
    hundredths(text, 10, 1000)
}

/// An angle, -360 to 360 degrees, as one from 0 to 359.
#[must_use]
pub fn degrees(text: &[u8]) -> Option<u16> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    let degrees = i32::try_from(whole(digits)?).ok().filter(|&degrees| degrees <= 360)?;
    u16::try_from((sign * degrees).rem_euclid(360)).ok()
}

/// A standard deviation, 0 to 250 pixels with two places, in hundredths.
#[must_use]
pub fn blur(text: &[u8]) -> Option<u16> {
    hundredths(text, 0, 25_000)
}

/// An unsharp amount, 0 to 1000 percent.
#[must_use]
pub fn sharpen(text: &[u8]) -> Option<u16> {
    u16::try_from(whole(text)?).ok().filter(|&percent| percent <= 1000)
}

/// A distance of colours, 0 to 255, or `off`.
#[must_use]
pub fn trim(text: &[u8]) -> Option<Option<u8>> {
    match text {
        b"off" => Some(None),
        number => u8::try_from(whole(number)?).ok().map(Some),
    }
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
pub fn scale(text: &[u8]) -> Option<Share> {
    Share::parse(text).filter(|share| !share.is_zero())
}

/// Pixels to the em, 1 to 1000.
#[must_use]
pub fn text_size(text: &[u8]) -> Option<u16> {
    u16::try_from(whole(text)?).ok().filter(|size| (1..=1000).contains(size))
}

/// `h` mirrors left and right, `v` top and bottom, `hv` both.
pub(super) fn flip(text: &[u8]) -> Option<Flip> {
    let (horizontal, vertical) = match text {
        b"h" => (true, false),
        b"v" => (false, true),
        b"hv" => (true, true),
        _ => return None,
    };
    Some(Flip { horizontal, vertical })
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
        assert_eq!([dpr(b"1"), dpr(b"2.5"), dpr(b"4")], [Some(100), Some(250), Some(400)]);
        assert_eq!([dpr(b"0.99"), dpr(b"4.01"), dpr(b"")], [None; 3]);
        assert_eq!(
            [factor(b"0"), factor(b"1.05"), factor(b"10")],
            [Some(0), Some(105), Some(1000)]
        );
        assert_eq!([factor(b"10.01"), factor(b"-1"), factor(b"1e1")], [None; 3]);
        assert_eq!([gamma(b"0.1"), gamma(b"2.2")], [Some(10), Some(220)]);
        assert_eq!([gamma(b"0"), gamma(b"0.09")], [None; 2]);
        assert_eq!(
            [degrees(b"-30"), degrees(b"360"), degrees(b"90")],
            [Some(330), Some(0), Some(90)]
        );
        assert_eq!([degrees(b"361"), degrees(b"--1"), degrees(b"-"), degrees(b"1.5")], [None; 4]);
        assert_eq!([blur(b"0.5"), blur(b"250")], [Some(50), Some(25_000)]);
        assert_eq!([blur(b"250.01"), blur(b"-1"), blur(b"99999999999")], [None; 3]);
        assert_eq!(
            [sharpen(b"0"), sharpen(b"1000"), sharpen(b"1001")],
            [Some(0), Some(1000), None]
        );
        assert_eq!([trim(b"off"), trim(b"255")], [Some(None), Some(Some(255))]);
        assert_eq!([trim(b"256"), trim(b"on"), trim(b"")], [None; 3]);
        assert_eq!([switch(b"on"), switch(b"off"), switch(b"1")], [Some(true), Some(false), None]);
        assert_eq!(flip(b"hv"), Some(Flip { horizontal: true, vertical: true }));
        assert_eq!(flip(b"vh"), None);
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
    }
}
