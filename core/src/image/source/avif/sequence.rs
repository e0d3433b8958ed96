//! The tracks of a sequence (ISO/IEC 14496-12, sections 8.3 to 8.7). Where its samples are is read of its
//! tables as they are asked for.

use std::num::NonZeroU32;

use crate::image::Error;
use crate::image::bytes::{be16, be32};
use crate::image::error::{broken, truncated};
use crate::image::isobmff::{FourCc, number};
use crate::image::size::Size;
use crate::image::source::heif::{
    BoxContent, FieldReader, boxes, child, full, says_alpha, too_many,
};

/// Tracks: colour, alpha, and what else there may be.
const MOST_TRACKS: usize = 16;

/// Units of time in a second, where nobody says them.
const MILLISECONDS: u32 = 1000;

/// Of an edit list: it begins again when it is at its end.
const REPEATS: u32 = 1;

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
    /// Boxes that describe the pictures.
    pub(super) description: &'a [u8],
    pub(super) first: &'a [u8],
    pub(super) table: SampleTable<'a>,
    /// How long all is shown that is shown again, and how long that is done, in the same unit; without these for ever.
    repeated: Option<(u64, u64)>,
}

/// Where the samples of a track are, and how long each is shown.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct SampleTable<'a> {
    file: &'a [u8],
    pub(in crate::image) count: u32,
    /// Bytes of the longest.
    pub(in crate::image) longest: u32,
    /// Units of time in a second.
    timescale: u32,
    /// The length of all of them; or 0, and the lengths.
    same: u32,
    lengths: &'a [[u8; 4]],
    /// Where chunks begin, by 4 bytes each or by 8.
    offsets: &'a [u8],
    offset_len: usize,
    /// From which chunk on, counted from 1, so many samples are in each.
    chunks: &'a [[u8; 12]],
    /// How many samples have which duration.
    durations: &'a [[u8; 8]],
}

/// The samples of a track, one after the other.
#[derive(Debug)]
pub(in crate::image) struct SampleReader<'a> {
    table: SampleTable<'a>,
    number: u32,
    /// How many chunks were begun, and how many entries of their table.
    chunk: u32,
    entry: usize,
    /// Samples of the chunk at hand that are yet to come, and where the next one begins.
    left: u32,
    at: u64,
    /// Samples of the duration at hand that are yet to come, and what that is.
    lasting: u32,
    duration: u32,
    /// Units of time up to the next sample.
    time: u64,
}

/// A sample of a track.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct TrackSample<'a> {
    pub(in crate::image) data: &'a [u8],
    /// For how many milliseconds it is shown.
    pub(in crate::image) duration: u32,
}

impl<'a> SampleTable<'a> {
    /// Reads where the tables of a track are, `stbl`, and of one of them what is longest.
    fn read(table: &'a [u8], timescale: u32, file: &'a [u8]) -> Result<SampleTable<'a>, Error> {
        let missing = || broken("a track is not whole");
        let within = |kind: &FourCc| child(table, kind)?.ok_or_else(missing);
        let mut sizes = FieldReader(full(within(b"stsz")?)?.2);
        let (same, count) = (sizes.u32()?, sizes.u32()?);
        let lengths: &[[u8; 4]] = if same == 0 { entries(sizes.0, count) } else { &[] };
        if count == 0 || same == 0 && lengths.len() as u64 != u64::from(count) {
            return Err(broken("a track has no table of its samples"));
        }
        let longest = lengths.iter().map(|len| u32::from_be_bytes(*len)).max().unwrap_or(same);
        let (offsets, offset_len) = match child(table, b"stco")? {
            Some(offsets) => (offsets, 4),
            None => (within(b"co64")?, 8),
        };
        let mut offsets = FieldReader(full(offsets)?.2);
        let offset_count = offsets.u32()? as usize;
        let offsets = offsets.0.get(..offset_count.saturating_mul(offset_len)).unwrap_or(offsets.0);
        let listed = |kind: &FourCc| {
            let Some(list) = child(table, kind)? else { return Ok((0, &[][..])) };
            let mut list = FieldReader(full(list)?.2);
            Ok::<_, Error>((list.u32()?, list.0))
        };
        let (chunk_count, chunks) = listed(b"stsc")?;
        let (duration_count, durations) = listed(b"stts")?;
        let (chunks, durations) =
            (entries(chunks, chunk_count), entries(durations, duration_count));
        let timescale = timescale.max(1);
        Ok(SampleTable {
            file,
            count,
            longest,
            timescale,
            same,
            lengths,
            offsets,
            offset_len,
            chunks,
            durations,
        })
    }

    /// All samples.
    pub(in crate::image) fn samples(&self) -> SampleReader<'a> {
        SampleReader {
            table: *self,
            number: 0,
            chunk: 0,
            entry: 0,
            left: 0,
            at: 0,
            lasting: 0,
            duration: 0,
            time: 0,
        }
    }

    fn milliseconds(&self, time: u64) -> u64 {
        let scale = u64::from(self.timescale);
        // The whole seconds apart, so that nothing overflows.
        let seconds = (time / scale).saturating_mul(1000);
        seconds.saturating_add((time % scale * 1000 + scale / 2) / scale)
    }
}

impl<'a> SampleReader<'a> {
    /// The next sample; `None` behind the last.
    ///
    /// # Errors
    /// Where the tables are contradictory, or the sample is not within the file.
    pub(in crate::image) fn next(&mut self) -> Result<Option<TrackSample<'a>>, Error> {
        let table = self.table;
        if self.number >= table.count {
            return Ok(None);
        }
        if self.left == 0 {
            self.next_chunk()?;
        }
        let len = match table.same {
            0 => table.lengths.get(self.number as usize).map(|len| u32::from_be_bytes(*len)),
            same => Some(same),
        };
        let len = len.ok_or_else(|| broken("a sample has no length"))?;
        let end = self.at.saturating_add(len.into());
        let range = usize::try_from(self.at).ok().zip(usize::try_from(end).ok());
        let data = range.and_then(|(start, end)| table.file.get(start..end));
        let data = data.ok_or_else(truncated)?;
        (self.at, self.left, self.number) = (end, self.left - 1, self.number + 1);

        let mut entries = table.durations.iter();
        while self.lasting == 0
            && let Some(&[a, b, c, d, rest @ ..]) = entries.next()
        {
            (self.lasting, self.duration) =
                (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes(rest));
        }
        self.table.durations = entries.as_slice();
        // Behind the last entry all last as long as those before.
        self.lasting = self.lasting.saturating_sub(1);
        let until = self.time.saturating_add(self.duration.into());
        let milliseconds = table.milliseconds(until).saturating_sub(table.milliseconds(self.time));
        self.time = until;
        let duration = u32::try_from(milliseconds).unwrap_or(u32::MAX);
        Ok(Some(TrackSample { data, duration }))
    }

    fn next_chunk(&mut self) -> Result<(), Error> {
        let SampleTable { offsets, offset_len, chunks, .. } = self.table;
        let start = offset_len.checked_mul(self.chunk as usize);
        let offset = start.and_then(|start| offsets.get(start..)?.get(..offset_len));
        self.at = number(offset.ok_or_else(|| broken("a chunk is missing"))?);
        self.chunk += 1;
        let first = |entry: usize| chunks.get(entry).and_then(|entry| be32(entry, 0));
        if first(self.entry + 1).is_some_and(|first| first <= self.chunk) {
            self.entry += 1;
        }
        let count = chunks.get(self.entry).and_then(|entry| be32(entry, 4));
        self.left = count.filter(|&count| count > 0).ok_or_else(|| broken("an empty chunk"))?;
        Ok(())
    }
}

/// So many entries of a table, or as many as there are.
fn entries<const N: usize>(table: &[u8], count: u32) -> &[[u8; N]] {
    let all = table.as_chunks::<N>().0;
    all.get(..count as usize).unwrap_or(all)
}

/// The colours of a sequence, and its alpha.
#[derive(Debug)]
pub(super) struct Sequence<'a> {
    pub(super) colors: PictureTrack<'a>,
    pub(super) alpha: Option<PictureTrack<'a>>,
    pub(super) premultiplied: bool,
}

impl Sequence<'_> {
    /// How often it is played; `None` is for ever.
    pub(super) fn plays(&self) -> Option<NonZeroU32> {
        let (once, all) = self.colors.repeated?;
        let plays = all.checked_div(once).map(|plays| plays + u64::from(all % once > 0))?;
        NonZeroU32::new(u32::try_from(plays).unwrap_or(u32::MAX).max(1))
    }
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

/// Reads a `trak` box; `None` where it is none of AV1 pictures, or of others beside them, such as depths.
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
    let shown = match version {
        0 => be32(header, 16).map(|time| if time == u32::MAX { u64::MAX } else { time.into() }),
        _ => header.get(24..32).map(number),
    };
    let timescale = child(media, b"mdhd")?
        .map(full)
        .transpose()?
        .and_then(|(version, _, header)| be32(header, if version == 0 { 8 } else { 16 }));
    let references = child(data, b"tref")?.unwrap_or_default();
    let refers =
        |kind: &FourCc| Ok::<_, Error>(child(references, kind)?.and_then(|to| be32(to, 0)));

    let alpha_of = refers(b"auxl")?;
    let description = entry.get(ENTRY..).ok_or_else(missing)?;
    // One that does not say what it is beside the colours is alpha.
    let mut said = boxes(description).filter_map(Result::ok).filter(|it| &it.kind == b"auxi");
    if alpha_of.is_some() && said.next().is_some_and(|said| !says_alpha(said.data)) {
        return Ok(None);
    }

    let table = SampleTable::read(table, timescale.unwrap_or(MILLISECONDS), file)?;
    let first = table.samples().next()?.ok_or_else(missing)?.data;
    Ok(Some(PictureTrack {
        id,
        alpha_of,
        premultiplied_by: refers(b"prem")?,
        size: Size::new(side(24)?, side(26)?),
        description,
        first,
        table,
        repeated: repeated(data, shown)?,
    }))
}

/// How long what a track repeats is, and for how long it is shown; `None` for ever. As libavif has it, a track
/// that says nothing of that is one for ever as well, as browsers show it.
fn repeated(track: &[u8], shown: Option<u64>) -> Result<Option<(u64, u64)>, Error> {
    let Some(list) = child(track, b"edts")?.map(|edits| child(edits, b"elst")).transpose()? else {
        return Ok(None);
    };
    let Some(list) = list else { return Ok(None) };
    let (version, flags, list) = full(list)?;
    let mut fields = FieldReader(list);
    fields.u32()?;
    let once = fields.number(if version == 0 { 4 } else { 8 })?;
    Ok(match shown {
        _ if flags & REPEATS == 0 => Some((1, 1)),
        Some(shown) if shown != u64::MAX && once > 0 => Some((once, shown)),
        _ => None,
    })
}
