//! JPEG XL by the `jxl` crate, on the calling thread, which asks before each of its tasks whether the
//! work goes on.

use jxl::api::{Event, JxlOutputBuffer, JxlParallelRunner, JxlParallelRunnerFun};

use crate::image::error::{broken, truncated};
use crate::image::raster::Raster;
use crate::image::source::jxl::Jxl;
use crate::image::{Control, Error};

/// Decodes the image, or the first frame of an animation.
pub(super) fn decode(jxl: &Jxl, control: &Control) -> Result<Raster, Error> {
    let (mut decoder, mut rest) = jxl.decoder()?;
    let mut raster = Raster::new(jxl.size, jxl.layout)?;
    let stride = raster.stride();
    let mut runner = Tasks(|| control.goes_on());
    loop {
        control.check()?;
        let rows = jxl.size.height as usize;
        let mut buffers = [JxlOutputBuffer::new(raster.data_mut(), rows, stride)];
        match decoder.process(&mut rest, Some(&mut buffers), Some(&mut runner)) {
            Ok(Event::FrameComplete { .. } | Event::Complete) => return Ok(raster),
            Ok(Event::NeedMoreInput { .. }) => return Err(truncated()),
            Ok(Event::BasicInfo | Event::FrameHeader) => {}
            Err(error) => return Err(control.check().err().unwrap_or_else(|| broken(error))),
        }
    }
}

/// Bytes that the decoder holds besides the raster.
pub(super) fn working_bytes(jxl: &Jxl) -> u64 {
    // Buffers of its own, however small the image is.
    const BUFFERS: u64 = 8 << 20;
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
