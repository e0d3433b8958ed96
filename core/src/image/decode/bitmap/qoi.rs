//! QOI.

use std::io::{self, BufReader, Read};

use image::ImageDecoder;
use image::codecs::qoi::QoiDecoder;

use super::image_crate::{check_reading, failed};
use crate::image::cancellable_reader::{CancellableReader, PIECE, check};
use crate::image::raster::Raster;
use crate::image::source::bitmap::Qoi;
use crate::image::{Control, Error};

/// What stands at the end of a file.
const END: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 1];

/// Fills the raster; returns how many rows there are. The others are what no chunk has changed.
pub(super) fn decode(qoi: &Qoi, raster: &mut Raster, control: &Control) -> Result<u32, Error> {
    let (chunks, missing) = qoi.chunks(control)?;
    // A chunk of a zero is a pixel that was seen before, or none was.
    let unseen = Checked(io::repeat(0).take(missing), control);
    let chunks = CancellableReader::new(chunks, control).chain(unseen);
    let reader = BufReader::with_capacity(PIECE, qoi.header.chain(chunks).chain(END));
    let decoder = QoiDecoder::new(reader).map_err(|error| failed(&error, control))?;
    check_reading(&decoder, raster)?;
    decoder.read_image(raster.data_mut()).map_err(|error| failed(&error, control))?;
    let (width, height) = (raster.size().width, raster.size().height);
    let missing = u32::try_from(missing.div_ceil(u64::from(width))).unwrap_or(u32::MAX);
    Ok(height.saturating_sub(missing))
}

/// A reader that fails once its [`Control`] says so.
struct Checked<'a, R>(R, &'a Control);

impl<R: Read> Read for Checked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        check(self.1)?;
        self.0.read(buffer)
    }
}
