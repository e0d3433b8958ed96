//! What the chunks of a PNG say (W3C PNG, third edition, section 5).

pub(in crate::image) mod animation;
mod chunks;
mod colors;

use animation::{AnimationChunks, PngFrame};
use chunks::MAX;
pub(in crate::image) use chunks::{ImageData, PngChunks, PngImage, SIGNATURE};
use colors::{ColorChunks, Colors};

use super::headers::SourceHeaders;
use super::jpeg::EXIF;
use super::{Animation, Block, Embedded};
use crate::image::bytes::{array, be32};
use crate::image::damage::Damage;
use crate::image::error::{broken, truncated};
use crate::image::size::Size;
use crate::image::{Error, Format, Info};

/// The first column and row of each of the seven passes of an interlaced image, and how far apart
/// its columns and its rows are (W3C PNG, third edition, section 8.1).
pub(in crate::image) const PASSES: [(usize, usize, usize, usize); 7] = [
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
];

const PALETTE: u8 = 3;

/// What the chunks say besides [`Info`].
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct Png<'a> {
    input: &'a [u8],
    bits: u8,
    color_type: u8,
    /// Whether the rows come in seven passes.
    pub(in crate::image) interlaced: bool,
    /// Whether the file ends before its last chunk.
    pub(in crate::image) ends_early: bool,
    /// The data of the header chunk.
    pub(in crate::image) header: &'a [u8],
    /// The colours, three bytes each; none where the pixels have theirs.
    pub(in crate::image) palette: &'a [u8],
    transparency: Option<&'a [u8]>,
    /// What is shown where nothing moves.
    pub(in crate::image) still: PngImage<'a>,
    /// Of a whole animation.
    pub(in crate::image) animation: Option<Animation>,
}

impl<'a> Png<'a> {
    /// The frames of an animation in their order.
    pub(in crate::image) fn frames(&self) -> impl Iterator<Item = PngFrame<'a>> + use<'a> {
        animation::frames(self.input)
    }

    pub(in crate::image) fn has_palette(&self) -> bool {
        self.color_type == PALETTE
    }

    pub(in crate::image) fn is_grey(&self) -> bool {
        is_grey(self.color_type)
    }

    /// Checks that there can be half of the still image's rows: a byte of deflated data stands for
    /// 1032 at most (<https://zlib.net/zlib_tech.html>).
    pub(in crate::image) fn check_data(&self) -> Result<(), Error> {
        let Size { width, height } = self.still.size;
        let half = self.row_bytes(width).saturating_mul(u64::from(height / 2));
        let data = self.still.data().map(|data| data.bytes.len() as u64).sum::<u64>();
        if data.saturating_mul(1032) < half { Err(truncated()) } else { Ok(()) }
    }

    /// Bytes of so many pixels of a row.
    pub(in crate::image) fn row_bytes(&self, pixels: u32) -> u64 {
        let samples = match self.color_type {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        (u64::from(pixels) * samples * u64::from(self.bits)).div_ceil(8)
    }

    /// What the `tRNS` chunk holds, without the bits that have no meaning.
    pub(in crate::image) fn transparency(&self) -> Option<Vec<u8>> {
        let data = self.transparency?;
        if self.has_palette() {
            return Some(data.to_vec());
        }
        let mask = u16::MAX >> (16 - u16::from(self.bits));
        let samples = data.as_chunks().0.iter();
        Some(
            samples.flat_map(|&sample| (u16::from_be_bytes(sample) & mask).to_be_bytes()).collect(),
        )
    }
}

/// Reads all chunks; what they hold stays packed.
pub(super) fn read(input: &[u8]) -> Result<SourceHeaders<'_, Png<'_>>, Error> {
    let mut chunks = PngChunks::new(input, SIGNATURE);
    let (header, header_data) = match chunks.next() {
        Some((kind, data)) if &kind == b"IHDR" => (ImageHeader::read(data)?, data),
        _ => return Err(broken("the first chunk is no IHDR")),
    };

    let mut embedded = Embedded::default();
    let mut color_chunks = ColorChunks::default();
    let (mut palette, mut transparency) = (None, None);
    let mut animation = AnimationChunks::new(Size::new(header.width, header.height));
    let mut first_data = None;
    let mut unknown = None;
    let mut damage = (!chunks.is_sound()).then(|| wrong_checksum(b"IHDR"));
    let mut whole = false;
    while !whole && let Some((kind, data)) = chunks.next() {
        match &kind {
            b"PLTE" if first_data.is_none() && palette.is_none() => {
                palette = Some(data);
                if header.color_type == PALETTE && !chunks.is_sound() {
                    damage.get_or_insert_with(|| wrong_checksum(&kind));
                }
            }
            // Of chunks that are not needed, broken ones count for nothing.
            b"tRNS" if first_data.is_none() && chunks.is_sound() => {
                transparency = transparency.or(Some(data));
            }
            b"cICP" | b"iCCP" | b"sRGB" | b"gAMA" | b"cHRM"
                if first_data.is_none() && chunks.is_sound() =>
            {
                color_chunks.add(&kind, data);
            }
            b"eXIf" if chunks.is_sound() => {
                // Some writers put the prefix of JPEG before it.
                let tiff = data.strip_prefix(EXIF).unwrap_or(data);
                embedded.exif = embedded.exif.or(Some(Block::Plain(tiff)));
            }
            b"tEXt" | b"zTXt" | b"iTXt" => {
                let packet = embedded.texts.add(&kind, data);
                embedded.xmp = embedded.xmp.or(packet);
            }
            b"acTL" | b"fcTL" | b"fdAT" => animation.add(&kind, data, &chunks),
            b"IDAT" => {
                first_data.get_or_insert(chunks.start);
                animation.add(&kind, data, &chunks);
            }
            b"IEND" => {
                whole = true;
                if !chunks.is_sound() {
                    damage.get_or_insert_with(|| wrong_checksum(&kind));
                }
            }
            b"IHDR" | b"PLTE" => {}
            [first, ..] if first.is_ascii_uppercase() => {
                unknown.get_or_insert((kind, first_data.is_some()));
            }
            [first, ..] if first.is_ascii_lowercase() => {}
            _ => break,
        }
    }
    if !whole && let Some((kind, data)) = chunks.cut() {
        match &kind {
            b"IDAT" => {
                first_data.get_or_insert(chunks.at);
                animation.add(&kind, data, &chunks);
            }
            b"fdAT" if data.len() >= 4 => animation.add(&kind, data, &chunks),
            _ => {}
        }
    }
    if !whole {
        damage.get_or_insert_with(|| Damage::at_the_end("the image is truncated")).ends_early =
            true;
    }

    Colors { icc: embedded.icc, hdr: embedded.hdr } =
        color_chunks.colors(is_grey(header.color_type));
    let palette = match (header.color_type, palette) {
        (PALETTE, Some(palette)) => palette.get(..palette.len().min(768) / 3 * 3),
        _ => None,
    };
    let palette = palette.unwrap_or_default();
    // Of another length it counts for nothing, as browsers have it.
    let transparency = transparency.filter(|data| match header.color_type {
        0 => data.len() == 2,
        2 => data.len() == 6,
        PALETTE => (1..=palette.len() / 3).contains(&data.len()),
        _ => false,
    });
    let fault = match (first_data, unknown) {
        (None, _) => Some(truncated()),
        (_, Some((kind, false))) => Some(Error::UnsupportedFormat(format!(
            "PNG with a critical chunk {}",
            kind.escape_ascii()
        ))),
        _ if header.color_type == PALETTE && palette.is_empty() => Some(broken("no palette")),
        _ => None,
    };
    if let Some((_, true)) = unknown {
        damage.get_or_insert_with(|| Damage::inside("a critical chunk of no known kind"));
    }
    let alpha = matches!(header.color_type, 4 | 6) || transparency.is_some();
    let (animation, wrong) = animation.finish(alpha, whole);
    if let Some(wrong) = wrong {
        damage.get_or_insert(wrong);
    }
    let (frames, animation) = animation.map_or((1, None), |(frames, of)| (frames, Some(of)));
    Ok(SourceHeaders {
        info: Info {
            format: Format::Png,
            width: header.width,
            height: header.height,
            orientation: embedded.orientation(),
            frames,
            alpha,
            bits: if header.color_type == PALETTE { 8 } else { header.bits },
            has_palette: header.color_type == PALETTE,
            has_profile: embedded.icc.is_some(),
            progressive: false,
        },
        own: Png {
            input,
            bits: header.bits,
            color_type: header.color_type,
            interlaced: header.interlaced,
            ends_early: !whole,
            header: header_data,
            palette,
            transparency,
            still: PngImage {
                size: Size::new(header.width, header.height),
                input,
                start: first_data.unwrap_or(input.len()),
                is_frame: false,
            },
            animation,
        },
        embedded,
        fault,
        damage,
    })
}

fn is_grey(color_type: u8) -> bool {
    matches!(color_type, 0 | 4)
}

fn wrong_checksum(kind: &[u8; 4]) -> Damage {
    Damage::inside(format!("the checksum of {} is wrong", kind.escape_ascii()))
}

struct ImageHeader {
    width: u32,
    height: u32,
    bits: u8,
    color_type: u8,
    interlaced: bool,
}

impl ImageHeader {
    fn read(data: &[u8]) -> Result<ImageHeader, Error> {
        let bad = || broken("the IHDR chunk is not valid");
        let width = be32(data, 0).ok_or_else(bad)?;
        let height = be32(data, 4).ok_or_else(bad)?;
        let [bits, color_type, compression, filter, interlace] = array(data, 8).ok_or_else(bad)?;
        let depth_fits = match color_type {
            0 => matches!(bits, 1 | 2 | 4 | 8 | 16),
            2 | 4 | 6 => matches!(bits, 8 | 16),
            PALETTE => matches!(bits, 1 | 2 | 4 | 8),
            _ => false,
        };
        let sides_fit = (1..=MAX).contains(&width) && (1..=MAX).contains(&height);
        if !depth_fits || !sides_fit || compression != 0 || filter != 0 || interlace > 1 {
            return Err(bad());
        }
        Ok(ImageHeader { width, height, bits, color_type, interlaced: interlace == 1 })
    }
}
