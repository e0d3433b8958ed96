//! Samples as they are stored, made those of a raster.

use crate::image::raster::{Layout, Raster};
use crate::image::source::tiff::{Colors, Numbers, Tiff};
use crate::image::{Control, Error};

/// Makes rows of bytes rows of samples of 8 bits.
pub(super) struct SampleReader<'a> {
    tiff: &'a Tiff<'a>,
    /// The colours of a palette.
    palette: Vec<[u8; 3]>,
    /// Those of a row.
    samples: Vec<u8>,
}

impl<'a> SampleReader<'a> {
    pub(super) fn new(tiff: &'a Tiff<'a>, samples: Vec<u8>) -> SampleReader<'a> {
        let palette = match tiff.colors {
            Colors::Palette(values) => {
                let count = 1u64 << tiff.bits;
                let value = |place| values.get(place).unwrap_or(0);
                // Some have written 8 bits where 16 belong.
                let is_short = (0..3 * count).all(|place| value(place) < 256);
                let level = |place| if is_short { value(place) } else { value(place) >> 8 } as u8;
                (0..count).map(|i| [0, 1, 2].map(|channel| level(channel * count + i))).collect()
            }
            _ => Vec::new(),
        };
        SampleReader { tiff, palette, samples }
    }

    /// Paints the samples of some pixels, which may be followed by others, into those of a raster's row;
    /// of a plane only its own.
    pub(super) fn paint(&mut self, row: &mut [u8], stored: &[u8], plane: usize) {
        let tiff = self.tiff;
        let channels = tiff.layout.channels();
        let interleaved = tiff.interleaved();
        let wanted = row.len() / channels * interleaved;
        let Some(samples) = self.samples.get_mut(..wanted) else { return };
        if let Colors::Palette(_) = tiff.colors {
            indices(stored, tiff.bits, samples);
            let pixels = row.as_chunks_mut::<3>().0.iter_mut();
            for (pixel, of) in pixels.zip(samples.chunks_exact(interleaved)) {
                let index = of.first().copied().unwrap_or_default();
                *pixel = self.palette.get(usize::from(index)).copied().unwrap_or_default();
            }
            return;
        }
        levels(stored, tiff.bits, tiff.numbers, samples);
        for (sample, channel) in tiff.wanted() {
            let from = if tiff.is_planar { 0 } else { sample };
            if tiff.is_planar && sample != plane {
                continue;
            }
            if interleaved == channels && from == channel {
                // All of them are at their places.
                row.copy_from_slice(samples);
                break;
            }
            let to = row.iter_mut().skip(channel).step_by(channels);
            let from = samples.iter().skip(from).step_by(interleaved);
            to.zip(from).for_each(|(to, &from)| *to = from);
        }
    }
}

/// Samples without a meaning of their own.
fn indices(stored: &[u8], bits: u8, samples: &mut [u8]) {
    if bits >= 8 {
        samples.iter_mut().zip(stored).for_each(|(to, &from)| *to = from);
        return;
    }
    let in_byte = usize::from(8 / bits);
    for (samples, byte) in samples.chunks_mut(in_byte).zip(stored) {
        let mut byte = *byte;
        for sample in samples {
            *sample = byte >> (8 - bits);
            byte <<= bits;
        }
    }
}

/// Samples of which 255 is the most.
fn levels(stored: &[u8], bits: u8, numbers: Numbers, samples: &mut [u8]) {
    if bits == 16 {
        for (to, bytes) in samples.iter_mut().zip(stored.as_chunks::<2>().0) {
            let value = u32::from(numbers.u16(bytes, 0).unwrap_or_default());
            *to = ((value * 255 + 32767) / 65535) as u8;
        }
        return;
    }
    indices(stored, bits, samples);
    let most = match bits {
        1 => 255,
        2 => 85,
        4 => 17,
        _ => return,
    };
    samples.iter_mut().for_each(|sample| *sample *= most);
}

/// Adds up samples that are stored as their difference from those of the pixel before.
pub(super) fn add_up(row: &mut [u8], bits: u8, numbers: Numbers, interleaved: usize) {
    let step = if bits == 16 { 2 * interleaved } else { interleaved };
    let mut at = step;
    if bits != 16 {
        while at < row.len() {
            let (before, rest) = row.split_at_mut(at);
            let Some((from, to)) = before.get(at - step..).zip(rest.get_mut(..)) else { return };
            to.iter_mut().zip(from).for_each(|(to, &from)| *to = to.wrapping_add(from));
            at += step;
        }
        return;
    }
    while at < row.len() {
        let (before, rest) = row.split_at_mut(at);
        let Some(from) = before.get(at - step..) else { return };
        for (to, from) in rest.as_chunks_mut::<2>().0.iter_mut().zip(from.as_chunks::<2>().0) {
            let value = |bytes| numbers.u16(bytes, 0).unwrap_or_default();
            *to = numbers.bytes(value(to.as_slice()).wrapping_add(value(from.as_slice())));
        }
        at += step;
    }
}

/// Ends what is the same for all of a raster: which end of grey is white, and colours that are multiplied
/// by alpha.
pub(super) fn finish(raster: &mut Raster, tiff: &Tiff, control: &Control) -> Result<(), Error> {
    let layout = raster.layout();
    let inverted = matches!(tiff.colors, Colors::Grey { inverted: true });
    let associated = tiff.alpha.is_some_and(|alpha| alpha.associated);
    if !inverted && !associated {
        return Ok(());
    }
    for row in raster.rows_mut() {
        control.check()?;
        match layout {
            Layout::L8 => row.iter_mut().for_each(|grey| *grey = !*grey),
            Layout::La8 => row.as_chunks_mut().0.iter_mut().for_each(|[grey, alpha]| {
                *grey = if inverted { !*grey } else { *grey };
                *grey = if associated { divided(*grey, *alpha) } else { *grey };
            }),
            Layout::Rgba8 => row.as_chunks_mut().0.iter_mut().for_each(|[r, g, b, alpha]| {
                [r, g, b].into_iter().for_each(|color| *color = divided(*color, *alpha));
            }),
            Layout::Rgb8 | Layout::Cmyk8 => {}
        }
    }
    Ok(())
}

/// The colour that was multiplied by an alpha.
fn divided(color: u8, alpha: u8) -> u8 {
    let (color, alpha) = (u32::from(color), u32::from(alpha));
    match alpha {
        0 => 0,
        _ => ((color * 255 + alpha / 2) / alpha).min(255) as u8,
    }
}
