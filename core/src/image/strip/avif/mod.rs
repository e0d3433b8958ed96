//! AVIF (ISO/IEC 23000-22): the primary image, what it is made of, its alpha plane and the tracks of a
//! sequence stay. The numbers that say where they are follow them.
//!
//! What goes: items of EXIF and XMP, manifests, thumbnails, depth and gain maps, properties that
//! describe, tracks of sound and of metadata, other boxes, all bytes to which nothing points, and of the AV1
//! data what no picture is made of.

mod boxes;
mod changes;
mod meta;
mod movie;
mod units;

use super::cuts::{Cuts, Kept};
use crate::image::isobmff::IsoBox;
use changes::{Changes, Live};

pub(super) fn cuts<'a>(input: &'a [u8], has_profile: bool, kept: &Kept) -> Option<Cuts<'a>> {
    // A profile stands among the properties that pixels need.
    if has_profile && kept.profile.is_none() {
        return None;
    }
    let mut changes = Changes::new(input);
    let (mut meta, mut movie, mut data) = (None, None, Vec::new());
    let mut at = 0;
    while at < input.len() {
        let Some(frame) = IsoBox::read_whole(input, at, input.len()) else { break };
        match &frame.kind {
            b"ftyp" if at == 0 => brands(&mut changes, frame)?,
            b"meta" if meta.is_none() => meta = Some(frame),
            b"moov" if movie.is_none() => movie = Some(frame),
            b"mdat" => data.push(frame),
            // In fragments, places are told in other ways.
            b"ftyp" | b"meta" | b"moov" | b"moof" | b"sidx" => return None,
            _ => changes.cut(frame.range()),
        }
        at = frame.end;
    }
    if data.is_empty() {
        return None;
    }
    // What is no box.
    changes.cut(at..input.len());

    let mut live = Live::default();
    match meta {
        Some(meta) => meta::cuts(&mut changes, meta, kept, &mut live)?,
        // Author and rights have no place in a sequence alone.
        None if movie.is_none() || kept.exif.is_some() => return None,
        None => {}
    }
    if let Some(movie) = movie {
        movie::cuts(&mut changes, movie, kept, &mut live)?;
    }
    units::blank(&mut changes, std::mem::take(&mut live.coded))?;
    sweep(&mut changes, &data, live)?;
    changes.into_cuts()
}

/// Brands of files that have what stays: any other may announce a gain map, or something that is said nowhere else.
const BRANDS: [&[u8; 4]; 13] = [
    b"avif", b"avis", b"avio", b"mif1", b"mif2", b"msf1", b"miaf", b"MA1A", b"MA1B", b"iso8",
    b"isom", b"1pic", b"iso6",
];

/// Leaves of the brands those that are known.
fn brands(changes: &mut Changes, frame: IsoBox) -> Option<()> {
    let brands = changes.input.get(frame.body + 8..frame.end)?;
    let (brands, rest) = brands.as_chunks::<4>();
    changes.clear(frame.body + 4..frame.body + 8);
    for (index, _) in brands.iter().enumerate().filter(|(_, brand)| !BRANDS.contains(brand)) {
        let at = frame.body + 8 + 4 * index;
        changes.cut(at..at + 4);
    }
    changes.cut(frame.end - rest.len()..frame.end);
    changes.frame(frame);
    Some(())
}

/// Takes out of the payload what nothing points to.
fn sweep(changes: &mut Changes, data: &[IsoBox], mut live: Live) -> Option<()> {
    live.ranges.sort_by_key(|range| range.start);
    let mut ranges = live.ranges.into_iter().peekable();
    for frame in data {
        changes.frame(*frame);
        let mut at = frame.body;
        while let Some(range) = ranges.next_if(|range| range.start < frame.end) {
            // In no payload, or across its end.
            if range.start < frame.body || range.end > frame.end {
                return None;
            }
            if range.start > at {
                changes.cut(at..range.start);
            }
            at = at.max(range.end);
        }
        changes.cut(at..frame.end);
    }
    ranges.next().is_none().then_some(())
}
