//! The names of parameters and what their values mean.

use crate::image::values::{self, whole};
use crate::image::{Bound, Color, Flip, Gravity, MetadataPolicy, Rotation, Wanted};

/// How the box of a [`Fit`](super::Fit) is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filling {
    Inside,
    Covering,
    Padded,
    Stretched,
}

/// A parameter with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Setting {
    Width(Bound),
    Height(Bound),
    /// The filling, and whether it enlarges.
    Fit(Filling, bool),
    Gravity(Gravity),
    Dpr(u16),
    Enlarge(bool),
    Quality(u8),
    Format(Wanted),
    Background(Color),
    Rotate(Rotation),
    Flip(Flip),
    Blur(u16),
    Sharpen(u16),
    Brightness(u16),
    Contrast(u16),
    Saturation(u16),
    Hue(u16),
    Gamma(u16),
    Grayscale(bool),
    Trim(Option<u8>),
    Anim(bool),
    Watermark(bool),
    Metadata(MetadataPolicy),
    Preset(String),
}

impl Setting {
    /// What ranges are compared by.
    pub(super) fn number(&self) -> Option<u32> {
        match *self {
            Setting::Width(bound) | Setting::Height(bound) => bound.map(u32::from),
            Setting::Quality(number) => Some(number.into()),
            Setting::Dpr(number)
            | Setting::Blur(number)
            | Setting::Sharpen(number)
            | Setting::Brightness(number)
            | Setting::Contrast(number)
            | Setting::Saturation(number)
            | Setting::Hue(number)
            | Setting::Gamma(number) => Some(number.into()),
            Setting::Trim(threshold) => threshold.map(u32::from),
            _ => None,
        }
    }
}

/// A parameter: its names, the full one first, and how its value is read.
#[derive(Debug)]
pub(super) struct Parameter {
    names: &'static [&'static str],
    read: fn(&[u8]) -> Option<Setting>,
}

impl Parameter {
    /// The parameter of that name.
    pub(super) fn find(name: &str) -> Option<&'static Parameter> {
        PARAMETERS.iter().find(|parameter| parameter.names.contains(&name))
    }

    /// Reads a value.
    pub(super) fn read(&self, value: &str) -> Option<Setting> {
        (self.read)(value.as_bytes())
    }

    /// The full name.
    pub(super) fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

const PARAMETERS: &[Parameter] = &[
    Parameter { names: &["width", "w"], read: |text| bound(text).map(Setting::Width) },
    Parameter { names: &["height", "h"], read: |text| bound(text).map(Setting::Height) },
    Parameter { names: &["fit"], read: fit },
    Parameter { names: &["gravity", "g"], read: |text| Gravity::parse(text).map(Setting::Gravity) },
    Parameter { names: &["dpr"], read: |text| values::dpr(text).map(Setting::Dpr) },
    Parameter { names: &["enlarge"], read: |text| values::switch(text).map(Setting::Enlarge) },
    Parameter { names: &["quality", "q"], read: |text| quality(text).map(Setting::Quality) },
    Parameter { names: &["format", "f"], read: |text| Wanted::parse(text).map(Setting::Format) },
    Parameter {
        names: &["background", "bg"],
        read: |text| Color::parse(text).map(Setting::Background),
    },
    Parameter { names: &["rotate"], read: |text| clockwise(text).map(Setting::Rotate) },
    Parameter { names: &["flip"], read: |text| values::flip(text).map(Setting::Flip) },
    Parameter { names: &["blur"], read: |text| values::blur(text).map(Setting::Blur) },
    Parameter { names: &["sharpen"], read: |text| values::sharpen(text).map(Setting::Sharpen) },
    Parameter {
        names: &["brightness"],
        read: |text| values::factor(text).map(Setting::Brightness),
    },
    Parameter { names: &["contrast"], read: |text| values::factor(text).map(Setting::Contrast) },
    Parameter {
        names: &["saturation"],
        read: |text| values::factor(text).map(Setting::Saturation),
    },
    Parameter { names: &["hue"], read: |text| values::degrees(text).map(Setting::Hue) },
    Parameter { names: &["gamma"], read: |text| values::gamma(text).map(Setting::Gamma) },
    Parameter { names: &["grayscale"], read: |text| values::switch(text).map(Setting::Grayscale) },
    Parameter { names: &["trim"], read: |text| values::trim(text).map(Setting::Trim) },
    Parameter { names: &["anim"], read: |text| values::switch(text).map(Setting::Anim) },
    Parameter { names: &["watermark"], read: |text| values::switch(text).map(Setting::Watermark) },
    Parameter { names: &["metadata"], read: |text| metadata(text).map(Setting::Metadata) },
    Parameter { names: &["preset", "p"], read: |text| preset(text).map(Setting::Preset) },
];

fn bound(text: &[u8]) -> Option<Bound> {
    match text {
        b"-" => Some(None),
        number => std::num::NonZeroU32::new(whole(number)?).map(Some),
    }
}

/// The names of Cloudflare, and what enlarges there.
fn fit(text: &[u8]) -> Option<Setting> {
    let (filling, enlarge) = match text {
        b"scale-down" => (Filling::Inside, false),
        b"contain" => (Filling::Inside, true),
        b"crop" => (Filling::Covering, false),
        b"cover" => (Filling::Covering, true),
        b"pad" => (Filling::Padded, true),
        b"stretch" => (Filling::Stretched, true),
        _ => return None,
    };
    Some(Setting::Fit(filling, enlarge))
}

fn quality(text: &[u8]) -> Option<u8> {
    match whole(text)? {
        0 => None,
        quality => Some(quality.min(100) as u8),
    }
}

fn clockwise(text: &[u8]) -> Option<Rotation> {
    match whole(text)? {
        0 => Some(Rotation::None),
        degrees => Rotation::from_degrees(360u32.checked_sub(degrees)?),
    }
}

fn metadata(text: &[u8]) -> Option<MetadataPolicy> {
    match text {
        b"strip" => Some(MetadataPolicy::Strip),
        b"copyright" => Some(MetadataPolicy::Copyright),
        b"keep" => Some(MetadataPolicy::Keep),
        _ => None,
    }
}

fn preset(text: &[u8]) -> Option<String> {
    std::str::from_utf8(text).ok().map(str::to_owned)
}
