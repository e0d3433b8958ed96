//! GIF blocks (GIF89a specification).

use std::num::NonZeroU32;

use super::super::bytes::{array, le16};
use super::super::geometry::{Size, Window};
use super::super::{Error, Format, Info};
use super::{Animation, Dispose, Embedded, Kind, Source, broken, truncated};

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
const GRAPHIC_CONTROL: u8 = 0xf9;
pub(in super::super) const PLAIN_TEXT: u8 = 0x01;
const APPLICATION: u8 = 0xff;

/// The first row of each pass of an interlaced image, and its step (GIF89a, appendix E).
pub(in super::super) const INTERLACED: [(usize, usize); 4] = [(0, 8), (4, 8), (2, 4), (1, 2)];

/// Who defined the extension that says how often an animation is repeated.
const LOOPS: [&[u8; 11]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];

/// What the blocks say besides [`Info`].
#[derive(Debug)]
pub(in super::super) struct Gif {
    /// No frame is wider, and none is higher.
    pub(in super::super) largest: Size,
    /// Pixels of all frames, which may be more than those of the canvas each time.
    pub(in super::super) pixels: u64,
    pub(in super::super) animation: Animation,
}

/// Reads all blocks; image data is skipped.
pub(super) fn read(input: &[u8]) -> Result<Source<'_>, Error> {
    let cut_short = || broken("the screen descriptor is too short");
    let width = le16(input, 6).ok_or_else(cut_short)?.into();
    let height = le16(input, 8).ok_or_else(cut_short)?.into();
    let [flags, _, _] = array(input, 10).ok_or_else(cut_short)?;
    if width == 0 || height == 0 {
        return Err(broken("the screen descriptor gives no size"));
    }

    let mut blocks = Blocks { input, at: 13 + table_len(flags) };
    let mut frames = 0u32;
    let mut first = None;
    let (mut largest, mut pixels) = (Size::new(0, 0), 0u64);
    let (mut transparent, mut opens) = (false, false);
    // Of the frame that follows.
    let mut dispose = Dispose::Keep;
    let mut repeats = None;
    let whole = loop {
        match blocks.next() {
            Some(Block::Image(window)) => {
                // What was there before the first frame is nothing.
                opens |=
                    dispose == Dispose::Clear || dispose == Dispose::Restore && first.is_none();
                dispose = Dispose::Keep;
                frames += 1;
                first.get_or_insert(window);
                let Size { width, height } = window.size;
                largest = Size::new(largest.width.max(width), largest.height.max(height));
                pixels = pixels.saturating_add(window.size.pixels());
            }
            Some(Block::Control { has_transparency, dispose: next }) => {
                transparent |= has_transparency && first.is_none();
                dispose = next;
            }
            Some(Block::Loop(times)) => {
                repeats.get_or_insert(times);
            }
            Some(Block::Other) => {}
            // Some encoders leave the trailer out.
            Some(Block::Trailer) => break true,
            None => break blocks.at == input.len(),
        }
    };

    let canvas = Window { x: 0, y: 0, size: Size::new(width, height) };
    let fault = match (frames, whole) {
        (_, false) => Some(truncated()),
        (0, true) => Some(broken("no frame")),
        _ => None,
    };
    let first = first.unwrap_or(canvas);
    let alpha = transparent || !covers(first, canvas.size);
    let animation = Animation {
        plays: match repeats {
            // Players count what comes after the first time.
            Some(0) => None,
            times => NonZeroU32::MIN.checked_add(times.unwrap_or(0).into()),
        },
        alpha: alpha || opens,
    };
    Ok(Source {
        input,
        info: Info {
            format: Format::Gif,
            width,
            height,
            orientation: 1,
            frames: frames.max(1),
            alpha,
            bits: 8,
            has_profile: false,
            progressive: false,
        },
        kind: Kind::Gif(Gif { largest, pixels, animation }),
        embedded: Embedded::default(),
        fault,
        damage: None,
    })
}

/// Whether a frame leaves no pixel of the canvas open.
fn covers(frame: Window, canvas: Size) -> bool {
    frame.x == 0
        && frame.y == 0
        && frame.size.width >= canvas.width
        && frame.size.height >= canvas.height
}

/// Bytes of the colour table that a packed field announces.
fn table_len(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// The disposal method of that number. What is not defined disposes of nothing.
pub(in super::super) fn dispose(method: u8) -> Dispose {
    match method {
        2 => Dispose::Clear,
        3 => Dispose::Restore,
        _ => Dispose::Keep,
    }
}

/// A part of a file.
pub(in super::super) enum Block {
    Image(Window),
    Control {
        has_transparency: bool,
        dispose: Dispose,
    },
    /// How often an animation is repeated; 0 is for ever.
    Loop(u16),
    Other,
    Trailer,
}

/// Moves from block to block; stays at the first that is not whole.
pub(in super::super) struct Blocks<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Blocks<'a> {
    /// Those behind the screen descriptor and its colour table.
    pub(in super::super) fn new(input: &'a [u8]) -> Option<Blocks<'a>> {
        let flags = *input.get(10)?;
        Some(Blocks { input, at: 13 + table_len(flags) })
    }

    /// Where the next one begins.
    pub(in super::super) fn at(&self) -> usize {
        self.at
    }

    pub(in super::super) fn next(&mut self) -> Option<Block> {
        let at = self.at;
        let block = match *self.input.get(at)? {
            EXTENSION => {
                let label = *self.input.get(at + 1)?;
                self.at = self.after_sub_blocks(at + 2)?;
                match (label, array(self.input, at + 2)) {
                    (GRAPHIC_CONTROL, Some([4, flags])) => Block::Control {
                        has_transparency: flags & 1 == 1,
                        dispose: dispose(flags >> 2 & 7),
                    },
                    (APPLICATION, _) => self.application(at + 2).unwrap_or(Block::Other),
                    _ => Block::Other,
                }
            }
            IMAGE => {
                let side = |offset| le16(self.input, at + offset).map(u32::from);
                let window =
                    Window { x: side(1)?, y: side(3)?, size: Size::new(side(5)?, side(7)?) };
                let flags = *self.input.get(at + 9)?;
                // The byte behind the colour table is the code size of the data.
                self.at = self.after_sub_blocks(at + 10 + table_len(flags) + 1)?;
                Block::Image(window)
            }
            TRAILER => Block::Trailer,
            _ => return None,
        };
        Some(block)
    }

    /// What of an application extension's sub-blocks there is to know.
    fn application(&self, at: usize) -> Option<Block> {
        let [11, name @ ..] = array::<12>(self.input, at)? else { return None };
        match array(self.input, at + 12)? {
            [3, 1] if LOOPS.contains(&&name) => le16(self.input, at + 14).map(Block::Loop),
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
