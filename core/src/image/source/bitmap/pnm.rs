//! The headers of PBM, PGM, PPM and PAM files (<https://netpbm.sourceforge.net/doc/>).

use super::described::Described;
use crate::image::Error;
use crate::image::error::broken;
use crate::image::raster::Layout;
use crate::image::size::Size;

/// No header is longer, comments included.
const LONGEST: usize = 64 << 10;

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) enum Samples {
    /// As one digit, 1 is black.
    BlackDigits,
    /// As decimal numbers.
    Numbers,
    /// As bits, 1 is black; rows begin at a byte.
    BlackBits,
    /// In a byte.
    Bytes,
    /// In two bytes, big-endian.
    Words,
}

/// The raster of a file.
#[derive(Debug)]
pub(in crate::image) struct Pnm<'a> {
    pub(in crate::image) data: &'a [u8],
    pub(in crate::image) samples: Samples,
    /// The largest value of a sample.
    pub(in crate::image) max: u16,
    /// Samples of a row.
    across: u64,
    height: u32,
}

impl Pnm<'_> {
    /// Bytes of a row of a raster that is not text.
    pub(in crate::image) fn stride(&self) -> u64 {
        match self.samples {
            Samples::BlackBits => self.across.div_ceil(8),
            Samples::Words => self.across * 2,
            Samples::Bytes | Samples::BlackDigits | Samples::Numbers => self.across,
        }
    }

    /// How many rows there are at most; of a raster that is not text, how many there are.
    pub(in crate::image) fn most_rows(&self) -> u32 {
        let len = self.data.len() as u64;
        let len = if self.samples == Samples::Numbers { len.div_ceil(2) } else { len };
        (len / self.stride().max(1)).min(self.height.into()) as u32
    }
}

/// Reads the header.
pub(super) fn read(input: &[u8]) -> Result<Described<'_, Pnm<'_>>, Error> {
    let mut words = Words { rest: input };
    let header = match words.next()? {
        b"P7" => pam(&mut words)?,
        magic => plain(magic, &mut words)?,
    };
    // One character ends the last word.
    let data = words.rest.get(1..).unwrap_or_default();
    let Header { size, layout, max, samples } = header;
    if size.pixels() == 0 || max == 0 {
        return Err(broken("the header gives no size"));
    }
    let across = u64::from(size.width) * layout.channels() as u64;
    let pnm = Pnm { data, samples, max, across, height: size.height };
    let bits = match max {
        1 => 1,
        2..=255 => 8,
        _ => 16,
    };
    Ok(Described { size, layout, bits, has_palette: false, profile: None, own: pnm })
}

struct Header {
    size: Size,
    layout: Layout,
    max: u16,
    samples: Samples,
}

fn plain(magic: &[u8], words: &mut Words) -> Result<Header, Error> {
    let size = Size::new(words.number()?, words.number()?);
    let layout = if matches!(magic, b"P3" | b"P6") { Layout::Rgb8 } else { Layout::L8 };
    let max = if matches!(magic, b"P1" | b"P4") { 1 } else { words.max()? };
    let samples = match magic {
        b"P1" => Samples::BlackDigits,
        b"P2" | b"P3" => Samples::Numbers,
        b"P4" => Samples::BlackBits,
        _ => binary(max),
    };
    Ok(Header { size, layout, max, samples })
}

fn binary(max: u16) -> Samples {
    if max > 255 { Samples::Words } else { Samples::Bytes }
}

fn pam(words: &mut Words) -> Result<Header, Error> {
    let (mut size, mut depth, mut max) = (Size::new(0, 0), 0, 0);
    loop {
        match words.next()? {
            b"WIDTH" => size.width = words.number()?,
            b"HEIGHT" => size.height = words.number()?,
            b"DEPTH" => depth = words.number()?,
            b"MAXVAL" => max = words.max()?,
            b"TUPLTYPE" => match words.next()? {
                b"BLACKANDWHITE"
                | b"BLACKANDWHITE_ALPHA"
                | b"GRAYSCALE"
                | b"GRAYSCALE_ALPHA"
                | b"RGB"
                | b"RGB_ALPHA" => {}
                other => {
                    let other = other.get(..other.len().min(32)).unwrap_or_default();
                    let what = format!("PAM of type {}", other.escape_ascii());
                    return Err(Error::UnsupportedFormat(what));
                }
            },
            b"ENDHDR" => break,
            _ => return Err(broken("a line of the header of no known kind")),
        }
    }
    let layout = match depth {
        1 => Layout::L8,
        2 => Layout::La8,
        3 => Layout::Rgb8,
        4 => Layout::Rgba8,
        _ => return Err(Error::UnsupportedFormat(format!("PAM with {depth} channels"))),
    };
    Ok(Header { size, layout, max, samples: binary(max) })
}

/// Words between white space, up to the character that ends the last one.
struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<&'a [u8], Error> {
        let cut = || broken("the header is not whole");
        let mut rest = self.rest.trim_ascii_start();
        while let Some(comment) = rest.strip_prefix(b"#") {
            let comment = comment.get(..LONGEST).unwrap_or(comment);
            let end = comment.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            rest = comment_end(rest, end.ok_or_else(cut)?).trim_ascii_start();
        }
        let word = rest.get(..LONGEST).unwrap_or(rest);
        let end = word.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'#');
        let (word, rest) = rest.split_at_checked(end.ok_or_else(cut)?).ok_or_else(cut)?;
        self.rest = rest;
        Ok(word)
    }

    fn number(&mut self) -> Result<u32, Error> {
        let word = self.next()?;
        let digits = word.iter().all(u8::is_ascii_digit);
        let number =
            str::from_utf8(word).ok().filter(|_| digits).and_then(|text| text.parse().ok());
        number.ok_or_else(|| broken("the header has no number where one belongs"))
    }

    /// The largest value of a sample.
    fn max(&mut self) -> Result<u16, Error> {
        u16::try_from(self.number()?).map_err(|_| broken("samples of more than 16 bits"))
    }
}

/// What follows a comment whose text, behind its `#`, is so long.
fn comment_end(rest: &[u8], text: usize) -> &[u8] {
    rest.get(text + 1..).unwrap_or_default()
}
