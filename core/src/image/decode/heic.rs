//! HEIC by the system's libheif, a cell at a time: each is given to it as a file of its own, with nothing in it
//! but what was looked at before, since it can't be stopped.

use image_gate_codecs::heif::{self, DecodeOptions};
use image_gate_codecs::yuv::Planes;

use super::planes::{self, RowConverter, View};
use super::scale::Scale;
use crate::image::control::fits;
use crate::image::damage::Tolerance;
use crate::image::error::broken;
use crate::image::raster::{Layout, Raster, with_room};
use crate::image::size::Size;
use crate::image::source::heic::{Cell, Heic};
use crate::image::source::heif::{Coded, HeifPicture};
use crate::image::{Control, Error};

/// What a pixel of a slice takes at most, and a byte, in nanoseconds.
const PIXEL_COST: u64 = 150;
const BYTE_COST: u64 = 150;

/// Bytes of the boxes of a file, besides a configuration.
const BOXES: usize = 512;

/// Pictures that another may refer to.
const REFERENCES: u64 = 16;

/// Decodes the primary image.
pub(super) fn decode(
    heic: &Heic,
    scale: Scale,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Raster, Error> {
    let Heic { image, crop, code_points } = heic;
    let strict = tolerance.is_strict();
    let sampling = planes::sampling(image.colors.samples);
    let how = DecodeOptions { sampling, full_range: code_points.full_range, strict };
    let decode = |cell: &Cell| picture(cell, how, control);
    let matrix = planes::matrix(code_points, image.premultiplied);
    let layout = if image.alpha.is_some() { Layout::Rgba8 } else { Layout::Rgb8 };
    let size = image.colors.size;
    let mut rows = RowConverter::new(matrix, size, *crop, layout, scale)?;
    match &image.alpha {
        None if planes::has_rows(&image.colors) => {
            planes::by_rows(&image.colors, &mut rows, decode, control)?;
        }
        alpha => {
            let colors = planes::whole(&image.colors, decode)?;
            // Whoever writes alpha means all of its range.
            let alpha = alpha.as_ref().map(|alpha| {
                let sampling = planes::sampling(alpha.samples);
                let how = DecodeOptions { sampling, full_range: true, strict };
                planes::whole(alpha, |cell| picture(cell, how, control))
            });
            let alpha = alpha.transpose()?;
            rows.convert(&View::all(&colors, alpha.as_ref()), size.height, control)?;
        }
    }
    Ok(rows.finish())
}

/// Decodes a cell, where that does not take longer than there is time.
fn picture(cell: &Cell, how: DecodeOptions, control: &Control) -> Result<Planes, Error> {
    control.check()?;
    let slices = u64::try_from(cell.slices).unwrap_or(u64::MAX);
    let pixels = cell.coded().pixels().saturating_mul(slices);
    let bytes = cell.data.len() as u64;
    let cost = pixels.saturating_mul(PIXEL_COST).saturating_add(bytes.saturating_mul(BYTE_COST));
    if !fits(1, cost, control.remaining()) {
        return Err(Error::Timeout);
    }
    let picture = heif::decode(&file(cell)?, how).map_err(broken)?;
    if Size::new(picture.width(), picture.height()) != cell.size() {
        return Err(broken("an HEVC picture has not the size that it says"));
    }
    Ok(Planes::Hevc(picture))
}

/// A file of one cell.
fn file(cell: &Cell) -> Result<Vec<u8>, Error> {
    let too_long = |_| broken("a cell is too long");
    let data = &*cell.data;
    let length = u32::try_from(data.len() + 8).map_err(too_long)?;
    let full = [0; 4];
    let Size { width, height } = cell.size();
    let properties = [
        boxed(b"hvcC", &[cell.configuration]),
        boxed(b"ispe", &[&full, &width.to_be_bytes(), &height.to_be_bytes()]),
        // Whatever the colours are, these are libheif's own, to which it converts none that are said to be so.
        boxed(b"colr", &[b"nclx", &[0, 1, 0, 13, 0, 6, 0x80]]),
    ];
    // Of the one item all, and it needs the first.
    let ipma = [0, 0, 0, 1, 0, 1, 3, 0x81, 2, 3];
    let head = boxed(b"ftyp", &[b"heic", &full, b"mif1heic"]);
    let meta = |offset: u32| {
        let place = [&[0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1], &offset.to_be_bytes()[..]].concat();
        let entry = boxed(b"infe", &[&[2, 0, 0, 0, 0, 1, 0, 0], b"hvc1\0"]);
        boxed(
            b"meta",
            &[
                &full,
                &boxed(b"hdlr", &[&full, &full, b"pict", &[0; 13]]),
                &boxed(b"pitm", &[&full, &[0, 1]]),
                &boxed(b"iinf", &[&full, &[0, 1], &entry]),
                &boxed(b"iloc", &[&full, &place, &(length - 8).to_be_bytes()]),
                &boxed(
                    b"iprp",
                    &[&boxed(b"ipco", &[&properties.concat()]), &boxed(b"ipma", &[&full, &ipma])],
                ),
            ],
        )
    };
    let start = head.len() + meta(0).len() + 8;
    let mut file = with_room(start + data.len())?;
    file.extend_from_slice(&head);
    file.extend_from_slice(&meta(u32::try_from(start).map_err(too_long)?));
    file.extend_from_slice(&length.to_be_bytes());
    file.extend_from_slice(b"mdat");
    file.extend_from_slice(data);
    Ok(file)
}

/// A box of some parts, which are short.
fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [&(content.len() as u32 + 8).to_be_bytes(), &kind[..], &content].concat()
}

/// Bytes that are held besides the raster.
pub(super) fn working_bytes(heic: &Heic) -> u64 {
    let Heic { image, .. } = heic;
    let pictures = [Some(&image.colors), image.alpha.as_ref()].into_iter().flatten();
    // The planes of the colours are there while alpha is decoded.
    let (mut held, mut most) = (0, 0);
    for picture in pictures {
        let decoding = picture.cells.iter().map(decoder_bytes).max().unwrap_or_default();
        let planes = plane_bytes(picture, image.alpha.is_some());
        most = most.max(held + planes + decoding);
        held += planes;
    }
    most.max(held) + planes::band_bytes(image.colors.size.width, 4)
}

/// Bytes of the planes that are put together, or are those of the only cell.
fn plane_bytes<'a>(picture: &HeifPicture<'a, Cell<'a>>, has_alpha: bool) -> u64 {
    match picture.cells.as_slice() {
        [cell] => planes::bytes(picture.samples, cell.coded()),
        _ if !has_alpha && planes::has_rows(picture) => planes::row_bytes(picture),
        _ => planes::bytes(picture.samples, picture.size),
    }
}

/// Bytes that libheif and its decoder hold for a cell.
fn decoder_bytes(cell: &Cell) -> u64 {
    // Tables and buffers of rows.
    const FIXED: u64 = 4 << 20;
    let size = cell.coded();
    let pictures = 2 + if cell.refers { REFERENCES } else { 0 };
    // What is known of each block, and what each parameter set says of them.
    let known = size.pixels() * (3 + cell.sets() as u64);
    let copies = 4 * (cell.data.len() + cell.configuration.len() + BOXES) as u64;
    FIXED + pictures * planes::bytes(cell.samples(), size) + known + copies
}
