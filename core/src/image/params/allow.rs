//! Which parameters may be set, and to what.

use std::borrow::Cow;
use std::num::NonZeroU32;

use super::{Params, Presets, lossy};
use crate::image::setting::{Parsed, Setting};
use crate::image::{Error, Hints};

/// The parameters that a URL may set. By default those are presets, whichever.
#[derive(Debug, Default)]
pub struct Allow {
    allowed: Allowed,
    /// Whether a number that is not listed counts as the next one that is.
    rounds_up: bool,
}

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
    /// Whether a setting is refused, whatever its value.
    #[must_use]
    pub fn leaves_out(&self, setting: &Setting) -> bool {
        matches!(self.allowed, Allowed::Rules(_))
            && !self.rules().iter().any(|rule| std::ptr::eq(rule.setting, setting))
    }

    /// Allows what `NAME=VALUES` says, and nothing any more that no such rule says. The
    /// values are separated by commas: `*` for any, a value, or a range of numbers as in
    /// `400-1600`. `all` allows everything, and stands alone. With `round=up` a number that is not
    /// listed counts as the next one that is.
    ///
    /// # Errors
    /// [`Error::BadParams`] that says what is wrong.
    pub fn add(&mut self, rule: &[u8]) -> Result<(), Error> {
        let rule = std::str::from_utf8(rule)
            .map_err(|_| Error::BadParams(format!("{:?} is no text", lossy(rule))))?;
        if rule == "round=up" {
            if std::mem::replace(&mut self.rounds_up, true) {
                return Err(Error::BadParams("duplicate \"round=up\"".to_owned()));
            }
            return Ok(());
        }
        let is_first = matches!(self.allowed, Allowed::Presets);
        if matches!(self.allowed, Allowed::All) || rule == "all" && !is_first {
            return Err(Error::BadParams("\"all\" stands alone".to_owned()));
        }
        if rule == "all" {
            self.allowed = Allowed::All;
            return Ok(());
        }
        let (name, values) = rule
            .split_once('=')
            .ok_or_else(|| Error::BadParams(format!("{rule:?} has no values")))?;
        let setting = Setting::find(name)
            .ok_or_else(|| Error::BadParams(format!("unknown name {name:?}")))?;
        if !is_first && !self.leaves_out(setting) {
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
        match &mut self.allowed {
            Allowed::Rules(rules) => rules.push(rule),
            other => *other = Allowed::Rules(vec![rule]),
        }
        Ok(())
    }

    fn rules(&self) -> &[Rule] {
        match &self.allowed {
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

    /// Checks a list, and returns it as it counts. What is in the presets that it names is not looked
    /// at.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] that says which item is refused.
    pub fn check<'p, 'a>(
        &self,
        params: &'p Params<'a>,
        hints: Hints,
    ) -> Result<Cow<'p, Params<'a>>, Error> {
        let mut counting = Cow::Borrowed(params);
        for (at, item) in params.0.iter().enumerate() {
            let name = || item.setting.title();
            let rules = match (&self.allowed, &item.value) {
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
            if rule.values.iter().any(|values| values.contain(&item.value)) {
                continue;
            }
            let refused = || Error::NotAllowed(format!("{} {:?}", name(), item.text));
            let reached = match &item.value {
                // Of what is listed anybody may have any.
                Parsed::Auto(_) => {
                    let width = hints.width.map_or(u64::MAX, |width| width.get().into());
                    let reached = rule.reach(width).and_then(|width| u32::try_from(width).ok());
                    reached.map(|width| Parsed::Auto(NonZeroU32::new(width)))
                }
                Parsed::Number(number) if self.rounds_up => rule.reach(*number).map(Parsed::Number),
                _ => None,
            };
            let reached = reached.ok_or_else(refused)?;
            if let Some(counting) = counting.to_mut().0.get_mut(at) {
                counting.value = reached;
            }
        }
        Ok(counting)
    }
}

impl Rule {
    /// The least number it allows that is not less, or the largest where all are.
    fn reach(&self, number: u64) -> Option<u64> {
        let ranges = || {
            self.values.iter().filter_map(|values| match values {
                Values::Range(low, high) => Some((*low, *high)),
                Values::One(value) => value.number().map(|number| (number, number)),
                Values::Any => None,
            })
        };
        let above = ranges().filter(|&(_, high)| high >= number);
        let least = above.map(|(low, _)| low.max(number)).min();
        least.or_else(|| ranges().map(|(_, high)| high).max())
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
