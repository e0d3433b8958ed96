//! By libjpeg-turbo.

use image_gate_codecs::jpeg::{Decoder, Format, Part};

use super::super::super::damage::{Damage, Tolerance};
use super::super::super::geometry::{Size, Window};
use super::super::super::raster::{Layout, Raster};
use super::super::super::{Control, Error};
use super::super::{Decode, Scale, failed};

pub(super) fn decode(
    input: &[u8],
    layout: Layout,
    size: Size,
    how: &Decode,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Raster, Error> {
    let decoder = Decoder::new(input, how.scans).map_err(failed)?;
    if decoder.size() != (size.width, size.height) {
        return Err(failed("two readings of the header differ"));
    }
    let eighths = if let Scale::Eighths(eighths) = how.scale { eighths } else { 8 };
    let part = how.part_of_raster(size).map(|Window { x, y, size: Size { width, height } }| Part {
        x,
        y,
        width,
        height,
    });
    let format = match layout {
        Layout::L8 => Format::Grey,
        Layout::Cmyk8 => Format::Cmyk,
        _ => Format::Rgb,
    };
    let mut raster = Raster::new(how.raster_size(size), layout)?;
    let decoded = decoder.decode(eighths, part, format, raster.data_mut(), || control.goes_on());
    let warning =
        decoded.map_err(|error| control.check().err().unwrap_or_else(|| failed(error)))?;
    if let Some(warning) = warning.map(|warning| warning.to_string())
        && !is_harmless(&warning)
    {
        tolerance.note(Damage::inside(warning))?;
    }
    Ok(raster)
}

/// Whether a message of libjpeg's is a warning that leaves all pixels intact.
///
/// Bytes that belong to nothing between two scans, or behind the last one, do.
/// Those before a restart marker don't: there they are what is left of damaged
/// blocks.
fn is_harmless(message: &str) -> bool {
    message
        .split_once("extraneous bytes before marker 0x")
        .is_some_and(|(_, marker)| !matches!(marker.as_bytes(), [b'd', b'0'..=b'7', ..]))
}
