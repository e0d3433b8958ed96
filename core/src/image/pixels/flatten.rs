//! Between layouts: onto a background, and to colour.

use super::composite::lay_over;
use crate::image::raster::{Layout, Raster, with_room};
use crate::image::{Color, Control, Error};

/// Pixels between two looks at the [`Control`].
const BATCH: usize = 1 << 20;

/// Lays what is transparent onto a colour. What has no alpha stays as it is.
pub(in crate::image) fn flatten(
    raster: Raster,
    background: Color,
    control: &Control,
) -> Result<Raster, Error> {
    let Color { r, g, b } = background;
    match raster.layout() {
        Layout::Rgba8 => map::<4, 3>(&raster, Layout::Rgb8, control, |[red, green, blue, a]| {
            [over(red, a, r), over(green, a, g), over(blue, a, b)]
        }),
        Layout::La8 if r == g && g == b => {
            map::<2, 1>(&raster, Layout::L8, control, |[grey, a]| [over(grey, a, r)])
        }
        Layout::La8 => map::<2, 3>(&raster, Layout::Rgb8, control, |[grey, a]| {
            [over(grey, a, r), over(grey, a, g), over(grey, a, b)]
        }),
        Layout::L8 | Layout::Rgb8 | Layout::Cmyk8 => Ok(raster),
    }
}

/// Lays what is transparent onto a colour that is so itself.
pub(in crate::image) fn veil(
    raster: Raster,
    background: Color,
    alpha: u8,
    control: &Control,
) -> Result<Raster, Error> {
    if !raster.layout().has_alpha() {
        return Ok(raster);
    }
    let Color { r, g, b } = background;
    let mut raster = widen(raster, control)?;
    for pixels in raster.data_mut().as_chunks_mut::<4>().0.chunks_mut(BATCH) {
        control.check()?;
        for pixel in pixels {
            let above = std::mem::replace(pixel, [r, g, b, alpha]);
            lay_over(pixel, &above);
        }
    }
    Ok(raster)
}

/// Gives grey its three channels.
pub(in crate::image) fn widen(raster: Raster, control: &Control) -> Result<Raster, Error> {
    match raster.layout() {
        Layout::L8 => map::<1, 3>(&raster, Layout::Rgb8, control, |[grey]| [grey; 3]),
        Layout::La8 => {
            map::<2, 4>(&raster, Layout::Rgba8, control, |[grey, a]| [grey, grey, grey, a])
        }
        Layout::Rgb8 | Layout::Rgba8 | Layout::Cmyk8 => Ok(raster),
    }
}

/// Takes alpha from what is opaque.
pub(in crate::image) fn without_alpha(raster: Raster, control: &Control) -> Result<Raster, Error> {
    match raster.layout() {
        Layout::La8 => map::<2, 1>(&raster, Layout::L8, control, |[grey, _]| [grey]),
        Layout::Rgba8 => map::<4, 3>(&raster, Layout::Rgb8, control, |[r, g, b, _]| [r, g, b]),
        Layout::L8 | Layout::Rgb8 | Layout::Cmyk8 => Ok(raster),
    }
}

/// Takes two of their three channels from colours that are grey: the counterpart of [`widen`].
pub(in crate::image) fn grey(raster: Raster, control: &Control) -> Result<Raster, Error> {
    match raster.layout() {
        Layout::Rgb8 => map::<3, 1>(&raster, Layout::L8, control, |[grey, ..]| [grey]),
        Layout::Rgba8 => map::<4, 2>(&raster, Layout::La8, control, |[grey, .., a]| [grey, a]),
        Layout::L8 | Layout::La8 | Layout::Cmyk8 => Ok(raster),
    }
}

/// Gives opaque colour its alpha.
pub(in crate::image) fn with_alpha(raster: Raster, control: &Control) -> Result<Raster, Error> {
    match raster.layout() {
        Layout::L8 => map::<1, 2>(&raster, Layout::La8, control, |[grey]| [grey, 255]),
        Layout::Rgb8 => map::<3, 4>(&raster, Layout::Rgba8, control, |[r, g, b]| [r, g, b, 255]),
        Layout::La8 | Layout::Rgba8 | Layout::Cmyk8 => Ok(raster),
    }
}

/// Makes each pixel of `N` channels one of `M`.
pub(super) fn map<const N: usize, const M: usize>(
    raster: &Raster,
    layout: Layout,
    control: &Control,
    pixel: impl Fn([u8; N]) -> [u8; M],
) -> Result<Raster, Error> {
    let pixels = raster.data().as_chunks::<N>().0;
    let mut data = with_room(pixels.len() * M)?;
    for pixels in pixels.chunks(BATCH) {
        control.check()?;
        pixels.iter().for_each(|&from| data.extend_from_slice(&pixel(from)));
    }
    Raster::from_data(raster.size(), layout, data)
}

/// `color` of that opacity over `below`, rounded.
fn over(color: u8, alpha: u8, below: u8) -> u8 {
    let (color, alpha, below) = (u32::from(color), u32::from(alpha), u32::from(below));
    ((color * alpha + below * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::size::Size;

    fn pixel(layout: Layout, data: &[u8]) -> Raster {
        Raster::from_data(Size::new(1, 1), layout, data.to_vec()).unwrap()
    }

    fn flat(layout: Layout, data: &[u8], background: Color) -> (Layout, Vec<u8>) {
        let out = flatten(pixel(layout, data), background, &Control::default()).unwrap();
        (out.layout(), out.data().to_vec())
    }

    #[test]
    fn onto_a_background() {
        let red = Color { r: 255, g: 0, b: 0 };
        assert_eq!(flat(Layout::Rgba8, &[0, 0, 255, 0], red), (Layout::Rgb8, vec![255, 0, 0]));
        assert_eq!(flat(Layout::Rgba8, &[0, 0, 255, 255], red), (Layout::Rgb8, vec![0, 0, 255]));
        assert_eq!(flat(Layout::Rgba8, &[0, 0, 255, 128], red), (Layout::Rgb8, vec![127, 0, 128]));
        assert_eq!(flat(Layout::La8, &[0, 128], Color::WHITE), (Layout::L8, vec![127]));
        assert_eq!(flat(Layout::La8, &[0, 128], red), (Layout::Rgb8, vec![127, 0, 0]));
        assert_eq!(flat(Layout::Rgb8, &[1, 2, 3], red), (Layout::Rgb8, vec![1, 2, 3]));
    }

    #[test]
    fn onto_what_is_transparent_itself() {
        let red = Color { r: 255, g: 0, b: 0 };
        let made = |layout, data: &[u8]| {
            veil(pixel(layout, data), red, 128, &Control::default()).unwrap().data().to_vec()
        };
        assert_eq!(made(Layout::Rgba8, &[0, 0, 255, 0]), [255, 0, 0, 128]);
        assert_eq!(made(Layout::Rgba8, &[0, 0, 255, 255]), [0, 0, 255, 255]);
        assert_eq!(made(Layout::La8, &[9, 0]), [255, 0, 0, 128]);
        assert_eq!(made(Layout::Rgb8, &[1, 2, 3]), [1, 2, 3]);
    }

    #[test]
    fn grey_to_colour() {
        assert_eq!(widen(pixel(Layout::L8, &[9]), &Control::default()).unwrap().data(), [9, 9, 9]);
        assert_eq!(
            widen(pixel(Layout::La8, &[9, 7]), &Control::default()).unwrap().data(),
            [9, 9, 9, 7]
        );
    }

    #[test]
    fn cancelled() {
        let control = Control::default();
        control.cancel();
        let grey = || pixel(Layout::La8, &[9, 7]);
        assert_eq!(flatten(grey(), Color::WHITE, &control).unwrap_err(), Error::Cancelled);
        assert_eq!(widen(grey(), &control).unwrap_err(), Error::Cancelled);
        assert_eq!(grey().try_clone(&control).unwrap_err(), Error::Cancelled);
    }
}
