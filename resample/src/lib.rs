//! Scaling of rasters by convolution, and their alpha multiplied and divided.
//!
//! What `fast_image_resize` makes of its generic functions is more machine code than all of
//! `image-gate-core`. Here it is compiled once, for the pixels that there are, and not with each change
//! of a caller.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x2, U8x3, U8x4, U16, U16x2, U16x3, U16x4};
use fast_image_resize::{
    Filter, FilterType, MulDiv, PixelTrait, ResizeAlg, ResizeOptions, Resizer as Convolution,
};

/// Why nothing was made.
#[derive(Debug)]
pub struct Error(String);

impl std::fmt::Display for Error {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

fn error(error: impl std::fmt::Display) -> Error {
    Error(error.to_string())
}

/// Rows of pixels, one after the other.
#[derive(Debug)]
pub struct Pixels<B> {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Of a pixel: 1 to 4.
    pub channels: usize,
    /// Whether they have 16 bits each, in the order of the machine, and not 8.
    pub deep: bool,
    /// All of them: `width * height * channels` bytes, or twice as many.
    pub data: B,
}

/// A rectangle of an image, in its pixels.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "they are what they are called")]
pub struct Part {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// Scales by one filter, and keeps its buffer for the next time.
#[derive(Debug)]
pub struct Resizer {
    convolution: Convolution,
    options: ResizeOptions,
}

impl Resizer {
    /// By the weight of a pixel at a distance, which is 0 from `support` on.
    ///
    /// # Errors
    /// `support` is no length.
    pub fn new(weight: fn(f64) -> f64, support: f64) -> Result<Resizer, Error> {
        let filter = Filter::new("weight", weight, support).map_err(error)?;
        let by_filter = ResizeAlg::Convolution(FilterType::Custom(filter));
        let options = ResizeOptions::new().resize_alg(by_filter).use_alpha(false);
        Ok(Resizer { convolution: Convolution::new(), options })
    }

    /// Scales a part of an image to another, each channel by itself. Between the two it holds one of the
    /// width of the first and the height of the second.
    ///
    /// # Errors
    /// The part is not within the image, the data are not as long as they should be, or pixels
    /// do not have the same number of channels.
    pub fn resize(
        &mut self,
        from: &Pixels<&[u8]>,
        part: Part,
        to: &mut Pixels<&mut [u8]>,
    ) -> Result<(), Error> {
        if (from.channels, from.deep) != (to.channels, to.deep) {
            return Err(Error(format!("{} channels to {}", from.channels, to.channels)));
        }
        match (from.channels, from.deep) {
            (1, false) => self.convolve::<U8>(from, part, to),
            (2, false) => self.convolve::<U8x2>(from, part, to),
            (3, false) => self.convolve::<U8x3>(from, part, to),
            (4, false) => self.convolve::<U8x4>(from, part, to),
            (1, true) => self.convolve::<U16>(from, part, to),
            (2, true) => self.convolve::<U16x2>(from, part, to),
            (3, true) => self.convolve::<U16x3>(from, part, to),
            (4, true) => self.convolve::<U16x4>(from, part, to),
            (channels, _) => Err(Error(format!("{channels} channels"))),
        }
    }

    fn convolve<P: PixelTrait>(
        &mut self,
        from: &Pixels<&[u8]>,
        part: Part,
        to: &mut Pixels<&mut [u8]>,
    ) -> Result<(), Error> {
        let options = self.options.crop(part.left, part.top, part.width, part.height);
        let from = TypedImageRef::<P>::from_buffer(from.width, from.height, from.data);
        let to = TypedImage::<P>::from_buffer(to.width, to.height, to.data);
        let (from, mut to) = (from.map_err(error)?, to.map_err(error)?);
        self.convolution.resize_typed(&from, &mut to, &options).map_err(error)
    }
}

/// Has each channel be its part of what shows, of 2 channels or 4, the last of which is alpha.
///
/// # Errors
/// There is no alpha, or the data are not as long as they should be.
pub fn multiply_alpha(pixels: Pixels<&mut [u8]>) -> Result<(), Error> {
    let Pixels { width, height, channels, deep, data } = pixels;
    let by = MulDiv::new();
    match (channels, deep) {
        (2, false) => by.multiply_alpha_inplace_typed::<U8x2>(&mut typed(width, height, data)?),
        (4, false) => by.multiply_alpha_inplace_typed::<U8x4>(&mut typed(width, height, data)?),
        (2, true) => by.multiply_alpha_inplace_typed::<U16x2>(&mut typed(width, height, data)?),
        (4, true) => by.multiply_alpha_inplace_typed::<U16x4>(&mut typed(width, height, data)?),
        _ => return Err(Error(format!("{channels} channels have no alpha"))),
    }
    .map_err(error)
}

/// Takes [`multiply_alpha`] back.
///
/// # Errors
/// As there.
pub fn divide_alpha(pixels: Pixels<&mut [u8]>) -> Result<(), Error> {
    let Pixels { width, height, channels, deep, data } = pixels;
    let by = MulDiv::new();
    match (channels, deep) {
        (2, false) => by.divide_alpha_inplace_typed::<U8x2>(&mut typed(width, height, data)?),
        (4, false) => by.divide_alpha_inplace_typed::<U8x4>(&mut typed(width, height, data)?),
        (2, true) => by.divide_alpha_inplace_typed::<U16x2>(&mut typed(width, height, data)?),
        (4, true) => by.divide_alpha_inplace_typed::<U16x4>(&mut typed(width, height, data)?),
        _ => return Err(Error(format!("{channels} channels have no alpha"))),
    }
    .map_err(error)
}

fn typed<P: PixelTrait>(
    width: u32,
    height: u32,
    data: &mut [u8],
) -> Result<TypedImage<'_, P>, Error> {
    TypedImage::from_buffer(width, height, data).map_err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn box_of_one(distance: f64) -> f64 {
        if distance.abs() <= 0.5 { 1.0 } else { 0.0 }
    }

    fn pixels<B>(width: u32, height: u32, channels: usize, data: B) -> Pixels<B> {
        Pixels { width, height, channels, deep: false, data }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let mut resizer = Resizer::new(box_of_one, 0.5).unwrap();
        let from = pixels(4, 2, 1, &[10u8; 8][..]);
        let all = Part { left: 0.0, top: 0.0, width: 4.0, height: 2.0 };
        let mut out = [0; 6];
        assert!(resizer.resize(&from, all, &mut pixels(2, 1, 3, &mut out[..])).is_err());
        assert!(resizer.resize(&from, all, &mut pixels(3, 1, 1, &mut out[..2])).is_err());
        let wide = Part { width: 5.0, ..all };
        assert!(resizer.resize(&from, wide, &mut pixels(2, 1, 1, &mut out[..2])).is_err());
        assert_eq!(out, [0; 6]);
        resizer.resize(&from, all, &mut pixels(2, 1, 1, &mut out[..2])).unwrap();
        assert_eq!(out, [10, 10, 0, 0, 0, 0]);
        assert!(Resizer::new(box_of_one, -1.0).is_err());
    }

    #[test]
    fn alpha_is_multiplied_and_divided() {
        for channels in [2, 4] {
            let mut data = [200u8; 4];
            data[channels - 1] = 51;
            multiply_alpha(pixels(1, 1, channels, &mut data[..channels])).unwrap();
            assert_eq!((data[0], data[channels - 1]), (40, 51));
            divide_alpha(pixels(1, 1, channels, &mut data[..channels])).unwrap();
            assert_eq!((data[0], data[channels - 1]), (200, 51));
        }
        assert!(multiply_alpha(pixels(1, 1, 3, &mut [0; 3])).is_err());
        let mut data = [40_000u16, 40_000, 40_000, 32_768].map(u16::to_ne_bytes).concat();
        let deep = Pixels { deep: true, ..pixels(1, 1, 4, &mut data[..]) };
        multiply_alpha(Pixels { data: &mut *deep.data, ..deep }).unwrap();
        assert_eq!(u16::from_ne_bytes([deep.data[0], deep.data[1]]).abs_diff(20_000), 0);
        divide_alpha(deep).unwrap();
        assert!(u16::from_ne_bytes([data[0], data[1]]).abs_diff(40_000) <= 1);
    }
}
