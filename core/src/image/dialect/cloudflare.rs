//! Cloudflare Images: `/cdn-cgi/image/OPTION=VALUE,.../SOURCE`.
//!
//! <https://developers.cloudflare.com/images/optimization/features/>. Names of sides hold for the
//! picture after the turn; it is mirrored before that.

mod information;

use std::collections::BTreeMap;

pub(super) use information::Information;

use super::asked::{Asked, Link, Unknown, Wishes, invalid};
use super::description::Description;
use super::numbers::{places, whole, within};
use super::query::decoded;
use super::source::Source;
use crate::escapes::percent_decode_lossy;
use crate::image::Error;

pub(super) const FIXED_PART: &[u8] = b"/cdn-cgi/image/";

/// The short names, with what they are short for.
const SHORT: [(&str, &str); 6] = [
    ("w", "width"),
    ("h", "height"),
    ("q", "quality"),
    ("f", "format"),
    ("g", "gravity"),
    ("scq", "slow-connection-quality"),
];

/// The options by their full names, as they were written.
struct Options<'a> {
    values: BTreeMap<String, String>,
    wishes: &'a mut Wishes,
}

pub(super) fn read(link: Link<'_>, unknown: Unknown) -> Result<Asked, Error> {
    let wrong = || Error::BadParams("the link is not /cdn-cgi/image/OPTIONS/SOURCE".to_owned());
    let rest = link.path.strip_prefix(FIXED_PART).ok_or_else(wrong)?;
    let at = memchr::memchr(b'/', rest).ok_or_else(wrong)?;
    let (options, source) = rest.split_at(at);
    let source = source.get(1..).unwrap_or_default();
    if source.is_empty() {
        return Err(wrong());
    }
    let mut wishes = Wishes::new(unknown);
    let mut values = BTreeMap::new();
    for option in options.split(|&byte| byte == b',').filter(|option| !option.is_empty()) {
        wishes.count(option)?;
        let option = decoded(option)?;
        let (name, value) = option.split_once('=').ok_or_else(|| invalid(&option))?;
        let full = SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, full)| full);
        values.insert(full.to_owned(), value.to_owned());
    }
    if values.is_empty() {
        return Err(Error::BadParams("the link has no options".to_owned()));
    }
    Options { values, wishes: &mut wishes }.read()?;

    // The URL of another site may be encoded as a whole; arguments behind it are as they are.
    let is_encoded = [&b"http%3a"[..], b"https%3a"].iter().any(|scheme| {
        source.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let mut source =
        if is_encoded { percent_decode_lossy(source).into_owned() } else { source.to_vec() };
    if let Some(query) = link.query {
        source.push(b'?');
        source.extend(query);
    }
    Ok(wishes.of(Source::of_url(&source)?))
}

impl Options<'_> {
    fn read(mut self) -> Result<(), Error> {
        // Later ones need to know of these.
        let dpr = self.number("dpr", 1.0, 2.0)?.unwrap_or(1.0);
        let has_size = ["width", "height"].iter().any(|side| self.values.contains_key(*side));
        self.trims(dpr)?;
        self.borders()?;
        let cuts = matches!(
            self.values.get("fit").map(String::as_str),
            Some("cover" | "crop" | "aspect-crop")
        );
        let lossless = self.values.get("format").is_some_and(|format| format == "webp")
            && self.values.get("quality").is_some_and(|quality| quality == "100");
        for (name, value) in std::mem::take(&mut self.values) {
            self.option(&name, &value, has_size, cuts)?;
        }
        if lossless {
            self.wishes.prefer("lossless", "on");
        }
        Ok(())
    }

    /// The value of a number that others depend on, which stays to be asked for.
    fn number(&self, name: &str, least: f64, most: f64) -> Result<Option<f64>, Error> {
        let Some(value) = self.values.get(name) else { return Ok(None) };
        within(value, least, most).map(Some).ok_or_else(|| invalid(name))
    }

    fn option(&mut self, name: &str, value: &str, has_size: bool, cuts: bool) -> Result<(), Error> {
        let wishes = &mut *self.wishes;
        let number = |least, most| within(value, least, most).ok_or_else(|| invalid(name));
        match name {
            "width" if value == "auto" => wishes.set("width=auto", "width", value),
            "width" | "height" => {
                let side = whole(value).filter(|&side| side > 0).ok_or_else(|| invalid(name))?;
                wishes.set(name, name, side)
            }
            "dpr" => wishes.set(name, "dpr", places(number(1.0, 2.0)?, 2)),
            "fit" => match value {
                "scale-down" | "scale-up" | "contain" | "cover" | "crop" | "pad"
                | "aspect-crop" => wishes.set(format_args!("fit={value}"), "fit", value),
                "squeeze" => wishes.set("fit=squeeze", "fit", "stretch"),
                _ => Err(invalid(name)),
            },
            "gravity" => gravity(wishes, value, cuts),
            "quality" => wishes.set(name, "quality", quality(value).ok_or_else(|| invalid(name))?),
            "slow-connection-quality" => {
                let quality = quality(value).ok_or_else(|| invalid(name))?;
                wishes.set(name, "slow_quality", quality)
            }
            "format" => match value {
                "auto" | "avif" | "webp" | "png" => wishes.set(name, "format", value),
                "jpeg" => {
                    wishes.set(name, "format", "jpeg")?;
                    wishes.set(name, "interlace", "on")
                }
                "baseline-jpeg" => {
                    wishes.set(name, "format", "jpeg")?;
                    wishes.set(name, "interlace", "off")
                }
                "json" => {
                    wishes.describe(Description::Cloudflare);
                    Ok(())
                }
                _ => Err(invalid(name)),
            },
            "metadata" => match value {
                "none" => wishes.set(name, "metadata", "strip"),
                "copyright" | "keep" => wishes.set(name, "metadata", value),
                _ => Err(invalid(name)),
            },
            "anim" => match value {
                "true" => wishes.set(name, "anim", "on"),
                "false" => wishes.set(name, "anim", "off"),
                _ => Err(invalid(name)),
            },
            "background" => wishes.lay_on(name, value),
            "blur" => wishes.set(name, "blur", places(number(0.0, 250.0)?, 2)),
            "brightness" | "contrast" | "gamma" if number(0.0, 1e6)? == 0.0 => Ok(()),
            "brightness" | "contrast" | "gamma" | "saturation" => {
                wishes.set(name, name, places(number(0.0, 1e6)?, 2))
            }
            // There 10 is the most, here a percentage of the same.
            "sharpen" => wishes.set(name, "sharpen", (number(0.0, 10.0)? * 10.0).round()),
            "rotate" => match value {
                "0" => Ok(()),
                "180" => wishes.set(name, "rotate", value),
                "90" | "270" => {
                    if has_size {
                        wishes.need(name, "rotate_box", "after")?;
                    }
                    wishes.set(name, "rotate", value)
                }
                _ => Err(invalid(name)),
            },
            "flip" => match value {
                "h" | "v" | "hv" => wishes.set(name, "flip", value),
                "vh" => wishes.set(name, "flip", "hv"),
                _ => Err(invalid(name)),
            },
            "compression" if value == "fast" => wishes.set(name, "effort", 0),
            // What is answered where there is no picture is the location's to say.
            "onerror" if value == "redirect" => Ok(()),
            // They go with width=auto.
            "wbreakpoints" => Ok(()),
            "border" | "face-zoom" | "segment" | "upscale" | "zoom" => wishes.cannot(name),
            _ if name.starts_with("trim.border.") => wishes.cannot(name),
            _ => Err(Error::BadParams(format!("unknown option {name:?}"))),
        }
    }

    /// What is drawn around the result: one width, or one for each side.
    fn borders(&mut self) -> Result<(), Error> {
        let mut take = |side: &str| self.values.remove(&format!("border.{side}"));
        let (all, color) = (take("width"), take("color"));
        let sides = ["top", "right", "bottom", "left"].map(take);
        let is_said = all.is_some() || sides.iter().any(Option::is_some);
        if !is_said {
            return color.map_or(Ok(()), |_| Err(invalid("border")));
        }
        let sides = sides.map(|side| {
            let width = side.as_ref().or(all.as_ref()).map_or(Some(0), |width| whole(width));
            width.ok_or_else(|| invalid("border"))
        });
        let [top, right, bottom, left] = sides;
        let sides = format!("{},{},{},{}", top?, right?, bottom?, left?);
        self.wishes.set("border", "border", sides)?;
        match color {
            Some(color) => self.wishes.set("border.color", "border_color", color),
            None => Err(invalid("border")),
        }
    }

    /// What is cut away before all else: widths, or what is left.
    fn trims(&mut self, dpr: f64) -> Result<(), Error> {
        let pixels = |text: &str| {
            let number = whole(text).ok_or_else(|| invalid("trim"))?;
            Ok::<_, Error>((f64::from(number) * dpr).round() as u64)
        };
        if let Some(value) = self.values.remove("trim") {
            if value == "border" {
                self.wishes.set("trim", "trim", 10)?;
            } else {
                let sides: Vec<u64> = value.split(';').map(pixels).collect::<Result<_, _>>()?;
                let [top, right, bottom, left] = sides[..] else { return Err(invalid("trim")) };
                self.wishes.set("trim", "trim", format_args!("{top},{right},{bottom},{left}"))?;
            }
        }
        let names = ["trim.left", "trim.top", "trim.width", "trim.height"];
        let parts = names.map(|name| self.values.remove(name));
        if parts.iter().all(Option::is_none) {
            return Ok(());
        }
        let [left, top, width, height] = parts;
        match (width, height) {
            (Some(width), Some(height)) => {
                let corner = |side: Option<String>| side.map_or(Ok(0), |side| pixels(&side));
                let (x, y) = (corner(left)?, corner(top)?);
                let (width, height) = (pixels(&width)?, pixels(&height)?);
                self.wishes.set("trim", "crop", format_args!("{x},{y},{width},{height}"))
            }
            _ => self.wishes.cannot("trim"),
        }
    }
}

/// A number, or one of the words for how good a picture is to look, which are numbers here.
fn quality(text: &str) -> Option<u32> {
    match text {
        "high" => Some(85),
        "medium-high" => Some(75),
        "medium-low" => Some(60),
        "low" => Some(45),
        number => whole(number).filter(|number| (1..=100).contains(number)),
    }
}

/// What is kept in a cut; in a padded picture nothing is, which is in the middle there.
fn gravity(wishes: &mut Wishes, value: &str, cuts: bool) -> Result<(), Error> {
    let word = match value {
        "auto" => Some("smart"),
        "left" => Some("west"),
        "right" => Some("east"),
        "top" => Some("north"),
        "bottom" => Some("south"),
        "center" => Some("center"),
        "face" => return wishes.cannot("gravity=face"),
        _ => None,
    };
    let point = || {
        let (x, y) = value.split_once('x')?;
        let part = |text| within(text, 0.0, 1.0).map(|part| places(part, 4));
        Some(format!("{}:{}", part(x)?, part(y)?))
    };
    let gravity = word.map(str::to_owned).or_else(point).ok_or_else(|| invalid("gravity"))?;
    if cuts { wishes.set("gravity", "gravity", gravity) } else { Ok(()) }
}
