//! What the directives of a location say.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use image_gate_core::image::{
    Allow, Dialect, Filling, Hints, Limits, Parsed, Presets, SETTINGS, Setting,
};

use super::hints::HintsConf;
use super::kept_by::KeptBy;
use super::url::{Prefix, UrlConf};
use super::value::Value;
use super::watermark::WatermarkConf;
use super::zone::StatsZone;
use crate::ngx::conf::{Expression, Place, Places};
use crate::ngx::location::{OtherModuleConf, Server};
use crate::ngx::log::LogThrottle;
use crate::ngx::thread::ThreadPool;
use crate::ngx::{Pooled, Request};

/// The module.
pub enum ImageResize {}

/// The configuration at a request's location.
pub fn conf<'a>(request: &'a Request<'_>) -> Option<&'a LocConf> {
    request.location::<ImageResize>()
}

/// What the locations were told.
#[derive(Default)]
pub struct Notes {
    pub places: RefCell<Vec<Rc<Place>>>,
    /// Files that workers read when requests come.
    pub files: RefCell<Vec<(PathBuf, Rc<Place>)>>,
    /// Named locations that errors lead to.
    pub named: RefCell<Vec<ErrorLocation>>,
    /// Modes, with what the location says to nginx's own filter.
    pub modes: RefCell<Vec<(Rc<Place>, OtherModuleConf)>>,
    /// The same with what it says to `slice`.
    pub sliced: RefCell<Vec<SliceNote>>,
}

/// What a location that has a mode says to `slice`, and what the level above does.
pub struct SliceNote {
    pub place: Rc<Place>,
    pub here: OtherModuleConf,
    pub above: Option<OtherModuleConf>,
}

/// A named location that an error leads to.
pub struct ErrorLocation {
    pub place: Rc<Place>,
    pub server: Server,
    pub name: Vec<u8>,
}

/// What the body becomes.
#[derive(Clone, Copy, Default, PartialEq)]
pub enum Mode {
    /// The filter does nothing.
    #[default]
    Off,
    /// What it was, if it is an image.
    Test,
    /// A description in JSON.
    Size,
    /// A longer description in JSON.
    Info,
    /// An image of the same size.
    Convert,
    /// An image that fills a box that way.
    Box(Filling),
}

impl Mode {
    /// Whether the body becomes something else, be it an image or a description.
    pub fn has_output(self) -> bool {
        !matches!(self, Mode::Off | Mode::Test)
    }

    /// Whether the body becomes an image that is made.
    pub fn makes_image(self) -> bool {
        matches!(self, Mode::Convert | Mode::Box(_))
    }
}

/// `image_resize_limit`.
#[derive(Debug, Clone, Copy)]
pub struct JobLimits {
    /// Of sources and outputs; of memory, that of the running jobs of a worker together.
    pub image: Limits,
    /// Milliseconds that a job may run.
    pub time: u64,
    /// Jobs of a worker that run at once; by default its share of the processors.
    pub jobs: Option<u32>,
    /// Jobs of a worker that wait.
    pub queue: u32,
}

impl Default for JobLimits {
    fn default() -> JobLimits {
        JobLimits { image: Limits::default(), time: 10_000, jobs: None, queue: 64 }
    }
}

/// `image_resize_threads`.
#[derive(Clone)]
pub enum Threads {
    /// Work on the event loop.
    Off,
    /// Work in the pool of that name; nginx's `default` where there is none.
    Pool(Option<Rc<[u8]>>),
}

/// `image_resize_on_error`.
#[derive(Clone, Copy, Default)]
pub enum OnError {
    /// The status that the error has.
    #[default]
    Status,
    /// The source's own bytes.
    Original,
    /// What is at another URI, or in a named location.
    Redirect(Expression),
}

/// `image_resize_pass`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum PassSvg {
    /// SVG is drawn.
    #[default]
    Off,
    /// It goes out as it came.
    AsItCame,
    /// It goes out as what is left of it once nothing in it runs or loads anything.
    Sanitized,
}

/// `image_resize_status`.
#[derive(Clone, Copy)]
pub enum StatusFormat {
    Json,
    Prometheus,
}

/// The configuration of `http`.
#[derive(Default)]
pub struct MainConf {
    /// `image_resize_zone`.
    pub zone: Option<Pooled<StatsZone>>,
    /// `image_resize_preset`, all of them.
    pub presets: Presets,
    /// Whether there are jobs in any location.
    pub has_jobs: Cell<bool>,
    /// Whether any location has `image_resize_debug_header`.
    pub has_debug: Cell<bool>,
    /// Whether a location makes images on the event loop, as there are no threads.
    pub is_blocking: Cell<bool>,
    pub places: Places,
    /// For what is refused or warned of in the end.
    pub notes: Notes,
}

/// The configuration of a location. `None` is what was not said.
#[derive(Clone, Default)]
pub struct LocConf {
    pub mode: Option<Mode>,
    /// The values of settings, by their rows in the table.
    pub settings: BTreeMap<usize, Value<Parsed>>,
    pub buffer: Option<u64>,
    pub bounds: Option<JobLimits>,
    pub threads: Option<Threads>,
    /// The list of parameters that overrides the directives.
    pub params: Option<Expression>,
    /// Whose links are read for the same.
    pub url: Option<Rc<UrlConf>>,
    /// What of them is the location's, once merged.
    pub url_prefix: Prefix,
    pub allow: Option<Rc<Allow>>,
    /// What is heard of the client's screen and connection.
    pub hints: Option<Rc<HintsConf>>,
    /// Not inherited: it is the location's handler.
    pub status: Option<StatusFormat>,
    pub on_error: Option<OnError>,
    pub pass_svg: Option<PassSvg>,
    pub no_transform: Option<bool>,
    /// Not inherited: it is for who sets up this location.
    pub debug_header: Option<bool>,
    /// None at all where it is empty.
    pub watermarks: Option<Vec<WatermarkConf>>,
    pub places: Places,
    /// How many of them are of this level.
    pub own_places: usize,
    /// What it says to nginx's `slice`.
    pub slice: Option<OtherModuleConf>,
    /// The names of the arguments in which a signed link has its token and its expiry, where one is
    /// looked at.
    pub link_arguments: OnceCell<Vec<Vec<u8>>>,
    /// Whether `rewrite` captures what directives of this location mean to have of its name.
    pub is_recaptured: Cell<bool>,
    /// Where jobs run, once merged; `None` is the event loop.
    pub pool: Option<ThreadPool>,
    pub kept_by: KeptBy,
    /// Of what is wrong with the directives, a line a minute and worker is enough.
    pub complaints: LogThrottle,
}

impl LocConf {
    /// The mode that holds here.
    pub fn mode(&self) -> Mode {
        self.mode.unwrap_or_default()
    }

    /// Whether pictures are made here, or looked at.
    pub fn is_on(&self) -> bool {
        !matches!(self.mode(), Mode::Off)
    }

    /// The directive that says what is made in this location, and not only above it.
    pub fn own_mode(&self) -> Option<&Rc<Place>> {
        let mut own = self.places.iter().take(self.own_places);
        own.find(|place| place.name == "image_resize" && self.is_on())
    }

    /// Bytes that `slice` has in each part of a source; 0 where it does not work.
    pub fn part_of_source(&self) -> usize {
        let size = self.slice.map_or(0, OtherModuleConf::first_word);
        if size == usize::MAX { 0 } else { size }
    }

    /// Whether the source of a request is more than the first part of it, and the others would not
    /// come.
    pub fn is_sliced(&self, request: Request<'_>) -> bool {
        let part = self.part_of_source() as u64;
        part > 0
            && request.comes_in_parts()
            && request.content_length().is_some_and(|length| length > part)
    }

    /// Says in which arguments a signed link has its token and its expiry.
    pub fn leave_out<'a>(&self, names: impl Iterator<Item = &'a [u8]>) {
        let _ = self.link_arguments.set(names.map(<[u8]>::to_vec).collect());
    }

    /// Whether requests say by parameters what is made, in whichever notation.
    pub fn takes_params(&self) -> bool {
        self.params.is_some() || self.url.is_some()
    }

    /// Whether requests are those of the IIIF Image API.
    pub fn serves_iiif(&self) -> bool {
        self.url.as_deref().is_some_and(|url| url.dialect == Dialect::Iiif)
    }

    /// Whether links that are read here say by their arguments what is made.
    pub fn reads_arguments_of_links(&self) -> bool {
        let url = self.url.as_deref().filter(|_| self.mode().makes_image());
        url.is_some_and(UrlConf::reads_arguments)
    }

    /// Whether links that are read here say by their path which picture they are of.
    pub fn reads_paths_of_links(&self) -> bool {
        self.url.as_deref().is_some_and(UrlConf::reads_paths)
    }

    /// Whose links are read here.
    pub fn dialect(&self) -> Option<Dialect> {
        self.url.as_deref().map(|url| url.dialect)
    }

    /// Whether links are read here, whatever is made of them.
    pub fn reads_links(&self) -> bool {
        self.url.is_some()
    }

    /// The settings that have values here, in their order.
    pub fn settings(&self) -> impl Iterator<Item = (&'static Setting, &Value<Parsed>)> {
        self.settings.iter().filter_map(|(&row, value)| Some((SETTINGS.get(row)?, value)))
    }

    /// The directives by which a request may say itself what is made of an image: all values that
    /// hold variables.
    pub fn asked_by(&self) -> impl Iterator<Item = (&'static str, Expression)> {
        let params = self.params.map(|expression| ("image_resize_params", expression));
        let settings = self.settings().filter_map(|(setting, value)| {
            Some((setting.directive.as_ref()?.text(), value.expression()?))
        });
        let layers = self.watermarks.iter().flatten().flat_map(WatermarkConf::expressions);
        let layers = layers.map(|expression| ("image_resize_watermark", expression));
        let makes_image = self.mode().makes_image();
        params.into_iter().chain(settings).chain(layers).filter(move |_| makes_image)
    }

    /// Whether what is made is the same for all requests, but for the format that their `Accept` leads to.
    pub fn is_fixed(&self) -> bool {
        let are_values = self.settings().all(|(_, value)| value.expression().is_none());
        // The files of marks may change.
        let has_marks = self.watermarks.iter().flatten().next().is_some();
        are_values && !has_marks && !self.takes_params() && !self.hears()
    }

    /// Whether hints of the client are heard here.
    pub fn hears(&self) -> bool {
        self.hints.as_deref().is_some_and(|hints| hints.is_on)
    }

    /// What the client says, or what silence means where there is none.
    pub fn hear(&self, request: Option<Request<'_>>) -> Hints {
        self.hints.as_deref().map_or_else(Hints::default, |hints| hints.hear(request))
    }

    /// Bytes that a source may have.
    pub fn buffer(&self) -> u64 {
        self.buffer.unwrap_or(16 * 1024 * 1024)
    }

    /// The limits that hold here.
    pub fn bounds(&self) -> JobLimits {
        self.bounds.unwrap_or_default()
    }
}
