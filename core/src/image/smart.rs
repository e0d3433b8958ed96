//! Finding the part of an image that there is most to look at in.

use super::raster::{Layout, Raster, with_room};
use super::size::{Rect, Size};
use super::{Control, Error};

/// The longest side of the small version that is looked at.
const SIDE: u32 = 128;

/// Levels of red, green and blue that are told apart where colours are counted, and the kinds that this makes.
const LEVELS: usize = 8;
const KINDS: usize = LEVELS * LEVELS * LEVELS;

/// Samples of the raster across and down that make a pixel of the small version.
const SAMPLES: u32 = 4;

/// Where the window of that size lies best in an image of `scaled` pixels that `raster`
/// shows; its edges may cover a part of their last pixels only, see `extent`.
pub(super) fn place(
    raster: &Raster,
    extent: (f64, f64),
    scaled: Size,
    kept: Size,
    control: &Control,
) -> Result<Rect, Error> {
    control.check()?;
    let small = Small::new(raster, extent)?;
    let scores = small.scores()?;
    control.check()?;
    let width = small.size.width as usize;
    let columns =
        (0..width).map(|x| scores.iter().skip(x).step_by(width).sum()).collect::<Vec<f32>>();
    let rows = scores.chunks_exact(width).map(|row| row.iter().sum()).collect::<Vec<f32>>();
    Ok(Rect {
        x: best(&columns, scaled.width, kept.width),
        y: best(&rows, scaled.height, kept.height),
        size: kept,
    })
}

/// Where `kept` of `whole` pixels begin so that they hold most of the profile, what is in
/// their middle counting most. Of equals it is the one nearest to the middle.
fn best(profile: &[f32], whole: u32, kept: u32) -> u32 {
    let room = whole.saturating_sub(kept);
    let per_pixel = f64::from(whole) / profile.len() as f64;
    let half = f64::from(kept) / 2.0;
    let score = |start: u32| -> f64 {
        let middle = f64::from(start) + half;
        profile
            .iter()
            .enumerate()
            .map(|(i, &value)| {
                let off = ((i as f64 + 0.5) * per_pixel - middle).abs() / half;
                if off >= 1.0 { 0.0 } else { f64::from(value) * (1.0 - 0.6 * off * off) }
            })
            .sum()
    };
    let steps = room.min(SIDE);
    let starts =
        (0..=steps).map(|i| (u64::from(room) * u64::from(i) / u64::from(steps.max(1))) as u32);
    let mut starts: Vec<u32> = starts.collect();
    starts.sort_by_key(|&start| (i64::from(start) * 2 - i64::from(room)).abs());
    starts.insert(0, room / 2);
    let mut found = (room / 2, f64::MIN);
    for start in starts {
        let score = score(start);
        // So that noise does not move what is flat.
        if score > found.1 * if found.1 > 0.0 { 1.02 } else { 1.0 } {
            found = (start, score);
        }
    }
    if found.1 > 0.0 { found.0 } else { room / 2 }
}

/// A small version: red, green, blue and opacity, each from 0 to 1.
struct Small {
    size: Size,
    pixels: Vec<[f32; 4]>,
}

impl Small {
    fn new(raster: &Raster, extent: (f64, f64)) -> Result<Small, Error> {
        let scale = (f64::from(SIDE) / extent.0.max(extent.1)).min(1.0);
        let side = |extent: f64| ((extent * scale).round() as u32).clamp(1, SIDE);
        let size = Size::new(side(extent.0), side(extent.1));
        let (channels, layout) = (raster.layout().channels(), raster.layout());
        let at = |small: u32, i: u32, of: u32, extent: f64, end: u32| {
            let part = f64::from(small * SAMPLES + i) + 0.5;
            let at = part * extent / f64::from(of * SAMPLES);
            (at as u32).min(end - 1) as usize
        };
        let Size { width, height } = raster.size();
        let mut pixels = with_room(size.pixels() as usize)?;
        for y in 0..size.height {
            for x in 0..size.width {
                let mut sum = [0.0; 4];
                for j in 0..SAMPLES {
                    let row = at(y, j, size.height, extent.1, height) * raster.stride();
                    for i in 0..SAMPLES {
                        let start = row + at(x, i, size.width, extent.0, width) * channels;
                        let pixel = raster.data().get(start..start + channels);
                        let color = color(layout, pixel.unwrap_or_default());
                        sum.iter_mut().zip(color).for_each(|(sum, v)| *sum += v);
                    }
                }
                pixels.push(sum.map(|sum| sum / (SAMPLES * SAMPLES) as f32));
            }
        }
        Ok(Small { size, pixels })
    }

    /// How much each pixel draws the eye.
    fn scores(&self) -> Result<Vec<f32>, Error> {
        let count = self.pixels.len() as f32;
        let mut mean = [0.0f32; 3];
        for pixel in &self.pixels {
            mean.iter_mut().zip(pixel).for_each(|(mean, v)| *mean += v / count);
        }
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let rarity = self.rarity();
        let tones: Vec<f32> = self.pixels.iter().map(luminance).collect();
        let mut scores = with_room(self.pixels.len())?;
        for y in 0..height {
            for x in 0..width {
                let tone = |x: usize, y: usize| tones.get(y * width + x).copied().unwrap_or(0.0);
                let across = tone((x + 1).min(width - 1), y) - tone(x.saturating_sub(1), y);
                let down = tone(x, (y + 1).min(height - 1)) - tone(x, y.saturating_sub(1));
                let edge = across.hypot(down);
                let pixel = self.pixels.get(y * width + x).copied().unwrap_or_default();
                let distance = pixel.iter().zip(mean).map(|(v, m)| (v - m) * (v - m)).sum::<f32>();
                let score = 1.5 * edge.min(0.5)
                    + 1.0 * distance.sqrt()
                    + 0.35 * skin(pixel)
                    + 0.2 * saturation(pixel);
                let rare = rarity.get(kind_of(&pixel)).copied().unwrap_or(0.0);
                let score = score * rare;
                scores.push(score * score * pixel[3]);
            }
        }
        self.stand_out(&scores)
    }

    /// How seldom the colours of each kind are, by the information that it is to see one: what a subject is in, much of
    /// the picture has.
    fn rarity(&self) -> [f32; KINDS] {
        let mut counts = [0u32; KINDS];
        for pixel in &self.pixels {
            if let Some(count) = counts.get_mut(kind_of(pixel)) {
                *count += 1;
            }
        }
        let all = self.pixels.len() as f32;
        counts.map(|count| (all / count.max(1) as f32).log2())
    }

    /// Takes from each score what its surroundings have as well: bark is as full of edges as
    /// the bird on it, but there is one bird.
    fn stand_out(&self, scores: &[f32]) -> Result<Vec<f32>, Error> {
        const AROUND: usize = SIDE as usize / 6;
        const COMMON: f64 = 1.2;

        let (width, height) = (self.size.width as usize, self.size.height as usize);
        // Sums of all that is above and left, with a row and a column of zeros before.
        let mut sums = with_room((width + 1) * (height + 1))?;
        sums.resize((width + 1) * (height + 1), 0.0f64);
        for y in 0..height {
            let mut row = 0.0;
            for x in 0..width {
                row += f64::from(scores[y * width + x]);
                sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
            }
        }
        let mut out = with_room(scores.len())?;
        for y in 0..height {
            let (top, bottom) = (y.saturating_sub(AROUND), (y + AROUND + 1).min(height));
            for x in 0..width {
                let (left, right) = (x.saturating_sub(AROUND), (x + AROUND + 1).min(width));
                let at = |x: usize, y: usize| sums[y * (width + 1) + x];
                let sum = at(right, bottom) - at(left, bottom) - at(right, top) + at(left, top);
                let mean = sum / ((right - left) * (bottom - top)) as f64;
                out.push((f64::from(scores[y * width + x]) - COMMON * mean).max(0.0) as f32);
            }
        }
        Ok(out)
    }
}

fn color(layout: Layout, pixel: &[u8]) -> [f32; 4] {
    let part = |v: u8| f32::from(v) / 255.0;
    match (layout, pixel) {
        (Layout::Cmyk8, &[c, m, y, k]) => {
            let light = part(255 - k);
            [light * part(255 - c), light * part(255 - m), light * part(255 - y), 1.0]
        }
        (_, &[grey]) => [part(grey), part(grey), part(grey), 1.0],
        (_, &[grey, a]) => [part(grey), part(grey), part(grey), part(a)],
        (_, &[r, g, b]) => [part(r), part(g), part(b), 1.0],
        (_, &[r, g, b, a]) => [part(r), part(g), part(b), part(a)],
        _ => [0.0; 4],
    }
}

/// Which of the [`KINDS`] a colour is of.
fn kind_of([r, g, b, _]: &[f32; 4]) -> usize {
    let level = |v: &f32| (v * LEVELS as f32) as usize;
    [r, g, b].into_iter().fold(0, |kind, v| kind * LEVELS + level(v).min(LEVELS - 1))
}

fn luminance([r, g, b, _]: &[f32; 4]) -> f32 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// How far a colour is from grey, but for what is nearly black or white.
fn saturation(pixel @ [r, g, b, _]: [f32; 4]) -> f32 {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    if most < 0.2 || luminance(&pixel) > 0.95 { 0.0 } else { (most - least) / most }
}

/// How near a colour is to that of skin, which is of one hue whatever its darkness.
fn skin(pixel @ [r, g, b, _]: [f32; 4]) -> f32 {
    const SKIN: [f32; 3] = [0.79, 0.50, 0.36];
    let length = (r * r + g * g + b * b).sqrt();
    if !(0.2..0.9).contains(&luminance(&pixel)) || length <= 0.0 {
        return 0.0;
    }
    let off: f32 = [r, g, b].iter().zip(SKIN).map(|(v, s)| (v / length - s).powi(2)).sum();
    (1.0 - off.sqrt() / 0.15).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(
        size: (u32, u32),
        kept: (u32, u32),
        pixel: impl Fn(u32, u32) -> [u8; 3],
    ) -> (u32, u32) {
        let data: Vec<u8> = (0..size.1)
            .flat_map(|y| (0..size.0).map(move |x| (x, y)))
            .flat_map(|(x, y)| pixel(x, y))
            .collect();
        let raster = Raster::from_data(Size::new(size.0, size.1), Layout::Rgb8, data).unwrap();
        let extent = (f64::from(size.0), f64::from(size.1));
        let scaled = raster.size();
        let window =
            place(&raster, extent, scaled, Size::new(kept.0, kept.1), &Control::default()).unwrap();
        (window.x, window.y)
    }

    #[test]
    fn a_disc_is_found_wherever_it_is() {
        for (cx, cy) in [(60, 60), (250, 100), (540, 300), (300, 200)] {
            let (x, _) = found((600, 400), (200, 400), |x, y| {
                if x.abs_diff(cx).pow(2) + y.abs_diff(cy).pow(2) < 1600 {
                    [210, 40, 30]
                } else {
                    [120, 130, 140]
                }
            });
            assert!(x + 20 <= cx.max(20) && cx <= x + 180 || x == 0 || x == 400, "{cx}: {x}");
            assert!(x < cx && cx < x + 200, "{cx}: {x}");
        }
    }

    #[test]
    fn nothing_to_see_is_the_middle() {
        assert_eq!(found((600, 400), (200, 400), |_, _| [90, 90, 90]), (200, 0));
        assert_eq!(found((7, 400), (7, 101), |_, _| [0, 0, 0]), (0, 149));
        assert_eq!(found((1, 1), (1, 1), |_, _| [1, 2, 3]), (0, 0));
    }

    #[test]
    fn a_bird_counts_more_than_the_bark_it_sits_on() {
        let (x, _) = found((600, 340), (170, 340), |x, y| {
            let grain = (((x / 5 * 0x9e37 + y / 17 * 0x85eb) ^ ((x * 31) >> 3)) & 255) as u8;
            match (x, y) {
                _ if x.abs_diff(285) * 2 + y.abs_diff(190) * 3 < 70 => {
                    if (x + y) % 14 < 9 {
                        [190, 100, 50]
                    } else {
                        [60, 80, 110]
                    }
                }
                (0..250, _) => [30 + (u16::from(grain) * 2 / 3) as u8; 3],
                _ => [225, 228, 232],
            }
        });
        // It is as wide as from 250 to 320.
        assert!((142..=255).contains(&x), "{x}");
    }

    #[test]
    fn skin_counts_more_than_bricks() {
        let (x, _) = found((600, 200), (200, 200), |x, y| {
            if x > 450 && x.abs_diff(500).pow(2) + y.abs_diff(100).pow(2) < 2500 {
                [224, 172, 138]
            } else if x < 200 && (x / 20 + y / 20) % 2 == 0 {
                [128, 128, 128]
            } else {
                [110, 110, 112]
            }
        });
        assert!(x >= 350, "{x}");
    }
}
