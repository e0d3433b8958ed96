//! Which parameters may be set, and to what.

use super::{Params, Presets, lossy};
use crate::image::Error;
use crate::image::setting::{Parsed, Setting};

/// The parameters that a URL may set. By default those are presets, whichever.
#[derive(Debug, Default)]
pub struct Allow(Allowed);

#[derive(Debug, Default)]
enum Allowed {
    #[default]
    Presets,
    Rules(Vec<Rule>),
    All,
}

#[derive(Debug)]
struct Rule {
    setting: &'static Setting,
    values: Vec<Values>,
}

#[derive(Debug)]
enum Values {
    Any,
    One(Parsed),
    Range(u64, u64),
}

impl Allow {
    /// Allows what `NAME=VALUES` says, and nothing any more that no such rule says. The
    /// values are separated by commas: `*` for any, a value, or a range of numbers as in
    /// `400-1600`. `all` allows everything, and stands alone.
    ///
    /// # Errors
    /// [`Error::BadParams`] that says what is wrong.
    pub fn add(&mut self, rule: &[u8]) -> Result<(), Error> {
        let rule = std::str::from_utf8(rule)
            .map_err(|_| Error::BadParams(format!("{:?} is no text", lossy(rule))))?;
        if matches!(self.0, Allowed::All) || rule == "all" && !matches!(self.0, Allowed::Presets) {
            return Err(Error::BadParams("\"all\" stands alone".to_owned()));
        }
        if rule == "all" {
            self.0 = Allowed::All;
            return Ok(());
        }
        let (name, values) = rule
            .split_once('=')
            .ok_or_else(|| Error::BadParams(format!("{rule:?} has no values")))?;
        let setting = Setting::find(name)
            .ok_or_else(|| Error::BadParams(format!("unknown name {name:?}")))?;
        if self.rules().iter().any(|rule| std::ptr::eq(rule.setting, setting)) {
            return Err(Error::BadParams(format!("duplicate name {name:?}")));
        }
        let values = values
            .split(',')
            .map(|text| {
                Values::parse(text, setting)
                    .ok_or_else(|| Error::BadParams(format!("{text:?} is no valid {name}")))
            })
            .collect::<Result<_, _>>()?;
        let rule = Rule { setting, values };
        match &mut self.0 {
            Allowed::Rules(rules) => rules.push(rule),
            other => *other = Allowed::Rules(vec![rule]),
        }
        Ok(())
    }

    fn rules(&self) -> &[Rule] {
        match &self.0 {
            Allowed::Rules(rules) => rules,
            Allowed::Presets | Allowed::All => &[],
        }
    }

    /// A preset that is allowed and that there is none of.
    pub fn unknown_preset(&self, presets: &Presets) -> Option<&str> {
        let values = self.rules().iter().flat_map(|rule| &rule.values);
        values
            .filter_map(|value| match value {
                Values::One(Parsed::Preset(name)) => Some(&**name),
                _ => None,
            })
            .find(|name| !presets.0.contains_key(*name))
    }

    /// Whether presets are named at all, one by one or by `*`.
    pub fn takes_presets(&self) -> bool {
        self.rules().iter().any(|rule| rule.setting.name() == "preset")
    }

    /// Checks a list. What is in the presets that it names is not looked at.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] that says which item is refused.
    pub fn check(&self, params: &Params<'_>) -> Result<(), Error> {
        for item in &params.0 {
            let name = || item.setting.title();
            let rules = match (&self.0, &item.value) {
                (Allowed::All, _) | (Allowed::Presets, Parsed::Preset(_)) => continue,
                (Allowed::Presets, _) => {
                    return Err(Error::NotAllowed(format!("{}, only presets are", name())));
                }
                (Allowed::Rules(rules), _) => rules,
            };
            let rule = rules
                .iter()
                .find(|rule| std::ptr::eq(rule.setting, item.setting))
                .ok_or_else(|| Error::NotAllowed(name()))?;
            if !rule.values.iter().any(|values| values.contain(&item.value)) {
                return Err(Error::NotAllowed(format!("{} {:?}", name(), item.text)));
            }
        }
        Ok(())
    }
}

impl Values {
    fn parse(text: &str, setting: &Setting) -> Option<Values> {
        if text == "*" {
            return Some(Values::Any);
        }
        let read = |text: &str| if text.is_empty() { None } else { setting.read(text.as_bytes()) };
        if let Some(value) = read(text) {
            return Some(Values::One(value));
        }
        let (low, high) = text.split_once('-')?;
        let (low, high) = (read(low)?.number()?, read(high)?.number()?);
        (low <= high).then_some(Values::Range(low, high))
    }

    fn contain(&self, value: &Parsed) -> bool {
        match self {
            Values::Any => true,
            Values::One(one) => one == value,
            Values::Range(low, high) => {
                value.number().is_some_and(|number| (*low..=*high).contains(&number))
            }
        }
    }
}
