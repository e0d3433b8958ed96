//! Numbers that are entropy-coded (ISO/IEC 18181-1, annex C): by prefix codes or by ANS, with copies of
//! what came before.

use crate::image::source::prefix::{LsbBitReader, PrefixCode};

/// Symbols of the code for the lengths of a prefix code, in the order in which their own lengths come.
const ORDER: [usize; 18] = [1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// What the lengths of a prefix code fill, in units of the longest codes.
const FULL: u32 = 1 << 15;

/// The largest number of symbols of a prefix code.
const MOST_SYMBOLS: usize = (1 << 15) - 1;

/// What the probabilities of a distribution add up to.
const SUM_BITS: u32 = 12;
const SUM: u32 = 1 << SUM_BITS;

/// The state that all is read in.
const LAST_STATE: u32 = 0x13_0000;

/// Symbols of a table that count as one number.
const OF_NUMBER: u64 = 8;

/// How far back a copy may come from.
const WINDOW: usize = 1 << 20;

/// Reads `count` bytes, each in one of so many contexts, which `context` tells by what came before.
/// `None` where anything is amiss, and where a number is no byte.
pub(super) fn bytes(
    bits: &mut LsbBitReader<'_>,
    contexts: usize,
    may_copy: bool,
    count: usize,
    context: impl Fn(&[u8]) -> usize,
) -> Option<Vec<u8>> {
    let mut work = u64::MAX;
    let mut coded = Coded::read(bits, contexts, may_copy, &mut work)?;
    let mut out: Vec<u8> = Vec::new();
    out.try_reserve_exact(count).ok()?;
    while out.len() < count {
        out.push(u8::try_from(coded.next(bits, context(&out))?).ok()?);
    }
    coded.end().map(|()| out)
}

/// Numbers that come one after the other. They may take no bits, so that it is counted how many there are.
pub(super) struct Coded<'w> {
    code: Code,
    /// How many more may be read.
    work: &'w mut u64,
    state: u32,
    /// What came before, as far as it can be copied, and the place of the next number in it.
    window: Vec<u32>,
    at: usize,
    /// How many are still copied, from so far back.
    copies: u32,
    back: usize,
}

impl<'w> Coded<'w> {
    /// `None` where anything is amiss, or where it is more than `work`, which is 0 then.
    pub(super) fn read(
        bits: &mut LsbBitReader<'_>,
        contexts: usize,
        may_copy: bool,
        work: &'w mut u64,
    ) -> Option<Coded<'w>> {
        let code = Code::read(bits, contexts, may_copy, work)?;
        let state = match code.symbols {
            Symbols::Prefix(_) => LAST_STATE,
            Symbols::Ans(_) => bits.read(32)?,
        };
        Some(Coded { code, work, state, window: Vec::new(), at: 0, copies: 0, back: 0 })
    }

    /// The next number, which has this context.
    pub(super) fn next(&mut self, bits: &mut LsbBitReader<'_>, context: usize) -> Option<u32> {
        spend(self.work, 1)?;
        if self.copies == 0 {
            let cluster = *self.code.clusters.get(context)?;
            let token = self.code.symbols.next(bits, cluster, &mut self.state)?;
            let copied = self.code.copies.as_ref().and_then(|copies| {
                token.checked_sub(copies.first_token).map(|token| (copies, token))
            });
            let Some((copies, token)) = copied else {
                let number = self.code.numbers.get(usize::from(cluster))?.read(token, bits)?;
                return self.remember(number);
            };
            self.copies = copies.lengths.read(token, bits)?.checked_add(copies.shortest)?;
            // The last context is that of distances.
            let cluster = *self.code.clusters.last()?;
            let token = self.code.symbols.next(bits, cluster, &mut self.state)?;
            let distance = self.code.numbers.get(usize::from(cluster))?.read(token, bits)?;
            // Of nothing, where nothing came before.
            self.back = (distance as usize).saturating_add(1).min(self.window.len());
            if self.back == 0 {
                return None;
            }
        }
        self.copies -= 1;
        let from = (self.at + self.window.len()).checked_sub(self.back)? % self.window.len();
        let number = *self.window.get(from)?;
        self.remember(number)
    }

    fn remember(&mut self, number: u32) -> Option<u32> {
        if self.code.copies.is_some() {
            match self.window.get_mut(self.at) {
                Some(oldest) => *oldest = number,
                None => {
                    self.window.try_reserve(1).ok()?;
                    self.window.push(number);
                }
            }
            self.at = (self.at + 1) % WINDOW;
        }
        Some(number)
    }

    /// Whether all was as it should be, once the last number is read.
    pub(super) fn end(&self) -> Option<()> {
        (self.state == LAST_STATE).then_some(())
    }
}

/// Takes from what may be done; where it is not enough, nothing is left.
fn spend(work: &mut u64, much: u64) -> Option<()> {
    let left = work.checked_sub(much);
    *work = left.unwrap_or(0);
    left.map(|_| ())
}

/// A number that can be negative, of one that can't (ISO/IEC 18181-1, 9.2.5).
pub(super) fn signed(number: u32) -> i32 {
    let half = (number >> 1) as i32;
    if number & 1 == 0 { half } else { -half - 1 }
}

/// How symbols and what they mean are written.
struct Code {
    copies: Option<Copies>,
    /// The cluster of each context; clusters share a distribution.
    clusters: Vec<u8>,
    /// Of each cluster.
    numbers: Vec<Numbers>,
    symbols: Symbols,
}

struct Copies {
    first_token: u32,
    shortest: u32,
    lengths: Numbers,
}

enum Symbols {
    Prefix(Vec<PrefixCode>),
    Ans(Vec<Distribution>),
}

impl Code {
    fn read(
        bits: &mut LsbBitReader<'_>,
        contexts: usize,
        may_copy: bool,
        work: &mut u64,
    ) -> Option<Code> {
        let copies = if bits.flag()? {
            let first_token = select(bits, [(224, 0), (512, 0), (4096, 0), (8, 15)])?;
            let shortest = select(bits, [(3, 0), (4, 0), (5, 2), (9, 8)])?;
            Some(Copies { first_token, shortest, lengths: Numbers::of(bits, 8)? })
        } else {
            None
        };
        if copies.is_some() && !may_copy {
            return None;
        }
        let contexts = contexts + usize::from(copies.is_some());
        let clusters = clusters(bits, contexts)?;
        let count = usize::from(*clusters.iter().max()?) + 1;
        let is_prefix = bits.flag()?;
        let alphabet_bits = if is_prefix { 15 } else { bits.read(2)? + 5 };
        let numbers =
            (0..count).map(|_| Numbers::of(bits, alphabet_bits)).collect::<Option<_>>()?;
        let symbols = if is_prefix {
            let sizes: Vec<usize> = (0..count).map(|_| alphabet(bits)).collect::<Option<_>>()?;
            // Some symbols of a table take as long as a number.
            spend(work, sizes.iter().sum::<usize>() as u64 / OF_NUMBER)?;
            Symbols::Prefix(
                sizes.iter().map(|&size| prefix_code(bits, size)).collect::<Option<_>>()?,
            )
        } else {
            let read = |_| Distribution::read(bits, alphabet_bits);
            Symbols::Ans((0..count).map(read).collect::<Option<_>>()?)
        };
        Some(Code { copies, clusters, numbers, symbols })
    }
}

impl Symbols {
    fn next(&self, bits: &mut LsbBitReader<'_>, cluster: u8, state: &mut u32) -> Option<u32> {
        match self {
            Symbols::Prefix(codes) => {
                codes.get(usize::from(cluster))?.next(bits).map(|symbol| symbol as u32)
            }
            Symbols::Ans(of) => of.get(usize::from(cluster))?.next(bits, state),
        }
    }
}

/// One of four numbers: each is the first of a pair, and what is read in as many bits as the second.
pub(super) fn select(bits: &mut LsbBitReader<'_>, of: [(u32, u32); 4]) -> Option<u32> {
    let &(least, more) = of.get(bits.read(2)? as usize)?;
    least.checked_add(bits.read(more)?)
}

/// The cluster of each context (C.2.2).
fn clusters(bits: &mut LsbBitReader<'_>, contexts: usize) -> Option<Vec<u8>> {
    if contexts == 1 {
        return Some(vec![0]);
    }
    let mut clusters = if bits.flag()? {
        let each = bits.read(2)?;
        (0..contexts)
            .map(|_| bits.read(each).map(|cluster| cluster as u8))
            .collect::<Option<_>>()?
    } else {
        let is_moved = bits.flag()?;
        let mut clusters = bytes(bits, 1, contexts > 2, contexts, |_| 0)?;
        if is_moved {
            let mut recent: Vec<u8> = (0..=u8::MAX).collect();
            for cluster in &mut clusters {
                let found = recent.remove(usize::from(*cluster));
                recent.insert(0, found);
                *cluster = found;
            }
        }
        clusters
    };
    clusters.shrink_to_fit();
    // None is left out.
    let most = *clusters.iter().max()?;
    (0..most).all(|cluster| clusters.contains(&cluster)).then_some(clusters)
}

/// How a number is told by a token and by bits (C.3.3).
struct Numbers {
    split: u32,
    /// Of the number, in the token: the upper ones and the lower ones.
    upper: u32,
    lower: u32,
}

impl Numbers {
    fn of(bits: &mut LsbBitReader<'_>, alphabet_bits: u32) -> Option<Numbers> {
        let split = bits.read(ceil_log2(alphabet_bits + 1))?;
        let (mut upper, mut lower) = (0, 0);
        if split != alphabet_bits {
            upper = bits.read(ceil_log2(split + 1))?;
            lower = bits.read(ceil_log2(split.checked_sub(upper)? + 1))?;
        }
        (split < 32 && upper + lower <= split).then_some(Numbers { split, upper, lower })
    }

    fn read(&self, token: u32, bits: &mut LsbBitReader<'_>) -> Option<u32> {
        let Some(over) = token.checked_sub(1 << self.split) else { return Some(token) };
        let in_token = self.upper + self.lower;
        let more = self.split - in_token + (over >> in_token);
        if more >= 32 {
            return None;
        }
        let low = u64::from(token) & ((1 << self.lower) - 1);
        let top = u64::from(token >> self.lower) & ((1 << self.upper) - 1) | 1 << self.upper;
        let number = (top << more | u64::from(bits.read(more)?)) << self.lower | low;
        u32::try_from(number).ok()
    }
}

pub(super) fn ceil_log2(number: u32) -> u32 {
    u32::BITS - number.saturating_sub(1).leading_zeros()
}

/// How many symbols a prefix code has.
fn alphabet(bits: &mut LsbBitReader<'_>) -> Option<usize> {
    if !bits.flag()? {
        return Some(1);
    }
    let more = bits.read(4)?;
    let size = (1 << more) + bits.read(more)? as usize + 1;
    (size <= MOST_SYMBOLS).then_some(size)
}

/// A prefix code of so many symbols (RFC 7932, sections 3.4 and 3.5).
fn prefix_code(bits: &mut LsbBitReader<'_>, size: usize) -> Option<PrefixCode> {
    if size == 1 {
        return Some(PrefixCode::of(&[1]));
    }
    match bits.read(2)? as usize {
        1 => few_symbols(bits, size),
        skipped => many_symbols(bits, size, skipped),
    }
}

fn few_symbols(bits: &mut LsbBitReader<'_>, size: usize) -> Option<PrefixCode> {
    let mut lengths = vec![0; size];
    let count = bits.read(2)? + 1;
    let each = ceil_log2(size as u32);
    let mut symbols = [0; 4];
    for symbol in symbols.iter_mut().take(count as usize) {
        *symbol = bits.read(each)? as usize;
    }
    let of_each: [u8; 4] = match count {
        1 => [1, 0, 0, 0],
        2 => [1, 1, 0, 0],
        3 => [1, 2, 2, 0],
        _ if bits.flag()? => [1, 2, 3, 3],
        _ => [2; 4],
    };
    for (&symbol, &length) in symbols.iter().zip(&of_each).take(count as usize) {
        // None comes twice.
        *lengths.get_mut(symbol).filter(|length| **length == 0)? = length;
    }
    Some(PrefixCode::of(&lengths))
}

fn many_symbols(bits: &mut LsbBitReader<'_>, size: usize, skipped: usize) -> Option<PrefixCode> {
    let mut of_lengths = [0u8; ORDER.len()];
    let mut left = 32u32;
    let mut used = 0;
    // The lengths of the code for lengths have a code of their own: 0, 4, 3, 2, 1 and 5.
    for &at in ORDER.get(skipped..)? {
        if left == 0 {
            break;
        }
        let length = match bits.read(2)? {
            0 => 0,
            1 => 4,
            2 => 3,
            _ if !bits.flag()? => 2,
            _ if !bits.flag()? => 1,
            _ => 5,
        };
        *of_lengths.get_mut(at)? = length;
        if length != 0 {
            left = left.checked_sub(32 >> length)?;
            used += 1;
        }
    }
    if used != 1 && left != 0 {
        return None;
    }
    let code = PrefixCode::of(&of_lengths);
    let mut lengths: Vec<u8> = Vec::with_capacity(size);
    let mut left = FULL;
    let mut before = 8;
    // The length that is repeated, and how often, as long as nothing else comes between.
    let (mut repeated, mut times) = (0, 0usize);
    while lengths.len() < size && left > 0 {
        let symbol = code.next(bits)? as u8;
        if symbol < 16 {
            lengths.push(symbol);
            times = 0;
            if symbol != 0 {
                before = symbol;
                left = left.checked_sub(FULL >> symbol)?;
            }
            continue;
        }
        let length = if symbol == 16 { before } else { 0 };
        let more = u32::from(symbol) - 14;
        if repeated != length {
            (repeated, times) = (length, 0);
        }
        let until_now = times;
        times = (times.saturating_sub(2) << more) + bits.read(more)? as usize + 3;
        let new = times - until_now;
        if lengths.len() + new > size {
            return None;
        }
        lengths.resize(lengths.len() + new, length);
        if length != 0 {
            left = left.checked_sub(new as u32 * (FULL >> length))?;
        }
    }
    (left == 0).then(|| PrefixCode::of(&lengths))
}

/// The distribution of symbols that are coded by ANS, in buckets that two symbols at most share
/// (C.2.5, C.2.6).
struct Distribution {
    probabilities: Vec<u32>,
    buckets: Vec<Bucket>,
    bucket_bits: u32,
}

#[derive(Clone, Copy, Default)]
struct Bucket {
    /// Where in it the other symbol begins.
    cutoff: u32,
    other: usize,
    /// Where in what the other symbol has that is.
    offset: u32,
}

/// Codes of the logarithms of probabilities, and of a run, from the lowest bit on; and their lengths.
const LOGARITHMS: [(u32, u32, u32); 14] = [
    (10, 0b000, 3),
    (7, 0b010, 3),
    (6, 0b100, 3),
    (8, 0b101, 3),
    (9, 0b110, 3),
    (3, 0b0011, 4),
    (5, 0b0111, 4),
    (4, 0b1001, 4),
    (1, 0b1011, 4),
    (2, 0b1111, 4),
    (0, 0b10001, 5),
    (11, 0b10_0001, 6),
    (12, 0b000_0001, 7),
    (RUN, 0b100_0001, 7),
];

const RUN: u32 = SUM_BITS + 1;

impl Distribution {
    fn read(bits: &mut LsbBitReader<'_>, alphabet_bits: u32) -> Option<Distribution> {
        let mut probabilities = vec![0; 1 << alphabet_bits];
        match (bits.flag()?, bits.flag()?) {
            (true, false) => *probabilities.get_mut(small(bits)?)? = SUM,
            (true, true) => {
                let (one, other) = (small(bits)?, small(bits)?);
                let probability = bits.read(SUM_BITS)?;
                *probabilities.get_mut(one)? = probability;
                *probabilities.get_mut(other).filter(|_| one != other)? = SUM - probability;
            }
            (false, true) => {
                let size = small(bits)? + 1;
                let (each, more) = (SUM / size as u32, SUM as usize % size);
                for (at, probability) in probabilities.get_mut(..size)?.iter_mut().enumerate() {
                    *probability = each + u32::from(at < more);
                }
            }
            (false, false) => many_probabilities(bits, &mut probabilities)?,
        }
        Some(Distribution::of(probabilities, SUM_BITS - alphabet_bits))
    }

    fn of(probabilities: Vec<u32>, bucket_bits: u32) -> Distribution {
        let room = 1 << bucket_bits;
        let mut buckets: Vec<Bucket> = probabilities
            .iter()
            .map(|&probability| Bucket { cutoff: probability, ..Bucket::default() })
            .collect();
        if let Some(only) = probabilities.iter().position(|&probability| probability == SUM) {
            for (bucket, offset) in buckets.iter_mut().zip((0..).step_by(room as usize)) {
                *bucket = Bucket { cutoff: 0, other: only, offset };
            }
            return Distribution { probabilities, buckets, bucket_bits };
        }
        let with = |how: fn(&u32, &u32) -> bool| {
            (0..).zip(&probabilities).filter(move |(_, of)| how(of, &room)).map(|(at, _)| at)
        };
        let mut under: Vec<usize> = with(u32::lt).collect();
        let mut over: Vec<usize> = with(u32::gt).collect();
        while let (Some(from), Some(to)) = (over.pop(), under.pop()) {
            let lacking = room - buckets.get(to).map_or(room, |bucket| bucket.cutoff);
            let Some(giver) = buckets.get_mut(from) else { break };
            giver.cutoff = giver.cutoff.saturating_sub(lacking);
            let left = giver.cutoff;
            if let Some(taker) = buckets.get_mut(to) {
                (taker.other, taker.offset) = (from, left);
            }
            match left.cmp(&room) {
                std::cmp::Ordering::Less => under.push(from),
                std::cmp::Ordering::Equal => {}
                std::cmp::Ordering::Greater => over.push(from),
            }
        }
        Distribution { probabilities, buckets, bucket_bits }
    }

    fn next(&self, bits: &mut LsbBitReader<'_>, state: &mut u32) -> Option<u32> {
        let index = *state & (SUM - 1);
        let at = (index >> self.bucket_bits) as usize;
        let place = index & ((1 << self.bucket_bits) - 1);
        let bucket = self.buckets.get(at)?;
        let (symbol, offset) = if place < bucket.cutoff {
            (at, place)
        } else {
            (bucket.other, bucket.offset + place - bucket.cutoff)
        };
        let probability = *self.probabilities.get(symbol)?;
        *state = (*state >> SUM_BITS).checked_mul(probability)?.checked_add(offset)?;
        if *state < 1 << 16 {
            *state = *state << 16 | bits.read(16)?;
        }
        Some(symbol as u32)
    }
}

/// A number of up to 8 bits.
fn small(bits: &mut LsbBitReader<'_>) -> Option<usize> {
    if !bits.flag()? {
        return Some(0);
    }
    let more = bits.read(3)?;
    Some((1 << more) + bits.read(more)? as usize)
}

fn logarithm(bits: &mut LsbBitReader<'_>) -> Option<u32> {
    let mut code = bits.read(3)?;
    for length in 3..=7 {
        if let Some(&(found, ..)) = LOGARITHMS.iter().find(|of| of.1 == code && of.2 == length) {
            return Some(found);
        }
        code |= u32::from(bits.flag()?) << length;
    }
    None
}

fn many_probabilities(bits: &mut LsbBitReader<'_>, probabilities: &mut [u32]) -> Option<()> {
    let mut more = 0;
    while more < 3 && bits.flag()? {
        more += 1;
    }
    let precision = (bits.read(more)? + (1 << more) - 1) as i32;
    if precision > 13 {
        return None;
    }
    let size = small(bits)? + 3;
    let probabilities = probabilities.get_mut(..size)?;
    // What each is, or that it is as what is before a run of its own.
    let mut logarithms: Vec<Option<u32>> = Vec::with_capacity(size);
    while logarithms.len() < size {
        let found = logarithm(bits)?;
        if found != RUN {
            logarithms.push(Some(found));
            continue;
        }
        // Two runs, one behind the other, no encoder writes.
        if logarithms.last() == Some(&None) {
            return None;
        }
        let run = small(bits)? + 4;
        logarithms.resize(logarithms.len() + run, None);
    }
    if logarithms.len() > size {
        return None;
    }
    // The first of the largest is not told, but what the others leave.
    let largest = logarithms.iter().flatten().max().copied()?;
    let untold = logarithms.iter().position(|&of| of == Some(largest))?;
    if logarithms.get(untold + 1) == Some(&None) {
        return None;
    }
    let (mut sum, mut before) = (0, 0);
    for (at, (&logarithm, probability)) in logarithms.iter().zip(&mut *probabilities).enumerate() {
        before = match logarithm {
            None => before,
            Some(0) => 0,
            Some(_) if at == untold => {
                before = 0;
                continue;
            }
            Some(logarithm) => {
                let zeros = logarithm as i32 - 1;
                let told = (precision - ((SUM_BITS as i32 - zeros) >> 1)).clamp(0, zeros);
                (1 << zeros) + (bits.read(told as u32)? << (zeros - told))
            }
        };
        *probability = before;
        sum += before;
    }
    *probabilities.get_mut(untold)? = SUM.checked_sub(sum).filter(|&left| left > 0)?;
    Some(())
}
