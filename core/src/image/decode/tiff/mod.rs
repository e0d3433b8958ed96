//! The first page of a TIFF, strip by strip or tile by tile, whose rows are unpacked by the `weezl` and
//! `flate2` crates, or of JPEG by its decoder.

mod jpeg;
mod samples;
mod stream;

use super::options::enough;
use crate::image::cancellable_reader::PIECE;
use crate::image::damage::{Damage, Tolerance};
use crate::image::error::{broken, truncated};
use crate::image::raster::{Raster, with_room, zeroed};
use crate::image::size::Size;
use crate::image::source::tiff::{Chunk, Compression, Tiff};
use crate::image::{Control, Error};
use samples::{SampleReader, add_up, finish};
use stream::Decoders;

/// Chunks between two looks at the [`Control`] where nothing is done with them.
const BATCH: u64 = 1 << 12;

/// Bytes of a chunk beside twice what it becomes.
const BESIDE: u64 = 4 << 10;

const BELIED: &str = "data of a strip or a tile, or its checksum, is wrong";

/// Decodes a picture, of whose JPEG streams each may have so many scans.
pub(super) fn decode(
    tiff: &Tiff,
    size: Size,
    scans: u32,
    tolerance: &Tolerance,
    control: &Control,
) -> Result<Raster, Error> {
    let longest = survey(tiff, size, control)?;
    let mut raster = Raster::new(size, tiff.layout)?;
    let mut reader = ChunkReader::new(tiff, longest, (scans, tolerance))?;
    // Pixels that are not there, of all planes.
    let (mut missing, mut damage) = (0, None);
    let stride = raster.stride();
    let channels = tiff.layout.channels();
    for place in places(tiff, size) {
        control.check()?;
        let Place { plane, x, y, part, .. } = place;
        let chunk = place.chunk(tiff);
        let start = y as usize * stride + x as usize * channels;
        let Some(to) = raster.data_mut().get_mut(start..) else { continue };
        let rows = to.chunks_mut(stride).take(part.height as usize);
        let rows = rows.filter_map(|row| row.get_mut(..part.width as usize * channels));
        let read = reader.read(&chunk, part.height, plane, rows, tolerance, control)?;
        if let Some(what) = read.broken {
            damage.get_or_insert(Damage { what, ends_early: chunk.is_cut });
        }
        missing += u64::from(part.height - read.rows) * u64::from(part.width);
    }
    finish(&mut raster, tiff, control)?;
    if let Some(damage) = damage {
        tolerance.note(damage)?;
        let planes = planes(tiff).count() as u64;
        let lost = missing.div_ceil(planes * u64::from(size.width));
        let there = size.height.saturating_sub(u32::try_from(lost).unwrap_or(u32::MAX));
        if !enough(there, size.height) {
            return Err(truncated());
        }
    }
    Ok(raster)
}

/// Bytes that are held besides the raster.
pub(super) fn working_bytes(tiff: &Tiff, input: &[u8]) -> u64 {
    let row = tiff.stride() + u64::from(tiff.chunks.size.width) * tiff.interleaved() as u64;
    let compressed = (input.len() as u64).min(longest_bytes(tiff));
    let copy = if tiff.lowest_first { compressed } else { 0 };
    let jpeg = match tiff.compression {
        Compression::Jpeg => tiff.plain_bytes() + jpeg::working_bytes(tiff, compressed),
        _ => 0,
    };
    row + copy + jpeg
}

/// What no chunk's compressed data is longer than that is of use.
fn longest_bytes(tiff: &Tiff) -> u64 {
    let beside = match tiff.compression {
        // Its markers.
        Compression::Jpeg => PIECE as u64,
        _ => BESIDE,
    };
    tiff.plain_bytes().saturating_mul(2).saturating_add(beside)
}

/// Checks that there may be enough of the picture, before anything is allocated for it; returns the length
/// of the longest chunk.
fn survey(tiff: &Tiff, size: Size, control: &Control) -> Result<usize, Error> {
    if !tiff.chunks.are_known() {
        return Err(truncated());
    }
    let (mut possible, mut all, mut longest) = (0u64, 0u64, 0);
    for (number, place) in (0u64..).zip(places(tiff, size)) {
        if number.is_multiple_of(BATCH) {
            control.check()?;
        }
        let chunk = place.chunk(tiff);
        longest = longest.max(chunk.data.len());
        let rows = tiff.most_bytes(chunk.data.len()) / tiff.stride().max(1);
        let Size { width, height } = place.part;
        possible += rows.min(height.into()) * u64::from(width);
        all += place.part.pixels();
    }
    if possible < all / 2 {
        return Err(truncated());
    }
    Ok(longest)
}

/// Where a chunk belongs.
struct Place {
    plane: usize,
    column: u32,
    row: u32,
    /// Of its pixels the first.
    x: u32,
    y: u32,
    /// How many of them are in the picture.
    part: Size,
}

impl Place {
    fn chunk<'a>(&self, tiff: &Tiff<'a>) -> Chunk<'a> {
        let chunk = tiff.chunks.chunk((self.plane, self.column, self.row), tiff.plain_bytes());
        let most = usize::try_from(longest_bytes(tiff)).unwrap_or(usize::MAX);
        Chunk { data: chunk.data.get(..most).unwrap_or(chunk.data), ..chunk }
    }
}

/// The planes that are read.
fn planes(tiff: &Tiff) -> impl Iterator<Item = usize> + Clone {
    let most = if tiff.is_planar { usize::MAX } else { 1 };
    tiff.wanted().map(|(sample, _)| sample).take(most)
}

/// All chunks in the order of their planes, rows and columns.
fn places(tiff: &Tiff, size: Size) -> impl Iterator<Item = Place> {
    let (across, down, of) = (tiff.chunks.across, tiff.chunks.down, tiff.chunks.size);
    let rows = (0..down).flat_map(move |row| (0..across).map(move |column| (row, column)));
    planes(tiff).flat_map(move |plane| {
        rows.clone().map(move |(row, column)| {
            let (x, y) = (column * of.width, row * of.height);
            let part = Size::new(of.width.min(size.width - x), of.height.min(size.height - y));
            Place { plane, column, row, x, y, part }
        })
    })
}

/// Reads one chunk after the other.
struct ChunkReader<'a> {
    tiff: &'a Tiff<'a>,
    scans: u32,
    decoders: Decoders,
    samples: SampleReader<'a>,
    /// A row of a chunk as it is stored.
    row: Vec<u8>,
    /// A chunk whose bits were turned around.
    turned: Vec<u8>,
}

/// What became of a chunk.
struct ReadChunk {
    /// How many of its rows are there, of those that are in the picture.
    rows: u32,
    /// What is wrong with it.
    broken: Option<String>,
}

impl<'a> ChunkReader<'a> {
    fn new(
        tiff: &'a Tiff<'a>,
        longest: usize,
        (scans, tolerance): (u32, &Tolerance),
    ) -> Result<ChunkReader<'a>, Error> {
        let no_room = |_| broken("a row is too long");
        let stride = usize::try_from(tiff.stride()).map_err(no_room)?;
        let across = tiff.chunks.size.width as usize;
        Ok(ChunkReader {
            tiff,
            scans,
            decoders: Decoders::new(tolerance.is_strict()),
            samples: SampleReader::new(tiff, zeroed(across.saturating_mul(tiff.interleaved()))?),
            row: zeroed(stride)?,
            turned: with_room(if tiff.lowest_first { longest } else { 0 })?,
        })
    }

    /// Paints so many rows of a chunk.
    fn read<'r>(
        &mut self,
        chunk: &Chunk,
        height: u32,
        plane: usize,
        rows: impl Iterator<Item = &'r mut [u8]>,
        tolerance: &Tolerance,
        control: &Control,
    ) -> Result<ReadChunk, Error> {
        let tiff = self.tiff;
        if tiff.compression == Compression::Jpeg {
            let decoded = jpeg::decode(tiff, chunk.data, height, self.scans, tolerance, control);
            let raster = match decoded {
                Ok(raster) => raster,
                Err(Error::DecodeFailed(what)) => {
                    return Ok(ReadChunk { rows: 0, broken: Some(what) });
                }
                Err(error) => return Err(error),
            };
            rows.zip(raster.rows()).for_each(|(to, from)| self.samples.paint(to, from, plane));
            return Ok(ReadChunk { rows: height, broken: None });
        }
        let data = if tiff.lowest_first {
            self.turned.clear();
            self.turned.extend(chunk.data.iter().map(|byte| byte.reverse_bits()));
            &self.turned
        } else {
            chunk.data
        };
        let mut stream = self.decoders.stream(tiff.compression, data);
        let mut there = 0;
        for row in rows {
            if !stream.fill(&mut self.row, control)? {
                // A wrong checksum may be seen before all of the rows are.
                let is_belied = tolerance.is_strict() && stream.is_belied();
                let what =
                    if is_belied { BELIED } else { "pixels of a strip or a tile are missing" };
                return Ok(ReadChunk { rows: there, broken: Some(what.to_owned()) });
            }
            if tiff.has_differences {
                add_up(&mut self.row, tiff.bits, tiff.numbers, tiff.interleaved());
            }
            self.samples.paint(row, &self.row, plane);
            there += 1;
        }
        let broken = (tolerance.is_strict() && stream.is_belied()).then(|| BELIED.to_owned());
        Ok(ReadChunk { rows: there, broken })
    }
}
