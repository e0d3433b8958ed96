//! The settings: what can be asked of an image, by a directive, in a URL or on the command line.
//!
//! [`SETTINGS`] is the one table of them. The module's directives, their inheritance and their
//! messages, the parameters of URLs with presets and allow lists, the command line and the test of
//! the documentation go by it, so that a new setting is a row there, a field of [`Plan`], what it
//! does to pixels, its documentation and its test.
//!
//! [`Plan`]: super::Plan

mod draft;
mod notation;
mod row;
mod table;

pub use draft::{Draft, Filling};
pub use notation::{Background, Parsed};
pub use row::{Argument, Setting, SettingDirective};
pub use table::SETTINGS;

#[cfg(test)]
mod tests;
