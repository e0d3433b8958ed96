//! JPEG XL by the `jxl` crate, on the calling thread, which asks before each of its tasks whether the
//! work goes on.

use jxl::api::{Event, JxlOutputBuffer, JxlParallelRunner, JxlParallelRunnerFun};

use crate::image::error::{broken, truncated};
use crate::image::raster::Raster;
use crate::image::source::jxl::Jxl;
use crate::image::{Control, Error};

/// Frames that may be held at once where there are several: what is decoded, and four to refer to.
const KEPT: u64 = 5;

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
    // Planes of 32 bits, which are filtered from one to another.
    let frame = jxl.size.pixels().saturating_mul(8 * (3 + jxl.extra as u64));
    let frames = frame.saturating_mul(if has_one_frame(jxl) { 1 } else { KEPT });
    frames.saturating_add(jxl.copied() as u64)
}

/// Whether the image is all that there is: no frame is hidden, none follows.
fn has_one_frame(jxl: &Jxl) -> bool {
    let Ok((mut decoder, mut rest)) = jxl.decoder() else { return true };
    // Frames that are shown are skipped without a buffer for them.
    decoder.process(&mut rest, None, Some(&mut Tasks(|| false))).is_ok()
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
