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
    // Where pixels have an alpha, the mask is there for those who know none. One that is 0 everywhere is
    // none: it was left so by those.
    let is_visible = |pixel: &[u8; 4]| pixel[3] > 0;
    if !icon.has_alpha || !raster.data().as_chunks().0.iter().any(is_visible) {
        raster.data_mut().as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| pixel[3] = 255);
        for (row, mask) in raster.rows_mut().rev().zip(icon.mask()) {
            let bits = mask.iter().flat_map(|byte| (0..8).map(move |at| byte << at & 0x80));
            for (pixel, bit) in row.as_chunks_mut::<4>().0.iter_mut().zip(bits) {
                pixel[3] = if bit == 0 { 255 } else { 0 };
            }
        }
    }
    let (there, stride) = (icon.rows(), raster.stride());
    let missing = raster.size().height.saturating_sub(there) as usize * stride;
    if let Some(missing) = raster.data_mut().get_mut(..missing) {
        missing.fill(0);
    }
    Ok(there)
}
