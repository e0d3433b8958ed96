//! The fewest channels and bits that have all of a picture.

use crate::image::encode::palette::Indexed;
use crate::image::pixels::{grey, without_alpha};
use crate::image::raster::{Layout, Raster, with_room, zeroed};
use crate::image::{Control, Error};

/// Pixels between two looks at the [`Control`].
const BATCH: usize = 1 << 20;

/// Places of a [`Colors`], most of which stay empty.
const PLACES: usize = 1024;

/// Colours that a palette has at most, and those of grey that take fewer bits by one.
const MOST: usize = 256;
const MOST_GREYS: usize = 16;

/// Takes alpha from what is opaque, and colour from what is grey: not where there is a profile, which is for colours.
pub(super) fn narrow(raster: Raster, profiled: bool, control: &Control) -> Result<Raster, Error> {
    let opaque = match raster.layout() {
        Layout::La8 => all::<2>(&raster, control, |[_, a]| *a == 255)?,
        Layout::Rgba8 => all::<4>(&raster, control, |[.., a]| *a == 255)?,
        _ => false,
    };
    let raster = if opaque { without_alpha(raster, control)? } else { raster };
    let is_grey = !profiled
        && match raster.layout() {
            Layout::Rgb8 => all::<3>(&raster, control, |[r, g, b]| r == g && g == b)?,
            Layout::Rgba8 => all::<4>(&raster, control, |[r, g, b, _]| r == g && g == b)?,
            _ => false,
        };
    if is_grey { grey(raster, control) } else { Ok(raster) }
}

fn all<const N: usize>(
    raster: &Raster,
    control: &Control,
    is: impl Fn(&[u8; N]) -> bool,
) -> Result<bool, Error> {
    // Pixels in lots, so that none is looked at by itself.
    const LOT: usize = 64;
    for pixels in raster.data().as_chunks::<N>().0.chunks(BATCH) {
        control.check()?;
        if !pixels.chunks(LOT).all(|lot| lot.iter().fold(true, |so_far, pixel| so_far & is(pixel)))
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the raster as indices if it has so few colours that these take fewer bits. What is grey and has a profile
/// has it for grey, which a palette can't have.
pub(super) fn indexed(
    raster: &Raster,
    profiled: bool,
    control: &Control,
) -> Result<Option<Indexed>, Error> {
    match raster.layout() {
        Layout::L8 | Layout::La8 if profiled => Ok(None),
        Layout::L8 => by_colors::<1>(raster, MOST_GREYS, control, |[v]| [v, v, v, 255]),
        Layout::La8 => by_colors::<2>(raster, MOST, control, |[v, a]| [v, v, v, a]),
        Layout::Rgb8 => by_colors::<3>(raster, MOST, control, |[r, g, b]| [r, g, b, 255]),
        Layout::Rgba8 => by_colors::<4>(raster, MOST, control, |rgba| rgba),
        Layout::Cmyk8 => Ok(None),
    }
}

fn by_colors<const N: usize>(
    raster: &Raster,
    most: usize,
    control: &Control,
    rgba: impl Fn([u8; N]) -> [u8; 4],
) -> Result<Option<Indexed>, Error> {
    let pixels = raster.data().as_chunks::<N>().0;
    let mut colors = Colors::default();
    let mut before = None;
    for pixels in pixels.chunks(BATCH) {
        control.check()?;
        for &pixel in pixels {
            if before != Some(pixel) {
                before = Some(pixel);
                if colors.add(rgba(pixel)) > most {
                    return Ok(None);
                }
            }
        }
    }
    colors.sort();
    let mut indices = with_room(pixels.len())?;
    let mut before = (None, 0);
    for pixels in pixels.chunks(BATCH) {
        control.check()?;
        indices.extend(pixels.iter().map(|&pixel| {
            if before.0 != Some(pixel) {
                before = (Some(pixel), colors.index(rgba(pixel)));
            }
            before.1
        }));
    }
    let Colors { colors, .. } = colors;
    Ok(Some(Indexed { size: raster.size(), colors, indices, cutout: None }))
}

/// Colours that are found by what they are.
struct Colors {
    colors: Vec<[u8; 4]>,
    /// Of each place the number of its colour and one more, or 0. A colour is at the first that was free from its own
    /// on.
    places: [u16; PLACES],
}

impl Default for Colors {
    fn default() -> Colors {
        Colors { colors: Vec::new(), places: [0; PLACES] }
    }
}

impl Colors {
    /// The place of a colour, or the one where it belongs.
    fn place(&self, color: [u8; 4]) -> usize {
        let mut place = u32::from_ne_bytes(color).wrapping_mul(0x9e37_79b1) as usize >> 22;
        // There are more places than colours.
        while let Some(&number @ 1..) = self.places.get(place)
            && self.colors.get(usize::from(number) - 1) != Some(&color)
        {
            place = (place + 1) % PLACES;
        }
        place
    }

    /// Adds a colour, if it is not there, and returns how many there are.
    fn add(&mut self, color: [u8; 4]) -> usize {
        let place = self.place(color);
        if let Some(number @ 0) = self.places.get_mut(place) {
            self.colors.push(color);
            *number = self.colors.len() as u16;
        }
        self.colors.len()
    }

    /// Sorts them: those that are not opaque first, as a PNG has the alpha of the first ones only, and so that near
    /// ones have near numbers.
    fn sort(&mut self) {
        let mut colors = std::mem::take(&mut self.colors);
        colors.sort_by_key(|&[r, g, b, a]| {
            (a, 2 * u32::from(r) + 5 * u32::from(g) + u32::from(b), r, g, b)
        });
        *self = Colors::default();
        for color in colors {
            self.add(color);
        }
    }

    fn index(&self, color: [u8; 4]) -> u8 {
        self.places.get(self.place(color)).map_or(0, |&number| number.saturating_sub(1) as u8)
    }
}

/// How many bits an index of so many colours takes.
pub(super) fn bits(colors: usize) -> usize {
    match colors {
        0..=2 => 1,
        3..=4 => 2,
        5..=16 => 4,
        _ => 8,
    }
}

/// Returns indices of so many bits packed into bytes, each row into its own, if they have not 8.
pub(super) fn packed(
    indices: &[u8],
    width: u32,
    bits: usize,
    control: &Control,
) -> Result<Option<Vec<u8>>, Error> {
    if bits == 8 {
        return Ok(None);
    }
    let (width, each) = (width as usize, 8 / bits);
    let stride = width.div_ceil(each);
    let mut packed = zeroed(stride * (indices.len() / width))?;
    let rows = packed.chunks_exact_mut(stride).zip(indices.chunks_exact(width));
    for (number, (to, row)) in rows.enumerate() {
        if number.is_multiple_of(BATCH / width + 1) {
            control.check()?;
        }
        for (to, indices) in to.iter_mut().zip(row.chunks(each)) {
            let byte = indices.iter().fold(0, |byte, &index| byte << bits | u32::from(index));
            *to = (byte << (bits * (each - indices.len()))) as u8;
        }
    }
    Ok(Some(packed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::size::Size;

    fn raster(width: u32, layout: Layout, data: Vec<u8>) -> Raster {
        let height = data.len() / layout.channels() / width as usize;
        Raster::from_data(Size::new(width, height as u32), layout, data).unwrap()
    }

    #[test]
    fn what_is_not_needed_is_left_out() {
        let control = Control::default();
        let narrowed = |layout, data: &[u8], profiled| {
            let raster = narrow(raster(2, layout, data.to_vec()), profiled, &control).unwrap();
            (raster.layout(), raster.data().to_vec())
        };
        for (layout, data, expected, left) in [
            (
                Layout::Rgba8,
                &[1, 2, 3, 255, 4, 5, 6, 255][..],
                Layout::Rgb8,
                &[1, 2, 3, 4, 5, 6][..],
            ),
            (Layout::Rgba8, &[7, 7, 7, 255, 8, 8, 8, 255], Layout::L8, &[7, 8]),
            (Layout::Rgba8, &[7, 7, 7, 255, 8, 8, 8, 254], Layout::La8, &[7, 255, 8, 254]),
            (
                Layout::Rgba8,
                &[7, 7, 9, 255, 8, 8, 8, 254],
                Layout::Rgba8,
                &[7, 7, 9, 255, 8, 8, 8, 254],
            ),
            (Layout::Rgb8, &[7, 7, 7, 8, 8, 8], Layout::L8, &[7, 8]),
            (Layout::Rgb8, &[7, 7, 7, 8, 8, 9], Layout::Rgb8, &[7, 7, 7, 8, 8, 9]),
            (Layout::La8, &[7, 255, 8, 255], Layout::L8, &[7, 8]),
            (Layout::La8, &[7, 255, 8, 0], Layout::La8, &[7, 255, 8, 0]),
        ] {
            assert_eq!(narrowed(layout, data, false), (expected, left.to_vec()));
        }
        let profiled = narrowed(Layout::Rgba8, &[7, 7, 7, 255, 8, 8, 8, 255], true);
        assert_eq!(profiled, (Layout::Rgb8, vec![7, 7, 7, 8, 8, 8]));
    }

    #[test]
    fn few_colours_become_indices_of_the_same() {
        let control = Control::default();
        let color = |at: u32| [at as u8, (at * 7) as u8, (at / 3) as u8, (255 - at % 5) as u8];
        for count in [1, 2, 5, 255, 256, 257] {
            let data: Vec<u8> = (0..1200).flat_map(|at| color(at * 31 % count)).collect();
            let raster = raster(30, Layout::Rgba8, data.clone());
            let Some(indexed) = indexed(&raster, false, &control).unwrap() else {
                assert_eq!(count, 257);
                continue;
            };
            assert_eq!(indexed.colors.len(), count as usize);
            assert!(indexed.colors.is_sorted_by_key(|color| color[3]));
            let pixels = indexed.indices.iter().map(|&index| indexed.colors[usize::from(index)]);
            assert_eq!(pixels.flatten().collect::<Vec<u8>>(), data);
        }
        let greys = |count: u32| {
            let data = (0..1200).map(|at| (at % count * 3) as u8).collect();
            indexed(&raster(30, Layout::L8, data), false, &control).unwrap()
        };
        assert!(greys(16).is_some() && greys(17).is_none());
        let grey = raster(3, Layout::L8, vec![0; 6]);
        assert!(indexed(&grey, true, &control).unwrap().is_none());
    }

    #[test]
    fn indices_are_packed_by_rows() {
        let packed =
            |indices, width, bits| packed(indices, width, bits, &Control::default()).unwrap();
        assert_eq!(packed(&[1, 0, 1, 1, 0, 0], 3, 1), Some(vec![0b1010_0000, 0b1000_0000]));
        assert_eq!(packed(&[1, 2, 3, 0, 3], 5, 2), Some(vec![0b0110_1100, 0b1100_0000]));
        assert_eq!(packed(&[1, 15, 7], 3, 4), Some(vec![0x1f, 0x70]));
        assert_eq!(packed(&[1, 15, 7], 3, 8), None);
        assert_eq!([1, 2, 3, 4, 5, 16, 17, 256].map(bits), [1, 1, 2, 2, 4, 4, 8, 8]);
    }
}
