//! JPEG XL: the boxes that hold the codestream stay, and of that what is the image.

use super::cuts::{Cuts, Kept};
use crate::image::isobmff::IsoBox;
use crate::image::source::jxl::Jxl;

/// What the box of the file's type has in it: nothing else that it may be.
const TYPE: &[u8] = b"jxl \0\0\0\0jxl ";

pub(super) fn cuts<'a>(input: &'a [u8], jxl: &Jxl, kept: &Kept) -> Option<Cuts<'a>> {
    // There is no place for it without a container.
    if kept.exif.is_some() {
        return None;
    }
    let (len, end) = jxl.extent()?;
    let mut cuts = Cuts::new(input);
    // A codestream of its own.
    if input.starts_with(&[0xff, 0x0a]) {
        cuts.cut(end..input.len())?;
        return Some(cuts);
    }
    // The length of a box would have to change.
    if end != len {
        return None;
    }
    let mut at = 0;
    while at < input.len() {
        let found = IsoBox::read_whole(input, at, input.len())?;
        match &found.kind {
            b"ftyp" if input.get(found.body..found.end) != Some(TYPE) => return None,
            b"JXL " | b"ftyp" | b"jxll" | b"jxlc" | b"jxlp" => {}
            // With Exif and all that, what a JPEG is made of again goes, too.
            _ => cuts.cut(found.range())?,
        }
        at = found.end;
    }
    Some(cuts)
}
