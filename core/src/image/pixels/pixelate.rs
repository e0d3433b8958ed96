//! Blocks of one colour.

use super::resize::{divide_alpha, multiply_alpha};
use crate::image::raster::Raster;
use crate::image::{Control, Error};

/// Makes each square of `side` pixels one colour, the mean of what is in it; those at the right and
/// the lower edge may be smaller.
pub(in crate::image) fn pixelate(
    raster: &mut Raster,
    side: u16,
    control: &Control,
) -> Result<(), Error> {
    if side < 2 {
        return Ok(());
    }
    // The colour of transparent pixels is nobody's, and must not count.
    let premultiply = raster.layout().has_alpha();
    if premultiply {
        multiply_alpha(raster, control)?;
    }
    let (side, stride, channels) = (usize::from(side), raster.stride(), raster.layout().channels());
    for band in raster.data_mut().chunks_mut(stride * side) {
        for start in (0..stride).step_by(side * channels) {
            control.check()?;
            even_out(band, stride, start..(start + side * channels).min(stride), channels);
        }
    }
    if premultiply {
        divide_alpha(raster, control)?;
    }
    Ok(())
}

/// Sets the pixels in those bytes of each row to their mean.
fn even_out(band: &mut [u8], stride: usize, block: std::ops::Range<usize>, channels: usize) {
    let mut sums = [0u64; 4];
    let mut count = 0;
    for row in band.chunks_exact(stride) {
        for pixel in row.get(block.clone()).unwrap_or_default().chunks_exact(channels) {
            sums.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += u64::from(value));
            count += 1;
        }
    }
    let mean = sums.map(|sum| (sum + count / 2).checked_div(count).unwrap_or(0) as u8);
    let Some(mean) = mean.get(..channels) else { return };
    for row in band.chunks_exact_mut(stride) {
        let block = row.get_mut(block.clone()).unwrap_or_default();
        block.chunks_exact_mut(channels).for_each(|pixel| pixel.copy_from_slice(mean));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::raster::Layout;
    use crate::image::size::Size;

    fn pixelated(width: u32, layout: Layout, data: &[u8], side: u16) -> Vec<u8> {
        let height = (data.len() / layout.channels()) as u32 / width;
        let mut raster =
            Raster::from_data(Size::new(width, height), layout, data.to_vec()).unwrap();
        pixelate(&mut raster, side, &Control::default()).unwrap();
        raster.data().to_vec()
    }

    #[test]
    fn blocks_are_their_means() {
        let data = [0, 10, 90, 20, 30, 100, 7, 8, 9];
        assert_eq!(pixelated(3, Layout::L8, &data, 2), [15, 15, 95, 15, 15, 95, 8, 8, 9]);
        let mean = ((data.iter().map(|&v| u32::from(v)).sum::<u32>() + 4) / 9) as u8;
        for side in [3, 4, u16::MAX] {
            assert_eq!(pixelated(3, Layout::L8, &data, side), [mean; 9]);
        }
        for side in [0, 1] {
            assert_eq!(pixelated(3, Layout::L8, &data, side), data);
        }
    }

    #[test]
    fn channels_do_not_mix() {
        let data = [1, 20, 255, 3, 40, 253];
        assert_eq!(pixelated(2, Layout::Rgb8, &data, 2), [2, 30, 254, 2, 30, 254]);
    }

    #[test]
    fn transparent_colour_does_not_bleed() {
        let data = [0, 200, 0, 255, 255, 0, 0, 0];
        let block = pixelated(2, Layout::Rgba8, &data, 2);
        assert_eq!(block[..4], block[4..]);
        assert!(block[0] == 0 && block[1].abs_diff(200) < 3 && block[3] == 128, "{block:?}");
    }

    #[test]
    fn a_block_looks_at_the_clock() {
        let size = Size::new(64, 64);
        let mut raster = Raster::new(size, Layout::L8).unwrap();
        let control = Control::default();
        control.cancel();
        assert!(pixelate(&mut raster, 8, &control).is_err());
    }
}
