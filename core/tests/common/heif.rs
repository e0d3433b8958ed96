//! AVIF and HEIC files box by box.

#![allow(dead_code, reason = "each test file uses another part")]

use image_gate_codecs::avif::{self, Image};

use super::Picture;

pub fn boxed(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [&(data.len() as u32 + 8).to_be_bytes(), kind.as_slice(), data].concat()
}

pub fn full(kind: &[u8; 4], version: u8, flags: u32, data: &[u8]) -> Vec<u8> {
    let head = (u32::from(version) << 24 | flags).to_be_bytes();
    boxed(kind, &[&head, data].concat())
}

/// What follows the first box of a kind, wherever that is.
pub fn after<'a>(file: &'a [u8], kind: &[u8; 4]) -> &'a [u8] {
    let at = file.windows(4).position(|window| window == kind).unwrap();
    &file[at + 4..]
}

/// The AV1 sample of an opaque picture, by libaom.
pub fn sample(picture: &Picture, quality: u8) -> Vec<u8> {
    let image = Image {
        deep: false,
        code_points: (1, 13),
        pixels: &picture.rgb(),
        width: picture.width,
        height: picture.height,
        alpha: false,
        quality,
        speed: 10,
        icc: &[],
        exif: &[],
        xmp: &[],
    };
    after(&avif::encode(&image).unwrap(), b"mdat").to_vec()
}

/// What is in the first box of a kind, wherever that is.
pub fn content<'a>(file: &'a [u8], kind: &[u8; 4]) -> &'a [u8] {
    let at = file.windows(4).position(|window| window == kind).unwrap();
    let len = u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) as usize;
    &file[at + 4..at - 4 + len]
}

/// Whether HEVC can be decoded; says so where it can't.
pub fn has_libheif() -> bool {
    let opened = image_gate_codecs::heif::open();
    if let Err(error) = &opened {
        println!("skipped: {error}");
    }
    opened.is_ok()
}

/// The HEVC item of that size in a file that has one picture.
pub fn hvc1(width: u32, height: u32, file: &[u8]) -> Item {
    Item {
        kind: *b"hvc1",
        data: content(file, b"mdat").to_vec(),
        properties: vec![ispe(width, height), boxed(b"hvcC", content(file, b"hvcC"))],
        references: vec![],
    }
}

/// The sequence header of a sample, and the frame behind it.
pub fn split(sample: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    loop {
        let (kind, mut len, mut start) = (sample[at] >> 3 & 15, 0, at + 1);
        for shift in (0..).step_by(7) {
            len |= usize::from(sample[start] & 0x7f) << shift;
            start += 1;
            if sample[start - 1] & 0x80 == 0 {
                break;
            }
        }
        if kind == 3 || kind == 6 {
            return sample.split_at(at);
        }
        at = start + len;
    }
}

/// An item: its kind, its bytes, its properties, and to what it refers.
#[derive(Default, Clone)]
pub struct Item {
    pub kind: [u8; 4],
    pub data: Vec<u8>,
    pub properties: Vec<Vec<u8>>,
    pub references: Vec<([u8; 4], Vec<u16>)>,
}

pub fn ispe(width: u32, height: u32) -> Vec<u8> {
    full(b"ispe", 0, 0, &[width.to_be_bytes(), height.to_be_bytes()].concat())
}

pub fn clap(numbers: [(i32, u32); 4]) -> Vec<u8> {
    let bytes = numbers.iter().flat_map(|(n, d)| [n.to_be_bytes(), d.to_be_bytes()]);
    boxed(b"clap", &bytes.flatten().collect::<Vec<_>>())
}

pub fn alpha() -> Vec<u8> {
    full(b"auxC", 0, 0, b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
}

/// An AV1 item of that size.
pub fn av1(width: u32, height: u32, sample: &[u8]) -> Item {
    let av1c = boxed(b"av1C", &[0x81, 0, 0x0c, 0]);
    Item {
        kind: *b"av01",
        data: sample.to_vec(),
        properties: vec![ispe(width, height), av1c],
        references: vec![],
    }
}

pub fn grid(columns: u8, rows: u8, width: u16, height: u16, cells: Vec<u16>) -> Item {
    let mut data = vec![0, 0, rows - 1, columns - 1];
    data.extend(width.to_be_bytes());
    data.extend(height.to_be_bytes());
    Item {
        kind: *b"grid",
        data,
        properties: vec![ispe(width.into(), height.into())],
        references: vec![(*b"dimg", cells)],
    }
}

/// A file of items numbered from 1 on, of which the first one is the image.
pub fn file(items: &[Item]) -> Vec<u8> {
    branded(b"avif\0\0\0\0avifmif1miaf", items)
}

/// The same of HEVC.
pub fn heic(items: &[Item]) -> Vec<u8> {
    branded(b"heic\0\0\0\0mif1heic", items)
}

fn branded(brands: &[u8], items: &[Item]) -> Vec<u8> {
    let ftyp = boxed(b"ftyp", brands);
    let number = |count: usize| (count as u16).to_be_bytes();
    let mut iinf = number(items.len()).to_vec();
    let mut ipma = (items.len() as u32).to_be_bytes().to_vec();
    let (mut ipco, mut iref, mut count) = (vec![], vec![], 0);
    for (id, item) in (1u16..).zip(items) {
        let entry = [&id.to_be_bytes()[..], &[0, 0], &item.kind, b"\0"].concat();
        iinf.extend(full(b"infe", 2, 0, &entry));
        ipma.extend(id.to_be_bytes());
        ipma.push(item.properties.len() as u8);
        for property in &item.properties {
            count += 1;
            ipma.extend((0x8000 | count as u16).to_be_bytes());
            ipco.extend(property);
        }
        for (kind, to) in &item.references {
            let to: Vec<u8> = to.iter().flat_map(|to| to.to_be_bytes()).collect();
            let len = to.len() / 2;
            let data = [&id.to_be_bytes()[..], &number(len), &to].concat();
            iref.extend(boxed(kind, &data));
        }
    }
    let properties = [boxed(b"ipco", &ipco), full(b"ipma", 0, 1, &ipma)].concat();
    let meta = |start: usize| {
        let mut iloc = vec![0x44, 0];
        iloc.extend(number(items.len()));
        let mut at = start;
        for (id, item) in (1u16..).zip(items) {
            iloc.extend(id.to_be_bytes());
            iloc.extend([0, 0, 0, 1]);
            iloc.extend((at as u32).to_be_bytes());
            iloc.extend((item.data.len() as u32).to_be_bytes());
            at += item.data.len();
        }
        let boxes = [
            full(b"hdlr", 0, 0, b"\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"),
            full(b"pitm", 0, 0, &[0, 1]),
            full(b"iloc", 0, 0, &iloc),
            full(b"iinf", 0, 0, &iinf),
            full(b"iref", 0, 0, &iref),
            boxed(b"iprp", &properties),
        ];
        full(b"meta", 0, 0, &boxes.concat())
    };
    let start = ftyp.len() + meta(0).len() + 8;
    let data = items.iter().flat_map(|item| item.data.clone()).collect::<Vec<_>>();
    [ftyp, meta(start), boxed(b"mdat", &data)].concat()
}

/// A sequence of pictures of one size, a millisecond each.
pub fn sequence(width: u16, height: u16, samples: &[&[u8]]) -> Vec<u8> {
    sequence_with(width, height, samples, &[])
}

/// The same with more properties of its pictures.
pub fn sequence_with(
    width: u16,
    height: u16,
    samples: &[&[u8]],
    properties: &[Vec<u8>],
) -> Vec<u8> {
    let count = samples.len() as u32;
    let lengths = samples.iter().map(|sample| sample.len() as u32);
    let lengths: Vec<u32> = [0, count].into_iter().chain(lengths).collect();
    let tables = |start: u32| Tables {
        durations: vec![1, count, 1],
        chunks: vec![1, 1, count, 1],
        lengths: lengths.clone(),
        offsets: vec![1, start],
    };
    sequence_of(width, height, &samples.concat(), tables, &properties.concat())
}

/// The fields of the tables of a track: `stts`, `stsc`, `stsz` and `stco`.
pub struct Tables {
    pub durations: Vec<u32>,
    pub chunks: Vec<u32>,
    pub lengths: Vec<u32>,
    pub offsets: Vec<u32>,
}

/// A sequence whose samples are told by tables, which hear where the data begins.
pub fn sequence_by(
    width: u16,
    height: u16,
    data: &[u8],
    tables: impl Fn(u32) -> Tables,
) -> Vec<u8> {
    sequence_of(width, height, data, tables, &[])
}

fn sequence_of(
    width: u16,
    height: u16,
    data: &[u8],
    tables: impl Fn(u32) -> Tables,
    properties: &[u8],
) -> Vec<u8> {
    let ftyp = boxed(b"ftyp", b"avis\0\0\0\0avisavifmsf1");
    let moov = |start: u32| {
        let mut entry = vec![0; 24];
        entry.extend(width.to_be_bytes());
        entry.extend(height.to_be_bytes());
        entry.resize(78, 0);
        entry.extend(boxed(b"av1C", &[0x81, 0, 0x0c, 0]));
        entry.extend(properties);
        let table = |kind: &[u8; 4], fields: &[u32]| {
            let bytes = fields.iter().flat_map(|field| field.to_be_bytes());
            full(kind, 0, 0, &bytes.collect::<Vec<_>>())
        };
        let Tables { durations, chunks, lengths, offsets } = tables(start);
        let table = [
            full(b"stsd", 0, 0, &[&[0, 0, 0, 1], &boxed(b"av01", &entry)[..]].concat()),
            table(b"stts", &durations),
            table(b"stsc", &chunks),
            table(b"stsz", &lengths),
            table(b"stco", &offsets),
        ];
        let media = [
            full(b"hdlr", 0, 0, b"\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"),
            boxed(b"minf", &boxed(b"stbl", &table.concat())),
        ];
        let mut header = vec![0; 80];
        header[11] = 1;
        let track = [full(b"tkhd", 0, 3, &header), boxed(b"mdia", &media.concat())];
        boxed(b"moov", &boxed(b"trak", &track.concat()))
    };
    let start = ftyp.len() + moov(0).len() + 8;
    [ftyp, moov(start as u32), boxed(b"mdat", data)].concat()
}

/// The fields of a unit: values, and how many bits each has.
type Fields = Vec<(u32, u32)>;

/// A unit of AV1: its kind, its fields, and the bytes behind them.
fn unit(kind: u8, fields: &Fields, data: &[u8]) -> Vec<u8> {
    let bits =
        fields.iter().flat_map(|&(value, len)| (0..len).rev().map(move |at| value >> at & 1));
    let bits: Vec<u8> = bits.map(|bit| bit as u8).collect();
    let byte = |bits: &[u8]| (0..8).fold(0, |byte, at| byte << 1 | bits.get(at).unwrap_or(&0));
    let body = [&bits.chunks(8).map(byte).collect::<Vec<u8>>(), data].concat();
    let len = [body.len() as u8 | 0x80, (body.len() >> 7) as u8];
    assert!(body.len() < 1 << 14);
    [&[kind << 3 | 2], &len[..], &body].concat()
}

/// A sequence header of AV1 for frames of 10 bits without less chroma, as large as that at most, without
/// tools.
fn sequence_header(width: u32, height: u32) -> Vec<u8> {
    let mut fields = vec![(1, 3), (0, 2), (0, 2), (0, 5), (0, 12), (0, 5)];
    fields.extend([(15, 4), (15, 4), (width - 1, 16), (height - 1, 16)]);
    fields.extend([(0, 4), (0, 4), (0, 1), (1, 1), (1, 1), (0, 3)]);
    // Its colours, and the end.
    fields.extend([(1, 1), (0, 1), (1, 1), (0, 1), (0, 1), (1, 1)]);
    unit(1, &fields, &[])
}

/// A key frame of AV1 behind such a header, of a size of its own: shown, or kept in one of eight places.
fn key_frame(width: u32, height: u32, kept: Option<u32>) -> Vec<u8> {
    let mut fields = vec![(0, 3), (kept.is_none().into(), 1)];
    if kept.is_some() {
        fields.extend([(0, 1), (1, 1)]);
    }
    // That the size is said, and which place it is kept in.
    fields.extend([(1, 1), (0, 1), (1, 1)]);
    fields.extend(kept.map(|place| (1 << place, 8)));
    fields.extend([(width - 1, 16), (height - 1, 16), (0, 1)]);
    // One tile, which takes a bit for each side that could be divided.
    fields.push((1, 1));
    fields.extend([width, height].into_iter().filter(|&side| side > 64).map(|_| (0, 1)));
    fields.extend([(100, 8), (0, 1), (0, 2), (0, 3), (0, 6), (0, 6), (0, 3), (0, 1), (0, 2)]);
    unit(6, &fields, &[0; 4000])
}

/// Two samples of pictures of 256 by 256: before the second is shown, there are seven frames of another size.
pub fn with_hidden_frames(width: u32, height: u32) -> [Vec<u8>; 2] {
    let shown = key_frame(256, 256, None);
    let hidden: Vec<u8> = (0..7).flat_map(|place| key_frame(width, height, Some(place))).collect();
    let header = sequence_header(256, 256);
    [[&header[..], &shown].concat(), [&header[..], &hidden, &shown].concat()]
}
