//! When a link is valid.

use super::VerifyError;

/// A time in seconds since 1970: digits only, above 0, within 63 bits, as nginx reads it.
pub fn parse_time(digits: &[u8]) -> Option<u64> {
    let mut time: i64 = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        time = time.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
    }
    u64::try_from(time).ok().filter(|&time| time > 0)
}

/// A time as [`parse_time`] reads it, written with ten digits: where something is joined to it
/// without anything between, only a fixed number of digits has one end.
pub(super) fn parse_time_of_ten(digits: &[u8]) -> Option<u64> {
    if digits.len() == 10 { parse_time(digits) } else { None }
}

/// When a link is valid, in seconds since 1970; both ends belong to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ValidityPeriod {
    /// The first moment; `None` is no bound.
    pub not_before: Option<u64>,
    /// The last moment; `None` is no bound.
    pub expires: Option<u64>,
}

impl ValidityPeriod {
    /// That which has begun, and ends then.
    pub fn until(expires: Option<u64>) -> ValidityPeriod {
        ValidityPeriod { not_before: None, expires }
    }

    /// Whether `now` lies in it, for clocks that are up to `leeway` seconds apart.
    ///
    /// # Errors
    /// [`VerifyError::Expired`] or [`VerifyError::NotYet`].
    pub fn check(&self, now: u64, leeway: u64) -> Result<(), VerifyError> {
        if self.expires.is_some_and(|expires| expires.saturating_add(leeway) < now) {
            return Err(VerifyError::Expired);
        }
        if self.not_before.is_some_and(|start| start > now.saturating_add(leeway)) {
            return Err(VerifyError::NotYet);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_digits_above_zero() {
        assert_eq!(parse_time(b"1"), Some(1));
        assert_eq!(parse_time(b"007"), Some(7));
        assert_eq!(parse_time(b"9223372036854775807"), Some(i64::MAX as u64));
        for wrong in ["", "0", "000", "-1", "+1", " 1", "1 ", "1.5", "0x10", "9223372036854775808"]
        {
            assert_eq!(parse_time(wrong.as_bytes()), None, "{wrong:?}");
        }
        assert_eq!(parse_time(&[b'9'; 400]), None);
    }

    #[test]
    fn both_ends_belong_to_the_window() {
        let validity = ValidityPeriod { not_before: Some(100), expires: Some(200) };
        assert_eq!(validity.check(99, 0), Err(VerifyError::NotYet));
        assert_eq!(validity.check(100, 0), Ok(()));
        assert_eq!(validity.check(200, 0), Ok(()));
        assert_eq!(validity.check(201, 0), Err(VerifyError::Expired));
    }

    #[test]
    fn leeway_widens_both_ends() {
        let validity = ValidityPeriod { not_before: Some(100), expires: Some(200) };
        assert_eq!(validity.check(89, 10), Err(VerifyError::NotYet));
        assert_eq!(validity.check(90, 10), Ok(()));
        assert_eq!(validity.check(210, 10), Ok(()));
        assert_eq!(validity.check(211, 10), Err(VerifyError::Expired));
        assert_eq!(ValidityPeriod::default().check(u64::MAX, u64::MAX), Ok(()));
        let forever = ValidityPeriod { not_before: None, expires: Some(u64::MAX) };
        assert_eq!(forever.check(u64::MAX, u64::MAX), Ok(()));
    }
}
