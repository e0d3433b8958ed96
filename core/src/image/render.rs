//! What happens to the pixels of a picture between its decoder and its encoder.

use std::borrow::Cow;

use super::geometry::Geometry;
use super::metadata::{OutputMetadata, carries_profile, output_metadata};
use super::pixels::{self, Backdrop, Converter, Frame, Placed, ToneMapper};
use super::raster::{Layout, Raster};
use super::size::Size;
use super::source::Source;
use super::watermark::Overlay;
use super::{BorderPlace, Control, Error, Format, Gravity, Mask, Plan, ProfilePolicy, smart};

/// A whole turn, in hundredths of a degree.
const ANGLE: u16 = 36_000;

/// Whether what is on a picture decides which part of it is kept.
pub(super) fn is_located_by_content(geometry: &Geometry, plan: &Plan) -> bool {
    plan.gravity == Gravity::Smart && geometry.filling.size != geometry.scaled
}

/// The geometry of what is kept of a picture, where what is on it may decide on that.
pub(super) fn located(
    geometry: Geometry,
    plan: &Plan,
    placed: Placed,
    picture: &Raster,
    control: &Control,
) -> Result<Geometry, Error> {
    if !is_located_by_content(&geometry, plan) {
        return Ok(geometry);
    }
    let Geometry { scaled, filling, .. } = geometry;
    let found = smart::place(picture, placed.extent, scaled, filling.size, control)?;
    Ok(geometry.moved(found))
}

/// Makes pictures of one size and layout what the plan asks for, be it one or many.
pub(super) struct Renderer<'p, 's> {
    plan: &'p Plan,
    geometry: Geometry,
    placed: Placed,
    coloring: Coloring,
    /// The profile that the colours stay those of.
    profile: Option<Cow<'s, [u8]>>,
    flattens: bool,
    /// Whether nothing can be transparent.
    is_opaque: bool,
    /// Drawn for the first picture that comes to it.
    overlay: Option<Overlay>,
}

impl<'p, 's> Renderer<'p, 's> {
    /// Looks at the source, and at its first picture where the plan wants to know what is on it.
    pub(super) fn new(
        source: &Source<'s>,
        plan: &'p Plan,
        (geometry, placed): (Geometry, Placed),
        format: Format,
        picture: &Raster,
        control: &Control,
    ) -> Result<Renderer<'p, 's>, Error> {
        let geometry = located(geometry, plan, placed, picture, control)?;
        let (coloring, profile) = Coloring::new(source, plan, format, picture.layout());
        let flattens = format == Format::Jpeg
            || source.info.has_palette && !plan.transparency
            || plan.flatten && plan.background_alpha == 255;
        let is_opaque = format == Format::Jpeg;
        Ok(Renderer {
            plan,
            geometry,
            placed,
            coloring,
            profile,
            flattens,
            is_opaque,
            overlay: None,
        })
    }

    /// Where things are, now that what is on the picture was looked at.
    pub(super) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The metadata that goes out with pictures of that source in this size.
    pub(super) fn metadata(&self, source: &Source<'s>, size: Size) -> OutputMetadata<'s> {
        let srgb = matches!(self.coloring, Coloring::Converted(_) | Coloring::ToneMapped(_));
        let icc = self.profile.clone();
        OutputMetadata { icc, ..output_metadata(source, self.plan, size, srgb) }
    }

    /// All that the plan asks for.
    pub(super) fn render(&mut self, raster: Raster, control: &Control) -> Result<Raster, Error> {
        let plan = self.plan;
        let Geometry { canvas: output, place, border: edges, .. } = self.geometry;
        let raster = self.show(raster, control)?;
        let raster = pixels::fade(raster, plan.opacity, control)?;
        let raster = match self.flattens {
            true => pixels::flatten(raster, plan.opaque_background(), control)?,
            false if plan.flatten => {
                pixels::veil(raster, plan.background, plan.background_alpha, control)?
            }
            false => raster,
        };
        let raster = pixels::adjust(raster, &plan.adjust, self.profile.is_none(), control)?;
        let mut raster = pixels::tone(raster, plan.tone, control)?;
        pixels::blur(&mut raster, plan.blur, control)?;
        pixels::sharpen(&mut raster, plan.sharpen, control)?;
        pixels::pixelate(&mut raster, plan.pixelate, control)?;
        let raster = pixels::mask(raster, plan.mask, control)?;
        let raster = pixels::rotate(raster, ANGLE - plan.tilt, control)?;
        // What is not there any more shows what is around it.
        let raster = match self.backdrop() {
            _ if plan.tilt == 0 && plan.mask == Mask::Off => raster,
            // That around it is laid under it, too.
            Backdrop::Veil(color, alpha) if raster.size() == output => {
                pixels::veil(raster, color, alpha, control)?
            }
            Backdrop::Color(color) if self.flattens || plan.tilt != 0 => {
                pixels::flatten(raster, color, control)?
            }
            Backdrop::Blurred(color) if self.is_opaque && raster.size() == output => {
                pixels::flatten(raster, color, control)?
            }
            Backdrop::Veil(..) | Backdrop::Color(_) | Backdrop::Blurred(_) => raster,
        };
        let raster = pixels::pad(raster, output, place, self.backdrop(), control)?;
        let (color, alpha) = match plan.border_place {
            // There is nothing behind it but the background.
            BorderPlace::Around if self.is_opaque => {
                (plan.border_color.over(plan.border_alpha, plan.opaque_background()), 255)
            }
            _ => (plan.border_color, plan.border_alpha),
        };
        let frame = Frame { edges, place: plan.border_place, color, alpha };
        let raster = pixels::border(raster, frame, control)?;
        if plan.marks.is_empty() {
            return Ok(raster);
        }
        let overlay = match self.overlay.take() {
            Some(overlay) => overlay,
            None => Overlay::new(&plan.marks, raster.size(), control)?,
        };
        self.overlay.insert(overlay).apply(raster, control)
    }

    /// What is around a padded picture.
    fn backdrop(&self) -> Backdrop {
        let plan = self.plan;
        match plan.background_alpha {
            _ if plan.background_blur => Backdrop::Blurred(plan.opaque_background()),
            alpha if alpha < 255 && !self.is_opaque => Backdrop::Veil(plan.background, alpha),
            _ => Backdrop::Color(plan.opaque_background()),
        }
    }

    /// Scales, cuts and turns a picture, and gives it its colours.
    pub(super) fn show(&self, raster: Raster, control: &Control) -> Result<Raster, Error> {
        let Geometry { scaled, window, orientation, .. } = self.geometry;
        let raster = pixels::resize(raster, self.placed, scaled, window, control)?;
        let raster = pixels::orient(raster, orientation, control)?;
        match &self.coloring {
            Coloring::Kept => Ok(raster),
            Coloring::Converted(converter) => converter.convert(raster, control),
            Coloring::ToneMapped(mapper) => mapper.map(raster, control),
            Coloring::Plain => pixels::naive_rgb(raster, control),
        }
    }
}

/// What the profile policy makes of the colours.
enum Coloring {
    /// They stay, and their profile goes with them.
    Kept,
    Converted(Box<Converter>),
    /// They have a higher dynamic range than any output.
    ToneMapped(Box<ToneMapper>),
    /// They are sRGB, or taken for it. CMYK becomes RGB whatever the policy.
    Plain,
}

impl Coloring {
    /// What the policy makes of pictures of that layout, and the profile that goes with them.
    fn new<'s>(
        source: &Source<'s>,
        plan: &Plan,
        format: Format,
        layout: Layout,
    ) -> (Coloring, Option<Cow<'s, [u8]>>) {
        if plan.profile == ProfilePolicy::Strip {
            return (Coloring::Plain, None);
        }
        if let Some(mapper) = source.hdr().and_then(ToneMapper::new) {
            return (Coloring::ToneMapped(Box::new(mapper)), None);
        }
        let Some(profile) = source.profile() else { return (Coloring::Plain, None) };
        if carries_profile(plan, format, layout, &profile) {
            return (Coloring::Kept, Some(profile));
        }
        let converter = Converter::new(&profile, layout);
        let converted = |converter| Coloring::Converted(Box::new(converter));
        (converter.map_or(Coloring::Plain, converted), None)
    }
}
