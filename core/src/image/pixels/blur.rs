//! Gaussian blur.

use super::resize::{divide_alpha, multiply_alpha};
use crate::image::raster::{Raster, with_room};
use crate::image::{Control, Error};

/// Up to this standard deviation, in hundredths, the true kernel is used. Above it three
/// boxes come close to it, at a cost that does not grow.
const EXACT: u16 = 1000;

/// Blurs by a standard deviation in hundredths of a pixel; edges are repeated.
pub(in crate::image) fn blur(
    raster: &mut Raster,
    sigma: u16,
    control: &Control,
) -> Result<(), Error> {
    if sigma == 0 {
        return Ok(());
    }
    // Fully transparent pixels have some colour too, which must not bleed.
    let premultiply = raster.layout().has_alpha();
    if premultiply {
        multiply_alpha(raster, control)?;
    }
    let pixels = f64::from(sigma) / 100.0;
    if sigma <= EXACT {
        let weights = weights(pixels);
        weigh_columns(raster, &weights, control)?;
        weigh_rows(raster, &weights, control)?;
    } else {
        let radii = radii(pixels);
        average_columns(raster, radii, control)?;
        average_rows(raster, radii, control)?;
    }
    if premultiply {
        divide_alpha(raster, control)?;
    }
    Ok(())
}

/// The weights of a Gaussian from its middle outwards, in 65536ths.
fn weights(sigma: f64) -> Vec<u32> {
    let radius = (3.0 * sigma).ceil() as usize;
    let weight = |i: usize| (-((i * i) as f64) / (2.0 * sigma * sigma)).exp();
    let sum: f64 = 1.0 + 2.0 * (1..=radius).map(weight).sum::<f64>();
    let mut weights: Vec<u32> =
        (0..=radius).map(|i| (weight(i) / sum * 65536.0).round() as u32).collect();
    // What rounding took or gave is the middle's.
    let outer = 2 * weights.iter().skip(1).sum::<u32>();
    if let Some(middle) = weights.first_mut() {
        *middle = 65536 - outer;
    }
    weights
}

/// The radii of three boxes that together have nearly that standard deviation.
fn radii(sigma: f64) -> [usize; 3] {
    // A box of width w has the variance (w * w - 1) / 12.
    let ideal = (4.0 * sigma * sigma + 1.0).sqrt();
    let radius = ((ideal - 1.0) / 2.0).floor() as usize;
    let variance = |radius: usize| {
        let width = (2 * radius + 1) as f64;
        (width * width - 1.0) / 12.0
    };
    let (small, large) = (variance(radius), variance(radius + 1));
    let wider = ((sigma * sigma - 3.0 * small) / (large - small)).round() as usize;
    std::array::from_fn(|i| if i < wider { radius + 1 } else { radius })
}

/// Rows of a copy, of which the first and the last go on beyond the edges.
struct PaddedRows<'a> {
    data: &'a [u8],
    stride: usize,
}

impl PaddedRows<'_> {
    fn at(&self, index: usize, before: usize) -> &[u8] {
        let last = self.data.len() / self.stride - 1;
        let start = index.saturating_sub(before).min(last) * self.stride;
        self.data.get(start..start + self.stride).unwrap_or_default()
    }
}

fn weigh_columns(raster: &mut Raster, weights: &[u32], control: &Control) -> Result<(), Error> {
    let source = copy(raster.data())?;
    let source = PaddedRows { data: &source, stride: raster.stride() };
    let mut sums = with_room::<u32>(raster.stride())?;
    for (y, row) in raster.rows_mut().enumerate() {
        control.check()?;
        sums.clear();
        for (k, &weight) in weights.iter().enumerate() {
            let (above, below) = (source.at(y, k), source.at(y + k, 0));
            weigh(&mut sums, above, below, weight, k);
        }
        finish(row, &sums);
    }
    Ok(())
}

fn weigh_rows(raster: &mut Raster, weights: &[u32], control: &Control) -> Result<(), Error> {
    let (stride, channels) = (raster.stride(), raster.layout().channels());
    let radius = weights.len() - 1;
    let mut wide = with_room(stride + 2 * radius * channels)?;
    let mut sums = with_room::<u32>(stride)?;
    for row in raster.rows_mut() {
        control.check()?;
        widen(&mut wide, row, radius, channels);
        sums.clear();
        for (k, &weight) in weights.iter().enumerate() {
            let side = |start: usize| wide.get(start..start + stride).unwrap_or_default();
            let (left, right) = (side((radius - k) * channels), side((radius + k) * channels));
            weigh(&mut sums, left, right, weight, k);
        }
        finish(row, &sums);
    }
    Ok(())
}

/// Adds two lines at the distance `k`; at the distance 0 they are one.
fn weigh(sums: &mut Vec<u32>, a: &[u8], b: &[u8], weight: u32, k: usize) {
    if k == 0 {
        sums.extend(a.iter().map(|&a| (1 << 15) + weight * u32::from(a)));
        return;
    }
    for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
        *sum += weight * (u32::from(a) + u32::from(b));
    }
}

fn finish(row: &mut [u8], sums: &[u32]) {
    row.iter_mut().zip(sums).for_each(|(to, sum)| *to = (sum >> 16) as u8);
}

/// Bytes of a row that are averaged along their columns together.
const STRIP: usize = 64;

fn average_columns(raster: &mut Raster, radii: [usize; 3], control: &Control) -> Result<(), Error> {
    let reach: usize = radii.iter().sum();
    let (stride, height) = (raster.stride(), raster.size().height as usize);
    let mut lines = LineBuffers::new((height + 2 * reach) * STRIP.min(stride))?;
    for start in (0..stride).step_by(STRIP) {
        control.check()?;
        let strip = start..(start + STRIP).min(stride);
        let source = PaddedRows { data: raster.data(), stride };
        lines.from.clear();
        for i in 0..height + 2 * reach {
            let line = source.at(i, reach).get(strip.clone()).unwrap_or_default();
            lines.from.extend_from_slice(line);
        }
        let lines = lines.average(strip.len(), radii);
        for (row, line) in raster.rows_mut().zip(lines.chunks_exact(strip.len())) {
            row.get_mut(strip.clone()).unwrap_or_default().copy_from_slice(line);
        }
    }
    Ok(())
}

fn average_rows(raster: &mut Raster, radii: [usize; 3], control: &Control) -> Result<(), Error> {
    let (stride, channels) = (raster.stride(), raster.layout().channels());
    let reach: usize = radii.iter().sum();
    let mut lines = LineBuffers::new(stride + 2 * reach * channels)?;
    for row in raster.rows_mut() {
        control.check()?;
        widen(&mut lines.from, row, reach, channels);
        row.copy_from_slice(lines.average(channels, radii));
    }
    Ok(())
}

/// Lines of equal length, one after the other, and room for as many.
struct LineBuffers {
    from: Vec<u8>,
    to: Vec<u8>,
}

impl LineBuffers {
    fn new(bytes: usize) -> Result<LineBuffers, Error> {
        Ok(LineBuffers { from: with_room(bytes)?, to: with_room(bytes)? })
    }

    /// Makes each line the mean of those around it, for one radius after the other: each
    /// takes as many lines away on both sides.
    fn average(&mut self, len: usize, radii: [usize; 3]) -> &[u8] {
        let mut sums = [0u32; STRIP];
        for radius in radii {
            let scale = ((1 << 24) as f64 / (2 * radius + 1) as f64).round() as u32;
            let lead = 2 * radius * len;
            sums.fill(0);
            for line in self.from.get(..lead).unwrap_or_default().chunks_exact(len) {
                sums.iter_mut().zip(line).for_each(|(sum, &v)| *sum += u32::from(v));
            }
            self.to.clear();
            let come = self.from.get(lead..).unwrap_or_default().chunks_exact(len);
            for (come, gone) in come.zip(self.from.chunks_exact(len)) {
                sums.iter_mut().zip(come).for_each(|(sum, &v)| *sum += u32::from(v));
                let means = sums.iter().map(|sum| ((sum * scale + (1 << 23)) >> 24) as u8);
                self.to.extend(means.take(len));
                sums.iter_mut().zip(gone).for_each(|(sum, &v)| *sum -= u32::from(v));
            }
            std::mem::swap(&mut self.from, &mut self.to);
        }
        &self.from
    }
}

/// A row with `radius` more of its first and of its last pixel.
fn widen(wide: &mut Vec<u8>, row: &[u8], radius: usize, channels: usize) {
    let first = row.get(..channels).unwrap_or_default();
    let last = row.get(row.len() - channels..).unwrap_or_default();
    wide.clear();
    (0..radius).for_each(|_| wide.extend_from_slice(first));
    wide.extend_from_slice(row);
    (0..radius).for_each(|_| wide.extend_from_slice(last));
}

fn copy(data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut copy = with_room(data.len())?;
    copy.extend_from_slice(data);
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::raster::Layout;
    use crate::image::size::Size;

    fn blurred(width: u32, layout: Layout, data: &[u8], sigma: u16) -> Vec<u8> {
        let height = (data.len() / layout.channels()) as u32 / width;
        let mut raster =
            Raster::from_data(Size::new(width, height), layout, data.to_vec()).unwrap();
        blur(&mut raster, sigma, &Control::default()).unwrap();
        raster.data().to_vec()
    }

    /// The two-dimensional Gaussian, in floating point.
    fn reference(width: usize, data: &[u8], sigma: f64) -> Vec<f64> {
        let height = data.len() / width;
        let reach = (4.0 * sigma).ceil() as isize;
        let weight = |d: isize| (-((d * d) as f64) / (2.0 * sigma * sigma)).exp();
        let clamp = |n: usize, d: isize, end: usize| n.saturating_add_signed(d).min(end - 1);
        (0..data.len())
            .map(|i| {
                let (x, y) = (i % width, i / width);
                let (mut sum, mut total) = (0.0, 0.0);
                for dy in -reach..=reach {
                    for dx in -reach..=reach {
                        let value = data[clamp(y, dy, height) * width + clamp(x, dx, width)];
                        let weight = weight(dx) * weight(dy);
                        sum += weight * f64::from(value);
                        total += weight;
                    }
                }
                sum / total
            })
            .collect()
    }

    #[test]
    fn near_the_true_gaussian() {
        let data: Vec<u8> = (0..60u32 * 50)
            .map(|i| if (i % 60 / 11 + i / 60 / 9) % 2 == 0 { 230 } else { (i % 97) as u8 })
            .collect();
        for (sigma, tolerance) in [(30, 1.6), (100, 1.6), (250, 1.6), (1000, 1.6), (1200, 5.0)] {
            let ours = blurred(60, Layout::L8, &data, sigma);
            let theirs = reference(60, &data, f64::from(sigma) / 100.0);
            let worst = ours
                .iter()
                .zip(&theirs)
                .map(|(a, b)| (f64::from(*a) - b).abs())
                .fold(0.0, f64::max);
            assert!(worst < tolerance, "{sigma}: {worst}");
        }
    }

    #[test]
    fn channels_do_not_mix_and_flat_stays_flat() {
        for sigma in [40, 300, 2000, 25_000] {
            for layout in [Layout::L8, Layout::La8, Layout::Rgb8, Layout::Rgba8] {
                let color: Vec<u8> = [90, 255, 30, 255][..layout.channels()].to_vec();
                let data = color.repeat(7 * 5);
                assert_eq!(blurred(7, layout, &data, sigma), data, "{sigma} {layout:?}");
            }
            assert_eq!(blurred(1, Layout::Rgb8, &[1, 2, 255], sigma), [1, 2, 255]);
        }
    }

    #[test]
    fn transparent_colour_does_not_bleed() {
        let data: Vec<u8> = (0..64)
            .flat_map(|x| if x % 8 < 4 { [0, 200, 0, 255] } else { [255, 0, 0, 0] })
            .collect();
        for sigma in [150, 1200] {
            for pixel in blurred(8, Layout::Rgba8, &data, sigma).as_chunks::<4>().0 {
                assert!(pixel[0] == 0 && pixel[2] == 0, "{pixel:?}");
                assert!(pixel[3] < 32 || pixel[1].abs_diff(200) < 10, "{pixel:?}");
            }
        }
    }

    #[test]
    fn three_boxes_have_the_variance() {
        for sigma in [10.01, 11.0, 12.3, 37.0, 100.0, 250.0] {
            let variance: f64 =
                radii(sigma).iter().map(|&r| ((2 * r + 1).pow(2) - 1) as f64 / 12.0).sum();
            assert!((variance.sqrt() / sigma - 1.0).abs() < 0.02, "{sigma}: {}", variance.sqrt());
        }
    }
}
