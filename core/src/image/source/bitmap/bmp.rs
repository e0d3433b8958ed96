//! The headers of BMP files (Microsoft, "Bitmap Header Types", and those of OS/2 1.x).

use super::described::Described;
use crate::image::Error;
use crate::image::bytes::{array, le16, le32};
use crate::image::error::broken;
use crate::image::raster::Layout;
use crate::image::size::Size;

/// Bytes of the file's own header.
const FILE_HEADER: usize = 14;

/// Bytes of the header that most have, and of the shortest with masks of colours and alpha.
const SHORT_HEADER: u32 = 40;
const MASKS_HEADER: u32 = 56;

/// What stands for a compression where there are masks, and where there is one of alpha behind a short header.
const MASKS: u32 = 3;
const FOUR_MASKS: u32 = 6;

/// What a file says of its pixels, or an icon, which has no file header.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct Dib {
    /// Bytes of the header.
    pub(super) header: usize,
    pub(super) size: Size,
    /// Bits of a pixel.
    pub(super) bits: u16,
    compression: u32,
    /// Colours of the palette.
    pub(super) colors: u32,
    /// Whether there is a mask of alpha.
    pub(super) has_alpha: bool,
    /// Whether four masks follow a header that has no place for them.
    pub(super) has_four_behind: bool,
}

/// Pixels of a file.
#[derive(Debug)]
pub(in crate::image) struct Bmp<'a> {
    pub(in crate::image) input: &'a [u8],
    dib: Dib,
    data: &'a [u8],
}

impl Dib {
    /// Reads a header.
    pub(super) fn read(bytes: &[u8]) -> Result<Dib, Error> {
        let cut = || broken("the header is too short");
        let header = le32(bytes, 0).ok_or_else(cut)?;
        let unsupported = |what: String| Err(Error::UnsupportedFormat(format!("BMP with {what}")));
        if header == 12 {
            let side = |at| le16(bytes, at).map(u32::from).ok_or_else(cut);
            let bits = le16(bytes, 10).ok_or_else(cut)?;
            let size = Size::new(side(4)?, side(6)?);
            let dib = Dib {
                header: 12,
                size,
                bits,
                compression: 0,
                colors: 0,
                has_alpha: false,
                has_four_behind: false,
            };
            return if matches!(bits, 1 | 4 | 8 | 24) {
                Ok(dib)
            } else {
                unsupported(format!("{bits} bits"))
            };
        }
        if !matches!(header, 40 | 52 | 56 | 108 | 124) {
            return unsupported(format!("a header of {header} bytes"));
        }
        let number = |at| le32(bytes, at).ok_or_else(cut);
        let (width, height) = (number(4)?.cast_signed(), number(8)?.cast_signed());
        let size = Size::new(width.max(0).cast_unsigned(), height.unsigned_abs());
        let bits = le16(bytes, 14).ok_or_else(cut)?;
        let (compression, colors) = (number(16)?, number(32)?);
        // What Windows CE writes, which is as long as a header that has a place for them, and means the same.
        let has_four_behind = compression == FOUR_MASKS && header == SHORT_HEADER;
        let (compression, header) =
            if has_four_behind { (MASKS, MASKS_HEADER) } else { (compression, header) };
        match (compression, bits) {
            (0, 1 | 2 | 4 | 8 | 16 | 24 | 32) | (MASKS, 16 | 32) => {}
            (1, 8) | (2, 4) if height > 0 => {}
            _ => return unsupported(format!("{bits} bits of compression {compression}")),
        }
        // The oldest of these headers have no place for it.
        let has_alpha = compression == MASKS && header >= MASKS_HEADER && number(52)? != 0;
        let header = header as usize;
        Ok(Dib { header, size, bits, compression, colors, has_alpha, has_four_behind })
    }

    pub(super) fn has_palette(&self) -> bool {
        self.bits <= 8
    }

    /// Bits of a sample.
    pub(super) fn depth(&self) -> u8 {
        if self.bits == 16 { 5 } else { 8 }
    }

    /// Whether the pixels are packed into runs.
    pub(super) fn is_packed(&self) -> bool {
        matches!(self.compression, 1 | 2)
    }

    /// Whether the masks of the colours are given.
    pub(super) fn has_masks(&self) -> bool {
        self.compression == MASKS
    }

    /// Bytes of a row of pixels that are not packed.
    pub(super) fn stride(&self) -> u64 {
        (u64::from(self.size.width) * u64::from(self.bits)).div_ceil(32) * 4
    }
}

impl Bmp<'_> {
    /// How many rows of pixels that are not packed there are, from the first that is stored on.
    pub(in crate::image) fn rows(&self) -> u32 {
        let rows = self.data.len() as u64 / self.dib.stride().max(1);
        rows.min(self.dib.size.height.into()) as u32
    }

    /// The runs of packed pixels, and how many of these a byte has.
    pub(in crate::image) fn packed(&self) -> Option<(&[u8], usize)> {
        let many = if self.dib.bits == 4 { 2 } else { 1 };
        self.dib.is_packed().then_some((self.data, many))
    }

    /// Bytes of the file, by their places, that have to be others for a reader which knows masks of alpha only in
    /// the header: its length, and that there are masks.
    pub(in crate::image) fn other_bytes(&self) -> &[(u64, u8)] {
        const LENGTH: u64 = FILE_HEADER as u64;
        const COMPRESSION: u64 = LENGTH + 16;
        let other = &[(LENGTH, MASKS_HEADER as u8), (COMPRESSION, MASKS as u8)];
        if self.dib.has_four_behind { other } else { &[] }
    }

    /// How many rows there are at most. It is known at once.
    pub(in crate::image) fn most_rows(&self) -> u32 {
        match self.dib.is_packed() {
            // A jump of four bytes skips 255 rows.
            true => u32::try_from(self.data.len().saturating_mul(64)).unwrap_or(u32::MAX),
            false => self.rows(),
        }
    }
}

/// Reads the headers.
pub(super) fn read(input: &[u8]) -> Result<Described<'_, Bmp<'_>>, Error> {
    let start = le32(input, 10).ok_or_else(|| broken("the header is too short"))?;
    let bytes = input.get(FILE_HEADER..).unwrap_or_default();
    let dib = Dib::read(bytes)?;
    if dib.size.pixels() == 0 {
        return Err(broken("the header gives no size"));
    }
    let data = input.get(start as usize..).unwrap_or_default();
    Ok(Described {
        size: dib.size,
        layout: if dib.has_alpha { Layout::Rgba8 } else { Layout::Rgb8 },
        bits: dib.depth(),
        has_palette: dib.has_palette(),
        profile: profile(bytes, dib.header),
        own: Bmp { input, dib, data },
    })
}

/// The profile that the longest of the headers may have in the file.
fn profile(bytes: &[u8], header: usize) -> Option<&[u8]> {
    if header < 124 || &array(bytes, 56)? != b"DEBM" {
        return None;
    }
    let start = le32(bytes, 112)? as usize;
    bytes.get(start..start.checked_add(le32(bytes, 116)? as usize)?)
}
