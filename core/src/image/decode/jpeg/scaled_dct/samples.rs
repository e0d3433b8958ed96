//! From coefficients to samples, by an inverse DCT at another scale (ITU-T T.81,
//! section A.3.3).
//!
//! Its cosines are sampled more coarsely than 8 times a block, or more finely where the
//! component is stretched, and stop at the frequencies that are kept.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use image_gate_codecs::cpu::{self, Kernel};

use super::frame::{Component, Frame, MOST_KEPT};
use super::stop::Stop;
use crate::image::raster::{with_room, zeroed};

/// Samples of a block at most, one way: at 5 eighths, of a component with a fourth of them.
const MOST: usize = 20;

/// Room for the samples of a block, as whole registers: what is too much is of the next one.
const ROOM: usize = 24;

/// The samples of a component.
#[derive(Debug)]
pub(super) struct Samples {
    /// Of every coefficient that is kept, row by row.
    quantizers: Vec<f32>,
    across: Cosines,
    down: Cosines,
    /// Which row of blocks it is that is half transformed.
    row: Option<usize>,
    /// A row of coefficients as they were before they were quantized.
    coefficients: Vec<f32>,
    /// The row of blocks between the two passes: for every row of its coefficients samples.
    half: Vec<f32>,
    samples: Vec<u8>,
}

impl Samples {
    pub(super) fn new(component: &Component, frame: &Frame) -> Result<Samples, Stop> {
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
        let coefficients = zeroes(kept.0 * stride)?;
        let half = zeroes(kept.1 * half_len(across.samples, stride))?;
        let samples = zeroed(across.samples * stride)?;
        Ok(Samples { quantizers, across, down, row: None, coefficients, half, samples })
    }

    /// The samples of that row of the image, at least.
    pub(super) fn row(&mut self, component: &Component, y: usize) -> &mut [u8] {
        let (row, phase) = (y / self.down.samples, y % self.down.samples);
        if self.row != Some(row) {
            self.transform(component.row(row), component.stride);
            self.row = Some(row);
        }
        let half = self.half.chunks_exact(half_len(self.across.samples, component.stride));
        let weights = self.down.weights.get(phase).unwrap_or(&[0.0; MOST_KEPT]);
        cpu::run(Down { samples: &mut self.samples, half, weights });
        &mut self.samples
    }

    fn transform(&mut self, blocks: &[i16], stride: usize) {
        match (self.across.kept, self.across.samples) {
            (2, 2) => self.across::<2, 2, 2>(blocks, stride),
            (3, 3) => self.across::<3, 3, 4>(blocks, stride),
            (4, 4) => self.across::<4, 4, 4>(blocks, stride),
            (4, 6) => self.across::<4, 6, 8>(blocks, stride),
            (4, 8) => self.across::<4, 8, 8>(blocks, stride),
            (4, 9) => self.across::<4, 9, 12>(blocks, stride),
            (4, 12) => self.across::<4, 12, 12>(blocks, stride),
            (4, 16) => self.across::<4, 16, 16>(blocks, stride),
            (5, 5) => self.across::<5, 5, 8>(blocks, stride),
            (5, 10) => self.across::<5, 10, 12>(blocks, stride),
            (5, 15) => self.across::<5, 15, 16>(blocks, stride),
            _ => self.across::<5, MOST, MOST>(blocks, stride),
        }
    }

    fn across<const K: usize, const M: usize, const R: usize>(
        &mut self,
        blocks: &[i16],
        stride: usize,
    ) {
        let Samples { quantizers, across, coefficients, half, .. } = self;
        let weights: [[f32; R]; K] =
            std::array::from_fn(|u| std::array::from_fn(|x| across.weights[x.min(MOST - 1)][u]));
        let rows = blocks.chunks_exact(K * stride).zip(quantizers.chunks_exact(K));
        let half = half.chunks_exact_mut(half_len(M, stride));
        for ((blocks, quantizers), half) in rows.zip(half) {
            cpu::run(Across::<K, M, R> {
                blocks,
                quantizers,
                coefficients,
                half,
                weights: &weights,
            });
        }
    }
}

/// Numbers of a row of blocks between the two passes.
fn half_len(samples: usize, stride: usize) -> usize {
    samples * stride + ROOM
}

fn zeroes(len: usize) -> Result<Vec<f32>, Stop> {
    let mut zeroes = with_room(len)?;
    zeroes.resize(len, 0.0);
    Ok(zeroes)
}

/// Transforms a row of coefficients, from K to M samples a block, with R at a time.
struct Across<'a, const K: usize, const M: usize, const R: usize> {
    /// For each of them, those of all blocks.
    blocks: &'a [i16],
    quantizers: &'a [f32],
    coefficients: &'a mut [f32],
    half: &'a mut [f32],
    weights: &'a [[f32; R]; K],
}

impl<const K: usize, const M: usize, const R: usize> Kernel for Across<'_, K, M, R> {
    type Made = ();

    #[inline(always)]
    fn run(self) {
        let stride = self.blocks.len() / K;
        let planes = self.coefficients.chunks_exact_mut(stride);
        for ((plane, stored), quantizer) in
            planes.zip(self.blocks.chunks_exact(stride)).zip(self.quantizers)
        {
            for (coefficient, stored) in plane.iter_mut().zip(stored) {
                *coefficient = f32::from(*stored) * quantizer;
            }
        }
        let planes: [&[f32]; K] = std::array::from_fn(|u| {
            self.coefficients.get(u * stride..(u + 1) * stride).unwrap_or_default()
        });
        let weights = *self.weights;
        for block in 0..stride {
            let mut sums = [0.0; R];
            for (plane, weights) in planes.iter().zip(&weights) {
                let Some(coefficient) = plane.get(block) else { break };
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += coefficient * weight;
                }
            }
            if let Some(samples) = self.half.get_mut(block * M..).and_then(<[f32]>::first_chunk_mut)
            {
                *samples = sums;
            }
        }
    }
}

/// Makes a row of samples from the rows of a half transformed row of blocks.
struct Down<'a> {
    samples: &'a mut [u8],
    half: std::slice::ChunksExact<'a, f32>,
    weights: &'a [f32; MOST_KEPT],
}

impl Kernel for Down<'_> {
    type Made = ();

    #[inline(always)]
    fn run(self) {
        let Down { samples, mut half, weights: &[u, v, w, x, y] } = self;
        let rows = [(); MOST_KEPT].map(|()| half.next());
        match rows {
            [Some(a), Some(b), None, ..] => {
                for ((to, a), b) in samples.iter_mut().zip(a).zip(b) {
                    *to = rounded(MIDDLE + a * u + b * v);
                }
            }
            [Some(a), Some(b), Some(c), None, _] => {
                for (((to, a), b), c) in samples.iter_mut().zip(a).zip(b).zip(c) {
                    *to = rounded(MIDDLE + a * u + b * v + c * w);
                }
            }
            [Some(a), Some(b), Some(c), Some(d), None] => {
                for ((((to, a), b), c), d) in samples.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                    *to = rounded(MIDDLE + a * u + b * v + c * w + d * x);
                }
            }
            [Some(a), Some(b), Some(c), Some(d), Some(e)] => {
                let rows = samples.iter_mut().zip(a).zip(b).zip(c).zip(d).zip(e);
                for (((((to, a), b), c), d), e) in rows {
                    *to = rounded(MIDDLE + a * u + b * v + c * w + d * x + e * y);
                }
            }
            _ => {}
        }
    }
}

/// What is added to samples, which are transformed around 0.
const MIDDLE: f32 = 128.0;

/// The sample, from the lowest bits of a number so large that it has no fraction.
#[inline(always)]
fn rounded(sample: f32) -> u8 {
    const WHOLE: f32 = (1 << 23) as f32;
    let above = if sample > 0.0 { sample } else { 0.0 };
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
}
