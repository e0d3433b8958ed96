//! Rows of the table.

use std::ffi::CStr;
use std::fmt;

use super::draft::Draft;
use super::notation::{Notation, Parsed};

/// One thing that can be asked of an image.
#[derive(Debug)]
pub struct Setting {
    /// Its names in lists of parameters, the full one first; none where a URL can't ask for it.
    pub params: &'static [&'static str],
    /// The directive that sets it, where one does.
    pub directive: Option<SettingDirective>,
    /// What holds where nothing is said, as it would be written.
    pub default: &'static str,
    pub(super) kind: Notation,
}

/// Where a directive says what it sets.
#[derive(Debug)]
pub struct SettingDirective {
    /// The directive's name.
    pub name: &'static CStr,
    /// Which of its arguments says it.
    pub argument: Argument,
    /// Whether the value can hold variables.
    pub varies: bool,
    /// Whether variables without a value are refused, instead of leaving the default.
    pub is_required: bool,
    /// Whether it counts where no image is made, too.
    pub is_general: bool,
}

/// An argument of a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// The first and nameless one.
    Sole,
    /// The one at that place behind a mode, and what it is called.
    At(usize, &'static str),
    /// `name=value`.
    Named(&'static str),
    /// What stands behind that mode.
    Mode(&'static str),
}

impl Setting {
    /// Returns what a list of parameters calls it, in full.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.params.first().copied().unwrap_or_default()
    }

    /// Returns the same, or for what no list asks for what messages call it.
    #[must_use]
    pub fn title(&self) -> String {
        match self.name() {
            "" => self.to_string(),
            name => name.to_owned(),
        }
    }

    /// Returns by which argument a directive of that name sets it, if it does.
    #[must_use]
    pub fn argument_of(&self, directive: &CStr) -> Option<Argument> {
        let own = self.directive.as_ref().filter(|own| own.name == directive)?;
        Some(own.argument)
    }

    /// Whether it is the format.
    #[must_use]
    pub fn is_format(&self) -> bool {
        matches!(self.kind, Notation::Format(_))
    }

    /// Whether it says how well the output is kept, and nothing of what is on it.
    #[must_use]
    pub fn is_of_encoding(&self) -> bool {
        const OTHERS: [&CStr; 4] = [
            c"image_resize_interlace",
            c"image_resize_lossless",
            c"image_resize_max_bytes",
            c"image_resize_subsampling",
        ];
        let of_directive = |own: &SettingDirective| OTHERS.contains(&own.name);
        matches!(self.kind, Notation::Quality(_))
            || self.directive.as_ref().is_some_and(of_directive)
    }

    /// Reads a value; `None` where it is none.
    #[must_use]
    pub fn read(&self, text: &[u8]) -> Option<Parsed> {
        self.kind.read(text)
    }

    /// Returns what a value may be, in words.
    #[must_use]
    pub fn expected(&self) -> String {
        self.kind.expected()
    }

    /// Returns the words that a value is one of, where there are some.
    #[must_use]
    pub fn words(&self) -> Vec<&'static str> {
        self.kind.words()
    }

    /// Has a value of this setting count.
    pub fn set(&self, draft: &mut Draft, value: &Parsed) {
        self.kind.set(draft, value);
    }
}

/// As messages about a directive's value call it.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(directive) = &self.directive else { return f.write_str(self.name()) };
        f.write_str(directive.text())?;
        match directive.argument {
            Argument::Sole => Ok(()),
            Argument::At(_, name) | Argument::Named(name) | Argument::Mode(name) => {
                write!(f, " {name}")
            }
        }
    }
}

impl SettingDirective {
    /// One that takes a value, with variables: without any in the end, it is as if it were not
    /// there.
    pub(super) const fn new(name: &'static CStr) -> SettingDirective {
        let argument = Argument::Sole;
        SettingDirective { name, argument, varies: true, is_required: false, is_general: false }
    }

    pub(super) const fn argument(self, argument: Argument) -> SettingDirective {
        SettingDirective { argument, ..self }
    }

    pub(super) const fn named(self, name: &'static str) -> SettingDirective {
        self.argument(Argument::Named(name))
    }

    pub(super) const fn fixed(self) -> SettingDirective {
        SettingDirective { varies: false, ..self }
    }

    pub(super) const fn required(self) -> SettingDirective {
        SettingDirective { is_required: true, ..self }
    }

    pub(super) const fn general(self) -> SettingDirective {
        SettingDirective { is_general: true, ..self }
    }

    /// Returns its name as a text.
    #[must_use]
    pub fn text(&self) -> &'static str {
        self.name.to_str().unwrap_or_default()
    }

    /// What is behind `image_resize_` in its name.
    pub(super) fn stem(&self) -> Option<&'static str> {
        self.text().strip_prefix("image_resize_")
    }
}
