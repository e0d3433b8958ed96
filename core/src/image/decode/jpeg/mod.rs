//! JPEG, shrunk while it is decoded: to one eighth up to five by a decoder of our own that
//! reads nothing but low frequencies, where it knows the image, and else by libjpeg-turbo.

mod scaled_dct;
mod scales;
mod turbo;

use image_gate_codecs::Band;

use super::{Decode, Scale};
use crate::image::damage::{Damage, Tolerance};
use crate::image::error::broken;
use crate::image::raster::{Layout, Raster};
use crate::image::size::Size;
use crate::image::source::jpeg::Jpeg;
use crate::image::{Control, DamagePolicy, Error, Info};
use scales::can_scale_dct;
use turbo::Leftovers;

pub(super) use scales::scales;

pub(super) fn layout(jpeg: &Jpeg) -> Layout {
    match jpeg.components() {
        1 => Layout::L8,
        3 => Layout::Rgb8,
        _ => Layout::Cmyk8,
    }
}

/// The largest scale that our own reader makes.
const MOST_EIGHTHS: u32 = 5;

/// Bytes of coefficients that libjpeg may keep of an image that our own reader could not read.
const SPARE: u64 = 32 << 20;

/// Bytes that a decoder holds besides the raster.
pub(super) fn working_bytes(input: &[u8], jpeg: &Jpeg, how: &Decode) -> u64 {
    let kept = match scaled_dct_eighths(jpeg, how) {
        Some(eighths) if jpeg.one_pass() && eighths > 1 => {
            scaled_dct::bytes_of_row(jpeg.sampling(), how.part.size, eighths as usize)
        }
        Some(eighths) => {
            let bytes = scaled_dct::bytes(
                jpeg.sampling(),
                jpeg.size(),
                jpeg.progressive(),
                eighths as usize,
            );
            let spare = Some(jpeg.coefficient_bytes()).filter(|&bytes| bytes <= SPARE);
            bytes.max(spare.unwrap_or_default())
        }
        None => jpeg.coefficient_bytes(),
    };
    kept + jpeg.copied_bytes(input)
}

/// Bytes that [`verify`] holds.
pub(super) fn verifying_bytes(input: &[u8], jpeg: &Jpeg) -> u64 {
    let Size { width, height } = jpeg.size();
    let raster = u64::from(width.div_ceil(8)) * u64::from(height.div_ceil(8));
    raster * layout(jpeg).channels() as u64 + jpeg.coefficient_bytes() + jpeg.copied_bytes(input)
}

pub(super) fn decode(
    input: &[u8],
    jpeg: &Jpeg,
    size: Size,
    how: &Decode,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Raster, Error> {
    let input = &*jpeg.decodable(input)?;
    look(input, jpeg, size, how.scans, tolerance, control)?;
    // What can be made of damage libjpeg knows best. It keeps all coefficients of an image that comes
    // in several scans, and needs no more memory than was promised to be enough.
    let by_libjpeg = jpeg.coefficient_bytes() <= SPARE;
    let untold = Tolerance::new(DamagePolicy::Strict);
    let own = if by_libjpeg { &untold } else { tolerance };
    let mut raster = match scaled_dct(input, jpeg, size, how, own, control) {
        Ok(Some(raster)) => raster,
        Ok(None) if uses_scaled_dct(jpeg, how) && !by_libjpeg => {
            return Err(broken("the scans make no sense"));
        }
        Ok(None) => turbo(input, jpeg, size, how, tolerance, control)?,
        Err(Error::DecodeFailed(what)) if by_libjpeg => {
            tolerance.note(Damage::inside(what))?;
            turbo(input, jpeg, size, how, tolerance, control)?
        }
        Err(error) => return Err(error),
    };
    if raster.layout() == Layout::Cmyk8 && jpeg.inverted {
        raster.data_mut().iter_mut().for_each(|ink| *ink = !*ink);
    }
    Ok(raster)
}

/// Hands luma and chroma of an image whose chroma has that sampling to `take`, as they are stored, a
/// row of MCUs after the other, until so many rows of pixels were among them.
pub(in crate::image) fn decode_planes(
    input: &[u8],
    jpeg: &Jpeg,
    (rows, sampling): (u32, (u8, u8)),
    scans: u32,
    take: impl FnMut([Band<'_>; 3]) -> Result<(), Error>,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<(), Error> {
    let size = jpeg.size();
    let input = &*jpeg.decodable(input)?;
    look(input, jpeg, size, scans, tolerance, control)?;
    let warning = turbo::decode_planes(input, size, rows, sampling, scans, take, control)?;
    judge(warning, input, jpeg, size, scans, tolerance, control)
}

/// What is looked at before an image is decoded.
fn look(
    input: &[u8],
    jpeg: &Jpeg,
    size: Size,
    scans: u32,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<(), Error> {
    if tolerance.is_strict() {
        verify(input, jpeg, size, scans, tolerance, control)?;
    } else if jpeg.may_lack_rows() && can_scale_dct(jpeg) {
        scaled_dct::check_half(input, size, control)?;
    }
    Ok(())
}

/// Looks at all of the data, whatever is wanted of it: the verdict on an image is one.
fn verify(
    input: &[u8],
    jpeg: &Jpeg,
    size: Size,
    scans: u32,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<(), Error> {
    // Of a progressive image the smallest scale needs but a few scans.
    let is_read = !jpeg.progressive()
        && scaled_dct(input, jpeg, size, &smallest(size, scans), tolerance, control)?.is_some();
    if !is_read {
        turbo(input, jpeg, size, &smallest(size, scans), tolerance, control)?;
    }
    Ok(())
}

/// The whole image at the scale that is the least work.
fn smallest(size: Size, scans: u32) -> Decode {
    Decode { scale: Scale::Eighths(1), ..Decode::all(size, scans) }
}

/// Decodes by one of the two decoders, as [`internals`](crate::image::internals) wants it.
pub(in crate::image) fn shrunk(
    input: &[u8],
    jpeg: &Jpeg,
    info: &Info,
    how: &Decode,
    by_turbo: bool,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Option<Raster>, Error> {
    let size = Size::new(info.width, info.height);
    let input = &*jpeg.decodable(input)?;
    if by_turbo {
        turbo(input, jpeg, size, how, tolerance, control).map(Some)
    } else {
        scaled_dct(input, jpeg, size, how, tolerance, control)
    }
}

fn scaled_dct(
    input: &[u8],
    jpeg: &Jpeg,
    size: Size,
    how: &Decode,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Option<Raster>, Error> {
    let Some(eighths) = scaled_dct_eighths(jpeg, how) else { return Ok(None) };
    scaled_dct::decode(input, size, how.part, eighths, tolerance, control)
}

fn turbo(
    input: &[u8],
    jpeg: &Jpeg,
    size: Size,
    how: &Decode,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Raster, Error> {
    let (raster, warning) = turbo::decode(input, layout(jpeg), size, how, control)?;
    judge(warning, input, jpeg, size, how.scans, tolerance, control)?;
    Ok(raster)
}

/// Notes what libjpeg-turbo warned of, unless it is harmless.
fn judge(
    warning: Option<String>,
    input: &[u8],
    jpeg: &Jpeg,
    size: Size,
    scans: u32,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<(), Error> {
    let Some(warning) = warning else { return Ok(()) };
    let harmless = match turbo::leftovers(&warning) {
        Some(kind) => is_read_whole(input, jpeg, size, scans, control)?
            .unwrap_or(kind == Leftovers::BehindScan),
        None => false,
    };
    if harmless { Ok(()) } else { tolerance.note(Damage::inside(warning)) }
}

/// Whether our own reader finds no fault with any of the data; `None` where it can't tell.
fn is_read_whole(
    input: &[u8],
    jpeg: &Jpeg,
    size: Size,
    scans: u32,
    control: &Control,
) -> Result<Option<bool>, Error> {
    // Of a progressive image the smaller ones do without some of its scans.
    let scale = Scale::Eighths(if jpeg.progressive() { MOST_EIGHTHS } else { 1 });
    let how = Decode { scale, ..Decode::all(size, scans) };
    let strict = Tolerance::new(DamagePolicy::Strict);
    match scaled_dct(input, jpeg, size, &how, &strict, control) {
        Ok(raster) => Ok(raster.map(|_| true)),
        Err(Error::DecodeFailed(_)) => Ok(Some(false)),
        Err(error) => Err(error),
    }
}

fn uses_scaled_dct(jpeg: &Jpeg, how: &Decode) -> bool {
    scaled_dct_eighths(jpeg, how).is_some()
}

/// The scale, if low frequencies are all that is needed for it, and can be had.
fn scaled_dct_eighths(jpeg: &Jpeg, how: &Decode) -> Option<u32> {
    let Scale::Eighths(eighths) = how.scale else { return None };
    (eighths <= MOST_EIGHTHS && can_scale_dct(jpeg)).then_some(eighths)
}
