//! JPEG: tables, frame and scans stay, with what says how their samples are colours.

use super::cuts::{Cuts, Kept};
use crate::image::bytes::array;
use crate::image::source::Icc;
use crate::image::source::jpeg::{
    ADOBE, ADOBE_LEN, APP0, APP1, APP2, APP14, APP15, COM, EOI, EXIF, ICC, JFIF, SOI, SOS, Walk,
    frame_header, stands_alone,
};

const DHT: u8 = 0xc4;
const DAC: u8 = 0xcc;
const DQT: u8 = 0xdb;
const DNL: u8 = 0xdc;
const DRI: u8 = 0xdd;

/// What of a JFIF segment comes before its thumbnail (T.871, section 10.1). A shorter one is none
/// to decoders.
const JFIF_LEN: usize = 14;

pub(super) fn cuts<'a>(input: &'a [u8], kept: &Kept) -> Option<Cuts<'a>> {
    let mut cuts = Cuts::new(input);
    let mut walk = Walk::new(input, 2);
    let mut exif = kept.exif.as_deref();
    let (mut jfif, mut adobe) = (false, None);
    let mut profile = Parts::new(kept.profile);
    let mut has_scan = false;
    // Where EXIF stands: behind JFIF, which comes first.
    let mut head = 2;
    loop {
        let behind = walk.at();
        let marker = walk.marker()?;
        let start = walk.at() - 2;
        // Bytes that belong to nothing.
        cuts.cut(behind..start)?;
        match marker {
            EOI => break,
            // Of another image.
            SOI => return None,
            _ if stands_alone(marker) => {
                cuts.cut(start..walk.at())?;
                continue;
            }
            _ => {}
        }
        let body = walk.segment()?;
        let segment = start..walk.at();
        match marker {
            SOS if is_whole(marker, body) => {
                has_scan = true;
                walk.skip_entropy();
            }
            APP0 if body.starts_with(JFIF) && body.len() >= JFIF_LEN && !jfif => {
                jfif = true;
                if segment.start == head {
                    head = segment.end;
                }
                // Its size without that.
                let fixed = body.get(..JFIF_LEN - 2)?;
                cuts.replace(segment, &[&[0xff, APP0, 0, 16], fixed, &[0, 0]].concat())?;
            }
            APP1 if exif.is_some() && body.strip_prefix(EXIF) == exif => exif = None,
            APP2 if !has_scan && body.starts_with(ICC) => {
                let part = profile.next(body)?;
                cuts.replace(segment, &part)?;
            }
            APP14 if body.starts_with(ADOBE) && body.len() >= ADOBE_LEN => {
                let fixed = body.get(..ADOBE_LEN)?;
                // Which one of several counts is for the decoder to say.
                if adobe.replace(fixed).is_some() {
                    return None;
                }
                cuts.replace(segment, &[&[0xff, APP14, 0, 14], fixed].concat())?;
            }
            APP0..=APP15 | COM => cuts.cut(segment)?,
            _ if is_whole(marker, body) => {}
            _ => return None,
        }
    }
    // A motion photo's film, the second picture of MPO, the gain map of an HDR photo.
    cuts.cut(walk.at()..input.len())?;
    if let Some(exif) = exif {
        let len = u16::try_from(2 + EXIF.len() + exif.len()).ok()?;
        let start = [&[0xff, APP1], &len.to_be_bytes()[..], EXIF].concat();
        cuts.replace_before(head..head, &[&start, exif].concat())?;
    }
    Some(cuts)
}

/// The parts of a profile that stays.
struct Parts<'k> {
    /// What there is of each, and whether it comes still.
    parts: Vec<(&'k [u8], bool)>,
    /// How many of them hold something of it.
    needed: usize,
    /// How long it is.
    len: usize,
}

impl<'k> Parts<'k> {
    fn new(profile: Option<&'k Icc>) -> Parts<'k> {
        let (Some(Icc::Parts(parts)), Some(len)) = (profile, profile.and_then(Icc::stated_len))
        else {
            return Parts { parts: Vec::new(), needed: 0, len: 0 };
        };
        let mut before = 0;
        let ends = parts.iter().map(|part| {
            before += part.len();
            before
        });
        let needed = (ends.take_while(|&end| end < len).count() + 1).min(parts.len());
        Parts { parts: parts.iter().map(|&part| (part, true)).collect(), needed, len }
    }

    /// What becomes of the segment of a part; `None` where others may take it for another part than it is.
    fn next(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        let Some([number, count]) = body.strip_prefix(ICC).and_then(|rest| array(rest, 0)) else {
            return Some(Vec::new());
        };
        if self.parts.is_empty() {
            return Some(Vec::new());
        }
        let index = usize::from(number).checked_sub(1)?;
        let before: usize = self.parts.iter().take(index).map(|(part, _)| part.len()).sum();
        let all = self.parts.len();
        let (part, is_left) = self.parts.get_mut(index)?;
        if usize::from(count) != all || !std::mem::replace(is_left, false) {
            return None;
        }
        if index >= self.needed {
            return Some(Vec::new());
        }
        let part = part.get(..self.len.saturating_sub(before)).unwrap_or(part);
        let len = u16::try_from(2 + ICC.len() + 2 + part.len()).ok()?;
        let needed = u8::try_from(self.needed).ok()?;
        let head = [&[0xff, APP2], &len.to_be_bytes()[..], ICC, &[number, needed]].concat();
        Some([&head, part].concat())
    }
}

/// Whether a segment that decoders read to its end is one, and holds nothing else (T.81, annex B.2).
fn is_whole(marker: u8, body: &[u8]) -> bool {
    let first = usize::from(body.first().copied().unwrap_or_default());
    match marker {
        SOS => body.len() == 4 + 2 * first,
        DHT => tables(body, |table| {
            let counts = table.get(1..17)?;
            Some(17 + counts.iter().map(|&count| usize::from(count)).sum::<usize>())
        }),
        DAC => body.len().is_multiple_of(2),
        DQT => tables(body, |table| Some(if table.first()? >> 4 == 0 { 65 } else { 129 })),
        DNL | DRI => body.len() == 2,
        _ if frame_header(marker) => {
            let components = body.get(5).copied().map(usize::from);
            components.is_some_and(|components| body.len() == 6 + 3 * components)
        }
        _ => false,
    }
}

/// Whether a segment is a row of tables of these lengths.
fn tables(mut body: &[u8], len: impl Fn(&[u8]) -> Option<usize>) -> bool {
    while !body.is_empty() {
        match len(body).and_then(|len| body.get(len..)) {
            Some(rest) => body = rest,
            None => return false,
        }
    }
    true
}
