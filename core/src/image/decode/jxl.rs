//! JPEG XL by the `jxl` crate, which asks before each of its tasks whether the work goes on. As a task may
//! last for minutes, they are done apart where there is such a place.

use jxl::api::{
    Event, JxlDecoder, JxlOutputBuffer, JxlParallelRunner, JxlParallelRunnerFun, ProfileLevel,
};

use super::canvas::Canvas;
use crate::image::apart;
use crate::image::control::IsolatedPictures;
use crate::image::error::{broken, truncated};
use crate::image::pixels::widen;
use crate::image::raster::{DeepRaster, Raster, data_len};
use crate::image::size::Rect;
use crate::image::source::Dispose;
use crate::image::source::jxl::Jxl;
use crate::image::{Control, Error, ShowPicture, WorkSize};

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
        Err(Failure::BeyondLevel) => fill_by(&jxl, ProfileLevel::Main10, deep, pixels, control),
        filled => filled,
    };
    filled.map_err(Failure::into_error)
}

/// The pictures of an animation, one after the other.
pub(super) struct JxlFrames<'a> {
    input: &'a [u8],
    jxl: &'a Jxl<'a>,
    maker: Option<Maker<'a>>,
}

/// What makes them.
enum Maker<'a> {
    Here(Box<Pictures<'a>>),
    Apart(Box<dyn IsolatedPictures>),
}

impl<'a> JxlFrames<'a> {
    /// None yet.
    pub(super) fn new(input: &'a [u8], jxl: &'a Jxl<'a>) -> JxlFrames<'a> {
        JxlFrames { input, jxl, maker: None }
    }

    /// Paints the next picture; returns for how many milliseconds it is shown.
    pub(super) fn next(
        &mut self,
        canvas: &mut Canvas,
        control: &Control,
    ) -> Result<Option<u32>, Error> {
        let mut raster = Raster::new(self.jxl.size, self.jxl.layout)?;
        let maker = match self.maker.take() {
            Some(maker) => maker,
            None => self.begin(control)?,
        };
        let duration = match self.maker.insert(maker) {
            Maker::Here(pictures) => pictures.next(raster.data_mut(), control)?,
            Maker::Apart(pictures) => pictures.next(control, &mut |made| {
                let pieces = raster.data_mut().chunks_mut(apart::PIECE);
                for (to, from) in pieces.zip(made.chunks(apart::PIECE)) {
                    control.check()?;
                    to.copy_from_slice(from);
                }
                Ok(())
            })?,
        };
        let Some(duration) = duration else { return Ok(None) };
        let raster = widen(raster, control)?;
        let window = Rect { x: 0, y: 0, size: raster.size() };
        canvas.begin(window, Dispose::Keep, control)?;
        canvas.lay(window, &raster, window.size.height, false);
        Ok(Some(duration))
    }

    fn begin(&self, control: &Control) -> Result<Maker<'a>, Error> {
        let Some(isolation) = control.isolation() else {
            return Ok(Maker::Here(Box::new(Pictures::new(self.jxl)?)));
        };
        let pixels = data_len(self.jxl.size, self.jxl.layout)?;
        let work =
            apart::work(WorkSize { pixels, memory: working_bytes(self.jxl), foreign: false });
        isolation.begin(work, &[self.input], control, fill_pictures).map(Maker::Apart)
    }
}

/// Makes all pictures of an input, one after the other.
fn fill_pictures(
    input: &[u8],
    pixels: &mut [u8],
    control: &Control,
    show: &mut ShowPicture<'_>,
) -> Result<(), Error> {
    let jxl = Jxl::read(input)?;
    let mut pictures = Pictures::new(&jxl)?;
    while let Some(duration) = pictures.next(pixels, control)? {
        show(pixels, duration)?;
    }
    Ok(())
}

/// Decodes picture after picture.
struct Pictures<'a> {
    jxl: &'a Jxl<'a>,
    level: ProfileLevel,
    decoder: JxlDecoder,
    rest: &'a [u8],
    /// How many were made.
    made: u32,
    /// Milliseconds up to the next one.
    time: f64,
}

impl<'a> Pictures<'a> {
    fn new(jxl: &'a Jxl<'a>) -> Result<Pictures<'a>, Error> {
        let level = ProfileLevel::Main5;
        let (decoder, rest) = jxl.decoder(level, false)?;
        Ok(Pictures { jxl, level, decoder, rest, made: 0, time: 0.0 })
    }

    /// Makes the next one; returns for how many milliseconds it is shown.
    fn next(&mut self, pixels: &mut [u8], control: &Control) -> Result<Option<u32>, Error> {
        if self.made >= self.jxl.pictures() {
            return Ok(None);
        }
        let duration = match self.decode(pixels, control) {
            Err(Failure::BeyondLevel) if self.level == ProfileLevel::Main5 => {
                // From the beginning, as the level is known to a decoder from there on.
                self.level = ProfileLevel::Main10;
                (self.decoder, self.rest) = self.jxl.decoder(self.level, false)?;
                for _ in 0..self.made {
                    self.decode(pixels, control).map_err(Failure::into_error)?;
                }
                self.decode(pixels, control)
            }
            decoded => decoded,
        };
        let duration = duration.map_err(Failure::into_error)?;
        self.made += 1;
        let until = self.time + duration;
        let milliseconds = until.round() - self.time.round();
        self.time = until;
        Ok(Some(milliseconds as u32))
    }

    fn decode(&mut self, pixels: &mut [u8], control: &Control) -> Result<f64, Failure> {
        decode_next((&mut self.decoder, &mut self.rest), self.jxl, false, pixels, control)
    }
}

/// Why it can't be decoded.
enum Failure {
    /// It has more transforms, or pictures a second, than its level allows.
    BeyondLevel,
    Other(Error),
}

impl Failure {
    fn into_error(self) -> Error {
        match self {
            Failure::BeyondLevel => broken("too many transforms"),
            Failure::Other(error) => error,
        }
    }
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
    decode_next((&mut decoder, &mut rest), jxl, deep, pixels, control).map(drop)
}

/// Decodes what is shown next; returns for how many milliseconds.
fn decode_next(
    (decoder, rest): (&mut JxlDecoder, &mut &[u8]),
    jxl: &Jxl,
    deep: bool,
    pixels: &mut [u8],
    control: &Control,
) -> Result<f64, Failure> {
    let mut duration = 0.0;
    let sample = if deep { 2 } else { 1 };
    let stride = jxl.size.width as usize * jxl.layout.channels() * sample;
    let mut runner = Tasks(|| control.goes_on());
    loop {
        control.check()?;
        let rows = jxl.size.height as usize;
        let mut buffers = [JxlOutputBuffer::new(pixels, rows, stride)];
        match decoder.process(rest, Some(&mut buffers), Some(&mut runner)) {
            Ok(Event::FrameComplete { .. }) => return Ok(duration),
            Ok(Event::Complete) => return Err(broken("a picture is missing").into()),
            Ok(Event::NeedMoreInput { .. }) => return Err(truncated().into()),
            Ok(Event::FrameHeader) => {
                let header = decoder.frame_header();
                duration = header.and_then(|header| header.duration).unwrap_or_default();
            }
            Ok(Event::BasicInfo) => {}
            Err(jxl::error::Error::LevelLimitExceeded {
                limit: "modular transforms" | "frame rate (fps)",
                ..
            }) => return Err(Failure::BeyondLevel),
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
