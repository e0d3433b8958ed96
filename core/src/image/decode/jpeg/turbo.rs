//! By libjpeg-turbo.

use image_gate_codecs::jpeg::{Decoder, PixelFormat, Region};

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
    let decoder = Decoder::new(input, how.scans).map_err(broken)?;
    if decoder.size() != (size.width, size.height) {
        return Err(broken("two readings of the header differ"));
    }
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
    let warning =
        decoded.map_err(|error| control.check().err().unwrap_or_else(|| broken(error)))?;
    Ok((raster, warning.map(|warning| warning.to_string())))
}

/// Whether a warning is one of bytes that belong to nothing between two scans, or behind the last
/// one: mostly of padding, but of the data of a whole interval, too, where the restart marker
/// before it is missing.
///
/// Those before a restart marker are what is left of damaged blocks.
pub(super) fn is_of_leftovers(message: &str) -> bool {
    message
        .split_once("extraneous bytes before marker 0x")
        .is_some_and(|(_, marker)| !matches!(marker.as_bytes(), [b'd', b'0'..=b'7', ..]))
}
