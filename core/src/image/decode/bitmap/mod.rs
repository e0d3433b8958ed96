//! BMP, ICO and QOI by the `image` crate, and PNM.

#[cfg(feature = "bmp")]
mod bmp;
#[cfg(feature = "ico")]
mod ico;
#[cfg(any(feature = "bmp", feature = "ico", feature = "qoi"))]
mod image_crate;
#[cfg(feature = "pnm")]
mod pnm;
#[cfg(feature = "qoi")]
mod qoi;

use super::options::enough;
use crate::image::damage::{Damage, Tolerance};
use crate::image::error::truncated;
use crate::image::raster::Raster;
use crate::image::size::Size;
use crate::image::source::bitmap::{Bitmap, BitmapKind};
use crate::image::{Control, Error};

/// Decodes a picture.
pub(super) fn decode(
    bitmap: &Bitmap,
    size: Size,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Raster, Error> {
    let height = size.height;
    if !enough(most_rows(bitmap), height) {
        return Err(truncated());
    }
    let mut raster = Raster::new(size, bitmap.layout)?;
    let there = match &bitmap.kind {
        #[cfg(feature = "bmp")]
        BitmapKind::Bmp(bmp) => bmp::decode(bmp, &mut raster, control)?,
        #[cfg(feature = "ico")]
        BitmapKind::Icon(icon) => ico::decode(icon, &mut raster, control)?,
        #[cfg(feature = "pnm")]
        BitmapKind::Pnm(pnm) => pnm::decode(pnm, &mut raster, control)?,
        #[cfg(feature = "qoi")]
        BitmapKind::Qoi(qoi) => qoi::decode(qoi, &mut raster, control)?,
        #[cfg(not(all(feature = "bmp", feature = "ico", feature = "pnm", feature = "qoi")))]
        _ => return Err(Error::Internal("a format that is not built".to_owned())),
    };
    if there < height {
        if !enough(there, height) {
            return Err(truncated());
        }
        let what = format!("the image ends at row {there} of {height}");
        tolerance.note(Damage::at_the_end(what))?;
    }
    Ok(raster)
}

/// How many rows a file has at most, be it for its length: nothing is decoded, nor allocated.
fn most_rows(bitmap: &Bitmap) -> u32 {
    match &bitmap.kind {
        BitmapKind::Bmp(bmp) => bmp.most_rows(),
        BitmapKind::Icon(icon) => icon.rows(),
        BitmapKind::Pnm(pnm) => pnm.most_rows(),
        BitmapKind::Qoi(qoi) => qoi.most_rows(),
    }
}

/// Bytes that are held besides the raster.
pub(super) fn working_bytes(bitmap: &Bitmap) -> u64 {
    match &bitmap.kind {
        BitmapKind::Icon(icon) => icon.file_bytes(),
        // A row.
        BitmapKind::Bmp(_) | BitmapKind::Pnm(_) | BitmapKind::Qoi(_) => 0,
    }
}
