//! What the directives of a location mean for one request.

use image_gate_core::image::{
    Adjust, Allow, Color, Error, Fit, Gravity, Params, Plan, Presets, Wanted, values,
};

use super::conf::{AvifQuality, Geometry, LocConf, Mode, Named, Value, WebpQuality};
use super::context::Failure;
use super::directives::{parse_angle, parse_max_bytes, parse_quality, parse_side};
use super::params;
use crate::ngx::Request;
use crate::ngx::conf::Expression;
use crate::ngx::incoming::Part;

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
            let presets = params::presets(&request);
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

impl<T: Copy> Value<T> {
    /// The value for a request.
    pub fn get(
        &self,
        request: Request<'_>,
        parse: fn(&[u8]) -> Option<T>,
        name: &str,
    ) -> Result<T, Error> {
        match self {
            Value::Fixed(value) => Ok(*value),
            Value::Expression(expression) => parse_value(
                evaluate(*expression, request, name)?,
                *expression,
                request,
                parse,
                name,
            ),
        }
    }

    /// The same, but an empty variable means `default`.
    pub fn get_or(
        &self,
        default: T,
        request: Request<'_>,
        parse: fn(&[u8]) -> Option<T>,
        name: &str,
    ) -> Result<T, Error> {
        match self {
            Value::Fixed(value) => Ok(*value),
            Value::Expression(expression) => match evaluate(*expression, request, name)? {
                [] => Ok(default),
                text => parse_value(text, *expression, request, parse, name),
            },
        }
    }
}

/// The text of an expression for a request.
pub fn evaluate<'a>(
    expression: Expression,
    request: Request<'a>,
    name: &str,
) -> Result<&'a [u8], Error> {
    expression
        .evaluate(request)
        .ok_or_else(|| Error::Internal(format!("{name} could not be evaluated")))
}

pub fn parse_value<T>(
    text: &[u8],
    expression: Expression,
    request: Request<'_>,
    parse: fn(&[u8]) -> Option<T>,
    name: &str,
) -> Result<T, Error> {
    parse(text).ok_or_else(|| {
        let reason = format!("{name} \"{}\"", String::from_utf8_lossy(text));
        // What a client sent is the client's fault, anything else that of the configuration.
        if expression.variables().any(is_sent) || is_in_line(request, text) {
            Error::BadParams(reason)
        } else {
            Error::Directive(reason)
        }
    })
}

/// Whether a text is a part of what the client asked for, as what a regular expression captured of
/// it is.
fn is_in_line(request: Request<'_>, text: &[u8]) -> bool {
    let parts = [Part::UnparsedUri, Part::Uri];
    !text.is_empty()
        && parts
            .iter()
            .any(|&part| request.part(part).windows(text.len()).any(|window| window == text))
}

/// Whether a variable of that name holds what a client sent, as it is.
fn is_sent(variable: &[u8]) -> bool {
    matches!(
        variable,
        b"args" | b"query_string" | b"uri" | b"document_uri" | b"request_uri" | b"request"
    ) || [&b"arg_"[..], b"http_", b"cookie_"].iter().any(|kind| variable.starts_with(kind))
}
