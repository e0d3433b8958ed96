//! By libjpeg-turbo.

use turbojpeg::{Decompressor, Image, PixelFormat, ScalingFactor};

use super::super::super::Error;
use super::super::super::geometry::Size;
use super::super::super::raster::{Layout, Raster};
use super::super::{Decode, Scale, failed};

pub(super) fn decode(
    input: &[u8],
    layout: Layout,
    size: Size,
    how: &Decode,
) -> Result<Raster, Error> {
    let mut decoder = Decompressor::new().map_err(|error| Error::Internal(error.to_string()))?;
    decoder.set_scan_limit(how.scans).map_err(failed)?;
    if let Scale::Eighths(eighths) = how.scale {
        decoder.set_scaling_factor(ScalingFactor::new(eighths as usize, 8)).map_err(failed)?;
    }

    let header = decoder.read_header(input).map_err(failed)?;
    if (header.width, header.height) != (size.width as usize, size.height as usize) {
        return Err(failed("two readings of the header differ"));
    }

    let mut raster = Raster::new(how.scale.raster_size(size), layout)?;
    let (Size { width, height }, stride) = (raster.size(), raster.stride());
    let output = Image {
        pixels: raster.data_mut(),
        width: width as usize,
        pitch: stride,
        height: height as usize,
        format: match layout {
            Layout::L8 => PixelFormat::GRAY,
            Layout::Cmyk8 => PixelFormat::CMYK,
            _ => PixelFormat::RGB,
        },
    };
    match decoder.decompress(input, output) {
        Err(error) if !is_harmless(&error.to_string()) => Err(failed(error)),
        _ => Ok(raster),
    }
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
