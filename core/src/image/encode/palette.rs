//! Reducing an image to a palette.

use quantizr::{Image, Options, QuantizeResult};

use super::super::geometry::Size;
use super::super::pixels::widen;
use super::super::raster::{Layout, Raster, with_room, zeroed};
use super::super::{Control, Error};
use super::failed;

/// An image of palette indices, one byte each.
pub(super) struct Indexed {
    pub(super) size: Size,
    /// RGBA, at most 256.
    pub(super) colors: Vec<[u8; 4]>,
    pub(super) indices: Vec<u8>,
    /// The index of full transparency that [`Indexed::with_cutout`] sets apart.
    pub(super) cutout: Option<u8>,
}

impl Indexed {
    /// Reduces an image to 256 colours of any opacity. Those of an image that
    /// has no more stay as they are.
    pub(super) fn new(raster: Raster, control: &Control) -> Result<Indexed, Error> {
        let size = raster.size();
        let rgba = into_rgba(raster)?;
        control.check()?;
        quantize(size, &rgba, 256, control)
    }

    /// Reduces an image to opaque colours and, if needed, one that is not there
    /// at all: for pixels that are less than half opaque.
    pub(super) fn with_cutout(raster: Raster, control: &Control) -> Result<Indexed, Error> {
        const CUTOUT: u8 = 255;

        let size = raster.size();
        let mut rgba = into_rgba(raster)?;
        control.check()?;
        // Cut out pixels take a colour that is there anyway, so that they claim
        // none and spread no dithering.
        let filler = rgba.iter().find(|pixel| is_opaque(pixel)).map_or([0; 4], |&pixel| pixel);
        let mut holes = with_room(rgba.len())?;
        for pixel in &mut rgba {
            let hole = !is_opaque(pixel);
            if hole {
                *pixel = filler;
            }
            pixel[3] = 255;
            holes.push(hole);
        }
        if !holes.contains(&true) {
            return quantize(size, &rgba, 256, control);
        }

        let mut indexed = quantize(size, &rgba, usize::from(CUTOUT), control)?;
        let cutout = indexed.colors.len().min(usize::from(CUTOUT)) as u8;
        indexed.colors.push([0; 4]);
        for (index, hole) in indexed.indices.iter_mut().zip(holes) {
            if hole {
                *index = cutout;
            }
        }
        indexed.cutout = Some(cutout);
        Ok(indexed)
    }
}

/// Whether a pixel is there at all where there is no half-way.
pub(super) fn is_opaque(pixel: &[u8; 4]) -> bool {
    pixel[3] >= 128
}

fn quantize(
    size: Size,
    rgba: &[[u8; 4]],
    max_colors: usize,
    control: &Control,
) -> Result<Indexed, Error> {
    let image = Image::new(rgba.as_flattened(), size.width as usize, size.height as usize)
        .map_err(|error| failed(format!("{error:?}")))?;
    let mut options = Options::default();
    options.set_max_colors(max_colors as i32).map_err(|error| failed(format!("{error:?}")))?;
    let result = QuantizeResult::quantize(&image, &options);
    control.check()?;

    let mut indices = zeroed(rgba.len())?;
    result.remap_image(&image, &mut indices).map_err(|error| failed(format!("{error:?}")))?;
    let palette = result.get_palette();
    let colors = palette
        .entries
        .iter()
        .take(palette.count as usize)
        .map(|color| [color.r, color.g, color.b, color.a])
        .collect();
    Ok(Indexed { size, colors, indices, cutout: None })
}

pub(super) fn into_rgba(raster: Raster) -> Result<Vec<[u8; 4]>, Error> {
    let raster = widen(raster)?;
    let mut rgba = with_room(raster.size().pixels() as usize)?;
    match raster.layout() {
        Layout::Rgba8 => rgba.extend_from_slice(raster.data().as_chunks().0),
        _ => rgba.extend(raster.data().as_chunks().0.iter().map(|&[r, g, b]| [r, g, b, 255])),
    }
    Ok(rgba)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indexed(pixels: &[[u8; 4]], cutout: bool) -> Indexed {
        let size = Size::new(pixels.len() as u32, 1);
        let raster =
            Raster::from_data(size, Layout::Rgba8, pixels.as_flattened().to_vec()).unwrap();
        let control = Control::default();
        if cutout { Indexed::with_cutout(raster, &control) } else { Indexed::new(raster, &control) }
            .unwrap()
    }

    fn pixels(indexed: &Indexed) -> Vec<[u8; 4]> {
        indexed.indices.iter().map(|&index| indexed.colors[usize::from(index)]).collect()
    }

    #[test]
    fn few_colours_stay_exact() {
        let image: Vec<[u8; 4]> = (0..=255).map(|i| [i, 255 - i, i / 2, 255 - i % 7]).collect();
        assert_eq!(pixels(&indexed(&image, false)), image);
    }

    #[test]
    fn many_colours_become_256_near_ones() {
        let image: Vec<[u8; 4]> =
            (0..4096u32).map(|i| [(i >> 4) as u8, (i % 16 * 16) as u8, 128, 255]).collect();
        let made = indexed(&image, false);
        assert!(made.colors.len() <= 256);
        let error: u32 = pixels(&made)
            .iter()
            .zip(&image)
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>())
            .sum();
        assert!(error / 4096 < 24, "{error}");
    }

    #[test]
    fn holes_are_cut_out_exactly() {
        let mut image: Vec<[u8; 4]> =
            (0..2000u32).map(|i| [(i / 8) as u8, (i * 7) as u8, 9, 255]).collect();
        for pixel in image.iter_mut().step_by(3) {
            pixel[3] = 127;
        }
        let made = indexed(&image, true);
        assert!(made.colors.len() <= 256);
        for (pixel, source) in pixels(&made).iter().zip(&image) {
            assert_eq!(pixel[3], if source[3] < 128 { 0 } else { 255 });
        }
        assert_eq!(indexed(&[[1, 2, 3, 255]], true).cutout, None);
        assert_eq!(pixels(&indexed(&[[1, 2, 3, 0]], true)), [[0; 4]]);
    }
}
