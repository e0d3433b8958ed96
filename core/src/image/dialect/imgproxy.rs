//! imgproxy: `/SIGNATURE/OPTION:ARGUMENT:.../plain/SOURCE@FORMAT`, or the source in base64url.
//!
//! <https://docs.imgproxy.net/usage/processing>, version 4. Whether the signature is right is for
//! `secure_link_hash_format`. Rows of its tests are in those of this file.

use super::asked::{Asked, Link, Unknown, Wishes, invalid};
use super::numbers::{places, real, whole, within};
use super::query::decoded;
use super::source::Source;
use crate::image::Error;
use crate::link::Encoding;

pub(super) const FIXED_PART: &[u8] = b"/";

/// The options that only its Pro edition has, in long and short.
const PRO: &[&str] = &[
    "resizing_algorithm",
    "ra",
    "objects_position",
    "obj_pos",
    "op",
    "crop_aspect_ratio",
    "crop_ar",
    "car",
    "background_alpha",
    "bga",
    "adjust",
    "a",
    "brightness",
    "br",
    "contrast",
    "co",
    "saturation",
    "sa",
    "monochrome",
    "mc",
    "duotone",
    "dt",
    "unsharp_masking",
    "ush",
    "blur_areas",
    "ba",
    "blur_detections",
    "bd",
    "draw_detections",
    "dd",
    "crop_objects",
    "colorize",
    "col",
    "gradient",
    "gr",
    "watermark_url",
    "wmu",
    "watermark_text",
    "wmt",
    "watermark_size",
    "wms",
    "watermark_rotate",
    "wm_rot",
    "wmr",
    "watermark_shadow",
    "wmsh",
    "style",
    "st",
    "dpi",
    "color_profile",
    "cp",
    "icc",
    "autoquality",
    "aq",
    "jpeg_options",
    "jpgo",
    "png_options",
    "pngo",
    "webp_options",
    "webpo",
    "avif_options",
    "avifo",
    "pages",
    "pgs",
    "video_thumbnail_second",
    "vts",
    "video_thumbnail_keyframes",
    "vtk",
    "video_thumbnail_tile",
    "vtt",
    "video_thumbnail_animation",
    "vta",
    "fallback_image_url",
    "fiu",
    "hashsum",
    "hs",
];

/// Those that a server refuses unless it is told otherwise, or that need what is not known here.
const NOT_HERE: &[&str] = &[
    "max_src_resolution",
    "msr",
    "max_src_file_size",
    "msfs",
    "max_animation_frames",
    "maf",
    "max_animation_frame_resolution",
    "mafr",
    "max_result_dimension",
    "mrd",
    "skip_processing",
    "skp",
    "sp",
];

/// Where things are held, by the names there.
const SIDES: [(&str, &str); 9] = [
    ("ce", "center"),
    ("no", "north"),
    ("so", "south"),
    ("ea", "east"),
    ("we", "west"),
    ("noea", "northeast"),
    ("nowe", "northwest"),
    ("soea", "southeast"),
    ("sowe", "southwest"),
];

/// Where those are, from the left and from the top.
const COMPASS: [(&str, (f64, f64)); 9] = [
    ("center", (0.5, 0.5)),
    ("north", (0.5, 0.0)),
    ("south", (0.5, 1.0)),
    ("east", (1.0, 0.5)),
    ("west", (0.0, 0.5)),
    ("northeast", (1.0, 0.0)),
    ("northwest", (0.0, 0.0)),
    ("southeast", (1.0, 1.0)),
    ("southwest", (0.0, 1.0)),
];

/// A place in a picture as shares of its sides, and what is added to the right and down.
#[derive(Clone, Copy)]
struct Spot {
    x: f64,
    y: f64,
    across: f64,
    down: f64,
}

impl Spot {
    /// Where it is in the picture before that is turned clockwise, and then mirrored.
    fn before(self, (horizontal, vertical): (bool, bool), angle: i64) -> Spot {
        let mut spot = self;
        if horizontal {
            spot = Spot { x: 1.0 - spot.x, across: -spot.across, ..spot };
        }
        if vertical {
            spot = Spot { y: 1.0 - spot.y, down: -spot.down, ..spot };
        }
        let Spot { x, y, across, down } = spot;
        match angle {
            90 => Spot { x: y, y: 1.0 - x, across: down, down: -across },
            180 => Spot { x: 1.0 - x, y: 1.0 - y, across: -across, down: -down },
            270 => Spot { x: 1.0 - y, y: x, across: -down, down: across },
            _ => spot,
        }
    }
}

/// What was said of the geometry; the rest is asked for as it is read.
#[derive(Default)]
struct Geometry {
    kind: Option<Kind>,
    width: Option<u32>,
    height: Option<u32>,
    enlarge: bool,
    /// Whether a size was said.
    has_size: bool,
    /// What of the above is to be asked for still.
    says_enlarge: bool,
    says_gravity: bool,
    /// Where a picture that is too small is laid, if it is extended.
    extend: Option<String>,
    /// The same, where it is extended to the proportions of the box.
    extend_ratio: Option<String>,
    /// Whether both sides were said.
    has_both: bool,
    gravity: Option<String>,
    crop: Option<Crop>,
    dpr: Option<f64>,
    zoom: Option<f64>,
    angle: i64,
    flip: (bool, bool),
    padding: Option<[u32; 4]>,
    has_background: bool,
    strips_metadata: Option<bool>,
    /// What is kept where metadata is stripped.
    keeps_copyright: Option<bool>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Fit,
    Fill,
    FillDown,
    Force,
    Auto,
}

struct Crop {
    width: f64,
    height: f64,
    gravity: Option<String>,
    offset: (f64, f64),
}

pub(super) fn read(link: Link<'_>, unknown: Unknown) -> Result<Asked, Error> {
    let wrong = || Error::BadParams("the link is not /SIGNATURE/OPTIONS/SOURCE".to_owned());
    let path = link.path.strip_prefix(b"/").ok_or_else(wrong)?;
    let mut segments = path.split(|&byte| byte == b'/');
    segments.next().filter(|signature| !signature.is_empty()).ok_or_else(wrong)?;
    let mut wishes = Wishes::new(unknown);
    wishes.imply("metadata", "copyright");
    wishes.imply("dpr_limit", "on");
    let mut geometry = Geometry::default();
    let mut rest = Vec::new();
    for segment in segments.by_ref() {
        let option = decoded(segment)?;
        let mut arguments = option.split(':');
        let name = arguments.next().unwrap_or_default();
        let arguments: Vec<&str> = arguments.collect();
        if arguments.is_empty() {
            rest.push(segment);
            break;
        }
        // What a preset says holds from where it stands on.
        if matches!(name, "preset" | "pr") {
            geometry.ask(&mut wishes, false)?;
            for preset in arguments {
                wishes.count(preset.as_bytes())?;
                wishes.set(name, "preset", preset)?;
            }
        } else {
            wishes.count(segment)?;
            geometry.option(&mut wishes, name, &arguments)?;
        }
    }
    rest.extend(segments);
    let (source, format) = source(&rest, &mut wishes)?;
    if let Some(format) = format {
        set_format(&mut wishes, &format)?;
    }
    geometry.ask(&mut wishes, true)?;
    Ok(wishes.of(source))
}

/// The source, and the format behind it.
fn source(segments: &[&[u8]], wishes: &mut Wishes) -> Result<(Source, Option<String>), Error> {
    let wrong = |what: &str| Error::BadParams(format!("the source {what}"));
    let (text, format) = match segments {
        [] | [b""] => return Err(wrong("is missing")),
        [b"-", ..] => {
            wishes.cannot("-")?;
            return Err(wrong("is not reached"));
        }
        [b"enc", ..] => {
            wishes.cannot("enc")?;
            return Err(wrong("is encrypted"));
        }
        [b"plain", rest @ ..] if !rest.is_empty() => {
            let rest = rest.join(&b'/');
            let (text, format) = split_format(&rest, b'@')?;
            (decoded(text)?.into_bytes(), format)
        }
        rest => {
            let joined = rest.concat();
            let (text, format) = split_format(&joined, b'.')?;
            let decoded = decoded(text)?;
            let text = Encoding::Base64url.decode_all(decoded.trim_end_matches('=').as_bytes());
            (text.ok_or_else(|| wrong("is no base64url"))?, format)
        }
    };
    if text.is_empty() {
        return Err(wrong("is missing"));
    }
    Ok((Source::of_url(&text)?, format))
}

/// What stands before and behind the only `separator`.
fn split_format(text: &[u8], separator: u8) -> Result<(&[u8], Option<String>), Error> {
    let mut parts = text.split(|&byte| byte == separator);
    let text = parts.next().unwrap_or_default();
    let format = parts.next().unwrap_or_default();
    if parts.next().is_some() {
        return Err(Error::BadParams("the source has several formats".to_owned()));
    }
    let format = decoded(format)?;
    Ok((text, Some(format).filter(|format| !format.is_empty())))
}

fn set_format(wishes: &mut Wishes, format: &str) -> Result<(), Error> {
    match format {
        "jpg" | "jpeg" | "png" | "gif" | "webp" | "avif" | "jxl" => {
            wishes.set("format", "format", format)
        }
        "ico" | "svg" | "heic" | "bmp" | "tiff" | "best" => {
            wishes.cannot(format_args!("format:{format}"))
        }
        _ => Err(invalid("format")),
    }
}

/// As its server reads it: what is no switch to Go is off.
fn switch(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// Where something is held, in the notation of settings, and the offset from there.
type Held = (String, (f64, f64));

/// Reads where something is held.
fn gravity(wishes: &mut Wishes, name: &str, arguments: &[&str]) -> Result<Option<Held>, Error> {
    let [kind, arguments @ ..] = arguments else { return Err(invalid(name)) };
    let number = |at: usize| match arguments.get(at) {
        None | Some(&"") => Ok(0.0),
        Some(text) => real(text).ok_or_else(|| invalid(name)),
    };
    if arguments.len() > 2 && !kind.starts_with("obj") {
        return Err(invalid(name));
    }
    match *kind {
        "sm" if arguments.is_empty() => Ok(Some(("smart".to_owned(), (0.0, 0.0)))),
        "fp" => {
            let part = |at: usize| {
                let text = arguments.get(at).copied().unwrap_or_default();
                within(text, 0.0, 1.0).map(|part| places(part, 4)).ok_or_else(|| invalid(name))
            };
            Ok(Some((format!("{}:{}", part(0)?, part(1)?), (0.0, 0.0))))
        }
        "obj" | "objw" => {
            wishes.cannot(format_args!("{name}:{kind}"))?;
            Ok(None)
        }
        kind => {
            let side = SIDES.iter().find(|(side, _)| *side == kind).ok_or_else(|| invalid(name))?;
            Ok(Some((side.1.to_owned(), (number(0)?, number(1)?))))
        }
    }
}

/// The arguments that are not empty, of so many at most.
fn at_most<'a>(
    name: &str,
    arguments: &[&'a str],
    most: usize,
) -> Result<[Option<&'a str>; 8], Error> {
    if arguments.len() > most {
        return Err(invalid(name));
    }
    Ok(std::array::from_fn(|at| arguments.get(at).copied().filter(|text| !text.is_empty())))
}

impl Geometry {
    fn option(&mut self, wishes: &mut Wishes, name: &str, arguments: &[&str]) -> Result<(), Error> {
        let bad = || invalid(name);
        let only = || match arguments {
            [only] => Ok(*only),
            _ => Err(invalid(name)),
        };
        let number = |text: &str| whole(text).ok_or_else(bad);
        match name {
            "resize" | "rs" | "size" | "s" => {
                let (kind, rest) = match (name, arguments) {
                    ("resize" | "rs", [kind, rest @ ..]) => (*kind, rest),
                    _ => ("", arguments),
                };
                if !kind.is_empty() {
                    self.option(wishes, "resizing_type", &[kind])?;
                }
                let [width, height, enlarge, extend, ..] = at_most(name, rest, 7)?;
                if let Some(width) = width {
                    self.width = Some(number(width)?);
                }
                if let Some(height) = height {
                    self.height = Some(number(height)?);
                }
                if let Some(enlarge) = enlarge {
                    self.option(wishes, "enlarge", &[enlarge])?;
                }
                if extend.is_some() {
                    self.option(wishes, "extend", rest.get(3..).unwrap_or_default())?;
                }
                Ok(())
            }
            "resizing_type" | "rt" => {
                self.kind = match only()? {
                    "fit" => Some(Kind::Fit),
                    "fill" => Some(Kind::Fill),
                    "fill-down" => Some(Kind::FillDown),
                    "force" => Some(Kind::Force),
                    "auto" => Some(Kind::Auto),
                    _ => return Err(bad()),
                };
                Ok(())
            }
            "width" | "w" => {
                self.width = Some(number(only()?)?);
                Ok(())
            }
            "height" | "h" => {
                self.height = Some(number(only()?)?);
                Ok(())
            }
            "min-width" | "min_width" | "mw" | "min-height" | "min_height" | "mh" => {
                let setting = if name.contains('w') { "min_width" } else { "min_height" };
                match number(only()?)? {
                    0 => wishes.unset(name, setting),
                    side => wishes.set(name, setting, side),
                }
            }
            "zoom" | "z" => {
                let [x, y, ..] = at_most(name, arguments, 2)?;
                let factor =
                    |text| within(text, 0.0, 1e6).filter(|&zoom| zoom > 0.0).ok_or_else(bad);
                let x = factor(x.ok_or_else(bad)?)?;
                let y = y.map_or(Ok(x), factor)?;
                if x != y {
                    return wishes.cannot(name);
                }
                self.zoom = Some(x);
                Ok(())
            }
            "dpr" => {
                let dpr = within(only()?, 0.0, 1e6).filter(|&dpr| dpr > 0.0).ok_or_else(bad)?;
                self.dpr = Some(dpr);
                Ok(())
            }
            "enlarge" | "el" => {
                self.enlarge = switch(only()?);
                self.says_enlarge = true;
                Ok(())
            }
            "extend" | "ex" => {
                let [extend, rest @ ..] = arguments else { return Err(bad()) };
                let held = if rest.iter().all(|text| text.is_empty()) {
                    Some(("center".to_owned(), (0.0, 0.0)))
                } else {
                    gravity(wishes, name, rest)?
                };
                self.extend = match held {
                    _ if !switch(extend) => None,
                    Some((side, (0.0, 0.0))) if side != "smart" => Some(side),
                    _ => return wishes.cannot(name),
                };
                Ok(())
            }
            "extend_aspect_ratio" | "extend_ar" | "exar" => {
                let [extend, ..] = arguments else { return Err(bad()) };
                let held = match arguments.get(1..) {
                    Some(rest) if rest.iter().any(|text| !text.is_empty()) => {
                        gravity(wishes, name, rest)?
                    }
                    _ => Some(("center".to_owned(), (0.0, 0.0))),
                };
                self.extend_ratio = match held {
                    _ if !switch(extend) => None,
                    Some((side, (0.0, 0.0))) if side != "smart" => Some(side),
                    _ => return wishes.cannot(name),
                };
                Ok(())
            }
            "page" | "pg" => wishes.set(name, "page", u64::from(number(only()?)?) + 1),
            "disable_animation" | "da" => {
                let moves = if switch(only()?) { "off" } else { "on" };
                wishes.set(name, "anim", moves)
            }
            "gravity" | "g" => {
                self.says_gravity = true;
                self.gravity = match gravity(wishes, name, arguments)? {
                    Some((side, (0.0, 0.0))) => Some(side),
                    Some((side, (x, y))) => Some(format!("{side}:{}:{}", offset(x), offset(y))),
                    None => None,
                };
                Ok(())
            }
            "crop" | "c" => {
                let [width, rest @ ..] = arguments else { return Err(bad()) };
                let side = |text: &str| within(text, 0.0, 1e9).ok_or_else(bad);
                let height = rest.first().map_or(Ok(0.0), |text| side(text))?;
                let held = match rest.get(1..) {
                    None | Some([]) => None,
                    Some(rest) => gravity(wishes, name, rest)?,
                };
                let (gravity, offset) =
                    held.map_or((None, (0.0, 0.0)), |(side, offset)| (Some(side), offset));
                self.crop = Some(Crop { width: side(width)?, height, gravity, offset });
                Ok(())
            }
            "trim" | "t" => trim(wishes, name, arguments),
            "padding" | "pd" => {
                let [top, right, bottom, left, ..] = at_most(name, arguments, 4)?;
                let old = self.padding.unwrap_or_default();
                let side = |text: Option<&str>, other| text.map_or(Ok(other), number);
                let top = side(top, old[0])?;
                let right = side(right, top)?;
                self.padding = Some([top, right, side(bottom, top)?, side(left, right)?]);
                Ok(())
            }
            "auto_rotate" | "ar" => {
                let orient = if switch(only()?) { "on" } else { "off" };
                wishes.set(name, "orient", orient)
            }
            "rotate" | "rot" => {
                let angle: i64 = only()?.parse().map_err(|_| bad())?;
                if angle % 90 != 0 {
                    return Err(bad());
                }
                self.angle = angle.rem_euclid(360);
                Ok(())
            }
            "flip" | "fl" => {
                let [horizontal, vertical, ..] = at_most(name, arguments, 2)?;
                if let Some(text) = horizontal {
                    self.flip.0 = switch(text);
                }
                if let Some(text) = vertical {
                    self.flip.1 = switch(text);
                }
                Ok(())
            }
            "background" | "bg" => {
                let hex = match arguments {
                    [""] => {
                        self.has_background = false;
                        wishes.need(name, "flatten", "off")?;
                        return wishes.unset(name, "background");
                    }
                    [hex] => hex_color(hex).ok_or_else(bad)?.to_owned(),
                    [r, g, b] => {
                        let channel = |text| whole(text).filter(|&c| c <= 255).ok_or_else(bad);
                        format!("{:02x}{:02x}{:02x}", channel(r)?, channel(g)?, channel(b)?)
                    }
                    _ => return Err(bad()),
                };
                self.has_background = true;
                wishes.lay_on(name, &hex)
            }
            "blur" | "bl" => {
                wishes.set(name, "blur", places(within(only()?, 0.0, 1e6).ok_or_else(bad)?, 2))
            }
            // There a radius of what is looked at, here how much is added.
            "sharpen" | "sh" => {
                let sigma = within(only()?, 0.0, 1e6).ok_or_else(bad)?;
                wishes.set(name, "sharpen", (sigma * 100.0).round())
            }
            "pixelate" | "pix" => wishes.set(name, "pixelate", number(only()?)?),
            // Which mark it is, the location says; the link only whether.
            "watermark" | "wm" => {
                let opacity =
                    arguments.first().and_then(|text| within(text, 0.0, 1.0)).ok_or_else(bad)?;
                let is_plain = arguments.iter().skip(1).all(|text| text.is_empty());
                match opacity {
                    0.0 => wishes.set(name, "watermark", "off"),
                    1.0 if is_plain => wishes.set(name, "watermark", "on"),
                    _ => wishes.cannot(name),
                }
            }
            "strip_metadata" | "sm" => {
                self.strips_metadata = Some(switch(only()?));
                Ok(())
            }
            "keep_copyright" | "kcr" => {
                self.keeps_copyright = Some(switch(only()?));
                Ok(())
            }
            "strip_color_profile" | "scp" => {
                let profile = if switch(only()?) { "srgb" } else { "keep" };
                wishes.set(name, "profile", profile)
            }
            "preserve_hdr" | "ph" | "enforce_thumbnail" | "eth" | "raw" | "return_attachment"
            | "att" => {
                if switch(only()?) {
                    wishes.cannot(name)
                } else {
                    Ok(())
                }
            }
            "quality" | "q" => match number(only()?)? {
                0 => wishes.unset(name, "quality"),
                quality if quality <= 100 => wishes.set(name, "quality", quality),
                _ => Err(bad()),
            },
            "format_quality" | "fq" => {
                let (pairs, []) = arguments.as_chunks::<2>() else { return Err(bad()) };
                for [format, quality] in pairs {
                    let quality =
                        whole(quality).filter(|&quality| quality <= 100).ok_or_else(bad)?;
                    let setting = match *format {
                        "jpg" | "jpeg" => "jpeg_quality",
                        "webp" => "webp_quality",
                        "avif" => "avif_quality",
                        // They have none.
                        "png" | "gif" | "ico" | "bmp" | "svg" => continue,
                        _ => return wishes.cannot(format_args!("{name}:{format}")),
                    };
                    match quality {
                        0 => wishes.unset(name, setting)?,
                        quality => wishes.set(name, setting, quality)?,
                    }
                }
                Ok(())
            }
            "max_bytes" | "mb" => match number(only()?)? {
                0 => wishes.unset(name, "max_bytes"),
                bytes => wishes.set(name, "max_bytes", bytes),
            },
            "format" | "f" | "ext" => set_format(wishes, only()?),
            "cachebuster" | "cb" => only().map(|_| ()),
            // The name of the file is for `add_header`.
            "filename" | "fn" => at_most(name, arguments, 2).map(|_| ()),
            "expires" | "exp" => {
                let time: i64 = only()?.parse().map_err(|_| bad())?;
                // What is none or past all time is no end there.
                if let Ok(time @ 1..) = u64::try_from(time) {
                    wishes.expire(time);
                }
                Ok(())
            }
            _ if PRO.contains(&name) || NOT_HERE.contains(&name) => wishes.cannot(name),
            _ => Err(Error::BadParams(format!("unknown option {name:?}"))),
        }
    }

    /// Asks for what was said so far; for the last time, if there is nothing more.
    fn ask(&mut self, wishes: &mut Wishes, is_last: bool) -> Result<(), Error> {
        let sides = [("width", self.width.take()), ("height", self.height.take())];
        let is_said = |(_, side): &(&str, Option<u32>)| side.is_some_and(|side| side > 0);
        self.has_size |= sides.iter().any(is_said);
        self.has_both |= sides.iter().all(is_said);
        for (name, side) in sides {
            match side {
                None => {}
                Some(0) => wishes.set(name, name, "-")?,
                Some(side) => wishes.set(name, name, side)?,
            }
        }
        if self.strips_metadata.is_some() || self.keeps_copyright.is_some() {
            let metadata = match (self.strips_metadata, self.keeps_copyright) {
                (Some(false), _) => "keep",
                (_, Some(false)) => "strip",
                _ => "copyright",
            };
            wishes.set("strip_metadata", "metadata", metadata)?;
        }
        if let Some(dpr) = self.dpr.take() {
            wishes.set("dpr", "dpr", places(dpr, 2))?;
        }
        if let Some(zoom) = self.zoom.take() {
            wishes.set("zoom", "zoom", places(zoom, 2))?;
        }
        match (self.kind.take(), &self.extend) {
            (None | Some(Kind::Fit), None) if self.extend_ratio.is_some() && self.has_both => {
                if !self.has_background && is_last {
                    wishes.set("extend_aspect_ratio", "background", "transparent")?;
                }
                wishes.set("extend_aspect_ratio", "fit", "aspect-pad")?;
                if let Some(held) = &self.extend_ratio {
                    wishes.set("extend_aspect_ratio", "gravity", held)?;
                }
            }
            (Some(_), _) if self.extend_ratio.is_some() && self.has_both => {
                wishes.cannot("extend_aspect_ratio")?;
            }
            (None, None) => {}
            (None | Some(Kind::Fit), Some(held)) => {
                if !self.has_background && is_last {
                    // Around it is nothing, which shows in formats that can.
                    wishes.set("extend", "background", "transparent")?;
                }
                wishes.set("extend", "fit", "pad")?;
                wishes.set("extend", "gravity", held)?;
            }
            (_, Some(_)) => wishes.cannot("extend")?,
            (Some(Kind::Fit), None) => wishes.set("resizing_type", "fit", "scale-down")?,
            (Some(Kind::Fill), None) => wishes.set("resizing_type", "fit", "crop")?,
            (Some(Kind::FillDown), None) => wishes.set("resizing_type", "fit", "aspect-crop")?,
            (Some(Kind::Auto), None) => wishes.set("resizing_type", "fit", "auto")?,
            // Of a picture that is too small the other side gets smaller there.
            (Some(Kind::Force), None) if !self.enlarge && self.has_both => {
                wishes.set("resizing_type", "fit", "stretch")?;
                wishes.need("resizing_type", "clamp", "ratio")?;
            }
            (Some(Kind::Force), None) if !self.enlarge && self.has_size => {
                wishes.cannot("resizing_type:force without enlarge")?;
            }
            (Some(Kind::Force), None) => wishes.set("resizing_type", "fit", "stretch")?,
        }
        if self.says_enlarge || self.extend.is_some() || self.extend_ratio.is_some() {
            wishes.set("enlarge", "enlarge", if self.enlarge { "on" } else { "off" })?;
        }
        let extend = self.extend.as_ref().or(self.extend_ratio.as_ref());
        if let (Some(gravity), None, true) = (&self.gravity, extend, self.says_gravity) {
            wishes.set("gravity", "gravity", gravity)?;
        }
        (self.says_enlarge, self.says_gravity) = (false, false);
        if is_last {
            self.crop(wishes)?;
            self.turn(wishes)?;
            if let Some([top, right, bottom, left]) = self.padding {
                wishes.set("padding", "padding", format_args!("{top},{right},{bottom},{left}"))?;
                if !self.has_background && self.extend.is_none() && self.extend_ratio.is_none() {
                    wishes.set("padding", "background", "transparent")?;
                }
            }
        }
        Ok(())
    }

    /// The part that is cut out before all else.
    fn crop(&self, wishes: &mut Wishes) -> Result<(), Error> {
        let Some(Crop { width, height, gravity, offset }) = &self.crop else { return Ok(()) };
        let gravity = gravity.as_ref().or(self.gravity.as_ref()).map_or("center", String::as_str);
        if *width == 0.0 && *height == 0.0 {
            return Ok(());
        }
        let named = COMPASS.iter().find(|(name, _)| *name == gravity).map(|(_, place)| *place);
        let point = || {
            let (x, y) = gravity.split_once(':')?;
            Some((real(x)?, real(y)?))
        };
        // What there is to look at is only known when all is decoded.
        let Some(place) = named.or_else(point) else { return wishes.cannot("crop by content") };
        // From the right and from below it goes inwards.
        let inwards = |place: f64, by: f64| if place == 1.0 { -by } else { by };
        let mut at = Spot { x: place.0, y: place.1, across: 0.0, down: 0.0 };
        (at.across, at.down) = (inwards(place.0, offset.0), inwards(place.1, offset.1));
        // It is of the picture after its turn, and after it was mirrored.
        let at = at.before(self.flip, self.angle);
        let (width, height) = if self.angle % 180 == 0 { (width, height) } else { (height, width) };
        // Below 1 it is a share, and 0 is all of it.
        let side = |side: f64| match side {
            0.0 => "100%".to_owned(),
            share if share < 1.0 => places(share * 100.0, 4) + "%",
            pixels => pixels.floor().to_string(),
        };
        let size = format!("0,0,{},{}", side(*width), side(*height));
        wishes.set("crop", "crop", size)?;
        let (across, down) = (inwards(at.x, at.across), inwards(at.y, at.down));
        let held = match COMPASS.iter().find(|(_, place)| *place == (at.x, at.y)) {
            Some((name, _)) => format!("{name}:{}:{}", self::offset(across), self::offset(down)),
            None => format!("{}:{}", places(at.x, 4), places(at.y, 4)),
        };
        wishes.need("crop", "crop_gravity", &held)
    }

    /// The turn, and the mirroring behind it.
    fn turn(&self, wishes: &mut Wishes) -> Result<(), Error> {
        let lies = self.angle % 180 != 0;
        if lies && self.has_size {
            wishes.need("rotate", "rotate_box", "after")?;
        }
        if self.angle != 0 {
            wishes.set("rotate", "rotate", self.angle)?;
        }
        // Here it comes before the turn.
        let (horizontal, vertical) = if lies { (self.flip.1, self.flip.0) } else { self.flip };
        match (horizontal, vertical) {
            (false, false) => Ok(()),
            (true, false) => wishes.set("flip", "flip", "h"),
            (false, true) => wishes.set("flip", "flip", "v"),
            (true, true) => wishes.set("flip", "flip", "hv"),
        }
    }
}

/// An offset: pixels, or below 1 a share.
fn offset(number: f64) -> String {
    if number.abs() >= 1.0 || number == 0.0 {
        number.trunc().to_string()
    } else {
        places(number * 100.0, 4) + "%"
    }
}

fn hex_color(text: &str) -> Option<&str> {
    let is_hex = matches!(text.len(), 3 | 6) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then_some(text)
}

fn trim(wishes: &mut Wishes, name: &str, arguments: &[&str]) -> Result<(), Error> {
    let [threshold, color, horizontal, vertical, ..] = at_most(name, arguments, 4)?;
    let Some(threshold) = threshold else { return Ok(()) };
    let threshold = within(threshold, 0.0, 255.0).ok_or_else(|| invalid(name))?;
    wishes.set(name, "trim", threshold.round())?;
    if let Some(color) = color {
        let color = hex_color(color).ok_or_else(|| invalid(name))?;
        wishes.set(format_args!("{name} with a color"), "trim_color", color)?;
    }
    let axes = match [horizontal, vertical].map(|text| text.is_some_and(switch)) {
        [false, false] => return Ok(()),
        [true, false] => "horizontal",
        [false, true] => "vertical",
        [true, true] => "both",
    };
    wishes.set(format_args!("{name} of equal parts"), "trim_equal", axes)
}
