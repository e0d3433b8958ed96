//! Mutations by the structure of a format: units are repeated, left out, taken from another file,
//! and their numbers made extreme, while lengths and checksums stay right.

/// Numbers by SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }

    fn often(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

/// How the units of a format lie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Avif,
    Webp,
    Gif,
    Jpeg,
    Png,
}

impl Shape {
    pub fn of(format: &str) -> Option<Shape> {
        Some(match format {
            "avif" => Shape::Avif,
            "webp" => Shape::Webp,
            "gif" => Shape::Gif,
            "jpeg" => Shape::Jpeg,
            "png" => Shape::Png,
            _ => return None,
        })
    }
}

/// A piece of a file.
#[derive(Clone, Debug)]
struct Unit {
    /// What it is called: a box, a chunk, a marker, a block.
    kind: Vec<u8>,
    data: Vec<u8>,
    inner: Vec<Unit>,
}

impl Unit {
    fn plain(kind: &[u8], data: &[u8]) -> Unit {
        Unit { kind: kind.to_vec(), data: data.to_vec(), inner: Vec::new() }
    }
}

pub fn mutate(shape: Shape, from: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let (mut units, others) = (parse(shape, from), parse(shape, other));
    for _ in 0..=random.below(4) {
        step(&mut units, &others, random, 0);
    }
    let mut out = write(shape, &units);
    if shape == Shape::Avif {
        move_places(from, &mut out);
    }
    if shape == Shape::Jpeg && random.often(90) {
        move_map(&mut out);
    }
    if random.often(10) {
        flip(&mut out, random);
    }
    if random.often(5) {
        let len = random.below(out.len() + 1);
        out.truncate(len);
    }
    out
}

fn step(units: &mut Vec<Unit>, others: &[Unit], random: &mut Random, depth: u32) {
    if units.is_empty() {
        return;
    }
    let at = random.below(units.len());
    if !units[at].inner.is_empty() && depth < 4 && random.often(75) {
        let same = others.iter().find(|other| other.kind == units[at].kind);
        let inner = same.map_or(&[][..], |other| &other.inner);
        return step(&mut units[at].inner, inner, random, depth + 1);
    }
    match random.below(12) {
        // The same again, a few or many times.
        0 | 1 => {
            let most = [2, 9, 70, 300, 5000][random.below(5)];
            let unit = units[at].clone();
            let most = most.min((2 << 20) / (unit.data.len() + 16));
            (0..most).for_each(|_| units.insert(at, unit.clone()));
        }
        2 => {
            units.remove(at);
        }
        3 => {
            let with = random.below(units.len());
            units.swap(at, with);
        }
        4 if !others.is_empty() => {
            let unit = others[random.below(others.len())].clone();
            units.insert(at, unit);
        }
        5 if !others.is_empty() => {
            if let Some(unit) = others.iter().find(|other| other.kind == units[at].kind) {
                units[at] = unit.clone();
            }
        }
        // A part of the data again.
        6 => {
            let data = &mut units[at].data;
            let (start, len) = (random.below(data.len() + 1), random.below(4096));
            let part = data[start..(start + len).min(data.len())].to_vec();
            let times = [1, 4, 200][random.below(3)].min((1 << 20) / (part.len() + 1));
            let part = part.repeat(times);
            data.splice(start..start, part);
        }
        7 => {
            let data = &mut units[at].data;
            let (start, len) = (random.below(data.len() + 1), random.below(512));
            data.drain(start..(start + len).min(data.len()));
        }
        8 => {
            let byte = [0, 0xff, 0x55][random.below(3)];
            let data = &mut units[at].data;
            let (start, len) = (random.below(data.len() + 1), random.below(2048));
            let end = (start + len).min(data.len());
            data[start..end].fill(byte);
        }
        9 => {
            let data = &mut units[at].data;
            (0..1 + random.below(8)).for_each(|_| flip(data, random));
        }
        // A number near the start, where headers have theirs.
        _ => number(&mut units[at].data, random),
    }
}

fn flip(data: &mut [u8], random: &mut Random) {
    let at = random.below(data.len());
    if let Some(byte) = data.get_mut(at) {
        *byte ^= 1 << random.below(8);
    }
}

fn number(data: &mut [u8], random: &mut Random) {
    const VALUES: [u32; 16] =
        [0, 1, 2, 7, 8, 63, 64, 255, 256, 4095, 7000, 16383, 16384, 65535, 0x7fff_ffff, u32::MAX];
    let value = VALUES[random.below(VALUES.len())];
    let width = [1, 2, 3, 4][random.below(4)];
    let at = random.below(data.len().min(64));
    let big = random.often(50);
    let bytes = if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let bytes = if big { &bytes[4 - width..] } else { &bytes[..width] };
    data.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
}

fn parse(shape: Shape, input: &[u8]) -> Vec<Unit> {
    match shape {
        Shape::Avif => boxes(input, 0),
        Shape::Webp => chunks(input.get(12..).unwrap_or_default(), 0),
        Shape::Gif => blocks(input),
        Shape::Jpeg => segments(input),
        Shape::Png => png_chunks(input),
    }
}

fn write(shape: Shape, units: &[Unit]) -> Vec<u8> {
    let mut out = Vec::new();
    match shape {
        Shape::Avif => units.iter().for_each(|unit| put_box(unit, &mut out)),
        Shape::Webp => {
            units.iter().for_each(|unit| put_chunk(unit, &mut out));
            let len = (out.len() as u32 + 4).to_le_bytes();
            out.splice(0..0, [b"RIFF", &len[..], b"WEBP"].concat());
        }
        Shape::Gif => units.iter().for_each(|unit| out.extend(&unit.data)),
        Shape::Jpeg => {
            for unit in units {
                out.extend(&unit.kind);
                match unit.kind.as_slice() {
                    [] | [0xff, 0xd0..=0xd9] => {}
                    _ => out.extend((unit.data.len().min(65533) as u16 + 2).to_be_bytes()),
                }
                out.extend(&unit.data);
            }
        }
        Shape::Png => {
            out.extend(b"\x89PNG\r\n\x1a\n");
            for unit in units {
                out.extend((unit.data.len() as u32).to_be_bytes());
                let start = out.len();
                out.extend(&unit.kind);
                out.extend(&unit.data);
                let sum = checksum(&out[start..]);
                out.extend(sum.to_be_bytes());
            }
        }
    }
    out
}

fn boxes(input: &[u8], depth: u32) -> Vec<Unit> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(head) = input.get(at..at + 8) {
        let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let len = if len == 0 { input.len() - at } else { len.max(8) };
        let data = &input[at + 8..(at + len).min(input.len())];
        let kind = &head[4..8];
        // How many bytes are before the boxes that are in a box.
        let before = match kind {
            b"meta" | b"iref" => 4,
            b"iinf" => 6,
            b"stsd" => 8,
            b"iprp" | b"ipco" | b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" => 0,
            b"av01" => 78,
            _ => usize::MAX,
        };
        found.push(match data.split_at_checked(before) {
            Some((own, rest)) if depth < 8 => {
                Unit { kind: kind.to_vec(), data: own.to_vec(), inner: boxes(rest, depth + 1) }
            }
            _ if kind == b"mdat" => {
                Unit { kind: kind.to_vec(), data: Vec::new(), inner: av1_units(data) }
            }
            _ => Unit::plain(kind, data),
        });
        at += len;
    }
    found
}

/// The units of AV1, as far as they are there; a unit without a name is what is left.
fn av1_units(data: &[u8]) -> Vec<Unit> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < data.len() {
        let (mut len, mut start, mut whole) = (0, at + 1 + usize::from(data[at] >> 2 & 1), false);
        for shift in (0..28).step_by(7) {
            let Some(&byte) = data.get(start) else { break };
            len |= usize::from(byte & 0x7f) << shift;
            start += 1;
            if byte & 0x80 == 0 {
                whole = data[at] & 0x82 == 2 && start + len <= data.len();
                break;
            }
        }
        if !whole {
            found.push(Unit::plain(b"", &data[at..]));
            break;
        }
        found.push(Unit::plain(&data[at..start], &data[start..start + len]));
        at = start + len;
    }
    found
}

fn put_box(unit: &Unit, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0; 4]);
    out.extend(&unit.kind);
    out.extend(&unit.data);
    if unit.kind == b"mdat" {
        for unit in &unit.inner {
            let Some((&first, _)) = unit.kind.split_first() else {
                out.extend(&unit.data);
                continue;
            };
            out.push(first & !4 | 2);
            let mut len = unit.data.len();
            while len > 0x7f {
                out.push(len as u8 | 0x80);
                len >>= 7;
            }
            out.push(len as u8);
            out.extend(&unit.data);
        }
    } else {
        unit.inner.iter().for_each(|unit| put_box(unit, out));
    }
    let len = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&len.to_be_bytes());
}

/// Has the first item be all of the data, wherever that went.
fn move_places(from: &[u8], out: &mut [u8]) {
    let find = |file: &[u8], kind: &[u8; 4]| file.windows(4).position(|found| found == kind);
    let (Some(before), Some(after)) = (find(from, b"mdat"), find(out, b"mdat")) else { return };
    let len = out.len() - after - 4;
    let Some(places) = find(out, b"iloc") else { return };
    let old = (before as u32 + 4).to_be_bytes();
    let end = (places + 400).min(out.len());
    let Some(at) = out[places..end].windows(4).position(|found| found == old) else { return };
    let at = places + at;
    out[at..at + 4].copy_from_slice(&(after as u32 + 4).to_be_bytes());
    if out.len() >= at + 8 {
        out[at + 4..at + 8].copy_from_slice(&(len as u32).to_be_bytes());
    }
}

/// Has the index of pictures name the one that is behind the first, wherever that went.
fn move_map(out: &mut [u8]) {
    let find = |needle: &[u8; 4]| out.windows(4).position(|found| found == needle);
    let (Some(index), Some(end)) = (find(b"MPF\0"), find(&[0xff, 0xd9, 0xff, 0xd8])) else {
        return;
    };
    let (base, start) = (index + 4, end + 2);
    // In the order that our own seeds have.
    let Some(offset) = start.checked_sub(base).filter(|_| out[base..].starts_with(b"II*\0")) else {
        return;
    };
    let numbers = [(out.len() - start) as u32, offset as u32].map(u32::to_le_bytes).concat();
    let second = base + 50 + 16 + 4;
    if let Some(place) = out.get_mut(second..second + 8) {
        place.copy_from_slice(&numbers);
    }
}

fn chunks(input: &[u8], depth: u32) -> Vec<Unit> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(head) = input.get(at..at + 8) {
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let data = &input[at + 8..(at + 8 + len).min(input.len())];
        found.push(match (&head[..4], data.split_at_checked(16)) {
            (b"ANMF", Some((own, rest))) if depth == 0 => {
                Unit { kind: b"ANMF".to_vec(), data: own.to_vec(), inner: chunks(rest, 1) }
            }
            (kind, _) => Unit::plain(kind, data),
        });
        at = at.saturating_add(8 + len + len % 2);
    }
    found
}

fn put_chunk(unit: &Unit, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend(&unit.kind);
    out.extend([0; 4]);
    out.extend(&unit.data);
    unit.inner.iter().for_each(|unit| put_chunk(unit, out));
    let len = out.len() - start - 8;
    out[start + 4..start + 8].copy_from_slice(&(len as u32).to_le_bytes());
    if len % 2 == 1 {
        out.push(0);
    }
}

fn blocks(input: &[u8]) -> Vec<Unit> {
    let table = |flags: u8| if flags & 0x80 != 0 { 6 << (flags & 7) } else { 0 };
    let start = 13 + input.get(10).map_or(0, |&flags| table(flags));
    let Some((head, _)) = input.split_at_checked(start) else {
        return vec![Unit::plain(b"", input)];
    };
    let mut found = vec![Unit::plain(b"head", head)];
    let mut at = start;
    while at < input.len() {
        let mut end = match input[at] {
            b'!' => at + 2,
            b',' => at + 11 + input.get(at + 9).map_or(0, |&flags| table(flags)),
            _ => {
                found.push(Unit::plain(b"end", &input[at..]));
                break;
            }
        };
        while let Some(&len) = input.get(end) {
            end += 1 + usize::from(len);
            if len == 0 {
                break;
            }
        }
        let end = end.min(input.len());
        found.push(Unit::plain(if input[at] == b'!' { b"!" } else { b"," }, &input[at..end]));
        at = end;
    }
    found
}

fn segments(input: &[u8]) -> Vec<Unit> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(&[first, marker]) = input.get(at..at + 2).and_then(|two| two.first_chunk()) {
        if first != 0xff {
            break;
        }
        if matches!(marker, 0xd0..=0xd9 | 0xff | 0x01) {
            found.push(Unit::plain(&[first, marker], &[]));
            at += 2;
            continue;
        }
        let Some(len) = input.get(at + 2..at + 4) else { break };
        let len = usize::from(u16::from_be_bytes([len[0], len[1]])).max(2);
        let end = (at + 2 + len).min(input.len());
        found.push(Unit::plain(&[first, marker], &input[at + 4..end.max(at + 4)]));
        at = end;
        if marker == 0xda {
            let data = &input[at..];
            let next = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7);
            let len = data.windows(2).position(next).unwrap_or(data.len());
            found.push(Unit::plain(b"", &data[..len]));
            at += len;
        }
    }
    found.push(Unit::plain(b"", input.get(at..).unwrap_or_default()));
    found
}

fn png_chunks(input: &[u8]) -> Vec<Unit> {
    let (mut found, mut at) = (Vec::new(), 8);
    while let Some(head) = input.get(at..at + 8) {
        let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let end = at.saturating_add(8).saturating_add(len);
        found.push(Unit::plain(&head[4..8], &input[at + 8..end.min(input.len())]));
        at = end.saturating_add(4);
    }
    found
}

/// CRC-32 of PNG.
fn checksum(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            sum >> 1 ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}
