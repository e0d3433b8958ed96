//! What a picture would be, and how it would become of its source, without making it.

use super::geometry::Geometry;
use super::pixels::{self, Placed};
use super::render::{is_located_by_content, located};
use super::size::{Rect, Size};
use super::transform::Prepared;
use super::{Control, Error, Format, Info, Plan};

/// A picture that was not made. Places are pixels of images as they are displayed.
#[derive(Debug)]
pub struct Measured<'a> {
    /// What it would be made by.
    pub plan: &'a Plan,
    /// What the headers of the source say.
    pub source: Info,
    /// How long the source is.
    pub bytes: u64,
    /// The format of the picture.
    pub format: Format,
    /// Its width and height.
    pub size: (u32, u32),
    /// Of how many pictures it is.
    pub frames: u32,
    /// What of the source is left inside a border that is cut away.
    pub(super) inside: Rect,
    /// What of the source is used.
    pub(super) region: Rect,
    /// What that is scaled to.
    pub(super) scaled: Size,
    /// What of that is kept.
    pub(super) window: Rect,
}

impl<'a> Measured<'a> {
    /// The source itself, of so many bytes, whatever would be made of it.
    #[must_use]
    pub fn of_source(source: Info, plan: &'a Plan, bytes: u64) -> Measured<'a> {
        let size = source.displayed(plan.orient);
        let scaled = Size::new(size.0, size.1);
        let whole = Rect { x: 0, y: 0, size: scaled };
        let (format, frames) = (source.format, source.frames);
        let (inside, region, window) = (whole, whole, whole);
        Measured { plan, source, bytes, format, size, frames, inside, region, scaled, window }
    }

    /// Width and height of the source as it is displayed.
    #[must_use]
    pub fn source_size(&self) -> (u32, u32) {
        self.source.displayed(self.plan.orient)
    }
}

impl Prepared<'_> {
    /// Whether [`measure`](Prepared::measure) decodes the source, by which it needs the
    /// [memory](Prepared::memory) of the picture at most.
    ///
    /// # Errors
    /// Those of [`prepare`](super::prepare).
    pub fn is_measured_by_content(&self, with_places: bool) -> Result<bool, Error> {
        let (geometry, _) = self.way()?;
        let is_located = with_places && is_located_by_content(&geometry, self.plan);
        Ok(self.plan.trim.is_some() || is_located)
    }

    /// Measures the picture; decodes the source only where what is on it decides on the size, or
    /// `with_places` on what is kept of it.
    ///
    /// # Errors
    /// As of [`run`](Prepared::run).
    pub fn measure(&self, with_places: bool, control: &Control) -> Result<Measured<'_>, Error> {
        control.check()?;
        let (planned, recipe) = self.way()?;
        let geometry = match recipe {
            Some(recipe) if self.is_measured_by_content(with_places)? => {
                let (raster, geometry, placed) = match recipe.animation {
                    None => self.used(recipe, control)?,
                    Some(animation) => {
                        let geometry = self.geometry_of_frames(recipe, animation, control)?;
                        let first = self.picture(0, animation, control)?;
                        let used = pixels::copy(&first, geometry.region, control)?;
                        (used, geometry, Placed::all(geometry.region.size))
                    }
                };
                match with_places {
                    true => located(geometry, self.plan, placed, &raster, control)?,
                    false => geometry,
                }
            }
            _ => planned,
        };
        let source = self.source.info.clone();
        let (format, moves) = match recipe {
            Some(recipe) => (recipe.format, recipe.animation.is_some()),
            None => (source.format, true),
        };
        let (upright, stored) = (self.upright(), self.stored());
        let Geometry { inside, region, scaled, window, output, .. } = geometry;
        Ok(Measured {
            plan: self.plan,
            frames: if moves { source.frames } else { 1 },
            source,
            bytes: self.source.input.len() as u64,
            format,
            size: (output.width, output.height),
            inside: upright.result_of(inside, stored),
            region: upright.result_of(region, stored),
            scaled: upright.size(scaled),
            window: upright.result_of(window, scaled),
        })
    }
}
