//! Icons that are no PNG.

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::ico::IcoDecoder;

use super::image_crate::{check_reading, failed};
use crate::image::raster::{Raster, with_room};
use crate::image::source::bitmap::Icon;
use crate::image::{Control, Error};

/// Fills the raster; returns how many rows there are, from the lowest up. The others are
/// transparent.
pub(super) fn decode(icon: &Icon, raster: &mut Raster, control: &Control) -> Result<u32, Error> {
    let len = usize::try_from(icon.file_bytes())
        .map_err(|_| Error::Internal("no memory for an icon".to_owned()))?;
    let mut file = with_room(len)?;
    icon.write_file(&mut file);
    control.check()?;
    let decoder = IcoDecoder::new(Cursor::new(&file)).map_err(|error| failed(&error, control))?;
    check_reading(&decoder, raster)?;
    decoder.read_image(raster.data_mut()).map_err(|error| failed(&error, control))?;
    let (there, stride) = (icon.rows(), raster.stride());
    let missing = raster.size().height.saturating_sub(there) as usize * stride;
    if let Some(missing) = raster.data_mut().get_mut(..missing) {
        missing.fill(0);
    }
    Ok(there)
}
