//! The tracks of a sequence of images (ISO/IEC 14496-12, section 8).

use super::boxes::{inside, number, one};
use super::changes::{Changes, Live, OffsetField, only};
use crate::image::bytes::{array, be32};
use crate::image::isobmff::IsoBox;

/// Chunks and samples of a track; each of them is looked at.
const MOST: usize = 1 << 14;

pub(super) fn cuts(changes: &mut Changes, movie: IsoBox, live: &mut Live) -> Option<()> {
    let frames = inside(changes.input, movie.body..movie.end)?;
    if frames.iter().any(|frame| &frame.kind == b"mvex") {
        return None;
    }
    let mut images = false;
    for frame in only(changes, movie, &[b"mvhd", b"trak"])? {
        if &frame.kind == b"trak" {
            images |= track(changes, frame, live)?;
        }
    }
    images.then_some(())
}

/// Leaves of a track what its images need, or nothing of one that has none. Returns whether it has.
fn track(changes: &mut Changes, track: IsoBox, live: &mut Live) -> Option<bool> {
    let input = changes.input;
    let media = one(&inside(input, track.body..track.end)?, b"mdia")?;
    let handler = one(&inside(input, media.body..media.end)?, b"hdlr")?;
    match &array(input, handler.body + 8)? {
        b"pict" | b"auxv" => {}
        b"soun" | b"meta" | b"text" | b"sbtl" | b"subt" | b"hint" => {
            changes.cut(track.range());
            return Some(false);
        }
        _ => return None,
    }
    only(changes, track, &[b"tkhd", b"tref", b"edts", b"mdia"])?;
    let information = one(&only(changes, media, &[b"mdhd", b"hdlr", b"minf"])?, b"minf")?;
    let kinds: [&[u8; 4]; 4] = [b"vmhd", b"nmhd", b"dinf", b"stbl"];
    let samples = one(&only(changes, information, &kinds)?, b"stbl")?;
    let kinds: [&[u8; 4]; 11] = [
        b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"co64", b"stss", b"ctts", b"sdtp", b"sbgp",
        b"sgpd",
    ];
    let tables = only(changes, samples, &kinds)?;
    chunks(changes, &tables, live).map(|()| true)
}

/// Finds the samples of a track.
fn chunks(changes: &mut Changes, tables: &[IsoBox], live: &mut Live) -> Option<()> {
    let input = changes.input;
    // Behind version and flags.
    let count = |at: usize| Some(be32(input, at)? as usize).filter(|&count| count <= MOST);
    let (sizes, runs) = (one(tables, b"stsz")?, one(tables, b"stsc")?);
    let (places, size) = match one(tables, b"stco") {
        Some(places) => (places, 4),
        None => (one(tables, b"co64")?, 8),
    };
    let same = number(input, sizes.body + 4, 4)?;
    let samples = count(sizes.body + 8)?;
    let sample_size = |sample: usize| match same {
        0 => number(input, sizes.body + 12 + 4 * sample, 4),
        same => Some(same),
    };
    let run_count = count(runs.body + 4)?;
    let run = |run: usize| {
        let at = runs.body + 8 + 12 * run;
        Some((be32(input, at)? as usize, be32(input, at + 4)? as usize))
    };
    let (mut sample, mut current) = (0usize, 0);
    for chunk in 0..count(places.body + 4)? {
        while current + 1 < run_count && run(current + 1)?.0 <= chunk + 1 {
            current += 1;
        }
        let many = run(current)?.1;
        let last = sample.checked_add(many).filter(|&last| last <= samples)?;
        let mut len = 0u64;
        while sample < last {
            len = len.checked_add(sample_size(sample)?)?;
            sample += 1;
        }
        let at = places.body + 8 + size * chunk;
        let target = usize::try_from(number(input, at, size)?).ok()?;
        live.add(target, usize::try_from(len).ok()?)?;
        changes.place(OffsetField { at, size, target, base: 0..0 });
    }
    (sample == samples).then_some(())
}
