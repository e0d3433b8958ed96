//! Unsharp masking.

use crate::image::raster::{Raster, with_room};
use crate::image::{Control, Error};

/// Sharpens by `percent`, in the strength of libgd's `gdImageSharpen`: the
/// separable kernel `[-o, 1 + 2o, -o]` with `o = percent / 400`, first along
/// the columns and then along the rows, edges repeated. Alpha stays as it is.
pub(in crate::image) fn sharpen(
    raster: &mut Raster,
    percent: u16,
    control: &Control,
) -> Result<(), Error> {
    if percent == 0 {
        return Ok(());
    }
    let percent = i32::from(percent);
    let stride = raster.stride();
    let channels = raster.layout().channels();
    let colors = if raster.layout().has_alpha() { channels - 1 } else { channels };

    // The row above and a copy of the current one, as they were.
    let mut above = with_room(stride)?;
    let mut current = with_room(stride)?;
    above.extend_from_slice(raster.data().get(..stride).unwrap_or_default());
    current.extend_from_slice(&above);

    let mut rest = raster.data_mut();
    while let Some((row, below)) = rest.split_at_mut_checked(stride) {
        control.check()?;
        current.copy_from_slice(row);
        let under = below.get(..stride).unwrap_or(&current);
        for (((to, &above), &here), &under) in row.iter_mut().zip(&above).zip(&current).zip(under) {
            *to = kernel(above, here, under, percent);
        }
        restore_alpha(row, &current, channels, colors);
        std::mem::swap(&mut above, &mut current);
        rest = below;
    }

    for row in raster.rows_mut() {
        control.check()?;
        current.copy_from_slice(row);
        let last = stride - channels;
        for (i, to) in row.iter_mut().enumerate() {
            let left = if i < channels { i } else { i - channels };
            let right = if i < last { i + channels } else { i };
            *to = kernel(current[left], current[i], current[right], percent);
        }
        restore_alpha(row, &current, channels, colors);
    }
    Ok(())
}

/// Rounds towards zero and clamps, as libgd does.
fn kernel(before: u8, here: u8, after: u8, percent: i32) -> u8 {
    let (before, here, after) = (i32::from(before), i32::from(here), i32::from(after));
    let value = here + percent * (2 * here - before - after) / 400;
    value.clamp(0, 255) as u8
}

fn restore_alpha(row: &mut [u8], original: &[u8], channels: usize, colors: usize) {
    if colors < channels {
        let alphas = original.iter().skip(colors).step_by(channels);
        for (to, &alpha) in row.iter_mut().skip(colors).step_by(channels).zip(alphas) {
            *to = alpha;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::raster::Layout;
    use crate::image::size::Size;

    fn sharpened(width: u32, layout: Layout, data: &[u8], percent: u16) -> Vec<u8> {
        let height = (data.len() / layout.channels()) as u32 / width;
        let mut raster =
            Raster::from_data(Size::new(width, height), layout, data.to_vec()).unwrap();
        sharpen(&mut raster, percent, &Control::default()).unwrap();
        raster.data().to_vec()
    }

    /// gdImageSharpen in its own terms: floats, one pass after the other.
    fn reference(width: usize, data: &[u8], percent: u16) -> Vec<u8> {
        let height = data.len() / width;
        let outer = -f64::from(percent) / 400.0;
        let inner = 1.0 - 2.0 * outer;
        let pass = |data: &[u8], at: &dyn Fn(usize, usize, isize) -> usize| -> Vec<u8> {
            (0..data.len())
                .map(|i| {
                    let (x, y) = (i % width, i / width);
                    let around = f64::from(data[at(x, y, -1)]) + f64::from(data[at(x, y, 1)]);
                    (inner * f64::from(data[i]) + outer * around).clamp(0.0, 255.0) as u8
                })
                .collect()
        };
        let step = |n: usize, d: isize, end: usize| n.saturating_add_signed(d).min(end - 1);
        let columns = pass(data, &|x, y, d| step(y, d, height) * width + x);
        pass(&columns, &|x, y, d| y * width + step(x, d, width))
    }

    #[test]
    fn as_libgd() {
        let data: Vec<u8> = (0..12u32 * 9).map(|i| (i * i * 37 % 256) as u8).collect();
        for percent in [1, 25, 100, 400] {
            let ours = sharpened(12, Layout::L8, &data, percent);
            let theirs = reference(12, &data, percent);
            let worst = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            // Where the first pass rounds the other way, the second amplifies it.
            assert!(worst <= 1 + percent.div_ceil(100) as u8, "{percent}: {worst}");
        }
    }

    #[test]
    fn flat_stays_flat_and_alpha_stays() {
        assert_eq!(sharpened(3, Layout::L8, &[77; 9], 100), [77; 9]);
        let data = [10, 0, 200, 255, 90, 7, 10, 99];
        let out = sharpened(2, Layout::La8, &data, 100);
        for (before, after) in data.chunks(2).zip(out.chunks(2)) {
            assert_eq!(before[1], after[1]);
        }
        assert_ne!(out, data);
    }

    #[test]
    fn single_pixel_and_single_row() {
        assert_eq!(sharpened(1, Layout::Rgb8, &[1, 2, 3], 100), [1, 2, 3]);
        assert_eq!(sharpened(3, Layout::L8, &[0, 100, 0], 100), [0, 150, 0]);
        assert_eq!(sharpened(1, Layout::L8, &[0, 100, 0], 100), [0, 150, 0]);
    }
}
