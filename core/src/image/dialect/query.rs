//! The arguments of links that say everything in them.

use std::borrow::Cow;

use crate::escapes::percent_decode_lossy;
use crate::image::Error;
use crate::link;

/// Takes arguments apart: names and values, decoded once, `+` being a space.
pub(super) fn arguments(
    query: &[u8],
) -> impl Iterator<Item = Result<(String, String), Error>> + use<'_> {
    link::arguments(query).map(|(name, value)| Ok((text(name)?, text(value)?)))
}

fn text(encoded: &[u8]) -> Result<String, Error> {
    let spaced: Cow<'_, [u8]> = match encoded.contains(&b'+') {
        true => encoded.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect(),
        false => encoded.into(),
    };
    decoded(&spaced)
}

/// Undoes percent-encoding once, of what is a text then.
///
/// # Errors
/// [`Error::BadParams`] where it is none.
pub(super) fn decoded(encoded: &[u8]) -> Result<String, Error> {
    String::from_utf8(percent_decode_lossy(encoded).into_owned())
        .map_err(|_| Error::BadParams("the link holds what is no text".to_owned()))
}
