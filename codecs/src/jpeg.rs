//! JPEG by libjpeg-turbo: an image, or a part of it, at a fraction of its size.
//!
//! The crate `turbojpeg` has no face for parts.

use std::ffi::{c_char, c_int, c_ulong, c_void};
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{from_ref, null, null_mut};

// It brings the library, whose functions are called by the shim.
#[cfg(feature = "bundled")]
use turbojpeg_sys as _;

use crate::{Band, bytes, slice};

/// Why libjpeg-turbo failed, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

fn wrong(what: &str) -> Error {
    Error(what.to_owned())
}

fn int(number: u32) -> Result<c_int, Error> {
    c_int::try_from(number).map_err(|_| wrong("a huge image"))
}

/// The length of a file in libjpeg-turbo's type for it.
fn length<T: TryFrom<usize>>(input: &[u8]) -> Result<T, Error> {
    T::try_from(input.len()).map_err(|_| wrong("a huge file"))
}

/// What libjpeg-turbo warns of first of a file that it decoded to its end, in its own words: some
/// of its pixels may be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning(String);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelFormat {
    /// One channel.
    Grey,
    /// Red, green and blue.
    Rgb,
    /// Four inks, as they are stored.
    Cmyk,
}

impl PixelFormat {
    fn channels(self) -> u32 {
        match self {
            PixelFormat::Grey => 1,
            PixelFormat::Rgb => 3,
            PixelFormat::Cmyk => 4,
        }
    }
}

/// What is decoded of an image, in pixels of the output. Its edges are interpolated without
/// what is beyond them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// The first column; the left edge of an MCU.
    pub x: u32,
    /// The first row.
    pub y: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// A file whose headers are read.
#[derive(Debug)]
pub struct Decoder<'a> {
    input: &'a [u8],
    scans: u32,
    width: u32,
    height: u32,
}

impl<'a> Decoder<'a> {
    /// Reads the headers of a file, of which no more than so many scans are decoded.
    ///
    /// # Errors
    /// Where they are broken. What is warned of is again when the image is decoded.
    pub fn new(input: &'a [u8], scans: u32) -> Result<Decoder<'a>, Error> {
        let mut size = [0_u32; 2];
        let goes_on: &dyn Fn() -> bool = &|| true;
        let mut guard = Guard::new(&goes_on);
        // SAFETY: the bytes are readable, and there is room for two sides; the guard outlives the call.
        let result =
            unsafe { ig_jpeg_size(input.as_ptr(), length(input)?, size.as_mut_ptr(), &mut guard) };
        ended(result, &guard)?;
        let [width, height] = size;
        Ok(Decoder { input, scans, width, height })
    }

    /// Width and height in pixels, as stored.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Decodes so many eighths of the image, or a part of that. What is not needed for the part
    /// is not decoded, and what comes after it not even read. Asks `goes_on` every few rows.
    ///
    /// # Errors
    /// Where the image is broken or stopped, but not where it is only warned of; where there is no
    /// such scale or part; where `pixels` is not exactly as long as it becomes.
    pub fn decode(
        self,
        eighths: u32,
        part: Option<Region>,
        format: PixelFormat,
        pixels: &mut [u8],
        goes_on: impl Fn() -> bool,
    ) -> Result<Option<Warning>, Error> {
        let Decoder { input, scans, width, height } = self;
        if !SCALES.contains(&eighths) {
            return Err(wrong("no such scale"));
        }
        let scaled = |side: u32| (u64::from(side) * u64::from(eighths)).div_ceil(8) as u32;
        let (width, height) = (scaled(width), scaled(height));
        let all = Region { x: 0, y: 0, width, height };
        let part = part.unwrap_or(all);
        let inside = |at: u32, len: u32, all: u32| {
            len > 0 && at.checked_add(len).is_some_and(|end| end <= all)
        };
        if !inside(part.x, part.width, width) || !inside(part.y, part.height, height) {
            return Err(wrong("not a part of the image"));
        }
        if Some(pixels.len()) != bytes(part.width, part.height, format.channels()) {
            return Err(wrong("the pixels have not the length of the image"));
        }
        let raw = RawPart {
            data: input.as_ptr(),
            len: input.len(),
            scans: int(scans)?,
            eighths,
            x: part.x,
            y: part.y,
            width: part.width,
            height: part.height,
            channels: format.channels() as c_int,
        };
        let goes_on: &dyn Fn() -> bool = &goes_on;
        let mut guard = Guard::new(&goes_on);
        // SAFETY: the bytes are readable, and there is room for as many rows as the part has,
        // which was just counted; the guard and what it points to outlive the call.
        let result = unsafe { ig_jpeg_decode(&raw, pixels.as_mut_ptr(), &mut guard) };
        ended(result, &guard)
    }
}

impl Decoder<'_> {
    /// Hands luma and both chromas of an image of YCbCr to `take` as they are stored, a row of MCUs
    /// after the other, until the first so many rows of pixels were among them, or `take` wants no
    /// more. What comes behind is not even read. Asks `goes_on` every few rows.
    ///
    /// `sampling` is how many pixels across and down have one chroma, as the header has it.
    ///
    /// # Errors
    /// As of [`decode`](Decoder::decode); where the components are others.
    pub fn decode_planes(
        self,
        sampling: (u8, u8),
        rows: u32,
        mut take: impl FnMut([Band<'_>; 3]) -> bool,
        goes_on: impl Fn() -> bool,
    ) -> Result<Option<Warning>, Error> {
        if rows == 0 || rows > self.height {
            return Err(wrong("not a part of the image"));
        }
        let raw = RawPlanes {
            data: self.input.as_ptr(),
            len: self.input.len(),
            scans: int(self.scans)?,
            across: sampling.0.into(),
            down: sampling.1.into(),
            rows,
        };
        let mut take: &mut TakeBands<'_> = &mut take;
        let goes_on: &dyn Fn() -> bool = &goes_on;
        let mut guard = Guard::new(&goes_on);
        let data = (&raw mut take).cast();
        // SAFETY: the bytes are readable; the guard, what takes the rows and what they point to
        // outlive the call.
        let result = unsafe { ig_jpeg_decode_planes(&raw, takes, data, &mut guard) };
        ended(result, &guard)
    }
}

/// What takes over the rows that [`Decoder::decode_planes`] hands out.
type TakeBands<'a> = dyn FnMut([Band<'_>; 3]) -> bool + 'a;

/// Hands rows over.
///
/// # Safety
/// `data` is a pointer to a reference to a [`TakeBands`], and there are three bands of as many bytes as
/// they say.
unsafe extern "C" fn takes(data: *mut c_void, bands: *const RawBand) -> c_int {
    // SAFETY: the caller's promise.
    let take = unsafe { &mut *data.cast::<&mut TakeBands<'_>>() };
    let band = |at: usize| {
        // SAFETY: the caller's promise.
        let band = unsafe { &*bands.add(at) };
        // SAFETY: as above.
        let samples = unsafe { slice(band.samples, band.stride * band.rows) };
        Band { samples, stride: band.stride }
    };
    let bands = [band(0), band(1), band(2)];
    catch_unwind(AssertUnwindSafe(|| take(bands))).unwrap_or(false).into()
}

/// How decoding ended.
fn ended(result: c_int, guard: &Guard<'_>) -> Result<Option<Warning>, Error> {
    match result {
        OK => Ok(None),
        WARNED => Ok(Some(Warning(guard.error().0))),
        STOPPED => Err(wrong("stopped")),
        _ => Err(guard.error()),
    }
}

/// The scales that there are, in eighths.
const SCALES: std::ops::RangeInclusive<u32> = 1..=16;

/// What an image to encode is made of; rows follow each other without a gap.
#[derive(Debug, Clone, Copy)]
pub enum Samples<'a> {
    /// One channel.
    Grey(&'a [u8]),
    /// Red, green and blue, pixel by pixel.
    Rgb(&'a [u8]),
    /// Luma, and both chromas of the size that [`plane_size`] says.
    Planes([&'a [u8]; 3]),
}

/// Width and height of the chroma of an image, of which one is for so many pixels across and down.
#[must_use]
pub fn plane_size((width, height): (u32, u32), sampling: (u8, u8)) -> (u32, u32) {
    (width.div_ceil(sampling.0.max(1).into()), height.div_ceil(sampling.1.max(1).into()))
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
    /// How many pixels across and down have one chroma: 1 or 2.
    pub sampling: (u8, u8),
    /// 1 to 100.
    pub quality: u8,
    /// Whether it comes in several scans.
    pub progressive: bool,
}

/// Encodes an image; asks `goes_on` every few rows.
///
/// # Errors
/// `None` where it was stopped; where there is no memory, or the pixels are not as many as
/// announced.
pub fn encode(image: &Image<'_>, goes_on: impl Fn() -> bool) -> Result<Encoded, Option<Error>> {
    let sampling = (image.sampling.0.clamp(1, 2), image.sampling.1.clamp(1, 2));
    let fits = |samples: &[u8], (width, height): (u32, u32), channels: u32| {
        width > 0 && height > 0 && Some(samples.len()) == bytes(width, height, channels)
    };
    let size = (image.width, image.height);
    let (pixels, planes, channels) = match image.samples {
        Samples::Grey(pixels) if fits(pixels, size, 1) => (pixels.as_ptr(), [null(); 3], 1),
        Samples::Rgb(pixels) if fits(pixels, size, 3) => (pixels.as_ptr(), [null(); 3], 3),
        Samples::Planes([luma, chromas @ ..])
            if fits(luma, size, 1)
                && chromas.iter().all(|chroma| fits(chroma, plane_size(size, sampling), 1)) =>
        {
            let [blue, red] = chromas;
            (null(), [luma, blue, red].map(<[u8]>::as_ptr), 3)
        }
        _ => return Err(Some(wrong("the pixels have not the length of the image"))),
    };
    let raw = RawImage {
        planes,
        pixels,
        width: image.width,
        height: image.height,
        channels,
        quality: image.quality.clamp(1, 100).into(),
        progressive: image.progressive.into(),
        across: sampling.0.into(),
        down: sampling.1.into(),
    };
    let goes_on: &dyn Fn() -> bool = &goes_on;
    let mut guard = Guard::new(&goes_on);
    let mut encoded = Encoded { data: null_mut(), len: 0 };
    // SAFETY: the pixels were just counted; the guard and what it points to outlive the call, and
    // so does the room for the result.
    let result = unsafe { ig_jpeg_encode(&raw, &mut encoded.data, &mut encoded.len, &mut guard) };
    match result {
        OK => Ok(encoded),
        STOPPED => Err(None),
        _ => Err(Some(guard.error())),
    }
}

/// An encoded file.
#[derive(Debug)]
pub struct Encoded {
    data: *mut u8,
    len: c_ulong,
}

impl Deref for Encoded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: what libjpeg wrote, until it is freed.
        unsafe { slice(self.data, self.len as usize) }
    }
}

impl Drop for Encoded {
    fn drop(&mut self) {
        // SAFETY: nothing, or what libjpeg allocated, and nobody has it any more.
        unsafe { ig_jpeg_free(self.data) }
    }
}

const OK: c_int = 0;
const WARNED: c_int = 1;
const STOPPED: c_int = 2;

/// `ig_jpeg_guard` of the shim: what it asks whether to go on, and where it says what is wrong.
#[repr(C)]
struct Guard<'a> {
    goes_on: unsafe extern "C" fn(*mut c_void) -> c_int,
    data: *mut c_void,
    message: [c_char; 200],
    life: std::marker::PhantomData<&'a ()>,
}

impl<'a> Guard<'a> {
    fn new(goes_on: &'a &'a dyn Fn() -> bool) -> Guard<'a> {
        let data = from_ref(goes_on).cast_mut().cast();
        Guard { goes_on: asks, data, message: [0; 200], life: std::marker::PhantomData }
    }

    fn error(&self) -> Error {
        let text = self.message.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0);
        Error(String::from_utf8_lossy(&text.collect::<Vec<_>>()).into_owned())
    }
}

/// Whether to go on.
///
/// # Safety
/// `data` is that of a [`Guard`].
unsafe extern "C" fn asks(data: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    let goes_on = unsafe { &*data.cast::<&dyn Fn() -> bool>() };
    catch_unwind(AssertUnwindSafe(goes_on)).unwrap_or(false).into()
}

/// `ig_jpeg_image` of the shim.
#[repr(C)]
struct RawImage {
    planes: [*const u8; 3],
    pixels: *const u8,
    width: u32,
    height: u32,
    channels: c_int,
    quality: c_int,
    progressive: c_int,
    across: c_int,
    down: c_int,
}

/// `ig_jpeg_part` of the shim.
#[repr(C)]
struct RawPart {
    data: *const u8,
    len: usize,
    scans: c_int,
    eighths: u32,
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    channels: c_int,
}

/// `ig_jpeg_planes` of the shim.
#[repr(C)]
struct RawPlanes {
    data: *const u8,
    len: usize,
    scans: c_int,
    across: c_int,
    down: c_int,
    rows: u32,
}

/// `ig_jpeg_band` of the shim.
#[repr(C)]
struct RawBand {
    samples: *const u8,
    stride: usize,
    rows: usize,
}

unsafe extern "C" {
    fn ig_jpeg_size(data: *const u8, len: c_ulong, size: *mut u32, guard: *mut Guard<'_>) -> c_int;
    fn ig_jpeg_decode_planes(
        planes: *const RawPlanes,
        take: unsafe extern "C" fn(*mut c_void, *const RawBand) -> c_int,
        data: *mut c_void,
        guard: *mut Guard<'_>,
    ) -> c_int;
    fn ig_jpeg_decode(part: *const RawPart, pixels: *mut u8, guard: *mut Guard<'_>) -> c_int;
    fn ig_jpeg_encode(
        image: *const RawImage,
        out: *mut *mut u8,
        len: *mut c_ulong,
        guard: *mut Guard<'_>,
    ) -> c_int;
    fn ig_jpeg_free(out: *mut u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 97x65 pixels.
    const FILE: &[u8] = include_bytes!("../../core/tests/fixtures/sampled-2x2.jpg");

    fn decoded(eighths: u32, part: Region) -> Result<Vec<u8>, Error> {
        let mut pixels = vec![0; part.width as usize * part.height as usize * 3];
        let decoder = Decoder::new(FILE, 10)?;
        assert_eq!(decoder.size(), (97, 65));
        let warning =
            decoder.decode(eighths, Some(part), PixelFormat::Rgb, &mut pixels, || true)?;
        assert_eq!(warning, None);
        Ok(pixels)
    }

    #[test]
    fn a_part_is_that_of_the_whole() -> Result<(), Error> {
        for (eighths, all, part) in [
            (8, (97, 65), Region { x: 32, y: 23, width: 30, height: 19 }),
            (4, (49, 33), Region { x: 16, y: 5, width: 33, height: 28 }),
            (1, (13, 9), Region { x: 2, y: 3, width: 5, height: 4 }),
        ] {
            let whole = decoded(eighths, Region { x: 0, y: 0, width: all.0, height: all.1 })?;
            let cut = decoded(eighths, part)?;
            for (y, row) in (part.y..).zip(cut.chunks_exact(part.width as usize * 3)) {
                // At the edges the chroma of neighbours counts.
                let inner = 3..row.len() - 3;
                let at = (y * all.0 + part.x) as usize * 3;
                assert_eq!(row[inner.clone()], whole[at..][inner], "{eighths} {y}");
            }
        }
        Ok(())
    }

    #[test]
    fn what_can_not_be_is_an_error() -> Result<(), Error> {
        let part = Region { x: 0, y: 0, width: 20, height: 20 };
        for bad in [
            Region { x: 5, ..part },
            Region { x: 80, ..part },
            Region { y: 46, ..part },
            Region { y: u32::MAX, ..part },
            Region { width: 0, ..part },
        ] {
            assert!(decoded(8, bad).is_err(), "{bad:?}");
        }
        assert!(decoded(0, part).is_err() && decoded(200, part).is_err());
        let short =
            Decoder::new(FILE, 10)?
                .decode(8, Some(part), PixelFormat::Rgb, &mut [0; 1199], || true);
        assert!(short.is_err());
        assert!(Decoder::new(&FILE[..200], 10).is_err());
        Ok(())
    }

    #[test]
    fn what_is_missing_is_warned_of() -> Result<(), Error> {
        let cut = &FILE[..FILE.len() / 2];
        let mut pixels = vec![0; 97 * 65 * 3];
        let warning =
            Decoder::new(cut, 10)?.decode(8, None, PixelFormat::Rgb, &mut pixels, || true)?;
        let message = warning.map(|warning| warning.to_string()).unwrap_or_default();
        assert!(message.contains("Premature end"), "{message}");
        // All that was there is what it is in the whole, but for the last row, whose chroma leans
        // on the next one's. What was not there is grey.
        let whole = decoded(8, Region { x: 0, y: 0, width: 97, height: 65 })?;
        assert!(pixels[..97 * 15 * 3] == whole[..97 * 15 * 3]);
        assert!(pixels[97 * 60 * 3..].iter().all(|&value| value == 128));
        // The end of the data is missed only by who needs it.
        let top = Some(Region { x: 0, y: 0, width: 20, height: 8 });
        let pixels = &mut pixels[..20 * 8 * 3];
        assert_eq!(
            Decoder::new(cut, 10)?.decode(8, top, PixelFormat::Rgb, pixels, || true),
            Ok(None)
        );
        Ok(())
    }

    /// Luma and chroma of a file of 97x65 pixels, without what fills the blocks at its edges.
    fn planes(file: &[u8], rows: u32) -> Result<[Vec<u8>; 3], Error> {
        let mut planes = [const { Vec::new() }; 3];
        let sizes =
            [(97, rows as usize), (49, rows.div_ceil(2) as usize), (49, rows.div_ceil(2) as usize)];
        let take = |bands: [Band<'_>; 3]| {
            for ((plane, (width, height)), band) in planes.iter_mut().zip(sizes).zip(bands) {
                for row in band.samples.chunks_exact(band.stride) {
                    if plane.len() < width * height {
                        plane.extend_from_slice(&row[..width]);
                    }
                }
            }
            true
        };
        let warning = Decoder::new(file, 10)?.decode_planes((2, 2), rows, take, || true)?;
        assert_eq!(warning, None);
        assert_eq!(planes.each_ref().map(Vec::len), sizes.map(|(width, height)| width * height));
        Ok(planes)
    }

    #[test]
    fn planes_are_what_is_stored() -> Result<(), Error> {
        let [luma, blue, red] = planes(FILE, 65)?;
        // What is grey by its luma is that.
        let mut grey = vec![0; 97 * 65];
        Decoder::new(FILE, 10)?.decode(8, None, PixelFormat::Grey, &mut grey, || true)?;
        assert_eq!(luma, grey);
        // In the middle of a smooth place all there is to a colour is its sample of chroma.
        let pixels = decoded(8, Region { x: 0, y: 0, width: 97, height: 65 })?;
        for (x, y) in [(20, 20), (60, 40), (10, 50)] {
            let at = y * 97 + x;
            let (y, cb, cr) = (luma[at], blue[y / 2 * 49 + x / 2], red[y / 2 * 49 + x / 2]);
            let rgb = &pixels[at * 3..][..3];
            let (y, cb, cr) = (f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0);
            for (channel, expected) in
                rgb.iter().zip([y + 1.402 * cr, y - 0.34414 * cb - 0.71414 * cr, y + 1.772 * cb])
            {
                let near = (f64::from(*channel) - expected.clamp(0.0, 255.0)).abs();
                assert!(near < 24.0, "{rgb:?} {expected}");
            }
        }
        // Not all of them.
        let [first, ..] = planes(FILE, 20)?;
        assert_eq!(first, luma[..97 * 20]);
        Ok(())
    }

    #[test]
    fn planes_are_encoded_as_they_are() -> Result<(), Error> {
        let before = planes(FILE, 65)?;
        for progressive in [false, true] {
            let image = Image {
                samples: Samples::Planes(before.each_ref().map(Vec::as_slice)),
                width: 97,
                height: 65,
                sampling: (2, 2),
                quality: 100,
                progressive,
            };
            let file =
                encode(&image, || true).map_err(|error| error.unwrap_or(wrong("stopped")))?;
            let after = planes(&file, 65)?;
            for (before, after) in before.iter().flatten().zip(after.iter().flatten()) {
                assert!(before.abs_diff(*after) <= 2);
            }
            let short = Samples::Planes([&before[0], &before[1], &before[2][1..]]);
            assert!(encode(&Image { samples: short, ..image }, || true).is_err());
            assert!(matches!(encode(&image, || false), Err(None)));
        }
        Ok(())
    }

    #[test]
    fn planes_that_are_not_there_are_an_error() -> Result<(), Error> {
        let planes = |sampling, rows, goes_on: bool, takes: bool| {
            Decoder::new(FILE, 10)?.decode_planes(sampling, rows, |_| takes, || goes_on)
        };
        assert_eq!(planes((2, 2), 65, true, true)?, None);
        assert!(planes((2, 1), 65, true, true).is_err());
        assert!(planes((2, 2), 66, true, true).is_err());
        assert!(planes((2, 2), 0, true, true).is_err());
        assert!(planes((2, 2), 65, false, true).is_err());
        assert!(planes((2, 2), 65, true, false).is_err());
        // A panic of who takes them ends it.
        let panics = Decoder::new(FILE, 10)?.decode_planes((2, 2), 65, |_| panic!("ends"), || true);
        assert!(panics.is_err());
        let inks = include_bytes!("../../core/tests/fixtures/cmyk.jpg");
        assert!(Decoder::new(inks, 10)?.decode_planes((1, 1), 1, |_| true, || true).is_err());
        Ok(())
    }
}
