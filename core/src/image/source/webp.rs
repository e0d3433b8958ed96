//! WebP chunks (RFC 9649).

mod lossless;
mod lossy;

use std::cell::OnceCell;
use std::num::NonZeroU32;

use super::headers::SourceHeaders;
use super::jpeg::EXIF;
use super::{Animation, Block, Dispose, Embedded, Icc};
use crate::image::bytes::{array, le16, le24, le32};
use crate::image::damage::Damage;
use crate::image::error::{broken, truncated};
use crate::image::riff::{FLAG_ALPHA, FLAG_ANIMATION, FLAG_EXIF, FLAG_ICC, FLAG_XMP};
use crate::image::size::{Rect, Size};
use crate::image::{Error, Format, Info};

/// Groups of prefix codes that are decoded at most. An encoder's image of them has 2600 pixels at
/// most, and far fewer groups.
const MOST_GROUPS: u32 = 4096;
/// Those of a frame of an animation.
const GROUPS_OF_FRAME: u32 = 512;
/// What libwebp holds for one: the tables of its codes, with the largest cache of colours.
const GROUP_BYTES: u64 = 5004 * 4 + 640;

/// What the chunks say besides [`Info`].
#[derive(Debug)]
pub(in crate::image) struct Webp<'a> {
    pub(in crate::image) image: WebpImage<'a>,
    canvas: Size,
    /// The file as far as it may hold chunks of the image.
    pub(in crate::image) riff: &'a [u8],
    pub(in crate::image) animation: Animation,
    /// How many groups of prefix codes a still image has, once they were counted.
    groups: OnceCell<u32>,
}

/// What the pixels are made of.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) enum WebpImage<'a> {
    Still(Bitstream<'a>),
    /// An animation, by its first frame.
    Moving(WebpFrame<'a>),
    None,
}

impl<'a> Webp<'a> {
    /// The frames in their order, but for those that stick out of the canvas.
    pub(in crate::image) fn frames(&self) -> impl Iterator<Item = WebpFrame<'a>> + use<'a> {
        let mut chunks = RiffChunks::new(self.riff, 12);
        let canvas = self.canvas;
        let mut first = match self.image {
            WebpImage::Moving(frame) if frame.image.is_cut => Some(frame),
            _ => None,
        };
        let whole = std::iter::from_fn(move || {
            loop {
                match chunks.next() {
                    Some((kind, data)) if &kind == b"ANMF" => {
                        let frame = WebpFrame::read(data, false).ok();
                        if let Some(frame) = frame.filter(|frame| frame.is_inside(canvas)) {
                            return Some(frame);
                        }
                    }
                    Some(_) => {}
                    None => return None,
                }
            }
        });
        whole.chain(std::iter::from_fn(move || first.take()))
    }

    /// The bitstream of a still image.
    pub(in crate::image) fn still(&self) -> Option<&Bitstream<'a>> {
        match &self.image {
            WebpImage::Still(bitstream) => Some(bitstream),
            WebpImage::Moving(_) | WebpImage::None => None,
        }
    }

    /// Bytes that a decoder holds for the prefix codes of a still image of lossless data.
    ///
    /// # Errors
    /// [`Error::UnsupportedFormat`] for more groups of them than any encoder makes.
    pub(in crate::image) fn code_bytes(&self) -> Result<u64, Error> {
        let Some(still) = self.still() else { return Ok(0) };
        code_bytes(*self.groups.get_or_init(|| still.groups().unwrap_or(0)), MOST_GROUPS)
    }
}

fn code_bytes(groups: u32, most: u32) -> Result<u64, Error> {
    if groups > most {
        return Err(Error::UnsupportedFormat(format!("WebP of {groups} groups of codes")));
    }
    Ok(u64::from(groups) * GROUP_BYTES)
}

/// Compressed pixels.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct Bitstream<'a> {
    /// The chunk `VP8L`, or `VP8 ` with an `ALPH` before it where it has alpha.
    pub(in crate::image) chunks: &'a [u8],
    pub(in crate::image) size: Size,
    pub(in crate::image) alpha: bool,
    pub(in crate::image) lossless: bool,
    /// Whether the file ends within it.
    pub(in crate::image) is_cut: bool,
}

impl<'a> Bitstream<'a> {
    /// Checks the prefix codes of a frame that no estimate speaks of.
    ///
    /// # Errors
    /// [`Error::UnsupportedFormat`] for more groups of them than an encoder makes.
    pub(in crate::image) fn check_frame(&self) -> Result<(), Error> {
        code_bytes(self.groups().unwrap_or(0), GROUPS_OF_FRAME).map(|_| ())
    }

    /// How strongly the edges of the blocks of lossy data are smoothed at most, from 0 to 63.
    pub(in crate::image) fn smoothing(&self) -> u8 {
        let mut chunks = RiffChunks::new(self.chunks, 0);
        // The last chunk may be cut.
        let frame = std::iter::from_fn(|| chunks.next().or_else(|| chunks.cut()))
            .find_map(|(kind, data)| (&kind == b"VP8 ").then_some(data));
        frame.and_then(lossy::smoothing).unwrap_or(63)
    }

    /// How many groups of prefix codes lossless data has.
    fn groups(&self) -> Option<u32> {
        let (mut chunks, mut most) = (RiffChunks::new(self.chunks, 0), None);
        // The last chunk may be cut.
        while let Some((kind, data)) = chunks.next().or_else(|| chunks.cut()) {
            let found = match &kind {
                // Behind the signature, the size, a flag and the version.
                b"VP8L" => lossless::groups(data.get(5..)?, self.size),
                b"ALPH" if data.first()? & 3 == 1 => lossless::groups(data.get(1..)?, self.size),
                _ => None,
            };
            most = most.max(found);
        }
        most
    }

    /// Reads the header of a bitstream, a chunk that begins at `start`; `alpha` is where one of
    /// alpha does.
    fn read(
        input: &'a [u8],
        (start, end): (usize, usize),
        alpha: Option<usize>,
        is_cut: bool,
    ) -> Result<Bitstream<'a>, Error> {
        let bad = || broken("the bitstream header is not valid");
        let kind = array(input, start).ok_or_else(bad)?;
        let data = input.get(start + 8..end).ok_or_else(bad)?;
        let (size, own_alpha) = bitstream(&kind, data)?;
        let lossless = &kind == b"VP8L";
        let chunks = input.get(alpha.unwrap_or(start)..end).ok_or_else(bad)?;
        Ok(Bitstream { chunks, size, alpha: own_alpha || alpha.is_some(), lossless, is_cut })
    }
}

/// A frame of an animation.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct WebpFrame<'a> {
    /// Where on the canvas it lies.
    pub(in crate::image) window: Rect,
    pub(in crate::image) image: Bitstream<'a>,
    /// Milliseconds for which it is shown.
    pub(in crate::image) duration: u32,
    /// Whether what is below shows through where it is transparent.
    pub(in crate::image) blend: bool,
    pub(in crate::image) dispose: Dispose,
}

impl<'a> WebpFrame<'a> {
    /// Reads the data of an `ANMF` chunk, which may be cut.
    fn read(data: &'a [u8], is_cut: bool) -> Result<WebpFrame<'a>, Error> {
        let bad = || broken("a frame is not valid");
        let window = Rect {
            x: le24(data, 0).ok_or_else(bad)? * 2,
            y: le24(data, 3).ok_or_else(bad)? * 2,
            size: size24(data, 6).ok_or_else(bad)?,
        };
        let duration = le24(data, 12).ok_or_else(bad)?;
        let [flags] = array(data, 15).ok_or_else(bad)?;
        let dispose = if flags & 1 == 1 { Dispose::Clear } else { Dispose::Keep };
        let mut chunks = RiffChunks::new(data, 16);
        let mut alpha = None;
        let image = loop {
            match chunks.next() {
                Some((kind, _)) if &kind == b"ALPH" => alpha = alpha.or(Some(chunks.start)),
                Some((kind, _)) if is_bitstream(&kind) => break chunks.read(alpha)?,
                Some(_) => {}
                // Only what the file ends within may itself be cut.
                None if is_cut => break chunks.read_cut(alpha).ok_or_else(bad)??,
                None => return Err(bad()),
            }
        };
        if image.size != window.size {
            return Err(broken("the bitstream has not the size of its frame"));
        }
        Ok(WebpFrame { window, image, duration, blend: flags & 2 == 0, dispose })
    }

    fn is_inside(&self, canvas: Size) -> bool {
        let Rect { x, y, size } = self.window;
        x + size.width <= canvas.width && y + size.height <= canvas.height
    }

    fn covers(&self, canvas: Size) -> bool {
        self.window == Rect { x: 0, y: 0, size: canvas }
    }
}

/// Reads all chunks; bitstreams only by their headers.
pub(super) fn read(input: &[u8]) -> Result<SourceHeaders<'_, Webp<'_>>, Error> {
    let announced = le32(input, 4).ok_or_else(truncated)? as usize;
    // The size counts from behind itself.
    let end = announced.saturating_add(8);
    let riff = input.get(..end).unwrap_or(input);
    let mut found = ChunkSummary::read(riff)?;
    let mut riff = riff;
    if riff.len() < input.len() && (found.is_cut || !found.has_image()) {
        // The size is a lie: the chunks know theirs.
        riff = input;
        found = ChunkSummary::read(riff)?;
    }

    let missing = end.saturating_sub(input.len());
    let mut damage = found.damage.take();
    // An odd end may lack its padding, or count it twice.
    if found.is_cut || missing > 1 {
        damage.get_or_insert_with(|| Damage::at_the_end("the image is truncated")).ends_early =
            true;
    }
    let image = match (found.still, found.first) {
        (Some(still), _) if !found.animated => WebpImage::Still(still),
        (_, Some(first)) => WebpImage::Moving(first),
        _ => WebpImage::None,
    };
    let canvas = match (found.canvas, image) {
        (Some(canvas), _) => canvas,
        (None, WebpImage::Still(still)) => still.size,
        _ if found.is_cut || missing > 1 => return Err(truncated()),
        _ => return Err(Error::UnsupportedFormat("WebP of an unknown kind".to_owned())),
    };
    if matches!(image, WebpImage::Still(still) if still.size != canvas) {
        return Err(broken("the bitstream has not the size of the canvas"));
    }
    let (frames, alpha) = match image {
        WebpImage::Still(still) => (1, still.alpha),
        WebpImage::Moving(_) => (found.frames.max(1), found.alpha || found.opens),
        WebpImage::None => (found.frames.max(1), found.alpha),
    };
    let fault = match image {
        WebpImage::None if found.is_cut || missing > 1 => Some(truncated()),
        WebpImage::None => Some(broken("no frame")),
        _ => None,
    };
    Ok(SourceHeaders {
        info: Info {
            format: Format::Webp,
            width: canvas.width,
            height: canvas.height,
            orientation: found.embedded.orientation(),
            frames,
            alpha,
            bits: 8,
            has_palette: false,
            has_profile: found.embedded.icc.is_some(),
            progressive: false,
        },
        own: Webp {
            image,
            canvas,
            riff,
            groups: OnceCell::new(),
            animation: Animation { plays: found.plays, alpha: found.opens },
        },
        embedded: found.embedded,
        fault,
        damage,
    })
}

#[derive(Default)]
struct ChunkSummary<'a> {
    canvas: Option<Size>,
    /// What the flags say.
    alpha: bool,
    animated: bool,
    still: Option<Bitstream<'a>>,
    frames: u32,
    first: Option<WebpFrame<'a>>,
    plays: Option<NonZeroU32>,
    /// Whether frames leave something of the canvas open, or open it.
    opens: bool,
    /// What is wrong with a frame after the first.
    damage: Option<Damage>,
    /// The flags of the file: what they don't announce is not there, for browsers and libwebp.
    flags: u8,
    /// Whether it ends within a chunk.
    is_cut: bool,
    embedded: Embedded<'a>,
}

impl<'a> ChunkSummary<'a> {
    /// Walks over the chunks of a file.
    fn read(riff: &'a [u8]) -> Result<ChunkSummary<'a>, Error> {
        let mut found = ChunkSummary::walk(riff)?;
        let has = |flag: u8| found.flags & flag != 0;
        let (has_icc, has_exif, has_xmp) = (has(FLAG_ICC), has(FLAG_EXIF), has(FLAG_XMP));
        let Embedded { icc, exif, xmp, .. } = &mut found.embedded;
        icc.take_if(|_| !has_icc);
        exif.take_if(|_| !has_exif);
        xmp.take_if(|_| !has_xmp);
        Ok(found)
    }

    fn walk(riff: &'a [u8]) -> Result<ChunkSummary<'a>, Error> {
        let mut found = ChunkSummary::default();
        let mut chunks = RiffChunks::new(riff, 12);
        let mut alpha = None;
        while let Some((kind, data)) = chunks.next() {
            match &kind {
                b"VP8X" if found.canvas.is_none() && found.still.is_none() => {
                    found.extended(data)?
                }
                b"ICCP" => keep_first(&mut found.embedded.icc, Icc::Plain(data.into())),
                b"EXIF" => {
                    // Some writers put the prefix of JPEG before it.
                    let tiff = data.strip_prefix(EXIF).unwrap_or(data);
                    keep_first(&mut found.embedded.exif, Block::Plain(tiff));
                }
                b"XMP " => keep_first(&mut found.embedded.xmp, Block::Plain(data)),
                b"ANMF" => found.frame(WebpFrame::read(data, false))?,
                b"ANIM" => {
                    found.plays = le16(data, 4).and_then(|times| NonZeroU32::new(times.into()));
                }
                // What is not announced is not there.
                b"ALPH" if found.canvas.is_none() || found.alpha => {
                    alpha = alpha.or(Some(chunks.start));
                }
                b"VP8 " | b"VP8L" if found.still.is_none() => {
                    found.still = Some(chunks.read(alpha)?);
                }
                _ => {}
            }
        }
        // Less than the head of a chunk is no chunk.
        let Some(kind) = array(riff, chunks.at).filter(|_| chunks.at + 8 <= riff.len()) else {
            return Ok(found);
        };
        found.is_cut = true;
        if &kind == b"ANMF" && found.first.is_none() {
            let data = riff.get(chunks.at + 8..).unwrap_or_default();
            if let Ok(frame) = WebpFrame::read(data, true) {
                found.frame(Ok(frame))?;
            }
        } else if is_bitstream(&kind) && found.still.is_none() {
            found.still = chunks.read_cut(alpha).transpose()?;
        }
        Ok(found)
    }

    fn extended(&mut self, data: &[u8]) -> Result<(), Error> {
        let bad = || broken("the VP8X chunk is not valid");
        let [flags] = array(data, 0).ok_or_else(bad)?;
        let canvas = size24(data, 4).ok_or_else(bad)?;
        if canvas.pixels() > u64::from(u32::MAX) {
            return Err(bad());
        }
        self.canvas = Some(canvas);
        self.flags = flags;
        self.alpha = flags & FLAG_ALPHA != 0;
        self.animated = flags & FLAG_ANIMATION != 0;
        Ok(())
    }

    fn has_image(&self) -> bool {
        self.still.is_some() || self.first.is_some()
    }

    fn frame(&mut self, frame: Result<WebpFrame<'a>, Error>) -> Result<(), Error> {
        let canvas = self.canvas.unwrap_or(Size::new(0, 0));
        let inside = |frame: WebpFrame<'a>| match frame.is_inside(canvas) {
            true => Ok(frame),
            false => Err(broken("a frame sticks out of the canvas")),
        };
        match (frame.and_then(inside), self.first) {
            (Ok(frame), first) => {
                self.opens |= frame.dispose == Dispose::Clear
                    || first.is_none()
                        && (frame.image.alpha || frame.image.is_cut || !frame.covers(canvas))
                    || frame.image.alpha && !frame.blend;
                self.first = first.or(Some(frame));
            }
            // Where no animation is announced, this may be anything.
            (Err(_), None) if !self.animated => return Ok(()),
            (Err(error), None) => return Err(error),
            (Err(error), Some(_)) => {
                self.damage.get_or_insert_with(|| Damage::inside(error.to_string()));
            }
        }
        self.frames = self.frames.saturating_add(1);
        Ok(())
    }
}

fn is_bitstream(kind: &[u8; 4]) -> bool {
    matches!(kind, b"VP8 " | b"VP8L")
}

fn keep_first<T>(slot: &mut Option<T>, found: T) {
    if slot.is_none() {
        *slot = Some(found);
    }
}

/// The size and alpha of a key frame of VP8 (RFC 6386, section 9.1) or of VP8L.
fn bitstream(kind: &[u8; 4], data: &[u8]) -> Result<(Size, bool), Error> {
    let (size, alpha) = match kind {
        b"VP8 " => match array(data, 3) {
            Some([0x9d, 0x01, 0x2a]) if data.first().is_some_and(|&tag| tag & 1 == 0) => {
                let side = |at| le16(data, at).map(|side| u32::from(side & 0x3fff));
                (side(6).zip(side(8)), false)
            }
            _ => (None, false),
        },
        _ => match array(data, 0) {
            Some([0x2f]) => match le32(data, 1) {
                Some(bits) => {
                    (Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1)), bits >> 28 & 1 == 1)
                }
                None => (None, false),
            },
            _ => (None, false),
        },
    };
    match size {
        Some((width, height)) if width > 0 && height > 0 => Ok((Size::new(width, height), alpha)),
        _ => Err(broken("the bitstream header is not valid")),
    }
}

fn size24(data: &[u8], at: usize) -> Option<Size> {
    Some(Size::new(le24(data, at)? + 1, le24(data, at + 3)? + 1))
}

/// The chunks up to the first that is not whole.
pub(in crate::image) struct RiffChunks<'a> {
    input: &'a [u8],
    at: usize,
    /// Where the last one begins.
    start: usize,
}

impl<'a> RiffChunks<'a> {
    /// Those that begin there.
    pub(in crate::image) fn new(input: &'a [u8], at: usize) -> RiffChunks<'a> {
        RiffChunks { input, at, start: at }
    }

    /// Where the next one begins.
    pub(in crate::image) fn at(&self) -> usize {
        self.at
    }

    /// What there is of a chunk that the file ends within, once there is no other.
    fn cut(&mut self) -> Option<([u8; 4], &'a [u8])> {
        let kind = array(self.input, self.at)?;
        let data = self.input.get(self.at + 8..)?;
        (self.start, self.at) = (self.at, self.input.len());
        Some((kind, data))
    }

    /// The last one as a bitstream.
    fn read(&self, alpha: Option<usize>) -> Result<Bitstream<'a>, Error> {
        let len = le32(self.input, self.start + 4).unwrap_or(0) as usize;
        Bitstream::read(self.input, (self.start, self.start + 8 + len), alpha, false)
    }

    /// What the file ends within as a bitstream, once there is no other chunk.
    fn read_cut(&self, alpha: Option<usize>) -> Option<Result<Bitstream<'a>, Error>> {
        array(self.input, self.at).filter(is_bitstream)?;
        Some(Bitstream::read(self.input, (self.at, self.input.len()), alpha, true))
    }
}

impl<'a> Iterator for RiffChunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<([u8; 4], &'a [u8])> {
        let kind = array(self.input, self.at)?;
        let len = le32(self.input, self.at + 4)? as usize;
        let start = self.at + 8;
        let data = self.input.get(start..start.checked_add(len)?)?;
        (self.start, self.at) = (self.at, start + len + len % 2);
        Some((kind, data))
    }
}
