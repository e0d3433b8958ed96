//! Luma and chroma of BT.601 in the narrow range that WebP has, as colours, and in the full range that JPEG has.

use image_gate_codecs::cpu::{self, Kernel};

use super::resize::{Placed, resize};
use crate::image::raster::{Layout, Planes, Raster};
use crate::image::size::Rect;
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

/// Colours of planes.
pub(in crate::image) fn colored(planes: Planes, control: &Control) -> Result<Raster, Error> {
    let Planes { size, sampling, planes: [luma, blue, red] } = planes;
    let extent = (
        f64::from(size.width) / f64::from(sampling.0),
        f64::from(size.height) / f64::from(sampling.1),
    );
    let placed = Placed { extent, origin: (0.0, 0.0) };
    let all = Rect { x: 0, y: 0, size };
    let whole = |chroma: Raster| resize(chroma, placed, size, all, control);
    let (blue, red) = (whole(blue)?, whole(red)?);
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

/// Has planes in the narrow range use all of it.
pub(in crate::image) fn widen_range(
    planes: &mut [Raster; 3],
    control: &Control,
) -> Result<(), Error> {
    look_up(planes, [(16.0, 0.0, 255.0 / 219.0), (128.0, 128.0, 255.0 / 224.0)], control)
}

/// Has planes that use all of the range use the narrow one.
pub(in crate::image) fn narrow_range(
    planes: &mut [Raster; 3],
    control: &Control,
) -> Result<(), Error> {
    look_up(planes, [(0.0, 16.0, 219.0 / 255.0), (128.0, 128.0, 224.0 / 255.0)], control)
}

/// Has planes in the narrow range not go beyond black and white, as what is next to edges does that were scaled:
/// it isn't shown, but takes bytes.
pub(in crate::image) fn clamp_luma(
    planes: &mut [Raster; 3],
    control: &Control,
) -> Result<(), Error> {
    let [luma, ..] = planes;
    change(luma, |sample| sample.clamp(16, 235), control)
}

/// Has samples of luma, and of chroma, lie somewhere else: what is at the first number is at the second one then, and
/// what lies so far from it, so many times as far.
fn look_up(
    planes: &mut [Raster; 3],
    moves: [(f64, f64, f64); 2],
    control: &Control,
) -> Result<(), Error> {
    let [luma, chroma] = moves.map(|(from, to, times)| -> [u8; 256] {
        std::array::from_fn(|sample| ((sample as f64 - from) * times + to).round() as u8)
    });
    for (plane, table) in planes.iter_mut().zip([&luma, &chroma, &chroma]) {
        change(plane, |sample| table[usize::from(sample)], control)?;
    }
    Ok(())
}

/// Has each sample be what `made` makes of it.
fn change(plane: &mut Raster, made: impl Fn(u8) -> u8, control: &Control) -> Result<(), Error> {
    let stride = plane.stride();
    for rows in plane.data_mut().chunks_mut(stride * BATCH) {
        control.check()?;
        rows.iter_mut().for_each(|sample| *sample = made(*sample));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::size::Size;

    fn planes(samples: &[[u8; 3]]) -> Planes {
        let size = Size::new(samples.len() as u32, 1);
        let planes = std::array::from_fn(|plane| {
            let data = samples.iter().map(|sample| sample[plane]).collect();
            Raster::from_data(size, Layout::L8, data).unwrap()
        });
        Planes { size, sampling: (1, 1), planes }
    }

    fn data(planes: &Planes) -> [&[u8]; 3] {
        planes.planes.each_ref().map(Raster::data)
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
        let made = colored(planes(&samples), &Control::default()).unwrap();
        let expected = [[0; 3], [255; 3], [128; 3], [255, 0, 0], [0, 255, 0], [0, 0, 255]];
        for (made, expected) in made.data().chunks(3).zip(expected) {
            let near = made.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2);
            assert!(near, "{made:?} {expected:?}");
        }
        // What no colour has.
        let made = colored(planes(&[[255, 255, 0], [0, 0, 255]]), &Control::default()).unwrap();
        assert_eq!(made.data(), [74, 255, 255, 184, 0, 0]);
    }

    #[test]
    fn chroma_of_several_pixels_lies_in_their_middle() {
        let plane = |size: Size, sample: fn(u32) -> u8| {
            let data = (0..size.height).flat_map(|_| (0..size.width).map(sample)).collect();
            Raster::from_data(size, Layout::L8, data).unwrap()
        };
        let halves = Size::new(10, 3);
        let size = Size::new(19, 5);
        let ramp: fn(u32) -> u8 = |x| (88 + 8 * x) as u8;
        let grey: fn(u32) -> u8 = |_| 128;
        let planes = [plane(size, grey), plane(halves, grey), plane(halves, ramp)];
        let made = colored(Planes { size, sampling: (2, 2), planes }, &Control::default()).unwrap();
        for row in made.rows() {
            for (x, pixel) in row.chunks(3).enumerate().take(15).skip(4) {
                let chroma = 86.0 + 4.0 * x as f64 - 128.0;
                let red = (112.0 * 255.0 / 219.0 + chroma * 1.402 * 255.0 / 224.0).round();
                assert!((f64::from(pixel[0]) - red).abs() <= 2.0, "{x}: {pixel:?} {red}");
            }
        }
    }

    #[test]
    fn ranges_are_made_wide_and_narrow() {
        let mut made = planes(&[[16, 16, 240], [235, 128, 128], [0, 0, 255], [126, 184, 72]]);
        let mut clamped = planes(&[[15, 1, 2], [236, 254, 255], [17, 3, 4]]);
        clamp_luma(&mut clamped.planes, &Control::default()).unwrap();
        let expected: [&[u8]; 3] = [&[16, 235, 17], &[1, 254, 3], &[2, 255, 4]];
        assert_eq!(data(&clamped), expected);
        widen_range(&mut made.planes, &Control::default()).unwrap();
        let expected: [&[u8]; 3] = [&[0, 255, 0, 128], &[1, 128, 0, 192], &[255, 128, 255, 64]];
        assert_eq!(data(&made), expected);
        narrow_range(&mut made.planes, &Control::default()).unwrap();
        let expected: [&[u8]; 3] = [&[16, 235, 16, 126], &[16, 128, 16, 184], &[240, 128, 240, 72]];
        assert_eq!(data(&made), expected);
    }
}
