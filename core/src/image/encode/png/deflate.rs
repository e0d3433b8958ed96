//! Compression of PNG's lines: by one code for all, by runs, by matches.

use std::cell::Cell;
use std::io::{self, Write};

use miniz_oxide::DataFormat;
use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output,
};
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Status, Strategy};

use crate::image::error::not_encoded;
use crate::image::raster::{with_room, zeroed};
use crate::image::{Control, Error};

/// How lines are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Not at all.
    Stored,
    /// By codes that are known to suit filtered photos, zeros by the run: the fastest.
    FixedCodes,
    /// By codes of their own, values by the run: for what is filtered and has no pattern.
    Runs,
    /// By codes of their own, what was there before by its place: one of zlib's levels.
    Matches(u8),
    /// The same by a level of another codec, and by matches of [`SHORT_MATCH`] bytes, which zlib's quick levels don't
    /// find.
    ShortMatches(u8),
}

/// Bytes of a short match.
pub(super) const SHORT_MATCH: usize = 3;

/// Bytes of a piece of what is made.
const PIECE: usize = 1 << 16;

/// Bytes that are compressed between two looks at the [`Control`]: of the slowest levels, each may be compared with
/// thousands of places.
const STEP: usize = 1 << 14;

/// A stream of zlib in pieces, none of which is copied because the next one comes.
#[derive(Debug, Default)]
pub(in crate::image::encode) struct Compressed {
    pub(in crate::image::encode) pieces: Vec<Vec<u8>>,
    pub(in crate::image::encode) len: usize,
}

/// Why a stream does not come to its end.
pub(super) enum Stop {
    TooLong,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

/// The quickest level of zlib that has codes of its own.
pub(super) const QUICKEST: u8 = 2;

/// Takes the next line.
type Take<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), Stop>;

/// Returns the lines that `feed` hands on as a stream, or `None` if that gets longer than `most`.
///
/// # Errors
/// [`Error::Internal`] without memory, [`Error::EncodeFailed`], those of `feed` and of
/// [`Control::check`].
pub(super) fn deflate(
    method: Method,
    most: usize,
    control: &Control,
    feed: impl FnOnce(Take) -> Result<(), Stop>,
) -> Result<Option<Compressed>, Error> {
    let stop = Cell::new(None);
    let sink = Sink { made: Compressed::default(), most, stop: &stop };
    let (level, strategy) = match method {
        Method::FixedCodes => return short(by_fixed_codes(sink, control, feed)),
        Method::ShortMatches(level) => return short(by_short_matches(level, sink, control, feed)),
        Method::Stored => (0, Strategy::Default),
        Method::Runs => (6, Strategy::Rle),
        Method::Matches(level) => (level, Strategy::Default),
    };
    short(by_own_codes(Codec::new(level, strategy)?, sink, control, feed))
}

/// Takes a stream that got too long for none.
fn short(made: Result<Compressed, Stop>) -> Result<Option<Compressed>, Error> {
    match made {
        Ok(made) => Ok(Some(made)),
        Err(Stop::TooLong) => Ok(None),
        Err(Stop::Failed(error)) => Err(error),
    }
}

fn by_fixed_codes(
    sink: Sink,
    control: &Control,
    feed: impl FnOnce(Take) -> Result<(), Stop>,
) -> Result<Compressed, Stop> {
    let failed = |error| Stop::Failed(not_encoded(error));
    let stop = sink.stop;
    let mut codec = fdeflate::Compressor::new(sink).map_err(failed)?;
    feed(&mut |line| {
        for part in line.chunks(PIECE) {
            control.check()?;
            codec.write_data(part).map_err(failed)?;
            stop.take().map_or(Ok(()), Err)?;
        }
        Ok(())
    })?;
    let sink = codec.finish().map_err(failed)?;
    stop.take().map_or(Ok(sink.made), Err)
}

fn by_own_codes(
    mut codec: Codec,
    mut sink: Sink,
    control: &Control,
    feed: impl FnOnce(Take) -> Result<(), Stop>,
) -> Result<Compressed, Stop> {
    let mut step = |part: &[u8], flush| {
        codec.step(part, flush, |bytes| sink.put(bytes))?;
        sink.stop.take().map_or(Ok(()), Err)
    };
    feed(&mut |line| {
        for part in line.chunks(STEP) {
            control.check()?;
            step(part, DeflateFlush::NoFlush)?;
        }
        Ok(())
    })?;
    step(&[], DeflateFlush::Finish)?;
    Ok(sink.made)
}

fn by_short_matches(
    level: u8,
    mut sink: Sink,
    control: &Control,
    feed: impl FnOnce(Take) -> Result<(), Stop>,
) -> Result<Compressed, Stop> {
    const WINDOW_BITS: u8 = 15;
    let strategy = CompressionStrategy::Default;
    let mut codec = CompressorOxide::with_params(DataFormat::Zlib, level, strategy, WINDOW_BITS);
    let mut step = |part: &[u8], flush, wanted: TDEFLStatus| {
        let (status, taken) = compress_to_output(&mut codec, part, flush, |bytes| {
            sink.put(bytes);
            true
        });
        sink.stop.take().map_or(Ok(()), Err)?;
        if status == wanted && taken == part.len() {
            Ok(())
        } else {
            Err(Stop::Failed(not_encoded(format!("deflate: {status:?}"))))
        }
    };
    feed(&mut |line| {
        for part in line.chunks(STEP) {
            control.check()?;
            step(part, TDEFLFlush::None, TDEFLStatus::Okay)?;
        }
        Ok(())
    })?;
    step(&[], TDEFLFlush::Finish, TDEFLStatus::Done)?;
    Ok(sink.made)
}

/// A compressor, and where it puts what it makes.
struct Codec {
    codec: Deflate,
    room: Vec<u8>,
}

impl Codec {
    fn new(level: u8, strategy: Strategy) -> Result<Codec, Error> {
        let config = DeflateConfig { level: level.into(), strategy, ..DeflateConfig::default() };
        Ok(Codec { codec: Deflate::new_with_config(config), room: zeroed(STEP)? })
    }

    /// Compresses all of this, up to the end of the stream if it is to finish.
    fn step(
        &mut self,
        mut part: &[u8],
        flush: DeflateFlush,
        mut put: impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        loop {
            let (taken, made) = (self.codec.total_in(), self.codec.total_out());
            let status = self
                .codec
                .compress(part, &mut self.room, flush)
                .map_err(|error| not_encoded(error.as_str()))?;
            let taken = (self.codec.total_in() - taken) as usize;
            let made = (self.codec.total_out() - made) as usize;
            part = part.get(taken..).unwrap_or_default();
            put(self.room.get(..made).unwrap_or_default());
            // What is left in the compressor is more than there was room for.
            let all = match flush {
                DeflateFlush::Finish => status == Status::StreamEnd,
                _ => part.is_empty() && made < self.room.len(),
            };
            if all {
                return Ok(());
            }
            if taken + made == 0 {
                return Err(not_encoded(format!("deflate: {status:?}")));
            }
        }
    }
}

/// Tells how long lines get by matches, quickly found.
pub(super) struct Gauge(Codec);

impl Gauge {
    /// # Errors
    /// [`Error::Internal`] without memory.
    pub(super) fn new() -> Result<Gauge, Error> {
        Ok(Gauge(Codec::new(QUICKEST, Strategy::Default)?))
    }

    /// # Errors
    /// [`Error::EncodeFailed`].
    pub(super) fn len(&mut self, lines: &[u8]) -> Result<usize, Error> {
        self.0.codec.reset();
        let mut len = 0;
        self.0.step(lines, DeflateFlush::Finish, |bytes| len += bytes.len())?;
        Ok(len)
    }
}

/// Where compressors write to. They end the process where that fails, so it doesn't: it says why
/// what it has is of no use.
struct Sink<'s> {
    made: Compressed,
    most: usize,
    stop: &'s Cell<Option<Stop>>,
}

impl Sink<'_> {
    fn put(&mut self, bytes: &[u8]) {
        if self.made.len + bytes.len() > self.most {
            self.stop.set(Some(Stop::TooLong));
            return;
        }
        if let Err(error) = self.made.add(bytes) {
            self.stop.set(Some(Stop::Failed(error)));
        }
    }
}

impl Compressed {
    fn add(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.len += bytes.len();
        if let Some(last) = self.pieces.last_mut()
            && last.capacity() - last.len() >= bytes.len()
        {
            last.extend_from_slice(bytes);
            return Ok(());
        }
        let mut piece = with_room(PIECE.max(bytes.len()))?;
        piece.extend_from_slice(bytes);
        self.pieces.push(piece);
        Ok(())
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::time::Instant;

    use super::*;

    const METHODS: [Method; 8] = [
        Method::Stored,
        Method::FixedCodes,
        Method::Runs,
        Method::Matches(QUICKEST),
        Method::Matches(6),
        Method::Matches(9),
        Method::ShortMatches(3),
        Method::ShortMatches(6),
    ];

    fn deflated(method: Method, most: usize, lines: &[Vec<u8>]) -> Option<Vec<u8>> {
        let made = deflate(method, most, &Control::default(), |take| {
            lines.iter().try_for_each(|line| take(line))
        });
        let made = made.unwrap()?;
        assert_eq!(made.len, made.pieces.iter().map(Vec::len).sum::<usize>());
        Some(made.pieces.concat())
    }

    #[test]
    fn what_was_compressed_is_read_again() {
        let noise = |at: usize| (at.wrapping_mul(2_654_435_761) >> 11) as u8;
        let flat = vec![vec![0; 90_000], vec![7; 10], Vec::new(), vec![0; 3]];
        let mixed: Vec<Vec<u8>> =
            (0..300).map(|y| (0..999).map(|x| noise(x * y) % 5).collect()).collect();
        let wild = vec![(0..200_000).map(noise).collect::<Vec<u8>>()];
        for lines in [Vec::new(), flat, mixed, wild] {
            for method in METHODS {
                let made = deflated(method, usize::MAX, &lines).unwrap();
                let mut read = Vec::new();
                flate2::read::ZlibDecoder::new(&*made).read_to_end(&mut read).unwrap();
                assert!(read == lines.concat(), "{method:?}");
                assert_eq!(deflated(method, made.len(), &lines), Some(made.clone()), "{method:?}");
                assert_eq!(deflated(method, made.len() - 1, &lines), None, "{method:?}");
            }
        }
    }

    #[test]
    fn is_stopped_within_a_line() {
        for method in METHODS {
            let control = Control::new(Some(Instant::now()));
            let made = deflate(method, usize::MAX, &control, |take| take(&[1; 9]));
            assert!(matches!(made, Err(Error::Timeout)), "{method:?}");
        }
    }
}
