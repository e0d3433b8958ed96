//! The directory of an ICO file, and the picture of it that is shown: the largest.

use super::bmp::Dib;
use super::described::Described;
use crate::image::Error;
use crate::image::bytes::{array, le16, le32};
use crate::image::error::broken;
use crate::image::raster::Layout;
use crate::image::size::Size;

/// Bytes of the directory before its entries, and of an entry.
const DIRECTORY: usize = 6;
const ENTRY: usize = 16;

/// Pixels of a side that is no longer, four times of what Windows shows: larger ones are PNG files.
const LONGEST: u32 = 1024;

/// Pixels of an icon, below them the mask of those that are not shown.
#[derive(Debug)]
pub(in crate::image) struct Icon<'a> {
    data: &'a [u8],
    size: Size,
    /// Where the pixels begin, and where they end.
    pixels: (u64, u64),
    stride: u64,
    /// Where the mask ends.
    end: u64,
    /// Whether pixels may have an alpha of their own.
    pub(in crate::image) has_alpha: bool,
}

impl Icon<'_> {
    /// How many rows there are, from the lowest up.
    pub(in crate::image) fn rows(&self) -> u32 {
        let there = (self.data.len() as u64).saturating_sub(self.pixels.0);
        (there / self.stride.max(1)).min(self.size.height.into()) as u32
    }

    /// Bytes of the file that [`write_file`](Icon::write_file) writes.
    pub(in crate::image) fn file_bytes(&self) -> u64 {
        self.pixels.1 + (DIRECTORY + ENTRY) as u64
    }

    /// Writes an ICO file with nothing but this picture, and without its mask, into an empty buffer that
    /// has the room. Where rows are missing they are zeros.
    pub(in crate::image) fn write_file(&self, file: &mut Vec<u8>) {
        let len = self.pixels.1;
        // What is 256 and more is written as 0.
        let side = |side: u32| u8::try_from(side).unwrap_or(0);
        file.extend_from_slice(&[0, 0, 1, 0, 1, 0]);
        file.extend_from_slice(&[side(self.size.width), side(self.size.height), 0, 0, 1, 0, 32, 0]);
        file.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
        file.extend_from_slice(&((DIRECTORY + ENTRY) as u32).to_le_bytes());
        let len = len as usize;
        file.extend_from_slice(self.data.get(..len).unwrap_or(self.data));
        file.resize(DIRECTORY + ENTRY + len, 0);
    }

    /// The rows of the mask from the lowest up, whose bits are set where nothing is shown; none where it is
    /// not whole.
    pub(in crate::image) fn mask(&self) -> impl Iterator<Item = &[u8]> {
        let mask = self.data.get(self.pixels.1 as usize..self.end as usize).unwrap_or_default();
        mask.chunks_exact(mask_stride(self.size.width) as usize)
    }
}

/// Bytes of a row of a mask.
fn mask_stride(width: u32) -> u64 {
    u64::from(width.div_ceil(32)) * 4
}

/// The largest picture of a file, which may be a PNG file of its own.
pub(in crate::image::source) fn largest(input: &[u8]) -> Result<&[u8], Error> {
    let count = le16(input, 4).unwrap_or(0);
    let entries = input.get(DIRECTORY..).unwrap_or_default().as_chunks::<ENTRY>().0;
    let largest = entries
        .iter()
        .take(count.into())
        .rev()
        .max_by_key(|&&[width, height, _, _, _, _, low, high, ..]| {
            let side = |side: u8| if side == 0 { 256 } else { u32::from(side) };
            (side(width) * side(height), u16::from_le_bytes([low, high]))
        })
        .ok_or_else(|| broken("no picture"))?;
    let number = |at| le32(largest, at).unwrap_or(0) as usize;
    let (len, start) = (number(8), number(12));
    let data = input.get(start..).unwrap_or_default();
    Ok(data.get(..len).unwrap_or(data))
}

/// Reads the header of a picture that is no PNG.
pub(super) fn read(data: &[u8]) -> Result<Described<'_, Icon<'_>>, Error> {
    let dib = Dib::read(data)?;
    if dib.is_packed() || dib.has_four_behind || array::<1>(data, 0) == Some([12]) {
        return Err(Error::UnsupportedFormat("ICO with packed pixels".to_owned()));
    }
    // The mask counts as if it were another half of the picture.
    let size = Size::new(dib.size.width, dib.size.height / 2);
    if size.pixels() == 0 {
        return Err(broken("the header gives no size"));
    }
    if size.width.max(size.height) > LONGEST {
        let what = format!("ICO of {}x{} pixels that are no PNG", size.width, size.height);
        return Err(Error::UnsupportedFormat(what));
    }
    let colors = if dib.has_palette() {
        let most = 1 << dib.bits;
        if dib.colors > most {
            return Err(broken("more colours than there are numbers"));
        }
        if dib.colors == 0 { most } else { dib.colors }
    } else {
        0
    };
    let masks = if dib.has_masks() && matches!(dib.header, 40 | 108 | 124) { 12 } else { 0 };
    let start = dib.header as u64 + masks + u64::from(colors) * 4;
    let pixels = (start, start + dib.stride() * u64::from(size.height));
    let end = pixels.1 + mask_stride(size.width) * u64::from(size.height);
    let has_alpha = dib.has_alpha || dib.bits == 32 && !dib.has_masks();
    let icon = Icon { data, size, pixels, stride: dib.stride(), end, has_alpha };
    Ok(Described {
        size,
        layout: Layout::Rgba8,
        bits: dib.depth(),
        has_palette: dib.has_palette(),
        profile: None,
        own: icon,
    })
}
