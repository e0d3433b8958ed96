//! Pixels in memory.

use image_gate_codecs::memory::{self, Integer};

use super::size::Size;
use super::{Control, Error};

/// The channels of a pixel, 8 bits each, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Grey.
    L8,
    /// Grey and alpha, not premultiplied.
    La8,
    /// Red, green, blue.
    Rgb8,
    /// Red, green, blue and alpha, not premultiplied.
    Rgba8,
    /// Cyan, magenta, yellow, black; 255 is full ink.
    Cmyk8,
}

impl Layout {
    pub(super) fn channels(self) -> usize {
        match self {
            Layout::L8 => 1,
            Layout::La8 => 2,
            Layout::Rgb8 => 3,
            Layout::Rgba8 | Layout::Cmyk8 => 4,
        }
    }

    pub(super) fn has_alpha(self) -> bool {
        matches!(self, Layout::La8 | Layout::Rgba8)
    }
}

/// Bytes that are copied between two looks at the [`Control`].
const BATCH: usize = 1 << 22;

/// An image whose rows follow each other without a gap: `data` is exactly
/// `width * height * channels` bytes long.
#[derive(Debug)]
pub(super) struct Raster {
    size: Size,
    layout: Layout,
    data: Vec<u8>,
}

impl Raster {
    /// An image of zeros.
    ///
    /// # Errors
    /// [`Error::Internal`] without memory.
    pub(super) fn new(size: Size, layout: Layout) -> Result<Raster, Error> {
        Ok(Raster { size, layout, data: zeroed(data_len(size, layout)?)? })
    }

    /// An image of these bytes.
    ///
    /// # Errors
    /// [`Error::Internal`] for another number of bytes than the size and the layout take.
    pub(super) fn from_data(size: Size, layout: Layout, data: Vec<u8>) -> Result<Raster, Error> {
        if data.len() == data_len(size, layout)? {
            Ok(Raster { size, layout, data })
        } else {
            Err(Error::Internal(format!("{} bytes for {size:?} {layout:?}", data.len())))
        }
    }

    /// A copy.
    ///
    /// # Errors
    /// [`Error::Internal`] without memory; those of [`Control::check`].
    pub(super) fn try_clone(&self, control: &Control) -> Result<Raster, Error> {
        let mut data = with_room(self.data.len())?;
        for part in self.data.chunks(BATCH) {
            control.check()?;
            data.extend_from_slice(part);
        }
        Ok(Raster { data, ..*self })
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    pub(super) fn data(&self) -> &[u8] {
        &self.data
    }

    pub(super) fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// Bytes of a row; never 0, since no image has a side of 0.
    pub(super) fn stride(&self) -> usize {
        self.size.width as usize * self.layout.channels()
    }

    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, u8> {
        self.data.chunks_exact(self.stride())
    }

    pub(super) fn rows_mut(&mut self) -> std::slice::ChunksExactMut<'_, u8> {
        let stride = self.stride();
        self.data.chunks_exact_mut(stride)
    }
}

/// An image of 16 bits a sample, in the order of the machine: grey or red, green and blue, and alpha, not
/// premultiplied, where the number of channels is even.
#[derive(Debug)]
pub(super) struct DeepRaster {
    pub(super) size: Size,
    pub(super) channels: usize,
    /// Exactly `width * height * channels` samples.
    pub(super) data: Vec<u8>,
}

impl DeepRaster {
    /// An image of zeros.
    ///
    /// # Errors
    /// [`Error::Internal`] without memory.
    pub(super) fn new(size: Size, channels: usize) -> Result<DeepRaster, Error> {
        let len = usize::try_from(size.pixels().saturating_mul(channels as u64 * 2));
        let data = zeroed(len.map_err(|_| Error::out_of_memory(usize::MAX))?)?;
        Ok(DeepRaster { size, channels, data })
    }

    /// Bytes of a pixel.
    pub(super) fn pixel(&self) -> usize {
        2 * self.channels
    }

    /// Bytes of a row; never 0.
    pub(super) fn stride(&self) -> usize {
        self.size.width as usize * self.pixel()
    }
}

/// Luma and both chromas of an image, each by itself.
#[derive(Debug)]
pub(super) struct Planes {
    /// Of the image.
    pub(super) size: Size,
    /// How many pixels across and down have one chroma.
    pub(super) sampling: (u8, u8),
    pub(super) planes: [Raster; 3],
}

pub(super) fn data_len(size: Size, layout: Layout) -> Result<usize, Error> {
    if size.pixels() == 0 {
        return Err(Error::Internal(format!("no pixels in {size:?}")));
    }
    usize::try_from(size.pixels())
        .ok()
        .and_then(|pixels| pixels.checked_mul(layout.channels()))
        .ok_or(Error::Internal(format!("no memory for {size:?}")))
}

/// An empty buffer with room for that many items, or an error where a plain
/// `Vec` would end the process.
///
/// # Errors
/// [`Error::Internal`] without memory.
pub(super) fn with_room<T>(len: usize) -> Result<Vec<T>, Error> {
    let mut buffer = Vec::new();
    buffer
        .try_reserve_exact(len)
        .map_err(|_| Error::out_of_memory(len.saturating_mul(size_of::<T>())))?;
    memory::prefer_large_pages(buffer.spare_capacity_mut());
    Ok(buffer)
}

/// Appends to a buffer, which gets an error where a plain `Vec` would end the process.
///
/// # Errors
/// [`Error::Internal`] without memory.
pub(super) fn append<T: Copy>(to: &mut Vec<T>, items: &[T]) -> Result<(), Error> {
    to.try_reserve(items.len()).map_err(|_| Error::out_of_memory(size_of_val(items)))?;
    to.extend_from_slice(items);
    Ok(())
}

/// That many zeros.
///
/// # Errors
/// [`Error::Internal`] without memory.
pub(super) fn zeroed<T: Integer>(len: usize) -> Result<Vec<T>, Error> {
    memory::zeroed(len).ok_or_else(|| Error::out_of_memory(len.saturating_mul(size_of::<T>())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_layout_agree() {
        let size = Size::new(3, 2);
        for layout in [Layout::L8, Layout::La8, Layout::Rgb8, Layout::Rgba8, Layout::Cmyk8] {
            let raster = Raster::new(size, layout).unwrap();
            assert_eq!(raster.data().len(), 6 * layout.channels());
            assert_eq!(raster.rows().len(), 2);
            assert!(Raster::from_data(size, layout, vec![0; 5 * layout.channels()]).is_err());
        }
    }

    #[test]
    fn what_no_memory_holds_is_an_error() {
        let size = Size::new(u32::MAX, u32::MAX);
        assert!(matches!(Raster::new(size, Layout::Rgba8), Err(Error::Internal(_))));
        assert!(matches!(Raster::new(Size::new(0, 1), Layout::L8), Err(Error::Internal(_))));
    }
}
