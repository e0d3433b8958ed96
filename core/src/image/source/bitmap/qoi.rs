//! The header and the chunks of QOI files (<https://qoiformat.org/qoi-specification.pdf>).

use super::described::Described;
use crate::image::bytes::{array, be32};
use crate::image::error::broken;
use crate::image::raster::Layout;
use crate::image::size::Size;
use crate::image::{Control, Error};

pub(in crate::image) const HEADER: usize = 14;

/// Pixels that a byte stands for at most.
const LONGEST_RUN: u64 = 62;

/// Chunks between two looks at the [`Control`].
const BATCH: u32 = 1 << 16;

/// The chunks of a file.
#[derive(Debug)]
pub(in crate::image) struct Qoi<'a> {
    pub(in crate::image) header: &'a [u8],
    data: &'a [u8],
    size: Size,
    has_alpha: bool,
}

impl<'a> Qoi<'a> {
    /// How many rows there are at most. It is known at once.
    pub(in crate::image) fn most_rows(&self) -> u32 {
        let pixels = (self.data.len() as u64).saturating_mul(LONGEST_RUN);
        (pixels / u64::from(self.size.width)).min(self.size.height.into()) as u32
    }

    /// The chunks that make the pixels, and how many of these are missing behind them.
    pub(in crate::image) fn chunks(&self, control: &Control) -> Result<(&'a [u8], u64), Error> {
        let mut missing = self.size.pixels();
        let mut at = 0;
        let mut read: u32 = 0;
        while missing > 0
            && let Some(&tag) = self.data.get(at)
        {
            read = read.wrapping_add(1);
            if read.is_multiple_of(BATCH) {
                control.check()?;
            }
            let (len, pixels) = match tag {
                0xfe => (4, 1),
                // Without alpha it has no meaning.
                0xff => (if self.has_alpha { 5 } else { 1 }, 1),
                0xc0.. => (1, u64::from(tag & 0x3f) + 1),
                0x80.. => (2, 1),
                _ => (1, 1),
            };
            if self.data.len() - at < len {
                break;
            }
            at += len;
            missing = missing.saturating_sub(pixels);
        }
        Ok((self.data.get(..at).unwrap_or_default(), missing))
    }
}

/// Reads the header.
pub(super) fn read(input: &[u8]) -> Result<Described<'_, Qoi<'_>>, Error> {
    let bad = || broken("the header is not valid");
    let (header, data) = input.split_at_checked(HEADER).ok_or_else(bad)?;
    let side = |at| be32(header, at).ok_or_else(bad);
    let size = Size::new(side(4)?, side(8)?);
    let layout = match array(header, 12) {
        Some([3, 0 | 1]) => Layout::Rgb8,
        Some([4, 0 | 1]) => Layout::Rgba8,
        _ => return Err(bad()),
    };
    if size.pixels() == 0 {
        return Err(broken("the header gives no size"));
    }
    let own = Qoi { header, data, size, has_alpha: layout.has_alpha() };
    Ok(Described { size, layout, bits: 8, has_palette: false, profile: None, own })
}
