//! The directory of a page of a TIFF file: how its pixels are stored, and its metadata (TIFF 6.0, and
//! the supplements of Adobe for Photoshop; BigTIFF).

mod directory;

pub(in crate::image) use directory::{Numbers, Values};

use std::borrow::Cow;

use super::exif::{ARTIST, COPYRIGHT};
use super::headers::SourceHeaders;
use super::{Block, Embedded, Icc};
use crate::image::error::broken;
use crate::image::raster::Layout;
use crate::image::size::Size;
use crate::image::{Error, Format, Info, Limits};
use directory::Directory;

const SUBFILE: u16 = 254;
const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const FILL_ORDER: u16 = 266;
const STRIP_OFFSETS: u16 = 273;
const ORIENTATION: u16 = 274;
const SAMPLES: u16 = 277;
const ROWS_PER_STRIP: u16 = 278;
const STRIP_LENGTHS: u16 = 279;
const PLANAR: u16 = 284;
const PREDICTOR: u16 = 317;
const COLOR_MAP: u16 = 320;
const TILE_WIDTH: u16 = 322;
const TILE_HEIGHT: u16 = 323;
const TILE_OFFSETS: u16 = 324;
const TILE_LENGTHS: u16 = 325;
const INK_SET: u16 = 332;
const EXTRA_SAMPLES: u16 = 338;
const SAMPLE_FORMAT: u16 = 339;
const JPEG_TABLES: u16 = 347;
const XMP: u16 = 700;
const PHOTOSHOP: u16 = 34377;
const PROFILE: u16 = 34675;
const DNG_VERSION: u16 = 50706;

/// A picture that is only a smaller copy of another, or the mask of one.
const NO_PAGE: u64 = 1 | 4;

/// So many directories are looked at for a page.
const MOST_DIRECTORIES: usize = 1024;

/// More samples no pixel has that is of use to us.
const MOST_SAMPLES: u64 = 32;

/// The least sides of tiles.
const LEAST_TILE: u32 = 16;

/// How the bytes of a strip or a tile are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) enum Compression {
    None,
    PackBits,
    Lzw,
    Deflate,
    Jpeg,
}

impl Compression {
    fn read(number: u64) -> Result<Compression, Error> {
        let name = match number {
            1 => return Ok(Compression::None),
            5 => return Ok(Compression::Lzw),
            7 => return Ok(Compression::Jpeg),
            8 | 32946 => return Ok(Compression::Deflate),
            32773 => return Ok(Compression::PackBits),
            2 | 32771 => "CCITT RLE",
            3 => "CCITT Group 3",
            4 => "CCITT Group 4",
            6 => "old JPEG",
            34712 => "JPEG 2000",
            34887 => "LERC",
            34925 => "LZMA",
            50000 => "Zstandard",
            50001 => "WebP",
            50002 => "JPEG XL",
            _ => return unsupported(format_args!("compression {number}")),
        };
        unsupported(format_args!("{name} compression"))
    }

    /// How many bytes one of them may become.
    fn most_per_byte(self) -> u64 {
        match self {
            Compression::None => 1,
            Compression::PackBits => 64,
            // A code has 12 bits at most, and stands for no more bytes than there are codes.
            Compression::Lzw => 4096,
            Compression::Deflate => 1032,
            // Two bits for each block of 64, of which chroma has fewer.
            Compression::Jpeg => 2048,
        }
    }
}

/// What the first samples of a pixel are.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) enum Colors<'a> {
    Grey {
        /// Whether 0 is white.
        inverted: bool,
    },
    Rgb,
    /// The red of all colours, their green, their blue.
    Palette(Values<'a>),
    /// 0 is no ink.
    Cmyk,
    /// As JPEG stores it.
    YCbCr,
}

impl Colors<'_> {
    /// How many samples they are.
    pub(in crate::image) fn samples(self) -> usize {
        match self {
            Colors::Grey { .. } | Colors::Palette(_) => 1,
            Colors::Rgb | Colors::YCbCr => 3,
            Colors::Cmyk => 4,
        }
    }
}

/// The sample that says how opaque a pixel is.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct Alpha {
    /// Its place among the samples.
    pub(in crate::image) sample: usize,
    /// Whether colours are multiplied by it.
    pub(in crate::image) associated: bool,
}

/// How the pixels are stored.
#[derive(Debug)]
pub(in crate::image) struct Tiff<'a> {
    /// That of the decoded raster.
    pub(in crate::image) layout: Layout,
    pub(in crate::image) numbers: Numbers,
    pub(in crate::image) compression: Compression,
    pub(in crate::image) colors: Colors<'a>,
    pub(in crate::image) alpha: Option<Alpha>,
    /// Bits of a sample.
    pub(in crate::image) bits: u8,
    /// Samples of a pixel.
    pub(in crate::image) samples: usize,
    /// Whether each sample of all pixels is stored apart.
    pub(in crate::image) is_planar: bool,
    /// Whether samples are stored as differences.
    pub(in crate::image) has_differences: bool,
    /// Whether the first bit of a byte is the lowest.
    pub(in crate::image) lowest_first: bool,
    /// What the JPEG streams have in common.
    pub(in crate::image) jpeg_tables: Option<&'a [u8]>,
    pub(in crate::image) chunks: Chunks<'a>,
}

/// The strips or tiles that a picture is cut into.
#[derive(Debug)]
pub(in crate::image) struct Chunks<'a> {
    file: &'a [u8],
    offsets: Values<'a>,
    lengths: Option<Values<'a>>,
    /// The size of each, of which those at the edges may have less.
    pub(in crate::image) size: Size,
    /// How many there are beside each other, and below.
    pub(in crate::image) across: u32,
    pub(in crate::image) down: u32,
}

/// The bytes of a strip or a tile.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct Chunk<'a> {
    pub(in crate::image) data: &'a [u8],
    /// Whether there would be more behind the end of the file.
    pub(in crate::image) is_cut: bool,
}

impl<'a> Chunks<'a> {
    /// Whether the file says of half of them where they are.
    pub(in crate::image) fn are_known(&self) -> bool {
        self.offsets.there() >= u64::from(self.across) * u64::from(self.down) / 2
    }

    /// The one of a plane at that column and row, which would be so long without compression.
    pub(in crate::image) fn chunk(
        &self,
        (plane, column, row): (usize, u32, u32),
        plain: u64,
    ) -> Chunk<'a> {
        let in_plane = u64::from(row) * u64::from(self.across) + u64::from(column);
        let place = plane as u64 * u64::from(self.across) * u64::from(self.down) + in_plane;
        let nothing = Chunk { data: &[], is_cut: true };
        let Some(offset) = self.offsets.get(place) else { return nothing };
        // Where nobody says how long it is, it is as long as it can be.
        let len = self.lengths.and_then(|lengths| lengths.get(place)).filter(|&len| len > 0);
        let len = len.unwrap_or(plain);
        // A hole.
        if offset == 0 {
            return Chunk { data: &[], is_cut: false };
        }
        let Some(behind) = usize::try_from(offset).ok().and_then(|at| self.file.get(at..)) else {
            return nothing;
        };
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        match behind.get(..len) {
            Some(data) => Chunk { data, is_cut: false },
            None => Chunk { data: behind, is_cut: true },
        }
    }
}

impl Tiff<'_> {
    /// The samples that are decoded, each with the channel of the raster that it becomes.
    pub(in crate::image) fn wanted(&self) -> impl Iterator<Item = (usize, usize)> + Clone {
        let colors = self.colors.samples();
        let alpha = self.alpha.map(|alpha| (alpha.sample, colors));
        (0..colors).map(|sample| (sample, sample)).chain(alpha)
    }

    /// How many samples stand beside each other in a row of a chunk.
    pub(in crate::image) fn interleaved(&self) -> usize {
        if self.is_planar { 1 } else { self.samples }
    }

    /// Bytes of a row of a chunk that is not compressed.
    pub(in crate::image) fn stride(&self) -> u64 {
        let samples = u64::from(self.chunks.size.width) * self.interleaved() as u64;
        (samples * u64::from(self.bits)).div_ceil(8)
    }

    /// Bytes of a chunk that is not compressed.
    pub(in crate::image) fn plain_bytes(&self) -> u64 {
        self.stride().saturating_mul(self.chunks.size.height.into())
    }

    /// How many bytes so many of a chunk become at most.
    pub(in crate::image) fn most_bytes(&self, compressed: usize) -> u64 {
        (compressed as u64).saturating_mul(self.compression.most_per_byte())
    }

    /// Checks the sides of chunks, which may be larger than the picture.
    pub(super) fn check(&self, limits: &Limits) -> Result<(), Error> {
        let Size { width, height } = self.chunks.size;
        // Each costs a start, and a look at many rows, however little is in it. TIFF 6.0, section 15,
        // wants multiples of 16.
        let (across, down) = (self.chunks.across, self.chunks.down);
        if across > 1 && (width < LEAST_TILE || down > 1 && height < LEAST_TILE) {
            return unsupported(format_args!("tiles of {width}x{height} pixels"));
        }
        limits.check_sides(self.chunks.size)?;
        let what = || format!("strips or tiles of {width}x{height}");
        limits.check_pixels(self.chunks.size.pixels(), what)?;
        let row = u64::from(width) * u64::from(self.chunks.across);
        limits.check_pixels(row * u64::from(height) * u64::from(self.chunks.down), what)
    }
}

fn unsupported<T>(what: impl std::fmt::Display) -> Result<T, Error> {
    Err(Error::UnsupportedFormat(format!("TIFF with {what}")))
}

/// Reads the directory of a page, counted from 1.
pub(super) fn read(input: &[u8], number: u16) -> Result<SourceHeaders<'_, Tiff<'_>>, Error> {
    let first = Directory::first(input)?;
    if first.values(DNG_VERSION).is_some() {
        return Err(Error::UnsupportedFormat("DNG".to_owned()));
    }
    let is_page = |page: &Directory| page.number(SUBFILE).unwrap_or(0) & NO_PAGE == 0;
    let directories = std::iter::successors(Some(first), Directory::next).take(MOST_DIRECTORIES);
    let mut pages = directories.filter(is_page);
    let page = match pages.nth(usize::from(number).saturating_sub(1)) {
        Some(page) => page,
        // Raw files of cameras begin with a preview, and may have nothing else that is known as a picture.
        None if number <= 1 => return unsupported("nothing but a preview"),
        None => return Err(Error::BeyondImage(format!("there is no page {number}"))),
    };
    let side = |tag| u32::try_from(page.number(tag).unwrap_or(0)).unwrap_or(u32::MAX);
    let size = Size::new(side(WIDTH), side(HEIGHT));
    if size.pixels() == 0 {
        return Err(broken("the directory gives no size"));
    }
    let tiff = tiff(input, &page, size)?;
    let icc = page.bytes(PROFILE).map(|profile| Icc::Plain(Cow::Borrowed(profile)));
    let embedded = Embedded {
        author: page.bytes(ARTIST),
        rights: page.bytes(COPYRIGHT),
        xmp: page.bytes(XMP).map(Block::Plain),
        iptc: page.bytes(PHOTOSHOP).into_iter().collect(),
        icc,
        ..Embedded::default()
    };
    let orientation = page.number(ORIENTATION).and_then(|value| u8::try_from(value).ok());
    let has_palette = matches!(tiff.colors, Colors::Palette(_));
    Ok(SourceHeaders {
        info: Info {
            format: Format::Tiff,
            width: size.width,
            height: size.height,
            orientation: orientation.filter(|value| (1..=8).contains(value)).unwrap_or(1),
            frames: 1,
            alpha: tiff.layout.has_alpha(),
            bits: if has_palette { 8 } else { tiff.bits },
            has_palette,
            has_profile: embedded.icc.is_some(),
            progressive: false,
        },
        own: tiff,
        embedded,
        fault: None,
        damage: None,
    })
}

fn tiff<'a>(file: &'a [u8], page: &Directory<'a>, size: Size) -> Result<Tiff<'a>, Error> {
    let compression = Compression::read(page.number(COMPRESSION).unwrap_or(1))?;
    // Where nothing says it, there are as many as are described.
    let described = || page.values(BITS).map_or(1, |values| values.count());
    let samples = page.number(SAMPLES).unwrap_or_else(described);
    if !(1..=MOST_SAMPLES).contains(&samples) {
        return unsupported(format_args!("{samples} samples of a pixel"));
    }
    let colors = colors(page, samples, compression)?;
    let samples = samples as usize;
    if samples < colors.samples() {
        return unsupported(format_args!("{samples} samples of a pixel"));
    }
    let bits = bits(page, colors, compression)?;
    let alpha = alpha(page, colors, samples);
    let layout = match (colors, alpha) {
        (Colors::Grey { .. }, None) => Layout::L8,
        (Colors::Grey { .. }, Some(_)) => Layout::La8,
        (Colors::Rgb, Some(_)) => Layout::Rgba8,
        (Colors::Rgb | Colors::Palette(_) | Colors::YCbCr, _) => Layout::Rgb8,
        (Colors::Cmyk, _) => Layout::Cmyk8,
    };
    let is_planar = match page.number(PLANAR).unwrap_or(1) {
        1 => false,
        2 => samples > 1,
        other => return unsupported(format_args!("planar configuration {other}")),
    };
    if compression == Compression::Jpeg
        && (is_planar && matches!(colors, Colors::YCbCr)
            || !is_planar && samples != colors.samples())
    {
        return unsupported(format_args!("{samples} samples of a pixel in JPEG"));
    }
    // Only these two keep to it.
    let has_predictor = matches!(compression, Compression::Lzw | Compression::Deflate);
    let has_differences = match page.number(PREDICTOR).filter(|_| has_predictor).unwrap_or(1) {
        1 => false,
        2 if matches!(bits, 8 | 16) => true,
        2 => return unsupported(format_args!("differences of {bits} bits")),
        other => return unsupported(format_args!("predictor {other}")),
    };
    Ok(Tiff {
        layout,
        numbers: page.numbers(),
        compression,
        colors,
        alpha,
        bits,
        samples,
        is_planar,
        has_differences,
        lowest_first: page.number(FILL_ORDER) == Some(2) && compression != Compression::Jpeg,
        jpeg_tables: page.bytes(JPEG_TABLES),
        chunks: chunks(file, page, size)?,
    })
}

fn colors<'a>(
    page: &Directory<'a>,
    samples: u64,
    compression: Compression,
) -> Result<Colors<'a>, Error> {
    let usual = if samples < 3 { 1 } else { 2 };
    Ok(match page.number(PHOTOMETRIC).unwrap_or(usual) {
        0 => Colors::Grey { inverted: true },
        1 => Colors::Grey { inverted: false },
        2 => Colors::Rgb,
        3 => Colors::Palette(page.values(COLOR_MAP).ok_or_else(|| broken("there is no palette"))?),
        5 if page.number(INK_SET).unwrap_or(1) == 1 => Colors::Cmyk,
        5 => return unsupported("inks that are not CMYK"),
        6 if compression == Compression::Jpeg => Colors::YCbCr,
        6 => return unsupported("YCbCr outside JPEG"),
        4 => return unsupported("a mask in place of a picture"),
        8..=10 => return unsupported("CIE L*a*b* colours"),
        other => return unsupported(format_args!("photometric interpretation {other}")),
    })
}

fn bits(page: &Directory, colors: Colors, compression: Compression) -> Result<u8, Error> {
    // What is not said for each sample is so for all.
    let bits = page.number(BITS).unwrap_or(1);
    let all = page.values(BITS);
    let same = |value: &Values| {
        (1..value.count().min(MOST_SAMPLES))
            .all(|place| value.get(place).is_none_or(|other| other == bits))
    };
    if !all.as_ref().is_none_or(same) {
        return unsupported("samples of different bits");
    }
    match page.number(SAMPLE_FORMAT).unwrap_or(1) {
        1 | 4 => {}
        2 => return unsupported("signed samples"),
        3 => return unsupported("floating-point samples"),
        other => return unsupported(format_args!("sample format {other}")),
    }
    match (bits, colors, compression) {
        (8, _, Compression::Jpeg) => Ok(8),
        (1 | 2 | 4 | 8, _, _) | (16, Colors::Grey { .. } | Colors::Rgb | Colors::Cmyk, _)
            if compression != Compression::Jpeg =>
        {
            Ok(bits as u8)
        }
        _ => unsupported(format_args!("{bits} bits a sample")),
    }
}

/// The first of the samples behind the colours that is said to be alpha. Rasters have no place for that
/// of CMYK.
fn alpha(page: &Directory, colors: Colors, samples: usize) -> Option<Alpha> {
    if !matches!(colors, Colors::Grey { .. } | Colors::Rgb) {
        return None;
    }
    let Some(extra) = page.values(EXTRA_SAMPLES) else {
        // All others take a fourth sample that nothing is said of for it, too.
        let is_fourth = matches!(colors, Colors::Rgb) && samples == 4;
        return is_fourth.then_some(Alpha { sample: 3, associated: false });
    };
    let places = colors.samples()..samples;
    let mut kinds = (0..).zip(places).map(|(place, sample)| (extra.get(place), sample));
    kinds.find_map(|(kind, sample)| match kind {
        Some(1) => Some(Alpha { sample, associated: true }),
        Some(2) => Some(Alpha { sample, associated: false }),
        _ => None,
    })
}

fn chunks<'a>(file: &'a [u8], page: &Directory<'a>, size: Size) -> Result<Chunks<'a>, Error> {
    let side = |tag| page.number(tag).map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    let rows = side(ROWS_PER_STRIP).unwrap_or(u32::MAX).min(size.height);
    let of = match (side(TILE_WIDTH), side(TILE_HEIGHT)) {
        (Some(width), Some(height)) => Size::new(width, height),
        _ => Size::new(size.width, rows),
    };
    // Tiles may be told by the tags of strips.
    let either = |tile, strip| page.values(tile).or_else(|| page.values(strip));
    let nowhere = || broken("the directory does not say where the pixels are");
    if of.pixels() == 0 {
        return Err(nowhere());
    }
    Ok(Chunks {
        file,
        offsets: either(TILE_OFFSETS, STRIP_OFFSETS).ok_or_else(nowhere)?,
        lengths: either(TILE_LENGTHS, STRIP_LENGTHS),
        size: of,
        across: size.width.div_ceil(of.width),
        down: size.height.div_ceil(of.height),
    })
}
