//! What an image looks like, in a few bytes.

use super::raster::{Layout, Raster, with_room};
use super::{Color, Error};

/// What a small version of an image tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The colour that there is most of.
    pub dominant: Color,
    /// The [ThumbHash](https://evanw.github.io/thumbhash/).
    pub thumbhash: Vec<u8>,
}

/// The longest side of an image that a hash is made of.
pub(super) const SIDE: u32 = 100;

/// Looks at an image of at most [`SIDE`] pixels a side.
pub(super) fn preview(raster: &Raster) -> Result<Preview, Error> {
    let pixels = rgba(raster)?;
    let (width, height) = (raster.size().width as usize, raster.size().height as usize);
    if width.max(height) > SIDE as usize {
        return Err(Error::Internal(format!("{width}x{height} pixels to be looked at")));
    }
    let thumbhash = thumbhash::rgba_to_thumb_hash(width, height, pixels.as_flattened());
    Ok(Preview { dominant: dominant(&pixels), thumbhash })
}

/// The mean of the fullest cell of a histogram with 16 steps a channel. What is transparent
/// counts less; where all is, the colour is black.
fn dominant(pixels: &[[u8; 4]]) -> Color {
    let mut cells = vec![[0u64; 4]; 16 * 16 * 16];
    for &[r, g, b, a] in pixels {
        let index = [r, g, b].iter().fold(0, |index, v| index * 16 + usize::from(v >> 4));
        if let Some([red, green, blue, weight]) = cells.get_mut(index) {
            let alpha = u64::from(a);
            *red += u64::from(r) * alpha;
            *green += u64::from(g) * alpha;
            *blue += u64::from(b) * alpha;
            *weight += alpha;
        }
    }
    let fullest = cells.into_iter().max_by_key(|cell| cell[3]).unwrap_or_default();
    let [r, g, b] = [0, 1, 2].map(|i| ((fullest[i] + fullest[3] / 2) / fullest[3].max(1)) as u8);
    Color { r, g, b }
}

fn rgba(raster: &Raster) -> Result<Vec<[u8; 4]>, Error> {
    let mut pixels = with_room(raster.size().pixels() as usize)?;
    let data = raster.data();
    match raster.layout() {
        Layout::L8 => pixels.extend(data.iter().map(|&v| [v, v, v, 255])),
        Layout::La8 => pixels.extend(data.as_chunks().0.iter().map(|&[v, a]| [v, v, v, a])),
        Layout::Rgb8 => pixels.extend(data.as_chunks().0.iter().map(|&[r, g, b]| [r, g, b, 255])),
        Layout::Rgba8 => pixels.extend_from_slice(data.as_chunks().0),
        Layout::Cmyk8 => return Err(Error::Internal("CMYK to be looked at".to_owned())),
    }
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::size::Size;

    #[test]
    fn most_of_one_colour() {
        let mut pixels = vec![[200, 30, 40, 255]; 60];
        pixels.extend([[0, 0, 255, 255]; 40]);
        pixels.extend([[0, 255, 0, 10]; 200]);
        assert_eq!(dominant(&pixels), Color { r: 200, g: 30, b: 40 });
        assert_eq!(dominant(&[[9, 9, 9, 0]]), Color { r: 0, g: 0, b: 0 });
    }

    #[test]
    fn a_hash_shows_the_image_again() {
        let size = Size::new(40, 30);
        let data: Vec<u8> = (0..30)
            .flat_map(|y| (0..40).map(move |x| (x, y)))
            .flat_map(|(x, _)| if x < 20 { [220, 40, 40] } else { [40, 40, 220] })
            .collect();
        let look = preview(&Raster::from_data(size, Layout::Rgb8, data).unwrap()).unwrap();
        let (width, _, shown) = thumbhash::thumb_hash_to_rgba(&look.thumbhash).unwrap();
        let (left, right) = (&shown[4 * (width / 4)..], &shown[4 * (width * 3 / 4)..]);
        assert!(left[0] > 150 && left[2] < 100 && right[0] < 100 && right[2] > 150);
    }

    #[test]
    fn every_layout_and_the_smallest_image() {
        for layout in [Layout::L8, Layout::La8, Layout::Rgb8, Layout::Rgba8] {
            let raster = Raster::new(Size::new(1, 1), layout).unwrap();
            assert_eq!(preview(&raster).unwrap().dominant, Color { r: 0, g: 0, b: 0 });
        }
        let large = Raster::new(Size::new(101, 1), Layout::L8).unwrap();
        assert!(preview(&large).is_err());
    }
}
