//! The whole way from source bytes to output bytes.

use std::borrow::Cow;
use std::cell::LazyCell;

use super::damage::Tolerance;
use super::decode::{self, Decode};
use super::deep::Deep;
use super::gain_map::{GainMap, MadeMap};
use super::geometry::Geometry;
use super::metadata::{carries_profile, output_metadata};
use super::orientation::Orientation;
use super::pixels::{self, Border, Converter, Placed};
use super::planar::Planar;
use super::preview::{self, Preview, preview};
use super::raster::{Layout, Raster};
use super::render::Renderer;
#[cfg(feature = "svg")]
use super::sanitized;
use super::size::{Rect, Size};
use super::source::{Animation, Container, Source};
use super::strip::{Cuts, strip};
use super::{
    AnimationPolicy, Bounds, Control, Damage, EqualSides, Error, Fit, FontFolder, Format, Gravity,
    HdrPolicy, Info, Limits, MetadataPolicy, Oversize, Plan, ProfilePolicy, Subsampling, encode,
};

/// The bytes that go out.
#[derive(Debug)]
pub enum Output {
    /// The source's own bytes, unchanged.
    Original,
    /// The source's own pixels, byte for byte, without the metadata that is not to go out; or what draws
    /// of an SVG.
    Stripped(Vec<u8>),
    /// Newly encoded bytes.
    Encoded(Vec<u8>),
}

/// A finished transformation.
#[derive(Debug)]
pub struct Transformed {
    /// The bytes.
    pub output: Output,
    /// Their format.
    pub format: Format,
    /// Width of the output in pixels, as displayed.
    pub width: u32,
    /// Height of the output in pixels, as displayed.
    pub height: u32,
}

/// A source that passed its limits and waits to be decoded.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub(super) plan: &'a Plan,
    limits: Limits,
    pub(super) source: Source<'a>,
    /// What is kept beside the picture.
    map: Option<GainMap<'a>>,
    pub(super) tolerance: Tolerance,
    work: PreparedWork<'a>,
}

#[derive(Debug)]
enum PreparedWork<'a> {
    /// The source is already what is asked for, but for what is cut out.
    PassOn {
        passed: Passed<'a>,
        /// How it is decoded all the same, where only that shows whether it would be.
        looked: Option<Decode>,
        /// All frames, which are decoded instead, as far as they would be for any other size.
        animation: Option<Animation>,
    },
    Make(Recipe<'a>),
    /// An SVG stays one, of which only what draws goes out.
    #[cfg(feature = "svg")]
    Sanitize,
}

/// What is cut out of a source that goes out as it is.
#[derive(Debug)]
struct Passed<'a> {
    cuts: Cuts<'a>,
    /// What is of its map, where something is of the picture and both stay, and how many bytes say what
    /// it is.
    of_map: Option<(Cuts<'a>, usize)>,
}

impl<'a> Passed<'a> {
    /// `None` where the source, or its map, which may have so many pixels, is not understood well enough.
    fn new(
        source: &Source<'a>,
        map: Option<&GainMap<'a>>,
        pixels: u64,
        plan: &Plan,
        turned: bool,
    ) -> Option<Passed<'a>> {
        let cuts = strip(source, plan, turned)?;
        let of_map = match map {
            Some(map) if !cuts.is_empty() && map.size().pixels() <= pixels => {
                Some((map.strip()?, map.said_bytes()))
            }
            _ => None,
        };
        Some(Passed { cuts, of_map })
    }

    /// How long the result is at most.
    fn len(&self) -> usize {
        let of_map = self.of_map.as_ref().map_or(0, |(cuts, said)| cuts.len() + said);
        self.cuts.len() + of_map
    }
}

#[derive(Debug)]
pub(super) struct Recipe<'a> {
    decode: Decode,
    pub(super) geometry: Geometry,
    pub(super) format: Format,
    /// Of a source that moves, whose output is to move too.
    pub(super) animation: Option<Animation>,
    /// Of a source that moves, which picture the output is: how many are to be passed by, and how
    /// they are decoded.
    picture: Option<(u32, Animation)>,
    /// Whether the output gets a palette.
    palette: bool,
    /// What the output has at most, where its size is not known before it is decoded.
    most: Option<Size>,
    /// Of a JPEG that becomes JPEG XL without loss, what is cut out.
    transcoded: Option<Cuts<'a>>,
    /// Of a source whose luma and chroma stay by themselves, what is made of them.
    planar: Option<Box<Planar>>,
    /// What becomes of the map.
    map: MapUse,
    /// Of a picture of more than 8 bits that stays so, what is made of it.
    deep: Option<Deep>,
}

/// What becomes of a gain map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MapUse {
    Dropped,
    /// It goes out beside the picture, if that turns out to be possible.
    Kept,
    /// The picture keeps its profile for its sake, and only for that.
    Binding,
}

/// Reads the headers of a source.
///
/// Says what a damaged image would have been, as long as its headers are whole.
///
/// # Errors
/// [`Error::NotImage`], [`Error::UnsupportedFormat`] or [`Error::DecodeFailed`].
pub fn probe(input: &[u8]) -> Result<Info, Error> {
    Source::read(input).map(|source| source.info)
}

/// Reads the headers, checks the limits and plans the work; decodes nothing.
///
/// The first format that the client shows is that of an output only if that fits into it, by its sides and
/// by the memory that making it takes; else the next one is, and in the end the source's.
///
/// The source goes out as it is, but for metadata that is not to go out, where it has the format
/// and the size that are asked for already, as nginx's image_filter does, unless one of these
/// asks for other pixels or bytes:
/// - damage that is noticed without decoding it;
/// - anything that [`Plan::changes_pixels`], or an EXIF orientation that is to be applied;
/// - an animation of which only the first frame is to be left;
/// - a bound on its length that it exceeds, unless its format has no quality to be lowered;
/// - a profile that the policy wants converted and that is not sRGB, or any that it wants dropped;
/// - palette transparency that the plan does not keep;
/// - parts that it can't be told of whether they are metadata.
///
/// Qualities, effort and interlacing are no reason by themselves, unless the plan [is
/// exact](Plan::is_exact). What goes out as it is [may be decoded](Prepared::run) all the same, to tell
/// whether it can be.
///
/// # Errors
/// Whatever [`probe`] fails with, [`Error::DecodeFailed`] for a source that is damaged more than
/// [`Plan::damaged`] tolerates, and the error of the limit that is exceeded.
pub fn prepare<'a>(
    input: &'a [u8],
    plan: &'a Plan,
    limits: &Limits,
) -> Result<Prepared<'a>, Error> {
    let others =
        if plan.negotiated && plan.format.is_some() { 1 + plan.other_formats.len() } else { 0 };
    // A client that says what it shows is not to get less than one that doesn't.
    for passed in 0..others {
        match prepare_as(input, plan, limits, passed) {
            Ok(prepared) if limits.check_memory(prepared.memory()).is_ok() => return Ok(prepared),
            Ok(_) | Err(Error::TooManyPixels(_)) => {}
            Err(error) => return Err(error),
        }
    }
    prepare_as(input, plan, limits, others)
}

/// Prepares an output that does not fit into the first of the formats that the client is known to show.
fn prepare_as<'a>(
    input: &'a [u8],
    plan: &'a Plan,
    limits: &Limits,
    passed: usize,
) -> Result<Prepared<'a>, Error> {
    let mut source = Source::read_page(input, plan.page)?;
    plan.check_source(source.info.format)?;
    if let Container::Svg(svg) = &mut source.kind {
        svg.fonts = plan.svg_fonts.as_ref().map_or(svg.fonts, FontFolder::path);
    }
    let tolerance = Tolerance::new(plan.damaged);
    #[cfg(feature = "svg")]
    if matches!(source.kind, Container::Svg(_)) && plan.keeps_svg() {
        let work = PreparedWork::Sanitize;
        return Ok(Prepared { plan, limits: *limits, source, map: None, tolerance, work });
    }
    let sizes = sizes(&source, plan);
    source.check(limits, &tolerance)?;
    let picture = picture_of(&source, plan, limits)?;

    let stored = Size::new(source.info.width, source.info.height);
    let upright = upright(&source, plan);
    let mut geometry = Geometry::new(stored, upright, &sizes)?;
    let moving =
        source.animation().filter(|_| plan.animation == AnimationPolicy::All && picture.is_none());
    if moving.is_some() && tolerance.is_strict() {
        source.check_animation(limits)?;
    }
    let mut format = output_format(&source.info, plan, moving.is_some(), passed);
    if plan.oversize == Oversize::Reduce {
        let most = (limits.output_pixels, encode::longest_side(format));
        geometry = geometry.reduced(most, stored, upright, &sizes)?;
    }
    let map = match plan.hdr {
        HdrPolicy::Keep if keeps_map(plan, &geometry) => GainMap::find(&source, plan, limits),
        HdrPolicy::Keep | HdrPolicy::Off => None,
    };
    // The picture is only looked at where nothing is tolerated.
    let looked_at = if tolerance.is_strict() { stored.pixels() } else { 0 };
    let left = limits.pixels.saturating_sub(looked_at);
    if format == source.info.format
        && geometry.is_identity(stored)
        && upright.is_none()
        && tolerance.found().is_none()
        && !plan.is_exact
        && keeps_bytes(&source, plan)
        && let Some(passed) = Passed::new(&source, map.as_ref(), left, plan, false)
        && fits_bytes(passed.len(), format, plan)
    {
        let looked = look(&source, &tolerance, limits)?;
        let animation = moving.filter(|_| source.check_animation(limits).is_ok());
        let work = PreparedWork::PassOn { passed, looked, animation };
        return Ok(Prepared { plan, limits: *limits, source, map, tolerance, work });
    }
    let transcoded = match &source.kind {
        Container::Jpeg(jpeg)
            if format == Format::Jxl
                && jpeg.transcodes()
                && geometry.is_identity(stored)
                && upright.is_none()
                && tolerance.found().is_none()
                && plan.jxl_quality.is_none()
                && plan.max_bytes.is_none()
                && keeps_bytes(&source, plan) =>
        {
            strip(&source, plan, false)
        }
        _ => None,
    };
    let mut animation = moving.filter(|_| format.supports_animation());
    let most = plan.trim.map(|_| Geometry::largest_output(upright.size(stored), &sizes));
    let check_output = |frames: u32, format: Format| match most {
        None => check_output(geometry.output, frames, format, limits),
        Some(_) => Ok(()),
    };
    if animation.is_some() {
        let frames = source.info.frames;
        let fits = source.check_animation(limits).and_then(|()| check_output(frames, format));
        if let Err(error) = fits {
            if tolerance.is_strict() {
                return Err(error);
            }
            animation = None;
            format = output_format(&source.info, plan, false, passed);
        }
    }
    let decode = match picture {
        Some(_) => Decode::all(stored, limits.scans),
        None => how_to_decode(&source, plan, &geometry, format, limits),
    };
    if animation.is_none() {
        check_output(1, format)?;
        decode::check(&source, &decode, limits)?;
    }
    // A profile is only looked into for those that it matters to.
    let keeps_profile = LazyCell::new(|| keeps_profile(&source, plan));
    let planar = Planar::new(&source, plan, &geometry, (decode.scale, format))
        .filter(|_| plan.profile != ProfilePolicy::Srgb || *keeps_profile)
        .map(Box::new);
    let is_still = animation.is_none() && picture.is_none();
    let deep = match plan.hdr {
        HdrPolicy::Keep if is_still => Deep::new(&source, plan, &geometry, format, *keeps_profile),
        HdrPolicy::Keep | HdrPolicy::Off => None,
    };
    let known = most.is_none().then_some(&geometry);
    let fits = |map: &&GainMap| {
        let decoded = decode.raster_size(stored).pixels();
        decoded.saturating_add(map.pixels(known, stored)) <= limits.pixels
    };
    let map_use = match map.as_ref().filter(fits) {
        Some(_) if format != Format::Jpeg => MapUse::Dropped,
        Some(map)
            if map.binds_colors() && plan.profile == ProfilePolicy::Srgb && !*keeps_profile =>
        {
            MapUse::Binding
        }
        Some(_) => MapUse::Kept,
        None => MapUse::Dropped,
    };
    let recipe = Recipe {
        decode,
        geometry,
        format,
        animation,
        picture,
        palette: format == Format::Gif
            || format == Format::Png && (source.info.has_palette || plan.colors.is_some()),
        most,
        transcoded,
        planar,
        map: map_use,
        deep,
    };
    let work = PreparedWork::Make(recipe);
    Ok(Prepared { plan, limits: *limits, source, map, tolerance, work })
}

/// Which picture of an animation is asked for, if it is not the first one: how many there are before
/// it. Pages of a source that has them are its own by now.
fn picture_of(
    source: &Source,
    plan: &Plan,
    limits: &Limits,
) -> Result<Option<(u32, Animation)>, Error> {
    if plan.page <= 1 || source.info.format == Format::Tiff {
        return Ok(None);
    }
    let page = u32::from(plan.page);
    match source.animation().filter(|_| page <= source.info.frames) {
        Some(animation) => {
            source.check_animation(limits)?;
            Ok(Some((page - 1, animation)))
        }
        None => Err(Error::BeyondImage(format!("there is no page {page}"))),
    }
}

/// The plan by which a source gets its size: a drawing is not enlarged, but drawn as large as it is asked for.
fn sizes<'p>(source: &Source, plan: &'p Plan) -> Cow<'p, Plan> {
    match source.kind {
        Container::Svg(_) => {
            Cow::Owned(Plan { enlarge: true, refuses_enlarging: false, ..plan.clone() })
        }
        _ => Cow::Borrowed(plan),
    }
}

/// What to show of an image to [`Prepared::preview`]: all of it, small and in sRGB, read as a plan has it.
#[must_use]
pub fn preview_plan(of: &Plan) -> Plan {
    let side = std::num::NonZeroU32::new(preview::SIDE);
    let fit = Fit::Resize { width: side, height: side };
    // A format to which all can be made that there is, alpha included.
    let (format, metadata) = (Some(Format::Png), MetadataPolicy::Keep);
    let Plan { orient, damaged, heif, svg, ref svg_fonts, .. } = *of;
    let svg_fonts = svg_fonts.clone();
    Plan { fit, orient, format, metadata, damaged, heif, svg, svg_fonts, ..Plan::default() }
}

/// How a source is decoded that goes out as it is: the verdict on it is to be that of any other size.
///
/// What is more than the limits leave is not looked at by those who tolerate damage.
fn look(source: &Source, tolerance: &Tolerance, limits: &Limits) -> Result<Option<Decode>, Error> {
    // Of a JPEG whose markers are whole there is always something to show.
    if !tolerance.is_strict() && matches!(source.kind, Container::Jpeg(_)) {
        return Ok(None);
    }
    let decode = Decode::all(Size::new(source.info.width, source.info.height), limits.scans);
    match decode::check(source, &decode, limits) {
        Err(error) if tolerance.is_strict() => Err(error),
        fits => Ok(fits.is_ok().then_some(decode)),
    }
}

fn upright(source: &Source, plan: &Plan) -> Orientation {
    if plan.orient { Orientation::upright(source.info.orientation) } else { Orientation::default() }
}

fn how_to_decode(
    source: &Source,
    plan: &Plan,
    geometry: &Geometry,
    format: Format,
    limits: &Limits,
) -> Decode {
    let scans = limits.scans;
    if plan.trim.is_some() {
        // Borders are looked for in all pixels.
        return Decode::all(Size::new(source.info.width, source.info.height), scans);
    }
    let &Geometry { region, scaled, window, .. } = geometry;
    let fidelity = encode::fidelity(format, plan);
    let how = Decode::new(source, region, scaled, fidelity, scans);
    // What is kept is only known when all was looked at.
    let window =
        if plan.gravity == Gravity::Smart { Rect { x: 0, y: 0, size: scaled } } else { window };
    how.cut(source, region, scaled, window)
}

/// The format of an output, if it does not fit into so many that would be better. Where the plan names
/// none it is the source's, or for a client that is not known to show that one, the universal format that
/// loses least.
fn output_format(source: &Info, plan: &Plan, moving: bool, passed: usize) -> Format {
    let first = if plan.negotiated && moving { plan.moving_format } else { plan.format };
    let shown = plan.format.iter().chain(&plan.other_formats).copied();
    let planned = shown.skip_while(|format| Some(*format) != first).nth(passed);
    planned.unwrap_or(match source.own_output() {
        format if !plan.negotiated || format.is_universal() => format,
        _ if moving => Format::Gif,
        _ if source.alpha => Format::Png,
        _ => Format::Jpeg,
    })
}

/// Whether nothing but the geometry and the format could change the source.
fn keeps_bytes(source: &Source, plan: &Plan) -> bool {
    let flattens = source.info.has_palette && source.info.alpha && !plan.transparency;
    let fits = fits_bytes(source.input.len(), source.info.format, plan);
    !plan.changes_pixels()
        && !loses_frames(source, plan)
        && fits
        && !flattens
        && !is_exotic(source)
        && keeps_profile(source, plan)
}

/// Whether it has a form of its format that browsers don't show.
fn is_exotic(source: &Source) -> bool {
    matches!(&source.kind, Container::Jpeg(jpeg) if jpeg.is_exotic())
}

/// Whether so many bytes are no more than may go out of what goes out as it is.
fn fits_bytes(len: usize, format: Format, plan: &Plan) -> bool {
    plan.max_bytes.is_none_or(|max| len as u64 <= max) || !encode::has_quality(format)
}

/// Whether what a gain map says of a picture is still so of what is made of it.
fn keeps_map(plan: &Plan, geometry: &Geometry) -> bool {
    let &Geometry { window, orientation, output, .. } = geometry;
    !plan.changes_light() && output == orientation.size(window.size)
}

fn loses_frames(source: &Source, plan: &Plan) -> bool {
    plan.animation == AnimationPolicy::First && source.animation().is_some()
}

fn keeps_profile(source: &Source, plan: &Plan) -> bool {
    match plan.profile {
        ProfilePolicy::Keep => true,
        ProfilePolicy::Strip => !source.info.has_profile,
        ProfilePolicy::Srgb if source.hdr().is_some() => plan.hdr == HdrPolicy::Keep,
        ProfilePolicy::Srgb => source
            .profile()
            .and_then(|profile| Converter::new(&profile, decode::layout(source)))
            .is_none(),
    }
}

/// A JPEG with its map behind it, where it has one.
fn with_map(picture: Vec<u8>, map: Option<&MadeMap>) -> Result<Vec<u8>, Error> {
    let both = map.map_or(Ok(None), |map| map.behind(&picture))?;
    Ok(both.unwrap_or(picture))
}

fn check_output(output: Size, frames: u32, format: Format, limits: &Limits) -> Result<(), Error> {
    let Size { width, height } = output;
    if output.pixels().saturating_mul(frames.into()) > limits.output_pixels {
        let times = if frames > 1 { format!(" in {frames} frames") } else { String::new() };
        return Err(Error::TooManyPixels(format!(
            "the output would have {width}x{height} pixels{times}, the limit is {}",
            limits.output_pixels
        )));
    }
    let longest = encode::longest_side(format);
    if width.max(height) > longest {
        return Err(Error::TooManyPixels(format!(
            "the output would have {width}x{height} pixels, {} has at most {longest} a side",
            format.name()
        )));
    }
    Ok(())
}

impl Prepared<'_> {
    /// What the headers said.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.source.info
    }

    /// An upper estimate of the bytes of memory that [`run`](Prepared::run) holds at once,
    /// the source not counted.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let working = self.working_bytes();
        match (&self.work, &self.map) {
            // What was made is still there while the source is looked at once more.
            (PreparedWork::Make(recipe), Some(map)) if self.may_stay() => {
                let made = recipe.geometry.output.pixels().saturating_mul(4);
                let passed = 2 * (self.source.input.len() + map.said_bytes()) as u64;
                working.max(map.looking_bytes().max(passed).saturating_add(made))
            }
            _ => working,
        }
    }

    fn working_bytes(&self) -> u64 {
        let verifies = self.tolerance.is_strict()
            || matches!(self.work, PreparedWork::PassOn { animation: Some(_), .. });
        let verifying = if verifies { decode::verifying_bytes(&self.source) } else { 0 };
        let recipe = match &self.work {
            PreparedWork::PassOn { passed, looked, .. } => {
                let decoded = looked.map_or(0, |decode| {
                    let channels = decode::layout(&self.source).channels() as u64;
                    self.stored().pixels() * channels + decode::working_bytes(&self.source, &decode)
                });
                // With a map it is put together of two.
                let copies = if passed.of_map.is_some() { 2 } else { 1 };
                let stripped = if passed.cuts.is_empty() { 0 } else { passed.len() as u64 };
                let map = self.map.as_ref().filter(|_| passed.of_map.is_some());
                // The picture is stripped before its map is looked at.
                let looking =
                    map.map_or(0, |map| map.looking_bytes().saturating_add(passed.len() as u64));
                let joining = stripped.saturating_mul(copies);
                return decoded.max(verifying).max(looking).max(joining);
            }
            PreparedWork::Make(recipe) => recipe,
            #[cfg(feature = "svg")]
            PreparedWork::Sanitize => return sanitized::working_bytes(self.source.input),
        };
        let making = self.making_bytes(recipe, verifying);
        match self.transcoding_bytes(recipe) {
            // Its pixels are only decoded where libjxl can't go without them, which is rare.
            Some(transcoding) if making > self.limits.memory => transcoding.max(verifying),
            Some(transcoding) => making.max(transcoding),
            None => making,
        }
    }

    /// What it takes to write a JPEG as JPEG XL without loss, if that is planned.
    fn transcoding_bytes(&self, recipe: &Recipe) -> Option<u64> {
        // Coefficients of 16 and of 32 bits, and tokens: 22 were seen. And copies of the file.
        recipe.transcoded.as_ref().map(|cuts| {
            self.stored().pixels().saturating_mul(32).saturating_add(3 * cuts.len() as u64)
        })
    }

    /// What it takes to make a picture of the pixels.
    fn making_bytes(&self, recipe: &Recipe, verifying: u64) -> u64 {
        if let Some(deep) = &recipe.deep {
            let &Recipe { ref geometry, format, .. } = recipe;
            return deep.bytes(&self.source, self.plan, geometry, format).max(verifying);
        }
        let geometry = recipe.most.is_none().then_some(&recipe.geometry);
        let of_map = self.map.as_ref().filter(|_| recipe.map != MapUse::Dropped);
        let most_of_map = recipe.most.unwrap_or(recipe.geometry.output);
        let of_map =
            of_map.map_or(0, |map| map.working_bytes(geometry, most_of_map, self.stored()));
        if let Some(planar) = &recipe.planar {
            let making = planar.bytes(&self.source, &recipe.decode);
            let encoding = planar.encoding_bytes().saturating_add(of_map);
            return making.max(verifying).max(encoding);
        }
        let &Recipe { decode, geometry, format, animation, palette, most, .. } = recipe;
        let frames = animation.or(recipe.picture.map(|(_, animation)| animation));
        let layout = frames.map_or_else(|| decode::layout(&self.source), decode::animated_layout);
        let raster = decode.raster_size(self.stored());
        let decoded = raster.pixels() * layout.channels() as u64;
        let (window, output) = match most {
            None => (geometry.window.size, geometry.output),
            Some(most) => (most, most),
        };
        // No step between the resize and the encoder has more channels.
        let made = output.pixels().saturating_mul(4);
        // Beside the canvas there is what was on it before.
        let before = if recipe.picture.is_some() { 2 * decoded } else { 0 };
        let decode = Decode { moves: frames.is_some(), ..decode };
        let decoding =
            (decoded + before + decode::working_bytes(&self.source, &decode)).max(verifying);
        // What is cut out is a copy, too.
        let is_cut = most.is_some() || geometry.region.size != self.stored();
        let trimming = if is_cut { 2 * decoded } else { 0 };
        let resizing =
            (decoded + pixels::working_bytes(raster, layout, window)).saturating_add(made);
        // Beside the raster there is a copy of it, from which it is blurred, or which is
        // encoded once more.
        let encoding = (2 * made).saturating_add(encode::working_bytes(output, format, palette));
        let tried = match format {
            Format::Jxl if animation.is_none() => encode::tried_bytes(self.plan.jxl_effort, output),
            _ => 0,
        };
        let encoding = encoding.saturating_add(tried);
        // libwebp packs alpha by its lossless encoder, too, which tells in frames what stays.
        let veiled = self.source.info.alpha
            || self.plan.adds_alpha()
            || self.plan.lossless
            || animation.is_some();
        let veil =
            if veiled && format == Format::Webp { output.pixels().saturating_mul(16) } else { 0 };
        let encoding = encoding.saturating_add(veil);
        // All of the chroma is kept twice at most, too.
        let is_sampled = self.plan.subsampling == Subsampling::Half;
        let chroma = if format == Format::Jpeg && !is_sampled { output.pixels() * 6 } else { 0 };
        // A backdrop is made of copies.
        let backdrop = if self.plan.background_blur { made } else { 0 };
        let encoding = encoding.saturating_add(chroma.max(backdrop));
        // While layers are laid on, the raster is there twice, before and after it is widened.
        let marks = self.plan.marks.iter().map(|watermark| watermark.working_bytes(output));
        let marking = if self.plan.marks.is_empty() {
            0
        } else {
            made.saturating_mul(2).saturating_add(marks.sum::<u64>())
        };
        let encoding = encoding.saturating_add(of_map);
        let Some(_) = animation else {
            return decoding.max(trimming).max(resizing).max(marking).max(encoding);
        };
        // The canvas stays, and so may what was on it before; each picture is a copy.
        let frames = encode::animation_bytes(output, format, self.source.info.frames);
        let held = decoding.saturating_add(decoded).saturating_add(frames);
        held.saturating_add(trimming.max(resizing).max(marking)).saturating_add(2 * backdrop)
    }

    /// What goes out in place of an output of `len` bytes where that is larger than the source,
    /// its metadata stripped: the source, if nothing but another format was asked for, and every
    /// client shows that which it has.
    ///
    /// # Errors
    /// [`Error::Internal`] without memory, and those of [`Control::check`].
    pub fn smaller_source(
        &self,
        len: usize,
        control: &Control,
    ) -> Result<Option<Transformed>, Error> {
        if !self.may_stay() {
            return Ok(None);
        }
        let map = self.map.as_ref();
        let pixels = self.limits.pixels;
        let passed = Passed::new(&self.source, map, pixels, self.plan, self.plan.orient);
        let passed = passed.filter(|passed| passed.len() < len);
        passed.map(|passed| self.pass_on(&passed, control)).transpose()
    }

    fn may_stay(&self) -> bool {
        let &Plan { fit, format, .. } = self.plan;
        let source = self.source.info.format;
        let shows = source.is_universal() || format == Some(source);
        let converts = format.is_some()
            && !self.plan.is_exact
            && upright(&self.source, self.plan).is_none()
            && self.damage().is_none()
            && fit == Fit::None
            && self.plan.oversize == Oversize::Refuse
            && self.plan.bounds == Bounds::default()
            && !self.plan.changes_pixels()
            && !loses_frames(&self.source, self.plan)
            && !is_exotic(&self.source)
            && keeps_profile(&self.source, self.plan);
        converts && shows
    }

    fn pass_on(&self, passed: &Passed, control: &Control) -> Result<Transformed, Error> {
        let (width, height) = self.source.info.displayed(self.plan.orient);
        let format = self.source.info.format;
        let output = if passed.cuts.is_empty() {
            Output::Original
        } else {
            let picture = passed.cuts.apply()?;
            let map = match (&self.map, &passed.of_map) {
                // A map that is damaged goes, as beside any other picture.
                (Some(map), Some((cuts, _))) if map.is_sound(control)? => {
                    Some(map.made(&cuts.apply()?)?)
                }
                _ => None,
            };
            let whole = with_map(picture, map.as_ref())?;
            // That of another request, perhaps.
            if whole == self.source.input { Output::Original } else { Output::Stripped(whole) }
        };
        Ok(Transformed { output, format, width, height })
    }

    /// What is wrong with the source, as far as the work came across it.
    #[must_use]
    pub fn damage(&self) -> Option<Damage> {
        self.tolerance.found()
    }

    /// Does the work.
    ///
    /// # Errors
    /// Any [`Error`] but those of [`prepare`].
    pub fn run(&self, control: &Control) -> Result<Transformed, Error> {
        control.check()?;
        match &self.work {
            PreparedWork::PassOn { passed, looked, animation } => {
                match (looked, animation) {
                    (_, &Some(animation)) => self.look_at_frames(animation, control)?,
                    (Some(decode), None) => {
                        decode::decode(&self.source, decode, &self.tolerance, control)?;
                    }
                    (None, None) => {}
                }
                self.pass_on(passed, control)
            }
            PreparedWork::Make(recipe) => match recipe.animation {
                Some(animation) => self.animate(recipe, animation, control),
                None => match (&recipe.planar, &recipe.deep, self.transcode(recipe, control)?) {
                    (_, _, Some(transcoded)) => Ok(transcoded),
                    (Some(planar), _, None) => self.make_planes(recipe, planar, control),
                    (None, Some(deep), None) => self.make_deep(recipe, deep, control),
                    (None, None, None) => self.make(recipe, control),
                },
            },
            #[cfg(feature = "svg")]
            PreparedWork::Sanitize => {
                let output = Output::Stripped(sanitized::sanitized(self.source.input, control)?);
                let &Info { format, width, height, .. } = self.info();
                Ok(Transformed { output, format, width, height })
            }
        }
    }

    /// Looks at the image instead of encoding it; planned by [`preview_plan`].
    ///
    /// # Errors
    /// As of [`run`](Prepared::run).
    pub fn preview(&self, control: &Control) -> Result<Preview, Error> {
        control.check()?;
        let (decode, geometry) = match &self.work {
            PreparedWork::Make(recipe) => (recipe.decode, recipe.geometry),
            _ => {
                let geometry = self.unchanged()?;
                let decode =
                    how_to_decode(&self.source, self.plan, &geometry, Format::Png, &self.limits);
                (decode, geometry)
            }
        };
        let raster = decode::decode(&self.source, &decode, &self.tolerance, control)?;
        let sizes = (geometry, decode.placed(self.stored()));
        let format = Format::Png;
        let renderer = Renderer::new(&self.source, self.plan, sizes, format, &raster, control)?;
        preview(&renderer.show(raster, control)?)
    }

    /// Writes a JPEG as JPEG XL without loss, where that is asked for and libjxl can.
    fn transcode(&self, recipe: &Recipe, control: &Control) -> Result<Option<Transformed>, Error> {
        let Some(cuts) = &recipe.transcoded else { return Ok(None) };
        if self.tolerance.is_strict() {
            let decode = Decode::all(self.stored(), self.limits.scans);
            decode::decode(&self.source, &decode, &self.tolerance, control)?;
        }
        let stripped = if cuts.is_empty() { None } else { Some(cuts.apply()?) };
        let jpeg = stripped.as_deref().unwrap_or(self.source.input);
        let made = encode::transcode(jpeg, self.stored(), self.plan, control)?;
        if made.is_none() {
            // What that takes was not reckoned with.
            self.limits.check_memory(self.making_bytes(recipe, 0))?;
        }
        let Size { width, height } = recipe.geometry.output;
        Ok(made.map(|bytes| Transformed {
            output: Output::Encoded(bytes),
            format: recipe.format,
            width,
            height,
        }))
    }

    /// Makes a picture of luma and chroma.
    fn make_planes(
        &self,
        recipe: &Recipe,
        planar: &Planar,
        control: &Control,
    ) -> Result<Transformed, Error> {
        let plan = self.plan;
        let planes = planar.make(&self.source, self.limits.scans, &self.tolerance, control)?;
        let Size { width, height } = planes.size;
        let format = recipe.format;
        let mut metadata = output_metadata(&self.source, plan, planes.size, false);
        let is_carried = |icc: &Cow<[u8]>| carries_profile(plan, format, Layout::Rgb8, icc);
        metadata.icc = self.source.profile().filter(is_carried);
        let map = self.make_map(recipe.map, &recipe.geometry, metadata.xmp.as_deref(), control)?;
        let bytes = encode::encode_planes(planes, format, plan, &metadata, control)?;
        control.check()?;
        let bytes = with_map(bytes, map.as_ref())?;
        Ok(Transformed { output: Output::Encoded(bytes), format, width, height })
    }

    /// Makes a picture of more than 8 bits.
    fn make_deep(
        &self,
        recipe: &Recipe,
        deep: &Deep,
        control: &Control,
    ) -> Result<Transformed, Error> {
        let &Recipe { ref geometry, format, .. } = recipe;
        let made = (geometry, format);
        let bytes = deep.make(&self.source, made, self.plan, &self.tolerance, control)?;
        let Size { width, height } = geometry.output;
        Ok(Transformed { output: Output::Encoded(bytes), format, width, height })
    }

    /// The geometry of a source that goes out as it is.
    fn unchanged(&self) -> Result<Geometry, Error> {
        Geometry::new(self.stored(), upright(&self.source, self.plan), self.plan)
    }

    /// What becomes of the source, as far as that is known before it is decoded, and how; not
    /// how where it goes out as it is.
    pub(super) fn way(&self) -> Result<(Geometry, Option<&Recipe<'_>>), Error> {
        match &self.work {
            PreparedWork::Make(recipe) => Ok((recipe.geometry, Some(recipe))),
            _ => Ok((self.unchanged()?, None)),
        }
    }

    /// Decodes what is used of the source. Returns with it what becomes of it, which is only known
    /// then where a border is cut away.
    pub(super) fn used(
        &self,
        recipe: &Recipe,
        control: &Control,
    ) -> Result<(Raster, Geometry, Placed), Error> {
        let plan = self.plan;
        let &Recipe { decode, mut geometry, .. } = recipe;
        let mut raster = match recipe.picture {
            Some((before, animation)) => self.picture(before, animation, control)?,
            None => decode::decode(&self.source, &decode, &self.tolerance, control)?,
        };
        let mut placed = decode.placed(self.stored());
        if let Some(threshold) = plan.trim {
            let inside = pixels::inside(&raster, &self.border(threshold), control)?;
            geometry = self.trimmed(recipe, inside)?;
        }
        if geometry.region.size != self.stored() {
            let (cut, within) = decode.within(self.stored(), geometry.region);
            raster = pixels::cut(raster, cut, control)?;
            placed = within;
        }
        Ok((raster, geometry, placed))
    }

    fn make(&self, recipe: &Recipe, control: &Control) -> Result<Transformed, Error> {
        let made = match recipe.map {
            MapUse::Binding => {
                let kept = Plan { profile: ProfilePolicy::Keep, ..self.plan.clone() };
                match self.make_by(recipe, &kept, MapUse::Binding, control)? {
                    Some(made) => Some(made),
                    // Nothing but its map would have kept its colours.
                    None => self.make_by(recipe, self.plan, MapUse::Dropped, control)?,
                }
            }
            map => self.make_by(recipe, self.plan, map, control)?,
        };
        made.ok_or_else(|| Error::Internal("no picture without a map".to_owned()))
    }

    /// Makes a picture of a raster; `None` where the plan is only that of a map, and that can't be kept.
    fn make_by(
        &self,
        recipe: &Recipe,
        plan: &Plan,
        map: MapUse,
        control: &Control,
    ) -> Result<Option<Transformed>, Error> {
        let binds = map == MapUse::Binding;
        let &Recipe { format, palette, .. } = recipe;
        let (raster, geometry, placed) = self.used(recipe, control)?;
        let size = geometry.output;
        let sizes = (geometry, placed);
        let mut renderer = Renderer::new(&self.source, plan, sizes, format, &raster, control)?;
        let metadata = renderer.metadata(&self.source, size);
        let raster = renderer.render(raster, control)?;
        let xmp = metadata.xmp.as_deref();
        let map = self.make_map(map, renderer.geometry(), xmp, control)?;
        if binds && map.is_none() {
            return Ok(None);
        }
        let bytes = match plan.max_bytes {
            None => {
                let bytes = encode::encode(raster, format, palette, plan, &metadata, control)?;
                with_map(bytes, map.as_ref())?
            }
            Some(max) => {
                let within = |map: Option<&MadeMap>| {
                    encode::encode_within(max, format, plan, |plan, _| {
                        let copy = raster.try_clone(control)?;
                        let bytes =
                            encode::encode(copy, format, palette, plan, &metadata, control)?;
                        with_map(bytes, map)
                    })
                };
                // What is too long with a map goes without it.
                let map = map.as_ref().filter(|map| (map.len() as u64) < max);
                let both = map.map(|map| within(Some(map))).transpose()?;
                match both.filter(|both| both.len() as u64 <= max) {
                    Some(both) => both,
                    None if binds => return Ok(None),
                    None => within(None)?,
                }
            }
        };
        let Size { width, height } = geometry.output;
        Ok(Some(Transformed { output: Output::Encoded(bytes), format, width, height }))
    }

    /// Makes the map of what that geometry makes of the picture, which has that XMP, where it is kept.
    fn make_map(
        &self,
        map: MapUse,
        geometry: &Geometry,
        xmp: Option<&[u8]>,
        control: &Control,
    ) -> Result<Option<MadeMap>, Error> {
        // What is trimmed may be padded in the end.
        let is_kept = map != MapUse::Dropped && keeps_map(self.plan, geometry);
        let Some(map) = self.map.as_ref().filter(|_| is_kept) else { return Ok(None) };
        let made = map.make(geometry, self.stored(), self.plan, control)?;
        Ok(made.filter(|made| made.has_place(xmp)))
    }

    /// The border that is looked for.
    pub(super) fn border(&self, threshold: u8) -> Border {
        Border { threshold, color: self.plan.trim_color, corner: self.plan.trim_corner }
    }

    /// What is kept of what is inside a border.
    fn evened(&self, inside: Rect) -> Rect {
        let (across, down) = match self.plan.trim_equal {
            EqualSides::Off => (false, false),
            EqualSides::Horizontal => (true, false),
            EqualSides::Vertical => (false, true),
            EqualSides::Both => (true, true),
        };
        let is_lying = upright(&self.source, self.plan).swap;
        let (across, down) = if is_lying { (down, across) } else { (across, down) };
        pixels::evened(inside, self.stored(), across, down)
    }

    /// Where the picture's orientation is applied, what does that.
    pub(super) fn upright(&self) -> Orientation {
        upright(&self.source, self.plan)
    }

    /// The geometry of what is left of the image inside its border.
    pub(super) fn trimmed(&self, recipe: &Recipe, inside: Rect) -> Result<Geometry, Error> {
        let inside = self.evened(inside);
        let upright = upright(&self.source, self.plan);
        let mut geometry = Geometry::new(inside.size, upright, &sizes(&self.source, self.plan))?;
        geometry.inside = inside;
        geometry.region.x += inside.x;
        geometry.region.y += inside.y;
        let most = recipe.most.map_or(u64::MAX, Size::pixels);
        let frames = recipe.animation.map_or(1, |_| self.source.info.frames);
        let output_pixels = self.limits.output_pixels.min(most.saturating_mul(frames.into()));
        let limits = Limits { output_pixels, ..self.limits };
        check_output(geometry.output, frames, recipe.format, &limits)?;
        Ok(geometry)
    }

    pub(super) fn stored(&self) -> Size {
        Size::new(self.source.info.width, self.source.info.height)
    }
}
