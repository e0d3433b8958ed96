//! Broken JPEG at a few eighths: an error, or what libjpeg-turbo makes of it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use image_gate_core::image::internals::{JpegDecoder, Pixels, jpeg_shrunk};
use image_gate_core::image::{Error, Limits};

fn own(jpeg: &[u8]) -> Result<Option<Pixels>, Error> {
    jpeg_shrunk(jpeg, 1, JpegDecoder::Own, &Limits::default())
}

fn own_at(jpeg: &[u8], eighths: u32) -> Result<Option<Pixels>, Error> {
    jpeg_shrunk(jpeg, eighths, JpegDecoder::Own, &Limits::default())
}

fn turbo(jpeg: &[u8]) -> Result<Pixels, Error> {
    jpeg_shrunk(jpeg, 1, JpegDecoder::Turbo, &Limits::default()).map(Option::unwrap)
}

/// Where a marker is.
fn find(jpeg: &[u8], marker: u8) -> usize {
    jpeg.windows(2).position(|pair| pair == [0xff, marker]).unwrap()
}

/// Puts a restart interval in front of the first scan, without any marker in it.
fn with_interval(jpeg: &[u8], interval: u8) -> Vec<u8> {
    let mut out = jpeg.to_vec();
    let at = find(jpeg, 0xda);
    out.splice(at..at, [0xff, 0xdd, 0, 4, 0, interval]);
    out
}

/// Some of each kind, small enough to be cut at every byte.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let picture = photo(70, 54);
    vec![
        ("grey", jpeg(&picture, 80, Subsamp::Gray, false)),
        ("4:4:4", jpeg(&picture, 80, Subsamp::None, false)),
        ("4:2:2", jpeg(&picture, 60, Subsamp::Sub2x1, false)),
        ("progressive grey", jpeg(&picture, 80, Subsamp::Gray, true)),
        ("progressive", jpeg(&picture, 80, Subsamp::None, true)),
        ("restarts", fixture("restarts.jpg")),
        ("scans", fixture("scans.jpg")),
    ]
}

fn is_progressive(jpeg: &[u8]) -> bool {
    jpeg.windows(2).any(|pair| pair == [0xff, 0xc2])
}

/// The scales that the decoder knows.
const SCALES: std::ops::RangeInclusive<u32> = 1..=5;

#[test]
fn cut_at_every_byte() {
    for (name, whole) in samples() {
        for eighths in SCALES {
            let expected = own_at(&whole, eighths).unwrap().unwrap();
            for len in 0..whole.len() {
                if let Ok(pixels) = own_at(&whole[..len], eighths) {
                    panic!("{name} {eighths} at {len}: {}", pixels == Some(expected));
                }
            }
            // The end is there, but some of what should be before is not.
            for len in (0..whole.len() - 2).step_by(3) {
                let cut = [&whole[..len], &[0xff, 0xd9]].concat();
                if let Ok(Some(pixels)) = own_at(&cut, eighths) {
                    assert!(len > find(&whole, 0xda), "{name} {eighths} at {len}");
                    let progressive = is_progressive(&whole);
                    assert!(progressive || pixels == expected, "{name} {eighths} at {len}");
                }
            }
        }
    }
}

#[test]
fn any_byte_changed() {
    for (name, whole) in samples() {
        let sequential = !name.starts_with("progressive");
        let (mut alive, mut equal) = (0, 0);
        for at in 2..whole.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= change;
                let own = own(&changed);
                // The codes that are passed over at an eighth are those that are read at others.
                if sequential && at >= find(&whole, 0xda) {
                    for eighths in SCALES {
                        let alike = own_at(&changed, eighths).is_ok() == own.is_ok();
                        assert!(alike, "{name} {at} {change:x} {eighths}");
                    }
                }
                let Ok(Some(pixels)) = own else { continue };
                alive += 1;
                match turbo(&changed) {
                    Ok(expected) => {
                        let same = pixels == expected;
                        assert!(same || at < find(&whole, 0xda) + 20, "{name} {at} {change:x}");
                        equal += u32::from(same);
                    }
                    // Of the scans that are passed over nothing is known.
                    Err(error) => assert!(!sequential, "{name} {at} {change:x}: {error}"),
                }
            }
        }
        assert!(alive > 100 && equal * 10 > alive * 9 || !sequential, "{name}: {equal} of {alive}");
    }
}

#[test]
fn any_byte_of_the_data_changed() {
    // Coarse enough to be read to the last bit, so that what libjpeg-turbo takes from it at 3
    // eighths is the same.
    let picture = photo(70, 54);
    for (sampling, progressive) in [Subsamp::Gray, Subsamp::None, Subsamp::Sub2x2]
        .into_iter()
        .flat_map(|s| [(s, false), (s, true)])
    {
        let whole = jpeg(&picture, 30, sampling, progressive);
        // Where one change is one of all coefficients, it may be one of chroma that is not kept.
        let most = if sampling == Subsamp::Sub2x2 && !progressive { 80 } else { 95 };
        let first = find(&whole, 0xda) + 20;
        let (mut alive, mut near) = (0, 0);
        for at in first..whole.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= change;
                for eighths in [2, 5] {
                    let _ = own_at(&changed, eighths);
                }
                // What follows on a warning of no importance libjpeg does not say.
                let turbo = jpeg_shrunk(&changed, 3, JpegDecoder::Turbo, &Limits::default());
                if let (Ok(Some(own)), Ok(Some(turbo))) = (own_at(&changed, 3), turbo) {
                    let pairs = own.data.iter().zip(&turbo.data);
                    let far = pairs.filter(|(a, b)| a.abs_diff(**b) > 2).count();
                    alive += 1;
                    near += u32::from(far * 100 <= own.data.len());
                }
            }
        }
        let enough = alive > 100 && near * 100 > alive * most;
        assert!(enough, "{sampling:?} {progressive}: {near} of {alive}");
    }
}

/// The first table's definition: its class and number, and its counts of codes.
fn with_counts(jpeg: &[u8], change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut out = jpeg.to_vec();
    let at = find(jpeg, 0xc4) + 4;
    change(&mut out[at..]);
    out
}

#[test]
fn tables_that_cannot_be() {
    let whole = jpeg(&photo(64, 48), 80, Subsamp::None, false);
    let fails = |what: &str, jpeg: &[u8]| {
        assert!(matches!(own(jpeg), Err(Error::DecodeFailed(_)) | Ok(None)), "{what}");
        assert!(turbo(jpeg).is_err(), "{what}");
    };
    // The table has 12 codes, whose number has to stay.
    fails(
        "three codes of one bit",
        &with_counts(&whole, |table| table[1..3].copy_from_slice(&[3, 0])),
    );
    fails(
        "a code of ones",
        &with_counts(&whole, |table| {
            table[1..17].copy_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10]);
        }),
    );
    fails("a difference of 16 bits", &with_counts(&whole, |table| table[17] = 16));
    fails("a table of another class", &with_counts(&whole, |table| table[0] = 0x20));
    fails("a fifth table", &with_counts(&whole, |table| table[0] = 4));
    let at = find(&whole, 0xc4);
    for len in [0, 1, 3, 18, 19, 30, 32, 0xffff_u16] {
        let mut lying = whole.clone();
        lying[at + 2..at + 4].copy_from_slice(&len.to_be_bytes());
        fails(&format!("a length of {len}"), &lying);
    }
    let at = find(&whole, 0xda);
    for (offset, value) in [(4, 0), (4, 5), (5, 9), (6, 0x22)] {
        let mut other = whole.clone();
        other[at + offset] = value;
        fails(&format!("{offset} in the header of the scan"), &other);
    }
}

#[test]
fn tables_that_are_missing() {
    // Those that everybody uses are known to libjpeg: that is left to it.
    let whole = other_jpeg(&photo(64, 48), 80, Subsamp::None, false, false);
    let mut without = whole.clone();
    while let Some(at) = without.windows(2).position(|pair| pair == [0xff, 0xc4]) {
        let len = usize::from(without[at + 3]) + 2 + (usize::from(without[at + 2]) << 8);
        without.drain(at..at + len);
    }
    assert_eq!(own(&without), Ok(None));
    assert_eq!(turbo(&without), turbo(&whole));
    assert_eq!(transformed(&without, &plan("w=5,f=png")), transformed(&whole, &plan("w=5,f=png")));

    let mut without = whole;
    let at = find(&without, 0xdb);
    without.drain(at..at + 69);
    assert!(own(&without).is_err());
    assert!(turbo(&without).is_err());
}

#[test]
fn restart_markers_out_of_place() {
    let whole = jpeg(&photo(64, 48), 80, Subsamp::None, false);
    assert!(own(&with_interval(&whole, 5)).is_err());
    assert!(own(&with_interval(&whole, 48)).is_ok());

    let whole = fixture("restarts.jpg");
    let markers: Vec<usize> = whole
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| matches!(pair, [0xff, 0xd0..=0xd7]))
        .map(|(at, _)| at)
        .collect();
    assert!(markers.len() > 10);
    let mut other = whole.clone();
    other[markers[3] + 1] ^= 1;
    assert!(own(&other).is_err());
    let mut fewer = whole.clone();
    fewer.drain(markers[3]..markers[3] + 2);
    assert!(own(&fewer).is_err());
    let mut swapped = whole.clone();
    swapped.drain(markers[3]..markers[4]);
    assert!(own(&swapped).is_err());
    // As many bytes of ones before a marker as one likes.
    let mut filled = whole.clone();
    filled.splice(markers[3]..markers[3], [0xff; 9000]);
    assert_eq!(own(&filled), own(&whole));
}

#[test]
fn scans_out_of_turn() {
    let whole = jpeg(&photo(64, 48), 80, Subsamp::None, true);
    let scans: Vec<usize> = whole
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair == &[0xff, 0xda])
        .map(|(at, _)| at)
        .collect();
    // The first scan is of the upper bits of DC, and the first that refines them of the last bit.
    let refining = scans
        .iter()
        .copied()
        .find(|&at| {
            let count = usize::from(whole[at + 4]);
            let spectrum = &whole[at + 5 + 2 * count..][..3];
            spectrum[0] == 0 && spectrum[2] == 0x10
        })
        .expect("a scan that refines DC");
    let spectrum = refining + 5 + 2 * usize::from(whole[refining + 4]);
    for (offset, value) in [(1, 1), (2, 0x21), (2, 0x20), (2, 0x00), (0, 64)] {
        let mut other = whole.clone();
        other[spectrum + offset] = value;
        assert!(own(&other).is_err(), "{offset} {value:x}");
        assert!(turbo(&other).is_err(), "{offset} {value:x}");
    }
    let missing = [&whole[..scans[0]], &whole[scans[1]..]].concat();
    assert!(own(&missing).is_err());
    // A sequential image does not go on behind its scan.
    let once = jpeg(&photo(64, 48), 80, Subsamp::None, false);
    let scan = find(&once, 0xda);
    let twice = [&once[..once.len() - 2], &once[scan..]].concat();
    assert!(own(&twice).is_err() && turbo(&twice).is_err());
}
