//! The items of a still image (ISO/IEC 14496-12, section 8.11; ISO/IEC 23008-12, sections 6 and 9).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::boxes::{inside, number, one};
use super::changes::{
    Changes, Live, OffsetField, forget_name, handler, only, property_len, shorten,
};
use crate::image::bytes::{array, be16};
use crate::image::isobmff::{ALPHA, IsoBox};
use crate::image::strip::cuts::Kept;

/// The kind of an item of Exif.
const EXIF: &[u8; 4] = b"Exif";

/// Items, references and properties, each; a grid has a few hundred cells.
const MOST: usize = 1 << 12;

pub(super) fn cuts(
    changes: &mut Changes,
    meta: IsoBox,
    kept: &Kept,
    live: &mut Live,
) -> Option<()> {
    let input = changes.input;
    // Behind version and flags there are boxes.
    let content = IsoBox { body: meta.body + 4, ..meta };
    let kinds: [&[u8; 4]; 7] = [b"hdlr", b"pitm", b"iinf", b"iloc", b"iref", b"iprp", b"idat"];
    let frames = only(changes, content, &kinds)?;
    let (infos, locations) = (one(&frames, b"iinf")?, one(&frames, b"iloc")?);
    let properties = inside(input, one(&frames, b"iprp")?.body..one(&frames, b"iprp")?.end)?;
    handler(changes, one(&frames, b"hdlr")?)?;
    let pitm = one(&frames, b"pitm")?;
    let size = if version(input, pitm)? == 0 { 2 } else { 4 };
    let primary = number(input, pitm.body + 4, size)?;
    shorten(changes, pitm, 4 + size)?;

    let items = items(input, infos)?;
    let references = match frames.iter().find(|frame| &frame.kind == b"iref") {
        Some(_) => references(input, one(&frames, b"iref")?)?,
        None => Vec::new(),
    };
    let container = one(&properties, b"ipco")?;
    let found = inside(input, container.body..container.end)?;
    let association = one(&properties, b"ipma")?;
    let associations = associations(input, association)?;
    let says_alpha = |entry: &&Association| {
        entry.properties.iter().any(|&(index, _)| {
            let property = index.checked_sub(1).and_then(|index| found.get(index));
            property.filter(|property| &property.kind == b"auxC").is_some_and(|property| {
                let name = input.get(property.body + 4..property.end).unwrap_or_default();
                ALPHA.iter().any(|alpha| {
                    name.strip_prefix(*alpha).is_some_and(|rest| rest.first() == Some(&0))
                })
            })
        })
    };
    // Many references may be from one of them.
    let alphas = associations.iter().filter(says_alpha).map(|entry| entry.item);
    let alphas = alphas.collect::<BTreeSet<_>>();

    let mut stay = reachable(primary, &references, |item| alphas.contains(&item));
    let kind = |item: u64| items.get(&item).map(|entry| &entry.kind);
    if !stay.iter().all(|&item| matches!(kind(item), Some(b"av01" | b"grid"))) {
        return None;
    }
    let exif = match &kept.exif {
        None => None,
        Some(block) => {
            // Where there is none, author and rights are in XMP, whose item becomes one.
            let of = |kind: &[u8; 4]| items.iter().find(|(_, entry)| entry.kind == *kind);
            let (&item, entry) = of(EXIF).or_else(|| of(b"mime"))?;
            changes.write(entry.name - EXIF.len(), EXIF);
            stay.insert(item);
            Some((item, [&[0; 4], block.as_slice()].concat()))
        }
    };

    let size = if version(input, infos)? == 0 { 2 } else { 4 };
    let mut left = 0;
    for (item, entry) in &items {
        if stay.contains(item) {
            left += 1;
            forget_name(changes, entry.frame, entry.name)?;
        } else {
            changes.cut(entry.frame.range());
        }
    }
    changes.write_number(infos.body + 4, size, left)?;
    changes.frame(infos);

    if let Some(frame) = frames.iter().find(|frame| &frame.kind == b"iref") {
        let stays = |reference: &Reference| {
            stay.contains(&reference.from) && reference.to.iter().all(|to| stay.contains(to))
        };
        if references.iter().any(stays) {
            for reference in &references {
                if stays(reference) {
                    shorten(changes, reference.frame, reference.len)?;
                } else {
                    changes.cut(reference.frame.range());
                }
            }
            changes.frame(*frame);
        } else {
            changes.cut(frame.range());
        }
    }

    for frame in &properties {
        match &frame.kind {
            b"ipco" | b"ipma" => changes.frame(*frame),
            _ => return None,
        }
    }
    let count = associations.iter().filter(|entry| stay.contains(&entry.item)).count();
    changes.write_number(association.body + 4, 4, count as u64)?;
    let mut used = BTreeSet::new();
    for entry in &associations {
        if !stay.contains(&entry.item) {
            changes.cut(entry.range.clone());
            continue;
        }
        for &(index, essential) in &entry.properties {
            let property = index.checked_sub(1).and_then(|index| found.get(index));
            let is_needed = property.is_some_and(|&property| {
                property_len(input, property, kept.profile.is_some()).is_some()
            });
            if is_needed {
                used.insert(index);
            } else if essential {
                // What has to be understood must be.
                return None;
            }
        }
    }
    // The others keep their place, as properties are told by their number.
    for (index, &property) in (1..).zip(&found) {
        match property_len(input, property, kept.profile.is_some()) {
            Some(len) if used.contains(&index) => shorten(changes, property, len)?,
            _ => {
                changes.write(property.start + 4, b"free");
                changes.clear(property.body..property.end);
            }
        }
    }
    changes.frame(one(&frames, b"iprp")?);

    let data = frames.iter().find(|frame| &frame.kind == b"idat").copied();
    let Located { inner, pieces } = located(changes, locations, data, &stay, exif.as_ref(), live)?;
    match data {
        Some(data) if inner.is_empty() => changes.cut(data.range()),
        Some(data) => clear_gaps(changes, data, inner),
        None => {}
    }
    for (item, pieces) in pieces {
        match kind(item) {
            Some(b"av01") => live.add_coded(pieces)?,
            Some(b"grid") if !is_grid(input, &pieces) => return None,
            _ => {}
        }
    }
    Some(())
}

/// Whether that is the description of a grid, and nothing else (ISO/IEC 23008-12, section 6.6.2.3).
fn is_grid(input: &[u8], pieces: &[Range<usize>]) -> bool {
    let [piece] = pieces else { return false };
    match input.get(piece.clone()) {
        Some([0, 0, rest @ ..]) => rest.len() == 6,
        Some([0, 1, rest @ ..]) => rest.len() == 10,
        _ => false,
    }
}

fn version(input: &[u8], frame: IsoBox) -> Option<u8> {
    frame.version(input).map(|(version, _)| version)
}

/// What a box says of an item.
struct Item {
    kind: [u8; 4],
    frame: IsoBox,
    /// Where its name begins.
    name: usize,
}

/// The items by their numbers.
type ItemTable = BTreeMap<u64, Item>;

fn items(input: &[u8], infos: IsoBox) -> Option<ItemTable> {
    let first = infos.body + if version(input, infos)? == 0 { 6 } else { 8 };
    let mut found = BTreeMap::new();
    for frame in inside(input, first..infos.end)? {
        let size = match (&frame.kind, version(input, frame)?) {
            (b"infe", 2) => 2,
            (b"infe", 3) => 4,
            _ => return None,
        };
        let item = number(input, frame.body + 4, size)?;
        let at = frame.body + 4 + size + 2;
        let entry = Item { kind: array(input, at)?, frame, name: at + 4 };
        if found.insert(item, entry).is_some() || found.len() > MOST {
            return None;
        }
    }
    Some(found)
}

struct Reference {
    kind: [u8; 4],
    from: u64,
    to: Vec<u64>,
    frame: IsoBox,
    /// Bytes of the box that say that.
    len: usize,
}

fn references(input: &[u8], frame: IsoBox) -> Option<Vec<Reference>> {
    let size = if version(input, frame)? == 0 { 2 } else { 4 };
    let mut found = Vec::new();
    let mut total = 0;
    for frame in inside(input, frame.body + 4..frame.end)? {
        let from = number(input, frame.body, size)?;
        let count = usize::from(be16(input, frame.body + size)?);
        total += count + 1;
        if total > 2 * MOST || frame.body + size + 2 + count * size > frame.end {
            return None;
        }
        let first = frame.body + size + 2;
        let to = (0..count).map(|index| number(input, first + index * size, size));
        let to = to.collect::<Option<Vec<u64>>>()?;
        let len = size + 2 + count * size;
        found.push(Reference { kind: frame.kind, from, to, frame, len });
    }
    Some(found)
}

/// What an item is made of, and the alpha planes of all that.
fn reachable(
    primary: u64,
    references: &[Reference],
    is_alpha: impl Fn(u64) -> bool,
) -> BTreeSet<u64> {
    let mut parts: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for reference in references {
        match &reference.kind {
            b"dimg" | b"base" | b"prem" => {
                parts.entry(reference.from).or_default().extend(&reference.to);
            }
            b"auxl" if is_alpha(reference.from) => {
                for &to in &reference.to {
                    parts.entry(to).or_default().push(reference.from);
                }
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    let mut todo = vec![primary];
    while let Some(item) = todo.pop() {
        if found.insert(item) {
            todo.extend(parts.get(&item).into_iter().flatten());
        }
    }
    found
}

struct Association {
    item: u64,
    /// The number of each, from 1, and whether it has to be understood.
    properties: Vec<(usize, bool)>,
    range: Range<usize>,
}

fn associations(input: &[u8], frame: IsoBox) -> Option<Vec<Association>> {
    let (version, flags) = frame.version(input)?;
    let size = if version == 0 { 2 } else { 4 };
    let wide = flags & 1 == 1;
    let count = usize::try_from(number(input, frame.body + 4, 4)?).ok()?;
    if count > MOST {
        return None;
    }
    let mut found = Vec::new();
    let mut at = frame.body + 8;
    let mut total = 0;
    for _ in 0..count {
        let start = at;
        let item = number(input, at, size)?;
        let many = usize::from(*input.get(at + size)?);
        at += size + 1;
        total += many;
        let mut properties = Vec::new();
        for _ in 0..many {
            properties.push(if wide {
                let value = be16(input, at)?;
                (usize::from(value & 0x7fff), value & 0x8000 != 0)
            } else {
                let value = *input.get(at)?;
                (usize::from(value & 0x7f), value & 0x80 != 0)
            });
            at += if wide { 2 } else { 1 };
        }
        if at > frame.end || total > 8 * MOST {
            return None;
        }
        found.push(Association { item, properties, range: start..at });
    }
    (at == frame.end).then_some(found)
}

/// Where items lie.
struct Located {
    /// The ranges of those that are in `idat`.
    inner: Vec<Range<usize>>,
    /// Of each, the pieces that it is stored in.
    pieces: Vec<(u64, Vec<Range<usize>>)>,
}

/// Has items be where they come to be, and leaves out those that go.
fn located(
    changes: &mut Changes,
    frame: IsoBox,
    data: Option<IsoBox>,
    stay: &BTreeSet<u64>,
    exif: Option<&(u64, Vec<u8>)>,
    live: &mut Live,
) -> Option<Located> {
    let input = changes.input;
    let version = version(input, frame)?;
    let sizes = be16(input, frame.body + 4)?;
    let part = |shift: u16| usize::from(sizes >> shift & 15);
    let (offset_size, length_size, base_size) = (part(12), part(8), part(4));
    let index_size = if version == 0 { 0 } else { part(0) };
    let id_size = match version {
        0 | 1 => 2,
        2 => 4,
        _ => return None,
    };
    let count_at = frame.body + 6;
    let count = number(input, count_at, id_size)?;
    let mut at = count_at + id_size;
    let (mut left, mut total) = (0, 0);
    let mut seen = BTreeSet::new();
    let mut found = Located { inner: Vec::new(), pieces: Vec::new() };
    for _ in 0..count {
        let start = at;
        let item = number(input, at, id_size)?;
        at += id_size;
        let method = if version == 0 { 0 } else { be16(input, at)? & 15 };
        at += if version == 0 { 0 } else { 2 };
        let elsewhere = be16(input, at)? != 0;
        at += 2;
        let (base_at, base) = (at, number(input, at, base_size)?);
        at += base_size;
        let extents = usize::from(be16(input, at)?);
        at += 2;
        let first = at;
        at += extents * (index_size + offset_size + length_size);
        total += extents + 1;
        if at > frame.end || total > 2 * MOST {
            return None;
        }
        if !stay.contains(&item) {
            changes.cut(start..at);
            continue;
        }
        // Which place counts is for the decoder to say.
        if !seen.insert(item) {
            return None;
        }
        left += 1;
        let mut pieces = Vec::new();
        let block = exif.filter(|(exif, _)| *exif == item).map(|(_, block)| block);
        if elsewhere || method > 1 || (offset_size == 0 || block.is_some()) && extents != 1 {
            return None;
        }
        for extent in 0..extents {
            let offset_at = first + extent * (index_size + offset_size + length_size) + index_size;
            let length_at = offset_at + offset_size;
            let offset = base.checked_add(number(input, offset_at, offset_size)?)?;
            let target = usize::try_from(offset).ok()?;
            let len = usize::try_from(number(input, length_at, length_size)?).ok()?;
            let end = target.checked_add(len).filter(|_| len > 0)?;
            if method == 1 {
                // Of EXIF that has to become another, nobody writes it there.
                if block.is_some() {
                    return None;
                }
                let data = data?;
                let piece = data.body.checked_add(target)?..data.body.checked_add(end)?;
                if piece.end > data.end {
                    return None;
                }
                found.inner.push(piece.clone());
                pieces.push(piece);
                continue;
            }
            pieces.push(target..end);
            if let Some(block) = block
                && input.get(target..end)? != block.as_slice()
            {
                // It must not share its bytes.
                if live.ranges.iter().any(|range| range.start < end && target < range.end) {
                    return None;
                }
                changes.write_number(length_at, length_size, block.len() as u64)?;
                changes.replace(target..end, block.clone());
            }
            live.add(target, len)?;
            match offset_size {
                0 => {
                    changes.place(OffsetField { at: base_at, size: base_size, target, base: 0..0 })
                }
                _ => {
                    let base = base_at..base_at + base_size;
                    changes.place(OffsetField { at: offset_at, size: offset_size, target, base });
                }
            }
        }
        found.pieces.push((item, pieces));
    }
    if at != frame.end {
        return None;
    }
    changes.write_number(count_at, id_size, left)?;
    changes.frame(frame);
    Some(found)
}

/// Clears what of `idat` nothing points to.
fn clear_gaps(changes: &mut Changes, data: IsoBox, mut ranges: Vec<Range<usize>>) {
    ranges.sort_by_key(|range| range.start);
    let mut at = data.body;
    for range in ranges {
        if range.start > at {
            changes.clear(at..range.start);
        }
        at = at.max(range.end);
    }
    if data.end > at {
        changes.clear(at..data.end);
    }
}
