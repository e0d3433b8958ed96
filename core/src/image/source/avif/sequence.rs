//! The first image of a sequence (ISO/IEC 14496-12, sections 8.3 to 8.7). Of its tables no more
//! than the first entries are read.

use crate::image::Error;
use crate::image::bytes::{be16, be32};
use crate::image::error::{broken, truncated};
use crate::image::isobmff::FourCc;
use crate::image::size::Size;
use crate::image::source::heif::{BoxContent, FieldReader, boxes, child, full, too_many};

/// Tracks: colour, alpha, and what else there may be.
const MOST_TRACKS: usize = 16;

/// Where the boxes of a visual sample entry begin.
const ENTRY: usize = 78;

/// A track of pictures.
#[derive(Debug)]
pub(super) struct PictureTrack<'a> {
    id: u32,
    /// The track of which this one is the alpha.
    alpha_of: Option<u32>,
    /// The one by whose alpha this one is multiplied.
    premultiplied_by: Option<u32>,
    pub(super) size: Size,
    pub(super) frames: u32,
    /// Boxes that describe the pictures.
    pub(super) description: &'a [u8],
    pub(super) first: &'a [u8],
}

/// The colours of a sequence, and its alpha.
#[derive(Debug)]
pub(super) struct Sequence<'a> {
    pub(super) colors: PictureTrack<'a>,
    pub(super) alpha: Option<PictureTrack<'a>>,
    pub(super) premultiplied: bool,
}

/// Reads a `moov` box of that file; `None` where no pictures are in it.
pub(super) fn read<'a>(moov: &'a [u8], file: &'a [u8]) -> Result<Option<Sequence<'a>>, Error> {
    let mut tracks = Vec::new();
    for found in boxes(moov) {
        let BoxContent { kind, data, whole } = found?;
        if &kind != b"trak" {
            continue;
        }
        if !whole {
            return Err(truncated());
        }
        if tracks.len() >= MOST_TRACKS {
            return Err(too_many("tracks", MOST_TRACKS));
        }
        tracks.extend(track(data, file)?);
    }
    let Some(at) = tracks.iter().position(|track| track.alpha_of.is_none()) else {
        return Ok(None);
    };
    let colors = tracks.swap_remove(at);
    let alpha = tracks.into_iter().find(|track| track.alpha_of == Some(colors.id));
    let premultiplied =
        alpha.as_ref().is_some_and(|alpha| colors.premultiplied_by == Some(alpha.id));
    Ok(Some(Sequence { colors, alpha, premultiplied }))
}

/// Reads a `trak` box; `None` where it is none of AV1 pictures.
fn track<'a>(data: &'a [u8], file: &'a [u8]) -> Result<Option<PictureTrack<'a>>, Error> {
    let missing = || broken("a track is not whole");
    let within = |data: &'a [u8], kind: &FourCc| child(data, kind)?.ok_or_else(missing);
    let media = within(data, b"mdia")?;
    let handler = within(media, b"hdlr")?;
    if !matches!(handler.get(8..12), Some(b"pict" | b"auxv")) {
        return Ok(None);
    }
    let table = within(within(media, b"minf")?, b"stbl")?;
    let entries = full(within(table, b"stsd")?)?.2.get(4..).ok_or_else(missing)?;
    let Some(entry) = child(entries, b"av01")? else { return Ok(None) };
    let side = |at: usize| be16(entry, at).map(u32::from).ok_or_else(missing);

    let (version, _, header) = full(within(data, b"tkhd")?)?;
    let id = be32(header, if version == 0 { 8 } else { 16 }).ok_or_else(missing)?;
    let references = child(data, b"tref")?.unwrap_or_default();
    let refers =
        |kind: &FourCc| Ok::<_, Error>(child(references, kind)?.and_then(|to| be32(to, 0)));

    let mut sizes = FieldReader(full(within(table, b"stsz")?)?.2);
    let (same, frames) = (sizes.u32()?, sizes.u32()?);
    if frames == 0 || same == 0 && (sizes.0.len() as u64) < u64::from(frames) * 4 {
        return Err(broken("a track has no table of its samples"));
    }
    let len = if same == 0 { sizes.u32()? } else { same };
    let (offsets, wide) = match child(table, b"stco")? {
        Some(offsets) => (offsets, false),
        None => (within(table, b"co64")?, true),
    };
    let mut offsets = FieldReader(full(offsets)?.2);
    offsets.u32()?;
    let start = offsets.number(if wide { 8 } else { 4 })?;
    let end = start.saturating_add(len.into());
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let first = range.and_then(|(start, end)| file.get(start..end)).ok_or_else(truncated)?;
    Ok(Some(PictureTrack {
        id,
        alpha_of: refers(b"auxl")?,
        premultiplied_by: refers(b"prem")?,
        size: Size::new(side(24)?, side(26)?),
        frames,
        description: entry.get(ENTRY..).ok_or_else(missing)?,
        first,
    }))
}
