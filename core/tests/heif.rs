//! HEIC by the system's libheif. The files were written by heif-enc and x265, what they show was read by
//! heif-convert; see `fixtures/make.sh`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::heif::*;
use common::*;
use image_gate_core::image::{
    Control, DamagePolicy, Error, Format, HeifPolicy, Limits, MetadataPolicy, Plan, ProfilePolicy,
    prepare, probe, sniff,
};

fn shown(file: &[u8]) -> Picture {
    transformed(file, &plan("f=png"))
}

fn part(of: &Picture, x: u32, y: u32, width: u32, height: u32) -> Picture {
    Picture::new(width, height, |i, j| of.at(x + i, y + j))
}

/// A part of what several files show.
fn cell(number: u32) -> Vec<u8> {
    fixture(&format!("cell-{number}.heic"))
}

fn with(mut item: Item, properties: &[Vec<u8>]) -> Item {
    item.properties.extend_from_slice(properties);
    item
}

fn nclx(points: [u16; 3], full_range: bool) -> Vec<u8> {
    let points = points.map(u16::to_be_bytes);
    boxed(b"colr", &[b"nclx", points.as_flattened(), &[u8::from(full_range) << 7]].concat())
}

/// The picture of a file of 96x64.
fn item(name: &str) -> Item {
    hvc1(96, 64, &fixture(name))
}

#[test]
fn they_are_as_libheif_shows_them() {
    if !has_libheif() {
        return;
    }
    for (name, bits, alpha) in [
        ("pattern", 8, false),
        ("chroma-444", 8, false),
        ("chroma-422", 8, false),
        ("ten-bits", 10, false),
        ("grey", 8, false),
        ("alpha", 8, true),
    ] {
        let source = fixture(&format!("{name}.heic"));
        let info = probe(&source).unwrap();
        assert_eq!((info.format, info.bits, info.alpha), (Format::Heic, bits, alpha), "{name}");
        let (got, want) = (shown(&source), decode(&fixture(&format!("{name}.heic.png"))));
        assert_eq!((info.width, info.height), want.size());
        // Chroma of less samples is interpolated here, and repeated there.
        let is_full = !matches!(name, "pattern" | "chroma-422");
        let found = psnr(&got, &want);
        assert!(found > if is_full { 40.0 } else { 32.0 }, "{name}: {found}");
        if !is_full {
            let Picture { width, height, .. } = want;
            let original = part(&decode(&fixture("pattern.png")), 0, 0, width, height);
            let better = psnr(&got, &original) - psnr(&want, &original);
            assert!(better > 0.2, "{name}: {better}");
        }
        let alphas = || got.pixels.iter().zip(&want.pixels).map(|(got, want)| (got[3], want[3]));
        assert!(alphas().all(|(got, want)| got.abs_diff(want) <= 1), "{name}");
        assert_eq!(got.is_opaque(), !alpha, "{name}");
        let kind = sniff(&transform(&source, &plan("w=40")).unwrap());
        assert_eq!(kind, Some(if alpha { Format::Png } else { Format::Jpeg }), "{name}");
    }
}

#[test]
fn samples_of_which_nothing_is_said_have_a_narrow_range() {
    if !has_libheif() {
        return;
    }
    let got = shown(&heic(&[item("narrow.mp4")]));
    let want = part(&decode(&fixture("pattern.png")), 0, 0, 96, 64);
    let psnr = psnr(&got, &want);
    assert!(psnr > 40.0, "{psnr}");
}

#[test]
fn cells_make_a_picture() {
    if !has_libheif() {
        return;
    }
    let cells = (0..4).map(|number| hvc1(64, 64, &cell(number))).collect::<Vec<_>>();
    let of = |width: u16, height: u16| {
        heic(&[&[grid(2, 2, width, height, vec![2, 3, 4, 5])], cells.as_slice()].concat())
    };
    let all = shown(&of(128, 128));
    let like = psnr(&all, &decode(&fixture("cells.png")));
    assert!(like > 28.0, "{like}");
    // Away from the seams, where chroma is interpolated, each is what it is alone.
    for (number, (x, y)) in (0..).zip([(0, 0), (64, 0), (0, 64), (64, 64)]) {
        let alone = shown(&cell(number));
        assert_eq!(part(&all, x + 4, y + 4, 56, 56), part(&alone, 4, 4, 56, 56), "{number}");
    }
    // The last ones may stick out.
    assert_eq!(part(&shown(&of(127, 121)), 0, 0, 120, 116), part(&all, 0, 0, 120, 116));
    let cut = grid(2, 2, 128, 128, vec![2, 3, 4, 5]);
    // A clean aperture of 40x50 pixels from 10,56 on: their middle is 34 left and 17 below that of all.
    let seen = with(cut, &[clap([(40, 1), (50, 1), (-34, 1), (17, 1)])]);
    let seen = shown(&heic(&[&[seen], cells.as_slice()].concat()));
    assert_eq!(seen.size(), (40, 50));
    assert_eq!(seen, part(&all, 10, 56, 40, 50));
    // One that is made of many, of which no more than a row is in memory.
    let ids = |count: u16| (0..count).map(|number| 2 + number % 4).collect::<Vec<_>>();
    let large = heic(&[&[grid(30, 30, 1920, 1920, ids(900))], cells.as_slice()].concat());
    let small = Plan { metadata: MetadataPolicy::Keep, ..plan("w=160,f=png") };
    let prepared = prepare(&large, &small, &Limits::default()).unwrap();
    assert!(prepared.memory() < 12 << 20, "{}", prepared.memory());
    let shrunk = transformed(&large, &small);
    let whole = transformed(&png(&shown(&large)), &small);
    assert!(psnr(&shrunk, &whole) > 40.0);
}

#[test]
fn they_are_turned_and_cut_as_the_container_says() {
    if !has_libheif() {
        return;
    }
    let of = |properties: &[Vec<u8>]| heic(&[with(item("chroma-444.heic"), properties)]);
    let plain = of(&[]);
    let upright = shown(&plain);
    for (turn, params) in [(1, "rotate=270"), (2, "rotate=180"), (3, "rotate=90")] {
        let turned = of(&[boxed(b"irot", &[turn])]);
        let want = transformed(&plain, &plan(&format!("f=png,{params}")));
        assert_eq!(shown(&turned), want, "{turn}");
    }
    for (axis, params) in [(0, "flip=v"), (1, "flip=h")] {
        let turned = of(&[boxed(b"imir", &[axis])]);
        let want = transformed(&plain, &plan(&format!("f=png,{params}")));
        assert_eq!(shown(&turned), want, "{axis}");
    }
    // What is cut is cut before it is turned.
    let cut = clap([(50, 1), (30, 1), (0, 1), (0, 1)]);
    let cut = shown(&of(&[cut, boxed(b"irot", &[1])]));
    let want = part(&upright, 23, 17, 50, 30);
    assert_eq!(cut, transformed(&png(&want), &plan("f=png,rotate=270")));
    let stored = Plan { orient: false, ..plan("f=png") };
    assert_eq!(transformed(&of(&[boxed(b"irot", &[1])]), &stored), upright);
}

#[test]
fn colours_are_those_of_avif_with_the_same_code_points() {
    if !has_libheif() {
        return;
    }
    for points in [[12, 13, 6], [9, 1, 9], [1, 8, 6], [9, 16, 9]] {
        let [primaries, transfer, matrix] = points;
        let avif = fixture(&format!("nclx-{primaries}-{transfer}-{matrix}.avif"));
        let want = part(&shown(&avif), 0, 0, 96, 64);
        // Its samples were made by another matrix.
        let coded = [primaries, transfer, 6];
        let got = shown(&heic(&[with(item("chroma-444.heic"), &[nclx(coded, true)])]));
        let psnr = psnr(&got, &want);
        assert!(psnr > 34.0, "{points:?}: {psnr}");
    }
    // A profile counts more, wherever it stands.
    let icc = [b"prof", content(&fixture("profile.heic"), b"colr").split_at(4).1].concat();
    let (icc, points) = (boxed(b"colr", &icc), nclx([9, 16, 6], true));
    let keep = Plan { profile: ProfilePolicy::Keep, ..plan("f=png") };
    let of = |colors: &[Vec<u8>]| {
        let file = heic(&[with(item("chroma-444.heic"), colors)]);
        (shown(&file), transformed(&file, &keep))
    };
    let alone = of(std::slice::from_ref(&icc));
    assert_eq!(of(&[icc.clone(), points.clone()]), alone);
    assert_eq!(of(&[points, icc]), alone);
    assert_ne!(alone.0, alone.1);
}

#[test]
fn metadata_goes_as_the_policy_says() {
    if !has_libheif() {
        return;
    }
    let source = fixture("profile.heic");
    // Exif says that it lies on its side.
    assert_eq!(probe(&source).unwrap().orientation, 1);
    let has = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    let asked = |metadata| Plan { metadata, ..plan("w=40,f=jpeg") };
    for (metadata, author, packet) in [
        (MetadataPolicy::Strip, false, false),
        (MetadataPolicy::Copyright, true, false),
        (MetadataPolicy::Keep, true, true),
    ] {
        let out = transform(&source, &asked(metadata)).unwrap();
        assert_eq!(has(&out, b"Ann Other"), author, "{metadata:?}");
        assert_eq!(has(&out, b"xpacket") || has(&out, b"xmpmeta"), packet, "{metadata:?}");
        assert_eq!(probe(&out).unwrap().orientation, 1, "{metadata:?}");
        assert_eq!(decode(&out).size(), (40, 26));
    }
    let kept = Plan { profile: ProfilePolicy::Keep, ..plan("w=40,f=jpeg") };
    assert!(probe(&transform(&source, &kept).unwrap()).unwrap().has_profile);
    assert!(!probe(&transform(&source, &plan("w=40,f=jpeg")).unwrap()).unwrap().has_profile);
}

#[test]
fn alpha_may_be_in_cells_of_its_own_or_multiplied() {
    if !has_libheif() {
        return;
    }
    let plain = shown(&cell(0));
    let veil = |references: &[u8; 4], to: u16| {
        let mut veil = with(hvc1(64, 64, &cell(1)), &[alpha()]);
        veil.references.push((*references, vec![to]));
        veil
    };
    let veiled = shown(&heic(&[hvc1(64, 64, &cell(0)), veil(b"auxl", 1)]));
    assert!(veiled.pixels.iter().zip(&plain.pixels).all(|(got, want)| got[..3] == want[..3]));
    assert!(!veiled.is_opaque());
    let mut colors = hvc1(64, 64, &cell(0));
    colors.references.push((*b"prem", vec![2]));
    let multiplied = shown(&heic(&[colors, veil(b"auxl", 1)]));
    let brighter = |(a, b): (&[u8; 4], &[u8; 4])| a[0] >= b[0] && a[3] == b[3];
    assert!(multiplied.pixels.iter().zip(&veiled.pixels).all(brighter));
    assert_ne!(multiplied, veiled);
    let whole = grid(2, 1, 128, 64, vec![2, 3]);
    let of_cells = heic(&[
        whole,
        hvc1(64, 64, &cell(0)),
        hvc1(64, 64, &cell(0)),
        veil(b"auxl", 2),
        veil(b"auxl", 3),
    ]);
    let of_cells = shown(&of_cells);
    assert_eq!(part(&of_cells, 64, 0, 60, 60).at(30, 20), veiled.at(30, 20));
    // Of another size than its colours.
    let mut other = with(item("chroma-444.heic"), &[alpha()]);
    other.references.push((*b"auxl", vec![1]));
    assert!(refused(&heic(&[hvc1(64, 64, &cell(0)), other])).contains("another size"));
}

/// Why a file is refused, which is before it is decoded.
fn refused(file: &[u8]) -> String {
    let start = Instant::now();
    let error = prepare(file, &plan("w=8"), &Limits::default()).map(|_| ()).unwrap_err();
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    assert!(matches!(error.word(), "unsupported_format" | "decode_failed" | "too_many_pixels"));
    error.to_string()
}

/// The highest bit first.
#[derive(Default)]
struct BitWriter(Vec<bool>);

impl BitWriter {
    fn bits(&mut self, value: u32, count: u32) {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
    }

    fn exponential(&mut self, value: u32) {
        let len = (value + 1).ilog2();
        self.bits(0, len);
        self.bits(value + 1, len + 1);
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            (0..8).fold(0, |byte, at| byte << 1 | u8::from(bits.get(at) == Some(&true)))
        };
        self.0.chunks(8).map(byte).collect()
    }
}

/// A configuration with one sequence of a size, and so many sets of the picture.
fn configuration(width: u32, height: u32, sets: u16) -> Vec<u8> {
    let mut sps = BitWriter::default();
    sps.bits(0, 8);
    // So that nothing looks like a start code.
    (0..12).for_each(|_| sps.bits(0xff, 8));
    for value in [0, 1, width, height] {
        sps.exponential(value);
    }
    sps.bits(0, 1);
    for value in [0, 0, 4] {
        sps.exponential(value);
    }
    sps.bits(1, 1);
    (0..9).for_each(|_| sps.exponential(0));
    sps.bits(0, 4);
    sps.exponential(0);
    sps.bits(0, 4);
    let unit = [&[0x42, 1], sps.bytes().as_slice()].concat();
    let mut data = vec![1; 21];
    data.extend([0xff, 2, 33, 0, 1, 0, unit.len() as u8]);
    data.extend(unit);
    data.push(34);
    data.extend(sets.to_be_bytes());
    (0..sets).for_each(|_| data.extend([0, 3, 0x44, 1, 0xff]));
    data
}

/// An item that has so much to be decoded, as it says.
fn promise(width: u32, height: u32, sets: u16) -> Item {
    let slice = [0, 0, 0, 4, 0x26, 1, 0x80, 0];
    Item {
        kind: *b"hvc1",
        data: slice.to_vec(),
        properties: vec![ispe(64, 64), boxed(b"hvcC", &configuration(width, height, sets))],
        references: vec![],
    }
}

#[test]
fn promises_are_held_against_limits_before_anything_is_decoded() {
    if !has_libheif() {
        return;
    }
    let plan = plan("w=8");
    assert!(prepare(&heic(&[promise(64, 64, 1)]), &plan, &Limits::default()).is_ok());
    assert!(refused(&heic(&[promise(65535, 65535, 1)])).contains("65535x65535"));
    // Of a cell, and of all that is cut away.
    let cells = [grid(2, 1, 128, 64, vec![2, 3]), promise(64, 64, 1), promise(40000, 40000, 1)];
    refused(&heic(&cells));
    for sets in [16, 60000] {
        assert!(refused(&heic(&[promise(64, 64, sets)])).contains("configuration"), "{sets}");
    }
    let many = vec![hvc1(64, 64, &cell(0)); 10_000];
    assert!(refused(&heic(&many)).contains("4096"));
    let one = hvc1(64, 64, &cell(0));
    let mut huge = grid(1, 1, 65535, 65535, vec![2; 65535]);
    huge.data[2..4].fill(255);
    assert!(refused(&heic(&[huge.clone(), one.clone()])).contains("references"));
    huge.references[0].1.truncate(4000);
    assert!(refused(&heic(&[huge, one.clone()])).contains("1024 cells"));
    let nested = heic(&[grid(1, 1, 64, 64, vec![1]), one.clone()]);
    assert!(refused(&nested).contains("grids in grids"));
    let nested = heic(&[grid(1, 1, 64, 64, vec![2]), grid(1, 1, 64, 64, vec![3]), one.clone()]);
    assert!(refused(&nested).contains("grids in grids"));
    // More units than a picture has, two pictures, one that needs others, parameters that change.
    let with_data = |data: &[u8]| heic(&[Item { data: data.to_vec(), ..one.clone() }]);
    assert!(refused(&with_data(&[0, 0, 0, 2, 0x4e, 1].repeat(5000))).contains("makes no sense"));
    assert!(refused(&with_data(&one.data.repeat(2))).contains("makes no sense"));
    let other = [&one.data[..], &[0, 0, 0, 3, 2, 1, 0x80]].concat();
    assert!(refused(&with_data(&other)).contains("needs others"));
    let changed = [&[0, 0, 0, 4, 0x44, 1, 7, 7][..], &one.data].concat();
    assert!(refused(&with_data(&changed)).contains("makes no sense"));
}

/// By the lengths that its configuration says, the data of a picture is harmless; by those that libheif reads it has
/// parameters and slices that were never counted.
#[test]
fn no_picture_is_read_in_two_ways() {
    if !has_libheif() {
        return;
    }
    let one = hvc1(64, 64, &cell(0));
    let hidden = one.data.clone();
    // By two bytes: a remark of two, then remarks that are as long as they can be, then a slice.
    let mut data = vec![0, 2, 0x4e, 1];
    let remark = |len: u16| {
        let mut unit = len.to_be_bytes().to_vec();
        unit.extend([0x4e, 1]);
        unit.resize(2 + usize::from(len), 0);
        unit
    };
    (0..2).for_each(|_| data.extend(remark(60_000)));
    let mut last = remark(60_000);
    // By four, the first remark ends there.
    let at = 4 + 0x0002_4e01 - data.len();
    last[at..at + hidden.len()].copy_from_slice(&hidden);
    data.extend(last);
    data.extend([0, 3, 0x26, 1, 0x80]);
    for length in 0..3 {
        let mut configuration = content(&cell(0), b"hvcC").to_vec();
        configuration[21] = configuration[21] & !3 | length;
        let properties = vec![ispe(64, 64), boxed(b"hvcC", &configuration)];
        let file = heic(&[Item { data: data.clone(), properties, ..one.clone() }]);
        let why = refused(&file);
        assert!(why.ends_with(&format!("lengths of {} bytes", length + 1)), "{why}");
    }
}

/// What it takes to find the cells does not grow by how often something is said.
#[test]
fn what_is_said_again_and_again_is_counted() {
    if !has_libheif() {
        return;
    }
    let one = hvc1(64, 64, &cell(0));
    let with_references = |boxes: &[Vec<u8>]| {
        let file = heic(std::slice::from_ref(&one));
        let meta = full(b"meta", 0, 0, &[&content(&file, b"meta")[4..], &boxes.concat()].concat());
        let at = file.windows(4).position(|kind| kind == b"meta").unwrap() - 4;
        let behind = file.windows(4).position(|kind| kind == b"mdat").unwrap() - 4;
        [&file[..at], &meta, &file[behind..]].concat()
    };
    // Each box alone has few enough; each reference is to nothing.
    let nothing = boxed(b"auxl", &[0, 9, 0, 0]);
    let some = full(b"iref", 0, 0, &nothing.repeat(4000));
    assert!(refused(&with_references(&[some.clone(), some.clone(), some])).contains("references"));
    let four = boxed(b"auxl", &[&[0, 9, 0, 4][..], &[0, 1].repeat(4)].concat());
    let some = full(b"iref", 0, 0, &four.repeat(1000));
    assert!(refused(&with_references(&[some.clone(), some])).contains("references"));
    // Each picture is another, but most of each are the same bytes: remarks, before those that show it.
    let remark = [0, 0, 0, 2, 0x4e, 1];
    let long = Item { data: [&remark.repeat(1024), &one.data[..]].concat(), ..one.clone() };
    let len = long.data.len() as u32;
    let mut items = vec![grid(32, 32, 2048, 2048, (2..1026).collect()), long];
    items.extend(vec![Item { data: vec![0], ..one }; 1023]);
    let mut file = heic(&items);
    let at = file.windows(4).position(|kind| kind == b"iloc").unwrap() + 12;
    let places = &mut file[at + 14..];
    let start = u32::from_be_bytes(places[6..10].try_into().unwrap());
    for (number, place) in (0..).zip(places.chunks_mut(14).take(1024)) {
        place[6..10].copy_from_slice(&(start + number * 6).to_be_bytes());
        place[10..].copy_from_slice(&(len - number * 6).to_be_bytes());
    }
    let why = refused(&file);
    assert!(why.contains("overlap"), "{why}");
}

#[test]
fn pieces_that_overlap_are_not_copied_without_end() {
    if !has_libheif() {
        return;
    }
    // All cells are the same bytes; those of one are pieces of these.
    let mut items = vec![grid(32, 32, 2048, 2048, (2..1026).collect())];
    items.extend(vec![hvc1(64, 64, &cell(0)); 1024]);
    let mut file = heic(&items);
    let at = file.windows(4).position(|kind| kind == b"iloc").unwrap() + 12;
    let place = file[at + 14 + 6..at + 28].to_vec();
    for entry in file[at + 14..].chunks_mut(14).take(1024) {
        entry[6..].copy_from_slice(&place);
    }
    let start = Instant::now();
    let plan = plan("w=64,f=png");
    let prepared = prepare(&file, &plan, &Limits::default()).unwrap();
    assert!(start.elapsed() < Duration::from_millis(500));
    assert!(prepared.memory() < 64 << 20);
    // It ends when its time is over, between two of them.
    let control = Control::new(Some(Instant::now() + Duration::from_millis(300)));
    let start = Instant::now();
    let _ = prepared.run(&control);
    assert!(start.elapsed() < Duration::from_millis(600), "{:?}", start.elapsed());
}

#[test]
fn whatever_is_lost_or_wrong_it_ends() {
    if !has_libheif() {
        return;
    }
    let source = cell(0);
    let judge = |file: &[u8]| {
        let start = Instant::now();
        let outcome = transform(file, &plan("f=png"));
        assert!(!matches!(outcome, Err(Error::Internal(_) | Error::Timeout)), "{outcome:?}");
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        outcome.is_ok()
    };
    for len in 0..source.len() {
        assert!(!judge(&source[..len]), "{len}");
    }
    let header = source.windows(4).position(|kind| kind == b"mdat").unwrap();
    let mut outcomes = [0, 0];
    for at in 0..header + 40 {
        for bit in [0, 2, 5, 7] {
            let mut broken = source.clone();
            broken[at] ^= 1 << bit;
            outcomes[usize::from(judge(&broken))] += 1;
        }
    }
    assert!(outcomes.iter().all(|&count| count > 100), "{outcomes:?}");
    for at in (header..source.len()).step_by(7) {
        let mut broken = source.clone();
        broken[at] ^= 0x55;
        judge(&broken);
    }
}

#[test]
fn it_is_read_only_where_that_is_wanted() {
    let off = Plan { heif: HeifPolicy::Off, ..plan("w=8") };
    let refused = prepare(&cell(0), &off, &Limits::default()).map(|_| ()).unwrap_err();
    assert_eq!(refused, Error::UnsupportedFormat("HEIC".to_owned()));
    let sequence = [boxed(b"ftyp", b"msf1\0\0\0\0msf1hevc"), boxed(b"moov", b"")].concat();
    assert!(probe(&sequence).unwrap_err().to_string().contains("only a sequence"));
    let other = heic(&[Item { kind: *b"jpeg", ..hvc1(64, 64, &cell(0)) }]);
    assert!(probe(&other).unwrap_err().to_string().contains("HEIC of jpeg items"));
}

/// An item whose last unit has but so many bytes.
fn cut(mut item: Item, bytes: usize) -> Item {
    let mut at = 0;
    loop {
        let len = u32::from_be_bytes(item.data[at..at + 4].try_into().unwrap()) as usize;
        if at + 4 + len >= item.data.len() {
            break;
        }
        at += 4 + len;
    }
    item.data.truncate(at + 4 + bytes);
    item.data[at..at + 4].copy_from_slice(&(bytes as u32).to_be_bytes());
    item
}

#[test]
fn what_was_not_decoded_is_nobody_elses() {
    if !has_libheif() {
        return;
    }
    let outcome = |source: &[u8], damaged: DamagePolicy| {
        transform(source, &Plan { damaged, ..plan("f=png") })
    };
    for name in ["pattern", "chroma-444", "chroma-422", "ten-bits"] {
        let whole = item(&format!("{name}.heic")).data.len();
        for bytes in (6..whole - 16).step_by(whole / 12) {
            let source = heic(&[cut(item(&format!("{name}.heic")), bytes)]);
            let made = [1, 0x55, 0xff].map(|left| {
                // What others leave in memory.
                let blocks: Vec<Vec<u8>> = (8..17).map(|bits| vec![left; 1 << bits]).collect();
                drop(std::hint::black_box(blocks));
                outcome(&source, DamagePolicy::Lenient)
            });
            assert!(made[1..].iter().all(|other| *other == made[0]), "{name} {bytes}");
            let ends = matches!(&made[0], Ok(_) | Err(Error::DecodeFailed(_)));
            assert!(ends, "{name} {bytes}: {:?}", made[0].as_ref().err());
        }
    }
    // 640x480, of which libde265 decodes nothing, and finds nothing wrong.
    let source = fixture("undecoded.heic");
    assert_eq!(probe(&source).map(|info| (info.width, info.height)), Ok((640, 480)));
    let refused = outcome(&source, DamagePolicy::Strict);
    let refuses = matches!(&refused, Err(Error::DecodeFailed(why)) if why.contains("not decoded"));
    assert!(refuses, "{:?}", refused.err());
    // One colour, which is nothing of anybody's.
    let shown = decode(&outcome(&source, DamagePolicy::Lenient).unwrap());
    assert!(shown.pixels.iter().all(|pixel| *pixel == shown.at(0, 0)));
}
