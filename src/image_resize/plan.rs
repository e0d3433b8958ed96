//! What the directives of a location mean for one request.

use image_gate_core::image::{Bound, Color, Error, Fit, Plan};

use super::conf::{LocConf, Mode, Sides, Value, WebpQuality};
use super::directives::{parse_angle, parse_format, parse_quality, parse_sharpen, parse_side};
use crate::ngx::Request;
use crate::ngx::conf::Expression;

impl LocConf {
    /// Evaluates the directives for a request.
    ///
    /// # Errors
    /// [`Error::BadParams`] that names the directive whose variable has no valid value.
    pub fn plan(&self, request: Request) -> Result<Plan, Error> {
        let geometry = self.geometry();
        let fit = match geometry.mode {
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
        let mut plan = Plan { fit, ..Plan::default() };
        if let Some(angle) = geometry.rotate {
            match angle.get(request, parse_angle, "image_resize rotate") {
                Ok(rotation) => plan.rotate = rotation,
                // Beside a size, as image_filter has it, a bad angle is none.
                Err(_) if plan.fit != Fit::None => (),
                Err(error) => return Err(error),
            }
        }
        if let Some(format) = self.format {
            plan.format =
                format.get_or(plan.format, request, parse_format, "image_resize_format")?;
        }
        if let Some(quality) = self.jpeg_quality {
            plan.jpeg_quality = quality.get(request, parse_quality, "image_resize_jpeg_quality")?;
        }
        if let Some(WebpQuality { quality, effort }) = self.webp_quality {
            plan.webp_quality = quality.get(request, parse_quality, "image_resize_webp_quality")?;
            plan.webp_effort = effort.unwrap_or(plan.webp_effort);
        }
        if let Some(sharpen) = self.sharpen {
            plan.sharpen =
                sharpen.get_or(plan.sharpen, request, parse_sharpen, "image_resize_sharpen")?;
        }
        if let Some(background) = self.background {
            plan.background = background.get_or(
                plan.background,
                request,
                Color::parse,
                "image_resize_background",
            )?;
        }
        plan.transparency = self.transparency.unwrap_or(plan.transparency);
        plan.interlace = self.interlace.unwrap_or(plan.interlace);
        plan.orient = self.orient.unwrap_or(plan.orient);
        plan.profile = self.profile.unwrap_or(plan.profile);
        plan.metadata = self.metadata.unwrap_or(plan.metadata);
        Ok(plan)
    }
}

type Bounds = (Bound, Bound);

fn evaluate_sides(sides: &Sides, request: Request) -> Result<Bounds, Error> {
    Ok((
        sides.width.get(request, parse_side, "image_resize width")?,
        sides.height.get(request, parse_side, "image_resize height")?,
    ))
}

impl<T: Copy> Value<T> {
    /// The value for a request.
    pub fn get(
        &self,
        request: Request,
        parse: fn(&[u8]) -> Option<T>,
        name: &str,
    ) -> Result<T, Error> {
        match self {
            Value::Fixed(value) => Ok(*value),
            Value::Expression(expression) => {
                parse_value(evaluate(*expression, request, name)?, parse, name)
            }
        }
    }

    /// The same, but an empty variable means `default`.
    pub fn get_or(
        &self,
        default: T,
        request: Request,
        parse: fn(&[u8]) -> Option<T>,
        name: &str,
    ) -> Result<T, Error> {
        match self {
            Value::Fixed(value) => Ok(*value),
            Value::Expression(expression) => match evaluate(*expression, request, name)? {
                [] => Ok(default),
                text => parse_value(text, parse, name),
            },
        }
    }
}

/// The text of an expression for a request.
pub fn evaluate<'a>(
    expression: Expression,
    request: Request,
    name: &str,
) -> Result<&'a [u8], Error> {
    expression
        .evaluate(request)
        .ok_or_else(|| Error::Internal(format!("{name} could not be evaluated")))
}

fn parse_value<T>(text: &[u8], parse: fn(&[u8]) -> Option<T>, name: &str) -> Result<T, Error> {
    parse(text).ok_or_else(|| {
        let text = String::from_utf8_lossy(text);
        Error::BadParams(format!("{name} \"{text}\""))
    })
}
