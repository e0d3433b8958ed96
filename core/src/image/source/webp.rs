//! WebP chunks (RFC 9649).

use std::num::NonZeroU32;

use super::super::bytes::{array, le16, le24, le32};
use super::super::geometry::{Size, Window};
use super::super::{Error, Format, Info};
use super::{Animation, Dispose, Embedded, Icc, Kind, Source, broken, truncated};

const FLAG_ANIMATION: u8 = 0x02;
const FLAG_ALPHA: u8 = 0x10;

/// Some writers put the prefix of JPEG before the EXIF data.
const EXIF_PREFIX: &[u8] = b"Exif\0\0";

/// What the chunks say besides [`Info`].
#[derive(Debug)]
pub(in super::super) struct Webp<'a> {
    /// The first frame of an animation; `None` for a still image.
    pub(in super::super) first: Option<Frame<'a>>,
    /// The file without anything behind it.
    pub(in super::super) riff: &'a [u8],
    pub(in super::super) animation: Animation,
    /// Whether a still image is a lossless one.
    pub(in super::super) lossless: bool,
}

impl<'a> Webp<'a> {
    /// The frames in their order, of an animation that is whole.
    pub(in super::super) fn frames(&self) -> impl Iterator<Item = Frame<'a>> + use<'a> {
        Chunks::new(self.riff, 12)
            .filter(|(kind, _)| kind == b"ANMF")
            .filter_map(|(_, data)| Frame::read(data).ok())
    }
}

/// A frame of an animation.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Frame<'a> {
    /// Where on the canvas it lies.
    pub(in super::super) window: Window,
    /// Its chunks: `VP8L`, or `VP8 ` with an `ALPH` before it where it has alpha.
    pub(in super::super) chunks: &'a [u8],
    pub(in super::super) alpha: bool,
    /// Milliseconds for which it is shown.
    pub(in super::super) duration: u32,
    /// Whether what is below shows through where it is transparent.
    pub(in super::super) blend: bool,
    pub(in super::super) dispose: Dispose,
}

impl<'a> Frame<'a> {
    /// Reads the data of an `ANMF` chunk.
    fn read(data: &'a [u8]) -> Result<Frame<'a>, Error> {
        let bad = || broken("a frame is not valid");
        let window = Window {
            x: le24(data, 0).ok_or_else(bad)? * 2,
            y: le24(data, 3).ok_or_else(bad)? * 2,
            size: size24(data, 6).ok_or_else(bad)?,
        };
        let duration = le24(data, 12).ok_or_else(bad)?;
        let [flags] = array(data, 15).ok_or_else(bad)?;
        let dispose = if flags & 1 == 1 { Dispose::Clear } else { Dispose::Keep };
        let chunks = data.get(16..).ok_or_else(bad)?;
        let mut has_alpha_chunk = false;
        for (kind, data) in Chunks::new(chunks, 0) {
            match &kind {
                b"ALPH" => has_alpha_chunk = true,
                b"VP8 " | b"VP8L" => {
                    let (size, alpha) = bitstream(&kind, data)?;
                    if size != window.size {
                        return Err(broken("the bitstream has not the size of its frame"));
                    }
                    let (alpha, blend) = (alpha || has_alpha_chunk, flags & 2 == 0);
                    return Ok(Frame { window, chunks, alpha, duration, blend, dispose });
                }
                _ => {}
            }
        }
        Err(bad())
    }

    fn covers(&self, canvas: Size) -> bool {
        self.window == Window { x: 0, y: 0, size: canvas }
    }
}

/// Reads all chunks; bitstreams only by their headers.
pub(super) fn read(input: &[u8]) -> Result<Source<'_>, Error> {
    let announced = le32(input, 4).ok_or_else(truncated)? as usize;
    // The size counts from behind itself and is always even.
    let end = announced.saturating_add(8);
    let riff = input.get(..end).unwrap_or(input);
    let mut chunks = Chunks::new(riff, 12);
    let none = || if input.len() < end { truncated() } else { broken("no chunk") };
    let (kind, data) = chunks.next().ok_or_else(none)?;

    let mut found = match &kind {
        b"VP8 " | b"VP8L" => {
            let (size, alpha) = bitstream(&kind, data)?;
            let lossless = &kind == b"VP8L";
            Found { canvas: size, alpha, image: true, lossless, ..Found::default() }
        }
        b"VP8X" => Found::extended(data)?,
        _ => return Err(Error::UnsupportedFormat("WebP of an unknown kind".to_owned())),
    };
    for (kind, data) in &mut chunks {
        found.add(kind, data)?;
    }

    // Where the chunks end before the file does, the last one is not whole.
    let whole = end <= input.len() && chunks.at >= riff.len();
    let fault = if !whole {
        Some(truncated())
    } else if found.fault.is_some() {
        found.fault
    } else if found.animated && found.first.is_none() || !found.animated && !found.image {
        Some(broken("no frame"))
    } else {
        None
    };
    Ok(Source {
        input,
        info: Info {
            format: Format::Webp,
            width: found.canvas.width,
            height: found.canvas.height,
            orientation: found.embedded.orientation(),
            frames: if found.animated { found.frames.max(1) } else { 1 },
            alpha: found.alpha,
            bits: 8,
            has_profile: found.embedded.icc.is_some(),
            progressive: false,
        },
        kind: Kind::Webp(Webp {
            first: found.first,
            riff,
            animation: Animation { plays: found.plays, alpha: found.opens },
            lossless: found.lossless,
        }),
        embedded: found.embedded,
        fault,
        damage: None,
    })
}

struct Found<'a> {
    canvas: Size,
    alpha: bool,
    animated: bool,
    /// Whether there is the bitstream of a still image.
    image: bool,
    /// Whether it is a lossless one.
    lossless: bool,
    frames: u32,
    first: Option<Frame<'a>>,
    plays: Option<NonZeroU32>,
    /// Whether frames leave something of the canvas open, or open it.
    opens: bool,
    /// What is wrong with a frame after the first.
    fault: Option<Error>,
    embedded: Embedded<'a>,
}

impl Default for Found<'_> {
    fn default() -> Self {
        Found {
            canvas: Size::new(0, 0),
            alpha: false,
            animated: false,
            image: false,
            lossless: false,
            frames: 0,
            first: None,
            plays: None,
            opens: false,
            fault: None,
            embedded: Embedded::default(),
        }
    }
}

impl<'a> Found<'a> {
    fn extended(data: &[u8]) -> Result<Found<'a>, Error> {
        let bad = || broken("the VP8X chunk is not valid");
        let [flags] = array(data, 0).ok_or_else(bad)?;
        let canvas = size24(data, 4).ok_or_else(bad)?;
        if canvas.pixels() > u64::from(u32::MAX) {
            return Err(bad());
        }
        Ok(Found {
            canvas,
            alpha: flags & FLAG_ALPHA != 0,
            animated: flags & FLAG_ANIMATION != 0,
            ..Found::default()
        })
    }

    fn add(&mut self, kind: [u8; 4], data: &'a [u8]) -> Result<(), Error> {
        match &kind {
            b"ICCP" => keep_first(&mut self.embedded.icc, Icc::Plain(data.into())),
            b"EXIF" => {
                let tiff = data.strip_prefix(EXIF_PREFIX).unwrap_or(data);
                keep_first(&mut self.embedded.exif, tiff);
            }
            b"XMP " => keep_first(&mut self.embedded.xmp, data),
            b"ANMF" if self.animated => {
                self.frames = self.frames.saturating_add(1);
                match (self.frame(data), self.first) {
                    (Ok(frame), first) => {
                        self.opens |= frame.dispose == Dispose::Clear
                            || first.is_none() && (frame.alpha || !frame.covers(self.canvas))
                            || frame.alpha && !frame.blend;
                        self.first = first.or(Some(frame));
                    }
                    (Err(error), None) => return Err(error),
                    (Err(error), Some(_)) => {
                        self.fault.get_or_insert(error);
                    }
                }
            }
            b"ANIM" => {
                self.plays = le16(data, 4).and_then(|times| NonZeroU32::new(times.into()));
            }
            b"VP8 " | b"VP8L" if !self.animated && !self.image => {
                let (size, _) = bitstream(&kind, data)?;
                if size != self.canvas {
                    return Err(broken("the bitstream has not the size of the canvas"));
                }
                (self.image, self.lossless) = (true, &kind == b"VP8L");
            }
            _ => {}
        }
        Ok(())
    }

    fn frame(&self, data: &'a [u8]) -> Result<Frame<'a>, Error> {
        let frame = Frame::read(data)?;
        let Window { x, y, size } = frame.window;
        if x + size.width > self.canvas.width || y + size.height > self.canvas.height {
            return Err(broken("a frame sticks out of the canvas"));
        }
        Ok(frame)
    }
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
pub(in super::super) struct Chunks<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Chunks<'a> {
    /// Those that begin there.
    pub(in super::super) fn new(input: &'a [u8], at: usize) -> Chunks<'a> {
        Chunks { input, at }
    }

    /// Where the next one begins.
    pub(in super::super) fn at(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<([u8; 4], &'a [u8])> {
        let kind = array(self.input, self.at)?;
        let len = le32(self.input, self.at + 4)? as usize;
        let start = self.at + 8;
        let data = self.input.get(start..start.checked_add(len)?)?;
        self.at = start + len + len % 2;
        Some((kind, data))
    }
}
