//! What the directives of a location mean for one request.

use image_gate_core::image::{
    Adjust, Allow, Color, Error, Fit, Gravity, Params, Plan, Presets, Wanted, values,
};

use super::conf::{AvifQuality, Geometry, ImageResize, LocConf, Mode, Named, WebpQuality};
use super::facts::Failure;
use super::marks::Layer;
use super::value::{Value, evaluate, parse_angle, parse_max_bytes, parse_quality, parse_side};
use crate::ngx::Request;

impl LocConf {
    /// Evaluates the directives for a request, and the parameters that override them.
    ///
    /// # Errors
    /// [`Failure::Params`] for parameters that are refused; [`Error::BadParams`] that names the
    /// directive whose variable has no valid value.
    pub fn plan(&self, request: Request<'_>) -> Result<Plan, Failure> {
        let mut plan = self.directives(request)?;
        if let Some(expression) = self.params
            && self.geometry().mode.makes_image()
        {
            let list = evaluate(expression, request, "image_resize_params")?;
            let names_preset = || expression.text().windows(7).any(|part| part == b"preset=");
            let presets = presets(&request);
            let overridden = presets
                .and_then(|presets| self.overridden(&mut plan, list, presets, request.accept()));
            overridden.map_err(|error| match error {
                // Where the list comes from the client as a whole, so does the name.
                Error::UnknownPreset(_) if !names_preset() => {
                    Failure::Params(Error::BadParams(format!("{error}")))
                }
                error => Failure::Params(error),
            })?;
        }
        Ok(plan)
    }

    /// Applies a list of parameters to a plan, where they are allowed.
    pub fn overridden<'a>(
        &self,
        plan: &mut Plan,
        list: &[u8],
        presets: &Presets,
        accept: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<(), Error> {
        let params = Params::parse(list)?;
        match &self.allow {
            Some(allow) => allow.check(&params),
            None => Allow::default().check(&params),
        }?;
        plan.apply(&params, presets, accept)
    }

    fn directives(&self, request: Request<'_>) -> Result<Plan, Error> {
        let geometry = self.geometry();
        let mut plan = Plan { fit: evaluate_fit(&geometry, request)?, ..Plan::default() };
        if let Some(angle) = geometry.rotate {
            match angle.get(request, parse_angle, "image_resize rotate") {
                Ok(rotation) => plan.rotate = rotation,
                // Beside a size, as image_filter has it, a bad angle is none.
                Err(_) if plan.fit != Fit::None => (),
                Err(error) => return Err(error),
            }
        }
        plan.set_format(self.wanted(request)?, request.accept());
        if let Some(quality) = self.jpeg_quality {
            plan.jpeg_quality = quality.get(request, parse_quality, "image_resize_jpeg_quality")?;
        }
        if let Some(WebpQuality { quality, effort }) = self.webp_quality {
            plan.webp_quality = quality.get(request, parse_quality, "image_resize_webp_quality")?;
            plan.webp_effort = effort.unwrap_or(plan.webp_effort);
        }
        if let Some(AvifQuality { quality, speed }) = self.avif_quality {
            plan.avif_quality = quality.get(request, parse_quality, "image_resize_avif_quality")?;
            plan.avif_speed = speed.unwrap_or(plan.avif_speed);
        }
        let Adjust { brightness, contrast, saturation, hue, gamma, grayscale } = &mut plan.adjust;
        let said = self.adjust.unwrap_or_default();
        let factor = values::factor;
        set(brightness, said.brightness, request, factor, "image_resize_adjust brightness")?;
        set(contrast, said.contrast, request, factor, "image_resize_adjust contrast")?;
        set(saturation, said.saturation, request, factor, "image_resize_adjust saturation")?;
        set(hue, said.hue, request, values::degrees, "image_resize_adjust hue")?;
        set(gamma, said.gamma, request, values::gamma, "image_resize_adjust gamma")?;
        let switch = values::switch;
        set(grayscale, said.grayscale, request, switch, "image_resize_adjust grayscale")?;
        let max_bytes = self.max_bytes;
        set(&mut plan.max_bytes, max_bytes, request, parse_max_bytes, "image_resize_max_bytes")?;
        set(&mut plan.trim, self.trim, request, values::trim, "image_resize_trim")?;
        set(&mut plan.blur, self.blur, request, values::blur, "image_resize_blur")?;
        set(&mut plan.sharpen, self.sharpen, request, values::sharpen, "image_resize_sharpen")?;
        let (color, background) = (Color::parse, self.background);
        set(&mut plan.background, background, request, color, "image_resize_background")?;
        if let Some(sides) = geometry.sides() {
            let Named { gravity, enlarge, dpr, background } = sides.named;
            set(&mut plan.gravity, gravity, request, Gravity::parse, "image_resize gravity")?;
            set(&mut plan.enlarge, enlarge, request, switch, "image_resize enlarge")?;
            set(&mut plan.dpr, dpr, request, values::dpr, "image_resize dpr")?;
            set(&mut plan.background, background, request, color, "image_resize background")?;
        }
        plan.png_compression = self.png_compression.unwrap_or(plan.png_compression);
        plan.transparency = self.transparency.unwrap_or(plan.transparency);
        plan.animation = self.animation.unwrap_or(plan.animation);
        plan.damaged = self.damaged.unwrap_or(plan.damaged);
        plan.interlace = self.interlace.unwrap_or(plan.interlace);
        plan.orient = self.orient.unwrap_or(plan.orient);
        plan.profile = self.profile.unwrap_or(plan.profile);
        plan.metadata = self.metadata.unwrap_or(plan.metadata);
        Ok(plan)
    }

    /// What `image_resize_format` says for a request.
    ///
    /// # Errors
    /// As those of [`plan`](LocConf::plan).
    pub fn wanted(&self, request: Request<'_>) -> Result<Wanted, Error> {
        let default = Wanted::Format(None);
        self.format.map_or(Ok(default), |format| {
            format.get_or(default, request, Wanted::parse, "image_resize_format")
        })
    }
}

fn evaluate_fit(geometry: &Geometry, request: Request<'_>) -> Result<Fit, Error> {
    let Some(sides) = geometry.sides() else { return Ok(Fit::None) };
    let width = sides.width.get(request, parse_side, "image_resize width")?;
    let height = sides.height.get(request, parse_side, "image_resize height")?;
    Ok(match geometry.mode {
        Mode::Crop(_) => Fit::Crop { width, height },
        Mode::Pad(_) => Fit::Pad { width, height },
        Mode::Stretch(_) => Fit::Stretch { width, height },
        _ => Fit::Resize { width, height },
    })
}

/// Sets what was said; an empty variable says nothing.
fn set<T: Copy>(
    slot: &mut T,
    value: Option<Value<T>>,
    request: Request<'_>,
    parse: fn(&[u8]) -> Option<T>,
    name: &str,
) -> Result<(), Error> {
    if let Some(value) = value {
        *slot = value.get_or(*slot, request, parse, name)?;
    }
    Ok(())
}

impl LocConf {
    /// Evaluates the watermark for a request.
    ///
    /// # Errors
    /// [`Error::BadParams`] when a variable has no valid value, [`Error::Watermark`] when a file
    /// is not there.
    pub fn layers(&self, request: Request<'_>) -> Result<Vec<Layer>, Error> {
        let mut layers = Vec::new();
        for watermark in self.watermarks.iter().flatten() {
            layers.extend(watermark.layer(request)?);
        }
        Ok(layers)
    }
}

/// All presets.
fn presets<'a>(request: &'a Request<'_>) -> Result<&'a Presets, Error> {
    let conf = request.main_conf::<ImageResize>();
    conf.map(|conf| &conf.presets).ok_or_else(|| Error::Internal("no presets".into()))
}
