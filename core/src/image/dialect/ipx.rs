//! ipx, the server of Nuxt Image: `/MODIFIER_ARGUMENT,.../SOURCE`, version 3.1.1.
//!
//! <https://github.com/unjs/ipx>. Modifiers run in the order of their names there, so that `rotate` comes before a width or a size,
//! and behind a height.

use std::collections::BTreeMap;

use super::asked::{Asked, Link, Unknown, Wishes, invalid};
use super::numbers::{places, real, whole, within};
use super::query::decoded;
use super::source::Source;
use crate::image::Error;

pub(super) const FIXED_PART: &[u8] = b"/";

/// The short names, with what they are short for.
const SHORT: [(&str, &str); 9] = [
    ("w", "width"),
    ("h", "height"),
    ("s", "resize"),
    ("f", "format"),
    ("q", "quality"),
    ("b", "background"),
    ("pos", "position"),
    ("a", "animated"),
    ("crop", "extract"),
];

struct Modifiers(BTreeMap<String, String>);

impl Modifiers {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

pub(super) fn read(link: Link<'_>, unknown: Unknown) -> Result<Asked, Error> {
    let wrong = || Error::BadParams("the link is not /MODIFIERS/SOURCE".to_owned());
    let path = link.path.strip_prefix(b"/").ok_or_else(wrong)?;
    let at = memchr::memchr(b'/', path).ok_or_else(wrong)?;
    let (written, rest) = path.split_at(at);
    let mut source = decoded(rest.get(1..).unwrap_or_default())?;
    if written.is_empty() || source.trim_matches('/').is_empty() {
        return Err(wrong());
    }
    let mut wishes = Wishes::new(unknown);
    wishes.imply("quality", "80");
    wishes.imply("orient", "off");
    let mut found = Modifiers(BTreeMap::new());
    if written != b"_" {
        for modifier in written.split(|byte| b"&,".contains(byte)) {
            wishes.count(modifier)?;
            let modifier = decoded(modifier)?;
            let at = modifier.find(['_', ':', '=']).unwrap_or(modifier.len());
            let (name, value) = modifier.split_at(at);
            let name =
                SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, full)| full);
            let value = value.get(1..).unwrap_or_default().replace([':', '='], "_");
            found.0.insert(name.to_owned(), value);
        }
    }
    // Pictures that move are read whole where they are written so.
    let moves = found.has("animated") || matches!(found.get("format"), None | Some("gif"));
    wishes.imply("anim", if moves { "on" } else { "off" });
    size(&found, &mut wishes)?;
    turn(&found, &mut wishes)?;
    // What is added, and what is behind the picture, is black unless it is said.
    if (found.has("extend") || found.has("flatten")) && !found.has("background") {
        wishes.set("background", "background", "black")?;
    }
    for (name, value) in &found.0 {
        modifier(&mut wishes, name, value)?;
    }
    if source.contains(":/")
        && let Some(query) = link.query
    {
        source = format!("{source}?{}", decoded(query)?);
    }
    Ok(wishes.of(Source::of_name(source.as_bytes())?))
}

/// Box, fit, and what is kept.
fn size(found: &Modifiers, wishes: &mut Wishes) -> Result<(), Error> {
    let side = |name: &str| {
        let value = found.get(name);
        value
            .map(|text| whole(text).filter(|&side| side > 0).ok_or_else(|| invalid(name)))
            .transpose()
    };
    let enlarges = found.has("enlarge");
    let enlarge = if enlarges { "on" } else { "off" };
    let (width, height) = (side("width")?, side("height")?);
    if let Some(size) = found.get("resize") {
        let (width, height) = size.split_once('x').unwrap_or((size, ""));
        let Some(width) = whole(width).filter(|&side| side > 0) else {
            return if width.is_empty() || width == "0" { Ok(()) } else { Err(invalid("resize")) };
        };
        let height = whole(height).filter(|&side| side > 0).unwrap_or(width);
        let fit = match (found.get("fit"), enlarges) {
            (None | Some("cover"), true) => "cover",
            // What is too small is cut to the proportions.
            (None | Some("cover"), false) => "aspect-crop",
            (Some("contain"), _) => "pad",
            (Some("fill"), _) => "stretch",
            (Some("inside"), _) => "contain",
            (Some("outside"), _) => "outside",
            (Some(_), _) => return Err(invalid("fit")),
        };
        // The later of them counts.
        if width > 0 && (found.has("width") || found.has("height")) {
            wishes.cannot("resize beside width or height")?;
        }
        wishes.set("resize", "width", width)?;
        wishes.set("resize", "height", height)?;
        wishes.set("fit", "fit", fit)?;
        // Of others the box is cut to the picture, with its proportions.
        if !enlarges && fit != "aspect-crop" {
            wishes.need("fit", "clamp", "ratio")?;
        }
        if fit == "pad" && !found.has("background") {
            wishes.set("fit", "background", "black")?;
        }
        if matches!(fit, "cover" | "aspect-crop" | "pad") {
            position(found, wishes)?;
        }
        return Ok(());
    }
    // The width is the later one.
    let Some((name, side)) =
        width.map(|side| ("width", side)).or(height.map(|side| ("height", side)))
    else {
        return Ok(());
    };
    wishes.set(name, name, side)?;
    wishes.set(name, "enlarge", enlarge)
}

fn position(found: &Modifiers, wishes: &mut Wishes) -> Result<(), Error> {
    let gravity = match found.get("position") {
        None | Some("" | "center" | "centre") => return Ok(()),
        Some("top" | "north") => "north",
        Some("right top" | "northeast") => "northeast",
        Some("right" | "east") => "east",
        Some("right bottom" | "southeast") => "southeast",
        Some("bottom" | "south") => "south",
        Some("left bottom" | "southwest") => "southwest",
        Some("left" | "west") => "west",
        Some("left top" | "northwest") => "northwest",
        Some("entropy" | "attention") => "smart",
        Some(_) => return Err(invalid("position")),
    };
    wishes.set("position", "gravity", gravity)
}

/// The turn, and the mirroring, which comes behind one that is before the size.
fn turn(found: &Modifiers, wishes: &mut Wishes) -> Result<(), Error> {
    let angle = match found.get("rotate") {
        None | Some("") => 0.0,
        Some(text) => within(text, -3600.0, 3600.0).ok_or_else(|| invalid("rotate"))?,
    };
    let angle = angle.rem_euclid(360.0);
    let leads = !found.has("height") || found.has("width") || found.has("resize");
    let has_size = ["width", "height", "resize"].iter().any(|name| found.has(name));
    let lies = angle % 180.0 == 90.0;
    if angle != 0.0 {
        if found.has("extract") || found.has("extend") || found.has("trim") {
            wishes.cannot("rotate beside what cuts or adds")?;
        }
        if lies && has_size {
            wishes.need("rotate", "rotate_box", if leads { "after" } else { "before" })?;
        }
        wishes.set("rotate", "rotate", places(angle, 2))?;
        if angle % 90.0 != 0.0 && !found.has("background") {
            wishes.set("rotate", "background", "black")?;
        }
    }
    let (flip, flop) = (found.has("flip"), found.has("flop"));
    if (flip || flop) && angle % 90.0 != 0.0 {
        wishes.cannot("flip beside rotate")?;
    }
    let (horizontal, vertical) = if lies && leads { (flip, flop) } else { (flop, flip) };
    match (horizontal, vertical) {
        (false, false) => Ok(()),
        (true, false) => wishes.set("flop", "flip", "h"),
        (false, true) => wishes.set("flip", "flip", "v"),
        (true, true) => wishes.set("flip", "flip", "hv"),
    }
}

/// A modifier that depends on no other.
fn modifier(wishes: &mut Wishes, name: &str, value: &str) -> Result<(), Error> {
    let bad = || invalid(name);
    let parts: Vec<&str> = value.split('_').collect();
    let four = || {
        let numbers: Option<Vec<u32>> = parts.iter().map(|part| whole(part)).collect();
        numbers.filter(|numbers| numbers.len() == 4).ok_or_else(bad)
    };
    match name {
        "quality" => {
            let quality =
                whole(value).filter(|quality| (1..=100).contains(quality)).ok_or_else(bad)?;
            wishes.set(name, "quality", quality)
        }
        "format" => match value {
            "jpg" | "jpeg" | "png" | "webp" | "avif" | "gif" | "auto" => {
                wishes.set(name, "format", value)
            }
            "heif" | "heic" | "tiff" | "svg" => wishes.cannot(format_args!("format_{value}")),
            // Unknown ones are none there.
            _ => Ok(()),
        },
        "background" => wishes.set(name, "background", value),
        "flatten" => wishes.need(name, "flatten", "on"),
        "blur" => {
            let sigma = if value.is_empty() { Some(0.82) } else { within(value, 0.3, 1000.0) };
            wishes.set(name, "blur", places(sigma.ok_or_else(bad)?, 2))
        }
        // There a radius of what is looked at, here how much is added.
        "sharpen" => {
            let first = parts.first().copied().unwrap_or_default();
            let sigma =
                if first.is_empty() { 1.0 } else { within(first, 0.0, 10.0).ok_or_else(bad)? };
            wishes.set(name, "sharpen", (sigma * 100.0).round())
        }
        "grayscale" => wishes.set(name, "grayscale", "on"),
        "negate" => wishes.set(name, "negate", "on"),
        "tint" => wishes.set(name, "tint", value),
        "modulate" => {
            for (setting, part) in ["brightness", "saturation"].into_iter().zip(&parts) {
                if !part.is_empty() {
                    let factor = within(part, 0.0, 1e4).ok_or_else(bad)?;
                    wishes.set(name, setting, places(factor, 2))?;
                }
            }
            match parts.get(2).filter(|part| !part.is_empty()) {
                None => Ok(()),
                Some(hue) => {
                    let hue = real(hue).ok_or_else(bad)?.trunc() % 360.0;
                    wishes.set(name, "hue", hue)
                }
            }
        }
        "trim" => {
            let threshold =
                if value.is_empty() { 10.0 } else { within(value, 0.0, 255.0).ok_or_else(bad)? };
            wishes.set(name, "trim", threshold.round())
        }
        "extract" => {
            let [x, y, width, height] = four()?[..] else { return Err(bad()) };
            wishes.set(name, "crop", format_args!("{x},{y},{width},{height}"))
        }
        "extend" => {
            let [top, right, bottom, left] = four()?[..] else { return Err(bad()) };
            wishes.set(name, "padding", format_args!("{top},{right},{bottom},{left}"))
        }
        "kernel" if value == "lanczos3" => Ok(()),
        "threshold" => {
            let threshold = if value.is_empty() { Some(128) } else { whole(value) };
            let threshold = threshold.filter(|&threshold| threshold <= 255).ok_or_else(bad)?;
            wishes.set(name, "threshold", threshold)
        }
        "gamma" | "kernel" | "median" | "normalize" => wishes.cannot(name),
        // What is asked for elsewhere, and what its server does not know.
        _ => Ok(()),
    }
}
