//! BMP.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use image::ImageDecoder;
use image::codecs::bmp::BmpDecoder;

use super::image_crate::{check_reading, failed};
use crate::image::cancellable_reader::{CancellableReader, PIECE};
use crate::image::error::broken;
use crate::image::raster::Raster;
use crate::image::source::bitmap::Bmp;
use crate::image::{Control, Error};

/// Fills the raster; returns how many rows there are, from the first that is stored on. The others
/// are zeros.
pub(super) fn decode(bmp: &Bmp, raster: &mut Raster, control: &Control) -> Result<u32, Error> {
    let height = raster.size().height;
    // It is read by the byte, and asked whether it goes on by the piece.
    let input = CancellableReader::new(bmp.input, control);
    let reader = BufReader::with_capacity(PIECE, Patched { input, other: bmp.other_bytes() });
    let decoder = BmpDecoder::new(reader).map_err(|error| failed(&error, control))?;
    check_reading(&decoder, raster)?;
    if let Some((runs, many)) = bmp.packed() {
        let palette = decoder.get_palette().unwrap_or_default();
        return unpack(runs, many, palette, raster, control);
    }
    match decoder.read_image(raster.data_mut()) {
        Ok(()) => Ok(height),
        Err(error) => {
            let error = failed(&error, control);
            let rows = bmp.rows();
            if rows < height { Ok(rows) } else { Err(error) }
        }
    }
}

/// A file of which some bytes, by their places, are others.
struct Patched<'a> {
    input: CancellableReader<'a>,
    other: &'a [(u64, u8)],
}

impl Read for Patched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = self.input.stream_position()?;
        let read = self.input.read(buffer)?;
        for &(place, other) in self.other {
            let at = place.checked_sub(start).and_then(|at| usize::try_from(at).ok());
            if let Some(byte) = at.and_then(|at| buffer.get_mut(..read)?.get_mut(at)) {
                *byte = other;
            }
        }
        Ok(read)
    }
}

impl Seek for Patched<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.input.seek(to)
    }
}

/// Runs between two looks at the [`Control`], of 255 pixels at most.
const BATCH: u32 = 1 << 12;

/// Fills the raster with pixels that are packed into runs, so many of them in a byte: what the `image` crate has for
/// that jumps over all of a picture in one step. What is jumped over stays black.
fn unpack(
    mut rest: &[u8],
    many: usize,
    palette: &[[u8; 3]],
    raster: &mut Raster,
    control: &Control,
) -> Result<u32, Error> {
    let height = raster.size().height;
    let stride = raster.stride();
    let mut rows = raster.rows_mut().rev();
    let (mut row, mut there) = (rows.next().unwrap_or_default(), 0);
    // The byte of the row at which the next pixel is.
    let mut at = 0;
    let mut read: u32 = 0;
    while there < height {
        read = read.wrapping_add(1);
        if read.is_multiple_of(BATCH) {
            control.check()?;
        }
        let (len, pixels, bytes) = match *rest {
            [0, 1, ..] => return Ok(height),
            [0, 0, ..] => {
                row = rows.next().unwrap_or_default();
                (at, there) = (0, there + 1);
                (2, 0, &[][..])
            }
            [0, 2, across, down, ..] => {
                if let Some(before) = usize::from(down).checked_sub(1) {
                    row = rows.nth(before).ok_or_else(|| broken("a jump out of the picture"))?;
                }
                (at, there) = (at + 3 * usize::from(across), there + u32::from(down));
                if at > stride {
                    return Err(broken("a jump out of a row"));
                }
                (4, 0, &[][..])
            }
            [0, pixels, ref behind @ ..] => {
                let bytes = usize::from(pixels).div_ceil(many);
                let Some(bytes) = behind.get(..bytes) else { return Ok(there) };
                if at + 3 * usize::from(pixels) > stride {
                    return Err(broken("pixels beyond the end of a row"));
                }
                (2 + bytes.len().next_multiple_of(2), pixels, bytes)
            }
            // Some programs write more than there is place for.
            [pixels, _, ..] => (2, pixels, rest.get(1..2).unwrap_or_default()),
            _ => return Ok(there),
        };
        let place = row.get_mut(at..).unwrap_or_default().as_chunks_mut().0.iter_mut();
        let indices = bytes.iter().cycle().flat_map(|&byte| match many {
            2 => [byte >> 4, byte & 15].into_iter().take(2),
            _ => [byte, 0].into_iter().take(1),
        });
        for (pixel, index) in place.zip(indices).take(pixels.into()) {
            *pixel = palette.get(usize::from(index)).copied().unwrap_or_default();
            at += 3;
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    Ok(height)
}
