//! JPEG XL: those boxes stay of which the decoder got something, and of the codestream what is the image.

use super::cuts::{Cuts, Kept};
use crate::image::source::Icc;
use crate::image::source::jxl::Jxl;

/// The box of the file's type behind the signature: nothing else that it may be.
const TYPE: &[u8] = b"\0\0\0\x14ftypjxl \0\0\0\0jxl ";

pub(super) fn cuts<'a>(
    input: &'a [u8],
    jxl: &Jxl,
    has_profile: bool,
    kept: &Kept,
) -> Option<Cuts<'a>> {
    // It is packed with what needs it.
    let is_whole = |icc: &Icc| icc.stated_len().is_some_and(|len| len >= icc.stored_len());
    if has_profile && !kept.profile.is_some_and(is_whole) {
        return None;
    }
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
    let (signature, boxes) = input.split_at_checked(12)?;
    if !boxes.starts_with(TYPE) {
        return None;
    }
    // With Exif and all that, what a JPEG is made of again goes, too.
    let mut at = signature.len();
    for range in jxl.ranges() {
        cuts.cut(at..range.start)?;
        at = range.end;
    }
    // `None` where the last box is not whole.
    cuts.cut(at..input.len())?;
    Some(cuts)
}
