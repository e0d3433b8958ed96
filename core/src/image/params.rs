//! Plans written as a list of parameters, the way CDNs do in their URLs.

mod allow;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::setting::{Draft, Parsed, Setting};
use super::{Error, FormatChoice, Hints, Plan};
use crate::escapes::percent_decode_strict;
pub use allow::Allow;

/// A list such as `width=300,height=200,fit=cover,q=60` that was read.
///
/// Items are separated by `,`, `&` or `/`, and count in their order: of a repeated name
/// the last one. Names and values may be percent-encoded, which is undone once and after
/// the list was split. An item with an empty value is as good as none. The names are those of
/// [`SETTINGS`](super::SETTINGS).
#[derive(Debug, Clone, Default)]
pub struct Params<'a>(Vec<Item<'a>>);

impl Params<'_> {
    /// Whether both say the same in the same order, however it was written.
    #[must_use]
    pub fn are_same(&self, other: &Params<'_>) -> bool {
        let is_same = |(one, other): (&Item<'_>, &Item<'_>)| {
            std::ptr::eq(one.setting, other.setting) && one.value == other.value
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(is_same)
    }
}

#[derive(Debug, Clone)]
struct Item<'a> {
    setting: &'static Setting,
    value: Parsed,
    /// As it was written.
    text: Cow<'a, str>,
}

impl<'a> Params<'a> {
    /// Reads a list of what a URL can ask for.
    ///
    /// # Errors
    /// [`Error::BadParams`] that says which item is wrong.
    pub fn parse(list: &'a [u8]) -> Result<Params<'a>, Error> {
        Params::parse_by(list, Setting::find_param)
    }

    /// Reads a list of whoever may ask for everything.
    ///
    /// # Errors
    /// [`Error::BadParams`] that says which item is wrong.
    pub fn parse_all(list: &'a [u8]) -> Result<Params<'a>, Error> {
        Params::parse_by(list, Setting::find)
    }

    /// Adds a value that stands for a text.
    pub(super) fn push(&mut self, setting: &'static Setting, value: Parsed, text: String) {
        self.0.push(Item { setting, value, text: Cow::Owned(text) });
    }

    /// Takes a setting back, as if nobody had said it; but for what presets say of it.
    pub(super) fn forget(&mut self, setting: &'static Setting) {
        self.0.retain(|item| !std::ptr::eq(item.setting, setting));
    }

    /// Whether a preset is named.
    pub(super) fn name_preset(&self) -> bool {
        self.0.iter().any(|item| matches!(item.value, Parsed::Preset(_)))
    }

    /// Whether a width is left to what the client says of its screen.
    #[must_use]
    pub fn name_auto(&self) -> bool {
        self.0.iter().any(Item::is_auto)
    }

    /// Takes that back.
    pub fn forget_auto(&mut self) {
        self.0.retain(|item| !item.is_auto());
    }

    /// Whether a format or a quality is named that is not left to the client.
    #[must_use]
    pub fn name_encoding(&self) -> bool {
        self.0.iter().any(|item| match &item.value {
            Parsed::Format(wanted) => matches!(wanted, FormatChoice::Format(Some(_))),
            _ => item.setting.is_of_encoding(),
        })
    }

    /// Puts the values into a draft.
    ///
    /// # Errors
    /// [`Error::UnknownPreset`] where one is not there, [`Error::BadParams`] where a width is left to
    /// hints that are not heard.
    pub fn put_into(&self, draft: &mut Draft, presets: &Presets) -> Result<(), Error> {
        let mut put = |setting: &Setting, value: &Parsed| {
            if matches!(value, Parsed::Auto(_)) && !draft.hints.is_heard {
                let reason = format!("{}=auto, where no client hints are heard", setting.name());
                return Err(Error::BadParams(reason));
            }
            setting.set(draft, value);
            Ok(())
        };
        for item in &self.0 {
            let Parsed::Preset(name) = &item.value else {
                put(item.setting, &item.value)?;
                continue;
            };
            let preset = presets.0.get(&**name);
            let preset = preset.ok_or_else(|| Error::UnknownPreset(name.to_string()))?;
            for (setting, value) in preset {
                put(setting, value)?;
            }
        }
        Ok(())
    }

    fn parse_by(list: &'a [u8], find: Find) -> Result<Params<'a>, Error> {
        let list = str::from_utf8(list).map_err(|_| badly_encoded(&lossy(list)))?;
        // As many as most lists have at most.
        let mut params = Vec::with_capacity(8);
        #[expect(clippy::manual_pattern_char_comparison, reason = "an array takes twice as long")]
        let items = list.split(|separator| matches!(separator, ',' | '&' | '/'));
        for item in items {
            if !item.is_empty() {
                params.extend(Item::parse(item, find)?);
            }
        }
        Ok(Params(params))
    }
}

/// The setting of a name.
type Find = fn(&str) -> Option<&'static Setting>;

impl<'a> Item<'a> {
    fn is_auto(&self) -> bool {
        matches!(self.value, Parsed::Auto(_))
    }

    /// Reads an item; `None` for one without a value.
    fn parse(item: &'a str, find: Find) -> Result<Option<Item<'a>>, Error> {
        let Some((name, value)) = item.split_once('=') else {
            return Err(Error::BadParams(format!("{item:?} has no value")));
        };
        let (name, value) = (decode(name)?, decode(value)?);
        let setting =
            find(&name).ok_or_else(|| Error::BadParams(format!("unknown name {name:?}")))?;
        if value.is_empty() {
            return Ok(None);
        }
        let parsed = setting.read(value.as_bytes()).ok_or_else(|| {
            let expected = setting.expected();
            Error::BadParams(format!("{value:?} is no valid {name}, it must be {expected}"))
        })?;
        Ok(Some(Item { setting, value: parsed, text: value }))
    }
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Result<Cow<'_, str>, Error> {
    let decoded = match percent_decode_strict(text.as_bytes()) {
        Some(Cow::Borrowed(_)) => Some(Cow::Borrowed(text)),
        Some(Cow::Owned(text)) => String::from_utf8(text).ok().map(Cow::Owned),
        None => None,
    };
    decoded.ok_or_else(|| badly_encoded(text))
}

fn badly_encoded(text: &str) -> Error {
    Error::BadParams(format!("{text:?} is badly encoded"))
}

fn lossy(text: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(text)
}

/// Lists of parameters that have names: settings with their values.
#[derive(Debug, Default)]
pub struct Presets(BTreeMap<String, Vec<(&'static Setting, Parsed)>>);

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
        let items = Params::parse(list)?.0;
        if items.iter().any(|item| matches!(item.value, Parsed::Preset(_))) {
            return Err(Error::BadParams("a preset can't name a preset".to_owned()));
        }
        self.0.insert(name, items.into_iter().map(|item| (item.setting, item.value)).collect());
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

    /// Overrides what the list names and leaves the rest of the plan as it is. The list may ask
    /// for everything.
    ///
    /// # Errors
    /// [`Error::BadParams`]; the plan is then as it was.
    pub fn set_params(&mut self, params: &str) -> Result<(), Error> {
        let params = Params::parse_all(params.as_bytes())?;
        self.apply(&params, &Presets::default(), std::iter::empty(), Hints::default())
    }

    /// Overrides what the list names and leaves the rest of the plan as it is. Where the list
    /// lets the client decide on the format, it does so by the values of its `Accept` headers, and
    /// on the width and the quality by its hints.
    ///
    /// # Errors
    /// [`Error::UnknownPreset`] where one is not there, [`Error::BadParams`] where a width is left to
    /// hints that are not heard; the plan is then as it was.
    pub fn apply<'a>(
        &mut self,
        params: &Params<'_>,
        presets: &Presets,
        accept: impl Iterator<Item = &'a [u8]> + Clone,
        hints: Hints,
    ) -> Result<(), Error> {
        let mut draft = Draft::new(self);
        draft.hints = hints;
        params.put_into(&mut draft, presets)?;
        *self = draft.finish(accept);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
