//! The headers of frames (ISO/IEC 18181-1, annexes F.1 to F.3): how large they are, and what the decoder holds for
//! them. Of an image they are read up to the one that is shown, of an animation all.

use std::ops::Range;

use super::entropy::{Coded, ceil_log2, select, signed};
use super::features;
use super::head::{Headers, extensions, long};
use crate::image::Error;
use crate::image::error::{broken, truncated};
use crate::image::source::prefix::LsbBitReader;

/// Frames up to one that is shown. Who paints in layers has some dozens.
const MOST_FRAMES: usize = 256;

/// Pictures of an animation that are looked for.
const MOST_PICTURES: u32 = 1 << 16;

/// Samples of all these frames together, for each sample of the image; and how many an image that is smaller
/// counts for.
const FRAMES_FACTOR: u64 = 64;
const SMALL_IMAGE: u64 = 1 << 22;

/// Entropy-coded numbers that are read of all these frames, which takes a tenth of a second.
const MOST_WORK: u64 = 1 << 20;

/// Bytes of a sample that is kept.
const KEPT: u64 = 4;

/// What the decoder holds until all frames are shown.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Frames {
    /// How many are shown, as far as they are there and could be decoded.
    pub(super) shown: u32,
    /// Why there are no more of an animation, though it goes on.
    pub(super) damage: Option<Error>,
    /// Samples of the largest frame, as the decoder counts them.
    pub(super) largest: u64,
    /// Bytes that it holds at most.
    pub(super) bytes: u64,
    /// Where in the codestream the last frame ends; `None` where that is not known.
    pub(super) end: Option<usize>,
}

/// Kinds of frames.
const REGULAR: u32 = 0;
const LF: u32 = 1;
const REFERENCE: u32 = 2;

/// Flags of frames.
const PATCHES: u64 = 2;
const SPLINES: u64 = 0x10;
const USES_LF: u64 = 0x20;

/// How a frame is put over another. By a channel of alpha go `BLEND` and `WEIGHTED_ADD`; they and `MULTIPLY` may clamp.
const REPLACE: u32 = 0;
const BLEND: u32 = 2;
const WEIGHTED_ADD: u32 = 3;
const MULTIPLY: u32 = 4;

/// The header of a frame.
struct Frame {
    kind: u32,
    is_modular: bool,
    flags: u64,
    /// As it is shown, and as it is coded.
    sides: (u64, u64),
    coded: (u64, u64),
    /// Of the groups that it is cut into.
    group: u64,
    passes: u64,
    is_last: bool,
    is_shown: bool,
    /// Where it is kept to be used by others: frames, and after these low frequencies.
    slot: Option<usize>,
    /// Whether that is how it is coded, and not the image that it is laid on.
    is_kept_alone: bool,
}

impl Frames {
    /// Looks at the frames, which begin at this byte.
    ///
    /// # Errors
    /// [`Error::BrokenImage`] where they are damaged, or end before one is shown;
    /// [`Error::UnsupportedFormat`] where they are more than an image can be worth.
    pub(super) fn read(codestream: &[u8], at: usize, headers: &Headers) -> Result<Frames, Error> {
        let mut reader = FrameReader {
            codestream,
            at,
            headers,
            work: MOST_WORK,
            kept: [0; 8],
            is_preview: headers.preview.is_some(),
        };
        // The decoder asks this of the image and of its preview as well.
        let largest = headers
            .samples(headers.sides)
            .max(headers.preview.map_or(0, |sides| headers.samples(sides)));
        let mut frames = Frames { largest, ..Frames::default() };
        let mut is_last = reader.next(&mut frames)?;
        // All the others have as many numbers as the first.
        reader.work = reader.work.saturating_add(MOST_WORK);
        while !is_last && frames.shown < MOST_PICTURES {
            // What is wrong behind the first picture is so of the others.
            match reader.next(&mut frames) {
                Ok(last) => is_last = last,
                Err(error) => {
                    frames.damage = Some(error);
                    return Ok(frames);
                }
            }
        }
        frames.end = is_last.then_some(reader.at);
        Ok(frames)
    }
}
/// Reads the headers of frames.
struct FrameReader<'a> {
    codestream: &'a [u8],
    /// Where the next frame begins.
    at: usize,
    headers: &'a Headers,
    /// Entropy-coded numbers that may still be read.
    work: u64,
    /// Bytes of what is kept to be used by others.
    kept: [u64; 8],
    is_preview: bool,
}

impl FrameReader<'_> {
    /// Looks at the frames up to one that is shown; whether that is the last.
    fn next(&mut self, frames: &mut Frames) -> Result<bool, Error> {
        let headers = self.headers;
        let damaged = || broken("the frames are damaged or truncated");
        let samples = |sides: (u64, u64)| headers.samples(sides);
        let most = samples(headers.sides).max(SMALL_IMAGE).saturating_mul(FRAMES_FACTOR);
        let mut all = 0u64;
        for _ in 0..MOST_FRAMES {
            let input = self.codestream.get(self.at..).ok_or_else(truncated)?;
            let preview = if self.is_preview { headers.preview } else { None };
            let image = preview.unwrap_or(headers.sides);
            let mut bits = LsbBitReader::new(input);
            let frame = Frame::read(&mut bits, headers, image).ok_or_else(damaged)?;
            let sections = frame.sections(&mut bits, &mut self.work).ok_or_else(damaged)?;
            if sections.end > input.len() {
                return Err(truncated());
            }
            self.at = self.at.saturating_add(sections.end);
            frames.largest = frames.largest.max(samples(frame.sides));
            // Of a preview what is not shown is decoded all the same.
            if self.is_preview && frame.is_shown {
                self.is_preview = !frame.is_last;
                continue;
            }
            // What is laid on the image is as large as that.
            let own = samples(frame.sides);
            let laid = if frame.is_kept_alone { own } else { own.max(samples(image)) };
            all = all.saturating_add(laid);
            if all > most {
                let what = "JPEG XL with frames that are not shown, which are larger than what is";
                return Err(Error::UnsupportedFormat(what.to_owned()));
            }
            let first = input.get(sections.first).ok_or_else(damaged)?;
            let working =
                frame.working_bytes(samples(frame.coded), headers, first, &mut self.work)?;
            let result = if frame.slot.is_some() { laid.saturating_mul(KEPT) } else { 0 };
            // What it takes the place of is there until then.
            let held = self
                .kept
                .iter()
                .fold(working.saturating_add(result), |sum, &slot| sum.saturating_add(slot));
            frames.bytes = frames.bytes.max(held);
            if let Some(place) = frame.slot.and_then(|slot| self.kept.get_mut(slot)) {
                *place = result;
            }
            if frame.is_shown {
                frames.shown += 1;
                return Ok(frame.is_last);
            }
        }
        Err(Error::UnsupportedFormat("JPEG XL with hundreds of frames not shown".to_owned()))
    }
}

impl Frame {
    fn read(bits: &mut LsbBitReader, headers: &Headers, image: (u64, u64)) -> Option<Frame> {
        let mut frame = Frame {
            kind: REGULAR,
            is_modular: false,
            flags: 0,
            sides: image,
            coded: image,
            group: 256,
            passes: 1,
            is_last: true,
            is_shown: true,
            slot: None,
            is_kept_alone: false,
        };
        // All is as it is by default.
        if bits.flag()? {
            return Some(frame);
        }
        let &Headers { is_xyb, animation, extra, .. } = headers;
        frame.kind = bits.read(2)?;
        frame.is_modular = bits.flag()?;
        frame.flags = long(bits)?;
        let is_ycbcr = !is_xyb && bits.flag()?;
        let mut upsampling = 0;
        if frame.flags & USES_LF == 0 {
            bits.skip(if is_ycbcr { 3 * 2 } else { 0 })?;
            upsampling = bits.read(2)?;
            bits.skip(2 * u64::from(extra))?;
        }
        if frame.is_modular {
            frame.group = 128 << bits.read(2)?;
        } else if is_xyb {
            bits.skip(3 + 3)?;
        }
        if frame.kind != REFERENCE {
            frame.passes = passes(bits)?;
        }
        let lf_level = if frame.kind == LF { bits.read(2)? + 1 } else { 0 };
        let is_drawn = !matches!(frame.kind, LF | REFERENCE);
        let is_full = frame.kind == LF || !bits.flag()? || frame.crop(bits, image)?;
        if is_drawn {
            let replaces = blending(bits, extra, is_full)? == REPLACE;
            for _ in 0..extra {
                blending(bits, extra, is_full)?;
            }
            let mut duration = 0;
            if let Some(has_time_codes) = animation {
                duration = select(bits, [(0, 0), (1, 0), (0, 8), (0, 32)])?;
                bits.skip(if has_time_codes { 32 } else { 0 })?;
            }
            frame.is_last = bits.flag()?;
            frame.is_shown = frame.is_last || duration > 0;
            if !frame.is_last {
                let slot = bits.read(2)? as usize;
                frame.slot = (duration == 0 || slot != 0).then_some(slot);
            }
            if frame.slot.is_some() && replaces && is_full {
                frame.is_kept_alone = bits.flag()?;
            }
        } else {
            (frame.is_last, frame.is_shown) = (false, false);
            frame.slot = Some(match frame.kind {
                LF => 3 + lf_level as usize,
                _ => bits.read(2)? as usize,
            });
            frame.is_kept_alone = frame.kind == LF || bits.flag()?;
        }
        let name = select(bits, [(0, 0), (0, 4), (16, 5), (48, 10)])?;
        bits.skip(8 * u64::from(name))?;
        filters(bits, frame.is_modular)?;
        extensions(bits)?;
        let shrunk = |sides: (u64, u64), bits: u32| {
            (sides.0.div_ceil(1 << bits), sides.1.div_ceil(1 << bits))
        };
        frame.sides = shrunk(frame.sides, 3 * lf_level);
        frame.coded = shrunk(frame.sides, upsampling);
        Some(frame)
    }

    /// Reads where the frame lies; whether it covers the image.
    fn crop(&mut self, bits: &mut LsbBitReader, image: (u64, u64)) -> Option<bool> {
        let mut number = || select(bits, [(0, 8), (256, 11), (2304, 14), (18688, 30)]);
        let mut origin = (0, 0);
        if self.kind != REFERENCE {
            origin = (i64::from(signed(number()?)), i64::from(signed(number()?)));
        }
        let (width, height) = (u64::from(number()?), u64::from(number()?));
        // Nothing stands for all.
        self.sides =
            (if width == 0 { image.0 } else { width }, if height == 0 { image.1 } else { height });
        let covers = |origin: i64, side: u64, of: u64| {
            let end = i64::try_from(side).ok().and_then(|side| side.checked_add(origin));
            origin <= 0 && end.is_some_and(|end| i64::try_from(of).is_ok_and(|of| end >= of))
        };
        Some(covers(origin.0, width, image.0) && covers(origin.1, height, image.1))
    }

    /// Reads how long the sections are.
    fn sections(&self, bits: &mut LsbBitReader, work: &mut u64) -> Option<Sections> {
        let groups = |(width, height): (u64, u64), side: u64| {
            width.div_ceil(side).checked_mul(height.div_ceil(side))
        };
        let count = groups(self.coded, self.group)?;
        let count = if count == 1 && self.passes == 1 {
            1
        } else {
            count.checked_mul(self.passes)?.checked_add(2 + groups(self.coded, 8 * self.group)?)?
        };
        // Each takes 12 bits at least, so that there are no more than the input has.
        let is_moved = bits.flag()?;
        bits.has(12 * count)?;
        // Which of them comes first, of those that are moved.
        let mut moved = 0;
        if is_moved {
            let context = |number: u32| ceil_log2(number.saturating_add(1)).min(7) as usize;
            let mut coded = Coded::read(bits, 8, true, work)?;
            let size = u32::try_from(count).ok()?;
            let end = coded.next(bits, context(size))?;
            if end > size {
                return None;
            }
            let mut last = 0;
            for at in 0..end {
                last = coded.next(bits, context(last))?;
                if last >= size - at {
                    return None;
                }
                if at == 0 {
                    moved = u64::from(last);
                }
            }
            coded.end()?;
        }
        bits.align()?;
        let (mut first, mut end) = (0..0, 0u64);
        for at in 0..count {
            let length = select(bits, [(0, 10), (1024, 14), (17408, 22), (4_211_712, 30)])?;
            let start = end;
            end = end.checked_add(length.into())?;
            if at == moved {
                first = start..end;
            }
        }
        bits.align()?;
        let start = bits.position() / 8;
        let place = |at: u64| start.checked_add(usize::try_from(at).ok()?);
        Some(Sections { first: place(first.start)?..place(first.end)?, end: place(end)? })
    }

    /// Bytes that the decoder holds for so many samples while it decodes the frame, of which this is the
    /// first section.
    fn working_bytes(
        &self,
        samples: u64,
        headers: &Headers,
        first: &[u8],
        work: &mut u64,
    ) -> Result<u64, Error> {
        // Of a frame of one pass it has some groups only, but of what is transformed as a whole, all: that can be
        // what is beside the colours, too.
        let is_whole = self.is_modular || self.passes > 1 || self.flags & USES_LF != 0;
        let extra = u64::from(headers.extra);
        let of_pixel = if is_whole { KEPT * (3 + extra) } else { 3 + KEPT * extra };
        let mut bytes = (samples / (3 + extra)).saturating_mul(of_pixel);
        let mut bits = LsbBitReader::new(first);
        if self.flags & PATCHES != 0 {
            bytes = bytes.saturating_add(features::patches(&mut bits, headers.extra, work)?);
        }
        if self.flags & SPLINES != 0 {
            bytes = bytes.saturating_add(features::splines(&mut bits, work)?);
        }
        Ok(bytes)
    }
}

/// Where in the input of a frame its first section is, and where all of them end.
struct Sections {
    first: Range<usize>,
    end: usize,
}

fn passes(bits: &mut LsbBitReader) -> Option<u64> {
    let passes = select(bits, [(1, 0), (2, 0), (3, 0), (4, 3)])?;
    if passes > 1 {
        let smaller = select(bits, [(0, 0), (1, 0), (2, 0), (3, 1)])?;
        bits.skip(2 * u64::from(passes - 1) + 2 * u64::from(smaller))?;
        for _ in 0..smaller {
            select(bits, [(0, 0), (1, 0), (2, 0), (0, 3)])?;
        }
    }
    Some(passes.into())
}

/// How a frame is put over another.
fn blending(bits: &mut LsbBitReader, extra: u32, is_full: bool) -> Option<u32> {
    let mode = select(bits, [(0, 0), (1, 0), (2, 0), (3, 2)])?;
    let has_alpha = extra > 0 && matches!(mode, BLEND | WEIGHTED_ADD);
    if has_alpha {
        select(bits, [(0, 0), (1, 0), (2, 0), (3, 3)])?;
    }
    bits.skip(u64::from(has_alpha || mode == MULTIPLY))?;
    bits.skip(if is_full && mode == REPLACE { 0 } else { 2 })?;
    Some(mode)
}

/// Skips what the filters of a frame are told.
fn filters(bits: &mut LsbBitReader, is_modular: bool) -> Option<()> {
    if bits.flag()? {
        return Some(());
    }
    if bits.flag()? && bits.flag()? {
        bits.skip(6 * 16)?;
    }
    if bits.read(2)? > 0 {
        if !is_modular && bits.flag()? {
            bits.skip(8 * 16)?;
        }
        if bits.flag()? {
            bits.skip(5 * 16)?;
        }
        if bits.flag()? {
            bits.skip(16 * if is_modular { 3 } else { 4 })?;
        }
        if is_modular {
            bits.skip(16)?;
        }
    }
    extensions(bits)
}
