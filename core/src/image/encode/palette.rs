//! Reducing an image to a palette.

use std::collections::HashSet;

use quantizr::{Image, Options, QuantizeResult};

use crate::image::error::not_encoded;
use crate::image::pixels::widen;
use crate::image::raster::{Layout, Raster, with_room, zeroed};
use crate::image::size::Size;
use crate::image::{Control, Error};

/// How far a channel of a pixel may be from its neighbours' where a picture is smooth.
const SMOOTH: u8 = 6;

/// How often such pixels count in the choice of colours, and of how many others one does.
const SMOOTH_TIMES: usize = 2;
const BUSY_STEP: usize = 4;

/// Pixels of a picture from which on colours are chosen by a sample of it.
const SAMPLED: usize = 4096;

/// Pixels that are mapped to colours between two looks at the [`Control`]. Between two bands no
/// dithering is carried on, which nobody sees.
const MAPPED: usize = 1 << 20;

/// Pixels of which a sample is taken at most: colours are chosen in one step, that nothing stops.
const MOST_LOOKED_AT: usize = 1 << 20;

/// Pixels by which a palette is judged.
const MEASURED: usize = 1024;

/// A [`distance`] that nobody sees.
const UNSEEN: u64 = 3 * 16;

/// Bytes that choosing colours takes at most.
pub(super) fn looking_bytes(size: Size) -> u64 {
    // A pixel of the sample, of which some count twice, and its place in a histogram in which each may
    // be a colour of its own.
    const LOOKED_AT: u64 = 60;
    // The last row is a whole one.
    size.pixels().min(MOST_LOOKED_AT as u64 + u64::from(size.width)).saturating_mul(LOOKED_AT)
}

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
    /// Reduces an image to so many colours of any opacity, at most 256. Those of an image
    /// that has no more stay as they are.
    pub(super) fn new(raster: Raster, most: usize, control: &Control) -> Result<Indexed, Error> {
        let size = raster.size();
        let rgba = into_rgba(raster, control)?;
        control.check()?;
        let palette = Palette::choose(&rgba, size, most)?;
        let indices = palette.map(&rgba, size, control)?;
        Ok(Indexed { size, colors: palette.colors, indices, cutout: None })
    }

    /// Reduces an image to opaque colours and, if needed, one that is not there
    /// at all: for pixels that are less than half opaque.
    pub(super) fn with_cutout(raster: Raster, control: &Control) -> Result<Indexed, Error> {
        let cutout = Cutout::new(raster, control)?;
        let most = if cutout.has_holes() { 255 } else { 256 };
        cutout.indexed(&cutout.palette(most)?, control)
    }
}

/// An image in opaque colours, some pixels of which are not there at all.
pub(super) struct Cutout {
    size: Size,
    rgba: Vec<[u8; 4]>,
    holes: Vec<bool>,
}

impl Cutout {
    /// Of an image those pixels that are at least half opaque.
    pub(super) fn new(raster: Raster, control: &Control) -> Result<Cutout, Error> {
        let size = raster.size();
        let mut rgba = into_rgba(raster, control)?;
        control.check()?;
        // Cut out pixels take a colour that is there anyway, so that they claim
        // none and spread no dithering.
        let filler = rgba.iter().find(|pixel| is_opaque(pixel)).map_or([0; 4], |&pixel| pixel);
        let mut holes = with_room(rgba.len())?;
        for rgba in rgba.chunks_mut(MAPPED) {
            control.check()?;
            for pixel in rgba {
                let hole = !is_opaque(pixel);
                if hole {
                    *pixel = filler;
                }
                pixel[3] = 255;
                holes.push(hole);
            }
        }
        Ok(Cutout { size, rgba, holes })
    }

    pub(super) fn has_holes(&self) -> bool {
        self.holes.contains(&true)
    }

    /// Chooses so many colours for it.
    pub(super) fn palette(&self, most: usize) -> Result<Palette, Error> {
        Palette::choose(&self.rgba, self.size, most)
    }

    /// Whether it has that many colours, and not one more.
    pub(super) fn has_just(&self, colors: usize) -> bool {
        has_more_colors(&self.rgba, colors - 1) && !has_more_colors(&self.rgba, colors)
    }

    /// Reduces it to colours, of which there are no more than 255 where it has holes.
    pub(super) fn indexed(&self, palette: &Palette, control: &Control) -> Result<Indexed, Error> {
        let mut indices = palette.map(&self.rgba, self.size, control)?;
        let mut colors = palette.colors.clone();
        let mut cutout = None;
        if self.has_holes() {
            let index = palette.cutout();
            cutout = Some(index);
            colors.push([0; 4]);
            control.check()?;
            for (to, _) in indices.iter_mut().zip(&self.holes).filter(|(_, hole)| **hole) {
                *to = index;
            }
        }
        Ok(Indexed { size: self.size, colors, indices, cutout })
    }
}

/// Colours that were chosen for an image, and may do for another.
pub(super) struct Palette {
    chosen: QuantizeResult,
    /// RGBA, at most 256.
    colors: Vec<[u8; 4]>,
    /// Whether they are all that the image has.
    pub(super) is_exact: bool,
    /// How far, on average, the image is from them.
    distance: u64,
}

impl Palette {
    fn choose(rgba: &[[u8; 4]], size: Size, most: usize) -> Result<Palette, Error> {
        let mut options = Options::default();
        options.set_max_colors(most as i32).map_err(|error| not_encoded(format!("{error:?}")))?;
        let is_exact = !has_more_colors(rgba, most);
        let chosen = if rgba.len() >= SAMPLED && !is_exact {
            let sample = sample(rgba, size.width as usize)?;
            let sample = Image::new(sample.as_flattened(), sample.len(), 1)
                .map_err(|error| not_encoded(format!("{error:?}")))?;
            QuantizeResult::quantize(&sample, &options)
        } else {
            let image = Image::new(rgba.as_flattened(), size.width as usize, size.height as usize)
                .map_err(|error| not_encoded(format!("{error:?}")))?;
            QuantizeResult::quantize(&image, &options)
        };
        let palette = chosen.get_palette();
        let entries = palette.entries.iter().take(palette.count as usize);
        let colors: Vec<_> = entries.map(|color| [color.r, color.g, color.b, color.a]).collect();
        let distance = distance(rgba, &colors);
        Ok(Palette { chosen, colors, is_exact, distance })
    }

    /// The indices of the colours that an image becomes, dithered.
    fn map(&self, rgba: &[[u8; 4]], size: Size, control: &Control) -> Result<Vec<u8>, Error> {
        control.check()?;
        let mut indices = zeroed(rgba.len())?;
        let width = size.width as usize;
        let band = width * MAPPED.div_ceil(width.max(1));
        for (rgba, indices) in rgba.chunks(band).zip(indices.chunks_mut(band)) {
            control.check()?;
            let rows = Image::new(rgba.as_flattened(), width, rgba.len() / width)
                .map_err(|error| not_encoded(format!("{error:?}")))?;
            let mapped = self.chosen.remap_image(&rows, indices);
            mapped.map_err(|error| not_encoded(format!("{error:?}")))?;
        }
        Ok(indices)
    }

    /// The index of what is cut out, where there are no more than 255 colours.
    pub(super) fn cutout(&self) -> u8 {
        self.colors.len().min(255) as u8
    }

    /// The colours, and behind them room for what is cut out.
    pub(super) fn with_cutout(&self) -> Vec<u8> {
        let colors = self.colors.iter().chain([&[0; 4]]).take(256);
        colors.flat_map(|&[r, g, b, _]| [r, g, b]).collect()
    }

    /// Whether they do for another image as they do for the one that they were chosen for.
    pub(super) fn is_good_for(&self, image: &Cutout) -> bool {
        if self.is_exact {
            let colors: HashSet<_> = self.colors.iter().collect();
            let mut before = None;
            return image.rgba.iter().all(|pixel| {
                let known = before == Some(pixel) || colors.contains(pixel);
                before = Some(pixel);
                known
            });
        }
        distance(&image.rgba, &self.colors) <= self.distance * 4 / 3 + UNSEEN
    }
}

/// The mean square, in sixteenths, of how far some pixels are from the nearest of these colours.
fn distance(rgba: &[[u8; 4]], colors: &[[u8; 4]]) -> u64 {
    let step = rgba.len().div_ceil(MEASURED) | 1;
    let square = |pixel: &[u8; 4], color: &[u8; 4]| -> u32 {
        pixel.iter().zip(color).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum()
    };
    let nearest = |pixel| colors.iter().map(|color| square(pixel, color)).min().unwrap_or(0);
    let (sum, count) = rgba
        .iter()
        .step_by(step)
        .fold((0, 0), |(sum, count), pixel| (sum + u64::from(nearest(pixel)), count + 1));
    16 * sum / count.max(1)
}

/// Whether a pixel is there at all where there is no half-way.
pub(super) fn is_opaque(pixel: &[u8; 4]) -> bool {
    pixel[3] >= 128
}

/// Whether there are more colours than that.
pub(super) fn has_more_colors<const N: usize>(pixels: &[[u8; N]], most: usize) -> bool {
    let mut seen = HashSet::with_capacity(most + 1);
    let mut before = None;
    pixels.iter().any(|pixel| {
        let new = before != Some(pixel) && seen.insert(pixel);
        before = Some(pixel);
        new && seen.len() > most
    })
}

/// Pixels to choose colours by: some of all, and those that differ little from the ones before
/// and above them more often, since there the eye sees how coarse a palette is.
fn sample(rgba: &[[u8; 4]], width: usize) -> Result<Vec<[u8; 4]>, Error> {
    let near = |a: &[u8; 4], b: &[u8; 4]| a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= SMOOTH);
    let step = rgba.len().div_ceil(MOST_LOOKED_AT).max(1);
    let mut found = with_room(rgba.len() / step * SMOOTH_TIMES + width * SMOOTH_TIMES)?;
    let mut busy = 0;
    let first = rgba.get(..width).unwrap_or_default();
    let above = std::iter::once(first).chain(rgba.chunks_exact(width));
    for (row, above) in rgba.chunks_exact(width).zip(above).step_by(step) {
        let before = row.first().into_iter().chain(row);
        for ((pixel, before), above) in row.iter().zip(before).zip(above) {
            if near(pixel, before) && near(pixel, above) {
                found.extend_from_slice(&[*pixel; SMOOTH_TIMES]);
            } else {
                busy += 1;
                if busy % BUSY_STEP == 0 {
                    found.push(*pixel);
                }
            }
        }
    }
    Ok(found)
}

pub(super) fn into_rgba(raster: Raster, control: &Control) -> Result<Vec<[u8; 4]>, Error> {
    let raster = widen(raster, control)?;
    let mut rgba = with_room(raster.size().pixels() as usize)?;
    for rows in raster.data().chunks(MAPPED * raster.layout().channels()) {
        control.check()?;
        match raster.layout() {
            Layout::Rgba8 => rgba.extend_from_slice(rows.as_chunks().0),
            _ => rgba.extend(rows.as_chunks().0.iter().map(|&[r, g, b]| [r, g, b, 255])),
        }
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
        if cutout {
            Indexed::with_cutout(raster, &control)
        } else {
            Indexed::new(raster, 256, &control)
        }
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
    fn most_colours_go_where_it_is_smooth() {
        // Noise on the left, on the right a slope.
        let (width, height) = (128, 64);
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let rgba: Vec<[u8; 4]> = places
            .map(|(x, y)| {
                let noise = (x * 7919u32) ^ (y * 104_729);
                let slope = [(x * 2) as u8, (y * 3) as u8, 100, 255];
                if x < 64 {
                    [noise as u8, (noise >> 5) as u8, (noise >> 3) as u8, 255]
                } else {
                    slope
                }
            })
            .collect();
        let size = Size::new(width, height);
        let sampled = sample(&rgba, 128).unwrap();
        let share = |pixels: &[[u8; 4]]| {
            let smooth = pixels.iter().filter(|pixel| pixel[2] == 100).count();
            smooth * 100 / pixels.len()
        };
        assert!((49..=51).contains(&share(&rgba)) && share(&sampled) > 80);

        // With the colours for one half shared out evenly it is 13 a pixel.
        let raster = Raster::from_data(size, Layout::Rgba8, rgba.as_flattened().to_vec()).unwrap();
        let made = Indexed::new(raster, 256, &Control::default()).unwrap();
        let error: u32 = pixels(&made)
            .iter()
            .zip(&rgba)
            .enumerate()
            .filter(|(i, _)| i % 128 >= 64)
            .map(|(_, (a, b))| a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>())
            .sum();
        assert!(error / 4096 < 11, "{error}");
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
