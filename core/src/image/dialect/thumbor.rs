//! thumbor and imagor: `/SIGNATURE/OPTIONS/filters:NAME(ARGUMENTS):.../IMAGE`.
//!
//! <https://thumbor.readthedocs.io/en/latest/usage.html>, version 7; <https://docs.imagor.net/image-endpoint>. Whether the
//! signature is right is for `secure_link_hash_format`. Sizes and cuts are those of the picture before its turn, and
//! what is held is held before it is mirrored.

mod meta;

use meta::Fill;
pub use meta::Meta;

use super::asked::{Asked, Link, Unknown, Wishes, invalid};
use super::description::Description;
use super::numbers::{places, real, whole, within};
use super::query::decoded;
use super::source::Source;
use crate::escapes::percent_encode_path;
use crate::image::{Error, Gravity};
use crate::link::Encoding;

pub(super) const FIXED_PART: &[u8] = b"/";

/// Filters of either that have no like here.
const NOT_HERE: &[&str] = &[
    "attachment",
    "autojpg",
    "avgcolor",
    "bitdepth",
    "blurhash",
    "brightness",
    "colorize",
    "contrast",
    "convolution",
    "cover",
    "crop",
    "curve",
    "detections",
    "distributed_collage",
    "dpi",
    "draw_detections",
    "equalize",
    "extract_focal",
    "fallback_format",
    "frame",
    "image",
    "label",
    "modulate",
    "noise",
    "orient",
    "padding",
    "palette",
    "proportion",
    "raw",
    "red_eye",
    "redact",
    "redact_oval",
    "rgb",
    "round_corner",
    "saturation",
    "text",
    "thumbhash",
    "to_colorspace",
    "trim",
    "watermark",
];

/// What was said, but for filters that depend on nothing.
struct Options {
    fill: Fill,
    width: Side,
    height: Side,
    flip: (bool, bool),
    /// As shares of the room, or `smart`.
    horizontal: f64,
    vertical: f64,
    is_smart: bool,
    focus: Option<(f64, f64)>,
    /// The same in pixels.
    spot: Option<(u32, u32)>,
    /// How large the part is in whose middle that lies.
    area: (u32, u32),
    padding: Option<[u32; 4]>,
    background: Option<String>,
    /// Whether what is left of the box is filled.
    is_filled: bool,
    upscale: Option<bool>,
    angle: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    /// As the other one has it.
    Free,
    /// As the source has it.
    Original,
    Pixels(u32),
}

/// The segments of the path that are left.
struct Segments<'a>(&'a str);

impl<'a> Segments<'a> {
    /// Takes the next one, if there is more behind it and `read` makes something of it.
    fn take<T>(&mut self, read: impl FnOnce(&'a str) -> Option<T>) -> Option<T> {
        let (segment, rest) = self.0.split_once('/')?;
        let found = read(segment)?;
        self.0 = rest;
        Some(found)
    }

    fn is(&mut self, word: &str) -> bool {
        self.take(|segment| (segment == word).then_some(())).is_some()
    }
}

pub(super) fn read(link: Link<'_>, unknown: Unknown) -> Result<Asked, Error> {
    let wrong = || Error::BadParams("the link is not /SIGNATURE/OPTIONS/IMAGE".to_owned());
    let path = decoded(link.path)?;
    let mut segments = Segments(path.strip_prefix('/').ok_or_else(wrong)?);
    let mut wishes = Wishes::new(unknown);
    wishes.imply("rotate_box", "before");
    let mut options = Options {
        fill: Fill::Cut,
        width: Side::Free,
        height: Side::Free,
        flip: (false, false),
        horizontal: 0.5,
        vertical: 0.5,
        is_smart: false,
        focus: None,
        spot: None,
        area: (1, 1),
        padding: None,
        background: None,
        is_filled: false,
        upscale: None,
        angle: 0,
    };
    if segments.is("params") {
        wishes.cannot("params")?;
    }
    segments.take(|signature| (!signature.is_empty()).then_some(())).ok_or_else(wrong)?;
    if segments.is("debug") {
        wishes.cannot("debug")?;
    }
    let is_told_of = segments.is("meta");
    options.path(&mut segments, &mut wishes)?;
    let mut image = segments.0;
    if let Some(filters) = image.strip_prefix("filters:") {
        image = options.filters(filters, &mut wishes)?;
    }
    if is_told_of {
        wishes.describe(Description::Thumbor(options.meta(image)));
    }
    options.ask(&mut wishes)?;
    Ok(wishes.of(source(image)?))
}

fn source(image: &str) -> Result<Source, Error> {
    let base64 = image.strip_prefix("b64:");
    let bytes = base64.and_then(|text| Encoding::Base64url.decode_all(text.as_bytes()));
    let image = bytes.as_deref().unwrap_or(image.as_bytes());
    if image.is_empty() || image.starts_with(b"color:") {
        return Err(invalid("image"));
    }
    Source::of_guess(image, b"http", Source::of_name)
}

/// `AxB`.
fn pair<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<(T, T)> {
    let (a, b) = text.split_once('x')?;
    Some((read(a)?, read(b)?))
}

/// `AxB:CxD`.
fn pairs<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<[(T, T); 2]> {
    let (from, to) = text.split_once(':')?;
    Some([pair(from, &read)?, pair(to, &read)?])
}

impl Options {
    /// What stands before the filters, in its order.
    fn path(&mut self, segments: &mut Segments<'_>, wishes: &mut Wishes) -> Result<(), Error> {
        let is_trim = |text: &str| text == "trim" || text.starts_with("trim:");
        let mut is_trimmed = false;
        if let Some(trim) = segments.take(|text| is_trim(text).then_some(text)) {
            let mut tolerance = 0;
            for part in trim.split(':').skip(1) {
                match part {
                    "top-left" => {}
                    "bottom-right" => wishes.need("trim", "trim_corner", "bottom-right")?,
                    number => tolerance = whole(number).ok_or_else(|| invalid("trim"))?.min(255),
                }
            }
            wishes.set("trim", "trim", tolerance)?;
            is_trimmed = true;
        }
        // Of what is empty nothing is cut.
        let number = |text: &str| real(text).filter(|number| *number >= 0.0);
        if let Some([(left, top), (right, bottom)]) = segments.take(|text| pairs(text, number))
            && right > left
            && bottom > top
        {
            // There it is said where that lies in what there was before.
            if is_trimmed {
                wishes.cannot("crop behind trim")?;
            }
            let is_share = right <= 1.0 && bottom <= 1.0;
            let lengths = [left, top, right - left, bottom - top];
            let text = |length: f64| {
                if is_share { places(length * 100.0, 4) + "%" } else { length.round().to_string() }
            };
            wishes.set("crop", "crop", lengths.map(text).join(","))?;
            wishes.imply("crop_optional", "on");
        }
        let fit = segments.take(|text| text.ends_with("fit-in").then_some(text));
        match fit {
            None => {}
            Some("fit-in") => self.fill = Fill::Inside,
            Some("full-fit-in") => self.fill = Fill::Outside,
            Some(adaptive @ ("adaptive-fit-in" | "adaptive-full-fit-in")) => {
                wishes.need("adaptive-fit-in", "adaptive", "on")?;
                self.fill = if adaptive.contains("full") { Fill::Outside } else { Fill::Inside };
            }
            Some(_) => return Err(invalid("fit-in")),
        }
        if segments.is("stretch") {
            self.fill = Fill::Stretch;
        }
        let side = |text: &str| {
            let (is_flipped, text) =
                text.strip_prefix('-').map_or((false, text), |text| (true, text));
            let side = match text {
                "" => Side::Free,
                "orig" => Side::Original,
                number => match whole(number)? {
                    0 => Side::Free,
                    pixels => Side::Pixels(pixels),
                },
            };
            Some((is_flipped, side))
        };
        if let Some(((flip_x, width), (flip_y, height))) = segments.take(|text| pair(text, side)) {
            (self.width, self.height, self.flip) = (width, height, (flip_x, flip_y));
            let around = |text: &str| {
                let all = pairs(text, whole);
                all.or_else(|| pair(text, whole).map(|both| [both, both]))
            };
            if let Some([(left, top), (right, bottom)]) = segments.take(around) {
                self.padding = Some([top, right, bottom, left]);
            }
        }
        let aligned = |words: [&'static str; 3]| {
            move |text: &str| {
                let at = words.iter().position(|word| *word == text)?;
                Some(at as f64 / 2.0)
            }
        };
        if let Some(share) = segments.take(aligned(["left", "center", "right"])) {
            self.horizontal = share;
        }
        if let Some(share) = segments.take(aligned(["top", "middle", "bottom"])) {
            self.vertical = share;
        }
        self.is_smart = segments.is("smart");
        Ok(())
    }

    /// The filters. Returns what is behind them.
    fn filters<'a>(&mut self, text: &'a str, wishes: &mut Wishes) -> Result<&'a str, Error> {
        let (mut depth, mut start) = (0_usize, 0);
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                b':' | b'/' if depth == 0 => {
                    let filter = text.get(start..at).unwrap_or_default();
                    if !filter.is_empty() {
                        wishes.count(filter.as_bytes())?;
                        self.filter(filter, wishes)?;
                    }
                    start = at + 1;
                    if byte == b'/' {
                        return Ok(text.get(start..).unwrap_or_default());
                    }
                }
                _ => {}
            }
        }
        Err(Error::BadParams("the filters have no end".to_owned()))
    }

    fn filter(&mut self, filter: &str, wishes: &mut Wishes) -> Result<(), Error> {
        let (name, arguments) = filter.split_once('(').ok_or_else(|| invalid(filter))?;
        let arguments = arguments.strip_suffix(')').ok_or_else(|| invalid(name))?;
        let parts: Vec<&str> = arguments.split(',').map(str::trim).collect();
        let first = parts.first().copied().unwrap_or_default();
        let bad = || invalid(name);
        let number = |least, most| within(first, least, most).ok_or_else(bad);
        match name {
            "quality" => wishes.set(name, "quality", number(0.0, 100.0)?.round().max(1.0)),
            "format" => match &*first.to_ascii_lowercase() {
                format @ ("jpg" | "jpeg" | "png" | "gif" | "webp" | "avif") => {
                    wishes.set(name, "format", format)
                }
                "heic" | "jxl" | "tiff" | "jp2" => wishes.cannot(format_args!("format({first})")),
                // The format is the source's there.
                _ => wishes.unset(name, "format"),
            },
            "grayscale" => wishes.set(name, "grayscale", "on"),
            "blur" => {
                let sigma = parts.get(1).copied().unwrap_or(first);
                let sigma = within(sigma, 0.0, 1e6).ok_or_else(bad)?;
                wishes.set(name, "blur", places(sigma, 2))
            }
            // Here a percentage of what there is added once.
            "sharpen" => wishes.set(name, "sharpen", (number(0.0, 1e6)? * 100.0).round()),
            "hue" => wishes.set(name, "hue", number(-360.0, 360.0)?.round()),
            "invert" => wishes.set(name, "negate", "on"),
            "lossless" => wishes.set(name, "lossless", "on"),
            "pixelate" => {
                let side = if first.is_empty() { 10.0 } else { number(0.0, 65_535.0)? };
                wishes.set(name, "pixelate", side.round())
            }
            "max_bytes" => match number(0.0, 1e15)?.round() {
                0.0 => Ok(()),
                bytes => wishes.set(name, "max_bytes", bytes),
            },
            "max_frames" if first == "1" => wishes.set(name, "anim", "off"),
            "page" => wishes.set(name, "page", number(0.0, 10_000.0)?.max(1.0).trunc()),
            "max_frames" => wishes.cannot(name),
            "strip_exif" | "strip_metadata" => wishes.set(name, "metadata", "strip"),
            "strip_icc" => wishes.set(name, "profile", "srgb"),
            "no_upscale" => {
                self.upscale = Some(false);
                Ok(())
            }
            "upscale" => {
                self.upscale = Some(true);
                Ok(())
            }
            "stretch" => {
                self.fill = Fill::Stretch;
                Ok(())
            }
            "background_color" => {
                self.background = Some(first.to_owned());
                Ok(())
            }
            "fill" => {
                // What is no switch makes it no filter there.
                let flatten = match parts.get(1).copied() {
                    Some("1" | "true" | "True") => "on",
                    None | Some("0" | "false" | "False") => "off",
                    Some(_) => return Ok(()),
                };
                self.is_filled = true;
                match first {
                    "auto" => wishes.cannot("fill(auto)")?,
                    "none" | "transparent" => self.background = Some("transparent".to_owned()),
                    color => self.background = Some(color.to_owned()),
                }
                wishes.need("fill", "flatten", flatten)
            }
            "focal" => {
                let share = |text: &str| within(text, 0.0, 1.0);
                let all = pairs(first, share);
                let middle = all.map(|[(a, b), (c, d)]| (f64::midpoint(a, c), f64::midpoint(b, d)));
                self.focus = middle.or_else(|| pair(first, share));
                if self.focus.is_some() {
                    return Ok(());
                }
                // In pixels, as thumbor has it. Of several it takes the middle by their areas.
                if self.spot.is_some() {
                    return wishes.cannot("focal twice");
                }
                let area = pairs(first, whole);
                if let Some([(left, top), (right, bottom)]) = area {
                    self.area = (right.saturating_sub(left), bottom.saturating_sub(top));
                }
                let middle = |[(left, top), (right, bottom)]: [(u32, u32); 2]| {
                    (u32::midpoint(left, right), u32::midpoint(top, bottom))
                };
                self.spot = area.map(middle).or_else(|| pair(first, whole));
                self.spot.map(|_| ()).ok_or_else(bad)
            }
            "rotate" => {
                let angle = number(-3600.0, 3600.0)?;
                // By other angles nothing is turned there. Each turns what those before it have made.
                if angle % 90.0 == 0.0 {
                    self.angle = (self.angle + (360.0 - angle.rem_euclid(360.0)) as u32) % 360;
                }
                Ok(())
            }
            "expire" => {
                let milliseconds: u64 = first.parse().map_err(|_| bad())?;
                wishes.expire(milliseconds / 1000);
                Ok(())
            }
            _ if NOT_HERE.contains(&name) => wishes.cannot(name),
            // What its server does not know, it passes over; so are headers, which the location sets.
            _ => Ok(()),
        }
    }

    /// What is told of the picture where it is not made.
    fn meta(&self, image: &str) -> Meta {
        let point = |(x, y): (f64, f64)| {
            let part = |share: f64| (share * 10_000.0).round() as u16;
            Gravity::Point { x: part(x), y: part(y) }
        };
        let spot = || self.spot.map(|(x, y)| (Gravity::Spot { x, y }, self.area));
        Meta {
            url: percent_encode_path(image.as_bytes()),
            align: if self.is_smart {
                Gravity::Smart
            } else {
                point((self.horizontal, self.vertical))
            },
            fill: self.fill,
            focal: self.focus.map(|focus| (point(focus), (1, 1))).or_else(spot),
        }
    }

    fn ask(self, wishes: &mut Wishes) -> Result<(), Error> {
        let has_size = self.width != Side::Free || self.height != Side::Free;
        for (name, side) in [("width", self.width), ("height", self.height)] {
            match side {
                Side::Free => {}
                Side::Pixels(pixels) => wishes.set("size", name, pixels)?,
                Side::Original if self.width == self.height => {}
                Side::Original => wishes.set("orig", name, "100%")?,
            }
        }
        let fit = match self.fill {
            Fill::Cut => "cover",
            Fill::Inside if self.is_filled => "pad",
            Fill::Inside => "scale-down",
            Fill::Outside => "outside",
            Fill::Stretch => "stretch",
        };
        if has_size {
            wishes.set(format_args!("fit={fit}"), "fit", fit)?;
            let enlarges = self.fill != Fill::Inside || self.upscale == Some(true);
            // It bounds each side by that of the whole picture, whatever is cut out of that.
            if self.upscale == Some(false) {
                wishes.need("no_upscale", "clamp", "sides")?;
            }
            wishes.set("upscale", "enlarge", if enlarges { "on" } else { "off" })?;
        }
        if let Some(background) = &self.background {
            let is_blur = background == "blur";
            let name = if self.is_filled { "fill" } else { "background_color" };
            // What is transparent in the picture itself stays so where it is filled around.
            match self.is_filled {
                true => wishes.set(
                    if is_blur { "fill(blur)" } else { name },
                    "background",
                    background,
                )?,
                false => wishes.lay_on(name, background)?,
            }
        }
        if let Some([top, right, bottom, left]) = self.padding {
            wishes.set("padding", "padding", format_args!("{top},{right},{bottom},{left}"))?;
        }
        if self.fill == Fill::Cut {
            let (x, y) = self.focus.unwrap_or((self.horizontal, self.vertical));
            if let (Some((x, y)), None) = (self.spot, self.focus) {
                wishes.set("focal", "gravity", format_args!("{x}px:{y}px"))?;
            } else if self.is_smart && self.focus.is_none() {
                wishes.set("smart", "gravity", "smart")?;
            } else if (x, y) != (0.5, 0.5) {
                wishes.set(
                    "align",
                    "gravity",
                    format_args!("{}:{}", places(x, 4), places(y, 4)),
                )?;
            }
        }
        match self.flip {
            (false, false) => {}
            (true, false) => wishes.set("flip", "flip", "h")?,
            (false, true) => wishes.set("flip", "flip", "v")?,
            (true, true) => wishes.set("flip", "flip", "hv")?,
        }
        if self.angle != 0 {
            wishes.set("rotate", "rotate", self.angle)?;
        }
        Ok(())
    }
}
