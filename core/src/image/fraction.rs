//! Parts of a whole, and how they are written.

use super::canonical::Canonical;

/// A part of a whole, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction(u16);

impl Canonical for Fraction {
    fn write(&self, out: &mut String) {
        self.0.write(out);
    }
}

impl Fraction {
    /// The whole.
    pub const ALL: Fraction = Fraction(1000);

    /// Reads `0.25` or `25%`: from 0 to 1, rounded to thousandths.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Fraction> {
        let share = share(text).filter(|&share| share <= 1.0)?;
        Some(Fraction((share * 1000.0).round() as u16))
    }

    /// Whether there is nothing of it.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub(super) fn of(self, whole: u32) -> f64 {
        f64::from(whole) * f64::from(self.0) / 1000.0
    }
}

/// Reads `0.25` or `25%`, which may be more than the whole.
pub(super) fn share(text: &[u8]) -> Option<f64> {
    let (digits, whole) = match text.strip_suffix(b"%") {
        Some(digits) => (digits, 100.0),
        None => (text, 1.0),
    };
    if digits.is_empty() || !digits.iter().all(|&b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let number: f64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(number / whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        for (text, share) in [
            ("0", 0),
            ("1", 1000),
            ("0.5", 500),
            (".25", 250),
            ("50%", 500),
            ("12.5%", 125),
            ("100%", 1000),
            ("0.0004", 0),
        ] {
            assert_eq!(Fraction::parse(text.as_bytes()), Some(Fraction(share)), "{text}");
        }
        for text in ["", "%", ".", "1.1", "101%", "50", "-1", "+1", "1e0", "inf", "nan", "a", "1 "]
        {
            assert_eq!(Fraction::parse(text.as_bytes()), None, "{text}");
        }
    }
}
