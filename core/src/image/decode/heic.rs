//! HEIC by the system's libheif, which can't be stopped, may crash, and shows of a broken picture what it never
//! decoded: it works apart where there is such a place, on a cell at a time. Each is given to it as a file of its own,
//! with nothing in it but what was looked at before.

use std::cell::Cell as Flag;

use image_gate_codecs::heif::{self, DecodeOptions};
use image_gate_codecs::yuv::Planes;

use super::options::Decode;
use super::planes::{self, RowConverter, View};
use super::scale::Scale;
use crate::image::apart;
use crate::image::damage::{Damage, Tolerance};
use crate::image::error::broken;
use crate::image::raster::{Layout, Raster, data_len, with_room};
use crate::image::size::Size;
use crate::image::source::heic::{Cell, Heic};
use crate::image::source::heif::{Coded, HeifPicture};
use crate::image::{Control, Error, WorkSize};

/// Bytes of the boxes of a file, besides a configuration.
const BOXES: usize = 512;

/// Pictures that another may refer to.
const REFERENCES: u64 = 16;

/// The coefficients of colours that are not YCbCr, of which all may be zero (ITU-T H.273).
const IDENTITY: u16 = 0;

/// Decodes the primary image of an input.
pub(super) fn decode(
    input: &[u8],
    heic: &Heic,
    how: &Decode,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Raster, Error> {
    let size = how.raster_size(heic.crop.size);
    let layout = layout(heic);
    let order = Order { scale: how.scale, strict: tolerance.is_strict() }.write(input)?;
    let pixels = data_len(size, layout)?.saturating_add(1);
    let memory = decoding_bytes(heic).saturating_add(pixels as u64);
    let work = WorkSize { pixels, memory, foreign: true };
    let mut bytes = apart::bytes(work, &order, read_and_fill, control)?;
    if bytes.pop() == Some(1) {
        tolerance.note(Damage::inside("a part of a picture was not decoded"))?;
    }
    Raster::from_data(size, layout, bytes)
}

fn layout(heic: &Heic) -> Layout {
    if heic.image.alpha.is_some() { Layout::Rgba8 } else { Layout::Rgb8 }
}

/// What stands before an input that is decoded elsewhere.
struct Order {
    scale: Scale,
    strict: bool,
}

impl Order {
    fn write(&self, input: &[u8]) -> Result<Vec<u8>, Error> {
        let boxes = if let Scale::Boxes(side) = self.scale { side } else { 0 };
        let mut order = with_room(5 + input.len())?;
        order.extend_from_slice(&boxes.to_le_bytes());
        order.push(self.strict.into());
        order.extend_from_slice(input);
        Ok(order)
    }

    fn read(order: &[u8]) -> Option<(Order, &[u8])> {
        let (boxes, rest) = order.split_first_chunk()?;
        let (strict, input) = rest.split_first()?;
        let scale = match u32::from_le_bytes(*boxes) {
            0 => Scale::Whole,
            side => Scale::Boxes(side),
        };
        Some((Order { scale, strict: *strict != 0 }, input))
    }
}

/// The raster of an [`Order`] and its input, and behind it whether some of that was not decoded.
fn read_and_fill(order: &[u8], pixels: &mut [u8], control: &Control) -> Result<(), Error> {
    let wrong = || Error::Internal("no order for a picture".to_owned());
    let (Order { scale, strict }, input) = Order::read(order).ok_or_else(wrong)?;
    let (damaged, pixels) = pixels.split_last_mut().ok_or_else(wrong)?;
    let heic = Heic::read(input)?;
    let decoder = Decoder::new(&heic, strict);
    let raster = decoder.decode(&heic, scale, control)?;
    if raster.data().len() != pixels.len() {
        return Err(wrong());
    }
    pixels.copy_from_slice(raster.data());
    *damaged = decoder.damaged.get().into();
    Ok(())
}

/// What decodes cells.
struct Decoder {
    strict: bool,
    /// Whether it can be told what was not decoded.
    tells: bool,
    /// Whether something was not.
    damaged: Flag<bool>,
}

impl Decoder {
    fn new(heic: &Heic, strict: bool) -> Decoder {
        let tells = heic.code_points.matrix != IDENTITY;
        Decoder { strict, tells, damaged: Flag::new(false) }
    }

    fn decode(&self, heic: &Heic, scale: Scale, control: &Control) -> Result<Raster, Error> {
        let Heic { image, crop, code_points } = heic;
        let strict = self.strict;
        let sampling = planes::sampling(image.colors.samples);
        let how = DecodeOptions { sampling, full_range: code_points.full_range, strict };
        let decode = |cell: &Cell| self.picture(cell, how, control);
        let matrix = planes::matrix(code_points, image.premultiplied);
        let size = image.colors.size;
        let mut rows = RowConverter::new(matrix, size, *crop, layout(heic), scale)?;
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
                    planes::whole(alpha, |cell| self.picture(cell, how, control))
                });
                let alpha = alpha.transpose()?;
                rows.convert(&View::all(&colors, alpha.as_ref()), size.height, control)?;
            }
        }
        Ok(rows.finish())
    }

    /// Decodes a cell, of which half has to be there.
    fn picture(&self, cell: &Cell, how: DecodeOptions, control: &Control) -> Result<Planes, Error> {
        control.check()?;
        let picture = heif::decode(&file(cell)?, how).map_err(|error| match error {
            heif::Error::Missing(what) => Error::UnsupportedFormat(format!("HEIC, for {what}")),
            heif::Error::Broken(_) => broken(error),
        })?;
        let size = Size::new(picture.width(), picture.height());
        if size != cell.size() {
            return Err(broken("an HEVC picture has not the size that it says"));
        }
        let rows = if self.tells { picture.whole_rows() } else { size.height };
        if rows < size.height {
            self.damaged.set(true);
            if self.strict || rows < size.height.div_ceil(2) {
                return Err(broken(format!("{rows} of {} rows were decoded", size.height)));
            }
        }
        Ok(Planes::Hevc(picture))
    }
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

/// Bytes that are held besides the raster, where it is decoded apart.
pub(super) fn working_bytes(input: &[u8], heic: &Heic, how: &Decode) -> u64 {
    // What is decoded is copied to memory that is shared, and from there, and so is the input.
    let raster = how.raster_size(heic.crop.size).pixels() * layout(heic).channels() as u64;
    decoding_bytes(heic) + 2 * raster + 2 * input.len() as u64
}

/// Bytes that decoding holds besides the raster.
fn decoding_bytes(heic: &Heic) -> u64 {
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
    // The strict have one more, which they compare.
    let pictures = 3 + if cell.refers { REFERENCES } else { 0 };
    // What is known of each block, and what each parameter set says of them.
    let known = size.pixels() * (3 + cell.sets() as u64);
    let copies = 4 * (cell.data.len() + cell.configuration.len() + BOXES) as u64;
    FIXED + pictures * planes::bytes(cell.samples(), size) + known + copies
}
