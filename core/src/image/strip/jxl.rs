//! JPEG XL: the boxes that hold the codestream stay.

use super::cuts::{Cuts, Kept};
use crate::image::isobmff::IsoBox;

pub(super) fn cuts<'a>(input: &'a [u8], kept: &Kept) -> Option<Cuts<'a>> {
    // There is no place for it without a container.
    if kept.exif.is_some() {
        return None;
    }
    let mut cuts = Cuts::new(input);
    // A codestream of its own.
    if input.starts_with(&[0xff, 0x0a]) {
        return Some(cuts);
    }
    let mut at = 0;
    while at < input.len() {
        let found = IsoBox::read_whole(input, at, input.len())?;
        match &found.kind {
            b"JXL " | b"ftyp" | b"jxll" | b"jxlc" | b"jxlp" => {}
            // With Exif and all that, what a JPEG is made of again goes, too.
            _ => cuts.cut(found.range())?,
        }
        at = found.end;
    }
    Some(cuts)
}
