//! From coefficients to samples, by an inverse DCT at another scale (ITU-T T.81,
//! section A.3.3).
//!
//! Its cosines are sampled more coarsely than 8 times a block, or more finely where the
//! component is stretched, and stop at the frequencies that are kept.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::super::super::super::raster::{with_room, zeroed};
use super::Stop;
use super::frame::{Component, Frame, MOST_KEPT};

/// Blocks that are transformed at once.
pub(super) const LANES: usize = 4;

/// Samples of a block at most, one way: at 5 eighths, of a component with a fourth of them.
const MOST: usize = 20;

/// A number of each of these blocks.
type Lanes = [f32; LANES];

/// The samples of a component.
#[derive(Debug)]
pub(super) struct Samples<'a> {
    component: &'a Component,
    /// Of every coefficient that is kept, row by row.
    quantizers: Vec<f32>,
    across: Cosines,
    down: Cosines,
    /// Which row of blocks it is whose samples are there.
    row: Option<usize>,
    /// For every row of samples and every column of coefficients, the blocks of it, between
    /// the two passes.
    half: Vec<Lanes>,
    samples: Vec<u8>,
}

impl<'a> Samples<'a> {
    pub(super) fn new(component: &'a Component, frame: &Frame) -> Result<Samples<'a>, Stop> {
        let &Component { kept, stride, .. } = component;
        let across = Cosines::new(kept.0, frame.eighths * component.across);
        let down = Cosines::new(kept.1, frame.eighths * component.down);
        let mut quantizers = vec![0.0; kept.0 * kept.1];
        for (at, &quantizer) in component.quantizers.iter().flatten().enumerate() {
            let place = component.offset(at).map(|offset| offset / stride);
            if let Some(place) = place.and_then(|place| quantizers.get_mut(place)) {
                *place = f32::from(quantizer);
            }
        }
        let len = down.samples * kept.0 * (stride / LANES);
        let mut half = with_room(len)?;
        half.resize(len, Lanes::default());
        let samples = zeroed(down.samples * across.samples * stride)?;
        Ok(Samples { component, quantizers, across, down, row: None, half, samples })
    }

    /// The samples of that row of the image, at least.
    pub(super) fn row(&mut self, y: usize) -> &mut [u8] {
        let (blocks, phase) = (y / self.down.samples, y % self.down.samples);
        if self.row != Some(blocks) {
            self.transform(blocks);
            self.row = Some(blocks);
        }
        let len = self.across.samples * self.component.stride;
        self.samples.get_mut(phase * len..(phase + 1) * len).unwrap_or_default()
    }

    fn transform(&mut self, row: usize) {
        match (self.down.kept, self.down.samples) {
            (2, 2) => self.columns::<2, 2>(row),
            (3, 3) => self.columns::<3, 3>(row),
            (4, 4) => self.columns::<4, 4>(row),
            (4, 6) => self.columns::<4, 6>(row),
            (4, 8) => self.columns::<4, 8>(row),
            (4, 9) => self.columns::<4, 9>(row),
            (4, 12) => self.columns::<4, 12>(row),
            (4, 16) => self.columns::<4, 16>(row),
            (5, 5) => self.columns::<5, 5>(row),
            (5, 10) => self.columns::<5, 10>(row),
            (5, 15) => self.columns::<5, 15>(row),
            _ => self.columns::<5, MOST>(row),
        }
        match (self.across.kept, self.across.samples) {
            (2, 2) => self.rows::<2, 2>(),
            (3, 3) => self.rows::<3, 3>(),
            (4, 4) => self.rows::<4, 4>(),
            (4, 6) => self.rows::<4, 6>(),
            (4, 8) => self.rows::<4, 8>(),
            (4, 9) => self.rows::<4, 9>(),
            (4, 12) => self.rows::<4, 12>(),
            (4, 16) => self.rows::<4, 16>(),
            (5, 5) => self.rows::<5, 5>(),
            (5, 10) => self.rows::<5, 10>(),
            (5, 15) => self.rows::<5, 15>(),
            _ => self.rows::<5, MOST>(),
        }
    }

    /// Transforms the columns of a row of blocks, from K coefficients to M samples.
    fn columns<const K: usize, const M: usize>(&mut self, row: usize) {
        let &Component { kept: (columns, _), stride, .. } = self.component;
        let weights = self.down.weights::<K, M>();
        let len = self.component.row_len();
        let blocks = self.component.coefficients.get(row * len..).unwrap_or_default();
        let groups = stride / LANES;
        for column in 0..columns {
            let plane = |v: usize| {
                let plane = blocks.get((v * columns + column) * stride..).unwrap_or_default();
                plane.get(..stride).unwrap_or_default().as_chunks::<LANES>().0
            };
            let planes: [&[[i16; LANES]]; K] = std::array::from_fn(plane);
            let factors: [f32; K] = std::array::from_fn(|v| {
                self.quantizers.get(v * columns + column).copied().unwrap_or_default()
            });
            for group in 0..groups {
                let mut coefficients = [Lanes::default(); K];
                for v in 0..K {
                    let Some(stored) = planes[v].get(group) else { break };
                    for lane in 0..LANES {
                        coefficients[v][lane] = f32::from(stored[lane]) * factors[v];
                    }
                }
                let samples = inverse(&coefficients, &weights);
                let half = self.half.get_mut(column * groups + group..).unwrap_or_default();
                let rows = half.iter_mut().step_by(columns * groups);
                for (half, samples) in rows.zip(samples) {
                    *half = samples;
                }
            }
        }
    }

    /// Transforms the rows of all of that.
    fn rows<const K: usize, const M: usize>(&mut self) {
        let weights = self.across.weights::<K, M>();
        let groups = self.component.stride / LANES;
        let rows = self.samples.chunks_exact_mut(self.component.stride * M);
        for (row, half) in rows.zip(self.half.chunks_exact(groups * K)) {
            let planes: [&[Lanes]; K] =
                std::array::from_fn(|u| half.get(u * groups..(u + 1) * groups).unwrap_or_default());
            let (blocks, _) = row.as_chunks_mut::<M>();
            for (group, blocks) in blocks.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let mut coefficients = [Lanes::default(); K];
                for u in 0..K {
                    let Some(half) = planes[u].get(group) else { break };
                    coefficients[u] = *half;
                }
                let samples = inverse(&coefficients, &weights);
                for lane in 0..LANES {
                    for x in 0..M {
                        blocks[lane][x] = rounded(samples[x][lane]);
                    }
                }
            }
        }
    }
}

/// One pass. What is even in frequency is the same at both ends of a block, what is odd
/// the opposite.
#[inline(always)]
fn inverse<const K: usize, const M: usize>(
    coefficients: &[Lanes; K],
    weights: &[[f32; K]; M],
) -> [Lanes; M] {
    let mut samples = [Lanes::default(); M];
    for x in 0..M.div_ceil(2) {
        let (mut even, mut odd) = (Lanes::default(), Lanes::default());
        for frequency in 0..K {
            let sum = if frequency % 2 == 0 { &mut even } else { &mut odd };
            for lane in 0..LANES {
                sum[lane] += coefficients[frequency][lane] * weights[x][frequency];
            }
        }
        for lane in 0..LANES {
            samples[x][lane] = even[lane] + odd[lane];
            samples[M - 1 - x][lane] = even[lane] - odd[lane];
        }
    }
    samples
}

/// The sample, which is stored around 0, from the lowest bits of a number so large that it
/// has no fraction.
#[inline(always)]
fn rounded(sample: f32) -> u8 {
    const WHOLE: f32 = (1 << 23) as f32;
    let shifted = sample + 128.0;
    let above = if shifted > 0.0 { shifted } else { 0.0 };
    let within = if above < 255.0 { above } else { 255.0 };
    (within + WHOLE).to_bits() as u8
}

/// What each coefficient counts for each sample, in one direction.
#[derive(Debug)]
struct Cosines {
    kept: usize,
    samples: usize,
    weights: [[f32; MOST_KEPT]; MOST],
}

impl Cosines {
    fn new(kept: usize, samples: usize) -> Cosines {
        let weight = |x: usize, frequency: usize| {
            let norm = if frequency == 0 { FRAC_1_SQRT_2 } else { 1.0 };
            let angle = ((2 * x + 1) * frequency) as f64 * PI / (2 * samples) as f64;
            (norm * angle.cos() / 2.0) as f32
        };
        let weights = std::array::from_fn(|x| std::array::from_fn(|at| weight(x, at)));
        Cosines { kept, samples, weights }
    }

    fn weights<const K: usize, const M: usize>(&self) -> [[f32; K]; M] {
        std::array::from_fn(|x| std::array::from_fn(|frequency| self.weights[x][frequency]))
    }
}
