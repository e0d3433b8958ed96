//! GIF blocks (GIF89a specification).

use std::num::NonZeroU32;

use super::headers::SourceHeaders;
use super::{Animation, Dispose, Embedded};
use crate::image::bytes::{array, le16};
use crate::image::damage::Damage;
use crate::image::error::{broken, truncated};
use crate::image::size::{Rect, Size};
use crate::image::{Error, Format, Info};

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
const GRAPHIC_CONTROL: u8 = 0xf9;
pub(in crate::image) const PLAIN_TEXT: u8 = 0x01;
const APPLICATION: u8 = 0xff;

/// The first row of each pass of an interlaced image, and its step (GIF89a, appendix E).
pub(in crate::image) const INTERLACED: [(usize, usize); 4] = [(0, 8), (4, 8), (2, 4), (1, 2)];

/// Who defined the extension that says how often an animation is repeated.
const LOOPS: [&[u8; 11]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];

/// What the blocks say besides [`Info`].
#[derive(Debug)]
pub(in crate::image) struct Gif<'a> {
    input: &'a [u8],
    /// Where the first frame lies.
    pub(in crate::image) first: Rect,
    /// Pixels of all frames, which may be more than those of the canvas each time.
    pub(in crate::image) pixels: u64,
    pub(in crate::image) animation: Animation,
}

impl<'a> Gif<'a> {
    /// Checks that there can be half of the first frame's rows: a code of two bits or more stands
    /// for no more pixels than there were codes, and for 4096 at most.
    pub(in crate::image) fn check_data(&self) -> Result<(), Error> {
        let Some(first) = self.frames().next() else { return Ok(()) };
        let Size { width, height } = first.window.size;
        let half = u64::from(width) * u64::from(height / 2);
        let codes = first.data().map(|piece| piece.len() as u64 * 4).sum::<u64>();
        if codes.saturating_mul(codes.min(4096)) < half { Err(truncated()) } else { Ok(()) }
    }

    /// The frames in their order.
    pub(in crate::image) fn frames(&self) -> impl Iterator<Item = GifFrame<'a>> + use<'a> {
        let mut blocks = GifBlocks::new(self.input);
        std::iter::from_fn(move || {
            loop {
                match blocks.next() {
                    GifBlock::Image(frame) => return Some(frame),
                    GifBlock::Other | GifBlock::Control | GifBlock::Loop(_) => {}
                    GifBlock::Trailer | GifBlock::Unknown | GifBlock::Cut => return None,
                }
            }
        })
    }
}

/// A frame, its pixels still packed.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct GifFrame<'a> {
    /// Where on the canvas it lies; it may stick out.
    pub(in crate::image) window: Rect,
    pub(in crate::image) interlaced: bool,
    /// The colours, three bytes each.
    pub(in crate::image) palette: &'a [u8],
    pub(in crate::image) transparent: Option<u8>,
    pub(in crate::image) dispose: Dispose,
    /// Milliseconds for which it is shown.
    pub(in crate::image) duration: u32,
    /// Bits of the smallest codes of the data, without the one that is added.
    pub(in crate::image) code_size: u8,
    data: &'a [u8],
    /// Whether the file ends within the data.
    pub(in crate::image) is_cut: bool,
}

impl<'a> GifFrame<'a> {
    /// The data, in pieces of at most 255 bytes.
    pub(in crate::image) fn data(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = self.data;
        std::iter::from_fn(move || {
            let (&len, behind) = rest.split_first().filter(|&(&len, _)| len > 0)?;
            let (piece, behind) = behind.split_at(behind.len().min(len.into()));
            rest = behind;
            Some(piece)
        })
    }
}

/// Reads all blocks; image data is skipped.
pub(super) fn read(input: &[u8]) -> Result<SourceHeaders<'_, Gif<'_>>, Error> {
    let cut_short = || broken("the screen descriptor is too short");
    let side = |at| le16(input, at).map(u32::from).ok_or_else(cut_short);
    let screen = Rect { x: 0, y: 0, size: Size::new(side(6)?, side(8)?) };
    array::<3>(input, 10).ok_or_else(cut_short)?;

    let mut blocks = GifBlocks::new(input);
    let mut frames = 0u32;
    let mut first: Option<GifFrame> = None;
    let (mut pixels, mut opens) = (0u64, false);
    let mut repeats = None;
    let damage = loop {
        match blocks.next() {
            GifBlock::Image(frame) => {
                // What was there before the first frame is nothing.
                opens |= frame.dispose == Dispose::Clear
                    || frame.dispose == Dispose::Restore && first.is_none();
                frames = frames.saturating_add(1);
                first.get_or_insert(frame);
                pixels = pixels.saturating_add(frame.window.size.pixels());
            }
            GifBlock::Loop(times) => {
                repeats.get_or_insert(times);
            }
            GifBlock::Other | GifBlock::Control => {}
            GifBlock::Trailer => break None,
            GifBlock::Unknown => break Some(Damage::inside("a block of no known kind")),
            GifBlock::Cut => break Some(Damage::at_the_end("the image is truncated")),
        }
    };

    // A canvas on which the first frame has no room is as large as that.
    let window = first.map_or(screen, |first| first.window);
    let canvas = screen.around(window);
    let Size { width, height } = canvas.size;
    if canvas.size.pixels() == 0 {
        return Err(broken("the screen descriptor gives no size"));
    }
    let alpha = !covers(window, canvas.size)
        || first.is_some_and(|first| first.transparent.is_some() || first.is_cut);
    let animation = Animation {
        plays: match repeats {
            // Players count what comes after the first time.
            Some(0) => None,
            times => NonZeroU32::MIN.checked_add(times.unwrap_or(0).into()),
        },
        alpha: alpha || opens,
    };
    Ok(SourceHeaders {
        info: Info {
            format: Format::Gif,
            width,
            height,
            orientation: 1,
            frames: frames.max(1),
            alpha,
            bits: 8,
            has_palette: true,
            has_profile: false,
            progressive: false,
        },
        own: Gif { input, first: window, pixels, animation },
        embedded: Embedded::default(),
        fault: first.is_none().then(|| match damage {
            Some(Damage { ends_early: true, .. }) => truncated(),
            _ => broken("no frame"),
        }),
        damage,
    })
}

/// Whether a frame leaves no pixel of the canvas open.
fn covers(frame: Rect, canvas: Size) -> bool {
    frame.x == 0
        && frame.y == 0
        && frame.size.width >= canvas.width
        && frame.size.height >= canvas.height
}

/// Bytes of the colour table that a packed field announces.
fn table_len(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// The disposal method of that number. What is not defined disposes of nothing, but for 4: old encoders
/// took the bit for the number, and browsers know it.
fn dispose(method: u8) -> Dispose {
    match method {
        2 => Dispose::Clear,
        3 | 4 => Dispose::Restore,
        _ => Dispose::Keep,
    }
}

/// A part of a file.
pub(in crate::image) enum GifBlock<'a> {
    Image(GifFrame<'a>),
    /// What holds for the frame that follows.
    Control,
    /// How often an animation is repeated; 0 is for ever.
    Loop(u16),
    Other,
    Trailer,
    /// The file goes on, but not by a block.
    Unknown,
    /// The file ends without a trailer.
    Cut,
}

/// What an extension says of the frame that follows it.
#[derive(Clone, Copy)]
struct GraphicControl {
    transparent: Option<u8>,
    dispose: Dispose,
    duration: u32,
}

const NO_CONTROL: GraphicControl =
    GraphicControl { transparent: None, dispose: Dispose::Keep, duration: 0 };

/// Moves from block to block; stays at the first that is none.
pub(in crate::image) struct GifBlocks<'a> {
    input: &'a [u8],
    at: usize,
    /// Where the last one begins.
    start: usize,
    /// The colours of frames that have none of their own.
    palette: &'a [u8],
    control: GraphicControl,
}

impl<'a> GifBlocks<'a> {
    /// Those behind the screen descriptor and its colour table.
    pub(in crate::image) fn new(input: &'a [u8]) -> GifBlocks<'a> {
        let len = input.get(10).map_or(0, |&flags| table_len(flags));
        let rest = input.get(13..).unwrap_or_default();
        let palette = rest.get(..len).unwrap_or(rest);
        GifBlocks { input, at: 13 + len, start: 0, palette, control: NO_CONTROL }
    }

    /// Where the last one lies.
    pub(in crate::image) fn range(&self) -> std::ops::Range<usize> {
        self.start..self.at
    }

    pub(in crate::image) fn next(&mut self) -> GifBlock<'a> {
        // Some encoders end data twice, or fill up with zeros.
        while self.input.get(self.at) == Some(&0) {
            self.at += 1;
        }
        self.start = self.at;
        match self.input.get(self.at) {
            Some(&EXTENSION) => self.extension().unwrap_or(GifBlock::Cut),
            Some(&IMAGE) => self.image().map_or(GifBlock::Cut, GifBlock::Image),
            Some(&TRAILER) => GifBlock::Trailer,
            Some(_) => GifBlock::Unknown,
            None => GifBlock::Cut,
        }
    }

    fn extension(&mut self) -> Option<GifBlock<'a>> {
        let at = self.at + 2;
        let label = *self.input.get(at - 1)?;
        self.at = self.after_sub_blocks(at)?;
        Some(match (label, array(self.input, at)) {
            (GRAPHIC_CONTROL, Some([4, flags, low, high, transparent])) => {
                self.control = GraphicControl {
                    transparent: (flags & 1 == 1).then_some(transparent),
                    dispose: dispose(flags >> 2 & 7),
                    duration: u32::from(u16::from_le_bytes([low, high])) * 10,
                };
                GifBlock::Control
            }
            (APPLICATION, _) => self.application(at).unwrap_or(GifBlock::Other),
            _ => GifBlock::Other,
        })
    }

    /// A frame, of which all may be missing from somewhere in its data on.
    fn image(&mut self) -> Option<GifFrame<'a>> {
        let at = self.at;
        let side = |offset| le16(self.input, at + offset).map(u32::from);
        let window = Rect { x: side(1)?, y: side(3)?, size: Size::new(side(5)?, side(7)?) };
        let flags = *self.input.get(at + 9)?;
        let (table, data) = (at + 10, at + 10 + table_len(flags));
        let palette = self.input.get(table..data)?;
        let code_size = *self.input.get(data)?;
        let end = self.after_sub_blocks(data + 1);
        self.at = end.unwrap_or(self.input.len());
        let GraphicControl { transparent, dispose, duration } =
            std::mem::replace(&mut self.control, NO_CONTROL);
        Some(GifFrame {
            window,
            interlaced: flags & 0x40 != 0,
            palette: if flags & 0x80 == 0 { self.palette } else { palette },
            transparent,
            dispose,
            duration,
            code_size,
            data: self.input.get(data + 1..self.at)?,
            is_cut: end.is_none(),
        })
    }

    /// What of an application extension's sub-blocks there is to know.
    fn application(&self, at: usize) -> Option<GifBlock<'a>> {
        let [11, name @ ..] = array::<12>(self.input, at)? else { return None };
        match array(self.input, at + 12)? {
            [3, 1] if LOOPS.contains(&&name) => le16(self.input, at + 14).map(GifBlock::Loop),
            _ => None,
        }
    }

    fn after_sub_blocks(&self, mut at: usize) -> Option<usize> {
        loop {
            match *self.input.get(at)? {
                0 => return Some(at + 1),
                len => at += usize::from(len) + 1,
            }
        }
    }
}
