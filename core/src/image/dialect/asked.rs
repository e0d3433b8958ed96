//! What a link asks for, while it is read and then.

use std::fmt::Display;

use super::description::Description;
use super::source::Source;
use crate::image::Error;
use crate::image::params::Params;
use crate::image::setting::Setting;

/// What there is at a link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Resource {
    /// A picture.
    #[default]
    Image,
    /// What is told of one.
    Description(Description),
    /// Nothing but the way to that.
    Base,
}

impl Resource {
    /// Whether both are the same but for an address that is only told: of a source of another server nginx
    /// takes one of two slashes, and the source is compared by itself.
    fn is_same(&self, other: &Resource) -> bool {
        use Description::Thumbor;
        match (self, other) {
            (Resource::Description(Thumbor(one)), Resource::Description(Thumbor(other))) => {
                one.is_same(other)
            }
            _ => self == other,
        }
    }
}

/// What a link asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Of which kind it is.
    pub resource: Resource,
    /// What is to be made, in the terms of [`SETTINGS`](crate::image::SETTINGS).
    pub params: Params<'static>,
    /// What the dialect does without being told, where the location says nothing else.
    pub defaults: Params<'static>,
    /// Of which picture.
    pub source: Source,
    /// What was left out, as it can't be done here.
    pub left_out: Vec<String>,
    /// When it ends, in seconds since 1970, where it says so.
    pub expires: Option<u64>,
}

impl Asked {
    /// Whether both ask for the same.
    pub(super) fn is_same(&self, other: &Asked) -> bool {
        self.resource.is_same(&other.resource)
            && self.params.are_same(&other.params)
            && self.defaults.are_same(&other.defaults)
            && self.source == other.source
            && self.expires == other.expires
    }
}

/// A link behind the part of its path that is the location's. Nothing in it is decoded.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// Begins with a slash.
    pub path: &'a [u8],
    /// Behind the question mark.
    pub query: Option<&'a [u8]>,
}

/// What becomes of an option that the dialect has and this server has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unknown {
    /// The link is refused.
    #[default]
    Refuse,
    /// The option is left out.
    Ignore,
}

/// How many options a link may have.
const MOST: usize = 100;

/// How long an option may be, the source aside.
const LONGEST: usize = 1024;

/// What a link asks for, while its options are read.
#[derive(Debug)]
pub(super) struct Wishes {
    resource: Resource,
    params: Params<'static>,
    defaults: Params<'static>,
    left_out: Vec<String>,
    unknown: Unknown,
    count: usize,
    expires: Option<u64>,
}

impl Wishes {
    /// Returns what asks for nothing yet but what the dialect does without being told.
    pub(super) fn new(unknown: Unknown) -> Wishes {
        let mut wishes = Wishes {
            resource: Resource::Image,
            params: Params::default(),
            defaults: Params::default(),
            left_out: Vec::new(),
            unknown,
            count: 0,
            expires: None,
        };
        wishes.imply("round", "nearest");
        wishes
    }

    /// Counts an option.
    ///
    /// # Errors
    /// [`Error::BadParams`] where there are too many, or it is too long.
    pub(super) fn count(&mut self, option: &[u8]) -> Result<(), Error> {
        self.count += 1;
        if self.count > MOST {
            return Err(Error::BadParams(format!("more than {MOST} options")));
        }
        if option.len() > LONGEST {
            return Err(Error::BadParams(format!("an option longer than {LONGEST} bytes")));
        }
        Ok(())
    }

    /// Asks for what `option` says: that a setting is `value`.
    ///
    /// # Errors
    /// That of [`cannot`](Wishes::cannot), where the setting is not there or can't be that.
    pub(super) fn set(
        &mut self,
        option: impl Display,
        name: &str,
        value: impl Display,
    ) -> Result<(), Error> {
        match put(&mut self.params, name, &value.to_string()) {
            Some(()) => Ok(()),
            None => self.cannot(option),
        }
    }

    /// Asks for what the dialect does without being told.
    pub(super) fn imply(&mut self, name: &str, value: &str) {
        let put = put(&mut self.defaults, name, value);
        debug_assert!(put.is_some(), "{name}={value}");
    }

    /// Asks for what `option` means without saying so, whatever links may ask for.
    ///
    /// # Errors
    /// That of [`cannot`](Wishes::cannot), where the setting is not there or can't be that.
    pub(super) fn need(
        &mut self,
        option: impl Display,
        name: &str,
        value: &str,
    ) -> Result<(), Error> {
        match put(&mut self.defaults, name, value) {
            Some(()) => Ok(()),
            None => self.cannot(option),
        }
    }

    /// Asks for a colour behind all that is transparent, whatever the format.
    ///
    /// # Errors
    /// That of [`cannot`](Wishes::cannot).
    pub(super) fn lay_on(&mut self, option: impl Display, color: &str) -> Result<(), Error> {
        let option = option.to_string();
        self.set(&option, "background", color)?;
        self.need(option, "flatten", "on")
    }

    /// Takes a setting back: `option` says that it is to be as if nobody had asked for it.
    ///
    /// # Errors
    /// That of [`cannot`](Wishes::cannot) behind a preset, which may have asked for it.
    pub(super) fn unset(&mut self, option: impl Display, name: &str) -> Result<(), Error> {
        let Some(setting) = Setting::find(name) else { return self.cannot(option) };
        self.params.forget(setting);
        if self.params.name_preset() { self.cannot(option) } else { Ok(()) }
    }

    /// Asks for what is a little nearer to the original, where it can be had.
    pub(super) fn prefer(&mut self, name: &str, value: &str) {
        let _ = put(&mut self.params, name, value);
    }

    /// Notes an option that the dialect has and this server has not.
    ///
    /// # Errors
    /// [`Error::BadParams`] that names it, unless such options are left out.
    pub(super) fn cannot(&mut self, option: impl Display) -> Result<(), Error> {
        let option = option.to_string();
        if self.unknown == Unknown::Refuse {
            return Err(Error::BadParams(format!("{option:?} can't be done here")));
        }
        // It may be written to a log, and is a stranger's.
        self.left_out.push(option.escape_debug().to_string());
        Ok(())
    }

    /// Has the link end.
    pub(super) fn expire(&mut self, time: u64) {
        self.expires = Some(self.expires.map_or(time, |other| other.min(time)));
    }

    /// Asks for what is told of the picture, and not for itself.
    pub(super) fn describe(&mut self, description: Description) {
        self.resource = Resource::Description(description);
    }

    /// Returns what is asked of a source.
    pub(super) fn of(self, source: Source) -> Asked {
        let Wishes { resource, params, defaults, left_out, expires, .. } = self;
        Asked { resource, params, defaults, source, left_out, expires }
    }
}

/// For an option that has no valid value.
pub(super) fn invalid(option: impl Display) -> Error {
    Error::BadParams(format!("{:?} has no valid value", option.to_string()))
}

/// Adds a setting with a value, where there are both.
fn put(params: &mut Params<'static>, name: &str, value: &str) -> Option<()> {
    let setting = Setting::find(name)?;
    let parsed = setting.read(value.as_bytes())?;
    params.push(setting, parsed, value.to_owned());
    Some(())
}
