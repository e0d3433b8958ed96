//! BMP.

use std::io::BufReader;

use image::ImageDecoder;
use image::codecs::bmp::BmpDecoder;

use super::image_crate::{check_reading, failed};
use crate::image::cancellable_reader::{CancellableReader, PIECE};
use crate::image::raster::Raster;
use crate::image::source::bitmap::Bmp;
use crate::image::{Control, Error};

/// Fills the raster; returns how many rows there are, from the first that is stored on. The others
/// are zeros.
pub(super) fn decode(bmp: &Bmp, raster: &mut Raster, control: &Control) -> Result<u32, Error> {
    let height = raster.size().height;
    // It is read by the byte, and asked whether it goes on by the piece.
    let reader = BufReader::with_capacity(PIECE, CancellableReader::new(bmp.input, control));
    let decoder = BmpDecoder::new(reader).map_err(|error| failed(&error, control))?;
    check_reading(&decoder, raster)?;
    match decoder.read_image(raster.data_mut()) {
        Ok(()) => Ok(height),
        Err(error) => {
            let error = failed(&error, control);
            let rows = bmp.rows();
            if rows < height { Ok(rows) } else { Err(error) }
        }
    }
}
