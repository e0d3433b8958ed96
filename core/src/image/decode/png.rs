//! PNG by the `png` crate, which gets to see nothing but the chunks that make the pixels.

use std::cell::Cell;
use std::io::{self, BufRead, Cursor, ErrorKind, Read, Seek, SeekFrom};

use flate2::bufread::ZlibDecoder;
use png::{
    BitDepth, ColorType, DecodeOptions, Decoder, InterlaceInfo, Limits, Reader, Transformations,
    expand_interlaced_row,
};

use super::canvas::Canvas;
use super::options::enough;
use super::scale::Scale;
use crate::image::cancellable_reader::{self, PIECE};
use crate::image::damage::{Damage, Tolerance};
use crate::image::error::{broken, truncated};
use crate::image::pixels::{Shrink, widen};
use crate::image::raster::{DeepRaster, Layout, Raster, zeroed};
use crate::image::size::Size;
use crate::image::source::png::animation::PngFrame;
use crate::image::source::png::{ImageData, PASSES, Png, PngImage};
use crate::image::{Control, Error};

/// What the decoder may allocate besides the output: rows.
const DECODER_BYTES: usize = 32 << 20;

/// Rows between two looks at the [`Control`].
const BATCH: u32 = 64;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A checksum that nobody looks at, and the end of an image.
const TAIL: &[u8] = b"\0\0\0\0\0\0\0\0IEND\xae\x42\x60\x82";

/// Decodes the still image.
pub(super) fn decode(
    png: &Png,
    scale: Scale,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Raster, Error> {
    png.check_data()?;
    let (raster, there) = image(png, &png.still, scale, tolerance, control)?;
    // Of a file that has its end, whatever comes before the damage is shown.
    if !enough(there, png.still.size.height) && png.ends_early {
        return Err(truncated());
    }
    Ok(raster)
}

/// Decodes an image; returns how many of its rows are there. The others are zeros.
fn image(
    png: &Png,
    image: &PngImage,
    scale: Scale,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<(Raster, u32), Error> {
    let size = image.size;
    if tolerance.is_strict() {
        check_sum(png, image, tolerance, control)?;
    }
    let (cut_off, unsound) = (Cell::new(false), Cell::new(false));
    let eight = Transformations::EXPAND | Transformations::STRIP_16;
    let reader = open(png, image, eight, &cut_off, &unsound, control)?;

    let layout = match reader.output_color_type() {
        (ColorType::Grayscale, BitDepth::Eight) => Layout::L8,
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => Layout::La8,
        (ColorType::Rgb, BitDepth::Eight) => Layout::Rgb8,
        (ColorType::Rgba, BitDepth::Eight) => Layout::Rgba8,
        other => return Err(Error::Internal(format!("PNG expanded to {other:?}"))),
    };

    let mut rows = PngRows { reader, cut_off: &cut_off, control, read: 0 };
    let (raster, there) = if png.interlaced {
        rows.interlaced(size, layout)?
    } else if let Scale::Boxes(side) = scale {
        let mut shrink = Shrink::new(size, layout, side)?;
        let mut row = zeroed(size.width as usize * layout.channels())?;
        let mut there = 0;
        for _ in 0..size.height {
            if rows.next(&mut row)?.is_some() {
                there += 1;
            } else {
                row.fill(0);
            }
            shrink.push(&row);
        }
        (shrink.finish(), there)
    } else {
        let mut raster = Raster::new(size, layout)?;
        let mut there = 0;
        for row in raster.rows_mut() {
            if rows.next(row)?.is_none() {
                break;
            }
            there += 1;
        }
        (raster, there)
    };
    rows.finish(there, size.height, &unsound, tolerance)?;
    Ok((raster, there))
}

/// Decodes the still image, whose rows come one after the other, to 16 bits a sample.
pub(super) fn decode_deep(
    png: &Png,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<DeepRaster, Error> {
    png.check_data()?;
    let image = &png.still;
    let size = image.size;
    if tolerance.is_strict() {
        check_sum(png, image, tolerance, control)?;
    }
    let (cut_off, unsound) = (Cell::new(false), Cell::new(false));
    let reader = open(png, image, Transformations::EXPAND, &cut_off, &unsound, control)?;
    let (color, depth) = reader.output_color_type();
    let channels = color.samples();
    let bytes = if depth == BitDepth::Sixteen { 2 } else { 1 };
    let mut rows = PngRows { reader, cut_off: &cut_off, control, read: 0 };
    let mut raster = DeepRaster::new(size, channels)?;
    let mut row = zeroed(size.width as usize * channels * bytes)?;
    let stride = raster.stride();
    let mut there = 0;
    for to in raster.data.chunks_exact_mut(stride) {
        if rows.next(&mut row)?.is_none() {
            break;
        }
        there += 1;
        for (to, from) in to.as_chunks_mut::<2>().0.iter_mut().zip(row.chunks_exact(bytes)) {
            let sample = match *from {
                [high, low] => u16::from_be_bytes([high, low]),
                [value] => u16::from(value) * 257,
                _ => 0,
            };
            *to = sample.to_ne_bytes();
        }
    }
    rows.finish(there, size.height, &unsound, tolerance)?;
    if !enough(there, size.height) && png.ends_early {
        return Err(truncated());
    }
    Ok(raster)
}

/// A decoder of an image, which has read its header.
fn open<'a, 'c>(
    png: &Png<'a>,
    image: &PngImage<'a>,
    transformations: Transformations,
    cut_off: &'c Cell<bool>,
    unsound: &'c Cell<bool>,
    control: &'c Control,
) -> Result<Reader<CutOffReader<'c, impl BufRead + use<'a, 'c>>>, Error> {
    let head = Cursor::new(head(png, image)?);
    let chunks = head.chain(Pieces::new(image, unsound, control)).chain(TAIL);
    let mut options = DecodeOptions::default();
    // The pieces know theirs.
    options.set_ignore_checksums(true);
    let mut decoder = Decoder::new_with_options(CutOffReader { inner: chunks, cut_off }, options);
    decoder.set_limits(Limits { bytes: DECODER_BYTES });
    decoder.set_transformations(transformations);
    let reader =
        decoder.read_info().map_err(|error| control.check().err().unwrap_or(broken(error)))?;
    let header = reader.info();
    if (header.width, header.height) != (image.size.width, image.size.height) {
        return Err(broken("two readings of the header differ"));
    }
    Ok(reader)
}

/// The frames of an animation, one after the other.
pub(super) struct PngFrames<'a> {
    png: Png<'a>,
    frames: Box<dyn Iterator<Item = PngFrame<'a>> + 'a>,
    is_first: bool,
    /// Nanoseconds that the frames so far are shown, and milliseconds that were told of them.
    shown: u64,
    told: u64,
}

impl<'a> PngFrames<'a> {
    pub(super) fn new(png: &Png<'a>) -> PngFrames<'a> {
        PngFrames { png: *png, frames: Box::new(png.frames()), is_first: true, shown: 0, told: 0 }
    }

    /// Paints the next frame; returns for how many milliseconds it is shown, rounded so that they
    /// add up.
    pub(super) fn next(
        &mut self,
        canvas: &mut Canvas,
        tolerance: &Tolerance,
        control: &Control,
    ) -> Result<Option<u32>, Error> {
        let Some(frame) = self.frames.next() else { return Ok(None) };
        let is_first = std::mem::replace(&mut self.is_first, false);
        let (raster, there) = image(&self.png, &frame.image, Scale::Whole, tolerance, control)?;
        let height = frame.image.size.height;
        if self.png.ends_early && (there == 0 || is_first && !enough(there, height)) {
            return if is_first { Err(truncated()) } else { Ok(None) };
        }
        canvas.begin(frame.window(), frame.dispose(), control)?;
        canvas.lay(frame.window(), &widen(raster, control)?, there, frame.blend());
        self.shown = self.shown.saturating_add(frame.duration());
        let duration = (self.shown / 500_000).div_ceil(2).saturating_sub(self.told);
        self.told += duration;
        Ok(Some(u32::try_from(duration).unwrap_or(u32::MAX)))
    }
}

/// All before the image data, and that as the beginning of one chunk.
fn head(png: &Png, image: &PngImage) -> Result<Vec<u8>, Error> {
    let mut head = SIGNATURE.to_vec();
    let mut chunk = |kind: &[u8], data: &[u8]| {
        head.extend_from_slice(&(data.len() as u32).to_be_bytes());
        head.extend_from_slice(kind);
        head.extend_from_slice(data);
        head.extend_from_slice(&[0; 4]);
    };
    let Size { width, height } = image.size;
    let rest = png.header.get(8..).unwrap_or_default();
    chunk(b"IHDR", &[&width.to_be_bytes(), &height.to_be_bytes(), rest].concat());
    if !png.palette.is_empty() {
        chunk(b"PLTE", png.palette);
    }
    if let Some(transparency) = png.transparency() {
        chunk(b"tRNS", &transparency);
    }
    let len = image.data().map(|data| data.bytes.len()).sum::<usize>();
    let len = u32::try_from(len).map_err(|_| broken("4 GiB of image data"))?;
    head.extend_from_slice(&len.to_be_bytes());
    head.extend_from_slice(b"IDAT");
    Ok(head)
}

/// Compares the checksum of the inflated data, which the decoder does not look at.
fn check_sum(
    png: &Png,
    image: &PngImage,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<(), Error> {
    // What is more than the rows nobody reads.
    let mut left = stored_bytes(png, image.size).saturating_add(1);
    let unsound = Cell::new(false);
    let mut zlib = ZlibDecoder::new(Pieces::new(image, &unsound, control));
    let mut buffer = zeroed(1 << 16)?;
    while left > 0 {
        control.check()?;
        match zlib.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => left = left.saturating_sub(read as u64),
            Err(error) => {
                control.check()?;
                return tolerance.note(Damage::inside(error.to_string()));
            }
        }
    }
    Ok(())
}

/// The rows of an image, as far as they can be decoded.
struct PngRows<'c, R: BufRead + Seek> {
    reader: Reader<R>,
    cut_off: &'c Cell<bool>,
    control: &'c Control,
    read: u32,
}

impl<R: BufRead + Seek> PngRows<'_, R> {
    /// Decodes the next row, where it is there.
    fn next(&mut self, row: &mut [u8]) -> Result<Option<InterlaceInfo>, Error> {
        if self.read.is_multiple_of(BATCH) {
            self.control.check()?;
        }
        self.read += 1;
        let found = self.reader.read_row(row);
        if found.is_err() {
            self.control.check()?;
        }
        Ok(match found {
            // What was inflated before the damage is given out where no data follows it.
            Err(_) if !self.cut_off.replace(true) => self.reader.read_row(row),
            found => found,
        }
        .unwrap_or(None))
    }

    /// Notes what is wrong with an image of which so many rows were read.
    fn finish(
        &mut self,
        there: u32,
        height: u32,
        unsound: &Cell<bool>,
        tolerance: &Tolerance,
    ) -> Result<(), Error> {
        if there < height {
            tolerance.note(Damage::inside(format!("the image ends at row {there} of {height}")))?;
        }
        // What follows the last row is part of the image too: its checksums.
        let _ = self.reader.finish();
        if unsound.get() {
            tolerance.note(Damage::inside("the checksum of image data is wrong"))?;
        }
        Ok(())
    }

    /// Decodes an interlaced image; returns how many rows are there. What later passes lack looks
    /// like what earlier ones have beside or above it.
    fn interlaced(&mut self, size: Size, layout: Layout) -> Result<(Raster, u32), Error> {
        let mut raster = Raster::new(size, layout)?;
        let stride = raster.stride();
        let bits = layout.channels() as u8 * 8;
        let height = size.height;
        let mut row = zeroed(stride)?;
        let (mut read, all) = (0, stored_rows(size));
        while read < all
            && let Some(InterlaceInfo::Adam7(pass)) = self.next(&mut row)?
        {
            expand_interlaced_row(raster.data_mut(), stride, &row, &pass, bits);
            read += 1;
        }
        if read < all {
            fill_passes(&mut raster, size, read, self.control)?;
        }
        // Rows of early passes have few pixels: what counts is what they have in all.
        let there = height.saturating_sub(all - read);
        Ok((raster, there))
    }
}

/// The columns and rows of each pass. A pass without columns has no rows.
fn passes(size: Size) -> impl Iterator<Item = (u32, u32)> {
    let along = |side: u32, first: usize, step: usize| {
        side.saturating_sub(first as u32).div_ceil(step as u32)
    };
    PASSES.iter().map(move |&(x, y, across, down)| {
        let (columns, rows) = (along(size.width, x, across), along(size.height, y, down));
        if columns == 0 { (0, 0) } else { (columns, rows) }
    })
}

/// The rows of all passes.
fn stored_rows(size: Size) -> u32 {
    passes(size).map(|(_, rows)| rows).sum()
}

/// Bytes of all rows with what they begin with.
fn stored_bytes(png: &Png, size: Size) -> u64 {
    let bytes = |(columns, rows)| png.row_bytes(columns).saturating_add(1).saturating_mul(rows);
    if png.interlaced {
        passes(size).map(|(columns, rows)| bytes((columns, rows.into()))).sum()
    } else {
        bytes((size.width, size.height.into()))
    }
}

/// Fills the rows of the passes of which but so many were read.
fn fill_passes(
    raster: &mut Raster,
    size: Size,
    mut read: u32,
    control: &Control,
) -> Result<(), Error> {
    let (stride, pixel) = (raster.stride(), raster.layout().channels());
    for (&(x, y, across, down), (columns, rows)) in PASSES.iter().zip(passes(size)) {
        let known = read.min(rows);
        read -= known;
        // A pass stands to the right of what it refines, or below it.
        let from = if x > 0 { x * pixel } else { y * stride };
        if from == 0 {
            continue;
        }
        for row in known..rows {
            control.check()?;
            let start = (y + row as usize * down) * stride;
            for column in 0..columns {
                let at = start + (x + column as usize * across) * pixel;
                raster.data_mut().copy_within(at - from..at - from + pixel, at);
            }
        }
    }
    Ok(())
}

/// The pieces of the image data without a gap.
struct Pieces<'a, 'c> {
    pieces: Box<dyn Iterator<Item = ImageData<'a>> + 'a>,
    piece: &'a [u8],
    /// Set where the checksum of one is wrong.
    unsound: &'c Cell<bool>,
    control: &'c Control,
}

impl<'a, 'c> Pieces<'a, 'c> {
    fn new(image: &PngImage<'a>, unsound: &'c Cell<bool>, control: &'c Control) -> Pieces<'a, 'c> {
        Pieces { pieces: Box::new(image.data()), piece: &[], unsound, control }
    }
}

impl Read for Pieces<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Pieces<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.piece.is_empty()
            && let Some(data) = self.pieces.next()
        {
            self.piece = data.bytes;
            self.unsound.set(self.unsound.get() || !data.is_sound());
        }
        cancellable_reader::check(self.control)?;
        Ok(self.piece.get(..PIECE).unwrap_or(self.piece))
    }

    fn consume(&mut self, len: usize) {
        self.piece = self.piece.get(len..).unwrap_or_default();
    }
}

/// What the decoder reads, until it is cut off.
struct CutOffReader<'c, R> {
    inner: R,
    cut_off: &'c Cell<bool>,
}

impl<R: BufRead> Read for CutOffReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl<R: BufRead> BufRead for CutOffReader<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.cut_off.get() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, len: usize) {
        self.inner.consume(len);
    }
}

/// The decoder asks for it, and does not use it.
impl<R> Seek for CutOffReader<'_, R> {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(ErrorKind::Unsupported.into())
    }
}
