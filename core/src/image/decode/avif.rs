//! AVIF by libavif.

use image_gate_codecs::avif::Decoder;

use super::super::Error;
use super::super::geometry::Size;
use super::super::raster::{Layout, Raster};
use super::failed;

pub(super) fn decode(input: &[u8], size: Size, alpha: bool) -> Result<Raster, Error> {
    let mut raster = Raster::new(size, if alpha { Layout::Rgba8 } else { Layout::Rgb8 })?;
    let decoder = Decoder::new(input).map_err(failed)?;
    decoder.decode(raster.data_mut()).map_err(failed)?;
    Ok(raster)
}
