//! PNG and APNG: the chunks that pixels, their colours and their times are made of stay.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};
use memchr::memchr;

use super::cuts::{Cuts, Kept};
use crate::image::bytes::be32;
use crate::image::png_chunk;
use crate::image::source::icc::{HEAD, MAX_PROFILE, stated_len};
use crate::image::source::png::{Png, PngChunks, SIGNATURE};

pub(super) fn cuts<'a>(input: &'a [u8], png: &Png, kept: &Kept) -> Option<Cuts<'a>> {
    let mut cuts = Cuts::new(input);
    let mut chunks = PngChunks::new(input, SIGNATURE);
    let mut exif = kept.exif.as_deref();
    // Where EXIF stands: behind IHDR.
    let mut head = None;
    // What comes once and was there; whether the pixels began, and ended.
    let (mut seen, mut has_data, mut is_behind) = (Vec::new(), false, false);
    loop {
        let start = chunks.at();
        let (kind, data) = chunks.next()?;
        let chunk = start..chunks.at();
        head.get_or_insert(chunk.end);
        let is_again = seen.contains(&kind);
        if ONCE.contains(&&kind) && !is_again {
            seen.push(kind);
        }
        is_behind |= has_data && &kind != b"IDAT";
        has_data |= &kind == b"IDAT";
        match &kind {
            b"IEND" => {
                cuts.replace(chunk, &crc_chunk(b"IEND", &[]))?;
                break;
            }
            // To some decoders that is all the same, and to others nothing.
            b"IDAT" if is_behind => return None,
            // What comes too often or too late counts for nothing, nor does what moves nothing.
            b"acTL" | b"fcTL" | b"fdAT" if png.animation.is_none() => cuts.cut(chunk)?,
            b"IHDR" | b"PLTE" | b"tRNS" | b"iCCP" | b"acTL" if is_again => cuts.cut(chunk)?,
            b"PLTE" | b"tRNS" | b"acTL" if has_data => cuts.cut(chunk)?,
            b"fcTL" | b"fdAT" if !seen.contains(b"acTL") => cuts.cut(chunk)?,
            b"iCCP" if kept.profile.is_some() => match profile(data)? {
                Some(packed) if packed.len() == data.len() => sound(input, chunk)?,
                Some(packed) => cuts.replace(chunk, &crc_chunk(b"iCCP", &packed))?,
                None => cuts.cut(chunk)?,
            },
            b"eXIf" if exif == Some(data) => {
                exif = None;
                sound(input, chunk)?;
            }
            _ if !is_again && needs(&kind, data.len(), png)? => sound(input, chunk)?,
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

/// What comes once, of all of which anything may stay.
const ONCE: [&[u8; 4]; 14] = [
    b"IHDR", b"PLTE", b"tRNS", b"acTL", b"iCCP", b"cHRM", b"gAMA", b"sRGB", b"sBIT", b"cICP",
    b"mDCV", b"cLLI", b"bKGD", b"pHYs",
];

/// The longest name of a profile (W3C PNG, third edition, section 11.3.2.3).
const LONGEST_NAME: usize = 79;

/// Of a longer one nothing is packed anew.
const MOST_PACKED_ANEW: usize = 1 << 20;

/// Whether a chunk of that length says anything of pixels, their colours, their shape or their
/// times; `None` where no decoder may go on without knowing, and where one that pixels need holds
/// more than it should.
fn needs(kind: &[u8; 4], len: usize, png: &Png) -> Option<bool> {
    let fits = match kind {
        b"IDAT" | b"fdAT" => true,
        b"IHDR" => len == 13,
        // Of other colours it is only what they may be made of.
        b"PLTE" => len <= 768 && len.is_multiple_of(3),
        b"tRNS" if png.has_palette() => len <= 256,
        b"tRNS" => len == if png.is_grey() { 2 } else { 6 },
        b"cHRM" => len == 32,
        b"fcTL" => len == 26,
        b"mDCV" => len == 24,
        b"pHYs" => len == 9,
        b"acTL" | b"cLLI" => len == 8,
        b"bKGD" => {
            len == if png.has_palette() {
                1
            } else if png.is_grey() {
                2
            } else {
                6
            }
        }
        b"gAMA" | b"cICP" => len == 4,
        b"sBIT" => len <= 4,
        b"sRGB" => len == 1,
        // The fifth bit of the first letter: whether an image can be shown without it.
        [first, ..] if first & 0x20 == 0 => return None,
        _ => return Some(false),
    };
    match kind {
        b"IHDR" | b"PLTE" | b"fcTL" | b"acTL" if !fits => None,
        // More than there are colours is a part of what is shown to some.
        b"tRNS" if !fits && png.has_palette() => None,
        _ => Some(fits),
    }
}

/// `None` where the checksum of a chunk is something else: decoders differ in what they do with it.
fn sound(input: &[u8], chunk: Range<usize>) -> Option<()> {
    let end = chunk.end.checked_sub(4)?;
    let checksum = crc32fast::hash(input.get(chunk.start + 4..end)?);
    (be32(input, end)? == checksum).then_some(())
}

/// What `iCCP` holds without what follows the profile, packed and unpacked; nothing where that is none, or
/// damaged. `None` where it is too large.
fn profile(data: &[u8]) -> Option<Option<Cow<'_, [u8]>>> {
    let name = memchr(0, data).filter(|name| (1..=LONGEST_NAME).contains(name))?;
    let (head, zlib) = data.split_at_checked(name + 2)?;
    if head.last() != Some(&0) {
        return Some(None);
    }
    let mut state = Decompress::new(true);
    let mut buffer = [0; 8192];
    let mut len = None;
    let (mut read, mut made, mut ended) = (0, 0, false);
    while !ended && len.is_none_or(|len| made <= len) {
        // The first bytes say how long it is, so that no more is unpacked.
        let room = if len.is_none() { made..HEAD } else { 0..buffer.len() };
        let status =
            state.decompress(zlib.get(read..)?, buffer.get_mut(room)?, FlushDecompress::None);
        let before = (read, made);
        read = usize::try_from(state.total_in()).ok()?;
        made = usize::try_from(state.total_out()).ok()?;
        ended = matches!(status, Ok(Status::StreamEnd));
        if len.is_none() && made == HEAD {
            match stated_len(buffer.get(..HEAD)?) {
                Some(stated) if stated > MAX_PROFILE => return None,
                Some(stated) => len = Some(stated),
                None => return Some(None),
            }
        }
        if status.is_err() || before == (read, made) {
            break;
        }
    }
    let Some(len) = len else { return Some(None) };
    if ended && made <= len {
        return Some(Some(Cow::Borrowed(data.get(..head.len() + read)?)));
    }
    if made < len {
        return Some(None);
    }
    if len > MOST_PACKED_ANEW {
        return None;
    }
    let mut packer = ZlibEncoder::new(head.to_vec(), Compression::default());
    let mut unpacked = ZlibDecoder::new(zlib).take(len as u64);
    std::io::copy(&mut unpacked, &mut packer).ok()?;
    packer.finish().ok().map(Cow::Owned).map(Some)
}

/// A whole chunk.
fn crc_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    png_chunk::chunk(&mut out, kind, &[data]);
    out
}
