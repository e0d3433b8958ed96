//! Keys in texts that are about to be written down: request lines, URIs, headers, lines of logs.
//!
//! What a key is can't be told by its looks. It is one where an argument of a certain name has it
//! as its value, whatever else is around, and any piece of a text between delimiters that somebody
//! holds as a key.

use std::borrow::Cow;
use std::ops::Range;

use smallvec::SmallVec;

use super::source::MASK;
use crate::escapes::{hex_pair, percent_decode_lossy};

/// The shortest piece of a text that may be somebody's key, where nothing else says so.
pub const SHORTEST: usize = 5;

/// Bytes of a key that are compared one number of them after the other.
const LONG: usize = 256;

/// Texts in which a key is looked for byte by byte.
const SHORT: usize = 256;

/// What the texts of one request may cost, in steps of about a nanosecond: whoever asks may write what takes long to be
/// told from a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    left: usize,
    /// What is left of what all texts have of their own, and of that of the last one.
    left_own: usize,
    own: usize,
    is_short: bool,
}

/// It would take more steps than are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedUp;

impl Effort {
    const ALL: usize = 3 << 18;
    /// Steps of each text besides, so that short ones are looked at whatever came before.
    const OWN: usize = 1 << 14;
    /// As many texts have those: whoever asks chooses how many headers there are.
    const ALL_OWN: usize = 32 * Effort::OWN;

    /// That of a request.
    #[must_use]
    pub fn of_request() -> Effort {
        Effort { left: Effort::ALL, left_own: Effort::ALL_OWN, own: 0, is_short: false }
    }

    /// Begins with another text.
    fn begin(&mut self) {
        self.left_own += self.own;
        self.own = Effort::OWN.min(self.left_own);
        self.left_own -= self.own;
        self.is_short = false;
    }

    /// Takes so many of the steps.
    ///
    /// # Errors
    /// There are not so many; none are taken.
    pub fn take(&mut self, steps: usize) -> Result<(), UsedUp> {
        let Some(left) = self.left.checked_sub(steps.saturating_sub(self.own)) else {
            self.is_short = true;
            return Err(UsedUp);
        };
        self.left = left;
        self.own = self.own.saturating_sub(steps);
        Ok(())
    }

    /// Whether all of the last text was looked at: of one that was not, more is masked than are keys.
    #[must_use]
    pub fn was_enough(&self) -> bool {
        !self.is_short
    }
}

/// Steps for each byte of a text that is taken apart, and for undoing escapes, in all and for each byte.
const APART: usize = 2;
const UNDOING: usize = 32;
const UNDONE: usize = 4;

/// What is known of keys in a text.
#[derive(Clone, Copy)]
pub struct KnownKeys<'a> {
    /// The names of arguments that hold keys.
    pub names: &'a [&'a [u8]],
    /// Keys that are masked wherever they stand, escaped or not.
    pub keys: &'a [&'a [u8]],
    /// Whether the text begins inside of a query.
    pub in_query: bool,
}

/// Where keys stand in a text, from left to right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundKeys(SmallVec<[Range<usize>; 2]>);

impl FoundKeys {
    /// All of a text.
    fn all(text: &[u8]) -> FoundKeys {
        FoundKeys(std::iter::once(0..text.len()).collect())
    }

    /// Adds those of a part that begins there, which is behind all others.
    pub fn append(&mut self, at: usize, part: &FoundKeys) {
        self.0.extend(part.0.iter().map(|range| at + range.start..at + range.end));
    }

    /// Whether there is none, or none that is not masked already.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys themselves, of the text that they were found in.
    pub fn pieces<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = &'t [u8]> {
        self.0.iter().filter_map(|range| text.get(range.clone()))
    }

    /// Those in a part of the text, as places in that part.
    #[must_use]
    pub fn within(&self, part: &Range<usize>) -> FoundKeys {
        let inside = |range: &Range<usize>| {
            let (start, end) = (range.start.max(part.start), range.end.min(part.end));
            (start < end).then(|| start - part.start..end - part.start)
        };
        FoundKeys(self.0.iter().filter_map(inside).collect())
    }

    /// The text with all of them masked; `None` where there is none.
    #[must_use]
    pub fn masked(&self, text: &[u8]) -> Option<Vec<u8>> {
        if self.is_empty() {
            return None;
        }
        let mut masked = Vec::with_capacity(text.len());
        let mut done = 0;
        for range in &self.0 {
            masked.extend_from_slice(text.get(done..range.start).unwrap_or_default());
            masked.extend_from_slice(MASK);
            done = range.end;
        }
        masked.extend_from_slice(text.get(done..).unwrap_or_default());
        Some(masked)
    }

    /// Adds one behind all others, unless it is masked already.
    fn push(&mut self, text: &[u8], range: Range<usize>) {
        if text.get(range.clone()) != Some(MASK) {
            self.0.push(range);
        }
    }

    /// Adds those of keys that stand anywhere, escaped or not.
    fn add_keys(&mut self, text: &[u8], keys: &[&[u8]], effort: &mut Effort) -> Result<(), UsedUp> {
        if keys.is_empty() {
            return Ok(());
        }
        let has_escape = memchr::memchr(b'%', text).is_some();
        effort.take(if has_escape { UNDONE * text.len() } else { 0 })?;
        let meant = has_escape.then(|| Meant::of(text));
        let before = self.0.len();
        for key in keys.iter().filter(|key| key.len() <= text.len()) {
            effort.take(key.len() + text.len())?;
            each_place(text, key, |at| self.0.push(at..at + key.len()));
            if let Some(meant) = &meant {
                effort.take(meant.bytes.len())?;
                each_place(&meant.bytes, key, |at| self.0.extend(meant.place(at..at + key.len())));
            }
        }
        if self.0.len() > before {
            self.merge();
        }
        Ok(())
    }

    /// Adds what may be the beginning of a key where a text was cut off, which nobody can tell from one that is not: the
    /// segment of a path, the argument, or the word that it stands in, and as much before that as one of `keys` begins with.
    /// Returns where that is.
    pub fn add_cut<'k>(
        &mut self,
        text: &[u8],
        cut: usize,
        keys: impl IntoIterator<Item = &'k [u8]>,
    ) -> Range<usize> {
        let Some(text) = text.get(..cut) else { return cut..cut };
        let mut start = last_piece(text);
        for key in keys {
            // Of a long one it is enough that so much of it stands somewhere.
            let (part, is_long) = key.get(..LONG).map_or((key, false), |part| (part, true));
            let whole = if is_long { memchr::memmem::find(text, part) } else { None };
            let begins = |&len: &usize| part.get(..len).is_some_and(|part| text.ends_with(part));
            let len = (1..part.len().min(cut + 1)).rev().find(begins).unwrap_or(0);
            start = start.min(whole.unwrap_or(cut)).min(cut - len);
        }
        if start < cut {
            self.push(text, start..cut);
            self.merge();
        }
        start..cut
    }

    /// Has them in their order, and none within another.
    fn merge(&mut self) {
        self.0.sort_unstable_by_key(|range| range.start);
        self.0.dedup_by(|next, range| {
            let overlaps = next.start < range.end;
            if overlaps {
                range.end = range.end.max(next.end);
            }
            overlaps
        });
    }
}

/// Where the last piece begins of a text that goes on.
fn last_piece(text: &[u8]) -> usize {
    let behind = |text: &[u8], is_edge: fn(&u8) -> bool| {
        text.iter().rposition(is_edge).map_or(0, |at| at + 1)
    };
    let word = behind(text, |&byte| byte <= b' ' || byte == b'"');
    let rest = text.get(word..).unwrap_or_default();
    if let Some(query) = memchr::memchr(b'?', rest) {
        let arguments = word + query + 1;
        return arguments + behind(text.get(arguments..).unwrap_or_default(), |&byte| byte == b'&');
    }
    // What is no path may have a slash in a key.
    let is_path = rest.starts_with(b"/") || memchr::memmem::find(rest, b"://").is_some();
    if is_path { word + behind(rest, |&byte| byte == b'/') } else { word }
}

/// Whether a part of a text is made of whole pieces of it: what is half of one may be another.
#[must_use]
pub fn is_of_pieces(text: &[u8], part: &Range<usize>) -> bool {
    let is_edge = |at: Option<usize>| {
        let byte = at.and_then(|at| text.get(at));
        byte.is_none_or(|&byte| !is_of_piece(byte))
    };
    is_edge(part.start.checked_sub(1)) && is_edge(Some(part.end))
}

/// Finds all keys in a text. `is_key` says of a piece of it whether that is one. What there are no steps left for may be
/// one: such a piece is masked, or the text as a whole.
pub fn find(
    text: &[u8],
    known: &KnownKeys<'_>,
    effort: &mut Effort,
    is_key: impl FnMut(&[u8], &mut Effort) -> Result<bool, UsedUp>,
) -> FoundKeys {
    effort.begin();
    find_all(text, known, Judge { effort, is_key }).unwrap_or_else(|UsedUp| FoundKeys::all(text))
}

fn find_all(
    text: &[u8],
    known: &KnownKeys<'_>,
    mut judge: Judge<'_, impl FnMut(&[u8], &mut Effort) -> Result<bool, UsedUp>>,
) -> Result<FoundKeys, UsedUp> {
    judge.effort.take(APART * text.len())?;
    let mut found = find_pieces(text, known, &mut judge)?;
    found.add_keys(text, known.keys, judge.effort)?;
    Ok(found)
}

/// What says of pieces whether they may be keys.
struct Judge<'a, F> {
    effort: &'a mut Effort,
    is_key: F,
}

impl<F: FnMut(&[u8], &mut Effort) -> Result<bool, UsedUp>> Judge<'_, F> {
    fn test(&mut self, piece: &[u8]) -> bool {
        !piece.is_empty() && (self.is_key)(piece, self.effort) != Ok(false)
    }

    /// Whether a piece is a key, or one stands in it between marks, some of which may be its own.
    fn is_or_holds(&mut self, piece: &[u8], has_mark: bool) -> bool {
        if self.test(piece) {
            return true;
        }
        if !has_mark || !piece.iter().any(|&byte| is_mark(byte)) {
            return false;
        }
        let inner = without_marks_around(piece);
        // A file of that name.
        let stem = inner.iter().rposition(|&byte| byte == b'.').and_then(|at| inner.get(..at));
        inner.len() < piece.len() && self.test_part(inner)
            || stem.is_some_and(|stem| self.test_part(stem))
            || self.holds_between(piece, is_mark)
            || self.holds_between(piece, |byte| byte >= 0x7f)
            || self.holds_between(piece, |byte| byte == b'%')
            || self.holds_between(piece, |byte| is_mark(byte) && byte < 0x7f && byte != b'%')
    }

    /// Whether a key stands between bytes of a kind.
    fn holds_between(&mut self, piece: &[u8], is_edge: impl Fn(u8) -> bool) -> bool {
        piece.iter().any(|&byte| is_edge(byte))
            && piece.split(|&byte| is_edge(byte)).any(|part| self.test_part(part))
    }

    fn test_part(&mut self, part: &[u8]) -> bool {
        part.len() >= SHORTEST && self.test(part)
    }

    /// Whether a piece is a key once its escapes are undone.
    fn means(&mut self, piece: &[u8]) -> bool {
        if memchr::memchr(b'%', piece).is_none() {
            return self.test(piece);
        }
        self.effort.take(UNDOING + UNDONE * piece.len()).is_err()
            || self.test(&percent_decode_lossy(piece))
    }

    /// Whether a piece is escaped, and a key or something around one when that is undone.
    fn hides(&mut self, piece: &[u8]) -> bool {
        let mut meant = Cow::Borrowed(piece);
        for _ in 0..MOST_ESCAPES {
            if self.effort.take(UNDOING + UNDONE * meant.len()).is_err() {
                return true;
            }
            let decoded = percent_decode_lossy(&meant);
            if decoded.len() == meant.len() {
                return false;
            }
            let is_end = |&byte: &u8| is_joint(byte) || is_break(byte);
            if self.is_or_holds(&decoded, true)
                || decoded.split(is_end).any(|part| self.is_or_holds(part, true))
            {
                return true;
            }
            meant = Cow::Owned(decoded.into_owned());
        }
        // Nobody writes so but to hide something.
        memchr::memchr(b'%', &meant).is_some()
    }
}

/// What a byte is in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a piece.
    Plain,
    /// What parts the arguments of a query, a line of a log, or what stands around a URI.
    Break,
    /// What may stand beside a key besides.
    Joint,
    /// The same, though a key may hold it.
    Mark,
    Equals,
    /// A mark where the text is read as it is, whatever it begins.
    Percent,
}

/// The class of each byte: most of a text is looked at for no more than that.
static CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Plain; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'?' | b'&' | b';' | b'#' | b'"' | b'\'' | b'<' | b'>' | 0..=b' ' => Class::Break,
            b'/' | b',' | b':' | b'@' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'|' | b'\\' => {
                Class::Joint
            }
            b'.' | b'+' | b'~' | b'!' | b'$' | b'*' | b'^' | b'`' | 0x7f.. => Class::Mark,
            b'=' => Class::Equals,
            b'%' => Class::Percent,
            _ => Class::Plain,
        };
        byte += 1;
    }
    classes
}

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

fn is_break(byte: u8) -> bool {
    class(byte) == Class::Break
}

fn is_joint(byte: u8) -> bool {
    matches!(class(byte), Class::Joint | Class::Equals)
}

fn is_mark(byte: u8) -> bool {
    matches!(class(byte), Class::Mark | Class::Percent)
}

fn without_marks_around(piece: &[u8]) -> &[u8] {
    let is_inner = |&byte: &u8| !is_mark(byte);
    let start = piece.iter().position(is_inner).unwrap_or(piece.len());
    let end = piece.iter().rposition(is_inner).map_or(start, |at| at + 1);
    piece.get(start..end).unwrap_or_default()
}

fn is_of_piece(byte: u8) -> bool {
    class(byte) == Class::Plain || is_mark(byte)
}

/// What stands between two breaks.
struct TextItem<'a> {
    text: &'a [u8],
    /// The first.
    equals: Option<usize>,
    has_joint: bool,
    /// Whether one stands behind the first `=`.
    value_has_joint: bool,
    has_mark: bool,
    has_percent: bool,
}

impl<'a> TextItem<'a> {
    /// The one that a text begins with, which may be empty. It is not looked at further than to the `=` behind one of those
    /// names.
    fn first_of(rest: &'a [u8], names: &[&[u8]]) -> TextItem<'a> {
        let mut item = TextItem {
            text: rest,
            equals: None,
            has_joint: false,
            value_has_joint: false,
            has_mark: false,
            has_percent: false,
        };
        for (at, &byte) in rest.iter().enumerate() {
            match class(byte) {
                Class::Plain => {}
                Class::Break => {
                    item.text = rest.get(..at).unwrap_or_default();
                    break;
                }
                Class::Joint => {
                    item.has_joint = true;
                    item.value_has_joint = item.equals.is_some();
                }
                Class::Equals => {
                    item.has_joint = true;
                    item.value_has_joint = item.equals.is_some();
                    if item.equals.is_none() {
                        item.equals = Some(at);
                        if item.value_of(names).is_some() {
                            break;
                        }
                    }
                }
                Class::Mark => item.has_mark = true,
                Class::Percent => (item.has_mark, item.has_percent) = (true, true),
            }
        }
        item
    }

    /// Where the value begins in `name=value`, if the name is one of those. Brackets behind it
    /// make no other name of it.
    fn value_of(&self, names: &[&[u8]]) -> Option<usize> {
        let equals = self.equals.filter(|_| !names.is_empty())?;
        let name = self.text.get(..equals)?;
        let name = if self.has_percent { percent_decode_lossy(name) } else { Cow::Borrowed(name) };
        let end = name.iter().position(|&byte| byte == b'[').unwrap_or(name.len());
        let name = name.get(..end)?;
        let start = name.iter().rposition(|&byte| is_joint(byte)).map_or(0, |at| at + 1);
        let name = name.get(start..)?;
        names.iter().any(|known| known.eq_ignore_ascii_case(name)).then_some(equals + 1)
    }
}

fn find_pieces(
    text: &[u8],
    known: &KnownKeys<'_>,
    judge: &mut Judge<'_, impl FnMut(&[u8], &mut Effort) -> Result<bool, UsedUp>>,
) -> Result<FoundKeys, UsedUp> {
    let mut found = FoundKeys::default();
    let (mut at, mut in_query) = (0, known.in_query);
    while at < text.len() {
        let item = TextItem::first_of(text.get(at..).unwrap_or_default(), known.names);
        if let Some(value) = item.value_of(known.names) {
            // What stands before the name, or in brackets behind it, is looked at like any other text.
            let before = item.text.get(..value.saturating_sub(1)).unwrap_or_default();
            let before = TextItem::first_of(before, &[]);
            if before.has_joint || before.has_percent {
                find_in_item(&mut found, text, at, &before, judge);
            }
            // In a query, only an ampersand ends a value.
            let value_at = at + value;
            let rest = text.get(value_at..).unwrap_or_default();
            let is_end = |&byte: &u8| match byte {
                b'/' => !in_query,
                b';' | b'?' => !in_query,
                byte => is_break(byte),
            };
            let len = rest.iter().position(is_end).unwrap_or(rest.len());
            if len > 0 {
                found.push(text, value_at..value_at + len);
            }
            at = value_at + len;
        } else {
            find_in_item(&mut found, text, at, &item, judge);
            at += item.text.len();
        }
        match text.get(at) {
            Some(b'?') => in_query = true,
            Some(b'#' | b'"' | b' ') => in_query = false,
            _ => (),
        }
        if text.get(at).is_some_and(|&byte| is_break(byte)) {
            at += 1;
        }
    }
    Ok(found)
}

/// Finds the keys in an item that stands there.
fn find_in_item(
    found: &mut FoundKeys,
    text: &[u8],
    at: usize,
    item: &TextItem<'_>,
    judge: &mut Judge<'_, impl FnMut(&[u8], &mut Effort) -> Result<bool, UsedUp>>,
) {
    let &TextItem { text: item, equals, has_joint, value_has_joint, has_mark, has_percent } = item;
    if !has_joint && !has_percent {
        if judge.is_or_holds(item, has_mark) {
            found.push(text, at..at + item.len());
        }
        return;
    }
    // What belongs to a key as a whole may look like several pieces.
    let value = equals.filter(|_| value_has_joint).map(|equals| equals + 1);
    for start in [has_joint.then_some(0), value].into_iter().flatten() {
        if judge.means(item.get(start..).unwrap_or_default()) {
            found.push(text, at + start..at + item.len());
            return;
        }
    }
    let mut start = 0;
    for piece in item.split(|&byte| is_joint(byte)) {
        let end = start + piece.len();
        // The padding of Base64 belongs to it.
        let tail = item.get(end..).filter(|_| !piece.is_empty()).unwrap_or_default();
        let padded = end + tail.iter().take_while(|&&byte| byte == b'=').count();
        if judge.is_or_holds(piece, has_mark) || has_percent && judge.hides(piece) {
            found.push(text, at + start..at + end);
        } else if padded > end {
            let piece = item.get(start..padded).unwrap_or_default();
            let marks = piece.iter().take_while(|&&byte| is_mark(byte)).count();
            if judge.means(piece)
                || marks > 0 && judge.test(piece.get(marks..).unwrap_or_default())
                || has_percent && judge.hides(piece)
            {
                found.push(text, at + start..at + padded);
            }
        }
        start = end + 1;
    }
}

/// How many times what is escaped may be escaped again: a URL in a URL in a URL.
const MOST_ESCAPES: usize = 4;

/// All places of a key in a text.
fn each_place(text: &[u8], key: &[u8], mut place: impl FnMut(usize)) {
    let Some(&first) = key.first() else { return };
    // A finder is made in the time that a short text takes, and takes no more for a long one.
    if text.len() > SHORT {
        memchr::memmem::find_iter(text, key).for_each(place);
        return;
    }
    let mut at = 0;
    while let Some(skipped) = text.get(at..).and_then(|rest| memchr::memchr(first, rest)) {
        at += skipped;
        if text.get(at..).is_some_and(|rest| rest.starts_with(key)) {
            place(at);
            at += key.len();
        } else {
            at += 1;
        }
    }
}

/// Each byte of what a text with escapes means, and where it stands.
struct Meant {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Meant {
    fn of(text: &[u8]) -> Meant {
        let mut meant = Meant {
            bytes: Vec::with_capacity(text.len()),
            places: Vec::with_capacity(text.len() + 1),
        };
        let mut rest = text;
        while let [byte, after @ ..] = rest {
            let escaped = match (byte, after) {
                (b'%', [high, low, after @ ..]) => hex_pair([*high, *low]).map(|one| (one, after)),
                _ => None,
            };
            meant.places.push(text.len() - rest.len());
            let (byte, after) = escaped.unwrap_or((*byte, after));
            meant.bytes.push(byte);
            rest = after;
        }
        meant.places.push(text.len());
        meant
    }

    /// Where a part of it stands.
    fn place(&self, part: Range<usize>) -> Option<Range<usize>> {
        Some(*self.places.get(part.start)?..*self.places.get(part.end)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &[u8] = b"GoodKey5f3b09c2";
    const NOTHING: KnownKeys<'_> = KnownKeys { names: &[], keys: &[], in_query: false };

    fn find(
        text: &[u8],
        known: &KnownKeys<'_>,
        mut is_key: impl FnMut(&[u8]) -> bool,
    ) -> FoundKeys {
        super::find(text, known, &mut Effort::of_request(), |piece, _| Ok(is_key(piece)))
    }

    fn masked(text: &str) -> String {
        let known = KnownKeys { names: &[b"key"], keys: &[], in_query: false };
        let keys: [&[u8]; 4] = [KEY, b"a/b=c==", b"short", b"q1"];
        let found = find(text.as_bytes(), &known, |piece| keys.contains(&piece));
        String::from_utf8(found.masked(text.as_bytes()).unwrap_or_else(|| text.into())).unwrap()
    }

    #[test]
    fn by_the_name_of_an_argument() {
        for (text, expected) in [
            ("GET /a?key=x&b=1 HTTP/1.1", "GET /a?key=***&b=1 HTTP/1.1"),
            ("/a?b=1&KEY=x/y?z;w&c", "/a?b=1&KEY=***&c"),
            ("/a?key[]=x&key%5B%5D=y&key[0]=z", "/a?key[]=***&key%5B%5D=***&key[0]=***"),
            ("/a;key=x/b?key=y#key=z", "/a;key=***/b?key=***#key=***"),
            ("/a;b;key=x;c=1?d", "/a;b;key=***;c=1?d"),
            ("/a/key=x/b", "/a/key=***/b"),
            ("/a?x=1;key=y", "/a?x=1;key=***"),
            (
                "request: \"GET /?key=x HTTP/1.0\", host: \"h\"",
                "request: \"GET /?key=*** HTTP/1.0\", host: \"h\"",
            ),
            ("/a?key=&monkey=x&key", "/a?key=&monkey=x&key"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn wherever_somebodys_key_stands() {
        let key = std::str::from_utf8(KEY).unwrap();
        for (text, expected) in [
            ("/o/KEY/pic.jpg", "/o/***/pic.jpg"),
            ("/o/KEY", "/o/***"),
            ("/o/KEY/../x", "/o/***/../x"),
            ("http://KEY@h/KEY#KEY", "http://***@h/***#***"),
            ("/o?other=KEY&x[KEY]=1", "/o?other=***&x[***]=1"),
            ("/o?url=http%3A%2F%2Fh%2FKEY%2Fx", "/o?url=***"),
            ("/o/%47oodKey5f3b09c2/x", "/o/***/x"),
            ("/o?k=a/b=c==&x", "/o?k=***&x"),
            ("Bearer KEY", "Bearer ***"),
            ("a=1; k=KEY,KEY", "a=1; k=***,***"),
            ("open() \"/data/KEY/x\" failed", "open() \"/data/***/x\" failed"),
            // ... before an argument that holds one.
            ("/o/KEY/key=x.jpg", "/o/***/key=***"),
            ("/o/KEY,key=", "/o/***,key="),
            ("/o/KEY,key", "/o/***,key"),
            ("/o?u=/KEY/key=1", "/o?u=/***/key=1"),
            ("bot/KEY/key=1 x", "bot/***/key=*** x"),
            ("/o?key[KEY]=1&b=KEY", "/o?key[***]=***&b=***"),
            ("/o?key%5BKEY%5D=1", "/o?***=***"),
            ("/o/a%2FKEY%2Fkey=1", "/o/***=***"),
            ("/o?u=a/b=c==/key=1", "/o?u=a/b=c==/key=1"),
            ("/o/xKEY", "/o/xKEY"),
            ("/o/~KEY/x", "/o/***/x"),
            ("/o/KEY.jpg", "/o/***"),
            ("/o/short/short.jpg HTTP/1.1", "/o/***/*** HTTP/1.1"),
            ("/o/q1/q1.jpg HTTP/1.1", "/o/***/q1.jpg HTTP/1.1"),
            ("/o?q=a+KEY&b", "/o?q=***&b"),
            ("KEY.example.com", "***"),
            ("/o/x!KEY*", "/o/***"),
            ("/o?url=http%253A%252F%252Fh%252FKEY%252Fx&b", "/o?url=***&b"),
            ("/o?url=%25252Fo%25253Fother%25253DKEY", "/o?url=***"),
            ("/o?url=a%252FKEY.x", "/o?url=***"),
            // Beside a percent sign that begins no escape, whatever that is read as.
            ("/o?a=KEY%", "/o?a=***"),
            ("/o?a=KEY%zz", "/o?a=***"),
            ("/o?a=KEY%u0041", "/o?a=***"),
            ("/o?a=%KEY", "/o?a=***"),
            ("/o?a=KEY%2", "/o?a=***"),
            ("/o/KEY%zz/x", "/o/***/x"),
            ("/o?u=http://h/o/KEY%/y", "/o?u=http://h/o/***/y"),
            ("/o?u=http%3A//h/KEY%25", "/o?u=http%3A//h/***"),
            ("/o?u=http://h/KEY%2525zz", "/o?u=http://h/***"),
            // ... or punctuation that is no ASCII, escaped or not.
            ("/o/%E2%80%9CKEY%E2%80%9D/x", "/o/***/x"),
            ("/o?a=KEY%C2%A0", "/o?a=***"),
            ("/o/KEY%EF%BC%8C/x", "/o/***/x"),
            ("/o/KEY%7F", "/o/***"),
            ("agent (“KEY”)", "agent (***)"),
            ("a KEY\u{a0}b KEY\u{7f}", "a *** ***"),
            ("/o/%25E2%2580%259CKEY%25E2%2580%259D", "/o/***"),
            ("/o?a=xKEY%", "/o?a=xKEY%"),
        ] {
            assert_eq!(masked(&text.replace("KEY", key)), expected.replace("KEY", key));
        }
    }

    #[test]
    fn what_was_presented_anywhere() {
        let known = KnownKeys { names: &[], keys: &[b"a b%c"], in_query: false };
        let masked = |text: &str| {
            let found = find(text.as_bytes(), &known, |_| false);
            found.masked(text.as_bytes()).map(|text| String::from_utf8(text).unwrap())
        };
        assert_eq!(masked("xa b%cy a%20b%25c a%20%62%25%63").unwrap(), "x***y *** ***");
        assert_eq!(masked("a+b%c"), None);
    }

    #[test]
    fn what_a_text_was_cut_in_may_be_a_key() {
        let keys: [&[u8]; 2] = [b"Good Key", b"a/b=c=="];
        let masked = |text: &str, rest: &str| {
            let mut found = find(text.as_bytes(), &NOTHING, |_| false);
            found.add_cut([text, rest].concat().as_bytes(), text.len(), keys);
            let masked = found.masked([text, rest].concat().as_bytes());
            masked.map_or_else(|| [text, rest].concat(), |text| String::from_utf8(text).unwrap())
        };
        for (text, expected) in [
            ("request: \"GET /open/x/GoodK", "request: \"GET /open/x/***"),
            ("request: \"GET /open/x/G", "request: \"GET /open/x/***"),
            ("request: \"GET /open/x/", "request: \"GET /open/x/"),
            ("\"GET /x/Good%2", "\"GET /x/***"),
            ("\"GET /x?b=1&key=Goo", "\"GET /x?b=1&***"),
            ("\"GET /x?a/b=c=", "\"GET /x?***"),
            ("\"GET /x?key=a;b/c?d", "\"GET /x?***"),
            ("upstream: \"http://h/x/Goo", "upstream: \"http://h/x/***"),
            ("header: \"X: a/b=c=", "header: \"X: ***"),
            ("header: \"X: Good Ke", "header: \"X: ***"),
            ("\"GET /x/Good", "\"GET /x/***"),
            ("GoodK", "***"),
            ("/x/***", "/x/***"),
        ] {
            assert_eq!(masked(text, ""), expected);
            assert_eq!(masked(text, "... (2: x)"), [expected, "... (2: x)"].concat());
        }
        // What was found there is not masked twice.
        let mut found = find(b"/x/GoodKey5f3b09c2", &NOTHING, |piece| piece == KEY);
        found.add_cut(b"/x/GoodKey5f3b09c2", 18, keys);
        assert_eq!(found.masked(b"/x/GoodKey5f3b09c2").unwrap(), b"/x/***");
        found.add_cut(b"/x/GoodKey5f3b09c2", 99, keys);
    }

    #[test]
    fn halves_of_pieces_are_looked_at_again() {
        let text = b"/open/xKEY?a=1";
        for (part, expected) in [(0..14, true), (6..10, true), (7..10, false), (6..9, false)] {
            assert_eq!(is_of_pieces(text, &part), expected, "{part:?}");
        }
    }

    #[test]
    fn a_key_in_a_long_text() {
        let text = format!("/{}x{}y", "a".repeat(300), "KEY");
        let known = KnownKeys { names: &[], keys: &[b"KEY"], in_query: false };
        let found = find(text.as_bytes(), &known, |_| false).masked(text.as_bytes()).unwrap();
        assert!(found.ends_with(b"ax***y"));
    }

    #[test]
    fn what_is_masked_already_stays_as_it_is() {
        let known = KnownKeys { names: &[b"key"], keys: &[], in_query: false };
        assert!(find(b"/a?key=***&b=1", &known, |_| false).is_empty());
    }

    #[test]
    fn an_escape_that_a_key_might_go_on_in_is_beside_it() {
        // Both are what may be read: what stands there, and what it means.
        let is_key = |piece: &[u8]| piece == b"abKey123";
        for text in ["/o/%abKey123/x", "/o/abKey123%41/x"] {
            assert_eq!(
                find(text.as_bytes(), &NOTHING, is_key).masked(text.as_bytes()).unwrap(),
                b"/o/***/x"
            );
        }
    }

    /// What a client may write into the 8 KB of a header that take longest to tell from keys.
    fn long_texts() -> Vec<Vec<u8>> {
        let fill = |part: &dyn Fn(usize) -> String| {
            let mut text: String = (0..)
                .map(part)
                .scan(0, |len, part| {
                    *len += part.len();
                    (*len < 8192).then_some(part)
                })
                .collect();
            text.push('x');
            text.into_bytes()
        };
        vec![
            fill(&|n| format!("&{n:05}")),
            fill(&|n| format!("/{n:05}")),
            fill(&|n| format!("{n:05}=")),
            fill(&|n| format!("{n:05}.")),
            fill(&|n| format!("%25252525{n:05}%252e")),
            fill(&|n| format!("a%2525252f{n:05}/")),
            fill(&|_| "=".into()),
            fill(&|_| "%41".into()),
            fill(&|_| "%41=".into()),
            fill(&|_| "a=".into()),
            fill(&|_| "%".into()),
            fill(&|_| "a".into()),
            fill(&|_| "aaaaaaab".into()),
            fill(&|_| "%61".into()),
            fill(&|_| "%2561".into()),
            fill(&|n| format!("%{n:02x}%zz")),
            fill(&|n| format!(";key={n:05}")),
            fill(&|_| "/key=a".into()),
            fill(&|_| "/key=".into()),
            fill(&|n| format!("/key={n:05}")),
            fill(&|n| format!("k%65y{n:05}=;")),
        ]
    }

    #[test]
    fn what_is_looked_at_grows_with_a_text_and_no_more() {
        let keys: Vec<Vec<u8>> =
            (0..16).map(|n| [b"a".repeat(40 * n + 8), b"b".to_vec()].concat()).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        for keys in [&[][..], &keys] {
            let known = KnownKeys { names: &[b"key"], keys, in_query: false };
            for text in long_texts() {
                let start = String::from_utf8_lossy(&text[..20]).into_owned();
                let (mut bytes, mut pieces) = (0, 0);
                let mut effort = Effort { left: usize::MAX, ..Effort::of_request() };
                super::find(&text, &known, &mut effort, |piece, _| {
                    (bytes, pieces) = (bytes + piece.len(), pieces + 1);
                    Ok(false)
                });
                assert!(bytes <= 40 * text.len(), "{start}: {bytes} of {}", text.len());
                assert!(pieces <= 6 * text.len(), "{start}: {pieces} of {}", text.len());
                let steps = usize::MAX - effort.left;
                let most = (64 + 3 * keys.len()) * text.len();
                assert!(steps <= most, "{start}: {steps} of {most}");
            }
        }
    }

    #[test]
    fn a_request_takes_no_more_steps_than_there_are() {
        let keys = [&b"aaaaaaab"[..]; 16];
        let known = KnownKeys { names: &[b"key"], keys: &keys, in_query: false };
        let mut effort = Effort::of_request();
        let (mut pieces, mut took) = (0, 0);
        for text in long_texts().iter().cycle().take(1000) {
            let found = super::find(text, &known, &mut effort, |_, effort| {
                effort.take(500)?;
                (pieces, took) = (pieces + 1, took + 500);
                Ok(false)
            });
            assert!(effort.was_enough() || !found.is_empty());
        }
        // Each text has some of its own.
        let most = Effort::ALL + Effort::ALL_OWN;
        assert!(took <= most, "{took} of {most}");
        assert!(pieces < most / 500, "{pieces}");
        assert!(!effort.was_enough());

        // Short ones are told apart nevertheless, unless there were too many.
        effort.left_own = Effort::OWN;
        let agent = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 GoodKey5f3b09c2";
        let found = super::find(agent, &NOTHING, &mut effort, |piece, effort| {
            effort.take(500)?;
            Ok(piece == KEY)
        });
        assert!(effort.was_enough());
        assert!(found.masked(agent).unwrap().ends_with(b" Firefox/140.0 ***"));
    }

    /// Marks of a key's own beside those around it.
    #[test]
    fn keys_with_marks_in_them() {
        for key in ["Good+Key5f3b09c2", "a.b.cKey5f3b09", "SchlüsselKey5f3b", "KeyWithPad5f3b=="] {
            for (before, after) in [
                ("/open/x?a=", "%"),
                ("/open/x?a=", "%zz"),
                ("/open/%", "/x"),
                ("/o/~", "/x"),
                ("/o/", ".jpg"),
                ("said \u{201c}", "\u{201d}"),
                ("a ", "."),
                ("/o/%E2%80%9C", "%E2%80%9D"),
            ] {
                let text = format!("{before}{key}{after}");
                let found = super::find(
                    text.as_bytes(),
                    &NOTHING,
                    &mut Effort::of_request(),
                    |piece, _| Ok(piece == key.as_bytes()),
                );
                let masked = found.masked(text.as_bytes()).unwrap_or_default();
                let left = String::from_utf8_lossy(&masked).into_owned();
                assert!(!left.is_empty() && !left.contains("5f3b"), "{text}: {left}");
            }
        }
    }

    #[test]
    fn what_nothing_is_left_for_is_masked() {
        let mut effort = Effort { left: 0, ..Effort::of_request() };
        // It has some of its own.
        let text = format!("/a/{}?x=1", "bbbbb/".repeat(300));
        let found = super::find(text.as_bytes(), &NOTHING, &mut effort, |piece, effort| {
            if piece.len() < SHORTEST { Ok(false) } else { effort.take(100).map(|()| false) }
        });
        let masked = String::from_utf8(found.masked(text.as_bytes()).unwrap()).unwrap();
        assert!(masked.starts_with("/a/bbbbb/bbbbb/"), "{masked}");
        assert!(masked.ends_with("/***/***/?x=1"), "{masked}");
        // One that is too long even to be taken apart, as a whole.
        let text = "bbbbb/".repeat(3000);
        let found = super::find(text.as_bytes(), &NOTHING, &mut effort, |_, _| Ok(false));
        assert_eq!(found.masked(text.as_bytes()).unwrap(), MASK);
        assert!(!effort.was_enough());
    }

    proptest! {
        #[test]
        fn a_key_between_delimiters_is_gone(
            before in "[a-z&=?/%;#,\" ]{0,20}[&=?/;#,\" .+~!$*^]", after in "([&/;#,\" ?.+~!$*^][a-z=&/]{0,9})?",
            escapes in 0..4,
        ) {
            let key = std::str::from_utf8(KEY).unwrap();
            let text = masked(&format!("{before}{key}{after}"));
            prop_assert!(!text.contains(key), "{}", text);
            let nested = format!("http://h/{key}/x?a={key}");
            let nested = (0..escapes).fold(nested, |url, _| crate::escapes::percent_encode(url.as_bytes()));
            let text = masked(&format!("{before}{nested}{after}"));
            prop_assert!(!text.contains(key), "{}", text);
        }

        #[test]
        fn a_named_value_is_gone(
            before in "([a-z/]{0,9}[?&;])", key in "[A-Z0-9]{8,40}", after in "(&[a-z=&]{0,9})?",
        ) {
            let text = masked(&format!("/{before}key={key}{after}"));
            prop_assert!(!text.contains(&key), "{}", text);
        }

        #[test]
        fn nothing_of_a_key_is_left_where_a_text_is_cut(
            before in "(GET )?(http://h)?/[a-z&=?/%;#,\" ]{0,20}[&=?/ \"]", len in 1usize..15,
        ) {
            let text = [before.as_bytes(), &KEY[..len]].concat();
            let mut found = find(&text, &NOTHING, |_| false);
            found.add_cut(&text, text.len(), []);
            let masked = found.masked(&text).unwrap();
            prop_assert!(masked.ends_with(MASK) && !masked.contains(&b'G') || before.starts_with('G'));
            prop_assert!(!masked[3..].contains(&b'G'), "{}", String::from_utf8_lossy(&masked));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let known = KnownKeys { names: &[b"k"], keys: &[&bytes, b"%", b"a"], in_query: true };
            let found = find(&bytes, &known, |piece| piece.len() % 2 == 1);
            let masked = found.masked(&bytes);
            prop_assert_eq!(masked.is_none(), found.is_empty());
        }

        #[test]
        fn a_part_is_masked_as_in_the_whole(
            text in "(/[a-z]{0,3}|GoodKey5f3b09c2|key=|[?&= ]){0,9}", from in 0usize..40, len in 0usize..40,
        ) {
            let text = text.as_bytes();
            let known = KnownKeys { names: &[b"key"], keys: &[KEY], in_query: false };
            let found = find(text, &known, |piece| piece == KEY);
            let part = from.min(text.len())..(from + len).min(text.len());
            let ranges = found.within(&part).0;
            for (at, index) in part.clone().enumerate() {
                let is_masked = |ranges: &[Range<usize>], at| ranges.iter().any(|range| range.contains(&at));
                prop_assert_eq!(is_masked(&ranges, at), is_masked(&found.0, index));
            }
        }
    }
}
