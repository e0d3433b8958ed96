//! GIF: images, what says how they are shown, and how often all of it is repeated.
//!
//! Nothing else has a place here: browsers take colours for sRGB, and EXIF is not defined.

use super::cuts::Cuts;
use crate::image::source::gif::{GifBlock, GifBlocks, PLAIN_TEXT};

/// Bytes of a graphic control extension and of one that says how often, before the zero that
/// ends each.
const CONTROL_LEN: usize = 7;
const LOOP_LEN: usize = 18;

pub(super) fn cuts(input: &[u8]) -> Option<Cuts<'_>> {
    let mut cuts = Cuts::new(input);
    let mut blocks = GifBlocks::new(input);
    // The control of what comes next.
    let mut control = None;
    loop {
        let block = blocks.next();
        let range = blocks.range();
        let start = range.start;
        let first = |len| Some([input.get(start..start + len)?, &[0]].concat());
        match block {
            GifBlock::Image(_) => control = None,
            GifBlock::Control => {
                control = Some(range.clone());
                cuts.replace(range, &first(CONTROL_LEN)?)?;
            }
            // Its first sub-block alone: others ask for buffers.
            GifBlock::Loop(_) => cuts.replace(range, &first(LOOP_LEN)?)?,
            GifBlock::Other => {
                // Text that nobody paints takes its control along.
                let is_text = input.get(start + 1) == Some(&PLAIN_TEXT);
                if let Some(control) = control.take_if(|_| is_text) {
                    cuts.replace_before(control, &[])?;
                }
                cuts.cut(range)?;
            }
            GifBlock::Trailer => {
                cuts.cut(start + 1..input.len())?;
                return Some(cuts);
            }
            GifBlock::Unknown | GifBlock::Cut => return None,
        }
    }
}
