//! PNG by the `png` crate.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits, Transformations};

use super::super::geometry::Size;
use super::super::pixels::Shrink;
use super::super::raster::{Layout, Raster, zeroed};
use super::super::{Control, Error};
use super::{Scale, failed};

/// What the decoder may allocate besides the output: rows, and chunks that it
/// keeps although nobody asks for them.
const DECODER_BYTES: usize = 32 << 20;

/// Rows between two looks at the [`Control`].
const BATCH: u32 = 64;

/// Decodes an image.
pub(super) fn decode(
    input: &[u8],
    size: Size,
    scale: Scale,
    control: &Control,
) -> Result<Raster, Error> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(input), Limits { bytes: DECODER_BYTES });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(failed)?;

    let layout = match reader.output_color_type() {
        (ColorType::Grayscale, BitDepth::Eight) => Layout::L8,
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => Layout::La8,
        (ColorType::Rgb, BitDepth::Eight) => Layout::Rgb8,
        (ColorType::Rgba, BitDepth::Eight) => Layout::Rgba8,
        other => return Err(Error::Internal(format!("PNG expanded to {other:?}"))),
    };
    let header = reader.info();
    if (header.width, header.height) != (size.width, size.height) {
        return Err(failed("two readings of the header differ"));
    }

    let interlaced = header.interlaced;
    let raster = if interlaced {
        let mut raster = Raster::new(size, layout)?;
        reader.next_frame(raster.data_mut()).map_err(failed)?;
        raster
    } else {
        let mut each = |y: u32, row: &mut [u8]| {
            if y.is_multiple_of(BATCH) {
                control.check()?;
            }
            reader.read_row(row).map_err(failed)?.ok_or_else(|| failed("rows are missing"))
        };
        if let Scale::Boxes(side) = scale {
            let mut shrink = Shrink::new(size, layout, side)?;
            let mut row = zeroed(size.width as usize * layout.channels())?;
            for y in 0..size.height {
                each(y, &mut row)?;
                shrink.push(&row);
            }
            shrink.finish()
        } else {
            let mut raster = Raster::new(size, layout)?;
            (0..).zip(raster.rows_mut()).try_for_each(|(y, row)| each(y, row).map(|_| ()))?;
            raster
        }
    };
    // What follows the last row is part of the image too: its checksums.
    reader.finish().map_err(failed)?;
    Ok(raster)
}
