//! The IIIF Image API 3.0: `/IDENTIFIER/REGION/SIZE/ROTATION/QUALITY.FORMAT`, and what it tells of a
//! picture at `/IDENTIFIER/info.json`.
//!
//! <https://iiif.io/api/image/3.0/>. The size is that of the region before its turn; it is mirrored before that.

mod information;

pub(super) use information::Information;
pub use information::PROFILE;

use super::asked::{Asked, Link, Resource, Unknown, Wishes, invalid};
use super::description::Description;
use super::numbers::{places, whole, within};
use super::query::decoded;
use super::source::{self, Source};
use crate::image::Error;

pub(super) const FIXED_PART: &[u8] = b"/";

/// What an identifier is followed by where it is described.
const INFORMATION: &[u8] = b"info.json";

pub(super) fn read(link: Link<'_>, unknown: Unknown) -> Result<Asked, Error> {
    let wrong = || {
        let form = "/IDENTIFIER/REGION/SIZE/ROTATION/QUALITY.FORMAT";
        // Slashes in an identifier are encoded: one that is not leads elsewhere.
        Error::NoSuchLink(format!("the link is not {form}"))
    };
    let path = link.path.strip_prefix(b"/").ok_or_else(wrong)?;
    let segments: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    let (identifier, resource, parts) = match segments[..] {
        [identifier] => (identifier, Resource::Base, None),
        [identifier, INFORMATION] => {
            // Whoever was asked knows by which URI.
            let described = Description::Iiif { id: String::new() };
            (identifier, Resource::Description(described), None)
        }
        [identifier, region, size, rotation, file] => {
            (identifier, Resource::Image, Some([region, size, rotation, file]))
        }
        _ => return Err(wrong()),
    };
    if identifier.is_empty() {
        return Err(wrong());
    }
    let mut wishes = Wishes::new(unknown);
    if let Some(parts) = parts {
        for part in parts {
            wishes.count(part)?;
        }
        let [region, size, rotation, file] = parts;
        read_region(&decoded(region)?, &mut wishes)?;
        read_size(&decoded(size)?, &mut wishes)?;
        read_rotation(&decoded(rotation)?, &mut wishes)?;
        read_file(&decoded(file)?, &mut wishes)?;
    }
    let source = Source::of_name(decoded(identifier)?.as_bytes())?;
    Ok(Asked { resource, ..wishes.of(source) })
}

/// A decoded path as its links have it: the slashes of an identifier are encoded.
pub(super) fn written(path: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> =
        path.strip_prefix(b"/").unwrap_or(path).split(|&byte| byte == b'/').collect();
    let behind = match parts[..] {
        [_, .., INFORMATION] => 1,
        [_, _, _, _, _, ..] => 4,
        _ => 0,
    };
    let (identifier, rest) = parts.split_at(parts.len() - behind);
    let identifier: Vec<_> = identifier.iter().map(|part| source::written(part)).collect();
    let mut written = [&b"/"[..], &identifier.join(&b"%2F"[..])].concat();
    for part in rest {
        written.push(b'/');
        written.extend(source::written(part));
    }
    written
}

fn read_region(text: &str, wishes: &mut Wishes) -> Result<(), Error> {
    let bad = || invalid("region");
    let (numbers, is_share) = match text {
        "full" => return Ok(()),
        "square" => return wishes.set("region", "crop", "square"),
        _ => match text.strip_prefix("pct:") {
            Some(numbers) => (numbers, true),
            None => (text, false),
        },
    };
    let parts: Vec<&str> = numbers.split(',').collect();
    let [x, y, width, height] = parts[..] else { return Err(bad()) };
    let read = |text: &str| {
        if is_share {
            let share = within(text, 0.0, 1e6).ok_or_else(bad)?;
            // What reaches beyond the picture is cut off.
            return Ok(places(share.min(100.0), 4) + "%");
        }
        whole(text).map(|pixels| pixels.to_string()).ok_or_else(bad)
    };
    let area = [read(x)?, read(y)?, read(width)?, read(height)?];
    let is_nothing = |text: &String| matches!(text.trim_end_matches('%'), "0");
    if area.iter().skip(2).any(is_nothing) {
        return Err(bad());
    }
    wishes.set("region", "crop", area.join(","))
}

fn read_size(text: &str, wishes: &mut Wishes) -> Result<(), Error> {
    let bad = || invalid("size");
    let (text, enlarges) = match text.strip_prefix('^') {
        Some(text) => (text, true),
        None => (text, false),
    };
    if text == "max" {
        return wishes.need("size", "oversize", "reduce");
    }
    if let Some(share) = text.strip_prefix("pct:") {
        // Beyond all there is, the size is none without the sign.
        let most = if enlarges { 1e3 } else { 100.0 };
        let share = within(share, 0.0, most).filter(|&share| share > 0.0).ok_or_else(bad)?;
        wishes.set("size", "width", places(share, 4) + "%")?;
        return wishes.need("size", "enlarge", if enlarges { "on" } else { "off" });
    }
    let side = |text: &str| whole(text).filter(|&side| side > 0).ok_or_else(bad);
    let (bounds, is_confined) = match text.strip_prefix('!') {
        Some(bounds) => (bounds, true),
        None => (text, false),
    };
    let (width, height) = bounds.split_once(',').ok_or_else(bad)?;
    let read = |text: &str| match text {
        "" if !is_confined => Ok(None),
        text => side(text).map(Some),
    };
    let sides = [("width", read(width)?), ("height", read(height)?)];
    if sides.iter().all(|(_, side)| side.is_none()) {
        return Err(bad());
    }
    for (name, side) in sides {
        if let Some(side) = side {
            wishes.set("size", name, side)?;
        }
    }
    let is_exact = !is_confined && sides.iter().all(|(_, side)| side.is_some());
    wishes.set("size", "fit", if is_exact { "stretch" } else { "contain" })?;
    // Only what is confined is as large as there is of it; another size is asked for as it is.
    let enlarge = match (enlarges, is_confined) {
        (true, _) => "on",
        (false, true) => "off",
        (false, false) => "refuse",
    };
    wishes.set("size", "enlarge", enlarge)
}

fn read_rotation(text: &str, wishes: &mut Wishes) -> Result<(), Error> {
    let (angle, is_mirrored) = match text.strip_prefix('!') {
        Some(angle) => (angle, true),
        None => (text, false),
    };
    let angle = within(angle, 0.0, 360.0).ok_or_else(|| invalid("rotation"))? % 360.0;
    if is_mirrored {
        wishes.set("rotation", "flip", "h")?;
    }
    if angle == 0.0 {
        return Ok(());
    }
    if angle % 180.0 == 90.0 {
        wishes.need("rotation", "rotate_box", "before")?;
    }
    wishes.set("rotation", "rotate", places(angle, 2))
}

fn read_file(text: &str, wishes: &mut Wishes) -> Result<(), Error> {
    let (quality, format) = text.rsplit_once('.').ok_or_else(|| invalid("format"))?;
    match quality {
        "default" | "color" => {}
        "gray" => wishes.set("quality", "grayscale", "on")?,
        "bitonal" => wishes.set("quality", "threshold", 128)?,
        _ => return Err(invalid("quality")),
    }
    match format {
        "jpg" | "png" | "gif" | "webp" => wishes.set("format", "format", format),
        "tif" | "jp2" | "pdf" => wishes.cannot(format),
        _ => Err(invalid("format")),
    }
}
