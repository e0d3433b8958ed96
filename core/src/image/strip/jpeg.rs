//! JPEG: tables, frame and scans stay, with what says how their samples are colours.

use super::cuts::{Cuts, Kept};
use crate::image::bytes::array;
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
    let mut parts = Parts { count: None, seen: [false; 256] };
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
            APP2 if kept.profile && parts.is_next(body) => {}
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

/// The parts of a profile that were there.
struct Parts {
    count: Option<u8>,
    seen: [bool; 256],
}

impl Parts {
    /// Whether a segment is one that is not there yet.
    fn is_next(&mut self, body: &[u8]) -> bool {
        let Some([number, count]) = body.strip_prefix(ICC).and_then(|rest| array(rest, 0)) else {
            return false;
        };
        let fits = 0 < number && number <= count && *self.count.get_or_insert(count) == count;
        let seen = self.seen.get_mut(usize::from(number));
        fits && seen.is_some_and(|seen| !std::mem::replace(seen, true))
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
