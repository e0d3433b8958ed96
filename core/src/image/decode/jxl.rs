//! JPEG XL by the `jxl` crate, which asks before each of its tasks whether the work goes on. As a task may
//! last for minutes, they are done apart where there is such a place.

use jxl::api::{Event, JxlOutputBuffer, JxlParallelRunner, JxlParallelRunnerFun, ProfileLevel};

use super::apart;
use crate::image::error::{broken, truncated};
use crate::image::raster::{DeepRaster, Raster, data_len};
use crate::image::source::jxl::Jxl;
use crate::image::{Control, Error, WorkSize};

/// Decodes the image, or the first frame of an animation, of that input.
pub(super) fn decode(input: &[u8], jxl: &Jxl, control: &Control) -> Result<Raster, Error> {
    apart::raster((jxl.size, jxl.layout), working_bytes(jxl), input, fill, control)
}

/// Decodes the same to 16 bits a sample.
pub(super) fn decode_deep(input: &[u8], jxl: &Jxl, control: &Control) -> Result<DeepRaster, Error> {
    let (size, channels) = (jxl.size, jxl.layout.channels());
    let pixels = data_len(size, jxl.layout)?.saturating_mul(2);
    let work = WorkSize { pixels, memory: working_bytes(jxl), foreign: false };
    let data = apart::bytes(work, input, fill_deep, control)?;
    Ok(DeepRaster { size, channels, data })
}

/// Decodes an input into the bytes of a raster.
///
/// That a file says that it is of a higher level does not make it longer than is good: trees of 2048 levels,
/// patches and splines over all of it a thousand times. But libjxl writes more transforms than level 5 has.
fn fill(input: &[u8], pixels: &mut [u8], control: &Control) -> Result<(), Error> {
    fill_with(input, false, pixels, control)
}

fn fill_deep(input: &[u8], pixels: &mut [u8], control: &Control) -> Result<(), Error> {
    fill_with(input, true, pixels, control)
}

fn fill_with(input: &[u8], deep: bool, pixels: &mut [u8], control: &Control) -> Result<(), Error> {
    let jxl = Jxl::read(input)?;
    let filled = match fill_by(&jxl, ProfileLevel::Main5, deep, pixels, control) {
        Err(Failure::Transforms) => fill_by(&jxl, ProfileLevel::Main10, deep, pixels, control),
        filled => filled,
    };
    filled.map_err(|failure| match failure {
        Failure::Transforms => broken("too many transforms"),
        Failure::Other(error) => error,
    })
}

/// Why it can't be decoded.
enum Failure {
    /// It has more transforms than its level allows.
    Transforms,
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Other(error)
    }
}

fn fill_by(
    jxl: &Jxl,
    level: ProfileLevel,
    deep: bool,
    pixels: &mut [u8],
    control: &Control,
) -> Result<(), Failure> {
    let (mut decoder, mut rest) = jxl.decoder(level, deep)?;
    let sample = if deep { 2 } else { 1 };
    let stride = jxl.size.width as usize * jxl.layout.channels() * sample;
    let mut runner = Tasks(|| control.goes_on());
    loop {
        control.check()?;
        let rows = jxl.size.height as usize;
        let mut buffers = [JxlOutputBuffer::new(pixels, rows, stride)];
        match decoder.process(&mut rest, Some(&mut buffers), Some(&mut runner)) {
            Ok(Event::FrameComplete { .. } | Event::Complete) => return Ok(()),
            Ok(Event::NeedMoreInput { .. }) => return Err(truncated().into()),
            Ok(Event::BasicInfo | Event::FrameHeader) => {}
            Err(jxl::error::Error::LevelLimitExceeded { limit: "modular transforms", .. }) => {
                return Err(Failure::Transforms);
            }
            Err(error) => {
                return Err(control.check().err().unwrap_or_else(|| broken(error)).into());
            }
        }
    }
}

/// Bytes that the decoder holds besides the raster.
pub(super) fn working_bytes(jxl: &Jxl) -> u64 {
    // Buffers of its own, however small the image is.
    const BUFFERS: u64 = 16 << 20;
    jxl.decoder_bytes().saturating_add(BUFFERS).saturating_add(jxl.copied() as u64)
}

/// One task after the other, as long as the work goes on.
struct Tasks<F>(F);

impl<F: Fn() -> bool> JxlParallelRunner for Tasks<F> {
    fn run(&mut self, num: usize, task: &JxlParallelRunnerFun<'_>) -> jxl::error::Result<()> {
        for i in 0..num {
            if !(self.0)() {
                return Err(jxl::error::Error::ApiUsageError("stopped"));
            }
            task(i)?;
        }
        Ok(())
    }

    fn num_threads(&self) -> usize {
        1
    }

    fn run_ordered(
        &mut self,
        num: usize,
        _: Option<usize>,
        task: &JxlParallelRunnerFun<'_>,
    ) -> jxl::error::Result<()> {
        self.run(num, task)
    }
}
