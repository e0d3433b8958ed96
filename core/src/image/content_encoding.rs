//! Content codings of a source's body (RFC 9110, section 8.4.1).

use std::io::{self, BufRead, Read};

use flate2::bufread::{GzDecoder, MultiGzDecoder};
use flate2::{Decompress, FlushDecompress, Status};

use super::cancellable_reader::{self, CancellableReader, PIECE};
use super::raster::append;
use super::{Control, Error, Format, SNIFF_LEN, UNSUPPORTED_LEN, is_svg, sniff, unsupported};

/// How many bytes are decoded between two looks at the [`Control`].
const CHUNK: usize = 64 * 1024;

/// What gzip begins with, and the only method that it knows.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

/// A content coding that [`decode_body`] undoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentCoding {
    /// `gzip` or `x-gzip` (RFC 1952).
    Gzip,
    /// `deflate`: the zlib format (RFC 1950), or the bare deflate data
    /// (RFC 1951) that some servers send under that name.
    Deflate,
}

impl ContentCoding {
    /// The coding of that name in `Content-Encoding`, whatever its case.
    #[must_use]
    pub fn from_token(token: &[u8]) -> Option<ContentCoding> {
        const TOKENS: [(&[u8], ContentCoding); 3] = [
            (b"gzip", ContentCoding::Gzip),
            (b"x-gzip", ContentCoding::Gzip),
            (b"deflate", ContentCoding::Deflate),
        ];
        TOKENS.iter().find(|(name, _)| name.eq_ignore_ascii_case(token)).map(|&(_, coding)| coding)
    }

    /// Its name in RFC 9110.
    fn token(self) -> &'static str {
        match self {
            ContentCoding::Gzip => "gzip",
            ContentCoding::Deflate => "deflate",
        }
    }

    /// What the first bytes of a body unfold to, as far as they do: at most [`UNSUPPORTED_LEN`]
    /// bytes.
    fn begin(self, prefix: &[u8]) -> Vec<u8> {
        let control = Control::default();
        let mut first = Vec::with_capacity(SNIFF_LEN);
        let limit = UNSUPPORTED_LEN as u64;
        // The prefix ends in the middle of the stream, which is an error only at its end.
        let _ = match self {
            ContentCoding::Gzip => MultiGzDecoder::new(prefix).take(limit).read_to_end(&mut first),
            ContentCoding::Deflate => {
                Inflate::new(prefix, &control).take(limit).read_to_end(&mut first)
            }
        };
        first
    }
}

/// What of an `Accept-Encoding` can be asked of those who send sources: the codings in it that can
/// be undone.
#[must_use]
pub fn acceptable_codings(accept_encoding: &[u8]) -> Vec<u8> {
    let mut asked = Vec::new();
    for element in accept_encoding.split(|&byte| byte == b',') {
        let element = element.trim_ascii();
        let token = element.split(|&byte| byte == b';').next().unwrap_or_default();
        if ContentCoding::from_token(token.trim_ascii_end()).is_some() {
            if !asked.is_empty() {
                asked.extend_from_slice(b", ");
            }
            asked.extend_from_slice(element);
        }
    }
    asked
}

/// How many first bytes of an encoded body surely unfold to [`SNIFF_LEN`] bytes: more than the
/// longest header of a gzip member without a file name and the longest table of codes.
const ENCODED_SNIFF_LEN: usize = 1024;

/// How many codings one body may have.
const MOST: usize = 4;

/// The codings of RFC 9110 and of IANA's registry that are not undone. What else stands in
/// `Content-Encoding` (`aws-chunked`, `utf-8`, `none`, `binary`) says nothing about the bytes.
const FOREIGN: [&str; 8] =
    ["aes128gcm", "br", "compress", "x-compress", "dcb", "dcz", "exi", "zstd"];

/// What `Content-Encoding` says of a body: the codings in the order in which they were applied.
///
/// Where the body is a picture as it is, whatever was said is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContentCodings {
    known: Vec<ContentCoding>,
    /// One that can't be undone.
    foreign: Option<String>,
}

impl ContentCodings {
    /// Reads the values of all `Content-Encoding` headers.
    pub fn parse<'a>(values: impl Iterator<Item = &'a [u8]>) -> ContentCodings {
        let mut codings = ContentCodings::default();
        for token in values.flat_map(|value| value.split(|&byte| byte == b',')) {
            let token = token.trim_ascii();
            let known = ContentCoding::from_token(token);
            if codings.known.len() < MOST {
                codings.known.extend(known);
            } else if known.is_some() {
                codings.foreign = Some(format!("more than {MOST}"));
            }
            let foreign = FOREIGN.iter().find(|name| name.as_bytes().eq_ignore_ascii_case(token));
            codings.foreign = codings.foreign.take().or(foreign.map(|&name| format!("{name:?}")));
        }
        codings
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.foreign.is_none()
    }

    /// How many first bytes [`sniff`](ContentCodings::sniff) wants.
    #[must_use]
    pub fn sniff_len(&self) -> usize {
        if self.known.is_empty() { SNIFF_LEN } else { ENCODED_SNIFF_LEN }
    }

    /// Recognises an image by the first [`sniff_len`](ContentCodings::sniff_len) bytes of its body.
    /// The second value tells whether it is one as it is, without the codings undone.
    #[must_use]
    pub fn sniff(&self, prefix: &[u8]) -> Option<(Format, bool)> {
        match sniff(prefix) {
            Some(format) => Some((format, true)),
            None => sniff(&self.begin(prefix)).map(|format| (format, false)),
        }
    }

    /// What to say of a body that is no image, by its first bytes.
    #[must_use]
    pub fn unsupported(&self, prefix: &[u8]) -> Error {
        match (&self.foreign, unsupported(prefix)) {
            (Some(foreign), Error::NotImage) => foreign_coding(foreign),
            (None, Error::NotImage) => unsupported(&self.begin(prefix)),
            (_, named) => named,
        }
    }

    /// What the first bytes of a body were before the codings, and before it was compressed as a file, as
    /// drawings are.
    #[must_use]
    pub fn begin(&self, prefix: &[u8]) -> Vec<u8> {
        let plain = self.plain(prefix);
        compressed_svg(&plain).unwrap_or(plain)
    }

    /// All codings of a body that begins like that, as `Content-Encoding` lists them, where it is a drawing that
    /// is compressed as a file, too, which no header says.
    #[must_use]
    pub fn with_compressed_svg(&self, prefix: &[u8]) -> Option<String> {
        compressed_svg(&self.plain(prefix)).filter(|_| self.foreign.is_none())?;
        let codings = [ContentCoding::Gzip].iter().chain(&self.known);
        Some(codings.map(|coding| coding.token()).collect::<Vec<_>>().join(", "))
    }

    /// What the first bytes of a body were before the codings.
    fn plain(&self, prefix: &[u8]) -> Vec<u8> {
        let codings = self.known.iter().rev();
        codings.fold(prefix.to_vec(), |bytes, coding| coding.begin(&bytes))
    }

    /// Undoes the codings of `body`, and what compresses it as a file where it is a drawing; `None` where it is
    /// to be taken as it is.
    ///
    /// # Errors
    /// [`Error::UnsupportedFormat`] where there is one that can't be undone, and those of
    /// [`decode_body`].
    pub fn undo(
        &self,
        body: &[u8],
        limit: u64,
        control: &Control,
    ) -> Result<Option<Vec<u8>>, Error> {
        if sniff(body).is_some() {
            return Ok(None);
        }
        let mut plain: Option<Vec<u8>> = None;
        for &coding in self.known.iter().rev() {
            let coded = plain.as_deref().unwrap_or(body);
            plain = Some(match decode_body(coding, coded, limit, control) {
                Ok(plain) => plain,
                Err(error @ Error::DecodeFailed(_)) => {
                    return Err(self.foreign.as_deref().map_or(error, foreign_coding));
                }
                Err(error) => return Err(error),
            });
        }
        let coded = plain.as_deref().unwrap_or(body);
        if compressed_svg(coded.get(..ENCODED_SNIFF_LEN).unwrap_or(coded)).is_some() {
            plain = Some(decode_body(ContentCoding::Gzip, coded, limit, control)?);
        }
        match &self.foreign {
            Some(foreign) if plain.as_deref().and_then(sniff).is_none() => {
                Err(foreign_coding(foreign))
            }
            _ => Ok(plain),
        }
    }
}

/// What a drawing begins with whose file is compressed (`.svgz`), if it is one.
fn compressed_svg(prefix: &[u8]) -> Option<Vec<u8>> {
    if !prefix.starts_with(&GZIP) {
        return None;
    }
    Some(ContentCoding::Gzip.begin(prefix)).filter(|begin| is_svg(begin))
}

fn foreign_coding(coding: &str) -> Error {
    Error::UnsupportedFormat(format!("content coding {coding}"))
}

/// Undoes the content coding of `body`.
///
/// The output grows as data arrives and never past `limit` bytes, so a small
/// body that unfolds to gigabytes costs no more than the limit.
///
/// # Errors
/// [`Error::TooLarge`] where the output would pass `limit`,
/// [`Error::DecodeFailed`] where the body is broken or truncated,
/// [`Error::Internal`] without memory, and those of [`Control::check`].
pub fn decode_body(
    coding: ContentCoding,
    body: &[u8],
    limit: u64,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    match coding {
        ContentCoding::Gzip => {
            read_all(Members::new(CancellableReader::new(body, control)), limit, control)
        }
        ContentCoding::Deflate => read_all(Inflate::new(body, control), limit, control),
    }
}

fn read_all(mut source: impl Read, limit: u64, control: &Control) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let mut chunk = [0; CHUNK];
    loop {
        control.check()?;
        let read = match source.read(&mut chunk) {
            Ok(0) => return Ok(out),
            Ok(read) => read,
            Err(error) => {
                control.check()?;
                return Err(Error::DecodeFailed(format!("content coding: {error}")));
            }
        };
        if out.len() as u64 + read as u64 > limit {
            return Err(Error::TooLarge { limit });
        }
        append(&mut out, chunk.get(..read).unwrap_or_default())?;
    }
}

/// Reads members of gzip, one behind another (RFC 1952, section 2.2). What follows them and is none is no part of
/// them, as to browsers and to gzip itself.
struct Members<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Members<R> {
    fn new(input: R) -> Members<R> {
        Members(Some(GzDecoder::new(input)))
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let read = member.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            let mut rest = self.0.take().map(GzDecoder::into_inner);
            let next = rest.as_mut().map(BufRead::fill_buf).transpose()?;
            if next.is_some_and(|next| next.starts_with(&GZIP)) {
                self.0 = rest.map(GzDecoder::new);
            }
        }
        Ok(0)
    }
}

/// Reads deflate data in either wrapping. Unlike flate2's readers it reports an
/// end of input before the end of the stream.
struct Inflate<'a> {
    state: Decompress,
    input: &'a [u8],
    ended: bool,
    control: &'a Control,
}

impl<'a> Inflate<'a> {
    fn new(input: &'a [u8], control: &'a Control) -> Inflate<'a> {
        Inflate { state: Decompress::new(has_zlib_header(input)), input, ended: false, control }
    }
}

/// Whether the first two bytes are the header of RFC 1950: method 8 and a
/// checksum that makes them a multiple of 31. Bare deflate data begins so only
/// with a stored block of a very particular length.
fn has_zlib_header(input: &[u8]) -> bool {
    matches!(input, &[cmf, flg, ..]
        if cmf & 0x0f == 8 && u16::from_be_bytes([cmf, flg]).is_multiple_of(31))
}

impl Read for Inflate<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            cancellable_reader::check(self.control)?;
            let piece = self.input.get(..PIECE).unwrap_or(self.input);
            let (consumed, produced) = (self.state.total_in(), self.state.total_out());
            let status = self
                .state
                .decompress(piece, buffer, FlushDecompress::None)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let consumed = (self.state.total_in() - consumed) as usize;
            let produced = (self.state.total_out() - produced) as usize;
            self.input = self.input.get(consumed..).unwrap_or_default();
            self.ended = status == Status::StreamEnd;
            if produced > 0 {
                return Ok(produced);
            }
            if !self.ended && consumed == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::{Duration, Instant};

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn sample() -> Vec<u8> {
        (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x3f).collect()
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(data: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(coding: ContentCoding, body: &[u8]) -> Result<Vec<u8>, Error> {
        decode_body(coding, body, 1 << 20, &Control::default())
    }

    #[test]
    fn tokens() {
        assert_eq!(ContentCoding::from_token(b"gzip"), Some(ContentCoding::Gzip));
        assert_eq!(ContentCoding::from_token(b"X-GZIP"), Some(ContentCoding::Gzip));
        assert_eq!(ContentCoding::from_token(b"Deflate"), Some(ContentCoding::Deflate));
        assert_eq!(ContentCoding::from_token(b"br"), None);
        assert_eq!(ContentCoding::from_token(b""), None);
    }

    fn png() -> Vec<u8> {
        [&b"\x89PNG\r\n\x1a\n"[..], &sample()[..500]].concat()
    }

    fn undo(list: &[&[u8]], body: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        ContentCodings::parse(list.iter().copied()).undo(body, 1 << 20, &Control::default())
    }

    #[test]
    fn what_is_no_coding_is_ignored() {
        for list in [&b""[..], b"identity", b"none", b"binary", b"UTF-8", b"aws-chunked", b", ,"] {
            assert!(ContentCodings::parse([list].into_iter()).is_empty());
            assert_eq!(undo(&[list], &png()), Ok(None));
            assert_eq!(undo(&[list], b"text"), Ok(None));
        }
        let list = b"aws-chunked, GZIP";
        assert_eq!(undo(&[list], &gzip(&png())), Ok(Some(png())));
        assert_eq!(undo(&[b"aws-chunked", b"gzip"], &gzip(&png())), Ok(Some(png())));
    }

    #[test]
    fn a_picture_is_one_whatever_is_said() {
        for list in [&b"gzip"[..], b"br", b"zstd,gzip", b"deflate, br", b"gzip,gzip,gzip,gzip,gzip"]
        {
            assert_eq!(undo(&[list], &png()), Ok(None));
            assert_eq!(
                ContentCodings::parse([list].into_iter()).sniff(&png()),
                Some((Format::Png, true))
            );
        }
    }

    #[test]
    fn a_drawing_may_be_compressed_as_a_file() {
        let svg = format!("<?xml version='1.0'?><svg>{}</svg>", "<g/>".repeat(20_000)).into_bytes();
        let file = gzip(&svg);
        for (list, body, all) in [
            (&[][..], file.clone(), Some("gzip")),
            (&[&b"gzip"[..]][..], file.clone(), None),
            (&[&b"x-gzip"[..]][..], gzip(&file), Some("gzip, gzip")),
            (&[&b"deflate"[..]][..], zlib(&file), Some("gzip, deflate")),
            (&[&b"utf-8"[..]][..], file.clone(), Some("gzip")),
        ] {
            let codings = ContentCodings::parse(list.iter().copied());
            assert_eq!(undo(list, &body).map(|plain| plain == Some(svg.clone())), Ok(true));
            let begin = codings.begin(body.get(..ENCODED_SNIFF_LEN).unwrap_or(&body));
            assert!(is_svg(&begin) && svg.starts_with(&begin), "{list:?}");
            assert_eq!(codings.with_compressed_svg(&body).as_deref(), all);
        }
        // Nothing else is looked for in a file that is compressed, and only once.
        for file in [gzip(&png()), gzip(b"text"), gzip(&gzip(&svg)), vec![0x1f, 0x8b, 8]] {
            assert_eq!(undo(&[], &file), Ok(None));
            assert_eq!(ContentCodings::default().with_compressed_svg(&file), None);
        }
        let bomb = gzip(&[&b"<svg>"[..], &vec![b' '; 64 << 20]].concat());
        assert_eq!(undo(&[], &bomb), Err(Error::TooLarge { limit: 1 << 20 }));
        for len in [file.len() / 2, file.len() - 1] {
            assert!(matches!(undo(&[], &file[..len]), Err(Error::DecodeFailed(_))), "{len}");
        }
    }

    #[test]
    fn only_what_is_undone_is_asked_for() {
        for (accepted, asked) in [
            (&b"gzip, deflate, br, zstd"[..], &b"gzip, deflate"[..]),
            (b"br;q=1.0, gzip;q=0.8, *;q=0.1", b"gzip;q=0.8"),
            (b"BR,GZip ; q=0", b"GZip ; q=0"),
            (b"identity", b""),
            (b"*", b""),
            (b"", b""),
        ] {
            assert_eq!(acceptable_codings(accepted), asked);
        }
    }

    #[test]
    fn several_codings_are_undone_from_the_last_on() {
        let body = zlib(&gzip(&png()));
        assert_eq!(undo(&[b"gzip, deflate"], &body), Ok(Some(png())));
        assert_eq!(undo(&[b"gzip", b"deflate"], &body), Ok(Some(png())));
        let codings = ContentCodings::parse([&b"gzip, deflate"[..]].into_iter());
        assert_eq!(codings.sniff(&body), Some((Format::Png, false)));
        assert!(matches!(undo(&[b"deflate, gzip"], &body), Err(Error::DecodeFailed(_))));
    }

    #[test]
    fn foreign_codings_are_named() {
        for (list, body) in [
            (&b"br"[..], b"\x1b\x0f\x00".to_vec()),
            (b"zstd", b"\x28\xb5\x2f\xfd".to_vec()),
            (b"gzip, br", b"\x1b\x0f\x00".to_vec()),
            (b"br, gzip", gzip(b"\x1b\x0f\x00")),
            (b"gzip, gzip, gzip, gzip, gzip", gzip(&png())),
        ] {
            let result = undo(&[list], &body);
            assert!(matches!(result, Err(Error::UnsupportedFormat(_))), "{result:?}");
        }
        assert_eq!(
            ContentCodings::parse([&b"br"[..]].into_iter()).unsupported(b"\x1b\x0f"),
            Error::UnsupportedFormat("content coding \"br\"".to_owned())
        );
    }

    #[test]
    fn decodes_each_wrapping() {
        let data = sample();
        assert_eq!(decode(ContentCoding::Gzip, &gzip(&data)).unwrap(), data);
        assert_eq!(decode(ContentCoding::Deflate, &zlib(&data)).unwrap(), data);
        assert_eq!(decode(ContentCoding::Deflate, &raw(&data)).unwrap(), data);
        assert_eq!(decode(ContentCoding::Deflate, &zlib(b"")).unwrap(), b"");
    }

    #[test]
    fn joins_the_members_of_a_gzip_file() {
        let body = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(decode(ContentCoding::Gzip, &body).unwrap(), b"one two");
        for other in [&b"junk"[..], &[0; 512], &[0x1f], &[0x1f, 0x8b, 7]] {
            let body = [&body, other].concat();
            assert_eq!(decode(ContentCoding::Gzip, &body).unwrap(), b"one two", "{other:?}");
        }
    }

    #[test]
    fn truncation_is_an_error_at_every_point() {
        let data = &sample()[..2000];
        for (coding, body) in [
            (ContentCoding::Gzip, gzip(data)),
            (ContentCoding::Deflate, zlib(data)),
            (ContentCoding::Deflate, raw(data)),
        ] {
            // An empty gzip body is no member at all, which is not a truncated one.
            for len in 1..body.len() {
                let result = decode(coding, &body[..len]);
                assert!(
                    matches!(result, Err(Error::DecodeFailed(_))),
                    "{coding:?} {len} of {}",
                    body.len()
                );
            }
        }
    }

    #[test]
    fn corruption_is_an_error() {
        let mut body = gzip(&sample());
        let middle = body.len() / 2;
        body[middle] ^= 0x40;
        assert!(matches!(decode(ContentCoding::Gzip, &body), Err(Error::DecodeFailed(_))));
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let body = gzip(&vec![0; 64 << 20]);
        let result = decode_body(ContentCoding::Gzip, &body, 1 << 20, &Control::default());
        assert_eq!(result, Err(Error::TooLarge { limit: 1 << 20 }));
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        let data = sample();
        let body = gzip(&data);
        let limit = data.len() as u64;
        assert!(decode_body(ContentCoding::Gzip, &body, limit, &Control::default()).is_ok());
        assert!(decode_body(ContentCoding::Gzip, &body, limit - 1, &Control::default()).is_err());
    }

    /// Blocks of deflate that hold nothing, one after the other.
    #[test]
    fn data_of_which_nothing_comes_can_be_stopped() {
        // A stored block of no bytes.
        let empty = [0, 0, 0, 0xff, 0xff].repeat(4 << 20);
        let gzip = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff][..], &empty].concat();
        let zlib = [&[0x78, 0x9c][..], &empty].concat();
        for (coding, body) in [(ContentCoding::Gzip, &gzip), (ContentCoding::Deflate, &zlib)] {
            let control = Control::new(Some(Instant::now() + Duration::from_millis(1)));
            assert_eq!(decode_body(coding, body, 1 << 20, &control), Err(Error::Timeout));
        }
    }

    #[test]
    fn cancelled() {
        let control = Control::default();
        control.cancel();
        let result = decode_body(ContentCoding::Gzip, &gzip(b"x"), 100, &control);
        assert_eq!(result, Err(Error::Cancelled));
    }
}
