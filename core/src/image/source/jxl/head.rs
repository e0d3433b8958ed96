//! What comes ahead of the frames of a codestream (ISO/IEC 18181-1, annex D), written anew for the
//! decoder.
//!
//! The decoder unpacks a profile to whatever size it says it has, before anybody can ask for that size. So
//! it is unpacked here as far as its entropy coding goes, which tells the size, and goes to the
//! decoder in a plain one: what the decoder reads is what was looked at. The rest of the headers goes as it
//! is, and by itself, so that a decoder that takes them for longer, or for another thing, fails.

use super::entropy::{self, select};
use crate::image::Error;
use crate::image::error::broken;
use crate::image::source::icc::MAX_PROFILE;
use crate::image::source::prefix::LsbBitReader;

/// Channels beside the colours that a file has at most: alpha, and others that are not shown.
const MOST_EXTRA: u32 = 4;

/// Contexts of the bytes of a profile (E.4.2).
const CONTEXTS: usize = 41;

/// Bytes of a profile's header, which are all in the first context.
const PLAIN: usize = 128;

/// Code points of what headers may name (E.2).
const GREY: u32 = 1;
const XYB: u32 = 2;
const CUSTOM: u32 = 2;

/// Kinds of channels that say more of themselves (D.3.6).
const ALPHA: u32 = 0;
const SPOT: u32 = 2;
const CFA: u32 = 5;

/// The headers of a codestream.
pub(super) struct Head {
    /// For the decoder.
    pub(super) bytes: Vec<u8>,
    /// How much of the codestream they stand for.
    pub(super) len: usize,
    pub(super) headers: Headers,
}

impl Head {
    pub(super) fn read(codestream: &[u8]) -> Result<Head, Error> {
        let damaged = || broken("the headers are damaged or truncated");
        let mut bits = LsbBitReader::new(codestream);
        let headers = headers(&mut bits).ok_or_else(damaged)?;
        if headers.extra > MOST_EXTRA {
            let count = headers.extra;
            return Err(Error::UnsupportedFormat(format!("JPEG XL with {count} extra channels")));
        }
        let profile_at = bits.position();
        let profile = if headers.has_profile { Some(profile(&mut bits)?) } else { None };
        bits.align().ok_or_else(damaged)?;
        let len = bits.position() / 8;
        let given = codestream.get(..len).ok_or_else(damaged)?;
        let bytes = match profile {
            None => given.to_vec(),
            Some(profile) => {
                let mut out = LsbBitWriter::new(given, profile_at, profile.len())?;
                write_profile(&profile, &mut out);
                out.bytes
            }
        };
        Ok(Head { bytes, len, headers })
    }
}

/// What the headers of frames go by.
#[derive(Debug)]
pub(super) struct Headers {
    /// Width and height as they are stored, before the image is turned.
    pub(super) sides: (u64, u64),
    /// Of a small image that comes first.
    pub(super) preview: Option<(u64, u64)>,
    /// Whether frames have durations, and whether they have time codes.
    pub(super) animation: Option<bool>,
    pub(super) is_xyb: bool,
    /// Channels beside the colours.
    pub(super) extra: u32,
    has_profile: bool,
}

impl Headers {
    /// How many samples something so large has, by how it is held: rows are no shorter than lines of the cache.
    pub(super) fn samples(&self, (width, height): (u64, u64)) -> u64 {
        width.max(16).saturating_mul(height).saturating_mul(3 + u64::from(self.extra))
    }
}

/// Reads all that is before a profile, or stops where there are too many channels.
fn headers(bits: &mut LsbBitReader) -> Option<Headers> {
    // The signature.
    bits.skip(16)?;
    let mut headers = Headers {
        sides: size(bits)?,
        preview: None,
        animation: None,
        is_xyb: true,
        extra: 0,
        has_profile: false,
    };
    // Unless all is as it is by default.
    if !bits.flag()? {
        let has_more = bits.flag()?;
        if has_more {
            // Orientation.
            bits.skip(3)?;
            if bits.flag()? {
                size(bits)?;
            }
            if bits.flag()? {
                headers.preview = Some(preview(bits)?);
            }
            if bits.flag()? {
                headers.animation = Some(animation(bits)?);
            }
        }
        bit_depth(bits)?;
        // Whether 16 bits do.
        bits.flag()?;
        headers.extra = select(bits, [(0, 0), (1, 0), (2, 4), (1, 12)])?;
        if headers.extra > MOST_EXTRA {
            return Some(headers);
        }
        for _ in 0..headers.extra {
            extra_channel(bits)?;
        }
        headers.is_xyb = bits.flag()?;
        headers.has_profile = colors(bits)?;
        if has_more && !bits.flag()? {
            // Tone mapping.
            bits.skip(16 + 16 + 1 + 16)?;
        }
        extensions(bits)?;
    }
    if !bits.flag()? {
        if headers.is_xyb && !bits.flag()? {
            bits.skip(16 * (9 + 3 + 4))?;
        }
        let weights = bits.read(3)?;
        for (at, count) in [15, 55, 210].into_iter().enumerate() {
            if weights & 1 << at != 0 {
                bits.skip(16 * count)?;
            }
        }
    }
    Some(headers)
}

/// Skips a number in one of four lengths.
fn number(bits: &mut LsbBitReader, lengths: [u32; 4]) -> Option<()> {
    select(bits, lengths.map(|length| (0, length))).map(|_| ())
}

fn size(bits: &mut LsbBitReader) -> Option<(u64, u64)> {
    let is_small = bits.flag()?;
    sides(bits, |bits| {
        if is_small {
            bits.read(5).map(|eights| 8 * (eights + 1))
        } else {
            select(bits, [(1, 9), (1, 13), (1, 18), (1, 30)])
        }
    })
}

fn preview(bits: &mut LsbBitReader) -> Option<(u64, u64)> {
    let is_small = bits.flag()?;
    sides(bits, |bits| {
        if is_small {
            select(bits, [(16, 0), (32, 0), (1, 5), (33, 9)]).map(|eights| 8 * eights)
        } else {
            select(bits, [(1, 6), (65, 8), (321, 10), (1345, 12)])
        }
    })
}

/// Width and height, of which the height comes first and the width may be told by their ratio.
fn sides(
    bits: &mut LsbBitReader,
    side: impl Fn(&mut LsbBitReader) -> Option<u32>,
) -> Option<(u64, u64)> {
    let height = u64::from(side(bits)?);
    let width = match bits.read(3)? {
        1 => height,
        2 => height * 12 / 10,
        3 => height * 4 / 3,
        4 => height * 3 / 2,
        5 => height * 16 / 9,
        6 => height * 5 / 4,
        7 => height * 2,
        _ => side(bits)?.into(),
    };
    Some((width, height))
}

/// Whether there are time codes.
fn animation(bits: &mut LsbBitReader) -> Option<bool> {
    number(bits, [0, 0, 10, 30])?;
    number(bits, [0, 0, 8, 10])?;
    number(bits, [0, 3, 16, 32])?;
    bits.flag()
}

fn bit_depth(bits: &mut LsbBitReader) -> Option<()> {
    let is_float = bits.flag()?;
    number(bits, [0, 0, 0, 6])?;
    bits.skip(if is_float { 4 } else { 0 })
}

fn code_point(bits: &mut LsbBitReader) -> Option<u32> {
    select(bits, [(0, 0), (1, 0), (2, 4), (18, 6)])
}

fn extra_channel(bits: &mut LsbBitReader) -> Option<()> {
    if bits.flag()? {
        return Some(());
    }
    let kind = code_point(bits)?;
    bit_depth(bits)?;
    number(bits, [0, 0, 0, 3])?;
    let name = select(bits, [(0, 0), (0, 4), (16, 5), (48, 10)])?;
    bits.skip(8 * u64::from(name))?;
    match kind {
        ALPHA => bits.skip(1),
        SPOT => bits.skip(4 * 16),
        CFA => number(bits, [0, 2, 4, 8]),
        _ => Some(()),
    }
}

/// Whether a profile follows.
fn colors(bits: &mut LsbBitReader) -> Option<bool> {
    if bits.flag()? {
        return Some(false);
    }
    let has_profile = bits.flag()?;
    let space = code_point(bits)?;
    if has_profile {
        return Some(true);
    }
    let point = |bits: &mut LsbBitReader| {
        number(bits, [19, 19, 20, 21]).and_then(|()| number(bits, [19, 19, 20, 21]))
    };
    if space != XYB {
        if code_point(bits)? == CUSTOM {
            point(bits)?;
        }
        if space != GREY && code_point(bits)? == CUSTOM {
            (0..3).try_for_each(|_| point(bits))?;
        }
        // A gamma, or one of the known curves.
        if bits.flag()? {
            bits.skip(24)?;
        } else {
            code_point(bits)?;
        }
    }
    // The rendering intent.
    code_point(bits)?;
    Some(false)
}

pub(super) fn extensions(bits: &mut LsbBitReader) -> Option<()> {
    let chosen = long(bits)?;
    let mut len = 0u64;
    for _ in 0..chosen.count_ones() {
        len = len.checked_add(long(bits)?)?;
    }
    bits.skip(len)
}

pub(super) fn long(bits: &mut LsbBitReader) -> Option<u64> {
    match bits.read(2)? {
        0 => return Some(0),
        1 => return Some(1 + u64::from(bits.read(4)?)),
        2 => return Some(17 + u64::from(bits.read(8)?)),
        _ => {}
    }
    let mut number = u64::from(bits.read(12)?);
    let mut shift = 12;
    while bits.flag()? {
        let last = shift == 60;
        number |= u64::from(bits.read(if last { 4 } else { 8 })?) << shift;
        if last {
            break;
        }
        shift += 8;
    }
    Some(number)
}

/// The profile as its encoding has it (E.4): its size, that of commands, these, and data.
fn profile(bits: &mut LsbBitReader) -> Result<Vec<u8>, Error> {
    let damaged = || broken("the profile is damaged or truncated");
    let too_large =
        |len: u64| Error::UnsupportedFormat(format!("JPEG XL with a profile of {len} bytes"));
    let most = MAX_PROFILE as u64;
    let len = long(bits).ok_or_else(damaged)?;
    let count = usize::try_from(len).ok().filter(|_| len <= most).ok_or_else(|| too_large(len))?;
    let coded = entropy::bytes(bits, CONTEXTS, true, count, context).ok_or_else(damaged)?;
    let mut size = 0u64;
    for (shift, &byte) in (0..63).step_by(7).zip(&coded) {
        size |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    if size > most { Err(too_large(size)) } else { Ok(coded) }
}

/// The context of the byte that comes behind these.
fn context(before: &[u8]) -> usize {
    let (&[.., second, last], true) = (before, before.len() > PLAIN) else { return 0 };
    let of_last = match last {
        b'a'..=b'z' | b'A'..=b'Z' => 0,
        b'0'..=b'9' | b'.' | b',' => 1,
        0..=1 => 2 + usize::from(last),
        2..=15 => 4,
        241..=254 => 5,
        255 => 6,
        _ => 7,
    };
    let of_second = match second {
        b'a'..=b'z' | b'A'..=b'Z' => 0,
        b'0'..=b'9' | b'.' | b',' => 1,
        0..=15 => 2,
        241..=255 => 3,
        _ => 4,
    };
    1 + of_last + 8 * of_second
}

/// Writes the profile in a code in which each byte has 8 bits.
fn write_profile(coded: &[u8], out: &mut LsbBitWriter) {
    write_len(coded.len() as u64, out);
    // No copies; contexts in no bits each, so of one cluster; a prefix code; numbers below 2^8 that are
    // tokens.
    out.put(0, 1);
    out.put(1, 1);
    out.put(0, 2);
    out.put(1, 1);
    out.put(8, 4);
    out.put(0, 4 + 4);
    // 256 symbols: one, and 2^7, and that many.
    out.put(1, 1);
    out.put(7, 4);
    out.put(0x7f, 7);
    // The code for the lengths has one symbol, which takes no bits: 8, the eleventh of them.
    out.put(0, 2);
    out.put(0, 10 * 2);
    out.put(2, 2);
    out.put(0, 7 * 2);
    for &byte in coded {
        // Codes begin with their upper bits.
        out.put(byte.reverse_bits().into(), 8);
    }
}

fn write_len(len: u64, out: &mut LsbBitWriter) {
    out.put(3, 2);
    out.put(len & 0xfff, 12);
    let mut rest = len >> 12;
    while rest > 0 {
        out.put(1 | (rest & 0xff) << 1, 9);
        rest >>= 8;
    }
    out.put(0, 1);
}

/// Bits from the lowest of each byte on.
struct LsbBitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are taken.
    taken: usize,
}

impl LsbBitWriter {
    /// Begins with so many bits of some bytes, and has room for a profile behind them.
    fn new(bytes: &[u8], bits: usize, room: usize) -> Result<LsbBitWriter, Error> {
        const CODE: usize = 32;
        let whole = bytes.get(..bits.div_ceil(8)).unwrap_or(bytes);
        let mut writer = LsbBitWriter {
            bytes: crate::image::raster::with_room(whole.len() + CODE + room)?,
            taken: bits & 7,
        };
        writer.bytes.extend_from_slice(whole);
        if let (Some(last), 1..) = (writer.bytes.last_mut(), writer.taken) {
            *last &= (1 << writer.taken) - 1;
        }
        Ok(writer)
    }

    /// Writes up to 32 bits.
    fn put(&mut self, value: u64, count: usize) {
        let value = value << self.taken;
        for (at, byte) in value.to_le_bytes().into_iter().enumerate() {
            if at * 8 >= self.taken + count {
                break;
            }
            match self.bytes.last_mut() {
                Some(last) if at == 0 && self.taken > 0 => *last |= byte,
                _ => self.bytes.push(byte),
            }
        }
        self.taken = (self.taken + count) & 7;
    }
}

#[cfg(test)]
mod tests {
    use jxl::api::{Event, JxlColorProfile, JxlDecoder, JxlDecoderOptions, ProfileLevel};

    use super::super::parts::{around, find};
    use super::*;

    /// What the decoder says of a file: the size of the image, its extra channels, and its profile.
    type Seen = ((usize, usize), usize, Option<Vec<u8>>);

    fn seen(mut file: &[u8]) -> Option<Seen> {
        let mut options = JxlDecoderOptions::default();
        options.max_profile_level = ProfileLevel::Main10;
        let mut decoder = JxlDecoder::new(options);
        while decoder.process(&mut file, None, None).ok()? != Event::BasicInfo {
            if file.is_empty() {
                return None;
            }
        }
        let basic = decoder.basic_info()?;
        let profile = match decoder.embedded_color_profile()? {
            JxlColorProfile::Icc(profile) => Some(profile.clone()),
            JxlColorProfile::Simple(_) => None,
        };
        Some((basic.size, basic.extra_channels.len(), profile))
    }

    fn head_of(file: &[u8]) -> Result<Vec<u8>, Error> {
        let found = find(file)?.codestream;
        around(&Head::read(&found)?.bytes)
    }

    /// A codestream of 8x8 pixels up to its profile.
    fn before_profile() -> LsbBitWriter {
        let mut out = LsbBitWriter { bytes: Vec::new(), taken: 0 };
        for (value, count) in [
            (0x0aff, 16),
            // Small, 8 high and as wide.
            (1, 1),
            (0, 5),
            (1, 3),
            // Not the default, but nothing more; 8 bits, which 16 do for; no channel; not XYB.
            (0, 2),
            (0, 3),
            (1, 1),
            (0, 2),
            (0, 1),
            // A profile, of RGB; no extensions; the default transforms.
            (0b10, 2),
            (0, 2),
            (0, 2),
            (1, 1),
        ] {
            out.put(value, count);
        }
        out
    }

    fn varint(mut number: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while number >= 0x80 {
            out.push(number as u8 | 0x80);
            number >>= 7;
        }
        out.push(number as u8);
        out
    }

    /// A profile that says that it has so many bytes, and has its header and some data.
    fn coded(size: u64, data: &[u8]) -> Vec<u8> {
        // No tags; bytes as they are.
        let commands = [vec![0, 1], varint(data.len() as u64)].concat();
        let sizes = [varint(size), varint(commands.len() as u64)].concat();
        [sizes, commands, vec![0; PLAIN], data.to_vec()].concat()
    }

    fn plain(coded: &[u8]) -> Vec<u8> {
        let mut out = before_profile();
        write_profile(coded, &mut out);
        out.bytes
    }

    /// The same by ANS, in which all bytes are as likely.
    fn by_ans(coded: &[u8]) -> Vec<u8> {
        let mut out = before_profile();
        write_len(coded.len() as u64, &mut out);
        // No copies; one cluster; ANS of 2^8 symbols; numbers below 2^8 that are tokens.
        for (value, count) in [(0, 1), (1, 1), (0, 2), (0, 1), (3, 2), (8, 4)] {
            out.put(value, count);
        }
        // As likely as each other, 256 of them.
        for (value, count) in [(0b10, 2), (1, 1), (7, 3), (0x7f, 7)] {
            out.put(value, count);
        }
        let mut state = 0x13_0000u64;
        let mut words = Vec::new();
        for &byte in coded.iter().rev() {
            if state >> 20 >= 16 {
                words.push(state & 0xffff);
                state >>= 16;
            }
            state = (state / 16) << 12 | u64::from(byte) << 4 | (state & 15);
        }
        out.put(state, 32);
        words.iter().rev().for_each(|&word| out.put(word, 16));
        out.bytes
    }

    #[test]
    fn profiles_come_as_they_were() {
        let data: Vec<u8> = (0..3000).map(|at| (at * 7 % 251) as u8).collect();
        for file in [plain(&coded(3128, &data)), by_ans(&coded(3128, &data))] {
            let (.., profile) = seen(&file).unwrap();
            let profile = profile.unwrap();
            assert_eq!((profile.len(), profile.ends_with(&data)), (3128, true));
            assert_eq!(seen(&head_of(&file).unwrap()).unwrap().2, Some(profile));
        }
        // Copies, and clusters, by libjxl.
        let file = include_bytes!("../../../../tests/fixtures/profile.jxl");
        let (.., profile) = seen(file).unwrap();
        assert!(profile.as_ref().is_some_and(|profile| profile.len() > 2000));
        assert_eq!(seen(&head_of(file).unwrap()).unwrap().2, profile);
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let refused = |file: &[u8]| head_of(file).unwrap_err();
        for size in [(4 << 20) + 1, 1 << 28, u64::MAX >> 1] {
            for file in [plain(&coded(size, &[])), by_ans(&coded(size, &[]))] {
                assert!(file.len() < 256);
                assert!(matches!(refused(&file), Error::UnsupportedFormat(_)), "{size}");
            }
        }
        // As many bytes before they are unpacked, of a code that takes no bits.
        let mut out = before_profile();
        write_len(1 << 24, &mut out);
        for (value, count) in [(0, 1), (1, 1), (0, 2), (1, 1), (8, 4), (0, 8), (0, 1)] {
            out.put(value, count);
        }
        assert!(matches!(refused(&out.bytes), Error::UnsupportedFormat(_)));
        // In parts of a byte each.
        let mut file = around(&[]).unwrap();
        file.truncate(32);
        for (index, byte) in (0u32..).zip(plain(&coded(1 << 28, &[]))) {
            file.extend_from_slice(b"\0\0\0\x0djxlp");
            file.extend_from_slice(&index.to_be_bytes());
            file.push(byte);
        }
        assert!(matches!(refused(&file), Error::UnsupportedFormat(_)));
        // What says that it is that much, and is not.
        assert!(head_of(&plain(&coded(1 << 22, &[]))).is_ok());
    }

    #[test]
    fn what_the_decoder_would_take_for_another_thing_is_refused() {
        let data: Vec<u8> = (0..300).map(|at| (at * at % 256) as u8).collect();
        let mut state = 1u64;
        let mut random = move |end: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % end
        };
        let seeds = [
            plain(&coded(428, &data)),
            by_ans(&coded(428, &data)),
            include_bytes!("../../../../tests/fixtures/profile.jxl").to_vec(),
            include_bytes!("../../../../tests/fixtures/p3-turned.jxl").to_vec(),
            include_bytes!("../../../../tests/fixtures/grey-alpha.jxl").to_vec(),
        ];
        let (mut alike, mut with_profile) = (0, 0);
        for round in 0..20_000 {
            let mut file = seeds[round % seeds.len()].clone();
            file.truncate(1000);
            let window = [64, 128, 512, file.len() * 8][random(4)].min(file.len() * 8);
            for _ in 0..=random(3) {
                let at = random(window);
                if random(2) == 0 {
                    file[at / 8] ^= 1 << (at % 8);
                } else {
                    file[at / 8] = random(256) as u8;
                }
            }
            let Some(rewritten) = head_of(&file).ok().and_then(|head| seen(&head)) else {
                continue;
            };
            assert_eq!(Some(&rewritten), seen(&file).as_ref(), "{file:?}");
            alike += 1;
            with_profile += usize::from(rewritten.2.is_some());
        }
        assert!(alike > 2000 && with_profile > 500, "{alike} {with_profile}");
    }
}
