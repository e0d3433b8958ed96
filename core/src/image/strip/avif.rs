//! AVIF.

use super::{Cuts, Kept};

pub(super) fn cuts<'a>(input: &'a [u8], _kept: &Kept) -> Option<Cuts<'a>> {
    Some(Cuts::new(input))
}
