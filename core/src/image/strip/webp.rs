//! WebP: the chunks of the image or of its frames, the profile, and lengths and flags that are so.

use std::ops::Range;

use super::cuts::{Cuts, Kept};
use crate::image::size::Size;
use crate::image::source::icc::stated_len;
use crate::image::source::webp::{RiffChunks, Webp};
use crate::image::{Info, riff};

/// Where the chunks begin.
const FIRST: usize = 12;
/// What comes before the data of a chunk.
const HEADER: usize = 8;
/// The background of an animation, and how often it is repeated.
const ANIMATION: usize = 6;
/// What comes before the chunks of a frame.
const FRAME: usize = 16;

pub(super) fn cuts<'a>(
    input: &'a [u8],
    webp: &Webp<'a>,
    info: &Info,
    kept: &Kept,
) -> Option<Cuts<'a>> {
    let mut cuts = Cuts::new(input);
    let file = webp.riff;
    let animated = webp.still().is_none();
    let mut chunks = RiffChunks::new(file, FIRST);
    let mut exif = kept.exif.as_deref();
    let (mut once, mut flags) = (Once::default(), None);
    let mut chunks_end = FIRST;
    let takes_alpha = !is_lossless(RiffChunks::new(file, FIRST));
    let has = |flags: &Option<(Range<usize>, &[u8])>, flag: u8| {
        let byte = flags.as_ref().and_then(|(_, data)| data.first());
        byte.is_some_and(|byte| byte & flag != 0)
    };
    while let Some((kind, data)) = chunks.next() {
        let chunk = chunks_end..chunks.at().min(file.len());
        chunks_end = chunk.end;
        match &kind {
            b"VP8X" if chunk.start == FIRST => flags = Some((chunk, data)),
            b"ICCP"
                if kept.profile.is_some() && has(&flags, riff::FLAG_ICC) && once.is_first(0) =>
            {
                let profile = data.get(..stated_len(data)?).unwrap_or(data);
                if profile.len() < data.len() {
                    let mut short = Vec::new();
                    riff::chunk(&mut short, b"ICCP", profile);
                    cuts.replace(chunk, &short)?;
                } else {
                    pad(&mut cuts, chunk, data.len())?;
                }
            }
            b"ANIM" if animated && once.is_first(1) => {
                let fixed = data.get(..ANIMATION).filter(|_| data.len() > ANIMATION);
                if let Some(fixed) = fixed {
                    let mut short = Vec::new();
                    riff::chunk(&mut short, b"ANIM", fixed);
                    cuts.replace(chunk, &short)?;
                }
            }
            b"ANMF" if animated => frame(&mut cuts, file, chunk.start, data)?,
            b"ALPH" if !animated && takes_alpha && !once.has(3) && once.is_first(2) => {
                pad(&mut cuts, chunk, data.len())?;
            }
            b"VP8 " | b"VP8L" if !animated && once.is_first(3) => {
                pad(&mut cuts, chunk, data.len())?;
            }
            b"EXIF" if exif == Some(data) => {
                exif = None;
                pad(&mut cuts, chunk, data.len())?;
            }
            _ => cuts.cut(chunk)?,
        }
    }
    let has_image = animated || once.has(3);
    if !has_image {
        return None;
    }
    // What is no whole chunk, and what follows the file.
    let mut tail = Vec::new();
    if let Some(exif) = exif {
        // The zero that makes a length even may be missing at the end.
        tail.resize(chunks_end % 2, 0);
        riff::chunk(&mut tail, b"EXIF", exif);
    }
    cuts.replace(chunks_end..input.len(), &tail)?;

    let fitting = |old: u8| {
        let exif = if kept.exif.is_some() { riff::FLAG_EXIF } else { 0 };
        let profile = if once.has(0) { riff::FLAG_ICC } else { 0 };
        old & (riff::FLAG_ALPHA | riff::FLAG_ANIMATION) | exif | profile
    };
    match flags {
        Some((chunk, data)) => {
            let mut fixed = Vec::new();
            let canvas = data.get(4..10)?;
            let body = [&[fitting(*data.first()?), 0, 0, 0], canvas].concat();
            riff::chunk(&mut fixed, b"VP8X", &body);
            cuts.replace_before(chunk, &fixed)?;
        }
        None if kept.exif.is_some() => {
            let mut extended = Vec::new();
            let alpha = if info.alpha { riff::FLAG_ALPHA } else { 0 };
            let size = Size::new(info.width, info.height);
            riff::extended(&mut extended, size, fitting(alpha));
            cuts.replace_before(FIRST..FIRST, &extended)?;
        }
        None => {}
    }
    let len = u32::try_from(cuts.len().checked_sub(HEADER)?).ok()?;
    cuts.replace_before(4..8, &len.to_le_bytes())?;
    Some(cuts)
}

/// Has the byte that makes the length of a chunk even be zero, if there is one.
fn pad(cuts: &mut Cuts, chunk: Range<usize>, len: usize) -> Option<()> {
    let end = chunk.start + HEADER + len;
    cuts.replace(end..chunk.end, if end < chunk.end { &[0] } else { &[] })
}

/// Leaves of the frame whose chunk begins at `start` only its image.
fn frame(cuts: &mut Cuts, file: &[u8], start: usize, data: &[u8]) -> Option<()> {
    let from = start + HEADER;
    let mut chunks = RiffChunks::new(data, FRAME);
    let mut once = Once::default();
    let takes_alpha = !is_lossless(RiffChunks::new(data, FRAME));
    let mut left = FRAME;
    // What goes, and what makes the length of something even that stays.
    let mut changed: Vec<(Range<usize>, &[u8])> = Vec::new();
    let mut end = FRAME;
    while let Some((kind, body)) = chunks.next() {
        let chunk = end..chunks.at().min(data.len());
        end = chunk.end;
        let stays = match &kind {
            b"ALPH" => takes_alpha && !once.has(3) && once.is_first(2),
            b"VP8 " | b"VP8L" => once.is_first(3),
            _ => false,
        };
        if stays {
            left += chunk.len();
            let padded = chunk.start + HEADER + body.len()..chunk.end;
            let zero: &[u8] = if padded.is_empty() { &[] } else { &[0] };
            changed.push((padded, zero));
        } else {
            changed.push((chunk, &[]));
        }
        if changed.len() > 64 {
            return None;
        }
    }
    changed.push((end..data.len(), &[]));
    let len = u32::try_from(left).ok()?;
    cuts.replace(start + 4..from, &len.to_le_bytes())?;
    for (range, by) in changed {
        cuts.replace(from + range.start..from + range.end, by)?;
    }
    // The zero that made the length even stands where it has to if the new one is odd, too.
    let pad = from + data.len();
    let padded = (pad + data.len() % 2).min(file.len());
    let zero: &[u8] =
        if left % 2 == 1 && (left != data.len() || pad < padded) { &[0] } else { &[] };
    cuts.replace(pad..padded, zero)
}

/// Whether the first image among some chunks is one that has its alpha in it.
fn is_lossless(mut chunks: RiffChunks) -> bool {
    let mut kinds = std::iter::from_fn(|| chunks.next()).map(|(kind, _)| kind);
    kinds.find(|kind| matches!(kind, b"VP8 " | b"VP8L")) == Some(*b"VP8L")
}

/// Which of the chunks that come once were there.
#[derive(Default)]
struct Once([bool; 4]);

impl Once {
    fn is_first(&mut self, which: usize) -> bool {
        self.0.get_mut(which).is_some_and(|seen| !std::mem::replace(seen, true))
    }

    fn has(&self, which: usize) -> bool {
        self.0.get(which) == Some(&true)
    }
}
