//! What of an HEVC stream bounds the work of a decoder (ITU-T H.265; ISO/IEC 14496-15, section 8.3.3).

use crate::image::Error;
use crate::image::bytes::{array, be16};
use crate::image::error::{broken, truncated};
use crate::image::isobmff::number;
use crate::image::size::Size;
use crate::image::source::heif::{Chroma, CodePoints, Samples};

/// Types of NAL units: slices, those that begin a picture that refers to no other, and of these such
/// that say nothing of others.
const LAST_SLICE: u8 = 31;
const FIRST_ALONE: u8 = 16;
const LAST_ALONE: u8 = 21;
const REFRESHING: [u8; 2] = [19, 20];
/// Parameter sets: of the video, of the sequence, of the picture.
const FIRST_PARAMETERS: u8 = 32;
const SEQUENCE: u8 = 33;
const LAST_PARAMETERS: u8 = 34;
/// What explains itself, and is nothing to be decoded.
const REMARKS: [u8; 2] = [39, 40];

/// Parameter sets that a picture may have, and repeat.
const MOST_SETS: usize = 16;

/// Bytes before a unit that say how long it is. A configuration may say otherwise, which libheif does not heed: it
/// would find other units than are counted here.
const LENGTH: usize = 4;

/// NAL units that a picture may come in.
const MOST_UNITS: usize = 4096;

/// How a decoder is set up for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) struct Configuration {
    /// The size of what is decoded.
    pub(super) coded: Size,
    /// The size of what is left of that.
    pub(super) size: Size,
    pub(super) samples: Samples,
    pub(super) code_points: CodePoints,
    /// How many parameter sets there are.
    pub(super) sets: usize,
}

/// What there is of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) struct Found {
    pub(super) slices: usize,
    /// Whether it is of a type that may refer to pictures before it.
    pub(super) refers: bool,
}

impl Configuration {
    /// Reads it.
    pub(super) fn read(data: &[u8]) -> Result<Configuration, Error> {
        let bad = || broken("the configuration of HEVC makes no sense");
        let [length, arrays] = array(data, 21).ok_or_else(bad)?;
        let length = usize::from(length & 3) + 1;
        if length != LENGTH {
            let why = format!("HEIC whose units have lengths of {length} bytes");
            return Err(Error::UnsupportedFormat(why));
        }
        let (mut sets, mut found) = (0, None::<Configuration>);
        let mut faulty = false;
        each_set(data, arrays, |kind, unit| {
            sets += 1;
            match kind {
                _ if unit_type(unit) != Some(kind) => faulty = true,
                // Which of several a slice refers to is not known here.
                SEQUENCE if found.is_some() => faulty = true,
                SEQUENCE => found = sequence(unit),
                FIRST_PARAMETERS | LAST_PARAMETERS => {}
                _ => faulty |= !REMARKS.contains(&kind),
            }
            faulty |= sets > MOST_SETS;
            !faulty
        })
        .filter(|()| !faulty)
        .ok_or_else(bad)?;
        let found = found.ok_or_else(bad)?;
        if !matches!(found.samples.depth, 8 | 10 | 12) {
            let depth = found.samples.depth;
            return Err(Error::UnsupportedFormat(format!("HEIC of {depth} bits")));
        }
        Ok(Configuration { sets, ..found })
    }

    /// In place of one that can't be read.
    pub(super) fn none(size: Size) -> Configuration {
        Configuration {
            coded: size,
            size,
            samples: Samples { depth: 8, chroma: Chroma::Quarter, full_range: false },
            code_points: UNKNOWN,
            sets: 0,
        }
    }
}

impl Found {
    /// Checks that the data of a picture is one, and changes none of the parameters.
    pub(super) fn read(configuration: &[u8], data: &[u8]) -> Result<Found, Error> {
        let bad = || broken("the HEVC data makes no sense");
        let (mut rest, mut pictures, mut units, mut sets) = (data, 0, 0, 0);
        let mut found = Found { slices: 0, refers: false };
        while !rest.is_empty() {
            let (len, behind) = rest.split_at_checked(LENGTH).ok_or_else(truncated)?;
            let len = usize::try_from(number(len)).map_err(|_| bad())?;
            let (unit, behind) = behind.split_at_checked(len).ok_or_else(truncated)?;
            rest = behind;
            units += 1;
            let kind = unit_type(unit).ok_or_else(bad)?;
            match kind {
                ..=LAST_SLICE => {
                    if !(FIRST_ALONE..=LAST_ALONE).contains(&kind) {
                        return Err(broken("an HEVC picture needs others"));
                    }
                    found.slices += 1;
                    found.refers |= !REFRESHING.contains(&kind);
                    // The first slice of a picture says that it is one.
                    pictures += u32::from(unit.get(2).is_some_and(|byte| byte & 0x80 != 0));
                }
                FIRST_PARAMETERS..=LAST_PARAMETERS => {
                    sets += 1;
                    if sets > MOST_SETS || !is_set(configuration, unit) {
                        return Err(bad());
                    }
                }
                _ => {}
            }
            if pictures > 1 || units > MOST_UNITS {
                return Err(bad());
            }
        }
        if pictures == 1 { Ok(found) } else { Err(bad()) }
    }
}

/// Calls back for each parameter set of a configuration, with its type, until that says no; `None` where
/// it ends early.
fn each_set(data: &[u8], arrays: u8, mut each: impl FnMut(u8, &[u8]) -> bool) -> Option<()> {
    let mut at = 23;
    for _ in 0..arrays {
        let [kind] = array(data, at)?;
        let count = be16(data, at + 1)?;
        at += 3;
        for _ in 0..count {
            let len = usize::from(be16(data, at)?);
            let unit = data.get(at + 2..at + 2 + len)?;
            at += 2 + len;
            if !each(kind & 63, unit) {
                return Some(());
            }
        }
    }
    Some(())
}

/// Whether a unit is one of the parameter sets once more.
fn is_set(configuration: &[u8], unit: &[u8]) -> bool {
    let [arrays] = array(configuration, 22).unwrap_or_default();
    let mut found = false;
    each_set(configuration, arrays, |_, set| {
        found |= set == unit;
        !found
    });
    found
}

/// The type of a unit of the base layer, where its header is there.
fn unit_type(unit: &[u8]) -> Option<u8> {
    let [first, second] = array(unit, 0)?;
    (first & 1 == 0 && second >> 3 == 0).then_some(first >> 1 & 63)
}

/// Colours of which nothing is said.
const UNKNOWN: CodePoints = CodePoints { primaries: 2, transfer: 2, matrix: 2, full_range: false };

/// Reads a sequence parameter set (section 7.3.2.2) up to its colours.
fn sequence(unit: &[u8]) -> Option<Configuration> {
    let mut payload = Vec::new();
    payload.try_reserve_exact(unit.len()).ok()?;
    let mut zeros = 0;
    for &byte in unit.get(2..)? {
        // A byte that only keeps three others from looking like a start code.
        if byte == 3 && zeros >= 2 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        payload.push(byte);
    }
    let mut bits = Bits { bytes: &payload, at: 0 };
    bits.skip(4)?;
    let layers = bits.read(3)?;
    bits.skip(1)?;
    profile_and_level(&mut bits, layers)?;
    bits.exponential()?;
    let chroma = match bits.exponential()? {
        0 => Chroma::None,
        1 => Chroma::Quarter,
        2 => Chroma::Half,
        // Planes that are pictures of their own are not read.
        3 if bits.read(1)? == 0 => Chroma::Full,
        _ => return None,
    };
    let coded = Size::new(bits.exponential()?, bits.exponential()?);
    let size = if bits.flag()? { window(&mut bits, coded, chroma)? } else { coded };
    let (luma, other) = (bits.exponential()?, bits.exponential()?);
    if size.pixels() == 0 || luma > 8 || luma != other && chroma != Chroma::None {
        return None;
    }
    let code_points = colors(&mut bits, layers)?;
    let full_range = code_points.full_range;
    let samples = Samples { depth: 8 + luma as u8, chroma, full_range };
    Some(Configuration { coded, size, samples, code_points, sets: 0 })
}

/// Skips the profile, tier and level (section 7.3.3).
fn profile_and_level(bits: &mut Bits, layers: u32) -> Option<()> {
    bits.skip(88 + 8)?;
    let mut present = 0;
    for _ in 0..layers {
        let (profile, level) = (bits.read(1)?, bits.read(1)?);
        present += 88 * profile + 8 * level;
    }
    if layers > 0 {
        bits.skip(2 * (8 - layers))?;
    }
    bits.skip(present)
}

/// What is left of a picture by its conformance window.
fn window(bits: &mut Bits, coded: Size, chroma: Chroma) -> Option<Size> {
    let (across, down) = match chroma {
        Chroma::None | Chroma::Full => (1, 1),
        Chroma::Half => (2, 1),
        Chroma::Quarter => (2, 2),
    };
    let mut side = |side: u32, unit: u32| {
        let cut = bits.exponential()?.checked_add(bits.exponential()?)?;
        side.checked_sub(cut.checked_mul(unit)?)
    };
    Some(Size::new(side(coded.width, across)?, side(coded.height, down)?))
}

/// Goes on behind the depths to the colours, and reads these (section E.2.1).
fn colors(bits: &mut Bits, layers: u32) -> Option<CodePoints> {
    let count_bits = bits.exponential()?.checked_add(4).filter(|&len| len <= 16)?;
    let of_all_layers = bits.flag()?;
    for _ in if of_all_layers { 0 } else { layers }..=layers {
        bits.skip_exponentials(3)?;
    }
    // Sides and depths of blocks.
    bits.skip_exponentials(6)?;
    if bits.flag()? && bits.flag()? {
        scaling_lists(bits)?;
    }
    bits.skip(2)?;
    if bits.flag()? {
        // Samples as they are.
        bits.skip(8)?;
        bits.skip_exponentials(2)?;
        bits.skip(1)?;
    }
    reference_sets(bits)?;
    if bits.flag()? {
        for _ in 0..bits.exponential().filter(|&count| count <= 32)? {
            bits.skip(count_bits + 1)?;
        }
    }
    bits.skip(2)?;
    if !bits.flag()? {
        return Some(UNKNOWN);
    }
    if bits.flag()? && bits.read(8)? == 255 {
        bits.skip(32)?;
    }
    if bits.flag()? {
        bits.skip(1)?;
    }
    if !bits.flag()? {
        return Some(UNKNOWN);
    }
    bits.skip(3)?;
    let full_range = bits.flag()?;
    if !bits.flag()? {
        return Some(CodePoints { full_range, ..UNKNOWN });
    }
    let mut point = || bits.read(8).map(|point| point as u16);
    let (primaries, transfer, matrix) = (point()?, point()?, point()?);
    Some(CodePoints { primaries, transfer, matrix, full_range })
}

/// Skips the lists of quantisation (section 7.3.4).
fn scaling_lists(bits: &mut Bits) -> Option<()> {
    for size in 0..4 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if !bits.flag()? {
                bits.exponential()?;
                continue;
            }
            let count = 64.min(1 << (4 + 2 * size));
            bits.skip_exponentials(if size > 1 { count + 1 } else { count })?;
        }
    }
    Some(())
}

/// Skips the sets of pictures that others refer to (section 7.3.7).
fn reference_sets(bits: &mut Bits) -> Option<()> {
    let mut pictures: u32 = 0;
    for number in 0..bits.exponential().filter(|&count| count <= 64)? {
        if number > 0 && bits.flag()? {
            // By the one before.
            bits.skip(1)?;
            bits.exponential()?;
            let mut kept = 0;
            for _ in 0..=pictures {
                let is_used = bits.flag()?;
                if is_used || bits.flag()? {
                    kept += 1;
                }
            }
            pictures = kept;
        } else {
            let (before, behind) = (bits.exponential()?, bits.exponential()?);
            pictures = before.checked_add(behind)?;
            for _ in 0..Some(pictures).filter(|&count| count <= 32)? {
                bits.exponential()?;
                bits.skip(1)?;
            }
        }
    }
    Some(())
}

/// Bits, the highest of a byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn skip(&mut self, bits: u32) -> Option<()> {
        self.at = self.at.checked_add(bits as usize)?;
        Some(())
    }

    /// A number of so many bits, 32 at most.
    fn read(&mut self, bits: u32) -> Option<u32> {
        let mut number = 0;
        for _ in 0..bits {
            let byte = self.bytes.get(self.at / 8)?;
            number = number << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(number)
    }

    fn flag(&mut self) -> Option<bool> {
        self.read(1).map(|bit| bit == 1)
    }

    /// A number whose length is told by zeros before it (section 9.2).
    fn exponential(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.read(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.read(zeros)?;
        (1u32 << zeros).checked_add(rest)?.checked_sub(1)
    }

    fn skip_exponentials(&mut self, count: u32) -> Option<()> {
        for _ in 0..count {
            self.exponential()?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many bits, the highest first.
    fn bits(text: &mut String, value: u32, count: usize) {
        text.push_str(&format!("{value:0count$b}"));
    }

    fn exponentials(text: &mut String, values: &[u32]) {
        for value in values {
            let len = (value + 1).ilog2() as usize;
            bits(text, value + 1, 2 * len + 1);
        }
    }

    /// A configuration of 64x64 pixels, with that byte before its parameter sets.
    fn configuration(lengths: u8) -> Vec<u8> {
        let mut text = String::from("00000000");
        text.push_str(&"1".repeat(96));
        exponentials(&mut text, &[0, 1, 64, 64]);
        text.push('0');
        exponentials(&mut text, &[0, 0, 4]);
        text.push('1');
        exponentials(&mut text, &[0; 9]);
        text.push_str("0000");
        exponentials(&mut text, &[0]);
        // The last of them fill a byte.
        text.push_str("00000000000");
        let byte = |bits: &[u8]| bits.iter().fold(0, |byte, bit| byte << 1 | (bit & 1));
        let set = text.as_bytes().chunks_exact(8).map(byte).collect::<Vec<u8>>();
        let len = set.len() as u8 + 2;
        let head = [&[1; 21][..], &[lengths, 2, 33, 0, 1, 0, len, 0x42, 1]].concat();
        [&head, &set, &[34, 0, 1, 0, 3, 0x44, 1, 0xff][..]].concat()
    }

    const SLICE: [u8; 8] = [0, 0, 0, 4, 0x26, 1, 0x80, 0];
    const SET: [u8; 7] = [0, 0, 0, 3, 0x44, 1, 0xff];

    #[test]
    fn lengths_are_those_that_libheif_reads() {
        let found = Configuration::read(&configuration(0xff)).unwrap();
        assert_eq!((found.coded, found.sets), (Size::new(64, 64), 2));
        // The upper bits speak of rates and layers.
        assert_eq!(Configuration::read(&configuration(0x0f)).unwrap(), found);
        for (lengths, bytes) in [(0xfc, 1), (0xfd, 2), (0xfe, 3), (0x00, 1)] {
            let error = Configuration::read(&configuration(lengths)).unwrap_err();
            assert_eq!(error.word(), "unsupported_format");
            assert!(error.to_string().ends_with(&format!("of {bytes} bytes")), "{error}");
        }
        // By two bytes this is a remark of two, one of 512, and a slice; by four a remark that ends before
        // parameters of which the configuration has none.
        let mut hides = vec![0, 2, 0x4e, 1, 2, 0, 0x4e, 1];
        hides.resize(4 + 0x0002_4e01, 0);
        hides.extend([0, 0, 0, 3, 0x42, 1, 7]);
        hides.extend(SLICE);
        assert!(Found::read(&configuration(0xff), &hides).is_err());
    }

    #[test]
    fn sets_that_are_repeated_are_counted() {
        let read = |times| {
            let data = [SET.repeat(times), SLICE.to_vec()].concat();
            Found::read(&configuration(0xff), &data)
        };
        assert_eq!(read(MOST_SETS), Ok(Found { slices: 1, refers: false }));
        assert!(read(MOST_SETS + 1).is_err());
    }
}
