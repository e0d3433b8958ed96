//! PNG and APNG: the chunks that pixels, their colours and their times are made of stay.

use super::cuts::{Cuts, Kept};
use crate::image::png_chunk;
use crate::image::source::png::{PngChunks, SIGNATURE};

pub(super) fn cuts<'a>(input: &'a [u8], kept: &Kept) -> Option<Cuts<'a>> {
    let mut cuts = Cuts::new(input);
    let mut chunks = PngChunks::new(input, SIGNATURE);
    let mut exif = kept.exif.as_deref();
    // Where EXIF stands: behind IHDR.
    let mut head = None;
    loop {
        let start = chunks.at();
        let (kind, data) = chunks.next()?;
        let chunk = start..chunks.at();
        head.get_or_insert(chunk.end);
        match &kind {
            b"IEND" => {
                cuts.replace(chunk, &crc_chunk(b"IEND", &[]))?;
                break;
            }
            b"iCCP" if kept.profile => {}
            b"eXIf" if exif == Some(data) => exif = None,
            _ if needs(&kind, data.len())? => {}
            _ => cuts.cut(chunk)?,
        }
    }
    // What follows the end.
    cuts.cut(chunks.at()..input.len())?;
    if let Some(exif) = exif {
        let head = head?;
        cuts.replace_before(head..head, &crc_chunk(b"eXIf", exif))?;
    }
    Some(cuts)
}

/// Whether a chunk of that length says anything of pixels, their colours, their shape or their
/// times; `None` where no decoder may go on without knowing, and where one that pixels need holds
/// more than it should.
fn needs(kind: &[u8; 4], len: usize) -> Option<bool> {
    let most = match kind {
        b"IHDR" | b"IDAT" | b"fdAT" => usize::MAX,
        b"PLTE" => 768,
        b"tRNS" => 256,
        b"cHRM" => 32,
        b"fcTL" => 26,
        b"mDCV" => 24,
        b"pHYs" => 9,
        b"acTL" | b"cLLI" => 8,
        b"bKGD" => 6,
        b"gAMA" | b"sBIT" | b"cICP" => 4,
        b"sRGB" => 1,
        // The fifth bit of the first letter: whether an image can be shown without it.
        [first, ..] if first & 0x20 == 0 => return None,
        _ => return Some(false),
    };
    match kind {
        b"PLTE" | b"tRNS" | b"fcTL" | b"acTL" if len > most => None,
        _ => Some(len <= most),
    }
}

/// A whole chunk.
fn crc_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    png_chunk::chunk(&mut out, kind, &[data]);
    out
}
