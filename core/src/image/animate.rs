//! Animations on their whole way, one picture after the other.

use super::decode::Frames;
use super::encode::{self, Animator};
use super::geometry::Geometry;
use super::pixels::{self, Placed};
use super::raster::Raster;
use super::render::Renderer;
use super::size::Rect;
use super::source::Animation;
use super::transform::{Output, Prepared, Recipe, Transformed};
use super::{Control, Error, Plan};

impl Prepared<'_> {
    /// Makes an animation of an animation.
    pub(super) fn animate(
        &self,
        recipe: &Recipe,
        animation: Animation,
        control: &Control,
    ) -> Result<Transformed, Error> {
        let geometry = self.geometry_of_frames(recipe, animation, control)?;
        let attempt = |plan: &Plan, attempts: u32| {
            self.write_frames(recipe, animation, (plan, attempts), geometry, control)
        };
        let bytes = match self.plan.max_bytes {
            None => attempt(self.plan, 1),
            Some(max) => encode::encode_within(max, recipe.format, self.plan, attempt),
        };
        let (width, height) = (geometry.output.width, geometry.output.height);
        let output = Output::Encoded(bytes?);
        Ok(Transformed { output, format: recipe.format, width, height })
    }

    /// What becomes of each picture of an animation, all of which are looked at for a border.
    pub(super) fn geometry_of_frames(
        &self,
        recipe: &Recipe,
        animation: Animation,
        control: &Control,
    ) -> Result<Geometry, Error> {
        match self.plan.trim {
            None => Ok(recipe.geometry),
            Some(threshold) => self.trimmed(recipe, self.inside(threshold, animation, control)?),
        }
    }

    /// Decodes the picture of an animation that has so many before it.
    pub(super) fn picture(
        &self,
        before: u32,
        animation: Animation,
        control: &Control,
    ) -> Result<Raster, Error> {
        let mut frames = Frames::new(&self.source, animation, &self.tolerance)?;
        for _ in 0..=before {
            frames.next(control)?.ok_or_else(no_frame)?;
        }
        frames.picture().try_clone(control)
    }

    /// Decodes all pictures of an animation that goes out as it is: what is wrong with them is told
    /// as of any other size.
    pub(super) fn look_at_frames(
        &self,
        animation: Animation,
        control: &Control,
    ) -> Result<(), Error> {
        let mut frames = Frames::new(&self.source, animation, &self.tolerance)?;
        while frames.next(control)?.is_some() {}
        Ok(())
    }

    /// Writes them as one of so many attempts that share the time that is left.
    fn write_frames(
        &self,
        recipe: &Recipe,
        animation: Animation,
        (plan, attempts): (&Plan, u32),
        geometry: Geometry,
        control: &Control,
    ) -> Result<Vec<u8>, Error> {
        let region = geometry.region;
        let mut frames = Frames::new(&self.source, animation, &self.tolerance)?;
        let size = geometry.output;
        let mut duration = frames.next(control)?.ok_or_else(no_frame)?;
        let mut raster = pixels::copy(frames.picture(), region, control)?;
        let mut renderer = Renderer::new(
            &self.source,
            plan,
            (geometry, Placed::all(region.size)),
            recipe.format,
            &raster,
            control,
        )?;
        let metadata = renderer.metadata(&self.source, size);
        let alpha = animation.alpha || plan.adds_alpha();
        let animation = Animation { alpha, ..animation };
        let count = self.source.info.frames.saturating_mul(attempts);
        let mut animator =
            Animator::new(geometry.output, recipe.format, animation, count, plan, &metadata)?;
        loop {
            animator.push(renderer.render(raster, control)?, duration, control)?;
            match frames.next(control)? {
                Some(next) => duration = next,
                None => return animator.finish(control),
            }
            raster = pixels::copy(frames.picture(), region, control)?;
        }
    }

    /// What is inside the border of any picture.
    fn inside(
        &self,
        threshold: u8,
        animation: Animation,
        control: &Control,
    ) -> Result<Rect, Error> {
        let mut frames = Frames::new(&self.source, animation, &self.tolerance)?;
        let border = self.border(threshold);
        let mut inside: Option<Rect> = None;
        while frames.next(control)?.is_some() {
            let found = pixels::inside(frames.picture(), &border, control)?;
            inside = Some(inside.map_or(found, |inside| inside.around(found)));
        }
        inside.ok_or_else(no_frame)
    }
}

fn no_frame() -> Error {
    Error::DecodeFailed("no frame".to_owned())
}
