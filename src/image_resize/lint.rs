//! What `nginx -t` refuses or warns of: settings of images that are not made, and names of what is
//! not there.

use image_gate_core::image::{Argument, Error, Filling, Parsed, Plan, SETTINGS, Setting};
use nginx_sys::ngx_uint_t;

use super::conf::{
    ErrorLocation, ImageResize, JobLimits, LocConf, MainConf, Mode, OnError, SliceNote, Threads,
};
use super::directives::fixed_names;
use super::hints::HintsConf;
use super::value::Value;
use crate::ngx::captures::{Capture, captures};
use crate::ngx::location::{self, Exits, OtherModuleConf, Server};
use crate::ngx::variable::is_number;
use crate::ngx::{Parser, Reported, thread, variable};

/// The first word of the other filter's configuration: whether it works, and how. 0 is "off", and
/// what is above the last mode is no mode.
const MODES: std::ops::RangeInclusive<ngx_uint_t> = 1..=5;

/// Whether only an image that is made goes by a directive.
fn is_of_images(name: &str) -> bool {
    matches!(name, "image_resize_params" | "image_resize_watermark")
        || SETTINGS.iter().any(|setting| {
            let directive = setting.directive.as_ref();
            directive.is_some_and(|own| own.text() == name && !own.is_general)
        })
}

/// Whether it is a side of the box of a mode.
fn is_side(setting: &Setting) -> bool {
    let directive = setting.directive.as_ref();
    directive.is_some_and(|directive| matches!(directive.argument, Argument::At(..)))
}

/// Bytes below which `memory=` can only be a slip.
const LEAST_MEMORY: u64 = 1 << 20;

/// Pixels below which `pixels=` can only be a slip.
const LEAST_PIXELS: u64 = 1000;

/// Bytes below which `image_resize_buffer` can only be a slip.
const LEAST_BUFFER: u64 = 100;

/// Milliseconds above which `time=` can only be a slip: nobody waits for an hour.
const LONGEST_TIME: u64 = 3_600_000;

impl LocConf {
    /// Whether a mode with a box has none.
    fn is_unbounded(&self) -> bool {
        matches!(self.mode(), Mode::Box(filling) if filling != Filling::Stretched)
            && self
                .settings()
                .filter(|(setting, _)| is_side(setting))
                .all(|(_, side)| matches!(side, Value::Fixed(Parsed::Off)))
    }

    /// What of `image_resize_limit` can only be a slip.
    fn odd_bound(&self) -> Option<String> {
        let JobLimits { image, time, .. } = self.bounds();
        let counts = [("pixels", image.pixels), ("output_pixels", image.output_pixels)];
        let few = counts.into_iter().find(|(_, count)| *count < LEAST_PIXELS);
        few.map(|(name, count)| {
            format!("{name}= is {count} pixels, not more: is \"{name}={count}m\" meant?")
        })
        .or_else(|| {
            let seconds = time / 1000;
            (time > LONGEST_TIME)
                .then(|| format!("time= is {seconds} seconds: is \"time={seconds}ms\" meant?"))
        })
    }

    /// The bytes that sources may have, where that can only be a slip.
    fn odd_buffer(&self) -> Option<u64> {
        Some(self.buffer()).filter(|&size| size < LEAST_BUFFER)
    }

    /// Whether widths are listed that nothing asks for.
    fn hears_for_nothing(&self) -> bool {
        let may_be_auto = |value: &Value<Parsed>| {
            matches!(value, Value::Expression(_) | Value::Fixed(Parsed::Auto(_)))
        };
        self.mode().makes_image()
            && !self.takes_params()
            && self.hints.as_deref().is_some_and(HintsConf::has_widths)
            && !self.settings().any(|(_, value)| may_be_auto(value))
    }

    /// Whether the client is to say a width that nobody listens to.
    fn hears_nothing(&self) -> bool {
        let is_auto =
            |(_, value): (_, &Value<Parsed>)| matches!(value, Value::Fixed(Parsed::Auto(_)));
        self.mode().makes_image() && self.hints.is_none() && self.settings().any(is_auto)
    }

    /// What is wrong with parameters that are the same for every request.
    fn constant_fault(&self, main: &MainConf) -> Option<Error> {
        let list = self.params.as_ref()?.constant()?;
        self.overridden(
            &mut Plan::default(),
            list,
            &main.presets,
            std::iter::empty(),
            self.hear(None),
        )
        .err()
    }

    /// How many pixels all images have here, where that is known, and they are too many.
    fn excess(&self) -> Option<u64> {
        let is_exact = matches!(self.mode(), Mode::Box(Filling::Stretched | Filling::Padded));
        if !is_exact || self.takes_params() {
            return None;
        }
        let sides = self.settings().filter(|(setting, _)| is_side(setting));
        let mut pixels = sides.map(|(_, side)| match side {
            Value::Fixed(Parsed::Number(side)) => Some(*side),
            _ => None,
        });
        let pixels = pixels.try_fold(1, |all: u64, side| Some(all.saturating_mul(side?)))?;
        (pixels > self.bounds().image.output_pixels).then_some(pixels)
    }

    /// A parameter that every request may have, and that is refused.
    fn never_allowed(&self) -> Option<&str> {
        let params = self.params.as_ref().filter(|params| params.constant().is_none())?;
        let allow = self.allow.as_deref()?;
        let is_left_out = |setting| allow.leaves_out(setting);
        fixed_names(params.text()).find(|name| Setting::find_param(name).is_some_and(is_left_out))
    }

    /// What a directive reads by its number though `rewrite` captured that, and nothing like what the
    /// location's own expression did.
    fn recaptured(&self, directive: &str, parser: Parser<'_>) -> Option<String> {
        let here = captures(location::regex(parser)?)?;
        let rewrites: Vec<_> = location::breaking_rewrites(parser).filter_map(captures).collect();
        let read = self.settings().filter_map(|(setting, value)| {
            let own = setting.directive.as_ref()?;
            (own.text() == directive).then(|| value.expression())?
        });
        // The same number of both may be meant where both are one segment of the path.
        let is_other = |name: &[u8]| {
            let is_it = |capture: &&Capture<'_>| capture.is_called(name);
            let Some(here) = here.iter().find(is_it) else { return false };
            rewrites.iter().any(|captures| {
                let there = captures.iter().find(is_it);
                there.is_none_or(|there| there.is_anything() && here.is_number())
            })
        };
        read.into_iter().find_map(|read| {
            let name = read.variables().find(|name| is_number(name) && is_other(name))?;
            Some(String::from_utf8_lossy(name).into_owned())
        })
    }

    /// What a directive reads by its number though the location's own expression, which captured last, has
    /// fewer groups; and how many it has.
    fn uncaptured(&self, directive: &str, parser: Parser<'_>) -> Option<(String, usize)> {
        let groups = captures(location::regex(parser)?)?.len();
        // Without groups, what was captured before stays.
        if groups == 0 || location::has_rewrites(parser) {
            return None;
        }
        let is_beyond = |name: &[u8]| {
            let number = std::str::from_utf8(name).ok().and_then(|name| name.parse::<usize>().ok());
            number.is_some_and(|number| number > groups)
        };
        self.settings().find_map(|(setting, value)| {
            let (own, read) = (setting.directive.as_ref()?, value.expression()?);
            let name = read.variables().find(|name| is_number(name) && is_beyond(name))?;
            (own.text() == directive).then(|| (String::from_utf8_lossy(name).into_owned(), groups))
        })
    }

    /// Looks over a location that is merged.
    ///
    /// # Errors
    /// What is wrong was reported.
    pub fn lint(&self, parent: &LocConf, parser: Parser<'_>) -> Result<(), Reported> {
        let own = self.own_places;
        let main = parser.main::<ImageResize>().ok_or(Reported)?;
        let notes = &main.notes;
        let has_mode = !matches!(self.mode(), Mode::Off);
        for place in self.places.iter() {
            place.is_used.set(
                place.is_used.get()
                    || match place.name {
                        "image_resize" | "image_resize_status" => true,
                        "image_resize_allow" => self.takes_params(),
                        _ => has_mode,
                    },
            );
        }
        // What of Accept becomes a cache key is asked for without a filter, too.
        let is_format = |name: &str| {
            name == "image_resize_format" && !variable::is_used(parser, &["image_resize_accept"])
        };
        let is_moot = |name: &str| {
            has_mode
                && !self.mode().makes_image()
                && name != "image_resize"
                && (is_of_images(name) || is_format(name))
        };
        if let Some(place) = self.own_mode().filter(|_| has_mode) {
            let exits = Exits::current(parser);
            if exits.returns && !exits.is_harmless {
                let reason = "makes no image: \"return\" answers here, and no text gets through";
                place.warn(parser, format_args!("{reason}"));
            }
        }
        for place in self.places.iter().take(own) {
            notes.places.borrow_mut().push(place.clone());
            match place.name {
                "image_resize_status" if main.zone.is_none() => {
                    place.error(parser, format_args!("there is no \"image_resize_zone\" to show"));
                    return Err(Reported);
                }
                "image_resize_status" => location::check_handler(place, parser)?,
                "image_resize_allow" => {
                    let allow = self.allow.as_ref();
                    if let Some(name) = allow.and_then(|allow| allow.unknown_preset(&main.presets))
                    {
                        place.error(parser, format_args!("there is no preset \"{name}\""));
                        return Err(Reported);
                    }
                    if main.presets.is_empty() && allow.is_some_and(|allow| allow.takes_presets()) {
                        let reason = "there is no \"image_resize_preset\" to allow";
                        place.warn(parser, format_args!("{reason}"));
                    }
                }
                name if is_moot(name) => {
                    place.warn(
                        parser,
                        format_args!("has no effect: \"image_resize\" makes no image here"),
                    );
                }
                name if let Some(number) = self.recaptured(name, parser) => {
                    self.is_recaptured.set(true);
                    place.warn(
                        parser,
                        format_args!(
                            "\"${number}\" is what \"rewrite\" captured, and not this location: \
                             give its part a name, as in (?<width>...)"
                        ),
                    );
                }
                "image_resize" if self.is_unbounded() => {
                    place.warn(
                        parser,
                        format_args!("both sides are \"-\": it is the same as \"convert\""),
                    );
                }
                "image_resize" if self.status.is_some() => {
                    let reason = "has no effect: \"image_resize_status\" answers here";
                    place.warn(parser, format_args!("{reason}"));
                }
                "image_resize" if let Some(pixels) = self.excess() => {
                    let most = self.bounds().image.output_pixels;
                    place.warn(
                        parser,
                        format_args!(
                            "every image is refused: it would have {pixels} pixels, and \
                             \"image_resize_limit\" has output_pixels={most}"
                        ),
                    );
                }
                name if let Some((number, groups)) = self.uncaptured(name, parser) => {
                    place.warn(
                        parser,
                        format_args!(
                            "\"${number}\" is empty: the regular expression of this location captures \
                             {groups}"
                        ),
                    );
                }
                "image_resize_buffer" if let Some(size) = self.odd_buffer() => {
                    place.warn(
                        parser,
                        format_args!("it is {size} bytes, which images are larger than: is \"{size}m\" meant?"),
                    );
                }
                "image_resize_limit" if self.bounds().image.memory < LEAST_MEMORY => {
                    let reason = "memory= is less than any image needs: all of them are refused";
                    place.warn(parser, format_args!("{reason}"));
                }
                "image_resize_limit" if let Some(reason) = self.odd_bound() => {
                    place.warn(parser, format_args!("{reason}"));
                }
                "image_resize" if self.hears_nothing() => {
                    let reason = "\"auto\" is no width: there is no \"image_resize_hints on\" here";
                    place.warn(parser, format_args!("{reason}"));
                }
                "image_resize_hints" if self.hears_for_nothing() => {
                    let reason = "widths= has no effect: no width is \"auto\" here";
                    place.warn(parser, format_args!("{reason}"));
                }
                "image_resize_params" | "image_resize_url"
                    if self.allow.is_none() && main.presets.is_empty() =>
                {
                    place.warn(
                        parser,
                        format_args!(
                            "all parameters are refused: there is no \"image_resize_allow\" here, \
                             and no \"image_resize_preset\""
                        ),
                    );
                }
                "image_resize_params" if let Some(error) = self.constant_fault(main) => {
                    place.warn(parser, format_args!("every request is refused: {error}"));
                }
                "image_resize_params" if let Some(name) = self.never_allowed() => {
                    place.warn(
                        parser,
                        format_args!(
                            "\"{name}\" is refused, whatever it is: there is no \
                             \"image_resize_allow {name}=\" here"
                        ),
                    );
                }
                "image_resize_on_error" => {
                    if let Some(OnError::Redirect(uri)) = self.on_error
                        && let Some(name) = uri.constant().filter(|uri| uri.starts_with(b"@"))
                    {
                        notes.named.borrow_mut().push(ErrorLocation {
                            place: place.clone(),
                            server: Server::current(parser).ok_or(Reported)?,
                            name: name.to_vec(),
                        });
                    }
                }
                _ => (),
            }
        }
        let is_meant = matches!(self.threads, Some(Threads::Off));
        if has_mode && !matches!(self.mode(), Mode::Test) && !is_meant && !thread::available() {
            main.is_blocking.set(true);
        }
        if has_mode && let (Some(place), Some(slice)) = (self.own_mode(), self.slice) {
            let (place, above) = (place.clone(), parent.slice);
            notes.sliced.borrow_mut().push(SliceNote { place, here: slice, above });
        }
        if has_mode
            && let Some(place) = self.places.get("image_resize")
            && let Some(other) =
                location::other_module_conf(parser, c"ngx_http_image_filter_module")
        {
            notes.modes.borrow_mut().push((place.clone(), other));
        }
        Ok(())
    }
}

/// Refuses and warns once all locations are known.
///
/// # Errors
/// What is wrong was reported.
pub fn check(parser: Parser<'_>, main: &MainConf) -> Result<(), Reported> {
    let mut result = Ok(());
    for ErrorLocation { place, server, name } in main.notes.named.borrow().iter() {
        if !server.has_named(name) {
            let name = String::from_utf8_lossy(name);
            place.error(parser, format_args!("there is no location \"{name}\" in this server"));
            result = Err(Reported);
        }
    }
    for (place, other) in main.notes.modes.borrow().iter() {
        if MODES.contains(&other.first_word()) {
            let reason = "\"image_filter\" works in the same location: images go through both";
            place.warn(parser, format_args!("{reason}"));
        }
    }
    let uses_slices = variable::is_used(parser, &["slice_range"]);
    for SliceNote { place, here, above } in
        main.notes.sliced.borrow().iter().filter(|_| uses_slices)
    {
        let size = here.first_word();
        // One of all of a server may be for other locations.
        if size != 0 && above.map(OtherModuleConf::first_word) != Some(size) {
            let reason = "\"slice\" works in the same location: sources come in parts, of which no \
                          image is made: take it away";
            place.warn(parser, format_args!("{reason}"));
        }
    }
    let takes_params = || {
        let is_one = |name| matches!(name, "image_resize_params" | "image_resize_url");
        main.notes.places.borrow().iter().any(|place| is_one(place.name))
    };
    if let Some(place) = main.places.get("image_resize_preset").filter(|_| !takes_params()) {
        let reason = "has no effect: there is no \"image_resize_params\" or \"image_resize_url\"";
        place.warn(parser, format_args!("{reason}"));
    }
    // What of Accept becomes a cache key is asked for without a filter, too.
    let negotiates = variable::is_used(parser, &["image_resize_accept"]);
    for place in main.notes.places.borrow().iter() {
        let is_used = place.is_used.get() || negotiates && place.name == "image_resize_format";
        if !is_used && place.is_in_location {
            let needed = match place.name {
                "image_resize_allow" => "image_resize_params\" or \"image_resize_url",
                _ => "image_resize",
            };
            place.warn(parser, format_args!("has no effect: there is no \"{needed}\" here"));
        }
    }
    result
}
