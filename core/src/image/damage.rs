//! Sources that are not all that they should be, and may be shown all the same.

use std::cell::RefCell;

use super::Error;
use super::words::Words;

/// What becomes of a source that has lost some of its pixels, or may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DamagePolicy {
    /// What there is of it is shown.
    #[default]
    Lenient,
    /// It is refused.
    Strict,
}

impl Words for DamagePolicy {
    const WORDS: &'static [(&'static str, DamagePolicy)] =
        &[("lenient", DamagePolicy::Lenient), ("strict", DamagePolicy::Strict)];
}

/// What is wrong with a source that is shown all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The first of it that was noticed, in words.
    pub what: String,
    /// Whether the source may be the beginning of a longer one.
    pub ends_early: bool,
}

impl Damage {
    /// Damage in the middle.
    pub(super) fn inside(what: impl Into<String>) -> Damage {
        Damage { what: what.into(), ends_early: false }
    }

    /// Something of the end is missing.
    pub(super) fn at_the_end(what: impl Into<String>) -> Damage {
        Damage { what: what.into(), ends_early: true }
    }
}

/// Where whatever reads a source says what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Tolerance {
    policy: DamagePolicy,
    found: RefCell<Option<Damage>>,
}

impl Tolerance {
    pub(super) fn new(policy: DamagePolicy) -> Tolerance {
        Tolerance { policy, found: RefCell::default() }
    }

    /// Takes note of what may have cost pixels.
    ///
    /// # Errors
    /// [`Error::DecodeFailed`] where that is not tolerated.
    pub(super) fn note(&self, damage: Damage) -> Result<(), Error> {
        if self.policy == DamagePolicy::Strict {
            return Err(Error::DecodeFailed(damage.what));
        }
        let mut found = self.found.borrow_mut();
        match found.as_mut() {
            Some(found) => found.ends_early |= damage.ends_early,
            None => *found = Some(damage),
        }
        Ok(())
    }

    /// Whether nothing is tolerated that may have cost pixels.
    pub(super) fn is_strict(&self) -> bool {
        self.policy == DamagePolicy::Strict
    }

    /// What was noted.
    pub(super) fn found(&self) -> Option<Damage> {
        self.found.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_and_an_early_end_is_not_forgotten() {
        let tolerance = Tolerance::new(DamagePolicy::Lenient);
        assert_eq!(tolerance.found(), None);
        assert_eq!(tolerance.note(Damage::inside("a hole")), Ok(()));
        assert_eq!(tolerance.note(Damage::at_the_end("no end")), Ok(()));
        let found = Damage { what: "a hole".to_owned(), ends_early: true };
        assert_eq!(tolerance.found(), Some(found));
    }

    #[test]
    fn nothing_is_tolerated_by_the_strict() {
        let tolerance = Tolerance::new(DamagePolicy::Strict);
        let refused = Err(Error::DecodeFailed("no end".to_owned()));
        assert_eq!(tolerance.note(Damage::at_the_end("no end")), refused);
        assert_eq!(tolerance.found(), None);
    }
}
