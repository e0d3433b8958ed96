//! AVIF by its boxes: grids, alpha, apertures and sequences, and what is no picture anybody makes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::heif::*;
use common::*;
use image_gate_core::image::{Control, DamagePolicy, Error, Limits, Output, Plan, prepare, probe};

/// The parts of this test's pictures, each one different.
fn cell(number: u32) -> Picture {
    Picture::new(64, 48, |x, y| [(x * 4) as u8, (y * 5) as u8, (number * 60) as u8, 255])
}

fn shown(file: &[u8]) -> Picture {
    transformed(file, &plan("f=png"))
}

fn refused(file: &[u8]) -> Error {
    let start = Instant::now();
    let plan = plan("w=8");
    let error = prepare(file, &plan, &Limits::default()).map(|_| ()).unwrap_err();
    // None of them takes a millisecond; some took a minute.
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    error
}

fn part(of: &Picture, x: u32, y: u32, width: u32, height: u32) -> Picture {
    Picture::new(width, height, |i, j| of.at(x + i, y + j))
}

#[test]
fn frames_of_a_sample_are_bounded() {
    let sample = sample(&cell(1), 90);
    let (header, frame) = split(&sample);
    let times = |count: usize| {
        let frames = std::iter::repeat_n(frame, count).collect::<Vec<_>>().concat();
        file(&[av1(64, 48, &[header, &frames].concat())])
    };
    let one = shown(&times(1));
    assert!(psnr(&one, &cell(1)) > 30.0);
    for count in [2, 4, 8] {
        assert_eq!(shown(&times(count)), one, "{count}");
    }
    for count in [9, 2000] {
        assert!(matches!(refused(&times(count)), Error::TooManyFrames(_)), "{count}");
    }
    // Each cell is counted, and so is alpha.
    let bomb = av1(64, 48, &[header, &[frame; 9].concat()].concat());
    let good = av1(64, 48, &sample);
    let cells = file(&[grid(2, 1, 128, 48, vec![2, 3]), good.clone(), bomb.clone()]);
    assert!(matches!(refused(&cells), Error::TooManyFrames(_)));
    let mut alpha_bomb = bomb;
    alpha_bomb.properties.push(alpha());
    alpha_bomb.references.push((*b"auxl", vec![1]));
    assert!(matches!(refused(&file(&[good, alpha_bomb])), Error::TooManyFrames(_)));
    // Units that are no frames.
    let padding = [0x7a, 0].repeat(9000);
    let padded = file(&[av1(64, 48, &[header, &padding, frame].concat())]);
    assert!(matches!(refused(&padded), Error::UnsupportedFormat(_)));
}

/// A unit of AV1, its length in it.
fn unit(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut unit = vec![kind << 3 | 2];
    let mut len = payload.len();
    while len >= 0x80 {
        unit.push(len as u8 | 0x80);
        len >>= 7;
    }
    unit.push(len as u8);
    [unit.as_slice(), payload].concat()
}

/// A frame's header, and its tiles: those of a unit of both, cut where a decoder takes them.
fn parts_of_a_frame(sample: &[u8], is_whole: impl Fn(&[u8]) -> bool) -> (Vec<u8>, Vec<u8>) {
    let (_, frame) = split(sample);
    let start = 2 + frame[1..].iter().take_while(|&&byte| byte & 0x80 != 0).count();
    let payload = &frame[start..];
    (1..40)
        .map(|cut| payload.split_at(cut))
        .map(|(header, tiles)| ([header, &[0x80]].concat(), tiles.to_vec()))
        .find(|(header, tiles)| is_whole(&[unit(3, header), unit(4, tiles)].concat()))
        .unwrap()
}

/// Decodes a file, or fails where that takes ten seconds; what waits for ever uses no time of a
/// processor, so that no other bound ends it.
fn decoded_in_time(input: &[u8]) -> Result<Picture, Error> {
    let (plan, limits) = (plan("w=64,f=png"), Limits::default());
    let control = Control::new(Some(Instant::now() + Duration::from_secs(10)));
    let prepared = prepare(input, &plan, &limits)?;
    let result = prepared.run(&control).map(|done| match done.output {
        Output::Encoded(bytes) => decode(&bytes),
        _ => panic!("a file of another format"),
    });
    assert!(!matches!(result, Err(Error::Timeout)), "nothing was to be waited for");
    result
}

#[test]
fn whatever_follows_a_frame_is_not_waited_for() {
    // One that is decoded at once, and one on threads.
    for (width, height) in [(64, 48), (4160, 640)] {
        let picture = Picture::new(width, height, |x, y| [(x * 4) as u8, (y * 5) as u8, 90, 255]);
        let sample = sample(&picture, 90);
        let (header, frame) = split(&sample);
        let of = |units: &[u8]| file(&[av1(width, height, &[header, units].concat())]);
        let one = decoded_in_time(&of(frame)).unwrap();
        let whole = |units: &[u8]| decoded_in_time(&of(units)).is_ok_and(|shown| shown == one);
        let (head, tiles) = parts_of_a_frame(&sample, whole);
        let apart = [unit(3, &head), unit(4, &tiles)].concat();
        // Padding, metadata, and what is not known.
        for kind in [15, 5, 9, 2] {
            let other = unit(kind, if kind == 2 { &[] } else { &[0, 0, 0x80] });
            for times in [1, 3] {
                assert!(whole(&[frame, &other].concat().repeat(times)), "{kind}");
                assert!(whole(&[apart.as_slice(), &other].concat().repeat(times)), "{kind}");
            }
        }
        // Tiles that never come, twice, or without a header.
        for units in [
            unit(3, &head),
            unit(4, &tiles),
            [apart.clone(), unit(4, &tiles)].concat(),
            [apart.clone(), unit(3, &head)].concat(),
            [unit(3, &head), apart.clone()].concat(),
            [apart.clone(), unit(7, &head)].concat(),
        ] {
            let _ = decoded_in_time(&of(&units));
        }
        if width > 4096 {
            // The first of two tiles alone.
            let first = [&[0x80], &tiles[1..]].concat();
            assert!(decoded_in_time(&of(&[unit(3, &head), unit(4, &first)].concat())).is_err());
        }
        // A second copy of a header begins a frame where the one before is whole.
        let again = [unit(7, &head), unit(4, &tiles)].concat();
        let many = of(&[apart.as_slice(), &again.repeat(2000)].concat());
        assert!(matches!(refused(&many), Error::TooManyFrames(_)));
        for bit in 0..8 {
            let mut flipped = [apart.as_slice(), &unit(15, &[0; 9]), frame].concat();
            flipped[0] ^= 1 << bit;
            let _ = decoded_in_time(&of(&flipped));
        }
    }
}

#[test]
fn tables_are_bounded() {
    const MANY: u32 = 80_000;
    let meta = |boxes: &[Vec<u8>]| {
        let ftyp = boxed(b"ftyp", b"avif\0\0\0\0avifmif1miaf");
        let pitm = full(b"pitm", 1, 0, &1u32.to_be_bytes());
        let hdlr = full(b"hdlr", 0, 0, b"\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0");
        let boxes = [&[hdlr, pitm], boxes].concat().concat();
        [ftyp, full(b"meta", 0, 0, &boxes)].concat()
    };
    let numbered = |each: &dyn Fn(u32) -> Vec<u8>| {
        let entries = (1..=MANY).flat_map(each).collect::<Vec<_>>();
        [MANY.to_be_bytes().to_vec(), entries].concat()
    };
    let item = |id: u32| full(b"infe", 3, 0, &[&id.to_be_bytes()[..], b"\0\0av01\0"].concat());
    let few = |count: u32| {
        let entries = (1..=count).flat_map(item).collect::<Vec<_>>();
        full(b"iinf", 1, 0, &[count.to_be_bytes().to_vec(), entries].concat())
    };
    let properties = |ipco: Vec<u8>, ipma: Vec<u8>| {
        boxed(b"iprp", &[boxed(b"ipco", &ipco), full(b"ipma", 1, 0, &ipma)].concat())
    };
    let place = |id: u32| [&id.to_be_bytes()[..], &[0, 0, 0, 0, 0, 0]].concat();
    let iloc = [&[0x44, 0][..], &numbered(&place)].concat();
    let extents =
        [&[0x44, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0xff, 0xff][..], &[0; 8 * 0xffff]].concat();
    let reference = |id: u32| boxed(b"dimg", &[id.to_be_bytes(), [0, 1, 0, 0]].concat());
    let references = (0..MANY).flat_map(|id| {
        let mut entry = reference(id);
        entry[3] += 2;
        entry.extend([0, 1]);
        entry
    });
    let one_of_many =
        [[0, 0, 0, 1].as_slice(), &0xffffu16.to_be_bytes(), &[0; 4 * 0xffff]].concat();
    for (name, file) in [
        (
            "ipma",
            meta(&[properties(vec![], numbered(&|id| [&id.to_be_bytes()[..], &[0]].concat()))]),
        ),
        ("iinf", meta(&[few(MANY)])),
        ("iinf that lies", meta(&[full(b"iinf", 1, 0, &MANY.to_be_bytes())])),
        ("infe", meta(&[few(1), few(MANY)])),
        ("iloc", meta(&[full(b"iloc", 2, 0, &iloc)])),
        ("extents", meta(&[full(b"iloc", 2, 0, &extents)])),
        ("iref", meta(&[full(b"iref", 1, 0, &references.collect::<Vec<_>>())])),
        ("one reference", meta(&[full(b"iref", 1, 0, &boxed(b"dimg", &one_of_many))])),
        ("ipco", meta(&[properties(boxed(b"free", &[]).repeat(80_000), vec![0; 4])])),
        ("boxes", meta(&[boxed(b"free", &[]).repeat(80_000)])),
        ("boxes of the file", boxed(b"free", &[]).repeat(80_000)),
    ] {
        let file = if name == "boxes of the file" {
            [boxed(b"ftyp", b"avif\0\0\0\0avifmif1miaf"), file].concat()
        } else {
            file
        };
        assert!(
            matches!(refused(&file), Error::UnsupportedFormat(_)),
            "{name}: {:?}",
            refused(&file)
        );
        // So does what only asks for the size.
        let start = Instant::now();
        assert!(probe(&file).is_err(), "{name}");
        assert!(start.elapsed() < Duration::from_secs(2), "{name}: {:?}", start.elapsed());
    }
    // As many as there are in the largest grid with alpha.
    let many = meta(&[few(1024)]);
    assert!(matches!(refused(&many), Error::DecodeFailed(_)), "{:?}", refused(&many));
}

#[test]
fn a_grid_is_put_together() {
    let cells: Vec<Item> = (0..6).map(|i| av1(64, 48, &sample(&cell(i), 95))).collect();
    let whole = Picture::new(170, 91, |x, y| cell(y / 48 * 3 + x / 64).at(x % 64, y % 48));
    let ids = (2..8).collect::<Vec<u16>>();
    let items = [&[grid(3, 2, 170, 91, ids.clone())], cells.as_slice()].concat();
    let found = shown(&file(&items));
    assert_eq!(found.size(), (170, 91));
    assert!(psnr(&found, &whole) > 29.0, "{}", psnr(&found, &whole));

    // With alpha of one piece, of another grid, and of each cell.
    let slope = |width, height, from: u32| {
        Picture::new(width, height, move |x, _| [((from + x) * 255 / 170).min(255) as u8; 4])
    };
    let opaque = |picture: Picture| {
        Picture::new(picture.width, picture.height, |x, y| {
            let [r, g, b, _] = picture.at(x, y);
            [r, g, b, 255]
        })
    };
    let mut plain = av1(170, 91, &sample(&opaque(slope(170, 91, 0)), 95));
    plain.properties.push(alpha());
    plain.references.push((*b"auxl", vec![1]));
    let with_plain = [items.as_slice(), &[plain]].concat();

    let mut of_grid = grid(3, 2, 170, 91, (9..15).collect());
    of_grid.properties.push(alpha());
    of_grid.references.push((*b"auxl", vec![1]));
    let slopes: Vec<Item> =
        (0..6).map(|i| av1(64, 48, &sample(&opaque(slope(64, 48, i % 3 * 64)), 95))).collect();
    let with_grid = [items.as_slice(), &[of_grid], &slopes].concat();

    let of_cells = slopes.iter().zip(&ids).map(|(slope, &id)| {
        let mut slope = slope.clone();
        slope.properties.push(alpha());
        slope.references.push((*b"auxl", vec![id]));
        slope
    });
    let with_cells = [items.as_slice(), &of_cells.collect::<Vec<_>>()].concat();
    for (name, items) in [("plain", with_plain), ("grid", with_grid), ("cells", with_cells)] {
        let input = file(&items);
        assert!(probe(&input).unwrap().alpha, "{name}");
        let found = shown(&input);
        for x in (0..170).step_by(10) {
            let (alpha, expected) = (found.at(x, 50)[3], (x * 255 / 170) as u8);
            assert!(alpha.abs_diff(expected) <= 6, "{name}: {alpha} instead of {expected} at {x}");
        }
        assert!(psnr(&opaque(found), &whole) > 29.0, "{name}");
    }
}

#[test]
fn a_grid_of_other_cells_is_refused() {
    let cells = |count: usize| vec![av1(64, 48, &sample(&cell(0), 80)); count];
    for (name, grid) in [
        ("too few", grid(2, 2, 128, 96, vec![2, 3, 4])),
        ("too many", grid(2, 1, 128, 48, vec![2, 3, 4])),
        ("larger than its cells", grid(2, 1, 129, 48, vec![2, 3])),
        ("a column that is not seen", grid(2, 1, 64, 48, vec![2, 3])),
        ("itself", grid(1, 1, 64, 48, vec![1])),
        ("nothing", grid(1, 1, 64, 48, vec![77])),
        ("a cell for each of many", grid(255, 255, 64, 48, vec![2; 65025])),
    ] {
        let input = file(&[&[grid], cells(3).as_slice()].concat());
        let error = refused(&input);
        assert!(
            matches!(error, Error::DecodeFailed(_) | Error::UnsupportedFormat(_)),
            "{name}: {error:?}"
        );
    }
    // Cells of other sizes.
    let mixed = [grid(2, 1, 128, 48, vec![2, 3]), av1(64, 48, &sample(&cell(0), 80))];
    let other = Picture::new(64, 64, |_, _| [9, 9, 9, 255]);
    let input = file(&[&mixed[..], &[av1(64, 64, &sample(&other, 80))]].concat());
    assert!(matches!(refused(&input), Error::DecodeFailed(_)));
}

#[test]
fn an_aperture_is_honoured() {
    let sample = sample(&cell(2), 95);
    let with = |property: Vec<u8>| {
        let mut item = av1(64, 48, &sample);
        item.properties.push(property);
        item
    };
    let whole = shown(&file(&[av1(64, 48, &sample)]));
    // 20x10, its middle 4 to the right of and 3 above that of the picture.
    let input = file(&[with(clap([(20, 1), (10, 1), (4, 1), (-3, 1)]))]);
    assert_eq!(shown(&input), part(&whole, 26, 16, 20, 10));
    let info = probe(&input).unwrap();
    assert_eq!((info.width, info.height), (20, 10));
    // Halves that are whole pixels, and numbers that can be reduced.
    let input = file(&[with(clap([(42, 2), (11, 1), (1, 2), (-1, 2)]))]);
    assert_eq!(shown(&input), part(&whole, 22, 18, 21, 11));
    // First it is cut, then turned.
    let mut item = with(clap([(20, 1), (10, 1), (4, 1), (-3, 1)]));
    item.properties.push(boxed(b"irot", &[1]));
    let turned = shown(&file(&[item]));
    let cut = part(&whole, 26, 16, 20, 10);
    assert_eq!(turned, Picture::new(10, 20, |x, y| cut.at(19 - y, x)));
    // What is none of whole pixels within the picture is not there.
    for numbers in [
        [(20, 1), (10, 1), (1, 2), (0, 1)],
        [(20, 3), (10, 1), (0, 1), (0, 1)],
        [(20, 0), (10, 1), (0, 1), (0, 1)],
        [(65, 1), (48, 1), (0, 1), (0, 1)],
        [(20, 1), (10, 1), (23, 1), (0, 1)],
        [(-20, 1), (10, 1), (0, 1), (0, 1)],
        [(i32::MAX, u32::MAX), (i32::MIN, 1), (i32::MIN, 1), (i32::MAX, u32::MAX)],
    ] {
        assert_eq!(shown(&file(&[with(clap(numbers))])), whole, "{numbers:?}");
    }
}

/// As libavif writes it, and browsers show it.
#[test]
fn pictures_of_a_sequence_are_turned_by_their_properties() {
    let marked = |x: u32, y: u32| {
        [if x < 20 && y < 20 { 255 } else { 0 }, if x > 40 { 255 } else { 0 }, 60, 255]
    };
    let picture = Picture::new(64, 48, marked);
    let one = sample(&picture, 95);
    let (turn, mirror) = (boxed(b"irot", &[1]), boxed(b"imir", &[0]));
    for properties in [vec![turn.clone()], vec![mirror.clone()], vec![turn, mirror]] {
        let mut item = av1(64, 48, &one);
        item.properties.extend(properties.iter().cloned());
        let still = transformed(&file(&[item]), &plan("f=png"));
        let moving = sequence_with(64, 48, &[&one, &one], &properties);
        assert_eq!(probe(&moving).unwrap().frames, 2);
        for params in ["f=png", "f=png,anim=off"] {
            assert!(psnr(&transformed(&moving, &plan(params)), &still) > 40.0, "{params}");
        }
    }
}

#[test]
fn the_first_image_of_a_sequence() {
    let samples = [sample(&cell(0), 90), sample(&cell(3), 90)];
    let input = sequence(64, 48, &[&samples[0], &samples[1]]);
    let info = probe(&input).unwrap();
    assert_eq!((info.width, info.height, info.frames), (64, 48, 2));
    assert!(psnr(&shown(&input), &cell(0)) > 30.0);
    let (header, frame) = split(&samples[0]);
    let bomb = [header, &frame.repeat(100)].concat();
    assert!(matches!(refused(&sequence(64, 48, &[&bomb])), Error::TooManyFrames(_)));
}

/// How many pictures of a sequence are shown, and for how many milliseconds all together.
fn pictures(input: &[u8], policy: DamagePolicy) -> Result<(u32, u64), Error> {
    let limits = Limits { frames: 1 << 16, ..Limits::default() };
    let plan = Plan { damaged: policy, ..plan("f=png") };
    let start = Instant::now();
    let prepared = prepare(input, &plan, &limits)?;
    let control = Control::new(Some(Instant::now() + Duration::from_secs(20)));
    let Output::Encoded(made) = prepared.run(&control)?.output else { panic!("not encoded") };
    // Most of it is what the frames take that there are.
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let decoder = png::Decoder::new(std::io::Cursor::new(&made));
    let mut reader = decoder.read_info().unwrap();
    let Some(&control) = reader.info().animation_control() else { return Ok((1, 0)) };
    let mut shown = 0;
    for _ in 0..control.num_frames {
        reader.next_frame(&mut vec![0; reader.output_buffer_size().unwrap()]).unwrap();
        let frame = reader.info().frame_control().unwrap();
        shown += u64::from(frame.delay_num) * 1000 / u64::from(frame.delay_den);
    }
    Ok((control.num_frames, shown))
}

#[test]
fn tables_of_a_sequence_are_held_against_each_other() {
    use DamagePolicy::{Lenient, Strict};
    let samples = [0, 1, 2].map(|number| sample(&cell(number), 60));
    let data = samples.concat();
    let ends = [0, samples[0].len(), samples[0].len() + samples[1].len()].map(|at| at as u32);
    let lengths = samples.each_ref().map(|sample| sample.len() as u32);
    let right = |start: u32| Tables {
        durations: vec![2, 1, 40, 2, 50],
        chunks: vec![2, 1, 1, 1, 2, 2, 1],
        lengths: [&[0, 3][..], &lengths].concat(),
        offsets: vec![2, start, start + ends[1]],
    };
    let with = |change: &dyn Fn(&mut Tables)| {
        sequence_by(64, 48, &data, |start| {
            let mut tables = right(start);
            change(&mut tables);
            tables
        })
    };
    for policy in [Lenient, Strict] {
        assert_eq!(pictures(&with(&|_| ()), policy), Ok((3, 140)));
        // Durations that are not told are those before.
        let untold = with(&|tables| tables.durations = vec![1, 1, 30]);
        assert_eq!(pictures(&untold, policy), Ok((3, 90)));
        let none = with(&|tables| tables.durations = vec![u32::MAX]);
        assert_eq!(pictures(&none, policy), Ok((3, 0)));
        // They may be any, for which PNG has no word.
        let long = with(&|tables| tables.durations = vec![1, u32::MAX, u32::MAX]);
        assert_eq!(pictures(&long, policy), Ok((3, 3 * 65_535_000)));
    }
    // What there is before something is wrong is shown.
    let broken: [(&str, u32, Vec<u8>); 6] = [
        ("an empty chunk", 1, with(&|tables| tables.chunks[5] = 0)),
        (
            "a chunk that is not there",
            1,
            with(&|tables| tables.offsets = vec![1, tables.offsets[1]]),
        ),
        ("few are in chunks", 2, with(&|tables| tables.chunks = vec![1, 1, 1, 1])),
        ("one behind the end", 2, with(&|tables| tables.lengths[4] = 1 << 30)),
        ("a chunk behind the end", 1, with(&|tables| tables.offsets[2] = u32::MAX)),
        ("half a sample", 1, with(&|tables| tables.lengths[3] /= 2)),
    ];
    for (name, shown, input) in &broken {
        let found = pictures(input, Lenient).map(|(count, _)| count);
        assert_eq!(found, Ok(*shown), "{name}");
        assert!(matches!(pictures(input, Strict), Err(Error::DecodeFailed(_))), "{name}");
    }
    // Another size, of the frame or of all of them.
    for other in [sample(&Picture::new(62, 48, |_, _| [9; 4]), 60), sample(&photo(300, 200), 60)] {
        let input = sequence(64, 48, &[&samples[0], &samples[1], &other, &samples[2]]);
        assert_eq!(pictures(&input, Lenient).map(|(count, _)| count), Ok(2));
        assert!(pictures(&input, Strict).is_err());
    }
}

#[test]
fn samples_of_a_sequence_are_bounded() {
    use DamagePolicy::{Lenient, Strict};
    let one = sample(&cell(1), 60);
    let len = one.len() as u32;
    let many = |lengths: Vec<u32>, chunks: Vec<u32>, offsets: u32| {
        sequence_by(64, 48, &one, |start| Tables {
            durations: vec![1, u32::MAX, 1],
            chunks: chunks.clone(),
            lengths: lengths.clone(),
            offsets: [offsets].into_iter().chain(vec![start; offsets as usize]).collect(),
        })
    };
    // More than anything has, without a table.
    let endless = many(vec![len, u32::MAX], vec![1, 1, u32::MAX, 1], 1);
    assert!(matches!(refused(&endless), Error::TooManyFrames(_)));
    // The same one again and again, up to as many bytes as the file has, twice.
    let again = many(vec![len, 20_000], vec![1, 1, 1, 1], 20_000);
    let all = 2 * again.len() as u64 / u64::from(len);
    let (count, _) = pictures(&again, Lenient).unwrap();
    assert_eq!(u64::from(count), all);
    assert!(matches!(pictures(&again, Strict), Err(Error::DecodeFailed(_))));
    // A table of lengths that is longer than the file.
    let short = many(vec![0, 60_000, len], vec![1, 1, 1, 1], 1);
    assert!(matches!(pictures(&short, Lenient), Err(Error::DecodeFailed(_))));
    // Frames of each sample.
    let (header, frame) = split(&one);
    let bomb = [header, &frame.repeat(9)].concat();
    let input = sequence(64, 48, &[&one, &one, &bomb]);
    assert_eq!(pictures(&input, Lenient).map(|(count, _)| count), Ok(2));
    assert!(matches!(pictures(&input, Strict), Err(Error::DecodeFailed(_))));
    // All of them are within the limits, or there is the first.
    let three = sequence(64, 48, &[&one, &one, &one]);
    let few = Limits { pixels: 64 * 48 * 3 - 1, ..Limits::default() };
    let prepared = |policy: DamagePolicy| {
        let plan = Plan { damaged: policy, ..plan("f=png,w=32") };
        prepare(&three, &plan, &few).and_then(|prepared| prepared.run(&Control::default()))
    };
    assert!(matches!(prepared(Strict), Err(Error::TooManyPixels(_))));
    assert!(prepared(Lenient).is_ok());
}

#[test]
fn a_sequence_is_left_at_any_step() {
    let samples = [0, 1, 2].map(|number| sample(&cell(number), 60));
    let input = sequence(64, 48, &samples.each_ref().map(Vec::as_slice));
    let mut asked = Vec::from(["avif", "webp", "png", "gif"].map(|format| (format, &input)));
    #[cfg(feature = "jxl")]
    let jxl = transform(&input, &plan("f=jxl")).unwrap();
    #[cfg(feature = "jxl")]
    asked.extend([("jxl", &input), ("png", &jxl)]);
    for (format, input) in asked {
        let plan = plan(&format!("f={format},w=40"));
        let prepared = prepare(input, &plan, &Limits::default()).unwrap();
        prepared.run(&ended_after(u32::MAX)).unwrap();
        let most = looks();
        assert!(most > 10, "{format}: {most}");
        for looks in 0..most {
            let ended = prepared.run(&ended_after(looks)).map(|_| ());
            assert_eq!(ended, Err(Error::Cancelled), "{format} {looks}");
        }
    }
    // Where there may be no time for a picture, none is begun.
    let plan = plan("f=avif,w=40");
    let prepared = prepare(&input, &plan, &Limits::default()).unwrap();
    let control = Control::new(Some(Instant::now() + Duration::from_millis(1)));
    assert!(matches!(prepared.run(&control), Err(Error::Timeout)));
}

/// Frames that are not shown may say a size of their own, which is no more than the sequence header has: of
/// one pixel in width, memory is taken for 128.
#[test]
fn no_frame_is_longer_than_its_sequence() {
    use DamagePolicy::{Lenient, Strict};
    for (width, height, is_right) in
        [(256, 256, true), (16, 250, true), (1, 257, false), (1, 65_536, false), (257, 1, false)]
    {
        let [one, two] = with_hidden_frames(width, height);
        let still = transform(&file(&[av1(256, 256, &two)]), &plan("f=png"));
        let moving = sequence(256, 256, &[&one, &two, &one]);
        let [lenient, strict] = [Lenient, Strict].map(|policy| pictures(&moving, policy));
        if is_right {
            assert!(still.is_ok(), "{width}x{height}: {still:?}");
            assert_eq!([lenient, strict], [Ok((3, 3)), Ok((3, 3))], "{width}x{height}");
        } else {
            assert!(matches!(still, Err(Error::DecodeFailed(_))), "{width}x{height}");
            assert_eq!(lenient.map(|(count, _)| count), Ok(1), "{width}x{height}");
            assert!(matches!(strict, Err(Error::DecodeFailed(_))), "{width}x{height}");
        }
    }
}

/// An auxiliary track is alpha where it says so, or nothing.
#[test]
fn depths_of_a_sequence_are_no_alpha() {
    let samples = [0, 1, 2].map(|number| sample(&cell(number), 60));
    let opaque = sequence(64, 48, &samples.each_ref().map(Vec::as_slice));
    let input = transform(&opaque, &plan("f=avif,opacity=0.5")).unwrap();
    let at = input.windows(8).position(|window| window == b"auxi\0\0\0\0").unwrap();
    // Behind the version and the flags.
    let kind = b"urn:mpeg:mpegB:cicp:systems:auxiliary:";
    assert!(input[at + 8..].starts_with(&[&kind[..], b"alpha\0"].concat()));
    let with = |at: usize, bytes: &[u8]| {
        let mut input = input.clone();
        input[at..at + bytes.len()].copy_from_slice(bytes);
        input
    };
    let of_kind = |word: &[u8]| with(at + 8 + kind.len(), word);
    for (name, input, alpha) in [
        ("alpha", input.clone(), true),
        ("nothing", with(at, b"free"), true),
        ("depth", of_kind(b"depth"), false),
        ("more than alpha", of_kind(b"alphas"), false),
    ] {
        let info = probe(&input).unwrap();
        assert_eq!((info.frames, info.alpha), (3, alpha), "{name}");
        let [r, g, b, a] = shown(&input).at(10, 10);
        assert_eq!(a < 255, alpha, "{name}: {:?}", [r, g, b, a]);
    }
}

#[test]
fn what_a_header_announces_counts() {
    let sample = sample(&Picture::new(2000, 1000, |_, _| [7, 7, 7, 255]), 50);
    // The frames are larger than the picture says.
    let input = file(&[av1(20, 10, &sample)]);
    let low = Limits { pixels: 1_999_999, ..Limits::default() };
    assert!(matches!(prepare(&input, &plan("w=5"), &low), Err(Error::TooManyPixels(_))));
    let small = file(&[av1(2000, 1000, &sample)]);
    let estimates = [&input, &small]
        .map(|input| prepare(input, &plan("w=5"), &Limits::default()).unwrap().memory());
    assert!(estimates[0] > 3_000_000, "{estimates:?}");
    assert!(matches!(transform(&input, &plan("w=5")), Err(Error::DecodeFailed(_))));
    // Or smaller.
    let input = file(&[av1(4000, 1000, &sample)]);
    assert!(matches!(refused(&input), Error::DecodeFailed(_)));
}

/// Whatever a byte becomes, and wherever a file ends, there is an answer.
#[test]
fn every_flip_and_every_end() {
    let mut item = av1(64, 48, &sample(&cell(1), 40));
    item.properties.push(clap([(20, 1), (10, 1), (4, 1), (-3, 1)]));
    let small = file(&[item.clone()]);
    let cells = [grid(2, 1, 128, 48, vec![2, 3]), av1(64, 48, &item.data), av1(64, 48, &item.data)];
    let limits = Limits { pixels: 1 << 16, ..Limits::default() };
    let plan = plan("w=8,f=png");
    let answers = |input: &[u8]| {
        if let Ok(prepared) = prepare(input, &plan, &limits) {
            let _ = prepared.run(&Control::default());
        }
    };
    for input in [small, file(&cells), sequence(64, 48, &[&item.data])] {
        (0..input.len()).for_each(|len| answers(&input[..len]));
        for at in 0..input.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut flipped = input.clone();
                flipped[at] ^= flip;
                answers(&flipped);
            }
        }
    }
}

/// A frame that takes long is left within it.
#[test]
fn a_long_frame_is_stopped() {
    let noise = Picture::new(2600, 2000, |x, y| {
        let value = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(97);
        [(value >> 8) as u8, (value >> 16) as u8, (value >> 20) as u8, 255]
    });
    let input = file(&[av1(2600, 2000, &sample(&noise, 90))]);
    let plan = Plan { format: None, ..plan("w=100,f=jpeg") };
    let limits = Limits::default();
    let prepared = prepare(&input, &plan, &limits).unwrap();
    for wait in [1, 20, 60] {
        let control = Control::default();
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(wait));
                control.cancel();
            });
            prepared.run(&control).map(|_| ())
        });
        assert_eq!(result, Err(Error::Cancelled), "{wait}");
    }
    let control = Control::new(Some(Instant::now() + Duration::from_millis(30)));
    assert_eq!(prepared.run(&control).map(|_| ()), Err(Error::Timeout));
    // And all of it is shown where nobody minds.
    prepared.run(&Control::default()).unwrap();
}

/// A property that many references lead to is not read to its end for each.
#[test]
fn what_kind_of_auxiliary_it_is_is_told_at_once() {
    let sample = sample(&cell(1), 50);
    let mut other = av1(64, 48, &sample);
    other.properties.push(full(b"auxC", 0, 0, &vec![b'x'; 12 << 20]));
    other.references = vec![(*b"auxl", vec![1]); 4000];
    let start = Instant::now();
    assert!(!probe(&file(&[av1(64, 48, &sample), other])).unwrap().alpha);
    // Generous: that were 48 GB.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// Decoders differ in where a number ends that begins with so many zeros.
#[test]
fn a_header_is_not_read_in_two_ways() {
    let header = |zeros: usize| {
        let mut bits = String::from("00000");
        // Of its timing, that all pictures are shown as long.
        bits.push_str(&format!("1{}1{}1{}0", "0".repeat(64), "0".repeat(zeros), "0".repeat(zeros)));
        bits.push_str(&format!("0{}", "0".repeat(5 + 12 + 5)));
        bits.push_str(&format!("01010101{:06b}{:06b}", 63, 47));
        bits.push_str(&"0".repeat(80));
        let byte = |bits: &[u8]| bits.iter().fold(0, |byte, bit| byte << 1 | (bit & 1));
        unit(1, &bits.as_bytes().chunks_exact(8).map(byte).collect::<Vec<u8>>())
    };
    let sample = sample(&cell(1), 50);
    let (_, frame) = split(&sample);
    let probed = |zeros| {
        let mut item = av1(64, 48, &[&header(zeros), frame].concat());
        item.properties.remove(0);
        probe(&file(&[item]))
    };
    for zeros in [0, 1, 31] {
        let info = probed(zeros).unwrap();
        assert_eq!((info.width, info.height), (64, 48), "{zeros}");
    }
    for zeros in [32, 33, 64] {
        assert!(matches!(probed(zeros), Err(Error::DecodeFailed(_))), "{zeros}");
    }
}
