//! The tracks of a sequence of images (ISO/IEC 14496-12, section 8).

use super::boxes::{inside, number, one};
use super::changes::{Changes, Live, OffsetField, handler, only, property_len, shorten};
use crate::image::bytes::{array, be32};
use crate::image::isobmff::IsoBox;
use crate::image::strip::cuts::Kept;

/// Chunks and samples of a track; each of them is looked at.
const MOST: usize = 1 << 14;

/// What comes before the boxes of an entry that says how samples are coded, and where the name of a program is in it.
const ENTRY: usize = 78;
const PROGRAM: std::ops::Range<usize> = 42..74;

pub(super) fn cuts(
    changes: &mut Changes,
    movie: IsoBox,
    kept: &Kept,
    live: &mut Live,
) -> Option<()> {
    let frames = inside(changes.input, movie.body..movie.end)?;
    if frames.iter().any(|frame| &frame.kind == b"mvex") {
        return None;
    }
    let mut images = false;
    for frame in only(changes, movie, &[b"mvhd", b"trak"])? {
        match &frame.kind {
            b"trak" => images |= track(changes, frame, kept, live)?,
            _ => header(changes, frame)?,
        }
    }
    images.then_some(())
}

/// Leaves of a track what its images need, or nothing of one that has none. Returns whether it has.
fn track(changes: &mut Changes, track: IsoBox, kept: &Kept, live: &mut Live) -> Option<bool> {
    let input = changes.input;
    let media = one(&inside(input, track.body..track.end)?, b"mdia")?;
    let kind = one(&inside(input, media.body..media.end)?, b"hdlr")?;
    match &array(input, kind.body + 8)? {
        b"pict" | b"auxv" => {}
        b"soun" | b"meta" | b"text" | b"sbtl" | b"subt" | b"hint" => {
            changes.cut(track.range());
            return Some(false);
        }
        _ => return None,
    }
    for frame in only(changes, track, &[b"tkhd", b"tref", b"edts", b"mdia"])? {
        match &frame.kind {
            b"tkhd" => header(changes, frame)?,
            b"tref" => {
                only(changes, frame, &[b"auxl", b"prem"])?;
            }
            b"edts" => {
                for list in only(changes, frame, &[b"elst"])? {
                    let entry = if list.version(input)?.0 == 0 { 12 } else { 20 };
                    table(changes, list, entry)?;
                }
            }
            _ => {}
        }
    }
    let parts = only(changes, media, &[b"mdhd", b"hdlr", b"minf"])?;
    header(changes, one(&parts, b"mdhd")?)?;
    handler(changes, kind)?;
    let kinds: [&[u8; 4]; 4] = [b"vmhd", b"nmhd", b"dinf", b"stbl"];
    let parts = only(changes, one(&parts, b"minf")?, &kinds)?;
    for &frame in &parts {
        match &frame.kind {
            b"vmhd" => shorten(changes, frame, 12)?,
            b"nmhd" => shorten(changes, frame, 4)?,
            b"dinf" => places(changes, frame)?,
            _ => {}
        }
    }
    let kinds: [&[u8; 4]; 8] =
        [b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"co64", b"stss", b"ctts"];
    let tables = only(changes, one(&parts, b"stbl")?, &kinds)?;
    for &frame in &tables {
        match &frame.kind {
            b"stsd" => entries(changes, frame, kept)?,
            b"stsz" => {
                let same = number(input, frame.body + 4, 4)?;
                let samples = usize::try_from(be32(input, frame.body + 8)?).ok()?;
                let sizes = if same == 0 { samples.checked_mul(4)? } else { 0 };
                shorten(changes, frame, sizes.checked_add(12)?)?;
            }
            b"stsc" => table(changes, frame, 12)?,
            b"stco" | b"stss" => table(changes, frame, 4)?,
            _ => table(changes, frame, 8)?,
        }
    }
    chunks(changes, &tables, live).map(|()| true)
}

/// Leaves of a header of a film, a track or its media what is shown by it, and no times at which it was made.
fn header(changes: &mut Changes, frame: IsoBox) -> Option<()> {
    let (version, _) = frame.version(changes.input)?;
    // How long it is; what of it are times, and what is reserved.
    let (len, cleared): (_, &[_]) = match (&frame.kind, version) {
        (b"mvhd", 0) => (100, &[4..12, 26..36, 72..96]),
        (b"mvhd", 1) => (112, &[4..20, 38..48, 84..108]),
        (b"tkhd", 0) => (84, &[4..12, 16..20, 24..32, 38..40]),
        (b"tkhd", 1) => (96, &[4..20, 24..28, 36..44, 50..52]),
        (b"mdhd", 0) => (24, &[4..12, 22..24]),
        (b"mdhd", 1) => (36, &[4..20, 34..36]),
        _ => return None,
    };
    shorten(changes, frame, len)?;
    for range in cleared {
        changes.clear(frame.body + range.start..frame.body + range.end);
    }
    Some(())
}

/// Leaves of a table its entries of that many bytes.
fn table(changes: &mut Changes, frame: IsoBox, entry: usize) -> Option<()> {
    let count = usize::try_from(be32(changes.input, frame.body + 4)?).ok()?;
    shorten(changes, frame, count.checked_mul(entry)?.checked_add(8)?)
}

/// Leaves of where the data of a track is that it is in this file.
fn places(changes: &mut Changes, frame: IsoBox) -> Option<()> {
    for references in only(changes, frame, &[b"dref"])? {
        changes.frame(references);
        for place in inside(changes.input, references.body + 8..references.end)? {
            if place.version(changes.input)?.1 & 1 == 0 {
                return None;
            }
            shorten(changes, place, 4)?;
        }
    }
    Some(())
}

/// Leaves of what says how samples are coded what pixels need.
fn entries(changes: &mut Changes, frame: IsoBox, kept: &Kept) -> Option<()> {
    let input = changes.input;
    changes.frame(frame);
    for entry in inside(input, frame.body + 8..frame.end)? {
        if &entry.kind != b"av01" {
            return None;
        }
        let inner = IsoBox { body: entry.body.checked_add(ENTRY)?, ..entry };
        let start = entry.body;
        for cleared in [0..6, 8..24, 36..40, PROGRAM] {
            changes.clear(start + cleared.start..start + cleared.end);
        }
        changes.frame(entry);
        for property in inside(input, inner.body..inner.end)? {
            match property_len(input, property, kept.profile.is_some()) {
                Some(len) => shorten(changes, property, len)?,
                None => changes.cut(property.range()),
            }
        }
    }
    Some(())
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
        let at = places.body + 8 + size * chunk;
        let target = usize::try_from(number(input, at, size)?).ok()?;
        let mut end = target;
        while sample < last {
            let start = end;
            end = start.checked_add(usize::try_from(sample_size(sample)?).ok()?)?;
            live.add_coded(std::iter::once(start..end).collect())?;
            sample += 1;
        }
        live.add(target, end - target)?;
        changes.place(OffsetField { at, size, target, base: 0..0 });
    }
    (sample == samples).then_some(())
}
