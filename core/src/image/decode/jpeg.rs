//! JPEG by libjpeg-turbo, shrunk while it is decoded.

use turbojpeg::{Decompressor, Image, PixelFormat, ScalingFactor};

use super::super::Error;
use super::super::geometry::Size;
use super::super::raster::{Layout, Raster};
use super::super::source::jpeg::Jpeg;
use super::{Decode, failed};

/// The scales that are worth it. libjpeg-turbo knows 5, 6 and 7 eighths too,
/// but has no fast inverse DCT for them.
pub(in super::super) const EIGHTHS: [u32; 5] = [1, 2, 3, 4, 8];

pub(super) fn layout(jpeg: &Jpeg) -> Layout {
    match jpeg.components() {
        1 => Layout::L8,
        3 => Layout::Rgb8,
        _ => Layout::Cmyk8,
    }
}

pub(super) fn decode(input: &[u8], jpeg: &Jpeg, size: Size, how: &Decode) -> Result<Raster, Error> {
    let input = jpeg.decodable(input)?;
    let layout = layout(jpeg);
    let mut decoder = Decompressor::new().map_err(|error| Error::Internal(error.to_string()))?;
    decoder.set_scan_limit(how.scans).map_err(failed)?;
    decoder.set_scaling_factor(ScalingFactor::new(how.eighths as usize, 8)).map_err(failed)?;

    let header = decoder.read_header(&input).map_err(failed)?;
    if (header.width, header.height) != (size.width as usize, size.height as usize) {
        return Err(failed("two readings of the header differ"));
    }

    let mut raster = Raster::new(how.raster_size(size), layout)?;
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
    match decoder.decompress(&input, output) {
        Err(error) if !is_harmless(&error.to_string()) => return Err(failed(error)),
        _ => {}
    }

    // Adobe's programs store ink as light, and mark that by their segment only.
    if layout == Layout::Cmyk8 && jpeg.adobe {
        raster.data_mut().iter_mut().for_each(|ink| *ink = !*ink);
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
