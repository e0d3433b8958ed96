//! Numbers with a unit behind them.

/// Reads decimal digits, with one of `units` behind them or not, in small letters or capitals: the
/// first multiplies by `base`, each other one by `base` times what the one before it does.
pub(crate) fn scaled(text: &[u8], units: &[u8], base: u64) -> Option<u64> {
    let unit = text.last().map(u8::to_ascii_lowercase);
    let power = units.iter().position(|&known| Some(known) == unit).map_or(0, |at| at + 1);
    let digits = text.get(..text.len() - power.min(1))?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    number.checked_mul(base.checked_pow(u32::try_from(power).ok()?)?)
}
