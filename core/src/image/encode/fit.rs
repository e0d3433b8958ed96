//! Output of a bounded length.

use crate::image::{Error, Format, Plan};

/// Below it there is hardly a picture left.
const LOWEST: u8 = 10;

/// What `encode` makes by the plan, or at the highest quality below the plan's at which the
/// output has at most `max` bytes: bisection takes seven attempts more at most. If not even the
/// lowest quality fits, its output it is.
pub(in crate::image) fn encode_within(
    max: u64,
    format: Format,
    plan: &Plan,
    encode: impl Fn(&Plan) -> Result<Vec<u8>, Error>,
) -> Result<Vec<u8>, Error> {
    if !has_quality(format) || format == Format::Webp && plan.lossless {
        return encode(plan);
    }
    let attempt = |quality: u8| {
        let mut plan = plan.clone();
        plan.set_quality(quality);
        encode(&plan)
    };
    let fits = |bytes: &Vec<u8>| bytes.len() as u64 <= max;
    let planned = match format {
        Format::Webp => plan.webp_quality,
        Format::Avif => plan.avif_quality,
        Format::Jxl => plan.jxl_quality(),
        _ => plan.jpeg_quality,
    };
    let mut best = attempt(planned)?;
    if fits(&best) || planned <= LOWEST {
        return Ok(best);
    }
    best = attempt(LOWEST)?;
    if !fits(&best) {
        return Ok(best);
    }
    // The lower quality fits, the upper one does not.
    let (mut lower, mut upper) = (LOWEST, planned);
    while upper - lower > 1 {
        let quality = lower.midpoint(upper);
        let bytes = attempt(quality)?;
        if fits(&bytes) {
            (best, lower) = (bytes, quality);
        } else {
            upper = quality;
        }
    }
    Ok(best)
}

/// Whether a lower quality makes a shorter file.
pub(in crate::image) fn has_quality(format: Format) -> bool {
    matches!(format, Format::Jpeg | Format::Webp | Format::Avif | Format::Jxl)
}
