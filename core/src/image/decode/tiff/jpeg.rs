//! Strips and tiles that are JPEG streams, which have their tables elsewhere (Adobe, TIFF Technical Note 2).

use crate::image::damage::Tolerance;
use crate::image::decode::Decode;
use crate::image::decode::jpeg as decoder;
use crate::image::error::broken;
use crate::image::raster::{Raster, with_room};
use crate::image::size::Size;
use crate::image::source::jpeg::{APP0, APP15, COM, Jpeg, SOI, SOS, Walk, stands_alone};
use crate::image::source::tiff::{Colors, Tiff};
use crate::image::{Control, Error, Limits};

/// The segment that says that there are colours as they are, or luma and chroma.
const ADOBE_RGB: &[u8] = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0";
const ADOBE_YCC: &[u8] = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x01";

/// Bytes that a file has more than its parts.
const MORE: usize = 2 + ADOBE_RGB.len();

/// Bytes that are held at most while a chunk of so many is decoded, besides its pixels.
pub(super) fn working_bytes(tiff: &Tiff, compressed: u64) -> u64 {
    compressed + tiff.jpeg_tables.map_or(0, <[u8]>::len) as u64 + MORE as u64
}

/// Decodes a chunk of that width, which has so many rows at least.
pub(super) fn decode(
    tiff: &Tiff,
    data: &[u8],
    rows: u32,
    scans: u32,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Raster, Error> {
    let file = file(tiff, data)?;
    let jpeg = &Jpeg::of_stream(&file)?;
    if !jpeg.one_pass() {
        return Err(Error::UnsupportedFormat("TIFF with progressive JPEG".to_owned()));
    }
    let size = jpeg.size();
    let Size { width, height } = tiff.chunks.size;
    let colors = if tiff.is_planar { 1 } else { tiff.colors.samples() };
    if size.width != width || !(rows..=height).contains(&size.height) || jpeg.components() != colors
    {
        return Err(broken("a JPEG stream is of another kind than its strip or tile"));
    }
    jpeg.check(&Limits { scans, ..Limits::default() }, tolerance)?;
    decoder::decode(&file, jpeg, size, &Decode::all(size, scans), tolerance, control)
}

/// A file of its own: the tables, what the directory says of the colours, and the stream without what it
/// may say of them itself.
fn file(tiff: &Tiff, data: &[u8]) -> Result<Vec<u8>, Error> {
    let tables = tiff.jpeg_tables.unwrap_or_default();
    let mut file = with_room(tables.len() + data.len() + MORE)?;
    file.extend_from_slice(&[0xff, SOI]);
    file.extend_from_slice(match tiff.colors {
        Colors::Rgb if !tiff.is_planar => ADOBE_RGB,
        Colors::YCbCr => ADOBE_YCC,
        _ => &[],
    });
    for part in [tables, data] {
        let mut walk = Walk::new(part, 2);
        while let Some(marker) = walk.marker() {
            let start = walk.at();
            if marker == SOS {
                file.extend_from_slice(part.get(start - 2..).unwrap_or_default());
                break;
            }
            if stands_alone(marker) {
                continue;
            }
            if walk.segment().is_none() {
                break;
            }
            if !matches!(marker, APP0..=APP15 | COM) {
                file.extend_from_slice(&[0xff, marker]);
                file.extend_from_slice(part.get(start..walk.at()).unwrap_or_default());
            }
        }
    }
    Ok(file)
}
