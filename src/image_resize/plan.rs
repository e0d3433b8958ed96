//! What the directives of a location mean for one request.

use std::borrow::Cow;

use image_gate_core::image::{
    Allow, Argument, Draft, Error, FormatChoice, Hints, Params, Plan, Presets, Setting,
};
use image_gate_core::key::source::{Edit, edit_arguments};

use super::conf::{ImageResize, LocConf, Mode};
use super::link;
use super::response_info::Failure;
use super::value::{Value, evaluate, parse_value};
use super::watermark_cache::WatermarkSpec;
use crate::ngx::Request;
use crate::ngx::conf::Expression;
use crate::ngx::variable::is_number;

/// The angle of `image_resize rotate`.
pub(super) const ANGLE: Argument = Argument::Mode("rotate");

impl LocConf {
    /// Evaluates the directives for a request, and the parameters that override them.
    ///
    /// # Errors
    /// [`Failure::Params`] for parameters that are refused; [`Error::BadParams`] that names the
    /// directive whose variable has no valid value.
    pub fn plan(&self, request: Request<'_>) -> Result<Plan, Failure> {
        let asked = link::valid(request)?.filter(|_| self.mode().makes_image());
        let hints = self.hear(Some(request));
        let mut plan = self.directives(request, asked.map(|asked| &asked.defaults), hints)?;
        if let Some(asked) = asked {
            let overridden = presets(&request).and_then(|presets| {
                self.override_by(&mut plan, &asked.params, presets, request.accept(), hints)
            });
            overridden.map_err(|error| Failure::Params(of_client(error)))?;
            // Other servers make a picture anew, and be it larger.
            plan.is_exact = asked.params.name_encoding();
        }
        if let Some(expression) = self.params
            && self.mode().makes_image()
        {
            let list = evaluate(expression, request, "image_resize_params")?;
            let list = &*self.without_link(list, expression);
            let names_preset = || expression.text().windows(7).any(|part| part == b"preset=");
            let presets = presets(&request);
            let overridden = presets.and_then(|presets| {
                self.overridden(&mut plan, list, presets, request.accept(), hints)
            });
            overridden.map_err(|error| match error {
                // Where the list comes from the client as a whole, so does the name.
                error if !names_preset() => Failure::Params(of_client(error)),
                error => Failure::Params(error),
            })?;
        }
        plan.svg_sanitized =
            self.sanitizes() && self.mode().makes_image() && link::description(request).is_none();
        Ok(plan)
    }

    /// A list of parameters without what is a signed link's own, where it holds all arguments.
    fn without_link<'a>(&self, list: &'a [u8], expression: Expression) -> Cow<'a, [u8]> {
        let names = self.link_arguments.get().into_iter().flatten();
        let holds_all = |name: &[u8]| matches!(name, b"args" | b"query_string");
        if !expression.variables().any(holds_all) {
            return list.into();
        }
        names.fold(list.into(), |list: Cow<'a, [u8]>, name| {
            edit_arguments(&list, name, Edit::Remove).map_or(list, Cow::Owned)
        })
    }

    /// Applies a list of parameters to a plan, where they are allowed.
    pub fn overridden<'a>(
        &self,
        plan: &mut Plan,
        list: &[u8],
        presets: &Presets,
        accept: impl Iterator<Item = &'a [u8]> + Clone,
        hints: Hints,
    ) -> Result<(), Error> {
        self.override_by(plan, &Params::parse(list)?, presets, accept, hints)
    }

    /// Applies parameters to a plan, where they are allowed.
    fn override_by<'a>(
        &self,
        plan: &mut Plan,
        params: &Params<'_>,
        presets: &Presets,
        accept: impl Iterator<Item = &'a [u8]> + Clone,
        hints: Hints,
    ) -> Result<(), Error> {
        let params = match &self.allow {
            Some(allow) => allow.check(params, hints),
            None => Allow::default().check(params, hints),
        }?;
        plan.apply(&params, presets, accept, hints)
    }

    /// The plan of the directives alone, over what holds where they say nothing.
    fn directives(
        &self,
        request: Request<'_>,
        defaults: Option<&Params<'_>>,
        hints: Hints,
    ) -> Result<Plan, Error> {
        let mut draft = Draft::default();
        draft.hints = hints;
        if let Some(defaults) = defaults {
            defaults.put_into(&mut draft, presets(&request)?)?;
        }
        if let Mode::Box(filling) = self.mode() {
            draft.filling = Some(filling);
        }
        self.set(&mut draft, request, |_| true)?;
        Ok(draft.finish(request.accept()))
    }

    /// Has the values of those settings count for a request.
    fn set(
        &self,
        draft: &mut Draft,
        request: Request<'_>,
        wanted: impl Fn(&Setting) -> bool,
    ) -> Result<(), Error> {
        for (setting, value) in self.settings().filter(|(setting, _)| wanted(setting)) {
            let expression = match value {
                Value::Fixed(parsed) => {
                    setting.set(draft, parsed);
                    continue;
                }
                Value::Expression(expression) => *expression,
            };
            let text = evaluate(expression, request, setting)?;
            let directive = setting.directive.as_ref();
            // An empty variable says nothing, unless all depends on it.
            if text.is_empty() && directive.is_some_and(|directive| !directive.is_required) {
                continue;
            }
            match parse_value(text, expression, request, |text| setting.read(text), setting) {
                Ok(parsed) => setting.set(draft, &parsed),
                // Beside a box, as image_filter has it, a bad angle is none.
                Err(_)
                    if matches!(self.mode(), Mode::Box(_))
                        && directive.is_some_and(|directive| directive.argument == ANGLE) => {}
                // No client chooses what `rewrite` captures.
                Err(Error::BadParams(reason))
                    if self.is_recaptured.get() && expression.variables().any(is_number) =>
                {
                    return Err(Error::Directive(reason));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What `image_resize_format` says for a request.
    ///
    /// # Errors
    /// As those of [`plan`](LocConf::plan).
    pub fn format_choice(&self, request: Request<'_>) -> Result<FormatChoice, Error> {
        let mut draft = Draft::default();
        self.set(&mut draft, request, Setting::is_format)?;
        Ok(draft.wanted.unwrap_or(FormatChoice::Format(None)))
    }
}

impl LocConf {
    /// Evaluates the watermark for a request.
    ///
    /// # Errors
    /// [`Error::BadParams`] when a variable has no valid value, [`Error::Watermark`] when a file
    /// is not there.
    pub fn layers(&self, request: Request<'_>) -> Result<Vec<WatermarkSpec>, Error> {
        let mut layers = Vec::new();
        for watermark in self.watermarks.iter().flatten() {
            layers.extend(watermark.layer(request)?);
        }
        Ok(layers)
    }
}

/// What an error is where the client names presets as well.
fn of_client(error: Error) -> Error {
    match error {
        Error::UnknownPreset(_) => Error::BadParams(error.to_string()),
        error => error,
    }
}

/// All presets.
fn presets<'a>(request: &'a Request<'_>) -> Result<&'a Presets, Error> {
    let conf = request.main_conf::<ImageResize>();
    conf.map(|conf| &conf.presets).ok_or_else(|| Error::Internal("no presets".into()))
}
