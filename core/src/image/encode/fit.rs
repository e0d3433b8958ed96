//! Output of a bounded length.

use super::super::metadata::Carried;
use super::super::raster::Raster;
use super::super::{Control, Error, Format, Plan};
use super::encode;

/// Below it there is hardly a picture left.
const LOWEST: u8 = 10;

/// Encodes at the quality of the plan, or at the highest one below it at which the output
/// has at most `max` bytes: bisection takes seven attempts more at most. If not even the
/// lowest quality fits, its output it is.
pub(in super::super) fn encode_within(
    max: u64,
    raster: Raster,
    format: Format,
    palette: bool,
    plan: &Plan,
    carried: &Carried,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    if !has_quality(format) {
        return encode(raster, format, palette, plan, carried, control);
    }
    let attempt = |quality: u8| {
        let mut plan = plan.clone();
        plan.set_quality(quality);
        encode(raster.try_clone()?, format, palette, &plan, carried, control)
    };
    let fits = |bytes: &Vec<u8>| bytes.len() as u64 <= max;
    let planned = match format {
        Format::Webp => plan.webp_quality,
        Format::Avif => plan.avif_quality,
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
pub(in super::super) fn has_quality(format: Format) -> bool {
    matches!(format, Format::Jpeg | Format::Webp | Format::Avif)
}
