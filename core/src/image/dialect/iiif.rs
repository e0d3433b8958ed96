//! The IIIF Image API 3.0: `/IDENTIFIER/REGION/SIZE/ROTATION/QUALITY.FORMAT`.
//!
//! <https://iiif.io/api/image/3.0/>. The size is that of the region before its turn; it is mirrored before that.

use super::asked::{Asked, Link, Unknown, Wishes, invalid};
use super::numbers::{places, whole, within};
use super::query::decoded;
use super::source::Source;
use crate::image::Error;

pub(super) const FIXED_PART: &[u8] = b"/";

pub(super) fn read(link: Link<'_>, unknown: Unknown) -> Result<Asked, Error> {
    let wrong = || {
        let form = "/IDENTIFIER/REGION/SIZE/ROTATION/QUALITY.FORMAT";
        Error::BadParams(format!("the link is not {form}"))
    };
    let path = link.path.strip_prefix(b"/").ok_or_else(wrong)?;
    let segments: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    let &[identifier, region, size, rotation, file] = &segments[..] else { return Err(wrong()) };
    if identifier.is_empty() {
        return Err(wrong());
    }
    let mut wishes = Wishes::new(unknown);
    for part in [region, size, rotation, file] {
        wishes.count(part)?;
    }
    let is_square = read_region(&decoded(region)?, &mut wishes)?;
    read_size(&decoded(size)?, is_square, &mut wishes)?;
    read_rotation(&decoded(rotation)?, &mut wishes)?;
    read_file(&decoded(file)?, &mut wishes)?;
    Ok(wishes.of(Source::of_name(decoded(identifier)?.as_bytes())?))
}

/// Returns whether it is to be a square, which the size has to make.
fn read_region(text: &str, wishes: &mut Wishes) -> Result<bool, Error> {
    let bad = || invalid("region");
    if matches!(text, "full" | "square") {
        return Ok(text == "square");
    }
    let (numbers, is_share) = match text.strip_prefix("pct:") {
        Some(numbers) => (numbers, true),
        None => (text, false),
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
    wishes.set("region", "crop", area.join(","))?;
    Ok(false)
}

fn read_size(text: &str, is_square: bool, wishes: &mut Wishes) -> Result<(), Error> {
    let bad = || invalid("size");
    let (text, enlarges) = match text.strip_prefix('^') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let side = |text: &str| whole(text).filter(|&side| side > 0).ok_or_else(bad);
    let (fit, width, height) = if text == "max" {
        if is_square {
            wishes.set("square", "ar", "1:1")?;
            return wishes.set("square", "fit", "aspect-crop");
        }
        return Ok(());
    } else if let Some(share) = text.strip_prefix("pct:") {
        let most = if enlarges { 1e4 } else { 100.0 };
        let share = within(share, 0.0, most).filter(|&share| share > 0.0).ok_or_else(bad)?;
        if is_square {
            return wishes.cannot("square with pct:");
        }
        let side = places(share, 4) + "%";
        wishes.set("size", "width", side)?;
        return wishes.set("size", "enlarge", if enlarges { "on" } else { "off" });
    } else if let Some(bounds) = text.strip_prefix('!') {
        let (width, height) = bounds.split_once(',').ok_or_else(bad)?;
        ("inside", Some(side(width)?), Some(side(height)?))
    } else {
        let (width, height) = text.split_once(',').ok_or_else(bad)?;
        let read = |text: &str| if text.is_empty() { Ok(None) } else { side(text).map(Some) };
        ("exact", read(width)?, read(height)?)
    };
    let (width, height, fit) = match (width, height) {
        (None, None) => return Err(bad()),
        (Some(width), Some(height)) if is_square && fit == "inside" => {
            let side = width.min(height);
            (Some(side), Some(side), "cover")
        }
        (Some(side), None) | (None, Some(side)) if is_square => (Some(side), Some(side), "cover"),
        (Some(width), Some(height)) if is_square && width != height => {
            return wishes.cannot(format_args!("square to {width},{height}"));
        }
        (width, height) if is_square => (width, height, "cover"),
        (width @ Some(_), height @ Some(_)) if fit == "exact" => (width, height, "stretch"),
        (width, height) => (width, height, "contain"),
    };
    for (name, side) in [("width", width), ("height", height)] {
        if let Some(side) = side {
            wishes.set("size", name, side)?;
        }
    }
    wishes.set("size", "fit", fit)?;
    // Of an exact size both sides are that, whatever becomes of the picture.
    if fit == "stretch" {
        Ok(())
    } else {
        wishes.set("size", "enlarge", if enlarges { "on" } else { "off" })
    }
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
        "bitonal" => wishes.cannot("bitonal")?,
        _ => return Err(invalid("quality")),
    }
    match format {
        "jpg" | "png" | "gif" | "webp" => wishes.set("format", "format", format),
        "tif" | "jp2" | "pdf" => wishes.cannot(format),
        _ => Err(invalid("format")),
    }
}
