//! What partners used of each day, kept for bills.
//!
//! The days that are not over are in the state file, which is written often; those that are over go to
//! a file of their own, which is written once a day. Little-endian, without padding:
//!
//! | bytes | |
//! | --- | --- |
//! | 8 | `IGDAYS`, 0, the version: 1 |
//! | 8 | the first bytes of the checksum of the state file that days were taken from last |
//! | 4 | the day before which they were |
//! | 4 | how many partners follow |
//! | 16 | of each, in order: the first bytes of the SHA-256 of its ID (8), where its block begins (4) and how long it is (4) |
//! | 32 | SHA-256 of everything before |
//! | | the blocks: length of the ID (1), the ID, and of each day how many days it is after the one before, requests, bytes, as LEB128; the first bytes of the SHA-256 of that (8) |
//!
//! So what one partner used is found by the index and a block.

use std::collections::BTreeMap;
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::date::{DAY, Date};
use super::table::{MAX_ID, is_id};
use super::window::{Period, Resource, WindowCount};

const MAGIC: [u8; 8] = *b"IGDAYS\0\x01";
const HEADER: usize = 24;
const ENTRY: usize = 16;
const CHECKSUM: usize = 32;
/// Of a block.
const SHORT_CHECKSUM: usize = 8;
/// How many months before the current one are kept.
const MONTHS: u64 = 13;

/// What the name of that file has behind that of the state file.
pub const SUFFIX: &str = ".days";

/// A day, in days since 1970, UTC, and what was used of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayUse {
    /// Its number.
    pub day: u32,
    /// Requests that were let in.
    pub requests: u64,
    /// Bytes sent in answer to them.
    pub bytes: u64,
}

impl DayUse {
    /// When it began, in seconds since 1970.
    #[must_use]
    pub fn start(&self) -> u64 {
        u64::from(self.day) * DAY
    }

    fn of(&mut self, what: Resource) -> &mut u64 {
        match what {
            Resource::Requests => &mut self.requests,
            Resource::Bytes => &mut self.bytes,
        }
    }
}

/// The day of a time in seconds since 1970.
#[must_use]
pub fn day_of(time: u64) -> u32 {
    u32::try_from(time / DAY).unwrap_or(u32::MAX)
}

/// The first day that is still kept at that time: that of the month thirteen months ago.
#[must_use]
pub fn first_kept(time: u64) -> u32 {
    let Date { year, month, .. } = Date::of(time);
    let months = (year * 12 + month - 1).saturating_sub(MONTHS);
    let first = Date { year: months / 12, month: months % 12 + 1, day: 1 };
    first.start().map_or(0, day_of)
}

/// The days of a month, `2026-11`.
#[must_use]
pub fn days_of_month(text: &str) -> Option<Range<u32>> {
    let (start, _) = Date::parse(format!("{text}-01").as_bytes())?;
    Some(day_of(start)..day_of(Period::Month.end(start)?))
}

/// Adds what was used of a day to a list in order.
pub fn add(days: &mut Vec<DayUse>, used: DayUse) {
    if used.requests == 0 && used.bytes == 0 {
        return;
    }
    match days.binary_search_by_key(&used.day, |known| known.day) {
        Ok(at) => {
            if let Some(known) = days.get_mut(at) {
                known.requests = known.requests.saturating_add(used.requests);
                known.bytes = known.bytes.saturating_add(used.bytes);
            }
        }
        Err(at) => days.insert(at, used),
    }
}

/// Adds what a count grew by since it was looked at last, when its window of a day was `before`. What
/// of that lies in the window that it has now is of that day, the rest of the one before.
pub fn add_growth(
    days: &mut Vec<DayUse>,
    what: Resource,
    before: WindowCount,
    now: WindowCount,
    growth: u64,
) {
    let [was, is] = [before, now].map(|word| u32::try_from(word.number(Period::Day)).unwrap_or(0));
    let used = if was == is { growth } else { growth.min(now.used(Period::Day)) };
    // Of one that was never looked at, the window before is the day before.
    let was = if was == 0 { is.saturating_sub(1) } else { was };
    for (day, amount) in [(was, growth - used), (is, used)] {
        let mut part = DayUse { day, ..DayUse::default() };
        *part.of(what) = amount;
        add(days, part);
    }
}

/// Sums of days.
#[must_use]
pub fn sum<'a>(days: impl IntoIterator<Item = &'a DayUse>) -> (u64, u64) {
    days.into_iter().fold((0u64, 0u64), |(requests, bytes), day| {
        (requests.saturating_add(day.requests), bytes.saturating_add(day.bytes))
    })
}

/// Why a file holds no days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DaysError {
    /// It begins otherwise.
    #[error("not a file of days")]
    NotDays,
    /// Another version wrote it.
    #[error("unknown version {0}")]
    Version(u8),
    /// It is cut off, or bytes changed.
    #[error("damaged")]
    Damaged,
}

/// The beginning of the file: where what is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DaysIndex {
    /// What was taken over last.
    pub taken: Taken,
    entries: Vec<Entry>,
}

/// The state file that days were taken from last: so that what is in both counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// The first bytes of its checksum.
    pub state: u64,
    /// Days before this one were.
    pub before: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    name: u64,
    start: u32,
    len: u32,
}

impl Entry {
    fn range(self) -> Range<u64> {
        let start = u64::from(self.start);
        start..start + u64::from(self.len)
    }
}

impl DaysIndex {
    /// How many bytes of a file have to be read for [`parse`](DaysIndex::parse), by its first 24.
    ///
    /// # Errors
    /// It is no such file.
    pub fn len(header: &[u8]) -> Result<u64, DaysError> {
        match header.first_chunk::<8>() {
            Some(&MAGIC) => (),
            Some([b'I', b'G', b'D', b'A', b'Y', b'S', 0, version]) => {
                return Err(DaysError::Version(*version));
            }
            _ => return Err(DaysError::NotDays),
        }
        let count = header.get(20..HEADER).and_then(|bytes| bytes.first_chunk::<4>());
        let count = u64::from(u32::from_le_bytes(*count.ok_or(DaysError::Damaged)?));
        Ok((HEADER + CHECKSUM) as u64 + count * ENTRY as u64)
    }

    /// The length of what [`len`](DaysIndex::len) wants.
    pub const HEADER: usize = HEADER;

    /// Reads the beginning of a file.
    ///
    /// # Errors
    /// It is no such file.
    pub fn parse(file: &[u8]) -> Result<DaysIndex, DaysError> {
        let len = usize::try_from(DaysIndex::len(file)?).map_err(|_| DaysError::Damaged)?;
        let index = file.get(..len).ok_or(DaysError::Damaged)?;
        let (body, checksum) = index.split_at(len - CHECKSUM);
        if Sha256::digest(body).as_slice() != checksum {
            return Err(DaysError::Damaged);
        }
        DaysIndex::read(body).ok_or(DaysError::Damaged)
    }

    fn read(body: &[u8]) -> Option<DaysIndex> {
        let mut rest = body.get(MAGIC.len()..)?;
        let taken = Taken {
            state: u64::from_le_bytes(take(&mut rest)?),
            before: u32::from_le_bytes(take(&mut rest)?),
        };
        let _count: [u8; 4] = take(&mut rest)?;
        let mut entries = Vec::new();
        while !rest.is_empty() {
            let name = u64::from_le_bytes(take(&mut rest)?);
            let start = u32::from_le_bytes(take(&mut rest)?);
            entries.push(Entry { name, start, len: u32::from_le_bytes(take(&mut rest)?) });
        }
        entries.is_sorted_by_key(|entry| entry.name).then_some(DaysIndex { taken, entries })
    }

    /// Where the block of a partner may be in the file: two may have the same first bytes.
    pub fn find(&self, id: &str) -> impl Iterator<Item = Range<u64>> + '_ {
        let name = short_digest(id.as_bytes());
        let start = self.entries.partition_point(|entry| entry.name < name);
        let rest = self.entries.get(start..).unwrap_or_default();
        rest.iter().take_while(move |entry| entry.name == name).map(|entry| entry.range())
    }
}

/// Reads the block of a partner.
///
/// # Errors
/// It is damaged.
pub fn parse_block(block: &[u8]) -> Result<(&str, Vec<DayUse>), DaysError> {
    read_block(block).ok_or(DaysError::Damaged)
}

fn read_block(block: &[u8]) -> Option<(&str, Vec<DayUse>)> {
    let (body, checksum) = block.split_at_checked(block.len().checked_sub(SHORT_CHECKSUM)?)?;
    if short_digest(body).to_le_bytes() != checksum {
        return None;
    }
    let (&len, rest) = body.split_first()?;
    let (id, mut rest) = rest.split_at_checked(usize::from(len))?;
    let id = std::str::from_utf8(id).ok().filter(|id| is_id(id.as_bytes()))?;
    let (mut days, mut day) = (Vec::new(), 0u32);
    while !rest.is_empty() {
        day = day.checked_add(u32::try_from(take_number(&mut rest)?).ok()?)?;
        let requests = take_number(&mut rest)?;
        days.push(DayUse { day, requests, bytes: take_number(&mut rest)? });
    }
    days.is_sorted_by(|one, other| one.day < other.day).then_some((id, days))
}

/// A whole file.
pub struct DaysFile<'a> {
    /// Its beginning.
    pub index: DaysIndex,
    file: &'a [u8],
}

impl<'a> DaysFile<'a> {
    /// Reads a file; an empty one holds nothing.
    ///
    /// # Errors
    /// It is no such file.
    pub fn parse(file: &'a [u8]) -> Result<DaysFile<'a>, DaysError> {
        let index = if file.is_empty() { DaysIndex::default() } else { DaysIndex::parse(file)? };
        Ok(DaysFile { index, file })
    }

    /// The partners, and what they used.
    pub fn partners(&self) -> impl Iterator<Item = Result<(&'a str, Vec<DayUse>), DaysError>> {
        self.index.entries.iter().map(|entry| {
            let range = entry.range();
            let (start, end) = (usize::try_from(range.start), usize::try_from(range.end));
            let block = match (start, end) {
                (Ok(start), Ok(end)) => self.file.get(start..end),
                _ => None,
            };
            parse_block(block.ok_or(DaysError::Damaged)?)
        })
    }

    /// The file with more days of partners, and without those before `first`.
    ///
    /// # Errors
    /// It is damaged, or would be too large.
    pub fn with(
        &self,
        taken: Taken,
        first: u32,
        more: impl IntoIterator<Item = (String, Vec<DayUse>)>,
    ) -> Result<Vec<u8>, DaysError> {
        // In the order of the index. Blocks are read one at a time.
        let name = |id: &str| short_digest(id.as_bytes());
        let mut more: BTreeMap<(u64, String), Vec<DayUse>> =
            more.into_iter().map(|(id, days)| ((name(&id), id), days)).collect();
        let (mut entries, mut blocks) = (Vec::new(), Vec::new());
        let mut push = |id: &str, days: &[DayUse]| {
            let start = blocks.len();
            if write_block(&mut blocks, id, days.iter().filter(|day| day.day >= first)) {
                entries.push((name(id), start..blocks.len()));
            }
        };
        for known in self.partners() {
            let (id, mut days) = known?;
            if let Some(new) = more.remove(&(name(id), id.to_owned())) {
                new.into_iter().for_each(|used| add(&mut days, used));
            }
            push(id, &days);
        }
        for ((_, id), days) in &more {
            push(id, days);
        }
        entries.sort_by_key(|(name, _)| *name);

        let damaged = |_| DaysError::Damaged;
        let offset = HEADER + entries.len() * ENTRY + CHECKSUM;
        let mut file = MAGIC.to_vec();
        file.reserve(offset + blocks.len());
        file.extend(taken.state.to_le_bytes());
        file.extend(taken.before.to_le_bytes());
        file.extend(u32::try_from(entries.len()).map_err(damaged)?.to_le_bytes());
        for (name, range) in entries {
            file.extend(name.to_le_bytes());
            file.extend(u32::try_from(offset + range.start).map_err(damaged)?.to_le_bytes());
            file.extend(u32::try_from(range.len()).map_err(damaged)?.to_le_bytes());
        }
        let checksum = Sha256::digest(&file);
        file.extend(checksum);
        file.extend(blocks);
        Ok(file)
    }
}

/// Returns whether there were days to be written.
fn write_block<'a>(out: &mut Vec<u8>, id: &str, days: impl Iterator<Item = &'a DayUse>) -> bool {
    let start = out.len();
    let Ok(len) = u8::try_from(id.len().min(MAX_ID)) else { return false };
    out.push(len);
    out.extend(id.bytes().take(usize::from(len)));
    let (empty, mut before) = (out.len(), 0);
    for day in days {
        write_number(out, u64::from(day.day - before));
        write_number(out, day.requests);
        write_number(out, day.bytes);
        before = day.day;
    }
    if out.len() == empty {
        out.truncate(start);
        return false;
    }
    let checksum = short_digest(out.get(start..).unwrap_or_default());
    out.extend(checksum.to_le_bytes());
    true
}

/// The first bytes of a SHA-256.
#[must_use]
pub fn short_digest(bytes: &[u8]) -> u64 {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    digest.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*taken)
}

/// A number in LEB128, its lowest seven bits first.
fn write_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        // The lowest seven bits.
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return (number >> shift == bits).then_some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TODAY: u32 = 20_788; // 2026-12-01
    const TIME: u64 = TODAY as u64 * DAY;

    fn used(day: u32, requests: u64, bytes: u64) -> DayUse {
        DayUse { day, requests, bytes }
    }

    fn read(file: &[u8]) -> Vec<(String, Vec<DayUse>)> {
        let mut all: Vec<_> = DaysFile::parse(file)
            .unwrap()
            .partners()
            .map(|known| known.map(|(id, days)| (id.to_owned(), days)).unwrap())
            .collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    fn with(file: &[u8], first: u32, more: &[(&str, Vec<DayUse>)]) -> Vec<u8> {
        let more = more.iter().map(|(id, days)| ((*id).to_owned(), days.clone()));
        let taken = Taken { state: 7, before: TODAY };
        DaysFile::parse(file).unwrap().with(taken, first, more).unwrap()
    }

    #[test]
    fn days_add_up_and_old_ones_go() {
        let one = with(
            b"",
            0,
            &[("b", vec![used(5, 1, 10)]), ("a", vec![used(4, 2, 0), used(5, 3, 1 << 40)])],
        );
        let two =
            with(&one, 5, &[("b", vec![used(5, 1, 1), used(6, 2, 2)]), ("c", vec![used(3, 1, 1)])]);
        assert_eq!(
            read(&two),
            [
                ("a".to_owned(), vec![used(5, 3, 1 << 40)]),
                ("b".to_owned(), vec![used(5, 2, 11), used(6, 2, 2)])
            ]
        );
        assert_eq!(DaysIndex::parse(&two).unwrap().taken, Taken { state: 7, before: TODAY });
        assert_eq!(read(&with(&two, 9, &[])), []);
    }

    #[test]
    fn one_partner_is_found_without_the_others() {
        let days: Vec<_> = (0..300).map(|at| (format!("p-{at}"), vec![used(at, 1, 2)])).collect();
        let file = DaysFile::parse(b"").unwrap().with(Taken::default(), 0, days).unwrap();
        let len = DaysIndex::len(&file[..DaysIndex::HEADER]).unwrap();
        let index = DaysIndex::parse(&file[..usize::try_from(len).unwrap()]).unwrap();
        for at in [0, 150, 299] {
            let id = format!("p-{at}");
            let ranges: Vec<_> = index.find(&id).collect();
            let [range] = &ranges[..] else { panic!("{ranges:?}") };
            let block =
                &file[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            assert_eq!(parse_block(block), Ok((&*id, vec![used(at, 1, 2)])));
        }
        assert_eq!(index.find("nobody").count(), 0);
    }

    #[test]
    fn what_was_changed_is_not_read() {
        let file =
            with(b"", 0, &[("acme", vec![used(5, 300, 1 << 33)]), ("b", vec![used(6, 1, 1)])]);
        let is_whole = |file: &[u8]| {
            DaysFile::parse(file).is_ok_and(|days| days.partners().all(|known| known.is_ok()))
        };
        assert!(is_whole(&file));
        for len in 1..file.len() {
            assert!(!is_whole(&file[..len]), "{len}");
        }
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(!is_whole(&changed), "{at}");
        }
        assert!(matches!(DaysFile::parse(b"IGDAYS\0\x02"), Err(DaysError::Version(2))));
        assert!(matches!(DaysFile::parse(b"IGKEYS\0\x03"), Err(DaysError::NotDays)));
    }

    #[test]
    fn what_a_count_grew_by_is_of_its_days() {
        let word = |day: u64, count| WindowCount::new(Period::Day, day * DAY, count);
        let growth = |before, now, growth| {
            let mut days = Vec::new();
            add_growth(&mut days, Resource::Requests, before, now, growth);
            days.iter().map(|day| (day.day, day.requests)).collect::<Vec<_>>()
        };
        let never = WindowCount::default();
        assert_eq!(growth(never, word(9, 5), 5), [(9, 5)]);
        // From the other side of midnight, of a partner that is new.
        assert_eq!(growth(never, word(9, 2), 5), [(8, 3), (9, 2)]);
        assert_eq!(growth(word(9, 5), word(9, 7), 2), [(9, 2)]);
        assert_eq!(growth(word(9, 5), word(10, 3), 7), [(9, 4), (10, 3)]);
        assert_eq!(growth(word(7, 5), word(10, 3), 3), [(10, 3)]);
        // What another instance counted is in the window, too, but not in the growth.
        assert_eq!(growth(word(9, 5), word(10, 30), 7), [(10, 7)]);
        // A clock that was set back loses nothing.
        assert_eq!(growth(word(9, 5), word(8, 1), 2), [(8, 1), (9, 1)]);
        assert_eq!(growth(word(9, 5), word(9, 5), 0), []);
    }

    #[test]
    fn thirteen_months_are_kept() {
        let day = |text: &str| day_of(Date::parse(text.as_bytes()).unwrap().0);
        assert_eq!(first_kept(TIME), day("2025-11-01"));
        assert_eq!(first_kept(TIME - 1), day("2025-10-01"));
        assert_eq!(first_kept(0), 0);
        assert_eq!(days_of_month("2026-11"), Some(day("2026-11-01")..day("2026-12-01")));
        assert_eq!(days_of_month("2026-12").map(|days| days.len()), Some(31));
        for wrong in ["", "2026", "2026-13", "2026-11-01", "11-2026", "2026-1"] {
            assert_eq!(days_of_month(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back(number in any::<u64>(), shift in 0u32..64) {
            let mut out = Vec::new();
            write_number(&mut out, number >> shift);
            let mut rest = &out[..];
            prop_assert_eq!(take_number(&mut rest), Some(number >> shift));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn no_bytes_panic(mut file in proptest::collection::vec(any::<u8>(), 24..200), count in 0u8..4) {
            file[..8].copy_from_slice(&MAGIC);
            file[20..24].copy_from_slice(&[count, 0, 0, 0]);
            let end = (HEADER + usize::from(count) * ENTRY).min(file.len());
            let checksum = Sha256::digest(&file[..end]);
            file.splice(end..end, checksum);
            if let Ok(days) = DaysFile::parse(&file) {
                days.partners().for_each(drop);
            }
            let mut block = file[8..].to_vec();
            block.extend(short_digest(&file[8..]).to_le_bytes());
            let _ = parse_block(&block);
        }
    }
}
