//! Plans written as a list of parameters, the way CDNs do in their URLs.

mod allow;
mod setting;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{AnimationPolicy, Error, Fit, Plan};
pub use allow::Allow;
use setting::{Filling, Parameter, Setting};

/// A list such as `width=300,height=200,fit=cover,q=60` that was read.
///
/// Items are separated by `,`, `&` or `/`, and count in their order: of a repeated name
/// the last one. Names and values may be percent-encoded, which is undone once and after
/// the list was split. An item with an empty value is as good as none. The names are
///
/// | name | value |
/// | --- | --- |
/// | `width`, `w` and `height`, `h` | pixels of the box, or `-` for no bound |
/// | `fit` | `scale-down`, `contain`: into the box; `crop`, `cover`: over the box, or with one side only as `contain`; `pad`; `stretch`. `contain`, `cover` and `pad` enlarge what is smaller unless `enlarge` says otherwise |
/// | `gravity`, `g` | see [`Gravity::parse`](super::Gravity::parse) |
/// | `dpr` | factor for width and height, 1 to 4 |
/// | `enlarge` | `on` or `off` |
/// | `quality`, `q` | 1 to 100, for JPEG, WebP and AVIF; more counts as 100 |
/// | `format`, `f` | `original`, `jpeg`, `png`, `gif`, `webp`, `avif` or `auto`, see [`Wanted::parse`](super::Wanted::parse) |
/// | `background`, `bg` | a colour, see [`Color::parse`](super::Color::parse) |
/// | `rotate` | 0, 90, 180 or 270 degrees, **clockwise** |
/// | `flip` | `h`, `v` or `hv`; before the rotation |
/// | `blur` | standard deviation in pixels, 0 to 250 |
/// | `sharpen` | percent, 0 to 1000 |
/// | `brightness`, `contrast`, `saturation` | factor, 0 to 10 |
/// | `hue` | degrees, -360 to 360 |
/// | `gamma` | exponent, 0.1 to 10 |
/// | `grayscale` | `on` or `off` |
/// | `trim` | distance of colours, 0 to 255, or `off` |
/// | `anim` | `on`, or `off` for the first frame of an animation |
/// | `watermark` | `on`, or `off` for none |
/// | `metadata` | `strip`, `copyright` or `keep` |
/// | `preset`, `p` | the name of one of the [`Presets`] |
#[derive(Debug, Clone, Default)]
pub struct Params(Vec<Item>);

#[derive(Debug, Clone)]
struct Item {
    parameter: &'static Parameter,
    setting: Setting,
    /// As it was written.
    text: String,
}

impl Params {
    /// Reads a list.
    ///
    /// # Errors
    /// [`Error::BadParams`] that says which item is wrong.
    pub fn parse(list: &[u8]) -> Result<Params, Error> {
        let items = list.split(|byte| matches!(byte, b',' | b'&' | b'/'));
        let items = items.filter(|item| !item.is_empty()).map(Item::parse);
        Ok(Params(items.filter_map(Result::transpose).collect::<Result<_, _>>()?))
    }
}

impl Item {
    /// Reads an item; `None` for one without a value.
    fn parse(item: &[u8]) -> Result<Option<Item>, Error> {
        let Some(equals) = item.iter().position(|&byte| byte == b'=') else {
            return Err(Error::BadParams(format!("{:?} has no value", lossy(item))));
        };
        let (name, value) = item.split_at(equals);
        let name = decode(name)?;
        let value = decode(value.get(1..).unwrap_or_default())?;
        let parameter = Parameter::find(&name)
            .ok_or_else(|| Error::BadParams(format!("unknown name {name:?}")))?;
        if value.is_empty() {
            return Ok(None);
        }
        let setting = parameter
            .read(&value)
            .ok_or_else(|| Error::BadParams(format!("{value:?} is no valid {name}")))?;
        Ok(Some(Item { parameter, setting, text: value.into_owned() }))
    }
}

/// Undoes percent-encoding (RFC 3986, section 2.1).
fn decode(text: &[u8]) -> Result<Cow<'_, str>, Error> {
    let bad = || Error::BadParams(format!("{:?} is badly encoded", lossy(text)));
    if !text.contains(&b'%') {
        return std::str::from_utf8(text).map(Cow::Borrowed).map_err(|_| bad());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let [high, low, after @ ..] = after else { return Err(bad()) };
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or_else(bad);
        out.push((digit(*high)? * 16 + digit(*low)?) as u8);
        rest = after;
    }
    String::from_utf8(out).map(Cow::Owned).map_err(|_| bad())
}

fn lossy(text: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(text)
}

/// Lists of parameters that have names.
#[derive(Debug, Default)]
pub struct Presets(BTreeMap<String, Params>);

impl Presets {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives a list a name, of letters, digits, `_`, `-` and `.`.
    ///
    /// # Errors
    /// [`Error::BadParams`] for a bad or known name, a bad list, or one that names a preset.
    pub fn add(&mut self, name: &[u8], list: &[u8]) -> Result<(), Error> {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
        if name.is_empty() || !name.iter().all(is_plain) {
            return Err(Error::BadParams(format!("{:?} is no valid name", lossy(name))));
        }
        let name = lossy(name).into_owned();
        if self.0.contains_key(&name) {
            return Err(Error::BadParams(format!("duplicate name {name:?}")));
        }
        let params = Params::parse(list)?;
        if params.0.iter().any(|item| matches!(item.setting, Setting::Preset(_))) {
            return Err(Error::BadParams("a preset can't name a preset".to_owned()));
        }
        self.0.insert(name, params);
        Ok(())
    }
}

impl Plan {
    /// Reads a plan from a list without presets.
    ///
    /// # Errors
    /// Those of [`set_params`](Plan::set_params).
    ///
    /// ```
    /// use image_gate_core::image::{Fit, Plan};
    ///
    /// let plan = Plan::from_params("w=300,q=60")?;
    /// assert!(matches!(plan.fit, Fit::Resize { height: None, .. }));
    /// assert_eq!(plan.jpeg_quality, 60);
    /// # Ok::<(), image_gate_core::image::Error>(())
    /// ```
    pub fn from_params(params: &str) -> Result<Plan, Error> {
        let mut plan = Plan::default();
        plan.set_params(params)?;
        Ok(plan)
    }

    /// Overrides what the list names and leaves the rest of the plan as it is.
    ///
    /// # Errors
    /// [`Error::BadParams`]; the plan is then as it was.
    pub fn set_params(&mut self, params: &str) -> Result<(), Error> {
        let params = Params::parse(params.as_bytes())?;
        self.apply(&params, &Presets::default(), std::iter::empty())
    }

    /// Overrides what the list names and leaves the rest of the plan as it is. Where the list
    /// lets the client decide on the format, it does so by the values of its `Accept` headers.
    ///
    /// # Errors
    /// [`Error::UnknownPreset`] where one is not there; the plan is then as it was.
    pub fn apply<'a>(
        &mut self,
        params: &Params,
        presets: &Presets,
        accept: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<(), Error> {
        let mut draft = Draft::new(self);
        for item in &params.0 {
            let Setting::Preset(name) = &item.setting else {
                draft.set(&item.setting, accept.clone());
                continue;
            };
            let preset = presets.0.get(name);
            let preset = preset.ok_or_else(|| Error::UnknownPreset(name.clone()))?;
            preset.0.iter().for_each(|item| draft.set(&item.setting, accept.clone()));
        }
        *self = draft.finish();
        Ok(())
    }
}

/// A plan whose geometry is still in parts.
struct Draft {
    plan: Plan,
    filling: Option<Filling>,
    width: super::Bound,
    height: super::Bound,
    /// What the filling implies, and what was said.
    enlarge: [Option<bool>; 2],
}

impl Draft {
    fn new(plan: &Plan) -> Draft {
        let (filling, width, height) = match plan.fit {
            Fit::None => (None, None, None),
            Fit::Resize { width, height } => (Some(Filling::Inside), width, height),
            Fit::Crop { width, height } => (Some(Filling::Covering), width, height),
            Fit::Pad { width, height } => (Some(Filling::Padded), width, height),
            Fit::Stretch { width, height } => (Some(Filling::Stretched), width, height),
        };
        Draft { plan: plan.clone(), filling, width, height, enlarge: [None; 2] }
    }

    fn set<'a>(&mut self, setting: &Setting, accept: impl Iterator<Item = &'a [u8]> + Clone) {
        let plan = &mut self.plan;
        match *setting {
            Setting::Width(width) => self.width = width,
            Setting::Height(height) => self.height = height,
            Setting::Fit(filling, enlarge) => {
                self.filling = Some(filling);
                self.enlarge[0] = Some(enlarge);
            }
            Setting::Gravity(gravity) => plan.gravity = gravity,
            Setting::Dpr(dpr) => plan.dpr = dpr,
            Setting::Enlarge(enlarge) => self.enlarge[1] = Some(enlarge),
            Setting::Quality(quality) => plan.set_quality(quality),
            Setting::Format(wanted) => plan.set_format(wanted, accept),
            Setting::Background(color) => plan.background = color,
            Setting::Rotate(rotation) => plan.rotate = rotation,
            Setting::Flip(flip) => plan.flip = flip,
            Setting::Blur(blur) => plan.blur = blur,
            Setting::Sharpen(percent) => plan.sharpen = percent,
            Setting::Brightness(factor) => plan.adjust.brightness = factor,
            Setting::Contrast(factor) => plan.adjust.contrast = factor,
            Setting::Saturation(factor) => plan.adjust.saturation = factor,
            Setting::Hue(degrees) => plan.adjust.hue = degrees,
            Setting::Gamma(exponent) => plan.adjust.gamma = exponent,
            Setting::Grayscale(grayscale) => plan.adjust.grayscale = grayscale,
            Setting::Trim(threshold) => plan.trim = threshold,
            Setting::Anim(true) => plan.animation = AnimationPolicy::All,
            Setting::Anim(false) => plan.animation = AnimationPolicy::First,
            Setting::Watermark(watermark) => plan.watermark = watermark,
            Setting::Metadata(policy) => plan.metadata = policy,
            // Replaced by what it stands for, which names none.
            Setting::Preset(_) => (),
        }
    }

    fn finish(self) -> Plan {
        let Draft { mut plan, filling, width, height, enlarge: [implied, said] } = self;
        plan.fit = match filling {
            None if width.is_none() && height.is_none() => Fit::None,
            None | Some(Filling::Inside) => Fit::Resize { width, height },
            // There is no box to be covered but a side, which CDNs take for that of the result.
            Some(Filling::Covering)
                if implied.is_some() && (width.is_none() || height.is_none()) =>
            {
                Fit::Resize { width, height }
            }
            Some(Filling::Covering) => Fit::Crop { width, height },
            Some(Filling::Padded) => Fit::Pad { width, height },
            Some(Filling::Stretched) => Fit::Stretch { width, height },
        };
        plan.enlarge = said.or(implied).unwrap_or(plan.enlarge);
        plan
    }
}

#[cfg(test)]
mod tests;
