//! images.weserv.nl: `/?url=SOURCE&OPTION=VALUE...`, API version 5.
//!
//! <https://wsrv.nl/docs/quick-reference.html>. Of a repeated argument the first one counts there, and a value that is none is
//! as good as none.

mod information;

use std::collections::BTreeMap;

pub(super) use information::Information;

use super::asked::{Asked, Link, Unknown, Wishes};
use super::description::Description;
use super::numbers::{color, places, real, within};
use super::query::arguments;
use super::source::Source;
use crate::image::words::Words as _;
use crate::image::{Error, Mask};

pub(super) const FIXED_PART: &[u8] = b"/";

/// Names that were others before, or are both.
const SYNONYMS: [(&str, &str); 11] = [
    ("shape", "mask"),
    ("strim", "mtrim"),
    ("or", "ro"),
    ("t", "fit"),
    ("pages", "n"),
    ("width", "w"),
    ("height", "h"),
    ("align", "a"),
    ("level", "l"),
    ("quality", "q"),
    ("lossless", "ll"),
];

/// The arguments by their names, the first one of each.
struct Arguments(BTreeMap<String, String>);

impl Arguments {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A switch, which is on without a value.
    fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !matches!(value, "false" | "0"))
    }

    fn number(&self, name: &str, least: f64, most: f64) -> Option<f64> {
        within(self.get(name)?, least, most)
    }

    fn whole(&self, name: &str, least: i64, most: i64) -> Option<i64> {
        let number = self.get(name)?.parse().ok()?;
        (least..=most).contains(&number).then_some(number)
    }

    fn color(&self, name: &str) -> Option<String> {
        color(self.get(name)?)
    }
}

pub(super) fn read(link: Link<'_>, unknown: Unknown) -> Result<Asked, Error> {
    if !matches!(link.path, b"" | b"/") {
        return Err(Error::BadParams("a link of weserv says all in its arguments".to_owned()));
    }
    let mut wishes = Wishes::new(unknown);
    wishes.imply("anim", "off");
    wishes.imply("quality", "80");
    let mut found = Arguments(BTreeMap::new());
    for argument in arguments(link.query.unwrap_or_default()) {
        let (name, value) = argument?;
        wishes.count(if name == "url" { b"" } else { value.as_bytes() })?;
        let full = SYNONYMS.iter().find(|(old, _)| *old == name).map_or(&*name, |(_, full)| full);
        found.0.entry(full.to_owned()).or_insert(value);
    }
    let url = found.get("url").filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| Error::BadParams("\"url\" is missing".to_owned()))?;
    let source = match url.strip_prefix("ssl:") {
        Some(url) => Source::of_guess(url.as_bytes(), b"https", Source::of_url)?,
        None => Source::of_guess(url.as_bytes(), b"http", Source::of_url)?,
    };
    size(&found, &mut wishes)?;
    turn(&found, &mut wishes)?;
    cuts(&found, &mut wishes)?;
    looks(&found, &mut wishes)?;
    output(&found, &mut wishes)?;
    Ok(wishes.of(source))
}

/// Box, fit, and what is kept.
fn size(found: &Arguments, wishes: &mut Wishes) -> Result<(), Error> {
    for (name, setting) in [("w", "width"), ("h", "height")] {
        let Some(value) = found.get(name) else { continue };
        if let Some(side) = found.whole(name, 1, u32::MAX.into()) {
            wishes.set(name, setting, side)?;
        } else if let Some(share) =
            value.strip_suffix('%').and_then(|share| within(share, 0.0, 100.0))
        {
            wishes.set(name, setting, places(share, 4) + "%")?;
        }
    }
    if let Some(dpr) = found.number("dpr", 0.0, 8.0) {
        wishes.set("dpr", "dpr", places(dpr, 2))?;
    }
    let written = found.get("fit").unwrap_or_default();
    let fit = match written {
        "contain" | "letterbox" => "pad",
        "cover" | "square" | "squaredown" => "cover",
        "fill" | "absolute" => "stretch",
        "outside" => "outside",
        crop if crop.starts_with("crop") => "cover",
        _ => "contain",
    };
    let shrinks_only = found.is_on("we") || matches!(written, "fit" | "squaredown");
    wishes.set("fit", "fit", fit)?;
    if shrinks_only {
        // There each side is bounded by itself.
        if fit == "stretch" {
            if found.is_on("precrop") {
                wishes.cannot("we with precrop")?;
            }
            wishes.need("we", "clamp", "sides")?;
        } else {
            wishes.set("we", "enlarge", "off")?;
        }
    }
    if matches!(fit, "cover" | "pad") {
        alignment(found, wishes, fit)?;
    }
    Ok(())
}

fn alignment(found: &Arguments, wishes: &mut Wishes, fit: &str) -> Result<(), Error> {
    let value = found.get("a").unwrap_or_default();
    let gravity = match value {
        "top" | "t" => "north".to_owned(),
        "left" | "l" => "west".to_owned(),
        "right" | "r" => "east".to_owned(),
        "bottom" | "b" => "south".to_owned(),
        "top-left" => "northwest".to_owned(),
        "top-right" => "northeast".to_owned(),
        "bottom-left" => "southwest".to_owned(),
        "bottom-right" => "southeast".to_owned(),
        "entropy" | "attention" if fit == "cover" => "smart".to_owned(),
        focal if (focal.starts_with("focal") || focal.starts_with("crop-")) && fit == "cover" => {
            // Percentages behind it were how it was said before.
            let mut old = focal.split('-').skip(1).map(|part| within(part, 0.0, 100.0));
            let mut part = |name| {
                let old = old.next().flatten().map(|percent| percent / 100.0);
                places(old.or_else(|| found.number(name, 0.0, 1.0)).unwrap_or(0.5), 4)
            };
            format!("{}:{}", part("fpx"), part("fpy"))
        }
        _ => return Ok(()),
    };
    wishes.set("a", "gravity", gravity)
}

/// The turn, then the mirroring.
fn turn(found: &Arguments, wishes: &mut Wishes) -> Result<(), Error> {
    let angle = found.whole("ro", i64::from(i32::MIN), i64::from(i32::MAX)).unwrap_or(0);
    let angle = angle.rem_euclid(360);
    let is_boxed = found.get("w").is_some() || found.get("h").is_some();
    if angle % 180 != 0 && is_boxed {
        // Sides are those of the picture before its turn.
        match found.get("fit") {
            Some("fill" | "absolute") => wishes.need("ro", "rotate_box", "before")?,
            // There the picture is scaled before its turn, and laid into the box after it.
            Some("contain" | "letterbox") => wishes.cannot("ro with fit=contain")?,
            _ => {}
        }
    }
    if angle != 0 {
        wishes.set("ro", "rotate", angle)?;
    }
    if angle % 90 != 0 {
        let color = found.color("rbg").unwrap_or_else(|| "transparent".to_owned());
        wishes.set("rbg", "background", color)?;
    }
    // Here it comes before the turn.
    let (flip, flop) = (found.is_on("flip"), found.is_on("flop"));
    let (horizontal, vertical) = if angle % 180 == 90 { (flip, flop) } else { (flop, flip) };
    if angle % 90 != 0 && (flip || flop) {
        wishes.cannot("flip with ro")?;
    }
    match (horizontal, vertical) {
        (false, false) => Ok(()),
        (true, false) => wishes.set("flop", "flip", "h"),
        (false, true) => wishes.set("flip", "flip", "v"),
        (true, true) => wishes.set("flip", "flip", "hv"),
    }
}

/// Borders and rectangles.
fn cuts(found: &Arguments, wishes: &mut Wishes) -> Result<(), Error> {
    if let Some(value) = found.get("trim") {
        let threshold = if value.is_empty() { Some(10) } else { found.whole("trim", 1, 254) };
        if let Some(threshold) = threshold {
            wishes.set("trim", "trim", threshold)?;
            if let Some(color) = found.color("tbg") {
                wishes.set("tbg", "trim_color", color)?;
            }
        }
    }
    let coordinate = |text: &str| match text.strip_suffix('%') {
        Some(share) => within(share, 0.0, 100.0).map(|share| places(share, 4) + "%"),
        None => text.parse::<u32>().ok().map(|pixels| pixels.to_string()),
    };
    // How rectangles were said before.
    let old: Vec<&str> = found.get("crop").map_or(Vec::new(), |crop| crop.split(',').collect());
    let old = |at: usize| old.get(at).copied().filter(|_| old.len() == 4);
    let side = |name: &str, at: usize, whole: &str| {
        let value = found.get(name).or_else(|| old(at));
        let read =
            value.and_then(coordinate).filter(|read| name.ends_with(['x', 'y']) || read != "0");
        (value.is_some(), read.unwrap_or_else(|| whole.to_owned()))
    };
    let parts =
        [side("cx", 2, "0"), side("cy", 3, "0"), side("cw", 0, "100%"), side("ch", 1, "100%")];
    if parts.iter().any(|(is_said, _)| *is_said) {
        let area = parts.map(|(_, part)| part).join(",");
        let setting = if found.is_on("precrop") { "crop" } else { "crop_after" };
        wishes.set("crop", setting, area)?;
    }
    if let Some(mask) = found.get("mask")
        && Mask::WORDS.iter().skip(1).any(|&(known, _)| known == mask)
    {
        wishes.set(format_args!("mask={mask}"), "mask", mask)?;
        if found.is_on("mtrim") {
            wishes.set("mtrim", "mask_trim", "on")?;
        }
        if found.get("mbg").is_some() {
            wishes.cannot("mbg")?;
        }
    }
    Ok(())
}

/// Colours and effects.
fn looks(found: &Arguments, wishes: &mut Wishes) -> Result<(), Error> {
    let pads = matches!(found.get("fit"), Some("contain" | "letterbox"));
    let (background, around) = (found.color("bg"), found.color("cbg").filter(|_| pads));
    match (background, around) {
        (Some(background), Some(around)) if background != around => {
            wishes.cannot("bg beside cbg")?;
            wishes.set("cbg", "background", around)?;
        }
        (Some(color), None) if pads => {
            wishes.cannot("bg with fit=contain")?;
            wishes.set("bg", "background", color)?;
        }
        (_, Some(color)) => wishes.set("cbg", "background", color)?,
        (Some(color), None) => wishes.lay_on("bg", &color)?,
        // There is nothing around it then, and in a JPEG that is black.
        (None, None) if pads => match found.get("output") {
            Some("png" | "webp" | "avif" | "av1") => {
                wishes.set("cbg", "background", "transparent")?
            }
            Some("jpg") => wishes.set("cbg", "background", "black")?,
            _ => wishes.cannot("fit=contain without cbg")?,
        },
        (None, None) => {}
    }
    if let Some(value) = found.get("blur") {
        // Without a valid one, a mild blur.
        let sigma = real(value).filter(|sigma| *sigma != 0.0);
        let sigma = if real(value) == Some(0.0) {
            None
        } else {
            Some(sigma.filter(|sigma| (0.3..=1000.0).contains(sigma)).unwrap_or(0.82))
        };
        if let Some(sigma) = sigma {
            wishes.set("blur", "blur", places(sigma, 2))?;
        }
    }
    if found.whole("con", -100, 100).is_some_and(|contrast| contrast != 0) {
        wishes.cannot("con")?;
    }
    if found.whole("bri", -100, 100).is_some_and(|brightness| brightness != 0) {
        wishes.cannot("bri")?;
    }
    if let Some(value) = found.get("gam") {
        let gamma = within(value, 1.0, 3.0).unwrap_or(2.2);
        wishes.set("gam", "gamma", places(gamma, 2))?;
    }
    let parts: Vec<&str> = found.get("mod").map_or(Vec::new(), |value| value.split(',').collect());
    let part = |at: usize| parts.get(at).copied();
    let factor = |text: Option<&str>| text.and_then(|text| within(text, 0.0, 10_000.0));
    if let Some(brightness) = factor(part(0)) {
        wishes.set("mod", "brightness", places(brightness, 2))?;
    }
    if let Some(saturation) = factor(found.get("sat").or_else(|| part(1))) {
        wishes.set("sat", "saturation", places(saturation, 2))?;
    }
    if let Some(hue) = found.get("hue").or_else(|| part(2)).and_then(real) {
        wishes.set("hue", "hue", (hue.trunc() % 360.0).to_string())?;
    }
    if let Some(value) = found.get("sharp") {
        let parts: Vec<&str> = value.split(',').collect();
        let sigma = if parts.len() > 1 { parts.get(2) } else { parts.first() };
        let sigma = sigma.and_then(|text| real(text));
        if sigma != Some(0.0) {
            // There a radius of what is looked at, here how much is added.
            let sigma = sigma.filter(|sigma| (0.000_001..=10.0).contains(sigma)).unwrap_or(1.0);
            wishes.set("sharp", "sharpen", (sigma * 100.0).round().max(1.0))?;
        }
    }
    for name in ["sharpf", "sharpj"] {
        if found.get(name).is_some() {
            wishes.cannot(name)?;
        }
    }
    match found.get("filt") {
        Some("greyscale") => wishes.set("filt", "grayscale", "on")?,
        Some("sepia") => wishes.set("filt=sepia", "sepia", 1)?,
        Some("negate") => wishes.set("filt=negate", "negate", "on")?,
        Some("duotone") => {
            let start = found.color("start").unwrap_or_else(|| "c83658".to_owned());
            let stop = found.color("stop").unwrap_or_else(|| "d8e74f".to_owned());
            wishes.set("filt=duotone", "duotone", format_args!("{start},{stop}"))?;
        }
        _ => {}
    }
    if let Some(color) = found.color("tint") {
        wishes.set("tint", "tint", color)?;
    }
    Ok(())
}

/// The file. What is said of headers is for the location.
fn output(found: &Arguments, wishes: &mut Wishes) -> Result<(), Error> {
    match found.get("output") {
        Some(format @ ("jpg" | "png" | "gif" | "webp" | "avif" | "jxl")) => {
            wishes.set("output", "format", format)?
        }
        Some("av1") => wishes.set("output", "format", "avif")?,
        Some("json") => wishes.describe(Description::Weserv),
        Some(format @ ("tiff" | "tif")) => wishes.cannot(format_args!("output={format}"))?,
        _ => {}
    }
    if let Some(quality) = found.whole("q", 1, 100) {
        wishes.set("q", "quality", quality)?;
    }
    if found.is_on("il") {
        wishes.set("il", "interlace", "on")?;
    }
    if found.is_on("ll") {
        wishes.set("ll", "lossless", "on")?;
    }
    match found.whole("n", -1, i64::from(i32::MAX)) {
        Some(-1) => wishes.set("n", "anim", "on")?,
        Some(2..) => wishes.cannot("n")?,
        _ => {}
    }
    match found.whole("page", -2, 100_000) {
        Some(0) | None => {}
        // The last one of a file is only known when all of it is read.
        Some(page @ ..0) => wishes.cannot(format_args!("page={page}"))?,
        Some(page) => wishes.set("page", "page", page + 1)?,
    }
    for name in ["loop", "delay"] {
        if found.get(name).is_some() {
            wishes.cannot(name)?;
        }
    }
    if found.get("encoding") == Some("base64") {
        wishes.cannot("encoding=base64")?;
    }
    Ok(())
}
