//! GIF by the `gif` crate, its first frame composed on the canvas.

use gif::{ColorOutput, DecodeOptions};

use super::super::Error;
use super::super::geometry::Size;
use super::super::raster::{Layout, Raster, zeroed};
use super::super::source::gif::Gif;
use super::failed;

pub(super) fn decode(input: &[u8], gif: &Gif, canvas: Size, alpha: bool) -> Result<Raster, Error> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    let mut decoder = options.read_info(input).map_err(failed)?;
    let frame = decoder.next_frame_info().map_err(failed)?.ok_or_else(|| failed("no frame"))?;
    let transparent = frame.transparent;
    let Size { width, height } = gif.first.size;
    if (u32::from(frame.width), u32::from(frame.height)) != (width, height) {
        return Err(failed("two readings of the frame differ"));
    }

    let mut indices = zeroed(width as usize * height as usize)?;
    decoder.read_into_buffer(&mut indices).map_err(failed)?;
    let colors = color_table(decoder.palette().map_err(failed)?, transparent);

    let mut raster = Raster::new(canvas, if alpha { Layout::Rgba8 } else { Layout::Rgb8 })?;
    if width > 0 {
        let rows =
            raster.rows_mut().skip(gif.first.y as usize).zip(indices.chunks_exact(width as usize));
        for (row, indices) in rows {
            if alpha {
                paint::<4>(row, gif.first.x, indices, &colors);
            } else {
                paint::<3>(row, gif.first.x, indices, &colors);
            }
        }
    }
    Ok(raster)
}

/// Paints a row of the frame where it lies on the canvas, as far as it does.
fn paint<const N: usize>(row: &mut [u8], left: u32, indices: &[u8], colors: &[[u8; 4]; 256]) {
    let pixels = row.as_chunks_mut::<N>().0.iter_mut().skip(left as usize);
    for (pixel, &index) in pixels.zip(indices) {
        for (to, from) in pixel.iter_mut().zip(colors[usize::from(index)]) {
            *to = from;
        }
    }
}

/// RGBA by index; what the palette leaves out is black.
fn color_table(palette: &[u8], transparent: Option<u8>) -> [[u8; 4]; 256] {
    let mut colors = [[0, 0, 0, 255]; 256];
    for (color, &[r, g, b]) in colors.iter_mut().zip(palette.as_chunks().0) {
        *color = [r, g, b, 255];
    }
    if let Some(index) = transparent {
        colors[usize::from(index)] = [0; 4];
    }
    colors
}
