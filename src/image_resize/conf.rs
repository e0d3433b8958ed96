//! What the directives of a location say.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use image_gate_core::image::{
    Allow, AnimationPolicy, Color, DamagePolicy, Gravity, Limits, MetadataPolicy, PngCompression,
    Presets, ProfilePolicy, Rotation, Wanted,
};

use super::value::{Value, varying};
use super::watermark::Watermark;
use super::zone::Zone;
use crate::ngx::conf::{Expression, Place, Places};
use crate::ngx::location::{Foreign, Server};
use crate::ngx::log::Sparse;
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
    /// Named locations that errors lead to.
    pub named: RefCell<Vec<ErrorLocation>>,
    /// Modes, with what the location says to nginx's own filter.
    pub modes: RefCell<Vec<(Rc<Place>, Foreign)>>,
}

/// A named location that an error leads to.
pub struct ErrorLocation {
    pub place: Rc<Place>,
    pub server: Server,
    pub name: Vec<u8>,
}

/// What the body becomes.
#[derive(Clone, Copy, Default)]
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
    /// An image that fits into a box.
    Resize(Sides),
    /// An image that fills a box.
    Crop(Sides),
    /// An image on a canvas of that size.
    Pad(Sides),
    /// An image of just that size.
    Stretch(Sides),
}

impl Mode {
    /// Whether the body becomes an image that is made.
    pub fn makes_image(self) -> bool {
        !matches!(self, Mode::Off | Mode::Test | Mode::Size | Mode::Info)
    }
}

/// The box, and the named values beside it.
#[derive(Clone, Copy)]
pub struct Sides {
    /// Width in pixels; `None` (written `-`) is no bound.
    pub width: Value<Option<std::num::NonZeroU32>>,
    /// Height in pixels.
    pub height: Value<Option<std::num::NonZeroU32>>,
    pub named: Named,
}

/// The named values of a box.
#[derive(Clone, Copy, Default)]
pub struct Named {
    pub gravity: Option<Value<Gravity>>,
    pub enlarge: Option<Value<bool>>,
    pub dpr: Option<Value<u16>>,
    pub background: Option<Value<Color>>,
}

/// `image_resize_adjust`.
#[derive(Clone, Copy, Default)]
pub struct Adjustment {
    pub brightness: Option<Value<u16>>,
    pub contrast: Option<Value<u16>>,
    pub saturation: Option<Value<u16>>,
    pub hue: Option<Value<u16>>,
    pub gamma: Option<Value<u16>>,
    pub grayscale: Option<Value<bool>>,
}

/// `image_resize`, all of it at one level.
#[derive(Clone, Copy, Default)]
pub struct Geometry {
    /// The mode named last.
    pub mode: Mode,
    /// The angle of `rotate`.
    pub rotate: Option<Value<Rotation>>,
}

impl Geometry {
    /// The box of the mode, where it has one.
    pub fn sides(&self) -> Option<Sides> {
        match self.mode {
            Mode::Resize(sides) | Mode::Crop(sides) | Mode::Pad(sides) | Mode::Stretch(sides) => {
                Some(sides)
            }
            Mode::Off | Mode::Test | Mode::Size | Mode::Info | Mode::Convert => None,
        }
    }
}

/// `image_resize_limit`.
#[derive(Clone, Copy)]
pub struct Bounds {
    /// Of sources and outputs.
    pub image: Limits,
    /// Milliseconds that a job may run.
    pub time: u64,
    /// Bytes that the running jobs of a worker may need together.
    pub memory: u64,
    /// Jobs of a worker that run at once; by default its share of the processors.
    pub jobs: Option<u32>,
    /// Jobs of a worker that wait.
    pub queue: u32,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            image: Limits::default(),
            time: 10_000,
            memory: 512 * 1024 * 1024,
            jobs: None,
            queue: 64,
        }
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
    pub zone: Option<Pooled<Zone>>,
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
    pub geometry: Option<Geometry>,
    pub buffer: Option<u64>,
    pub jpeg_quality: Option<Value<u8>>,
    pub webp_quality: Option<WebpQuality>,
    pub avif_quality: Option<AvifQuality>,
    pub max_bytes: Option<Value<Option<u64>>>,
    pub trim: Option<Value<Option<u8>>>,
    pub adjust: Option<Adjustment>,
    pub blur: Option<Value<u16>>,
    pub png_compression: Option<PngCompression>,
    pub sharpen: Option<Value<u16>>,
    pub transparency: Option<bool>,
    pub interlace: Option<bool>,
    pub background: Option<Value<Color>>,
    pub orient: Option<bool>,
    pub profile: Option<ProfilePolicy>,
    pub metadata: Option<MetadataPolicy>,
    pub animation: Option<AnimationPolicy>,
    pub damaged: Option<DamagePolicy>,
    pub format: Option<Value<Wanted>>,
    pub bounds: Option<Bounds>,
    pub threads: Option<Threads>,
    /// The list of parameters that overrides the directives.
    pub params: Option<Expression>,
    pub allow: Option<Rc<Allow>>,
    /// Not inherited: it is the location's handler.
    pub status: Option<StatusFormat>,
    pub on_error: Option<OnError>,
    pub pass_svg: Option<bool>,
    pub no_transform: Option<bool>,
    /// Not inherited: it is for who sets up this location.
    pub debug_header: Option<bool>,
    /// None at all where it is empty.
    pub watermarks: Option<Vec<Watermark>>,
    pub places: Places,
    /// Where jobs run, once merged; `None` is the event loop.
    pub pool: Option<ThreadPool>,
    /// Of what is wrong with the directives, a line a minute and worker is enough.
    pub complaints: Sparse,
}

/// `image_resize_webp_quality`.
#[derive(Clone, Copy)]
pub struct WebpQuality {
    /// Quality, 1 to 100.
    pub quality: Value<u8>,
    /// Effort, 0 to 6.
    pub effort: Option<u8>,
}

/// `image_resize_avif_quality`.
#[derive(Clone, Copy)]
pub struct AvifQuality {
    /// Quality, 1 to 100.
    pub quality: Value<u8>,
    /// Speed, 0 to 10.
    pub speed: Option<u8>,
}

impl LocConf {
    /// The mode and the angle that hold here.
    pub fn geometry(&self) -> Geometry {
        self.geometry.unwrap_or_default()
    }

    /// The directives by which a request may say itself what is made of an image: all values that
    /// hold variables.
    pub fn asked_by(&self) -> impl Iterator<Item = (&'static str, Expression)> {
        let geometry = self.geometry();
        let sides = geometry.sides();
        let named = sides.map(|sides| sides.named).unwrap_or_default();
        let adjust = self.adjust.unwrap_or_default();
        let rows = [
            ("image_resize_params", self.params),
            ("image_resize", varying(sides.map(|sides| sides.width))),
            ("image_resize", varying(sides.map(|sides| sides.height))),
            ("image_resize", varying(named.gravity)),
            ("image_resize", varying(named.enlarge)),
            ("image_resize", varying(named.dpr)),
            ("image_resize", varying(named.background)),
            ("image_resize", varying(geometry.rotate)),
            ("image_resize_jpeg_quality", varying(self.jpeg_quality)),
            ("image_resize_webp_quality", varying(self.webp_quality.map(|webp| webp.quality))),
            ("image_resize_avif_quality", varying(self.avif_quality.map(|avif| avif.quality))),
            ("image_resize_max_bytes", varying(self.max_bytes)),
            ("image_resize_trim", varying(self.trim)),
            ("image_resize_adjust", varying(adjust.brightness)),
            ("image_resize_adjust", varying(adjust.contrast)),
            ("image_resize_adjust", varying(adjust.saturation)),
            ("image_resize_adjust", varying(adjust.hue)),
            ("image_resize_adjust", varying(adjust.gamma)),
            ("image_resize_adjust", varying(adjust.grayscale)),
            ("image_resize_blur", varying(self.blur)),
            ("image_resize_sharpen", varying(self.sharpen)),
            ("image_resize_background", varying(self.background)),
            ("image_resize_format", varying(self.format)),
        ];
        let layers = self.watermarks.iter().flatten().flat_map(Watermark::expressions);
        let layers = layers.map(|expression| ("image_resize_watermark", Some(expression)));
        let makes_image = geometry.mode.makes_image();
        rows.into_iter()
            .chain(layers)
            .filter(move |_| makes_image)
            .filter_map(|(name, expression)| Some((name, expression?)))
    }

    /// Bytes that a source may have.
    pub fn buffer(&self) -> u64 {
        self.buffer.unwrap_or(16 * 1024 * 1024)
    }

    /// The limits that hold here.
    pub fn bounds(&self) -> Bounds {
        self.bounds.unwrap_or_default()
    }
}
