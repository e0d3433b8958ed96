//! WebP by libwebp: still images, be they files of their own or frames made to one.

use std::ffi::c_int;
use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{NonNull, from_mut, from_ref, null, null_mut};

// It brings the library.
#[cfg(feature = "bundled")]
use libwebp_sys as _;

use crate::{Band, bytes, memory, slice};
use sys::{
    VP8StatusCode, WEBP_CSP_MODE, WEBP_DECODER_ABI_VERSION, WEBP_ENCODER_ABI_VERSION,
    WebPBitstreamFeatures, WebPConfig, WebPConfigInitInternal, WebPDecode, WebPDecoderConfig,
    WebPEncode, WebPEncodingError, WebPGetFeaturesInternal, WebPIDecGetRGB, WebPIDecGetYUVA,
    WebPIDecode, WebPIDecoder, WebPIDelete, WebPIUpdate, WebPInitDecoderConfigInternal,
    WebPMemoryWrite, WebPMemoryWriter, WebPMemoryWriterClear, WebPPicture, WebPPictureFree,
    WebPPictureImportRGB, WebPPictureImportRGBA, WebPPictureInitInternal, WebPPreset,
    WebPRGBABuffer, WebPYUVABuffer,
};

/// What the headers say that are installed, or those of the crate.
#[allow(
    dead_code,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    reason = "bindgen's"
)]
mod sys {
    include!(concat!(env!("OUT_DIR"), "/webp.rs"));
}

/// Why libwebp failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// Its decoder, by the status that it names.
    Decoding(VP8StatusCode),
    /// Its encoder, likewise.
    Encoding(WebPEncodingError),
    /// The call, before there was anything to do.
    Call(&'static str),
    /// Nobody waits for the result any more.
    Stopped,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Decoding(status) => write!(f, "libwebp: {status:?}"),
            Error::Encoding(status) => write!(f, "libwebp: {status:?}"),
            Error::Call(what) => write!(f, "libwebp: {what}"),
            Error::Stopped => f.write_str("libwebp: stopped"),
        }
    }
}

impl std::error::Error for Error {}

const VERSION: Error = Error::Call("not the version that was built against");
const LENGTH: Error = Error::Call("the pixels have not the length of the image");

fn check(status: VP8StatusCode) -> Result<(), Error> {
    match status {
        VP8StatusCode::VP8_STATUS_OK => Ok(()),
        status => Err(Error::Decoding(status)),
    }
}

/// What a file says before its first pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Whether there is an alpha channel.
    pub alpha: bool,
}

/// What is to be decoded of an image, and how large. Of lossy images the chroma at its edges is
/// interpolated without what is beyond them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// The first column, an even one.
    pub x: u32,
    /// The first row, an even one.
    pub y: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The size that it is scaled to while it is decoded, by averages of areas; `None` leaves it
    /// as it is. Lossy images are decoded by shortcuts then.
    pub scaled: Option<(u32, u32)>,
}

/// A file whose headers are read.
#[derive(Debug)]
pub struct Decoder<'a> {
    input: &'a [u8],
    info: Features,
}

impl<'a> Decoder<'a> {
    /// Reads the headers of a file.
    ///
    /// # Errors
    /// Where they are broken, or those of an animation.
    pub fn new(input: &'a [u8]) -> Result<Decoder<'a>, Error> {
        let mut found = WebPBitstreamFeatures {
            width: 0,
            height: 0,
            has_alpha: 0,
            has_animation: 0,
            format: 0,
            pad: [0; 5],
        };
        let version = WEBP_DECODER_ABI_VERSION as c_int;
        let (data, len) = (input.as_ptr(), input.len());
        // SAFETY: that many bytes are readable, and the features writable.
        check(unsafe { WebPGetFeaturesInternal(data, len, &mut found, version) })?;
        if found.has_animation != 0 {
            return Err(Error::Call("an animation"));
        }
        let side = |side: c_int| u32::try_from(side).unwrap_or_default();
        let (width, height) = (side(found.width), side(found.height));
        Ok(Decoder { input, info: Features { width, height, alpha: found.has_alpha != 0 } })
    }

    /// What they say.
    #[must_use]
    pub fn info(&self) -> Features {
        self.info
    }

    /// Decodes into RGB pixels, or RGBA ones where there is alpha, not premultiplied. Rows below
    /// the part are not read. A large image comes in slices, and `goes_on` is asked before each.
    ///
    /// # Errors
    /// Where the bitstream is broken, incomplete or stopped, the part is not one of the image, or
    /// `pixels` is not exactly as long as it becomes.
    pub fn decode(
        &self,
        part: &Region,
        pixels: &mut [u8],
        goes_on: impl Fn() -> bool,
    ) -> Result<(), Error> {
        let mut config = self.config_of_pixels(part, pixels)?;
        if self.is_small() {
            // SAFETY: the input is readable; the configuration is initialised, and its buffer one
            // of ours, that libwebp neither frees nor keeps nor writes behind `size` of.
            let status = unsafe { WebPDecode(self.input.as_ptr(), self.input.len(), &mut config) };
            return check(status);
        }
        Slices::new(&mut config)?.take(self.input, SLICES, goes_on)
    }

    fn is_small(&self) -> bool {
        let Features { width, height, .. } = self.info;
        u64::from(width) * u64::from(height) <= FEW_PIXELS
    }

    /// Decodes in the same way a bitstream that is broken or incomplete, as far as it goes;
    /// returns how many rows of `pixels` are there.
    ///
    /// # Errors
    /// As those of [`decode`](Decoder::decode), for other reasons than the bitstream.
    pub fn decode_partly(
        &self,
        part: &Region,
        pixels: &mut [u8],
        goes_on: impl Fn() -> bool,
    ) -> Result<u32, Error> {
        let mut config = self.config_of_pixels(part, pixels)?;
        let (_, height) = part.scaled.unwrap_or((part.width, part.height));
        let slices = Slices::new(&mut config)?;
        // How else it ends says nothing: what was decoded before counts.
        if let Err(Error::Stopped) = slices.take(self.input, SLICES, goes_on) {
            return Err(Error::Stopped);
        }
        let mut rows = 0;
        let decoder = slices.0.as_ptr();
        // SAFETY: a decoder, and a number to write to; what else there is to know is not asked
        // for.
        unsafe { WebPIDecGetRGB(decoder, &mut rows, null_mut(), null_mut(), null_mut()) };
        Ok(u32::try_from(rows).unwrap_or(0).min(height))
    }

    /// Hands luma and chroma of a part of a lossy image without alpha to `take`, rows as they come, as far as
    /// the bitstream goes; returns how many rows of pixels they stand for. They are BT.601's in its narrow
    /// range, and of chroma there is one for two pixels across and down.
    ///
    /// Without `deblocks` the edges of blocks show, which takes half the time. `goes_on` is asked
    /// before each slice of a large image, and ends the work, and so does `take` by what it returns.
    ///
    /// # Errors
    /// As those of [`decode`](Decoder::decode), for other reasons than the bitstream.
    pub fn decode_planes(
        &self,
        part: &Region,
        deblocks: bool,
        mut take: impl FnMut([Band<'_>; 3]) -> bool,
        goes_on: impl Fn() -> bool,
    ) -> Result<u32, Error> {
        if self.info.alpha || part.scaled.is_some() {
            return Err(Error::Call("planes of pixels that have alpha, or are scaled"));
        }
        let mut config = self.config(part)?;
        config.options.bypass_filtering = (!deblocks).into();
        let (width, height) = (part.width as usize, part.height as usize);
        let halves = (width.div_ceil(2), height.div_ceil(2));
        let luma = bytes(part.width, part.height, 1).ok_or(LENGTH)?;
        let chroma = halves.0 * halves.1;
        let len = chroma.checked_mul(2).and_then(|both| both.checked_add(luma)).ok_or(LENGTH)?;
        let mut samples =
            memory::zeroed::<u8>(len).ok_or(Error::Call("no memory for the planes"))?;
        let start = samples.as_mut_ptr();
        // SAFETY: within the samples.
        let planes = unsafe { [start, start.add(luma), start.add(luma + chroma)] };
        let int = |number: usize| c_int::try_from(number).map_err(|_| Error::Call("a huge part"));
        config.output.colorspace = WEBP_CSP_MODE::MODE_YUV;
        config.output.is_external_memory = 1;
        config.output.u.YUVA = WebPYUVABuffer {
            y: planes[0],
            u: planes[1],
            v: planes[2],
            a: null_mut(),
            y_stride: int(width)?,
            u_stride: int(halves.0)?,
            v_stride: int(halves.0)?,
            a_stride: 0,
            y_size: luma,
            u_size: chroma,
            v_size: chroma,
            a_size: 0,
        };
        let slices = Slices::new(&mut config)?;
        let mut came = (0, 0);
        let mut hand = || {
            let rows = slices.rows_of_planes().min(height);
            // The last one of an odd number stands for a row alone.
            let now = (rows, if rows == height { halves.1 } else { rows / 2 });
            let (before, after) = (std::mem::replace(&mut came, now), now);
            let band = |plane: usize, stride: usize, from: usize, to: usize| {
                // SAFETY: rows of that plane, which the decoder has made, and doesn't write to any more.
                let samples =
                    unsafe { slice(planes[plane].add(from * stride), (to - from) * stride) };
                Band { samples, stride }
            };
            after == before
                || take([
                    band(0, width, before.0, after.0),
                    band(1, halves.0, before.1, after.1),
                    band(2, halves.0, before.1, after.1),
                ])
        };
        let count = if self.is_small() { 1 } else { SLICES };
        // How else it ends says nothing: what was decoded before counts.
        if let Err(Error::Stopped) = slices.take(self.input, count, || goes_on() && hand()) {
            return Err(Error::Stopped);
        }
        if hand() { Ok(came.0 as u32) } else { Err(Error::Stopped) }
    }

    /// What of the input is to be decoded, and where to.
    fn config_of_pixels(
        &self,
        part: &Region,
        pixels: &mut [u8],
    ) -> Result<WebPDecoderConfig, Error> {
        let alpha = self.info.alpha;
        let (width, height) = part.scaled.unwrap_or((part.width, part.height));
        let channels = if alpha { 4 } else { 3 };
        if Some(pixels.len()) != bytes(width, height, channels) {
            return Err(LENGTH);
        }
        let mut config = self.config(part)?;
        config.output.colorspace =
            if alpha { WEBP_CSP_MODE::MODE_RGBA } else { WEBP_CSP_MODE::MODE_RGB };
        config.output.is_external_memory = 1;
        let stride = c_int::try_from(width * channels).map_err(|_| Error::Call("a huge part"))?;
        config.output.u.RGBA =
            WebPRGBABuffer { rgba: pixels.as_mut_ptr(), stride, size: pixels.len() };
        Ok(config)
    }

    /// What of the input is to be decoded.
    fn config(&self, part: &Region) -> Result<WebPDecoderConfig, Error> {
        let Features { width, height, .. } = self.info;
        let &Region { x, y, .. } = part;
        let inside = |at: u32, len: u32, all: u32| {
            at.is_multiple_of(2) && at.checked_add(len).is_some_and(|end| end <= all)
        };
        if !inside(x, part.width, width) || !inside(y, part.height, height) {
            return Err(Error::Call("not a part of the image"));
        }
        let int = |number: u32| c_int::try_from(number).map_err(|_| Error::Call("a huge part"));
        let mut config = decoder_config()?;
        if (x, y, part.width, part.height) != (0, 0, width, height) {
            config.options.use_cropping = 1;
            (config.options.crop_left, config.options.crop_top) = (int(x)?, int(y)?);
            config.options.crop_width = int(part.width)?;
            config.options.crop_height = int(part.height)?;
        }
        if let Some((width, height)) = part.scaled {
            config.options.use_scaling = 1;
            config.options.scaled_width = int(width)?;
            config.options.scaled_height = int(height)?;
        }
        Ok(config)
    }
}

/// What libwebp fills; `fill` answers 0 where the library is of another version.
fn initialised<T>(fill: impl FnOnce(*mut T) -> c_int) -> Result<T, Error> {
    let mut value = MaybeUninit::zeroed();
    match fill(value.as_mut_ptr()) {
        0 => Err(VERSION),
        // SAFETY: just filled.
        _ => Ok(unsafe { value.assume_init() }),
    }
}

fn decoder_config() -> Result<WebPDecoderConfig, Error> {
    let version = WEBP_DECODER_ABI_VERSION as c_int;
    // SAFETY: all of it is written, or it is another version.
    initialised(|config| unsafe { WebPInitDecoderConfigInternal(config, version) })
}

fn encoder_config() -> Result<WebPConfig, Error> {
    let version = WEBP_ENCODER_ABI_VERSION as c_int;
    let preset = WebPPreset::WEBP_PRESET_DEFAULT;
    // SAFETY: as above.
    initialised(|config| unsafe { WebPConfigInitInternal(config, preset, 75.0, version) })
}

/// Pixels that are decoded in no time.
const FEW_PIXELS: u64 = 2 << 20;

/// Into how many slices a file is cut at most, and how many bytes one has at least.
const SLICES: usize = 256;
const SLICE: usize = 1024;

/// A decoder that is given more and more of a file.
struct Slices<'a>(NonNull<WebPIDecoder>, std::marker::PhantomData<&'a mut WebPDecoderConfig>);

impl<'a> Slices<'a> {
    fn new(config: &'a mut WebPDecoderConfig) -> Result<Slices<'a>, Error> {
        // SAFETY: the configuration is initialised, and outlives the decoder, which goes on to
        // use its buffer and its options.
        let decoder = unsafe { WebPIDecode(null(), 0, config) };
        let decoder = NonNull::new(decoder).ok_or(Error::Call("no memory for a decoder"))?;
        Ok(Slices(decoder, std::marker::PhantomData))
    }

    /// Gives it all of a file, in so many slices or less.
    fn take(
        &self,
        input: &[u8],
        slices: usize,
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<(), Error> {
        let step = input.len().div_ceil(slices).max(SLICE);
        for end in (step..input.len()).step_by(step).chain([input.len()]) {
            if !goes_on() {
                return Err(Error::Stopped);
            }
            // SAFETY: a decoder, that reads no further than the end of the slice.
            match unsafe { WebPIUpdate(self.0.as_ptr(), input.as_ptr(), end) } {
                VP8StatusCode::VP8_STATUS_SUSPENDED => {}
                status => return check(status),
            }
        }
        Err(Error::Decoding(VP8StatusCode::VP8_STATUS_NOT_ENOUGH_DATA))
    }

    /// How many rows of planes are there.
    fn rows_of_planes(&self) -> usize {
        let mut rows = 0;
        // SAFETY: a decoder, and a number to write to; what else there is to know is not asked
        // for.
        unsafe {
            WebPIDecGetYUVA(
                self.0.as_ptr(),
                &mut rows,
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
            );
        }
        usize::try_from(rows).unwrap_or(0)
    }
}

impl Drop for Slices<'_> {
    fn drop(&mut self) {
        // SAFETY: nobody has it any more.
        unsafe { WebPIDelete(self.0.as_ptr()) }
    }
}

/// What an image to encode is made of; rows follow each other without a gap.
#[derive(Debug, Clone, Copy)]
pub enum Samples<'a> {
    /// Red, green and blue, pixel by pixel.
    Rgb(&'a [u8]),
    /// The same and alpha, not premultiplied.
    Rgba(&'a [u8]),
    /// Luma and both chromas of BT.601 in its narrow range, and of chroma one for two pixels across and
    /// down: of a lossy image alone.
    Planes([&'a [u8]; 3]),
}

/// An image to encode.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// What it is made of.
    pub samples: Samples<'a>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Whether every pixel is kept as it is, but for the colour of fully transparent ones.
    pub lossless: bool,
    /// 0 to 100; of a lossless image, the effort.
    pub quality: u8,
    /// 0 (fast) to 6 (small).
    pub effort: u8,
}

/// Encodes an image; asks `goes_on` again and again.
///
/// # Errors
/// Where the encoder fails or is stopped, or the pixels are not as many as announced.
pub fn encode(image: &Image<'_>, goes_on: impl Fn() -> bool) -> Result<Encoded, Error> {
    let int = |number: u32| c_int::try_from(number).map_err(|_| Error::Call("a huge image"));
    let mut config = encoder_config()?;
    config.lossless = image.lossless.into();
    config.quality = image.quality.min(100).into();
    config.method = image.effort.min(6).into();

    let mut writer = MemoryWriter::default();
    let mut picture = OwnedPicture::new()?;
    picture.0.use_argb = image.lossless.into();
    (picture.0.width, picture.0.height) = (int(image.width)?, int(image.height)?);
    let fits = |samples: &[u8], width: u32, height: u32, channels: u32| {
        (Some(samples.len()) == bytes(width, height, channels)).then_some(()).ok_or(LENGTH)
    };
    match image.samples {
        Samples::Rgb(pixels) | Samples::Rgba(pixels) => {
            let alpha = matches!(image.samples, Samples::Rgba(_));
            let channels = if alpha { 4 } else { 3 };
            fits(pixels, image.width, image.height, channels)?;
            let import = if alpha { WebPPictureImportRGBA } else { WebPPictureImportRGB };
            let stride = int(image.width * channels)?;
            // SAFETY: the picture is initialised, and the pixels are as many as they were counted to be.
            if unsafe { import(&mut picture.0, pixels.as_ptr(), stride) } == 0 {
                return Err(Error::Encoding(picture.0.error_code));
            }
        }
        Samples::Planes([luma, blue, red]) => {
            if image.lossless {
                return Err(Error::Call("planes of an image without loss"));
            }
            let halves = (image.width.div_ceil(2), image.height.div_ceil(2));
            fits(luma, image.width, image.height, 1)?;
            fits(blue, halves.0, halves.1, 1)?;
            fits(red, halves.0, halves.1, 1)?;
            // Only read, though the type does not say so, and not freed with the picture.
            let plane = |samples: &[u8]| samples.as_ptr().cast_mut();
            (picture.0.y, picture.0.u, picture.0.v) = (plane(luma), plane(blue), plane(red));
            (picture.0.y_stride, picture.0.uv_stride) = (int(image.width)?, int(halves.0)?);
        }
    }
    picture.0.writer = Some(WebPMemoryWrite);
    picture.0.custom_ptr = from_mut(&mut writer.0).cast();
    let goes_on: &dyn Fn() -> bool = &goes_on;
    picture.0.progress_hook = Some(on_progress);
    picture.0.user_data = from_ref(&goes_on).cast_mut().cast();
    // SAFETY: both are initialised, and planes that are not the picture's own are as long as they were counted to
    // be; the writer is what `WebPMemoryWrite` asks for, the data what `on_progress` does, and all outlive the call.
    if unsafe { WebPEncode(&config, &mut picture.0) } == 0 {
        return Err(match picture.0.error_code {
            WebPEncodingError::VP8_ENC_ERROR_USER_ABORT => Error::Stopped,
            code => Error::Encoding(code),
        });
    }
    Ok(Encoded(writer))
}

/// Whether to go on.
extern "C" fn on_progress(_percent: c_int, picture: *const WebPPicture) -> c_int {
    // SAFETY: the picture that is encoded, whose data is what `encode` put there.
    let goes_on = unsafe { &*(*picture).user_data.cast::<&dyn Fn() -> bool>() };
    catch_unwind(AssertUnwindSafe(goes_on)).unwrap_or(false).into()
}

/// A picture of libwebp's, whose planes are its own where it made them.
struct OwnedPicture(WebPPicture);

impl OwnedPicture {
    fn new() -> Result<OwnedPicture, Error> {
        initialised(|picture| {
            let version = WEBP_ENCODER_ABI_VERSION as c_int;
            // SAFETY: all of it is written, or it is another version.
            unsafe { WebPPictureInitInternal(picture, version) }
        })
        .map(OwnedPicture)
    }
}

impl Drop for OwnedPicture {
    fn drop(&mut self) {
        // SAFETY: initialised, and owned by nobody else.
        unsafe { WebPPictureFree(&mut self.0) }
    }
}

/// The memory that libwebp writes to.
#[derive(Debug)]
struct MemoryWriter(WebPMemoryWriter);

impl Default for MemoryWriter {
    fn default() -> MemoryWriter {
        MemoryWriter(WebPMemoryWriter { mem: std::ptr::null_mut(), size: 0, max_size: 0, pad: [0] })
    }
}

impl Drop for MemoryWriter {
    fn drop(&mut self) {
        // SAFETY: nothing yet, or what `WebPMemoryWrite` allocated.
        unsafe { WebPMemoryWriterClear(&mut self.0) }
    }
}

/// An encoded file.
#[derive(Debug)]
pub struct Encoded(MemoryWriter);

impl Deref for Encoded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: what libwebp wrote, until it is freed.
        unsafe { slice(self.0.0.mem, self.0.0.size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: u32 = 60;
    const HEIGHT: u32 = 40;

    fn pixel(x: u32, y: u32) -> [u8; 4] {
        [(x * 4) as u8, (y * 6) as u8, (x * y) as u8, if x < 30 { 255 } else { 100 }]
    }

    fn picture(alpha: bool) -> Vec<u8> {
        let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
        let channels = if alpha { 4 } else { 3 };
        places.flat_map(|(x, y)| pixel(x, y).into_iter().take(channels)).collect()
    }

    fn file(alpha: bool, lossless: bool) -> Result<Encoded, Error> {
        let pixels = &picture(alpha);
        let (width, height, quality, effort) = (WIDTH, HEIGHT, 90, 4);
        let samples = if alpha { Samples::Rgba(pixels) } else { Samples::Rgb(pixels) };
        encode(&Image { samples, width, height, lossless, quality, effort }, || true)
    }

    fn part(file: &[u8], part: Region, channels: usize) -> Result<Vec<u8>, Error> {
        let (width, height) = part.scaled.unwrap_or((part.width, part.height));
        let mut pixels = vec![0; width as usize * height as usize * channels];
        Decoder::new(file)?.decode(&part, &mut pixels, || true).map(|()| pixels)
    }

    const ALL: Region = Region { x: 0, y: 0, width: WIDTH, height: HEIGHT, scaled: None };

    #[test]
    fn half_a_file_is_half_a_picture() -> Result<(), Error> {
        for (alpha, lossless) in [(false, false), (false, true), (true, false), (true, true)] {
            let file = file(alpha, lossless)?;
            let channels = if alpha { 4 } else { 3 };
            let whole = part(&file, ALL, channels)?;
            let mut last = HEIGHT;
            for len in (file.len() / 3..=file.len()).rev() {
                let mut pixels = vec![0; whole.len()];
                let decoder = Decoder::new(&file[..len])?;
                let rows = decoder.decode_partly(&ALL, &mut pixels, || true)?;
                assert!(rows <= last && (rows == HEIGHT || len < file.len()), "{len}: {rows}");
                let there = (rows * WIDTH) as usize * channels;
                assert_eq!(pixels[..there], whole[..there], "{alpha} {lossless} {len}");
                last = rows;
            }
            assert!(last < HEIGHT, "{alpha} {lossless} {last}");
        }
        Ok(())
    }

    #[test]
    fn lossless_is_lossless() -> Result<(), Error> {
        for alpha in [false, true] {
            let file = file(alpha, true)?;
            assert_eq!(
                Decoder::new(&file)?.info(),
                Features { width: WIDTH, height: HEIGHT, alpha }
            );
            assert_eq!(part(&file, ALL, if alpha { 4 } else { 3 })?, picture(alpha));
        }
        Ok(())
    }

    #[test]
    fn a_part_is_that_of_the_whole() -> Result<(), Error> {
        for (alpha, channels) in [(false, 3), (true, 4)] {
            for lossless in [false, true] {
                let file = file(alpha, lossless)?;
                let whole = part(&file, ALL, channels)?;
                let (x, y, width, height) = (22, 14, 19, 9);
                let cut = part(&file, Region { x, y, width, height, scaled: None }, channels)?;
                let edge = if lossless { 0 } else { 1 };
                for (row, cut) in (0..).zip(cut.chunks_exact(width as usize * channels)) {
                    if (edge..height - edge).contains(&row) {
                        let at = ((y + row) * WIDTH + x) as usize * channels;
                        let inner = edge as usize * channels..cut.len() - edge as usize * channels;
                        let whole = &whole[at..at + cut.len()];
                        assert_eq!(cut[inner.clone()], whole[inner], "{alpha} {lossless} {row}");
                    }
                }
            }
        }
        Ok(())
    }

    /// Planes as they come, in how many bands, and how many rows of pixels they stand for.
    fn planes(
        file: &[u8],
        part: &Region,
        deblocks: bool,
    ) -> Result<([Vec<u8>; 3], usize, u32), Error> {
        let (mut planes, mut bands) = ([const { Vec::new() }; 3], 0);
        let rows = Decoder::new(file)?.decode_planes(
            part,
            deblocks,
            |came| {
                planes.iter_mut().zip(came).for_each(|(plane, band)| plane.extend(band.samples));
                bands += 1;
                true
            },
            || true,
        )?;
        Ok((planes, bands, rows))
    }

    #[test]
    fn planes_are_those_of_the_pixels() -> Result<(), Error> {
        let file = file(false, false)?;
        let whole = part(&file, ALL, 3)?;
        let (of_file, _, rows) = planes(&file, &ALL, true)?;
        assert_eq!(rows, HEIGHT);
        let [luma, blue, red] = &of_file;
        for (at, pixel) in (0..).zip(whole.as_chunks::<3>().0) {
            let [r, g, b] = pixel.map(f64::from);
            let expected = 16.0 + (65.481 * r + 128.553 * g + 24.966 * b) / 255.0;
            // Colours that there are not were cut.
            let is_cut = pixel.iter().any(|&sample| [0, 255].contains(&sample));
            assert!(is_cut || (f64::from(luma[at]) - expected).abs() < 1.5, "{at}: {pixel:?}");
        }
        assert_eq!((blue.len(), red.len()), (30 * 20, 30 * 20));
        // They are encoded again as they are.
        let image = Image {
            samples: Samples::Planes([luma, blue, red]),
            width: WIDTH,
            height: HEIGHT,
            lossless: false,
            quality: 100,
            effort: 4,
        };
        let (again, ..) = planes(&encode(&image, || true)?, &ALL, true)?;
        for (plane, again) in of_file.iter().zip(&again) {
            assert!(plane.iter().zip(again).all(|(a, b)| a.abs_diff(*b) < 12));
        }
        // A part of them, and an odd one.
        let (x, y, width, height) = (22, 14, 19, 9);
        let (cut, ..) = planes(&file, &Region { x, y, width, height, scaled: None }, true)?;
        for (row, cut) in cut[0].chunks(19).enumerate() {
            let at = (14 + row) * WIDTH as usize + 22;
            assert_eq!(cut, &of_file[0][at..at + 19], "{row}");
        }
        for (row, cut) in cut[1].chunks(10).enumerate() {
            let at = (7 + row) * 30 + 11;
            assert_eq!(cut, &of_file[1][at..at + 10], "{row}");
        }
        assert!(planes(&file, &Region { x: 1, width: 9, ..ALL }, true).is_err());
        assert!(planes(&super::tests::file(true, false)?, &ALL, true).is_err());
        Ok(())
    }

    #[test]
    fn planes_come_in_bands_and_stop() -> Result<(), Error> {
        let (width, height, quality, effort) = (1701, 1301, 60, 0);
        let pixels: Vec<u8> = (0..width * height * 3).map(|i| ((i * 7919) >> 6) as u8).collect();
        let samples = Samples::Rgb(&pixels);
        let image = Image { samples, width, height, lossless: false, quality, effort };
        let file = encode(&image, || true)?;
        let all = Region { width, height, ..ALL };
        let (whole, bands, rows) = planes(&file, &all, true)?;
        assert!(bands > 50 && rows == height, "{bands} {rows}");
        assert_eq!(whole.each_ref().map(Vec::len), [1701 * 1301, 851 * 651, 851 * 651]);
        let (rough, ..) = planes(&file, &all, false)?;
        assert!(rough != whole);
        let mut last = height;
        for len in (file.len() / 8..file.len()).step_by(file.len() / 9).rev() {
            let (there, _, rows) = planes(&file[..len], &all, true)?;
            assert!(rows < last && rows % 2 == 0, "{len}: {rows}");
            assert_eq!(there[0].len(), rows as usize * 1701);
            assert_eq!(there[2].len(), rows as usize / 2 * 851);
            assert!(there.iter().zip(&whole).all(|(there, whole)| whole.starts_with(there)));
            last = rows;
        }
        let decoder = Decoder::new(&file)?;
        assert_eq!(decoder.decode_planes(&all, true, |_| true, || false), Err(Error::Stopped));
        assert_eq!(decoder.decode_planes(&all, true, |_| false, || true), Err(Error::Stopped));
        Ok(())
    }

    #[test]
    fn scaled_by_averages() -> Result<(), Error> {
        let file = file(false, true)?;
        let half = part(&file, Region { scaled: Some((WIDTH / 2, HEIGHT / 2)), ..ALL }, 3)?;
        for (i, found) in (0..).zip(half.as_chunks::<3>().0) {
            let (x, y) = (i % (WIDTH / 2) * 2, i / (WIDTH / 2) * 2);
            let four = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)];
            for (channel, &found) in found.iter().enumerate().take(2) {
                let sum: u32 = four.iter().map(|&(x, y)| u32::from(pixel(x, y)[channel])).sum();
                assert!(sum.abs_diff(u32::from(found) * 4) <= 4, "{x} {y}");
            }
        }
        Ok(())
    }

    #[test]
    fn what_can_not_be_is_an_error() -> Result<(), Error> {
        let file = file(false, false)?;
        for bad in [
            Region { x: 2, ..ALL },
            Region { x: 1, width: 9, ..ALL },
            Region { height: HEIGHT + 2, ..ALL },
            Region { x: u32::MAX, y: 2, width: 2, height: 2, scaled: None },
        ] {
            assert!(part(&file, bad, 3).is_err(), "{bad:?}");
        }
        assert_eq!(Decoder::new(&file)?.decode(&ALL, &mut [0; 9], || true), Err(LENGTH));
        for end in 0..file.len() {
            assert!(part(&file[..end], ALL, 3).is_err(), "{end}");
        }
        let image = Image {
            samples: Samples::Rgb(&[0; 12]),
            width: 3,
            height: 2,
            lossless: false,
            quality: 75,
            effort: 2,
        };
        assert!(encode(&image, || true).is_err());
        let planes = |luma, red| Samples::Planes([luma, &[128; 2], red]);
        let of = |samples| encode(&Image { samples, ..image }, || true);
        assert!(of(planes(&[16; 6], &[128; 2])).is_ok());
        assert!(of(planes(&[16; 5], &[128; 2])).is_err());
        assert!(of(planes(&[16; 6], &[128; 1])).is_err());
        let exact = Image { samples: planes(&[16; 6], &[128; 2]), lossless: true, ..image };
        assert!(encode(&exact, || true).is_err());
        Ok(())
    }

    #[test]
    fn large_ones_come_in_slices_and_stop() -> Result<(), Error> {
        use std::cell::Cell;

        let (width, height, quality, effort) = (1700, 1300, 60, 0);
        let pixels: Vec<u8> = (0..width * height * 3).map(|i| ((i * 7919) >> 6) as u8).collect();
        for lossless in [false, true] {
            let samples = Samples::Rgb(&pixels);
            let image = Image { samples, width, height, lossless, quality, effort };
            let asked = Cell::new(0);
            let counting = || {
                asked.set(asked.get() + 1);
                true
            };
            let file = encode(&image, counting)?;
            assert!(asked.replace(0) > 3);
            assert_eq!(encode(&image, || false).err(), Some(Error::Stopped));

            let all = Region { width, height, ..ALL };
            let mut sliced = vec![0; pixels.len()];
            Decoder::new(&file)?.decode(&all, &mut sliced, counting)?;
            assert!(asked.get() > 3, "{}", asked.get());
            let mut at_once = vec![0; pixels.len()];
            let mut config = decoder_config()?;
            config.output.colorspace = WEBP_CSP_MODE::MODE_RGB;
            config.output.is_external_memory = 1;
            let (rgba, stride, size) = (at_once.as_mut_ptr(), width as c_int * 3, at_once.len());
            config.output.u.RGBA = WebPRGBABuffer { rgba, stride, size };
            // SAFETY: as in `decode`.
            check(unsafe { WebPDecode(file.as_ptr(), file.len(), &mut config) })?;
            assert_eq!(sliced, at_once);

            let stopped = Decoder::new(&file)?.decode(&all, &mut sliced, || false);
            assert_eq!(stopped, Err(Error::Stopped));
            let half = &file[..file.len() / 2];
            assert!(Decoder::new(half)?.decode(&all, &mut sliced, || true).is_err());
        }
        Ok(())
    }
}
