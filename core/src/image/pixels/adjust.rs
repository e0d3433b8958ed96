//! Brightness, contrast, saturation, hue, gamma, grey.

use super::flatten::{map, widen};
use crate::image::raster::{Layout, Raster};
use crate::image::{Adjust, Control, Error};

/// One, in the factors of a [`ColorMatrix`].
const ONE: i32 = 1 << 14;

/// Rows between two looks at the [`Control`].
const BATCH: usize = 64;

/// The luminance of red, green and blue (W3C Filter Effects Module Level 1, section 9.6).
const LUMINANCE: [f64; 3] = [0.2126, 0.7152, 0.0722];

/// Adjusts the colours of anything but CMYK. Where `narrow` is set, what is to be grey
/// comes out in a layout for grey.
pub(in crate::image) fn adjust(
    mut raster: Raster,
    adjust: &Adjust,
    narrow: bool,
    control: &Control,
) -> Result<Raster, Error> {
    if *adjust == Adjust::default() {
        return Ok(raster);
    }
    if adjust.sepia > 0 {
        raster = widen(raster, control)?;
    }
    let layout = raster.layout();
    let narrow = narrow && (adjust.sepia == 0 || adjust.threshold > 0);
    let is_grey = adjust.grayscale || adjust.threshold > 0;
    let mut curve = curve(adjust);
    if matches!(layout, Layout::L8 | Layout::La8) {
        curve = curve.map(|value| parted(value, adjust.threshold));
    }
    let matrix = ColorMatrix::new(adjust);
    let stride = raster.stride();
    for rows in raster.data_mut().chunks_mut(stride * BATCH) {
        control.check()?;
        match layout {
            Layout::L8 => rows.iter_mut().for_each(|v| *v = curve[usize::from(*v)]),
            Layout::La8 => {
                rows.as_chunks_mut::<2>()
                    .0
                    .iter_mut()
                    .for_each(|p| p[0] = curve[usize::from(p[0])]);
            }
            Layout::Rgb8 => adjust_colors::<3>(rows, &curve, matrix.as_ref(), adjust.threshold),
            Layout::Rgba8 => adjust_colors::<4>(rows, &curve, matrix.as_ref(), adjust.threshold),
            Layout::Cmyk8 => return Err(Error::Internal("CMYK to be adjusted".to_owned())),
        }
    }
    match layout {
        Layout::Rgb8 if narrow && is_grey => {
            map::<3, 1>(&raster, Layout::L8, control, |[grey, ..]| [grey])
        }
        Layout::Rgba8 if narrow && is_grey => {
            map::<4, 2>(&raster, Layout::La8, control, |[grey, _, _, a]| [grey, a])
        }
        _ => Ok(raster),
    }
}

/// Black or white, where there is a threshold.
fn parted(value: u8, threshold: u8) -> u8 {
    match threshold {
        0 => value,
        _ if value >= threshold => 255,
        _ => 0,
    }
}

fn adjust_colors<const N: usize>(
    rows: &mut [u8],
    curve: &[u8; 256],
    matrix: Option<&ColorMatrix>,
    threshold: u8,
) {
    for pixel in rows.as_chunks_mut::<N>().0 {
        for channel in pixel.iter_mut().take(3) {
            *channel = curve[usize::from(*channel)];
        }
    }
    if let Some(matrix) = matrix {
        for pixel in rows.as_chunks_mut::<N>().0 {
            let rgb = [i32::from(pixel[0]), i32::from(pixel[1]), i32::from(pixel[2])];
            for (to, factors) in pixel.iter_mut().zip(&matrix.0) {
                let [r, g, b] = *factors;
                let value = (r * rgb[0] + g * rgb[1] + b * rgb[2] + ONE / 2) / ONE;
                *to = value.clamp(0, 255) as u8;
            }
        }
    }
    if threshold > 0 {
        for pixel in rows.as_chunks_mut::<N>().0 {
            let shown = parted(luminance([pixel[0], pixel[1], pixel[2]]), threshold);
            pixel.iter_mut().take(3).for_each(|channel| *channel = shown);
        }
    }
}

/// Gamma, brightness and contrast, in that order, for each value of a channel.
fn curve(adjust: &Adjust) -> [u8; 256] {
    let factor = |percent: u16| f64::from(percent) / 100.0;
    let exponent = 1.0 / factor(adjust.gamma).max(0.01);
    let (brightness, contrast) = (factor(adjust.brightness), factor(adjust.contrast));
    let mut curve = [0; 256];
    for (value, to) in (0u8..=255).zip(&mut curve) {
        let tone = (f64::from(value) / 255.0).powf(exponent);
        let bright = (tone * brightness).clamp(0.0, 1.0);
        let contrasted = ((bright - 0.5) * contrast + 0.5).clamp(0.0, 1.0);
        let shown = (contrasted * 255.0).round() as u8;
        *to = if adjust.negate { 255 - shown } else { shown };
    }
    curve
}

/// The luminance of a colour.
pub(super) fn luminance([r, g, b]: [u8; 3]) -> u8 {
    let [red, green, blue] = LUMINANCE.map(|part| (part * f64::from(ONE)).round() as i32);
    let sum = i32::from(r) * red + i32::from(g) * green + i32::from(b) * blue;
    ((sum + ONE / 2) / ONE).clamp(0, 255) as u8
}

/// The sepia of W3C Filter Effects Module Level 1, section 9.5.
fn aged(amount: f64) -> [[f64; 3]; 3] {
    const OLD: [[f64; 3]; 3] =
        [[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]];
    let mut matrix = OLD.map(|row| row.map(|part| part * amount));
    for (i, row) in matrix.iter_mut().enumerate() {
        if let Some(own) = row.get_mut(i) {
            *own += 1.0 - amount;
        }
    }
    matrix
}

/// What each channel takes of red, green and blue.
struct ColorMatrix([[i32; 3]; 3]);

impl ColorMatrix {
    /// Saturation, hue and grey in one; `None` where they change nothing.
    fn new(adjust: &Adjust) -> Option<ColorMatrix> {
        let Adjust { saturation, hue, grayscale, sepia, .. } = *adjust;
        if (saturation, hue, grayscale, sepia) == (100, 0, false, 0) {
            return None;
        }
        let angle = f64::from(hue).to_radians();
        let mut product = times(&turned(angle), &saturated(f64::from(saturation) / 100.0));
        if grayscale {
            product = times(&saturated(0.0), &product);
        }
        if sepia > 0 {
            product = times(&aged(f64::from(sepia) / 100.0), &product);
        }
        Some(ColorMatrix(
            product.map(|row| row.map(|factor| (factor * f64::from(ONE)).round() as i32)),
        ))
    }
}

type Factors = [[f64; 3]; 3];

fn times(a: &Factors, b: &Factors) -> Factors {
    a.map(|row| std::array::from_fn(|j| (0..3).map(|k| row[k] * b[k][j]).sum()))
}

/// Luminance, and the distance from it times a factor.
fn saturated(factor: f64) -> Factors {
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let own = if i == j { factor } else { 0.0 };
            LUMINANCE[j] * (1.0 - factor) + own
        })
    })
}

/// The turn of hues that leaves the luminance alone (the same document, section 9.6).
fn turned(angle: f64) -> Factors {
    const ACROSS: Factors =
        [[-0.213, -0.715, 0.928], [0.143, 0.140, -0.283], [-0.787, 0.715, 0.072]];
    let along = saturated(angle.cos());
    std::array::from_fn(|i| std::array::from_fn(|j| along[i][j] + angle.sin() * ACROSS[i][j]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::size::Size;

    fn made(layout: Layout, pixel: &[u8], how: Adjust) -> (Layout, Vec<u8>) {
        let raster = Raster::from_data(Size::new(1, 1), layout, pixel.to_vec()).unwrap();
        let out = adjust(raster, &how, true, &Control::default()).unwrap();
        (out.layout(), out.data().to_vec())
    }

    fn rgb(pixel: [u8; 3], how: Adjust) -> Vec<u8> {
        made(Layout::Rgb8, &pixel, how).1
    }

    const PLAIN: Adjust = Adjust {
        brightness: 100,
        contrast: 100,
        saturation: 100,
        hue: 0,
        gamma: 100,
        grayscale: false,
        negate: false,
        sepia: 0,
        threshold: 0,
    };

    #[test]
    fn tones() {
        assert_eq!(rgb([10, 100, 200], Adjust { brightness: 150, ..PLAIN }), [15, 150, 255]);
        assert_eq!(rgb([10, 100, 200], Adjust { brightness: 0, ..PLAIN }), [0, 0, 0]);
        assert_eq!(rgb([0, 128, 255], Adjust { contrast: 50, ..PLAIN }), [64, 128, 191]);
        assert_eq!(rgb([100, 128, 200], Adjust { contrast: 200, ..PLAIN }), [73, 129, 255]);
        assert_eq!(rgb([0, 64, 255], Adjust { gamma: 200, ..PLAIN }), [0, 128, 255]);
        assert_eq!(made(Layout::La8, &[64, 7], Adjust { gamma: 200, ..PLAIN }).1, [128, 7]);
    }

    #[test]
    fn colours() {
        // Red of full saturation has a luminance of 54.
        assert_eq!(rgb([255, 0, 0], Adjust { saturation: 0, ..PLAIN }), [54, 54, 54]);
        assert_eq!(rgb([255, 0, 0], Adjust { saturation: 50, ..PLAIN }), [155, 27, 27]);
        let grey = Adjust { grayscale: true, ..PLAIN };
        assert_eq!(made(Layout::Rgb8, &[0, 255, 0], grey), (Layout::L8, vec![182]));
        assert_eq!(made(Layout::Rgba8, &[0, 0, 255, 9], grey), (Layout::La8, vec![18, 9]));
        assert_eq!(made(Layout::L8, &[77], grey), (Layout::L8, vec![77]));
        // Grey has no hue; red turned by a third is a dark green, as browsers show it.
        assert_eq!(rgb([90, 90, 90], Adjust { hue: 120, ..PLAIN }), [90, 90, 90]);
        assert_eq!(rgb([255, 0, 0], Adjust { hue: 120, ..PLAIN }), [0, 113, 0]);
        assert_eq!(made(Layout::Rgba8, &[1, 2, 3, 9], Adjust { hue: 90, ..PLAIN }).1[3], 9);
    }

    #[test]
    fn black_and_white() {
        let parted = Adjust { threshold: 182, ..PLAIN };
        assert_eq!(made(Layout::Rgb8, &[0, 255, 0], parted), (Layout::L8, vec![255]));
        assert_eq!(made(Layout::Rgb8, &[0, 253, 0], parted), (Layout::L8, vec![0]));
        assert_eq!(made(Layout::La8, &[182, 9], parted), (Layout::La8, vec![255, 9]));
        assert_eq!(made(Layout::L8, &[181], parted), (Layout::L8, vec![0]));
        let raster = Raster::from_data(Size::new(1, 1), Layout::Rgb8, vec![9, 255, 9]).unwrap();
        let wide = adjust(raster, &parted, false, &Control::default()).unwrap();
        assert_eq!((wide.layout(), wide.data()), (Layout::Rgb8, &[255, 255, 255][..]));
    }

    #[test]
    fn nothing_changes_nothing() {
        assert_eq!(rgb([1, 2, 3], PLAIN), [1, 2, 3]);
        assert_eq!(PLAIN, Adjust::default());
    }
}
