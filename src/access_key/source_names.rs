//! What the sources of keys are called in a request.

use image_gate_core::key::KeySource;
use smallvec::SmallVec;

/// The names of the arguments among the sources.
pub fn names(sources: &[KeySource]) -> SmallVec<[&[u8]; 4]> {
    let names = sources.iter().filter_map(|source| match source {
        KeySource::Argument(name) => Some(&name[..]),
        KeySource::Header(_) | KeySource::Cookie(_) | KeySource::Segment(_) => None,
    });
    names.collect()
}

/// Whether that is the name of the variable of what is in a source.
pub fn is_variable_of(name: &[u8], source: &KeySource) -> bool {
    match source {
        KeySource::Argument(wanted) => is_named(name, b"arg_", wanted),
        KeySource::Header(wanted) => is_named(name, b"http_", wanted),
        KeySource::Cookie(wanted) => is_named(name, b"cookie_", wanted),
        KeySource::Segment(_) => false,
    }
}

/// Whether the name of a variable is that prefix and what it stands for.
fn is_named(name: &[u8], prefix: &[u8], wanted: &[u8]) -> bool {
    name.strip_prefix(prefix).is_some_and(|name| {
        name.len() == wanted.len()
            && name.iter().zip(wanted).all(|(&byte, &wanted)| {
                byte.eq_ignore_ascii_case(&wanted) || byte == b'_' && wanted == b'-'
            })
    })
}
