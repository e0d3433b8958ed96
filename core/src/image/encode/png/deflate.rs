//! Compression of PNG's lines: by one code for all, by runs, by matches.

use std::cell::Cell;
use std::io::{self, Write};

use miniz_oxide::DataFormat;
use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output,
};

use crate::image::error::not_encoded;
use crate::image::raster::with_room;
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
}

/// Bytes of a piece of what is made, and of what is compressed between two looks at the
/// [`Control`].
const PIECE: usize = 1 << 16;

/// The whole window of deflate.
const WINDOW_BITS: u8 = 15;

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
        Method::Stored => (0, CompressionStrategy::Default),
        Method::Runs => (6, CompressionStrategy::RLE),
        Method::Matches(level) => (level, CompressionStrategy::Default),
    };
    let codec = CompressorOxide::with_params(DataFormat::Zlib, level, strategy, WINDOW_BITS);
    short(by_own_codes(codec, sink, control, feed))
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
    mut codec: CompressorOxide,
    mut sink: Sink,
    control: &Control,
    feed: impl FnOnce(Take) -> Result<(), Stop>,
) -> Result<Compressed, Stop> {
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
        for part in line.chunks(PIECE) {
            control.check()?;
            step(part, TDEFLFlush::None, TDEFLStatus::Okay)?;
        }
        Ok(())
    })?;
    step(&[], TDEFLFlush::Finish, TDEFLStatus::Done)?;
    Ok(sink.made)
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

    const METHODS: [Method; 6] = [
        Method::Stored,
        Method::FixedCodes,
        Method::Runs,
        Method::Matches(1),
        Method::Matches(3),
        Method::Matches(9),
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
