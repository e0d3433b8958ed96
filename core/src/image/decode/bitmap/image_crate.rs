//! What decoders of the `image` crate have in common.

use image::{ColorType, ImageDecoder, ImageError};

use crate::image::error::broken;
use crate::image::raster::{Layout, Raster};
use crate::image::size::Size;
use crate::image::{Control, Error};

/// Why the crate failed: because the work was cancelled, or because of the source.
pub(super) fn failed(error: &ImageError, control: &Control) -> Error {
    control.check().err().unwrap_or_else(|| broken(error))
}

/// Checks that a decoder is about to fill just that raster.
pub(super) fn check_reading(decoder: &impl ImageDecoder, raster: &Raster) -> Result<(), Error> {
    let Size { width, height } = raster.size();
    let color = match raster.layout() {
        Layout::Rgb8 => ColorType::Rgb8,
        Layout::Rgba8 => ColorType::Rgba8,
        Layout::L8 | Layout::La8 | Layout::Cmyk8 => {
            return Err(Error::Internal(format!("a bitmap as {:?}", raster.layout())));
        }
    };
    if decoder.dimensions() == (width, height) && decoder.color_type() == color {
        Ok(())
    } else {
        Err(broken("two readings of the header differ"))
    }
}
