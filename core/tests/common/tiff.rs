//! TIFF files, made by hand.

use std::io::Write;

use weezl::BitOrder;

/// A directory, and how its pixels are stored.
#[derive(Clone, Debug)]
pub struct Tiff {
    pub width: u32,
    pub height: u32,
    pub big_endian: bool,
    /// BigTIFF.
    pub long: bool,
    pub bits: u16,
    pub channels: u16,
    pub photometric: u16,
    pub compression: u16,
    pub predictor: u16,
    pub planar: bool,
    pub tile: Option<(u32, u32)>,
    /// Whether the tags of strips tell of tiles.
    pub strip_tags: bool,
    /// Rows of a strip.
    pub rows: u32,
    pub extra: Vec<u16>,
    pub lowest_first: bool,
    pub map: Vec<u16>,
    pub tables: Vec<u8>,
    pub more: Vec<Entry>,
    /// Where the next directory is, unless another page follows.
    pub next: u32,
}

/// A tag, the type of its values, and their bytes.
pub type Entry = (u16, u16, Vec<u8>);

/// An entry of one number of 16 bits, in a little-endian file.
pub fn entry(tag: u16, value: u16) -> Entry {
    (tag, 3, value.to_le_bytes().to_vec())
}

impl Tiff {
    pub fn new(width: u32, height: u32) -> Tiff {
        Tiff {
            width,
            height,
            big_endian: false,
            long: false,
            bits: 1,
            channels: 1,
            photometric: 1,
            compression: 1,
            predictor: 1,
            planar: false,
            tile: None,
            strip_tags: false,
            rows: height,
            extra: vec![],
            lowest_first: false,
            map: vec![],
            tables: vec![],
            more: vec![],
            next: 0,
        }
    }

    fn two(&self, value: u16) -> [u8; 2] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn four(&self, value: u32) -> [u8; 4] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn offset(&self, value: usize) -> Vec<u8> {
        match (self.long, self.big_endian) {
            (false, _) => self.four(value as u32).to_vec(),
            (true, true) => (value as u64).to_be_bytes().to_vec(),
            (true, false) => (value as u64).to_le_bytes().to_vec(),
        }
    }

    /// A file of these samples.
    pub fn write(&self, sample: impl Fn(u32, u32, u16) -> u16) -> Vec<u8> {
        let (across, down) = self.tile.unwrap_or((self.width, self.rows));
        let planes = if self.planar { self.channels } else { 1 };
        let mut chunks = Vec::new();
        for plane in 0..planes {
            for y in (0..self.height).step_by(down as usize) {
                for x in (0..self.width).step_by(across as usize) {
                    let down = if self.tile.is_some() { down } else { down.min(self.height - y) };
                    let mut plain = Vec::new();
                    for y in y..y + down {
                        let mut row: Vec<u16> = Vec::new();
                        for x in x..x + across {
                            let channels =
                                if self.planar { plane..plane + 1 } else { 0..self.channels };
                            let is_in = x < self.width && y < self.height;
                            row.extend(channels.map(|c| if is_in { sample(x, y, c) } else { 0 }));
                        }
                        plain.extend(self.row(row));
                    }
                    chunks.push(self.packed(&plain));
                }
            }
        }
        self.write_chunks(&chunks)
    }

    fn row(&self, mut samples: Vec<u16>) -> Vec<u8> {
        if self.predictor == 2 {
            let step = usize::from(if self.planar { 1 } else { self.channels });
            for at in (step..samples.len()).rev() {
                samples[at] = samples[at].wrapping_sub(samples[at - step]);
            }
        }
        match self.bits {
            16 => samples.into_iter().flat_map(|value| self.two(value)).collect(),
            8 => samples.into_iter().map(|value| value as u8).collect(),
            bits => samples
                .chunks(8 / usize::from(bits))
                .map(|samples| {
                    let places = (0..8 / bits).map(|place| 8 - bits * (place + 1));
                    samples.iter().zip(places).fold(0, |byte, (v, place)| byte | (v << place) as u8)
                })
                .collect(),
        }
    }

    fn packed(&self, plain: &[u8]) -> Vec<u8> {
        let packed = match self.compression {
            5 => weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8)
                .encode(plain)
                .unwrap(),
            8 => {
                let level = flate2::Compression::new(6);
                let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
                zlib.write_all(plain).unwrap();
                zlib.finish().unwrap()
            }
            32773 => {
                let mut out = Vec::new();
                for part in plain.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(128)) {
                    match part {
                        &[one] => out.extend([0, one]),
                        run => out.extend([(257 - run.len()) as u8, run[0]]),
                    }
                }
                out
            }
            _ => plain.to_vec(),
        };
        match self.lowest_first {
            true => packed.into_iter().map(u8::reverse_bits).collect(),
            false => packed,
        }
    }

    /// A file of these strips or tiles.
    pub fn write_chunks(&self, chunks: &[Vec<u8>]) -> Vec<u8> {
        file(&[(self, chunks.to_vec())])
    }

    fn entries(&self, offsets: &[usize], chunks: &[Vec<u8>]) -> Vec<Entry> {
        let short =
            |tag, values: &[u16]| (tag, 3, values.iter().flat_map(|&v| self.two(v)).collect());
        let long = |tag, value: u32| (tag, 4, self.four(value).to_vec());
        let kind = if self.long { 16 } else { 4 };
        let many = |tag, values: &mut dyn Iterator<Item = usize>| {
            (tag, kind, values.flat_map(|value| self.offset(value)).collect())
        };
        let mut entries: Vec<Entry> = vec![
            long(256, self.width),
            long(257, self.height),
            short(258, &vec![self.bits; self.channels.into()]),
            short(259, &[self.compression]),
            short(262, &[self.photometric]),
            short(277, &[self.channels]),
            short(284, &[if self.planar { 2 } else { 1 }]),
        ];
        let (places, lengths) =
            if self.tile.is_some() && !self.strip_tags { (324, 325) } else { (273, 279) };
        entries.push(many(places, &mut offsets.iter().copied()));
        entries.push(many(lengths, &mut chunks.iter().map(Vec::len)));
        match self.tile {
            Some((width, height)) => entries.extend([long(322, width), long(323, height)]),
            None => entries.push(long(278, self.rows)),
        }
        if self.predictor != 1 {
            entries.push(short(317, &[self.predictor]));
        }
        if self.lowest_first {
            entries.push(short(266, &[2]));
        }
        if !self.extra.is_empty() {
            entries.push(short(338, &self.extra));
        }
        if !self.map.is_empty() {
            entries.push(short(320, &self.map));
        }
        if !self.tables.is_empty() {
            entries.push((347, 7, self.tables.clone()));
        }
        entries.extend(self.more.clone());
        entries.sort_by_key(|&(tag, ..)| tag);
        entries
    }
}

/// A file of these pages, each with its strips or tiles; the pixels come last.
pub fn file(pages: &[(&Tiff, Vec<Vec<u8>>)]) -> Vec<u8> {
    let tiff = pages[0].0;
    let field = if tiff.long { 8 } else { 4 };
    // Where things are is only known once they were written.
    let mut offsets: Vec<Vec<usize>> =
        pages.iter().map(|(_, chunks)| vec![0; chunks.len()]).collect();
    loop {
        let mut out = if tiff.big_endian { b"MM".to_vec() } else { b"II".to_vec() };
        match tiff.long {
            true => {
                out.extend([tiff.two(43), tiff.two(8), tiff.two(0)].concat());
                out.extend(tiff.offset(16));
            }
            false => {
                out.extend(tiff.two(42));
                out.extend(tiff.offset(8));
            }
        }
        for (number, (page, chunks)) in pages.iter().enumerate() {
            let entries = page.entries(&offsets[number], chunks);
            let count = if page.long {
                page.offset(entries.len())
            } else {
                page.two(entries.len() as u16).to_vec()
            };
            let mut heap_at = out.len() + count.len() + entries.len() * (4 + 2 * field) + field;
            let mut heap = Vec::new();
            out.extend(count);
            for (tag, kind, value) in entries {
                let width = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8][usize::from(kind)];
                out.extend(page.two(tag));
                out.extend(page.two(kind));
                out.extend(page.offset(value.len() / width));
                if value.len() <= field {
                    let len = value.len();
                    out.extend(value);
                    out.resize(out.len() + field - len, 0);
                } else {
                    out.extend(page.offset(heap_at));
                    heap_at += value.len();
                    heap.extend(value);
                }
            }
            let next = if number + 1 < pages.len() { heap_at } else { page.next as usize };
            out.extend(page.offset(next));
            out.extend(heap);
        }
        let mut found = Vec::new();
        for (_, chunks) in pages {
            let mut of_page = Vec::new();
            for chunk in chunks {
                of_page.push(out.len());
                out.extend(chunk);
            }
            found.push(of_page);
        }
        if found == offsets {
            return out;
        }
        offsets = found;
    }
}
