//! imgix: `/SOURCE?OPTION=VALUE...`.
//!
//! <https://docs.imgix.com/apis/rendering>. Signature and expiry, `s` and `expires`, are for `secure_link_hash_format` and kept
//! here as well. What a client adds of itself, and what its server does not know, is passed over.

use std::collections::BTreeMap;

use super::asked::{Asked, Link, Unknown, Wishes, invalid};
use super::numbers::{color, places, whole, within};
use super::query::{arguments, decoded};
use super::source::Source;
use crate::image::Error;
use crate::link::Encoding;

pub(super) const FIXED_PART: &[u8] = b"/";

/// What options were called before, or are called as well, with what they are called here.
const SYNONYMS: [(&str, &str); 11] = [
    ("width", "w"),
    ("height", "h"),
    ("f", "fit"),
    ("min-width", "min-w"),
    ("min-height", "min-h"),
    ("max-width", "max-w"),
    ("max-height", "max-h"),
    ("fillcolor", "fill-color"),
    ("inv", "invert"),
    ("trimcolor", "trim-color"),
    ("trimtol", "trim-tol"),
];

/// Options that are done here, or say nothing of the picture.
const HERE: &[&str] = &[
    "ar",
    "auto",
    "bg",
    "blur",
    "border",
    "border-bottom",
    "border-left",
    "border-right",
    "border-top",
    "ch",
    "crop",
    "cs",
    "dpi",
    "dpr",
    "duotone",
    "expires",
    "fill",
    "fill-color",
    "fit",
    "flip",
    "fm",
    "fp-x",
    "fp-y",
    "frame",
    "h",
    "hue",
    "invert",
    "ixid",
    "ixlib",
    "lossless",
    "mask",
    "max-h",
    "max-w",
    "min-h",
    "min-w",
    "px",
    "q",
    "rect",
    "s",
    "sat",
    "sepia",
    "svg-sanitize",
    "trim",
    "trim-color",
    "trim-tol",
    "w",
];

/// Options that have no like here, as have those that begin with one of these and a hyphen.
const NOT_HERE: &[&str] = &[
    "annotation",
    "background-removal",
    "background-remove",
    "background-replace",
    "bg",
    "blend",
    "border",
    "bri",
    "chromasub",
    "colorquant",
    "colors",
    "con",
    "corner",
    "dl",
    "download",
    "duotone",
    "exp",
    "face",
    "faceindex",
    "facepad",
    "faces",
    "fill",
    "fp",
    "fps",
    "gam",
    "gen",
    "grid",
    "high",
    "htn",
    "interval",
    "iptc",
    "jpeg-progressive",
    "jpg-progressive",
    "license-plate",
    "loop",
    "lp",
    "mark",
    "mask",
    "maskbg",
    "mono",
    "monochrome",
    "nr",
    "nrs",
    "object",
    "or",
    "orient",
    "pad",
    "page",
    "palette",
    "pdf",
    "prefix",
    "rasterize",
    "reverse",
    "rot",
    "rott",
    "rottype",
    "shad",
    "sharp",
    "skip",
    "super-resolution",
    "svg",
    "transparency",
    "trim",
    "trimmd",
    "trimpad",
    "trimsd",
    "txt",
    "upscale",
    "usm",
    "usmrad",
    "vib",
    "video",
    // Short for those of "blend", "mark" and "txt".
    "ba",
    "balph",
    "bc",
    "bf",
    "bh",
    "bm",
    "bp",
    "bs",
    "bw",
    "bx",
    "by",
    "ma",
    "malph",
    "mb",
    "mf",
    "mh",
    "mp",
    "ms",
    "mtile",
    "mw",
    "mx",
    "my",
    "ta",
    "tc",
    "tcl",
    "tf",
    "tl",
    "tp",
    "tsh",
    "tsz",
    "tt",
];

/// How the options of those are called without their hyphen.
const JOINED: [(&str, &[&str]); 3] = [
    (
        "blend",
        &[
            "align", "alpha", "clr", "color", "crop", "fit", "h", "mode", "pad", "size", "w", "x",
            "y",
        ],
    ),
    ("mark", &["align", "alpha", "base", "fit", "h", "pad", "scale", "tile", "w", "x", "y"]),
    (
        "txt",
        &[
            "align",
            "clip",
            "clr",
            "color",
            "fit",
            "font",
            "lead",
            "line",
            "lineclr",
            "linecolor",
            "pad",
            "shad",
            "size",
            "track",
            "width",
            "x",
            "y",
        ],
    ),
];

/// Whether it is an option there that can't be done here.
fn is_not_here(name: &str) -> bool {
    let is_family = |known: &&str| {
        name.strip_prefix(*known).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let is_joined = |(family, ends): &(&str, &[&str])| {
        name.strip_prefix(family).is_some_and(|rest| ends.contains(&rest))
    };
    !HERE.contains(&name) && (NOT_HERE.iter().any(is_family) || JOINED.iter().any(is_joined))
}

/// An option by its own name and in plain text. Of those that it knows, its server reads `NAME64` in base64url
/// as well.
fn option(name: String, value: String) -> Result<(String, String), Error> {
    let synonym = |name: &str| {
        SYNONYMS
            .iter()
            .find(|(other, _)| *other == name)
            .map_or(name.to_owned(), |(_, own)| (*own).to_owned())
    };
    let encoded = name.strip_suffix("64").map(synonym);
    let Some(known) = encoded.filter(|known| HERE.contains(&&**known) || is_not_here(known)) else {
        return Ok((synonym(&name), value));
    };
    let bytes = Encoding::Base64url.decode_all(value.as_bytes());
    let text =
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| invalid(&name))?;
    Ok((known, text))
}

struct Options(BTreeMap<String, String>);

impl Options {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

pub(super) fn read(link: Link<'_>, unknown: Unknown) -> Result<Asked, Error> {
    let path = link.path.strip_prefix(b"/").unwrap_or_default();
    let source = Source::of_name(decoded(path)?.as_bytes())?;
    if path.is_empty() {
        return Err(Error::BadParams("the link has no source".to_owned()));
    }
    let mut wishes = Wishes::new(unknown);
    wishes.imply("quality", "75");
    let mut found = Options(BTreeMap::new());
    for argument in arguments(link.query.unwrap_or_default()) {
        let (name, value) = argument?;
        wishes.count(value.as_bytes())?;
        let (name, value) = option(name, value)?;
        match found.0.get_mut(&name) {
            // The only one of which several add up.
            Some(before) if name == "auto" => {
                before.push(',');
                before.push_str(&value);
            }
            _ => {
                found.0.insert(name, value);
            }
        }
    }
    size(&found, &mut wishes)?;
    looks(&found, &mut wishes)?;
    output(&found, &mut wishes)?;
    for (name, value) in &found.0 {
        // What is 0 or so asks for nothing, but for a text, and for films that never end.
        let is_off = value.is_empty()
            || matches!(&**value, "0" | "false" | "none")
                && !matches!(&**name, "dl" | "loop" | "txt");
        if !is_off && is_not_here(name) {
            wishes.cannot(name)?;
        }
    }
    if let Some(expires) = found.get("expires") {
        wishes.expire(expires.parse().map_err(|_| invalid("expires"))?);
    }
    Ok(wishes.of(source))
}

/// A side in pixels, or up to 1 a share of the source's.
fn side(name: &str, text: &str) -> Result<String, Error> {
    let number =
        within(text, 0.0, 65_535.0).filter(|&side| side > 0.0).ok_or_else(|| invalid(name))?;
    let is_share = number < 1.0 || text.contains('.') && number <= 1.0;
    Ok(if is_share { places(number * 100.0, 4) + "%" } else { number.round().max(1.0).to_string() })
}

/// Box, fit, and what is kept.
fn size(found: &Options, wishes: &mut Wishes) -> Result<(), Error> {
    let mut sides = 0;
    for (name, setting) in [("w", "width"), ("h", "height")] {
        if let Some(value) = found.get(name) {
            wishes.set(name, setting, side(name, value)?)?;
            sides += 1;
        }
    }
    let bounds = ["min-w", "min-h", "max-w", "max-h"];
    let settings = ["min_width", "min_height", "max_width", "max_height"];
    for (name, setting) in bounds.into_iter().zip(settings) {
        if let Some(value) = found.get(name) {
            let value = whole(value).filter(|&side| side > 0).ok_or_else(|| invalid(name))?;
            wishes.set(name, setting, value)?;
        }
    }
    let written = found.get("fit").unwrap_or("clip");
    let fit = match written {
        "clip" => "contain",
        "crop" => "cover",
        "fill" => "pad",
        "fillmax" if sides == 2 => "pad",
        "max" => "scale-down",
        "min" => "aspect-crop",
        "scale" => "stretch",
        // Left out, it is as it is without one.
        "clamp" | "facearea" | "fillmax" => {
            wishes.cannot(format_args!("fit={written}"))?;
            "contain"
        }
        _ => return Err(invalid("fit")),
    };
    if let Some(ratio) = found.get("ar")
        && matches!(written, "crop" | "fill" | "fillmax")
    {
        let (width, height) = ratio.split_once(':').ok_or_else(|| invalid("ar"))?;
        let part =
            |text| within(text, 0.0, 1e4).filter(|&part| part > 0.0).ok_or_else(|| invalid("ar"));
        // Two sides say it already.
        if sides < 2 {
            wishes.set("ar", "ar", format_args!("{}:{}", part(width)?, part(height)?))?;
        }
        sides = 2;
    }
    if sides > 0 {
        wishes.set(format_args!("fit={written}"), "fit", fit)?;
        if written == "fillmax" {
            wishes.set("fit=fillmax", "enlarge", "off")?;
        }
    }
    if let Some(dpr) = found.get("dpr") {
        let dpr = within(dpr, 0.1, 8.0).ok_or_else(|| invalid("dpr"))?;
        wishes.set("dpr", "dpr", places(dpr, 2))?;
    }
    if let Some(rect) = found.get("rect") {
        rectangle(rect, wishes)?;
    }
    if matches!(fit, "cover" | "aspect-crop") {
        kept(found, wishes)?;
    }
    match found.get("flip") {
        None => {}
        Some(flip @ ("h" | "v" | "hv")) => wishes.set("flip", "flip", flip)?,
        Some("vh") => wishes.set("flip", "flip", "hv")?,
        Some(_) => return Err(invalid("flip")),
    }
    Ok(())
}

/// Colours, effects, and what is around the picture.
fn looks(found: &Options, wishes: &mut Wishes) -> Result<(), Error> {
    let number = |name: &str, least, most| {
        let read = |text| within(text, least, most).ok_or_else(|| invalid(name));
        found.get(name).map(read).transpose()
    };
    let is_on = |name: &str| matches!(found.get(name), Some("1" | "true"));
    if let Some(side) = number("px", 0.0, 100.0)? {
        wishes.set("px", "pixelate", side.round())?;
    }
    if let Some(sepia) = number("sepia", 0.0, 100.0)? {
        wishes.set("sepia", "sepia", places(sepia / 100.0, 2))?;
    }
    if let Some(hue) = number("hue", 0.0, 359.0)? {
        wishes.set("hue", "hue", hue.round())?;
    }
    // From none to twice of it.
    if let Some(saturation) = number("sat", -100.0, 100.0)? {
        wishes.set("sat", "saturation", places(1.0 + saturation / 100.0, 2))?;
    }
    if is_on("invert") {
        wishes.set("invert", "negate", "on")?;
    }
    if let Some(tones) = found.get("duotone") {
        let (dark, light) = tones.split_once(',').ok_or_else(|| invalid("duotone"))?;
        let read = |text| color(text).ok_or_else(|| invalid("duotone"));
        wishes.set("duotone", "duotone", format_args!("{},{}", read(dark)?, read(light)?))?;
    }
    match found.get("mask") {
        None | Some("") => {}
        Some("ellipse") => wishes.set("mask", "mask", "ellipse")?,
        Some(_) => wishes.cannot("mask")?,
    }
    if let Some(frame) = found.get("frame") {
        let frame = whole(frame).filter(|&frame| frame > 0).ok_or_else(|| invalid("frame"))?;
        wishes.set("frame", "page", frame)?;
    }
    match found.get("trim") {
        None => {}
        Some("auto") => wishes.set("trim", "trim", 10)?,
        Some("color") => {
            let threshold = number("trim-tol", 0.0, 255.0)?.unwrap_or(11.0);
            wishes.set("trim", "trim", threshold.round())?;
            if let Some(border) = found.get("trim-color") {
                let border = color(border).ok_or_else(|| invalid("trim-color"))?;
                wishes.set("trim-color", "trim_color", border)?;
            }
        }
        Some(_) => wishes.cannot("trim")?,
    }
    let Some(border) = found.get("border") else { return Ok(()) };
    let (width, colored) = border.split_once(',').ok_or_else(|| invalid("border"))?;
    let width = whole(width).ok_or_else(|| invalid("border"))?;
    let side = |name: &str| {
        let own = found.get(name).map(|text| whole(text).ok_or_else(|| invalid(name)));
        own.unwrap_or(Ok(width))
    };
    let (top, right) = (side("border-top")?, side("border-right")?);
    let (bottom, left) = (side("border-bottom")?, side("border-left")?);
    wishes.set("border", "border", format_args!("{top},{right},{bottom},{left}"))?;
    let colored = color(colored).ok_or_else(|| invalid("border"))?;
    wishes.set("border", "border_color", colored)?;
    wishes.need("border", "border_place", "over")
}

/// What a cut keeps.
fn kept(found: &Options, wishes: &mut Wishes) -> Result<(), Error> {
    let Some(crop) = found.get("crop") else { return Ok(()) };
    let (mut x, mut y) = (0.5, 0.5);
    for word in crop.split(',') {
        match word {
            "top" => y = 0.0,
            "bottom" => y = 1.0,
            "left" => x = 0.0,
            "right" => x = 1.0,
            "center" => {}
            "entropy" | "edges" => return wishes.set("crop", "gravity", "smart"),
            "focalpoint" => {
                let part = |name| {
                    let part = found
                        .get(name)
                        .map(|text| within(text, 0.0, 1.0).ok_or_else(|| invalid(name)));
                    part.unwrap_or(Ok(0.5))
                };
                (x, y) = (part("fp-x")?, part("fp-y")?);
            }
            _ => return wishes.cannot(format_args!("crop={word}")),
        }
    }
    wishes.set("crop", "gravity", format_args!("{}:{}", places(x, 4), places(y, 4)))
}

/// `X,Y,WIDTH,HEIGHT` in pixels, shares or words.
fn rectangle(rect: &str, wishes: &mut Wishes) -> Result<(), Error> {
    let parts: Vec<&str> = rect.split(',').collect();
    let [x, y, width, height] = parts[..] else { return Err(invalid("rect")) };
    let length = |text: &str| -> Option<(bool, f64)> {
        let number = within(text, 0.0, 65_535.0)?;
        Some((text.contains('.') && number <= 1.0, number))
    };
    let written = |(is_share, number): (bool, f64)| {
        if is_share { places(number * 100.0, 4) + "%" } else { number.round().to_string() }
    };
    let whole = |text: &str| if text == "full" { Some((true, 1.0)) } else { length(text) };
    let (width, height) = (whole(width), whole(height));
    let (width, height) =
        (width.ok_or_else(|| invalid("rect"))?, height.ok_or_else(|| invalid("rect"))?);
    // A word says what it is held by; a number, how far it is from the left or the top.
    let corner = |text: &str, words: [&'static str; 3]| {
        let at = words.iter().position(|word| *word == text);
        let by = at.map_or_else(|| length(text), |_| Some((false, 0.0)));
        by.map(|by| (at.unwrap_or(0), by)).ok_or_else(|| invalid("rect"))
    };
    let (x, y) = (corner(x, ["left", "center", "right"])?, corner(y, ["top", "middle", "bottom"])?);
    wishes.set("rect", "crop", [x.1, y.1, width, height].map(written).join(","))?;
    let held = [
        ["northwest", "north", "northeast"],
        ["west", "center", "east"],
        ["southwest", "south", "southeast"],
    ];
    match held.get(y.0).and_then(|row| row.get(x.0)) {
        Some(&held) if held != "northwest" => wishes.need("rect", "crop_gravity", held),
        _ => Ok(()),
    }
}

/// The file, and colours.
fn output(found: &Options, wishes: &mut Wishes) -> Result<(), Error> {
    let mut is_auto = false;
    for word in found.get("auto").unwrap_or_default().split(',').filter(|word| !word.is_empty()) {
        match word {
            "format" => is_auto = true,
            "compress" => wishes.imply("quality", "45"),
            "enhance" | "redeye" => wishes.cannot(format_args!("auto={word}"))?,
            // Others are not known there.
            _ => {}
        }
    }
    match found.get("fm") {
        _ if is_auto => wishes.set("auto=format", "format", "auto")?,
        None => {}
        Some(format @ ("jpg" | "jpeg" | "png" | "gif" | "webp" | "avif")) => {
            wishes.set("fm", "format", format)?
        }
        Some("pjpg") => {
            wishes.set("fm", "format", "jpeg")?;
            wishes.set("fm", "interlace", "on")?;
        }
        Some("png32") => wishes.set("fm", "format", "png")?,
        Some("png8") => {
            wishes.set("fm", "format", "png")?;
            wishes.set("fm=png8", "colors", 256)?;
        }
        Some(format) => wishes.cannot(format_args!("fm={format}"))?,
    }
    match found.get("cs") {
        None => {}
        Some("srgb" | "tinysrgb") => wishes.need("cs", "profile", "srgb")?,
        Some("origin") => wishes.need("cs", "profile", "keep")?,
        Some("strip") => wishes.need("cs", "profile", "strip")?,
        Some(space) => wishes.cannot(format_args!("cs={space}"))?,
    }
    if found.get("svg-sanitize").is_some_and(|value| matches!(value, "0" | "false")) {
        wishes.cannot("svg-sanitize")?;
    }
    if let Some(quality) = found.get("q") {
        let quality =
            whole(quality).filter(|&quality| quality <= 100).ok_or_else(|| invalid("q"))?;
        wishes.set("q", "quality", quality.max(1))?;
    }
    if matches!(found.get("lossless"), Some("1" | "true")) {
        wishes.set("lossless", "lossless", "on")?;
    }
    if let Some(blur) = found.get("blur") {
        // There up to 2000, here by standard deviation.
        let blur = within(blur, 0.0, 2000.0).ok_or_else(|| invalid("blur"))?;
        if blur > 0.0 {
            wishes.cannot("blur")?;
        }
    }
    let filled = matches!(found.get("fit"), Some("fill" | "fillmax"));
    match found.get("fill") {
        Some("blur") if filled => wishes.set("fill=blur", "background", "blur")?,
        Some(fill @ ("gen" | "generative" | "gradient")) if filled => {
            wishes.cannot(format_args!("fill={fill}"))?;
        }
        _ => {
            let written = found.get("fill-color").filter(|_| filled).or_else(|| found.get("bg"));
            if let Some(written) = written {
                wishes.lay_on("bg", &color(written).ok_or_else(|| invalid("bg"))?)?;
            }
        }
    }
    Ok(())
}
