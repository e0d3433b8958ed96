//! The bytes of strips and tiles, unpacked as far as they are asked for.

use flate2::{Decompress, FlushDecompress, Status};
use weezl::BitOrder;
use weezl::decode::Configuration;

use crate::image::cancellable_reader::PIECE;
use crate::image::decode::lzw::{Lzw, Next};
use crate::image::source::tiff::Compression;
use crate::image::{Control, Error};

/// Bytes before the blocks of Deflate (RFC 1950, section 2.2).
const ZLIB_HEADER: usize = 2;

/// The decoders of a picture, which serve one strip or tile after the other.
pub(super) struct Decoders {
    /// Whether data is refused that its checksum belies.
    strict: bool,
    /// With whether it is for the oldest files.
    lzw: Option<(bool, Lzw)>,
    deflate: Option<Decompress>,
}

/// The bytes of one.
pub(super) struct Stream<'d, 'a> {
    rest: &'a [u8],
    packing: Packing<'d>,
}

enum Packing<'d> {
    None,
    PackBits {
        /// How many bytes are still to come as they are, or of which one.
        plain: usize,
        run: (usize, u8),
    },
    Lzw(&'d mut Lzw),
    Deflate(&'d mut Decompress),
}

impl Decoders {
    pub(super) fn new(strict: bool) -> Decoders {
        Decoders { strict, lzw: None, deflate: None }
    }

    /// Begins with other data.
    pub(super) fn stream<'d, 'a>(
        &'d mut self,
        compression: Compression,
        data: &'a [u8],
    ) -> Stream<'d, 'a> {
        let packing = match compression {
            Compression::None | Compression::Jpeg => Packing::None,
            Compression::PackBits => Packing::PackBits { plain: 0, run: (0, 0) },
            Compression::Lzw => {
                // The oldest files begin with the code that clears the table the other way around.
                let is_oldest = matches!(data, [0, second, ..] if second & 1 == 1);
                let decoder = match self.lzw.take() {
                    Some((of, mut decoder)) if of == is_oldest => {
                        decoder.reset();
                        decoder
                    }
                    _ => lzw(is_oldest),
                };
                Packing::Lzw(&mut self.lzw.insert((is_oldest, decoder)).1)
            }
            Compression::Deflate => {
                let strict = self.strict;
                let decoder = self.deflate.get_or_insert_with(|| Decompress::new(strict));
                decoder.reset(strict);
                let start = if strict { 0 } else { ZLIB_HEADER };
                let rest = data.get(start..).unwrap_or_default();
                return Stream { rest, packing: Packing::Deflate(decoder) };
            }
        };
        Stream { rest: data, packing }
    }
}

fn lzw(is_oldest: bool) -> Lzw {
    let codes = match is_oldest {
        true => Configuration::new(BitOrder::Lsb, 8),
        false => Configuration::with_tiff_size_switch(BitOrder::Msb, 8),
    };
    Lzw::new(&codes.with_yield_on_full_buffer(true))
}

impl Stream<'_, '_> {
    /// Fills a row; returns whether all of it was there.
    pub(super) fn fill(&mut self, row: &mut [u8], control: &Control) -> Result<bool, Error> {
        let mut filled = 0;
        loop {
            let to = row.get_mut(filled..).unwrap_or_default();
            if to.is_empty() {
                return Ok(true);
            }
            let piece = self.rest.get(..PIECE).unwrap_or(self.rest);
            let (read, written, ended) = self.packing.unpack(piece, to);
            self.rest = self.rest.get(read..).unwrap_or_default();
            filled += written;
            // Data may go on for long and stand for nothing.
            control.check()?;
            if ended {
                return Ok(filled == row.len());
            }
        }
    }

    /// Whether what follows the last row that is wanted belies it: only Deflate has a checksum, and
    /// only where nothing else follows.
    pub(super) fn is_belied(&mut self) -> bool {
        let Packing::Deflate(decoder) = &mut self.packing else { return false };
        decoder.decompress(self.rest, &mut [0; 64], FlushDecompress::None).is_err()
    }
}

impl Packing<'_> {
    /// Unpacks a piece of the data; returns how much of it was read, how much written, and whether
    /// nothing will follow.
    fn unpack(&mut self, piece: &[u8], to: &mut [u8]) -> (usize, usize, bool) {
        match self {
            Packing::None => {
                let len = piece.len().min(to.len());
                to.iter_mut().zip(piece).for_each(|(to, &from)| *to = from);
                (len, len, len == 0)
            }
            Packing::PackBits { plain, run } => {
                let (mut read, mut written) = (0, 0);
                loop {
                    let room = to.get_mut(written..).unwrap_or_default();
                    let rest = piece.get(read..).unwrap_or_default();
                    if *plain > 0 {
                        let len = room.len().min(rest.len()).min(*plain);
                        room.iter_mut().zip(rest).take(len).for_each(|(to, &from)| *to = from);
                        (read, written, *plain) = (read + len, written + len, *plain - len);
                        if len == 0 {
                            break;
                        }
                    } else if run.0 > 0 {
                        let len = room.len().min(run.0);
                        room.iter_mut().take(len).for_each(|to| *to = run.1);
                        (written, run.0) = (written + len, run.0 - len);
                        if len == 0 {
                            break;
                        }
                    } else {
                        match *rest {
                            [128, ..] => read += 1,
                            [len @ 0..128, ..] => (read, *plain) = (read + 1, usize::from(len) + 1),
                            [len, value, ..] => {
                                (read, *run) = (read + 2, (257 - usize::from(len), value));
                            }
                            _ => break,
                        }
                    }
                }
                (read, written, read == 0 && written == 0)
            }
            Packing::Lzw(decoder) => {
                let step = decoder.step(piece, to);
                (step.read, step.written, step.next != Next::Step)
            }
            Packing::Deflate(decoder) => {
                let (before_in, before_out) = (decoder.total_in(), decoder.total_out());
                let status = decoder.decompress(piece, to, FlushDecompress::None);
                let read = (decoder.total_in() - before_in) as usize;
                let written = (decoder.total_out() - before_out) as usize;
                let goes_on = matches!(status, Ok(Status::Ok | Status::BufError));
                (read, written, !goes_on || read == 0 && written == 0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn unpacked(compression: Compression, data: &[u8], row: usize) -> Vec<u8> {
        let mut decoders = Decoders::new(row.is_multiple_of(2));
        let mut out = Vec::new();
        // The second time with decoders that were used.
        for _ in 0..2 {
            let mut stream = decoders.stream(compression, data);
            out.clear();
            let mut buffer = vec![0; row];
            while stream.fill(&mut buffer, &Control::default()).unwrap() {
                out.extend_from_slice(&buffer);
            }
        }
        out
    }

    #[test]
    fn every_packing() {
        let plain: Vec<u8> = (0..50_000u32).map(|i| ((i / 7 * i) >> 5) as u8).collect();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
        zlib.write_all(&plain).unwrap();
        let lzw = weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8).encode(&plain);
        let old = weezl::encode::Encoder::new(BitOrder::Lsb, 8).encode(&plain);
        for (compression, data) in [
            (Compression::None, plain.clone()),
            (Compression::Deflate, zlib.finish().unwrap()),
            (Compression::Lzw, lzw.unwrap()),
            (Compression::Lzw, old.unwrap()),
        ] {
            for row in [1, 100, 50_000] {
                assert_eq!(unpacked(compression, &data, row), plain, "{compression:?} {row}");
            }
        }
    }

    #[test]
    fn pack_bits() {
        // The example of TIFF 6.0, section 9.
        let packed = [
            0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7,
            0xaa,
        ];
        let plain = [
            0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0x22,
            0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
        ];
        for row in [1, 4, 8, 24] {
            assert_eq!(unpacked(Compression::PackBits, &packed, row), plain);
        }
        let nothing = [&[128; 100_000][..], &[0, 7]].concat();
        assert_eq!(unpacked(Compression::PackBits, &nothing, 1), [7]);
        assert_eq!(unpacked(Compression::PackBits, &[5, 1, 2], 2), [1, 2]);
        assert!(unpacked(Compression::PackBits, &[0xf0], 1).is_empty());
    }
}
