//! Next.js: `/_next/image?url=SOURCE&w=WIDTH&q=QUALITY`.
//!
//! <https://nextjs.org/docs/app/api-reference/components/image>; what its server refuses is
//! refused here, too, but that widths and qualities are for `image_resize_allow`.

use super::asked::{Asked, Link, Unknown, Wishes, invalid};
use super::numbers::whole;
use super::query::arguments;
use super::source::Source;
use crate::image::Error;

pub(super) const FIXED_PART: &[u8] = b"/_next/image";

/// How long a source may be, as there.
const LONGEST: usize = 3072;

pub(super) fn read(link: Link<'_>, unknown: Unknown) -> Result<Asked, Error> {
    if !matches!(link.path, b"/_next/image" | b"/_next/image/") {
        return Err(Error::BadParams("a link of Next.js begins with \"/_next/image\"".to_owned()));
    }
    let mut wishes = Wishes::new(unknown);
    wishes.imply("format", "auto=webp");
    let (mut url, mut width, mut quality) = (None, None, None);
    for argument in arguments(link.query.unwrap_or_default()) {
        let (name, value) = argument?;
        // The source is bounded below.
        wishes.count(name.as_bytes())?;
        let slot = match &*name {
            "url" => &mut url,
            "w" => &mut width,
            "q" => &mut quality,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(Error::BadParams(format!("{name:?} stands twice")));
        }
    }
    let needed = |value: Option<String>, name: &str| {
        value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Error::BadParams(format!("{name:?} is missing")))
    };
    let (url, width, quality) = (needed(url, "url")?, needed(width, "w")?, needed(quality, "q")?);
    let width = whole(&width).filter(|&width| width > 0).ok_or_else(|| invalid("w"))?;
    let quality = whole(&quality)
        .filter(|quality| (1..=100).contains(quality))
        .ok_or_else(|| invalid("q"))?;
    wishes.set("w", "width", width)?;
    wishes.set("q", "quality", quality)?;
    Ok(wishes.of(source(&url)?))
}

fn source(url: &str) -> Result<Source, Error> {
    if url.len() > LONGEST {
        return Err(invalid("url"));
    }
    let source = Source::of_url(url.as_bytes())?;
    let is_relative = url.starts_with('/') && !url.starts_with("//");
    let is_absolute =
        source.origin.as_ref().is_some_and(|origin| origin.scheme.starts_with("http"));
    if !(is_relative || is_absolute) || source.path().starts_with(FIXED_PART) {
        return Err(invalid("url"));
    }
    Ok(source)
}
