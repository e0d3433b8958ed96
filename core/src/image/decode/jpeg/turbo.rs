//! By libjpeg-turbo.

use image_gate_codecs::Band;
use image_gate_codecs::jpeg::{self, Decoder, PixelFormat, Region, Warning};

use crate::image::decode::{Decode, Scale};
use crate::image::error::broken;
use crate::image::raster::{Layout, Raster};
use crate::image::size::{Rect, Size};
use crate::image::{Control, Error};

/// Decodes an image, and returns what was warned of, too.
pub(super) fn decode(
    input: &[u8],
    layout: Layout,
    size: Size,
    how: &Decode,
    control: &Control,
) -> Result<(Raster, Option<String>), Error> {
    let decoder = open(input, size, how.scans)?;
    let eighths = if let Scale::Eighths(eighths) = how.scale { eighths } else { 8 };
    let part = how.part_of_raster(size).map(|Rect { x, y, size: Size { width, height } }| Region {
        x,
        y,
        width,
        height,
    });
    let format = match layout {
        Layout::L8 => PixelFormat::Grey,
        Layout::Cmyk8 => PixelFormat::Cmyk,
        _ => PixelFormat::Rgb,
    };
    let mut raster = Raster::new(how.raster_size(size), layout)?;
    let decoded = decoder.decode(eighths, part, format, raster.data_mut(), || control.goes_on());
    Ok((raster, warned(decoded, control)?))
}

/// Hands out luma and chroma of an image of YCbCr, of which so many rows are needed, and returns what
/// was warned of.
pub(super) fn decode_planes(
    input: &[u8],
    size: Size,
    rows: u32,
    sampling: (u8, u8),
    scans: u32,
    mut take: impl FnMut([Band<'_>; 3]) -> Result<(), Error>,
    control: &Control,
) -> Result<Option<String>, Error> {
    let mut failed = None;
    let take = |bands: [Band<'_>; 3]| take(bands).map_err(|error| failed = Some(error)).is_ok();
    let decoder = open(input, size, scans)?;
    let decoded = decoder.decode_planes(sampling, rows, take, || control.goes_on());
    failed.map_or_else(|| warned(decoded, control), Err)
}

fn open(input: &[u8], size: Size, scans: u32) -> Result<Decoder<'_>, Error> {
    let decoder = Decoder::new(input, scans).map_err(broken)?;
    if decoder.size() != (size.width, size.height) {
        return Err(broken("two readings of the header differ"));
    }
    Ok(decoder)
}

fn warned(
    decoded: Result<Option<Warning>, jpeg::Error>,
    control: &Control,
) -> Result<Option<String>, Error> {
    let warning =
        decoded.map_err(|error| control.check().err().unwrap_or_else(|| broken(error)))?;
    Ok(warning.map(|warning| warning.to_string()))
}

/// What a warning of bytes that belong to nothing tells of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leftovers {
    /// They stand between two scans, or behind the last one: mostly of padding, but of the data of
    /// a whole interval, too, where the restart marker before it is missing.
    BehindScan,
    /// They stand before a restart marker: what is left of damaged blocks, or of rows that the
    /// header does not know of.
    BeforeRestart,
}

/// Reads such a warning; `None` for any other.
pub(super) fn leftovers(message: &str) -> Option<Leftovers> {
    let (_, marker) = message.split_once("extraneous bytes before marker 0x")?;
    Some(match marker.as_bytes() {
        [b'd', b'0'..=b'7', ..] => Leftovers::BeforeRestart,
        _ => Leftovers::BehindScan,
    })
}
