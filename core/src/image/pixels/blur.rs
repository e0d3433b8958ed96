//! Gaussian blur: small ones by the true kernel, larger ones of a smaller picture, which is enlarged again.

use image_gate_codecs::cpu::{self, Kernel};

use super::resize::{divide_alpha, multiply_alpha};
use crate::image::raster::{Raster, with_room};
use crate::image::{Control, Error};

/// What is left of a standard deviation at least where a picture is made smaller: so wide a curve is near to a line
/// between two of its pixels.
const LEAST: f64 = 2.4;

/// Bits behind the point of what a smaller picture is made of.
const FRACTION: u32 = 8;

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
    let times = times(pixels);
    if times == 1 {
        let (stride, channels) = (raster.stride(), raster.layout().channels());
        weigh(raster.data_mut(), stride, channels, &weights(pixels), control)?;
    } else {
        let mut small = Small::new(raster, times, control)?;
        let weights = weights(left(pixels, times));
        weigh(&mut small.data, small.stride, small.channels, &weights, control)?;
        small.enlarge(raster, control)?;
    }
    if premultiply {
        divide_alpha(raster, control)?;
    }
    Ok(())
}

/// How many times smaller a picture is made on each side.
fn times(sigma: f64) -> usize {
    // Where `left` is no less.
    let times = ((sigma * sigma + 0.25) / (LEAST * LEAST + 0.25)).sqrt();
    (times.floor() as usize).max(1)
}

/// The standard deviation that is left to a smaller picture, in its pixels.
fn left(sigma: f64, times: usize) -> f64 {
    let times = times as f64;
    // A box of a width w has the variance (w * w - 1) / 12, a line between two pixels that of two such.
    (sigma * sigma - (times * times - 1.0) / 4.0).max(0.0).sqrt() / times
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

/// What pictures are made of while they are blurred.
trait Sample: Copy + Default + Into<u32> {
    fn new(value: u32) -> Self;
}

impl Sample for u8 {
    #[inline(always)]
    fn new(value: u32) -> u8 {
        value as u8
    }
}

impl Sample for u16 {
    #[inline(always)]
    fn new(value: u32) -> u16 {
        value as u16
    }
}

/// Weighs what is around each sample, of rows that are that long, by these weights across and down.
fn weigh<T: Sample>(
    data: &mut [T],
    stride: usize,
    channels: usize,
    weights: &[u32],
    control: &Control,
) -> Result<(), Error> {
    let mut sums = with_room::<u32>(stride)?;
    sums.resize(stride, 0);

    let mut copy = with_room(data.len())?;
    copy.extend_from_slice(data);
    let last = (copy.len() / stride).saturating_sub(1);
    let line = |y: usize| copy.get(y.min(last) * stride..).and_then(|rows| rows.get(..stride));
    for (y, row) in data.chunks_exact_mut(stride).enumerate() {
        control.check()?;
        sums.fill(1 << 15);
        for (k, &weight) in weights.iter().enumerate() {
            let (above, below) = (line(y.saturating_sub(k)), line(y + k));
            add(&mut sums, above, below, weight, k);
        }
        finish(row, &sums);
    }
    drop(copy);

    let radius = weights.len() - 1;
    let mut wide = with_room(stride + 2 * radius * channels)?;
    for row in data.chunks_exact_mut(stride) {
        control.check()?;
        widen(&mut wide, row, radius, channels);
        sums.fill(1 << 15);
        for (k, &weight) in weights.iter().enumerate() {
            let side = |start: usize| wide.get(start..start + stride);
            let (left, right) = (side((radius - k) * channels), side((radius + k) * channels));
            add(&mut sums, left, right, weight, k);
        }
        finish(row, &sums);
    }
    Ok(())
}

/// Adds two lines at the distance `k`; at the distance 0 they are one.
fn add<T: Sample>(sums: &mut [u32], a: Option<&[T]>, b: Option<&[T]>, weight: u32, k: usize) {
    let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
    cpu::run(Added { sums, a, b: if k == 0 { None } else { Some(b) }, weight });
}

struct Added<'a, T> {
    sums: &'a mut [u32],
    a: &'a [T],
    b: Option<&'a [T]>,
    weight: u32,
}

impl<T: Sample> Kernel for Added<'_, T> {
    type Made = ();

    #[inline(always)]
    fn run(self) {
        let Added { sums, a, b, weight } = self;
        match b {
            None => sums.iter_mut().zip(a).for_each(|(sum, &a)| *sum += weight * a.into()),
            Some(b) => {
                for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
                    *sum += weight * (a.into() + b.into());
                }
            }
        }
    }
}

fn finish<T: Sample>(row: &mut [T], sums: &[u32]) {
    row.iter_mut().zip(sums).for_each(|(to, sum)| *to = T::new(sum >> 16));
}

/// A row with `radius` more of its first and of its last pixel.
fn widen<T: Copy>(wide: &mut Vec<T>, row: &[T], radius: usize, channels: usize) {
    let first = row.get(..channels).unwrap_or_default();
    let last = row.get(row.len() - channels..).unwrap_or_default();
    wide.clear();
    (0..radius).for_each(|_| wide.extend_from_slice(first));
    wide.extend_from_slice(row);
    (0..radius).for_each(|_| wide.extend_from_slice(last));
}

/// A picture whose pixels are the means of so many times so many of another, with one more around it: what is there
/// beyond its edges.
struct Small {
    times: usize,
    channels: usize,
    stride: usize,
    /// With a [`FRACTION`].
    data: Vec<u16>,
}

impl Small {
    fn new(raster: &Raster, times: usize, control: &Control) -> Result<Small, Error> {
        let channels = raster.layout().channels();
        let (width, height) = (raster.size().width as usize, raster.size().height as usize);
        let stride = (width.div_ceil(times) + 2) * channels;
        let mut data = with_room(stride * (height.div_ceil(times) + 2))?;
        let mut sums = with_room::<u32>(raster.stride())?;
        sums.resize(raster.stride(), 0);
        let scale = f64::from(1 << FRACTION) / (times * times) as f64;
        let rows = || raster.rows();
        let before = rows().take(1).cycle().take(times);
        let behind = rows().skip(height - 1).cycle();
        let behind = behind.take(times * (height.div_ceil(times) + 1) - height);
        for (number, row) in (1..).zip(before.chain(rows()).chain(behind)) {
            control.check()?;
            cpu::run(Added { sums: &mut sums, a: row, b: None, weight: 1 });
            if number % times == 0 {
                means(&mut data, &sums, times, channels, scale as f32);
                sums.fill(0);
            }
        }
        Ok(Small { times, channels, stride, data })
    }

    /// Makes all pixels of the picture that this one was made of, by lines between those that there are.
    fn enlarge(&self, raster: &mut Raster, control: &Control) -> Result<(), Error> {
        let Small { times, channels, stride, ref data } = *self;
        let width = raster.size().width as usize;
        let mut places = with_room(width)?;
        places.extend((0..width).map(|x| place(x, times)));
        let small = |row: usize| data.get(row * stride..).and_then(|rows| rows.get(..stride));
        let fill = |line: &mut [u16], row: usize| {
            let row = small(row).unwrap_or_default();
            let pixels = line.chunks_exact_mut(channels).zip(&places);
            for (to, &(at, part)) in pixels {
                let from = row.get(at * channels..).unwrap_or_default();
                let next = from.get(channels..).unwrap_or_default();
                for ((to, &a), &b) in to.iter_mut().zip(from).zip(next) {
                    let (a, b) = (u32::from(a), u32::from(b));
                    *to = ((a * (WHOLE - part) + b * part + WHOLE / 2) / WHOLE) as u16;
                }
            }
        };
        let mut lines = [with_room(raster.stride())?, with_room(raster.stride())?];
        lines.iter_mut().for_each(|line| line.resize(raster.stride(), 0));
        let [mut above, mut below] = lines;
        let mut there = None;
        for (y, row) in raster.rows_mut().enumerate() {
            control.check()?;
            let (at, part) = place(y, times);
            if there != Some(at) {
                if there.is_some_and(|there| there + 1 == at) {
                    std::mem::swap(&mut above, &mut below);
                } else {
                    fill(&mut above, at);
                }
                fill(&mut below, at + 1);
                there = Some(at);
            }
            cpu::run(Between { row, above: &above, below: &below, part });
        }
        Ok(())
    }
}

/// What a place between two pixels is counted in.
const WHOLE: u32 = 256;

/// Which pixel of a smaller picture is before one of a larger, and how far that is behind it.
fn place(at: usize, times: usize) -> (usize, u32) {
    // Of halves of the larger picture's pixels, whose middle is an odd one.
    let halves = 2 * at + 1 + times;
    (halves / (2 * times), (halves % (2 * times) * WHOLE as usize / (2 * times)) as u32)
}

/// Adds a row of means, of sums of as many rows.
fn means(data: &mut Vec<u16>, sums: &[u32], times: usize, channels: usize, scale: f32) {
    let mean = |sum: u32| (sum as f32 * scale + 0.5) as u16;
    let first = sums.get(..channels).unwrap_or_default();
    let last = sums.get(sums.len() - channels..).unwrap_or_default();
    data.extend(first.iter().map(|sum| mean(sum * times as u32)));
    for pixels in sums.chunks(times * channels) {
        let missing = (times - pixels.len() / channels) as u32;
        for (channel, last) in last.iter().enumerate() {
            let sum: u32 = pixels.iter().skip(channel).step_by(channels).sum();
            data.push(mean(sum + last * missing));
        }
    }
    data.extend(last.iter().map(|sum| mean(sum * times as u32)));
}

/// A row between two others.
struct Between<'a> {
    row: &'a mut [u8],
    above: &'a [u16],
    below: &'a [u16],
    part: u32,
}

impl Kernel for Between<'_> {
    type Made = ();

    #[inline(always)]
    fn run(self) {
        let Between { row, above, below, part } = self;
        let half = WHOLE << FRACTION >> 1;
        for ((to, &a), &b) in row.iter_mut().zip(above).zip(below) {
            let sum = u32::from(a) * (WHOLE - part) + u32::from(b) * part;
            *to = ((sum + half) / (WHOLE << FRACTION)) as u8;
        }
    }
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
        for (sigma, tolerance) in
            [(30, 1.6), (100, 1.6), (250, 1.6), (400, 1.6), (600, 1.6), (1000, 1.6), (1200, 1.6)]
        {
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
    fn a_smaller_picture_leaves_something_to_blur() {
        assert_eq!([0.3, 4.8, 4.9, 6.0, 10.0].map(times), [1, 1, 2, 2, 4]);
        for sigma in (490..60_000).step_by(37).map(|sigma| f64::from(sigma) / 100.0) {
            let left = left(sigma, times(sigma));
            assert!((LEAST..LEAST * 1.6).contains(&left), "{sigma}: {left}");
        }
    }
}
