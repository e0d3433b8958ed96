//! What the directives of a location mean for one request.

use image_gate_core::image::{Error, Fit, Plan};

use super::conf::{LocConf, Mode, Sides, Value, WebpQuality};
use super::directives::{parse_angle, parse_format, parse_quality, parse_sharpen, parse_side};
use crate::ngx::Request;

impl LocConf {
    /// Evaluates the directives for a request.
    ///
    /// # Errors
    /// [`Error::BadParams`] that names the directive whose variable has no valid value.
    pub fn plan(&self, request: Request) -> Result<Plan, Error> {
        let geometry = self.geometry();
        let mut plan = Plan::default();
        plan.fit = match geometry.mode {
            Mode::Resize(sides) => {
                let (width, height) = evaluate_sides(&sides, request)?;
                Fit::Resize { width, height }
            }
            Mode::Crop(sides) => {
                let (width, height) = evaluate_sides(&sides, request)?;
                Fit::Crop { width, height }
            }
            Mode::Off | Mode::Test | Mode::Size | Mode::Convert => Fit::None,
        };
        if let Some(angle) = geometry.rotate {
            plan.rotate = angle.get(request, parse_angle, "image_resize rotate")?;
        }
        if let Some(format) = self.format {
            plan.format = format.get(request, parse_format, "image_resize_format")?;
        }
        if let Some(quality) = self.jpeg_quality {
            plan.jpeg_quality = quality.get(request, parse_quality, "image_resize_jpeg_quality")?;
        }
        if let Some(WebpQuality { quality, effort }) = self.webp_quality {
            plan.webp_quality = quality.get(request, parse_quality, "image_resize_webp_quality")?;
            plan.webp_effort = effort.unwrap_or(plan.webp_effort);
        }
        if let Some(sharpen) = self.sharpen {
            plan.sharpen = sharpen.get(request, parse_sharpen, "image_resize_sharpen")?;
        }
        if let Some(background) = self.background {
            let parse = image_gate_core::image::Color::parse;
            plan.background = background.get(request, parse, "image_resize_background")?;
        }
        plan.transparency = self.transparency.unwrap_or(plan.transparency);
        plan.interlace = self.interlace.unwrap_or(plan.interlace);
        plan.orient = self.orient.unwrap_or(plan.orient);
        plan.profile = self.profile.unwrap_or(plan.profile);
        plan.metadata = self.metadata.unwrap_or(plan.metadata);
        Ok(plan)
    }
}

type Bounds = (image_gate_core::image::Bound, image_gate_core::image::Bound);

fn evaluate_sides(sides: &Sides, request: Request) -> Result<Bounds, Error> {
    Ok((
        sides.width.get(request, parse_side, "image_resize width")?,
        sides.height.get(request, parse_side, "image_resize height")?,
    ))
}

impl<T: Copy> Value<T> {
    fn get(&self, request: Request, parse: fn(&[u8]) -> Option<T>, name: &str) -> Result<T, Error> {
        let expression = match self {
            Value::Fixed(value) => return Ok(*value),
            Value::Expression(expression) => expression,
        };
        let text = expression
            .evaluate(request)
            .ok_or_else(|| Error::Internal(format!("{name} could not be evaluated")))?;
        parse(text).ok_or_else(|| {
            let text = String::from_utf8_lossy(text);
            Error::BadParams(format!("{name} \"{text}\""))
        })
    }
}
