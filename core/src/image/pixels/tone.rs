//! Luminance in other colours, and opacity.

use super::adjust::luminance;
use super::flatten::{widen, with_alpha};
use crate::image::raster::Raster;
use crate::image::{Color, Control, Error, Tone};

/// Rows between two looks at the [`Control`].
const BATCH: usize = 64;

/// Shows the luminance of anything but CMYK in the colours of a tone.
pub(in crate::image) fn tone(
    raster: Raster,
    tone: Option<Tone>,
    control: &Control,
) -> Result<Raster, Error> {
    let Some(tone) = tone else { return Ok(raster) };
    let shades = shades(tone);
    let mut raster = widen(raster, control)?;
    let (stride, channels) = (raster.stride(), raster.layout().channels());
    for rows in raster.data_mut().chunks_mut(stride * BATCH) {
        control.check()?;
        for pixel in rows.chunks_exact_mut(channels) {
            let Some(color) = pixel.first_chunk_mut::<3>() else { continue };
            *color = shades[usize::from(luminance(*color))];
        }
    }
    Ok(raster)
}

/// The colour of each luminance.
fn shades(tone: Tone) -> [[u8; 3]; 256] {
    let between = |from: [u8; 3], to: [u8; 3], part: u32, of: u32| -> [u8; 3] {
        std::array::from_fn(|i| {
            let sum = u32::from(from[i]) * (of - part) + u32::from(to[i]) * part;
            ((sum + of / 2) / of) as u8
        })
    };
    let channels = |Color { r, g, b }: Color| [r, g, b];
    std::array::from_fn(|value| {
        let value = value as u32;
        match tone {
            Tone::Two(dark, light) => between(channels(dark), channels(light), value, 255),
            Tone::Tint(color) => {
                let color = channels(color);
                let middle = u32::from(luminance(color));
                if value <= middle && middle > 0 {
                    between([0; 3], color, value, middle)
                } else {
                    between(color, [255; 3], value - middle, 255 - middle)
                }
            }
        }
    })
}

/// Makes an image so many percent as opaque as it is.
pub(in crate::image) fn fade(
    raster: Raster,
    percent: u16,
    control: &Control,
) -> Result<Raster, Error> {
    if percent >= 100 {
        return Ok(raster);
    }
    let mut raster = with_alpha(raster, control)?;
    let (stride, channels) = (raster.stride(), raster.layout().channels());
    let alphas: [u8; 256] =
        std::array::from_fn(|alpha| ((alpha as u32 * u32::from(percent) + 50) / 100) as u8);
    for rows in raster.data_mut().chunks_mut(stride * BATCH) {
        control.check()?;
        for pixel in rows.chunks_exact_mut(channels) {
            if let Some(alpha) = pixel.last_mut() {
                *alpha = alphas[usize::from(*alpha)];
            }
        }
    }
    Ok(raster)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::raster::Layout;
    use crate::image::size::Size;

    fn toned(layout: Layout, data: &[u8], by: Tone) -> Vec<u8> {
        let size = Size::new((data.len() / layout.channels()) as u32, 1);
        let raster = Raster::from_data(size, layout, data.to_vec()).unwrap();
        tone(raster, Some(by), &Control::default()).unwrap().data().to_vec()
    }

    #[test]
    fn a_tint_keeps_luminance() {
        let color = Color { r: 200, g: 40, b: 60 };
        let middle = luminance([200, 40, 60]);
        let grey = toned(Layout::L8, &[0, middle, 255], Tone::Tint(color));
        assert_eq!(grey, [0, 0, 0, 200, 40, 60, 255, 255, 255]);
        for value in 0..=255 {
            let shade = toned(Layout::L8, &[value], Tone::Tint(color));
            let near = luminance([shade[0], shade[1], shade[2]]);
            assert!(near.abs_diff(value) <= 1, "{value} {near}");
        }
        for extreme in [Color { r: 0, g: 0, b: 0 }, Color::WHITE] {
            assert_eq!(toned(Layout::L8, &[0, 128, 255], Tone::Tint(extreme))[3..6], [128; 3]);
        }
    }

    #[test]
    fn two_colours_and_what_is_between() {
        let two = Tone::Two(Color { r: 10, g: 20, b: 30 }, Color { r: 210, g: 120, b: 30 });
        let made = toned(Layout::La8, &[0, 7, 255, 9, 51, 255], two);
        assert_eq!(made, [10, 20, 30, 7, 210, 120, 30, 9, 50, 40, 30, 255]);
        // Green has 0.7152 of the luminance of white.
        let made = toned(Layout::Rgb8, &[0, 255, 0], two);
        assert_eq!(made, [10 + 143, 20 + 71, 30]);
    }

    #[test]
    fn faded() {
        let raster = Raster::from_data(Size::new(2, 1), Layout::La8, vec![9, 255, 8, 101]).unwrap();
        assert_eq!(fade(raster, 50, &Control::default()).unwrap().data(), [9, 128, 8, 51]);
        let raster = Raster::from_data(Size::new(1, 1), Layout::Rgb8, vec![1, 2, 3]).unwrap();
        assert_eq!(fade(raster, 0, &Control::default()).unwrap().data(), [1, 2, 3, 0]);
    }
}
