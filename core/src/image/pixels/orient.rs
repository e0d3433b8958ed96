//! Orientation and rotation.

use crate::image::orientation::Orientation;
use crate::image::raster::{DeepRaster, Raster};
use crate::image::size::Size;
use crate::image::{Control, Error};

/// Rows of the result that are written together when the image comes to lie on
/// its side: so many pixels of a source row share cache lines.
const BAND: usize = 16;

/// Turns a raster.
pub(in crate::image) fn orient(
    raster: Raster,
    orientation: Orientation,
    control: &Control,
) -> Result<Raster, Error> {
    if orientation.is_none() {
        return Ok(raster);
    }
    let mut out = Raster::new(orientation.size(raster.size()), raster.layout())?;
    let (from, size, to) = (raster.data(), raster.size(), out.data_mut());
    match raster.layout().channels() {
        1 => orient_pixels::<1>(from, size, to, orientation, control),
        2 => orient_pixels::<2>(from, size, to, orientation, control),
        3 => orient_pixels::<3>(from, size, to, orientation, control),
        _ => orient_pixels::<4>(from, size, to, orientation, control),
    }?;
    Ok(out)
}

/// Turns a raster of 16 bits.
pub(in crate::image) fn orient_deep(
    raster: DeepRaster,
    orientation: Orientation,
    control: &Control,
) -> Result<DeepRaster, Error> {
    if orientation.is_none() {
        return Ok(raster);
    }
    let mut out = DeepRaster::new(orientation.size(raster.size), raster.channels)?;
    let (from, size, to) = (&raster.data, raster.size, &mut out.data);
    match raster.channels {
        1 => orient_pixels::<2>(from, size, to, orientation, control),
        2 => orient_pixels::<4>(from, size, to, orientation, control),
        3 => orient_pixels::<6>(from, size, to, orientation, control),
        _ => orient_pixels::<8>(from, size, to, orientation, control),
    }?;
    Ok(out)
}

fn orient_pixels<const N: usize>(
    from: &[u8],
    size: Size,
    to: &mut [u8],
    orientation: Orientation,
    control: &Control,
) -> Result<(), Error> {
    let (width, height) = (size.width as usize, size.height as usize);
    let source = from.as_chunks::<N>().0;
    let to_width = orientation.size(size).width as usize;
    let target = to.as_chunks_mut::<N>().0;

    for (band, rows) in target.chunks_mut(BAND * to_width).enumerate() {
        control.check()?;
        if orientation.swap {
            // Column x of the result is a row of the source.
            for x in 0..to_width {
                let source_y = if orientation.flip_y { height - 1 - x } else { x };
                let row = &source[source_y * width..][..width];
                for (i, pixel) in rows.iter_mut().skip(x).step_by(to_width).enumerate() {
                    let y = band * BAND + i;
                    *pixel = row[if orientation.flip_x { width - 1 - y } else { y }];
                }
            }
        } else {
            for (i, pixels) in rows.chunks_exact_mut(to_width).enumerate() {
                let y = band * BAND + i;
                let source_y = if orientation.flip_y { height - 1 - y } else { y };
                pixels.copy_from_slice(&source[source_y * width..][..width]);
                if orientation.flip_x {
                    pixels.reverse();
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::raster::Layout;

    fn turned(data: &[u8], width: u32, orientation: u8) -> (Size, Vec<u8>) {
        let size = Size::new(width, data.len() as u32 / width);
        let raster = Raster::from_data(size, Layout::L8, data.to_vec()).unwrap();
        let out = orient(raster, Orientation::upright(orientation), &Control::default()).unwrap();
        (out.size(), out.data().to_vec())
    }

    #[test]
    fn the_eight_orientations() {
        // 1 2 3
        // 4 5 6
        let image = [1, 2, 3, 4, 5, 6];
        for (orientation, width, expected) in [
            (1, 3, [1, 2, 3, 4, 5, 6]),
            (2, 3, [3, 2, 1, 6, 5, 4]),
            (3, 3, [6, 5, 4, 3, 2, 1]),
            (4, 3, [4, 5, 6, 1, 2, 3]),
            (5, 2, [1, 4, 2, 5, 3, 6]),
            (6, 2, [4, 1, 5, 2, 6, 3]),
            (7, 2, [6, 3, 5, 2, 4, 1]),
            (8, 2, [3, 6, 2, 5, 1, 4]),
        ] {
            let (size, data) = turned(&image, 3, orientation);
            assert_eq!((size.width, data.as_slice()), (width, &expected[..]), "{orientation}");
        }
    }

    #[test]
    fn larger_than_a_band_and_of_every_layout() {
        let size = Size::new(37, 41);
        for layout in [Layout::L8, Layout::La8, Layout::Rgb8, Layout::Rgba8] {
            let channels = layout.channels();
            let data: Vec<u8> = (0..37 * 41 * channels).map(|i| (i * 7 % 251) as u8).collect();
            for orientation in 1..=8 {
                let way = Orientation::upright(orientation);
                let raster = Raster::from_data(size, layout, data.clone()).unwrap();
                let out = orient(raster, way, &Control::default()).unwrap();
                for y in 0..out.size().height as usize {
                    for x in 0..out.size().width as usize {
                        let (u, v) = if way.swap { (y, x) } else { (x, y) };
                        let u = if way.flip_x { 36 - u } else { u };
                        let v = if way.flip_y { 40 - v } else { v };
                        let at = y * out.stride() + x * channels;
                        let from = (v * 37 + u) * channels;
                        assert_eq!(out.data()[at..at + channels], data[from..from + channels]);
                    }
                }
            }
        }
    }

    #[test]
    fn cancelled() {
        let control = Control::default();
        control.cancel();
        let raster = Raster::new(Size::new(2, 2), Layout::L8).unwrap();
        assert_eq!(
            orient(raster, Orientation::upright(3), &control).unwrap_err(),
            Error::Cancelled
        );
    }
}
