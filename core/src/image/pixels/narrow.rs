//! Luma and chroma of BT.601 in the narrow range that WebP has, as colours, and in the full range that JPEG has.

use image_gate_codecs::cpu::{self, Kernel};

use crate::image::raster::{Layout, Raster};
use crate::image::{Control, Error};

/// Rows between two looks at the [`Control`].
const BATCH: usize = 64;

/// Bits behind the point.
const BITS: u32 = 14;

/// A number with as many.
const fn fixed(number: f64) -> i32 {
    (number * (1 << BITS) as f64 + 0.5) as i32
}

/// What luma counts for, and chroma.
const LUMA: i32 = fixed(255.0 / 219.0);
const RED: i32 = fixed(1.402 * 255.0 / 224.0);
const GREEN_RED: i32 = fixed(0.714_136 * 255.0 / 224.0);
const GREEN_BLUE: i32 = fixed(0.344_136 * 255.0 / 224.0);
const BLUE: i32 = fixed(1.772 * 255.0 / 224.0);

/// Colours of planes of one size.
pub(in crate::image) fn colored(planes: &[Raster; 3], control: &Control) -> Result<Raster, Error> {
    let [luma, blue, red] = planes;
    let mut out = Raster::new(luma.size(), Layout::Rgb8)?;
    let (from, to) = (BATCH * luma.stride(), BATCH * out.stride());
    let chroma = blue.data().chunks(from).zip(red.data().chunks(from));
    let rows = out.data_mut().chunks_mut(to).zip(luma.data().chunks(from)).zip(chroma);
    for ((pixels, luma), (blue, red)) in rows {
        control.check()?;
        cpu::run(Colored { pixels, luma, blue, red });
    }
    Ok(out)
}

struct Colored<'a> {
    pixels: &'a mut [u8],
    luma: &'a [u8],
    blue: &'a [u8],
    red: &'a [u8],
}

impl Kernel for Colored<'_> {
    type Made = ();

    #[inline(always)]
    fn run(self) {
        let pixels = self.pixels.as_chunks_mut::<3>().0;
        let planes = self.luma.iter().zip(self.blue).zip(self.red);
        for (pixel, ((&luma, &blue), &red)) in pixels.iter_mut().zip(planes) {
            let luma = (i32::from(luma) - 16) * LUMA + (1 << (BITS - 1));
            let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
            let sums =
                [luma + RED * red, luma - GREEN_RED * red - GREEN_BLUE * blue, luma + BLUE * blue];
            *pixel = sums.map(|sum| (sum >> BITS).clamp(0, 255) as u8);
        }
    }
}

/// Has planes use all of the range.
pub(in crate::image) fn widen_range(
    planes: &mut [Raster; 3],
    control: &Control,
) -> Result<(), Error> {
    let table = |middle: f64, at: f64, range: f64| -> [u8; 256] {
        std::array::from_fn(|sample| ((sample as f64 - middle) * 255.0 / range + at).round() as u8)
    };
    let (luma, chroma) = (table(16.0, 0.0, 219.0), table(128.0, 128.0, 224.0));
    for (plane, table) in planes.iter_mut().zip([&luma, &chroma, &chroma]) {
        let stride = plane.stride();
        for rows in plane.data_mut().chunks_mut(stride * BATCH) {
            control.check()?;
            rows.iter_mut().for_each(|sample| *sample = table[usize::from(*sample)]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::size::Size;

    fn planes(samples: &[[u8; 3]]) -> [Raster; 3] {
        std::array::from_fn(|plane| {
            let data = samples.iter().map(|sample| sample[plane]).collect();
            Raster::from_data(Size::new(samples.len() as u32, 1), Layout::L8, data).unwrap()
        })
    }

    #[test]
    fn colours_are_those_of_bt_601() {
        let samples = [
            [16, 128, 128],
            [235, 128, 128],
            [126, 128, 128],
            [81, 90, 240],
            [145, 54, 34],
            [41, 240, 110],
        ];
        let made = colored(&planes(&samples), &Control::default()).unwrap();
        let expected = [[0; 3], [255; 3], [128; 3], [255, 0, 0], [0, 255, 0], [0, 0, 255]];
        for (made, expected) in made.data().chunks(3).zip(expected) {
            assert!(
                made.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2),
                "{made:?} {expected:?}"
            );
        }
        // What no colour has.
        let made = colored(&planes(&[[255, 255, 0], [0, 0, 255]]), &Control::default()).unwrap();
        assert_eq!(made.data(), [37, 255, 255, 184, 0, 0]);
    }

    #[test]
    fn all_of_the_range_is_used() {
        let mut planes = planes(&[[16, 16, 240], [235, 128, 128], [0, 0, 255], [126, 184, 72]]);
        widen_range(&mut planes, &Control::default()).unwrap();
        let [luma, blue, red] = planes.each_ref().map(Raster::data);
        assert_eq!(
            (luma, blue, red),
            (&[0, 255, 0, 128][..], &[1, 128, 0, 192][..], &[255, 128, 255, 64][..])
        );
    }
}
