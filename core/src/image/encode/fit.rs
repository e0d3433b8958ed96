//! Output of a bounded length.

use crate::image::{Error, Format, Plan};

/// Below it there is hardly a picture left.
const LOWEST: u8 = 10;

/// What `encode` makes by the plan, or at the highest quality below the plan's at which the
/// output has at most `max` bytes: bisection takes seven attempts more at most. If not even the
/// lowest quality fits, its output it is. `encode` hears among how many attempts it is to share the time that is left;
/// where that ends, what fits best so far is the output.
pub(in crate::image) fn encode_within(
    max: u64,
    format: Format,
    plan: &Plan,
    encode: impl Fn(&Plan, u32) -> Result<Vec<u8>, Error>,
) -> Result<Vec<u8>, Error> {
    if !has_quality(format) || format == Format::Webp && plan.lossless {
        return encode(plan, 1);
    }
    let attempt = |quality: u8, attempts: u32| {
        let mut plan = plan.clone();
        plan.set_quality(quality);
        encode(&plan, attempts)
    };
    let fits = |bytes: &Vec<u8>| bytes.len() as u64 <= max;
    let planned = match format {
        Format::Webp => plan.webp_quality,
        Format::Avif => plan.avif_quality,
        Format::Jxl => plan.jxl_quality(),
        _ => plan.jpeg_quality,
    };
    if planned <= LOWEST {
        return attempt(planned, 1);
    }
    let first = attempt(planned, 2)?;
    if fits(&first) {
        return Ok(first);
    }
    drop(first);
    let mut best = attempt(LOWEST, 2)?;
    if !fits(&best) {
        return Ok(best);
    }
    // The lower quality fits, the upper one does not.
    let (mut lower, mut upper) = (LOWEST, planned);
    while upper - lower > 1 {
        let quality = lower.midpoint(upper);
        // Each of them halves what is between the two.
        let attempts = u8::BITS - (upper - lower - 1).leading_zeros();
        match attempt(quality, attempts) {
            Ok(bytes) if fits(&bytes) => (best, lower) = (bytes, quality),
            Ok(_) => upper = quality,
            Err(Error::Timeout) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(best)
}

/// Whether a lower quality makes a shorter file.
pub(in crate::image) fn has_quality(format: Format) -> bool {
    matches!(format, Format::Jpeg | Format::Webp | Format::Avif | Format::Jxl)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// What comes out where the attempts of a number and after it find no time: the length, which is the quality,
    /// and what was asked for.
    fn within(max: u64, in_time: usize) -> (Result<usize, Error>, Vec<(u8, u32)>) {
        let asked = RefCell::new(Vec::new());
        let plan = Plan { avif_quality: 90, ..Plan::default() };
        let made = encode_within(max, Format::Avif, &plan, |plan, attempts| {
            let mut asked = asked.borrow_mut();
            if asked.len() >= in_time {
                return Err(Error::Timeout);
            }
            asked.push((plan.avif_quality, attempts));
            Ok(vec![0; plan.avif_quality.into()])
        });
        (made.map(|made| made.len()), asked.into_inner())
    }

    #[test]
    fn attempts_share_the_time() {
        assert_eq!(within(90, 1), (Ok(90), vec![(90, 2)]));
        assert_eq!(within(5, 9), (Ok(10), vec![(90, 2), (10, 2)]));
        let (made, asked) = within(60, 9);
        assert_eq!(made, Ok(60));
        let attempts: Vec<u32> = asked.iter().map(|&(_, attempts)| attempts).collect();
        assert_eq!(attempts.first_chunk(), Some(&[2, 2, 7]));
        // Each leaves time for those after it.
        let rest = attempts.len() as u32 - 2;
        assert!(
            attempts.iter().skip(2).zip((1..=rest).rev()).all(|(&planned, left)| planned >= left)
        );
    }

    #[test]
    fn what_fits_goes_out_where_the_time_ends() {
        assert_eq!(within(60, 0).0, Err(Error::Timeout));
        assert_eq!(within(60, 1).0, Err(Error::Timeout));
        assert_eq!(within(60, 2).0, Ok(10));
        assert_eq!(within(60, 3).0, Ok(50));
        assert_eq!(within(60, 4).0, Ok(50));
    }
}
