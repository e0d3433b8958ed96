//! AV1 samples (AV1 Bitstream & Decoding Process Specification, sections 5.3 to 5.5): how large
//! their frames are, and how many, without decoding any.

use std::ops::Range;

use crate::image::Error;
use crate::image::error::broken;
use crate::image::size::Size;
use crate::image::source::heif::Chroma;

/// Frames of a sample: those of still images are one, those of progressive ones up to four.
const MOST_FRAMES: usize = 8;

/// Units of a sample, of which each tile of a frame may be one.
const MOST_UNITS: usize = 8192;

/// What a sequence header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) struct SequenceHeader {
    /// What frames are large at most.
    pub(in crate::image) size: Size,
    pub(in crate::image) depth: u8,
    pub(in crate::image) chroma: Chroma,
    pub(in crate::image) primaries: u8,
    pub(in crate::image) transfer: u8,
    pub(in crate::image) matrix: u8,
    pub(in crate::image) full_range: bool,
    /// Whether the picture may be there once more: before its grain or its enlargement.
    pub(in crate::image) copied: bool,
    /// By operating point, whether it has layers.
    layered: u32,
    /// Of the first operating point: the level, and whether it is of the high tier.
    pub(in crate::image) level: (u8, bool),
}

impl SequenceHeader {
    /// Whether an operating point has layers, of which a decoder gives the last.
    pub(in crate::image) fn is_layered(&self, operating_point: u8) -> bool {
        self.layered.checked_shr(operating_point.into()).unwrap_or_default() & 1 != 0
    }
}

/// A sample that is small enough to be decoded.
#[derive(Debug, Clone)]
pub(in crate::image) struct Sample {
    pub(in crate::image) header: SequenceHeader,
    /// Its parts, of one frame each.
    pub(in crate::image) frames: Vec<Range<usize>>,
}

impl Sample {
    /// In place of one that can't be read.
    pub(super) fn none(size: Size) -> Sample {
        let header = SequenceHeader {
            size,
            depth: 8,
            chroma: Chroma::Quarter,
            primaries: 2,
            transfer: 2,
            matrix: 2,
            full_range: false,
            copied: false,
            layered: 0,
            level: (0, false),
        };
        Sample { header, frames: Vec::new() }
    }
}

/// Looks through a sample.
///
/// # Errors
/// Where it is broken, or there are too many frames.
pub(super) fn read(data: &[u8]) -> Result<Sample, Error> {
    read_next(data, None)
}

/// The same of one that may refer to others, of which the header may be said before.
pub(super) fn read_next(data: &[u8], before: Option<&SequenceHeader>) -> Result<Sample, Error> {
    let mut header = before.copied();
    let mut frames: Vec<Range<usize>> = Vec::new();
    // A decoder that has a picture to give leaves alone what follows in the same part, so that one
    // ends with its frame.
    let (mut start, mut end) = (0, 0);
    let mut at = 0;
    for number in 0.. {
        if at >= data.len() {
            break;
        }
        if number >= MOST_UNITS {
            return Err(Error::UnsupportedFormat(format!("AV1 of more than {MOST_UNITS} units")));
        }
        let unit = Unit::read(data.len(), at, |at| data.get(at).copied());
        let unit = unit.ok_or_else(|| broken("an AV1 unit is not whole"))?;
        match unit.kind() {
            Unit::SEQUENCE_HEADER => {
                let payload = data.get(unit.payload.clone()).unwrap_or_default();
                let next = sequence_header(payload)
                    .ok_or_else(|| broken("an AV1 sequence header is not valid"))?;
                if header.is_some_and(|before| before != next) {
                    return Err(Error::UnsupportedFormat("AV1 that changes its kind".to_owned()));
                }
                header = Some(next);
            }
            Unit::FRAME_HEADER | Unit::FRAME | Unit::REDUNDANT_FRAME_HEADER => {
                if end > 0 {
                    frames.push(start..end);
                    start = end;
                }
                end = unit.payload.end;
                if frames.len() >= MOST_FRAMES {
                    return Err(Error::TooManyFrames(format!(
                        "more than {MOST_FRAMES} AV1 frames for one image"
                    )));
                }
            }
            Unit::TILE_GROUP if end > 0 => end = unit.payload.end,
            Unit::TILE_LIST => {
                return Err(Error::UnsupportedFormat("AV1 of large scale".to_owned()));
            }
            _ => {}
        }
        at = unit.payload.end;
    }
    if end == 0 {
        return Err(broken("no AV1 frame"));
    }
    frames.push(start..end);
    let header = header.ok_or_else(|| broken("no AV1 sequence header"))?;
    Ok(Sample { header, frames })
}

/// A unit of AV1 data, by what its first bytes say.
pub(in crate::image) struct Unit {
    /// The first byte, and the one of layers, if there is one.
    pub(in crate::image) first: u8,
    pub(in crate::image) second: Option<u8>,
    /// Whether it says its length; it goes to the end of the data otherwise.
    pub(in crate::image) sized: bool,
    /// Where in the data that lies.
    pub(in crate::image) payload: Range<usize>,
}

impl Unit {
    pub(in crate::image) const SEQUENCE_HEADER: u8 = 1;
    pub(in crate::image) const TEMPORAL_DELIMITER: u8 = 2;
    pub(in crate::image) const FRAME_HEADER: u8 = 3;
    pub(in crate::image) const TILE_GROUP: u8 = 4;
    pub(in crate::image) const METADATA: u8 = 5;
    pub(in crate::image) const FRAME: u8 = 6;
    /// Begins a frame as well, where none is begun.
    pub(in crate::image) const REDUNDANT_FRAME_HEADER: u8 = 7;
    const TILE_LIST: u8 = 8;
    pub(in crate::image) const PADDING: u8 = 15;

    /// The one at `at` of data that are so long, of which `byte` tells each; `None` where it is not whole.
    pub(in crate::image) fn read(
        data: usize,
        at: usize,
        byte: impl Fn(usize) -> Option<u8>,
    ) -> Option<Unit> {
        let first = byte(at)?;
        let mut start = at.checked_add(1)?;
        let mut second = None;
        if first & 4 != 0 {
            second = Some(byte(start)?);
            start = start.checked_add(1)?;
        }
        if first & 2 == 0 {
            return Some(Unit { first, second, sized: false, payload: start..data });
        }
        let mut len: u64 = 0;
        for shift in (0..56).step_by(7) {
            let byte = byte(start)?;
            start += 1;
            len |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let end = start.checked_add(usize::try_from(len).ok()?)?;
                let unit = Unit { first, second, sized: true, payload: start..end };
                return (end <= data).then_some(unit);
            }
        }
        None
    }

    pub(in crate::image) fn kind(&self) -> u8 {
        self.first >> 3 & 15
    }
}

/// Reads bits, the first one highest.
struct Av1BitReader<'a> {
    data: &'a [u8],
    at: usize,
}

impl Av1BitReader<'_> {
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value: u32 = 0;
        for _ in 0..count {
            let byte = *self.data.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// A number behind as many zeros as it has bits (section 4.10.3). With 32 of them or more, decoders differ in
    /// where it ends.
    fn skip_number(&mut self) -> Option<()> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        self.take(zeros).map(drop)
    }
}

/// How many bits the sequence header at the start of a payload has; `None` where it ends early.
pub(in crate::image) fn sequence_header_len(payload: &[u8]) -> Option<usize> {
    let mut bits = Av1BitReader { data: payload, at: 0 };
    read_sequence_header(&mut bits)?;
    Some(bits.at)
}

fn sequence_header(data: &[u8]) -> Option<SequenceHeader> {
    read_sequence_header(&mut Av1BitReader { data, at: 0 })
}

/// Reads a sequence header (section 5.5); `None` where it ends early.
fn read_sequence_header(bits: &mut Av1BitReader) -> Option<SequenceHeader> {
    let profile = bits.take(3)?;
    let _still = bits.flag()?;
    let reduced = bits.flag()?;
    let (layered, level) =
        if reduced { (0, (bits.take(5)? as u8, false)) } else { operating_points(bits)? };
    let (width_bits, height_bits) = (bits.take(4)? + 1, bits.take(4)? + 1);
    let size = Size::new(bits.take(width_bits)? + 1, bits.take(height_bits)? + 1);
    if !reduced && bits.flag()? {
        bits.take(4 + 3)?;
    }
    // The size of superblocks, and two filters.
    bits.take(3)?;
    if !reduced {
        bits.take(4)?;
        let order_hint = bits.flag()?;
        if order_hint {
            bits.take(2)?;
        }
        let chooses_tools = bits.flag()?;
        if (chooses_tools || bits.flag()?) && !bits.flag()? {
            bits.take(1)?;
        }
        if order_hint {
            bits.take(3)?;
        }
    }
    let enlarged = bits.flag()?;
    bits.take(2)?;
    let (depth, chroma, primaries, transfer, matrix, full_range) = color_config(bits, profile)?;
    let grain = bits.flag()?;
    let copied = enlarged || grain;
    Some(SequenceHeader {
        size,
        depth,
        chroma,
        primaries,
        transfer,
        matrix,
        full_range,
        copied,
        layered,
        level,
    })
}

/// Which of the operating points have layers, and the level and tier of the first.
fn operating_points(bits: &mut Av1BitReader) -> Option<(u32, (u8, bool))> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.take(32)?;
        bits.take(32)?;
        if bits.flag()? {
            bits.skip_number()?;
        }
        if bits.flag()? {
            delay_bits = Some(bits.take(5)? + 1);
            bits.take(32)?;
            bits.take(10)?;
        }
    }
    let shows_delay = bits.flag()?;
    let count = bits.take(5)? + 1;
    let (mut layered, mut first) = (0, (0, false));
    for point in 0..count {
        if bits.take(12)? != 0 {
            layered |= 1 << point;
        }
        let level = bits.take(5)? as u8;
        let high = level > 7 && bits.flag()?;
        if point == 0 {
            first = (level, high);
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.take(delay_bits)?;
            bits.take(delay_bits)?;
            bits.take(1)?;
        }
        if shows_delay && bits.flag()? {
            bits.take(4)?;
        }
    }
    Some((layered, first))
}

fn color_config(bits: &mut Av1BitReader, profile: u32) -> Option<(u8, Chroma, u8, u8, u8, bool)> {
    let high = bits.flag()?;
    let depth = match (high, profile) {
        (true, 2) => {
            if bits.flag()? {
                12
            } else {
                10
            }
        }
        (true, _) => 10,
        (false, _) => 8,
    };
    let grey = profile != 1 && bits.flag()?;
    let (primaries, transfer, matrix) = if bits.flag()? {
        (bits.take(8)? as u8, bits.take(8)? as u8, bits.take(8)? as u8)
    } else {
        (2, 2, 2)
    };
    if grey {
        let full_range = bits.flag()?;
        return Some((depth, Chroma::None, primaries, transfer, matrix, full_range));
    }
    let (full_range, chroma) = if (primaries, transfer, matrix) == (1, 13, 0) {
        (true, Chroma::Full)
    } else {
        let full_range = bits.flag()?;
        let chroma = match (profile, depth) {
            (0, _) => Chroma::Quarter,
            (1, _) => Chroma::Full,
            (_, 12) => match (bits.flag()?, ()) {
                (false, ()) => Chroma::Full,
                (true, ()) if bits.flag()? => Chroma::Quarter,
                (true, ()) => Chroma::Half,
            },
            _ => Chroma::Half,
        };
        if chroma == Chroma::Quarter {
            bits.take(2)?;
        }
        (full_range, chroma)
    };
    bits.take(1)?;
    Some((depth, chroma, primaries, transfer, matrix, full_range))
}
