//! What to do to an image.

use std::num::{NonZeroU16, NonZeroU32};

use super::canonical::{Canonical, with_defaults};
use super::words::Words;
use super::{
    Area, Color, DamagePolicy, Error, Flip, FontFolder, Format, FormatChoice, Gravity, Ratio,
    Rotation, Sides, Varies, Watermark,
};

/// A side of the bounding box; `None` (written `-`) does not bound.
pub type Bound = Option<NonZeroU32>;

/// The geometry of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fit {
    /// As large as the source.
    #[default]
    None,
    /// Proportionally into the box; never enlarges.
    Resize {
        /// Largest width in pixels.
        width: Bound,
        /// Largest height in pixels.
        height: Bound,
    },
    /// Covers the box and cuts the rest, where [`Plan::gravity`] says; never
    /// enlarges.
    Crop {
        /// Width of the box in pixels.
        width: Bound,
        /// Height of the box in pixels.
        height: Bound,
    },
    /// Like `Resize`, then laid on a canvas of just that size. With a turn the box
    /// is that of the turned image.
    Pad {
        /// Width of the canvas in pixels; unbounded, that of the image.
        width: Bound,
        /// Height of the canvas in pixels.
        height: Bound,
    },
    /// Just that size, whatever the proportions. With a turn the size is that of
    /// the turned image.
    Stretch {
        /// Width in pixels; unbounded, that of the source.
        width: Bound,
        /// Height in pixels.
        height: Bound,
    },
    /// Covers the box, and nothing is cut.
    Outside {
        /// Least width in pixels.
        width: Bound,
        /// Least height in pixels.
        height: Bound,
    },
    /// Like `Crop`, and cut to the proportions of the box where the image is too small for it.
    AspectCrop {
        /// Width of the box in pixels.
        width: Bound,
        /// Height of the box in pixels.
        height: Bound,
    },
    /// Like `Pad`, and laid on a canvas of the proportions of the box where the image is too small for it.
    AspectPad {
        /// Width of the box in pixels.
        width: Bound,
        /// Height of the box in pixels.
        height: Bound,
    },
    /// Like `Crop` where box and image both lie or both stand, else like `Resize`.
    Auto {
        /// Width of the box in pixels.
        width: Bound,
        /// Height of the box in pixels.
        height: Bound,
    },
}

impl Fit {
    /// The sides of its box.
    pub(super) fn sides_mut(&mut self) -> Option<(&mut Bound, &mut Bound)> {
        match self {
            Fit::None => None,
            Fit::Resize { width, height }
            | Fit::Crop { width, height }
            | Fit::Pad { width, height }
            | Fit::Stretch { width, height }
            | Fit::Outside { width, height }
            | Fit::AspectCrop { width, height }
            | Fit::AspectPad { width, height }
            | Fit::Auto { width, height } => Some((width, height)),
        }
    }
}

impl Canonical for Fit {
    fn write(&self, out: &mut String) {
        let (name, width, height) = match *self {
            Fit::None => return out.push_str("none"),
            Fit::Resize { width, height } => ("resize", width, height),
            Fit::Crop { width, height } => ("crop", width, height),
            Fit::Pad { width, height } => ("pad", width, height),
            Fit::Stretch { width, height } => ("stretch", width, height),
            Fit::Outside { width, height } => ("outside", width, height),
            Fit::AspectCrop { width, height } => ("aspect-crop", width, height),
            Fit::AspectPad { width, height } => ("aspect-pad", width, height),
            Fit::Auto { width, height } => ("auto", width, height),
        };
        out.push_str(name);
        out.push(' ');
        (width, height).write(out);
    }
}

/// Whose sides those of a box are, where an image is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotateBox {
    /// Those of the image before it is mirrored and turned, and so are its directions.
    Before,
    /// Those of the result.
    After,
}

impl Words for RotateBox {
    const WORDS: &'static [(&'static str, RotateBox)] =
        &[("before", RotateBox::Before), ("after", RotateBox::After)];
}

with_defaults! {
    /// What bounds a box beside its sides.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Bounds {
        /// The width in millionths of the image's, in place of that in pixels.
        pub width_share: Option<NonZeroU32> = None,
        /// The height in millionths of the image's, in place of that in pixels.
        pub height_share: Option<NonZeroU32> = None,
        /// The proportions, from which a side that is not given follows.
        pub ratio: Option<Ratio> = None,
        /// By how much the sides, or those of the image where there are none, are multiplied, in
        /// percent.
        pub zoom: u16 = 100,
        /// The image is scaled to that width at least; what goes beyond the box is cut.
        pub min_width: Bound = None,
        /// The image is scaled to that height at least; what goes beyond the box is cut.
        pub min_height: Bound = None,
        /// The most that the width may be.
        pub max_width: Bound = None,
        /// The most that the height may be.
        pub max_height: Bound = None,
        /// What becomes of a box that is larger than the image.
        pub clamp: Clamp = Clamp::Off,
        /// Whether a box that stands is laid down for an image that lies, and the other way round.
        pub adaptive: bool = false,
    }
}

/// What becomes of a box that is larger than the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clamp {
    /// It stays so.
    Off,
    /// It is made smaller in its proportions, until it lies within what is left of the image.
    Ratio,
    /// Each of its sides is no longer than that of the image before anything is cut out of that.
    Sides,
}

impl Words for Clamp {
    const WORDS: &'static [(&'static str, Clamp)] =
        &[("off", Clamp::Off), ("ratio", Clamp::Ratio), ("sides", Clamp::Sides)];
}

/// What becomes of fractions of pixels where a side follows from the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// They are dropped, as nginx's image_filter does.
    #[default]
    Down,
    /// The side is the nearest number of pixels, the larger one of two.
    Nearest,
}

impl Words for Rounding {
    const WORDS: &'static [(&'static str, Rounding)] =
        &[("down", Rounding::Down), ("nearest", Rounding::Nearest)];
}

with_defaults! {
    /// How colours are changed. Factors are in percent: 100 changes nothing.
    ///
    /// Brightness, contrast, saturation, hue and grey are those of the filter functions of
    /// CSS (W3C Filter Effects Module Level 1, section 8).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Adjust {
        /// Factor of all channels.
        pub brightness: u16 = 100,
        /// Factor of the distance from medium grey.
        pub contrast: u16 = 100,
        /// Factor of the distance from grey of the same luminance.
        pub saturation: u16 = 100,
        /// Degrees by which hues are turned.
        pub hue: u16 = 0,
        /// Exponent of the curve that medium tones follow: above 100 they get lighter.
        pub gamma: u16 = 100,
        /// Whether only the luminance is left.
        pub grayscale: bool = false,
        /// Whether each channel is turned into its opposite.
        pub negate: bool = false,
        /// How much is as on old photographs, in percent.
        pub sepia: u16 = 0,
        /// The luminance from which on all is white, and below which black; 0 is off.
        pub threshold: u8 = 0,
    }
}

/// What becomes of an output that would have more pixels than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oversize {
    /// It is not made.
    Refuse,
    /// It is made smaller, where no size was asked for.
    Reduce,
}

impl Words for Oversize {
    const WORDS: &'static [(&'static str, Oversize)] =
        &[("refuse", Oversize::Refuse), ("reduce", Oversize::Reduce)];
}

/// Opposite sides of which as much is cut away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EqualSides {
    /// None.
    Off,
    /// Left and right.
    Horizontal,
    /// Top and bottom.
    Vertical,
    /// All.
    Both,
}

impl Words for EqualSides {
    const WORDS: &'static [(&'static str, EqualSides)] = &[
        ("off", EqualSides::Off),
        ("horizontal", EqualSides::Horizontal),
        ("vertical", EqualSides::Vertical),
        ("both", EqualSides::Both),
    ];
}

/// Which pixel a border is like where its colour is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrimCorner {
    /// The first one.
    TopLeft,
    /// The last one.
    BottomRight,
}

impl Words for TrimCorner {
    const WORDS: &'static [(&'static str, TrimCorner)] =
        &[("top-left", TrimCorner::TopLeft), ("bottom-right", TrimCorner::BottomRight)];
}

/// Where a border is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BorderPlace {
    /// Around the image, which grows by it.
    Around,
    /// Over what is at its sides.
    Over,
}

impl Words for BorderPlace {
    const WORDS: &'static [(&'static str, BorderPlace)] =
        &[("around", BorderPlace::Around), ("over", BorderPlace::Over)];
}

/// How much of the chroma a JPEG has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subsampling {
    /// Half of it across and down.
    Half,
    /// Half of it across.
    Rows,
    /// All.
    None,
    /// All from a quality of 90 on, below that half across and down.
    Auto,
}

impl Words for Subsampling {
    const WORDS: &'static [(&'static str, Subsampling)] = &[
        ("420", Subsampling::Half),
        ("422", Subsampling::Rows),
        ("444", Subsampling::None),
        ("auto", Subsampling::Auto),
    ];
}

/// What of an image shows; the rest is transparent, or background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask {
    /// All.
    Off,
    /// The largest circle in its middle.
    Circle,
    /// The largest ellipse.
    Ellipse,
    /// The largest equilateral triangle that points up.
    Triangle,
    /// The same upside down.
    Triangle180,
    /// The largest regular pentagon that points up.
    Pentagon,
    /// The same upside down.
    Pentagon180,
    /// The largest regular hexagon that points up.
    Hexagon,
    /// The largest square that stands on a corner.
    Square,
    /// The largest star of five points.
    Star,
    /// The largest heart.
    Heart,
}

impl Words for Mask {
    const WORDS: &'static [(&'static str, Mask)] = &[
        ("off", Mask::Off),
        ("circle", Mask::Circle),
        ("ellipse", Mask::Ellipse),
        ("triangle", Mask::Triangle),
        ("triangle-180", Mask::Triangle180),
        ("pentagon", Mask::Pentagon),
        ("pentagon-180", Mask::Pentagon180),
        ("hexagon", Mask::Hexagon),
        ("square", Mask::Square),
        ("star", Mask::Star),
        ("heart", Mask::Heart),
    ];
}

/// Colours that luminance is shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// From black by that colour to white, where its own luminance is.
    Tint(Color),
    /// From the one colour to the other.
    Two(Color, Color),
}

impl Canonical for Tone {
    fn write(&self, out: &mut String) {
        match self {
            Tone::Tint(color) => color.write(out),
            Tone::Two(dark, light) => (*dark, *light).write(out),
        }
    }
}

/// What happens to embedded colour profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProfilePolicy {
    /// Convert to sRGB and drop the profile.
    #[default]
    Srgb,
    /// Keep the pixel values and the profile.
    Keep,
    /// Keep the pixel values and drop the profile.
    Strip,
}

impl Words for ProfilePolicy {
    const WORDS: &'static [(&'static str, ProfilePolicy)] = &[
        ("srgb", ProfilePolicy::Srgb),
        ("keep", ProfilePolicy::Keep),
        ("strip", ProfilePolicy::Strip),
    ];
}

/// What becomes of an animated source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnimationPolicy {
    /// All its frames, where the output's format [has them](Format::supports_animation).
    #[default]
    All,
    /// A still image of its first frame.
    First,
}

/// Whether HEIC is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HeifPolicy {
    /// Where the system has libheif, and that a decoder.
    #[default]
    Auto,
    /// Never.
    Off,
}

impl Words for HeifPolicy {
    const WORDS: &'static [(&'static str, HeifPolicy)] =
        &[("auto", HeifPolicy::Auto), ("off", HeifPolicy::Off)];
}

/// What becomes of a dynamic range that is higher than that of sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HdrPolicy {
    /// It goes.
    #[default]
    Off,
    /// It stays, where output and work leave it.
    Keep,
}

impl Words for HdrPolicy {
    const WORDS: &'static [(&'static str, HdrPolicy)] =
        &[("off", HdrPolicy::Off), ("keep", HdrPolicy::Keep)];
}

impl Words for AnimationPolicy {
    const WORDS: &'static [(&'static str, AnimationPolicy)] =
        &[("all", AnimationPolicy::All), ("first", AnimationPolicy::First)];
}

/// How hard the PNG encoder tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PngCompression {
    /// Several times faster than the others.
    #[default]
    Fast,
    /// What zlib does by default.
    Balanced,
    /// As small as it gets.
    Best,
}

impl Words for PngCompression {
    const WORDS: &'static [(&'static str, PngCompression)] = &[
        ("fast", PngCompression::Fast),
        ("balanced", PngCompression::Balanced),
        ("best", PngCompression::Best),
    ];
}

/// Which metadata (EXIF, XMP) the output carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MetadataPolicy {
    /// None.
    #[default]
    Strip,
    /// Author and rights only; never a position.
    Copyright,
    /// All of it, with the orientation reset where it was applied.
    Keep,
}

impl Words for MetadataPolicy {
    const WORDS: &'static [(&'static str, MetadataPolicy)] = &[
        ("strip", MetadataPolicy::Strip),
        ("copyright", MetadataPolicy::Copyright),
        ("keep", MetadataPolicy::Keep),
    ];
}

with_defaults! {
    /// Everything that decides what the output is, and nothing else: two equal
    /// plans make equal outputs from equal sources.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Plan {
        /// The geometry.
        pub fit: Fit = Fit::None,
        /// What [`Fit::Crop`] keeps, and where [`Fit::Pad`] lays the image.
        pub gravity: Gravity = Gravity::CENTER,
        /// Whether a source that is too small for its box is enlarged.
        pub enlarge: bool = false,
        /// Whether a box with a side that is longer than the source's is refused.
        pub refuses_enlarging: bool = false,
        /// What becomes of an output that would be larger than the limit.
        pub oversize: Oversize = Oversize::Refuse,
        /// Whether a source that is too large for the box of [`Fit::Resize`] is reduced.
        pub reduce: bool = true,
        /// What becomes of fractions of pixels.
        pub round: Rounding = Rounding::Down,
        /// By how much the sides of the box are multiplied, in percent.
        pub dpr: u16 = 100,
        /// Whether they are multiplied by no more than there are pixels for, where nothing is enlarged.
        pub limits_dpr: bool = false,
        /// What bounds the box besides.
        pub bounds: Bounds = Bounds::default(),
        /// Whose sides those of the box are; else those before the turn, but for [`Fit::Pad`] and
        /// [`Fit::Stretch`], and the cut of [`Fit::Crop`].
        pub rotate_box: Option<RotateBox> = None,
        /// What is mirrored, after orientation and before the turn.
        pub flip: Flip = Flip::default(),
        /// The turn after orientation; the bounds of [`Fit::Resize`] apply before it,
        /// the cut of [`Fit::Crop`] after it.
        pub rotate: Rotation = Rotation::None,
        /// The turn after that, clockwise in hundredths of a degree; below a quarter.
        pub tilt: u16 = 0,
        /// What of the image shows.
        pub mask: Mask = Mask::Off,
        /// Whether what is around the mask is cut away.
        pub mask_trim: bool = false,
        /// The output's format; `None` keeps the source's.
        pub format: Option<Format> = None,
        /// Whether that format is what the client's headers led [`Plan::set_format`] to: it is then only known to show it and the [universal](Format::is_universal) ones.
        pub negotiated: bool = false,
        /// Whether hints of the client's screen decided on the width.
        pub by_width: bool = false,
        /// Whether hints of its connection decide on the quality.
        pub by_connection: bool = false,
        /// The format instead of that one for an output that moves, where the client is negotiated
        /// with.
        pub moving_format: Option<Format> = None,
        /// Formats that the client is known to show as well, the preferred one first: for an output that does
        /// not fit into those before it.
        pub other_formats: Vec<Format> = Vec::new(),
        /// Whether format and quality are to be what is asked for, even where the source is smaller or
        /// would do.
        pub is_exact: bool = false,
        /// What becomes of an animated source.
        pub animation: AnimationPolicy = AnimationPolicy::All,
        /// Which page of a source that has several, or which picture of an animation, counted from 1;
        /// of the first one the whole animation.
        pub page: u16 = 1,
        /// What becomes of a damaged source.
        pub damaged: DamagePolicy = DamagePolicy::Lenient,
        /// Whether HEIC is read.
        pub heif: HeifPolicy = HeifPolicy::Auto,
        /// Whether SVG is read.
        pub svg: bool = true,
        /// Whether it goes out as SVG, without what could run or load anything, where no other format is
        /// asked for.
        pub svg_sanitized: bool = false,
        /// Where the fonts of its texts are, if not in [`FONTS`].
        pub svg_fonts: Option<FontFolder> = None,
        /// JPEG quality, 1 to 100.
        pub jpeg_quality: u8 = 75,
        /// WebP quality, 1 to 100.
        pub webp_quality: u8 = 80,
        /// WebP encoder effort, 0 (fast) to 6 (small).
        pub webp_effort: u8 = 4,
        /// AVIF quality, 1 to 100.
        pub avif_quality: u8 = 60,
        /// AVIF encoder speed, 0 (small) to 10 (fast).
        pub avif_speed: u8 = 9,
        /// JPEG XL quality, 1 to 100, where one is named: else a JPEG whose pixels stay is written without
        /// loss.
        pub jxl_quality: Option<u8> = None,
        /// JPEG XL encoder effort, 1 (fast) to 9 (small).
        pub jxl_effort: u8 = 4,
        /// Bytes that a JPEG, WebP, AVIF or JPEG XL shall not exceed: its quality is lowered until it fits.
        pub max_bytes: Option<u64> = None,
        /// How far a channel may be from the top left pixel's where a border of one colour
        /// is cut away before all else.
        pub trim: Option<u8> = None,
        /// What is cut away at the sides of the displayed image, in place of a border.
        pub trim_sides: Sides = Sides::default(),
        /// What the border is like; else as the top left pixel.
        pub trim_color: Option<Color> = None,
        /// Which pixel is meant there.
        pub trim_corner: TrimCorner = TrimCorner::TopLeft,
        /// Where as much is cut away of opposite sides, which is what is less.
        pub trim_equal: EqualSides = EqualSides::Off,
        /// What is added at the sides of the result.
        pub padding: Sides = Sides::default(),
        /// What is drawn around all of that, or over it.
        pub border: Sides = Sides::default(),
        /// Where.
        pub border_place: BorderPlace = BorderPlace::Around,
        /// In which colour.
        pub border_color: Color = Color::BLACK,
        /// How opaque that is.
        pub border_alpha: u8 = 255,
        /// What of the displayed image is used, after trimming and before all else.
        pub crop: Option<Area> = None,
        /// Whether nothing is cut by one that lies beside the image, instead of refusing that.
        pub crop_optional: bool = false,
        /// From which side of the image that is measured; else from the left and the top.
        pub crop_gravity: Option<Gravity> = None,
        /// What of the result is kept, before it is padded.
        pub crop_after: Option<Area> = None,
        /// How colours are changed.
        pub adjust: Adjust = Adjust::default(),
        /// Standard deviation of a Gaussian blur, in hundredths of a pixel; 0 is off.
        pub blur: u16 = 0,
        /// How hard the PNG encoder tries.
        pub png_compression: PngCompression = PngCompression::Fast,
        /// Unsharp amount in percent; 0 is off.
        pub sharpen: u16 = 0,
        /// Pixels to the side of the blocks that become one colour; below 2 is off.
        pub pixelate: u16 = 0,
        /// Whether palette transparency is kept; otherwise it is flattened.
        pub transparency: bool = true,
        /// Progressive JPEG, interlaced PNG and GIF.
        pub interlace: bool = false,
        /// The colour around a padded image, and behind what is transparent where the
        /// output can't be.
        pub background: Color = Color::WHITE,
        /// How opaque that is around an image; what can't be transparent has white behind it.
        pub background_alpha: u8 = 255,
        /// Whether there is the image itself around it, blurred.
        pub background_blur: bool = false,
        /// Whether what is transparent is laid on the background wherever it is.
        pub flatten: bool = false,
        /// How opaque the image is, in percent.
        pub opacity: u16 = 100,
        /// WebP without loss.
        pub lossless: bool = false,
        /// What a JPEG keeps of colours.
        pub subsampling: Subsampling = Subsampling::Half,
        /// How many colours a PNG has at most; `None` for as many as there are.
        pub colors: Option<NonZeroU16> = None,
        /// In which colours luminance is shown.
        pub tone: Option<Tone> = None,
        /// Whether the EXIF orientation is applied (and cleared).
        pub orient: bool = true,
        /// What happens to embedded colour profiles.
        pub profile: ProfilePolicy = ProfilePolicy::Srgb,
        /// What becomes of a higher dynamic range.
        pub hdr: HdrPolicy = HdrPolicy::Off,
        /// Which metadata the output carries.
        pub metadata: MetadataPolicy = MetadataPolicy::Strip,
        /// Whether [`marks`](Plan::marks) shall be laid on; of use to whoever sets them.
        pub watermark: bool = true,
        /// The layers of the watermark, the lowest first.
        pub marks: Vec<Watermark> = Vec::new(),
    }
}

impl Plan {
    /// Sets the format, for which a client may have to be asked by its `Accept` headers.
    pub fn set_format<'a>(&mut self, wanted: FormatChoice, accept: impl Iterator<Item = &'a [u8]>) {
        let (format, accepted) = match wanted {
            FormatChoice::Format(format) => (format, None),
            FormatChoice::Auto(offer) => {
                let accepted = offer.accepted(accept);
                (accepted.first(), Some(accepted))
            }
        };
        self.format = format;
        self.other_formats = accepted.map_or(Vec::new(), |accepted| accepted.others());
        self.moving_format = accepted.and_then(|accepted| accepted.moving().first());
        self.negotiated = matches!(wanted, FormatChoice::Auto(_));
    }

    /// Checks that a source of that format is to be read.
    ///
    /// # Errors
    /// [`Error::UnsupportedFormat`].
    pub fn check_source(&self, format: Format) -> Result<(), Error> {
        let is_read = match format {
            Format::Heic => self.heif != HeifPolicy::Off,
            Format::Svg => self.svg || self.keeps_svg(),
            _ => true,
        };
        match is_read {
            true => Ok(()),
            false => Err(Error::UnsupportedFormat(format.name().to_ascii_uppercase())),
        }
    }

    /// Whether an SVG goes out as one: that a client's headers led to another format does not count.
    #[must_use]
    pub fn keeps_svg(&self) -> bool {
        let is_drawn = self.svg && self.format.is_some() && !self.negotiated;
        self.svg_sanitized && Format::Svg.is_read() && !is_drawn
    }

    /// Returns the client's headers that what is made depends on.
    #[must_use]
    pub fn varies(&self) -> Varies {
        Varies { accept: self.negotiated, width: self.by_width, connection: self.by_connection }
    }

    /// Sets the quality of whichever format comes out, 1 to 100.
    pub(super) fn set_quality(&mut self, quality: u8) {
        self.jpeg_quality = quality;
        self.webp_quality = quality;
        self.avif_quality = quality;
        self.jxl_quality = Some(quality);
    }

    /// The quality of JPEG XL with a loss.
    pub(super) fn jxl_quality(&self) -> u8 {
        self.jxl_quality.unwrap_or(80)
    }

    /// Whether a source without alpha may get some.
    pub(super) fn adds_alpha(&self) -> bool {
        self.opacity < 100
            || self.background_alpha < 255
            || self.mask != Mask::Off
            || self.border != Sides::default() && self.border_alpha < 255
    }

    /// The background where nothing can be transparent.
    pub(super) fn opaque_background(&self) -> Color {
        self.background.over(self.background_alpha, Color::WHITE)
    }

    /// Whether other pixels are asked for, be it in the same size.
    #[must_use]
    pub fn changes_pixels(&self) -> bool {
        self.changes_opaque_pixels()
            || self.flip != Flip::default()
            || self.rotate != Rotation::None
            || self.trim.is_some()
            || self.trim_sides != Sides::default()
            || self.padding != Sides::default()
            || self.page > 1
            || self.flatten
            || self.colors.is_some()
            || self.crop.is_some()
            || self.crop_after.is_some()
    }

    /// Whether opaque pixels are to become others, once they are scaled, cut and turned by quarters.
    pub(super) fn changes_opaque_pixels(&self) -> bool {
        self.sharpen > 0 || self.changes_light()
    }

    /// Whether they are to have other light, or lie elsewhere than a quarter turn has them: what a
    /// gain map says of them is wrong then.
    pub(super) fn changes_light(&self) -> bool {
        self.blur > 0 || self.changes_more_than_blur()
    }

    /// Whether they are to change so that each channel by itself is not enough, sharpening not counted.
    pub(super) fn changes_more_than_blur(&self) -> bool {
        self.tilt != 0
            || self.mask != Mask::Off
            || self.border != Sides::default()
            || self.opacity < 100
            || self.tone.is_some()
            || self.adjust != Adjust::default()
            || self.pixelate > 1
            || !self.marks.is_empty()
    }
}
