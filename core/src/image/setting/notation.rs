//! How the values of settings are written, what they are called, and what they set.

use std::fmt;
use std::num::NonZeroU32;

use super::draft::Draft;
use crate::image::fraction::share;
use crate::image::values::{self, whole};
use crate::image::words::Words;
use crate::image::{Area, Bound, Color, FormatChoice, Gravity, Ratio};

/// A value that was read. Which setting it is of has to be known beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// `off`, or `-` for a side that is not bounded.
    Off,
    /// `on` or `off`.
    Switch(bool),
    /// A number in the setting's unit.
    Number(u64),
    /// Millionths of what an image has.
    Share(NonZeroU32),
    /// Proportions.
    Ratio(Ratio),
    /// Which word it is of the setting's.
    Word(usize),
    /// A colour.
    Color(Color),
    /// What matters in an image.
    Gravity(Gravity),
    /// A format, or a choice of them.
    Format(FormatChoice),
    /// A rectangle.
    Area(Area),
    /// The name of a preset.
    Preset(Box<str>),
}

impl Parsed {
    /// What ranges are compared by.
    pub(in crate::image) fn number(&self) -> Option<u64> {
        match self {
            Parsed::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// A notation, with what a value in it does to a [`Draft`].
#[derive(Debug)]
pub(super) enum Notation {
    /// `on` or `off`.
    Switch(fn(&mut Draft, bool)),
    /// A decimal number with so many places at most, of which `least` and `most` are in units of
    /// the last.
    Number {
        unit: &'static str,
        places: usize,
        least: u16,
        most: u16,
        set: fn(&mut Draft, u16),
    },
    /// A number of degrees, -360 to 360, as one from 0 to 359.
    Degrees(fn(&mut Draft, u16)),
    /// A number from 1 up; above 100 it is 100.
    Quality(fn(&mut Draft, u8)),
    /// A number from 0 to 255, or `off`.
    Threshold(fn(&mut Draft, Option<u8>)),
    /// A number of pixels from 1 up, or `-`.
    Side(fn(&mut Draft, Bound)),
    /// A side, or a share of the image's, up to ten times it.
    Length {
        pixels: fn(&mut Draft, Bound),
        share: fn(&mut Draft, NonZeroU32),
    },
    /// Proportions, or `off`.
    Ratio(fn(&mut Draft, Option<Ratio>)),
    /// A size in nginx's notation above 0, or `off`.
    Bytes(fn(&mut Draft, Option<u64>)),
    /// One of a few words.
    Word(&'static dyn Choice),
    Color(fn(&mut Draft, Color)),
    Gravity(fn(&mut Draft, Gravity)),
    Format(fn(&mut Draft, FormatChoice)),
    /// A rectangle, or `off`.
    Area(fn(&mut Draft, Option<Area>)),
    /// The name of a preset, which stands for other values.
    Preset,
}

/// Words, and what each of them sets.
pub(super) trait Choice: fmt::Debug + Sync {
    fn words(&self) -> Vec<&'static str>;
    fn find(&self, word: &[u8]) -> Option<usize>;
    fn set(&self, draft: &mut Draft, word: usize);
}

/// The words of a type, and what is set to the one that was chosen.
#[derive(Debug)]
pub(super) struct OneOf<T: Words>(pub(super) fn(&mut Draft, T));

impl<T: Words + fmt::Debug> Choice for OneOf<T> {
    fn words(&self) -> Vec<&'static str> {
        T::WORDS.iter().map(|(word, _)| *word).collect()
    }

    fn find(&self, word: &[u8]) -> Option<usize> {
        T::WORDS.iter().position(|(known, _)| known.as_bytes() == word)
    }

    fn set(&self, draft: &mut Draft, word: usize) {
        if let Some((_, value)) = T::WORDS.get(word) {
            (self.0)(draft, *value);
        }
    }
}

impl Notation {
    pub(super) fn read(&self, text: &[u8]) -> Option<Parsed> {
        match self {
            Notation::Switch(_) => values::switch(text).map(Parsed::Switch),
            Notation::Number { places, least, most, .. } => {
                let number = values::decimal(text, *places)?;
                let range = u32::from(*least)..=u32::from(*most);
                range.contains(&number).then_some(Parsed::Number(number.into()))
            }
            Notation::Degrees(_) => {
                values::degrees(text).map(|degrees| Parsed::Number(degrees.into()))
            }
            Notation::Quality(_) => {
                let number = whole(text).filter(|&number| number > 0)?;
                Some(Parsed::Number(number.min(100).into()))
            }
            Notation::Threshold(_) if text == b"off" => Some(Parsed::Off),
            Notation::Threshold(_) => {
                let number = whole(text).filter(|&number| number <= 255)?;
                Some(Parsed::Number(number.into()))
            }
            Notation::Length { .. } if text.ends_with(b"%") => {
                let millionths = (share(text)? * 1e6).round();
                let is_one = (1.0..=1e7).contains(&millionths);
                let millionths = NonZeroU32::new(millionths as u32).filter(|_| is_one);
                millionths.map(Parsed::Share)
            }
            Notation::Ratio(_) if text == b"off" => Some(Parsed::Off),
            Notation::Ratio(_) => Ratio::parse(text).map(Parsed::Ratio),
            Notation::Side(_) | Notation::Length { .. } if text == b"-" => Some(Parsed::Off),
            Notation::Side(_) | Notation::Length { .. } => {
                whole(text).filter(|&side| side > 0).map(|side| Parsed::Number(side.into()))
            }
            Notation::Bytes(_) if text == b"off" => Some(Parsed::Off),
            Notation::Bytes(_) => values::size(text).filter(|&size| size > 0).map(Parsed::Number),
            Notation::Word(choice) => choice.find(text).map(Parsed::Word),
            Notation::Color(_) => Color::parse(text).map(Parsed::Color),
            Notation::Gravity(_) => Gravity::parse(text).map(Parsed::Gravity),
            Notation::Format(_) => FormatChoice::parse(text).map(Parsed::Format),
            Notation::Area(_) if text == b"off" => Some(Parsed::Off),
            Notation::Area(_) => Area::parse(text).map(Parsed::Area),
            Notation::Preset => {
                std::str::from_utf8(text).ok().map(|name| Parsed::Preset(name.into()))
            }
        }
    }

    /// Sets a value that [`read`](Notation::read) returned; one of another kind sets nothing.
    pub(super) fn set(&self, draft: &mut Draft, value: &Parsed) {
        match (self, value) {
            (Notation::Switch(set), Parsed::Switch(value)) => set(draft, *value),
            (Notation::Number { set, .. } | Notation::Degrees(set), Parsed::Number(number)) => {
                set(draft, *number as u16);
            }
            (Notation::Quality(set), Parsed::Number(number)) => set(draft, *number as u8),
            (Notation::Threshold(set), Parsed::Number(number)) => set(draft, Some(*number as u8)),
            (Notation::Threshold(set), Parsed::Off) => set(draft, None),
            (
                Notation::Side(set) | Notation::Length { pixels: set, .. },
                Parsed::Number(number),
            ) => {
                set(draft, NonZeroU32::new(*number as u32));
            }
            (Notation::Side(set) | Notation::Length { pixels: set, .. }, Parsed::Off) => {
                set(draft, None);
            }
            (Notation::Length { share: set, .. }, Parsed::Share(share)) => set(draft, *share),
            (Notation::Ratio(set), Parsed::Ratio(ratio)) => set(draft, Some(*ratio)),
            (Notation::Ratio(set), Parsed::Off) => set(draft, None),
            (Notation::Bytes(set), Parsed::Number(number)) => set(draft, Some(*number)),
            (Notation::Bytes(set), Parsed::Off) => set(draft, None),
            (Notation::Word(choice), Parsed::Word(word)) => choice.set(draft, *word),
            (Notation::Color(set), Parsed::Color(color)) => set(draft, *color),
            (Notation::Gravity(set), Parsed::Gravity(gravity)) => set(draft, *gravity),
            (Notation::Format(set), Parsed::Format(wanted)) => set(draft, *wanted),
            (Notation::Area(set), Parsed::Area(area)) => set(draft, Some(*area)),
            (Notation::Area(set), Parsed::Off) => set(draft, None),
            _ => (),
        }
    }

    pub(super) fn words(&self) -> Vec<&'static str> {
        match self {
            Notation::Switch(_) => vec!["on", "off"],
            Notation::Word(choice) => choice.words(),
            _ => Vec::new(),
        }
    }

    pub(super) fn expected(&self) -> String {
        match self {
            Notation::Switch(_) => "\"on\" or \"off\"".to_owned(),
            &Notation::Number { unit, places, least, most, .. } => {
                let scale = 10f64.powi(places as i32);
                let (least, most) = (f64::from(least) / scale, f64::from(most) / scale);
                let of = if unit.is_empty() { "" } else { " of " };
                format!("a number{of}{unit} from {least} to {most}")
            }
            Notation::Degrees(_) => "a number of degrees from -360 to 360".to_owned(),
            Notation::Quality(_) => "a number from 1 up".to_owned(),
            Notation::Threshold(_) => "a number from 0 to 255, or \"off\"".to_owned(),
            Notation::Side(_) => "a number of pixels from 1 up, or \"-\"".to_owned(),
            Notation::Length { .. } => {
                "a number of pixels from 1 up, a share up to 1000%, or \"-\"".to_owned()
            }
            Notation::Ratio(_) => "proportions as in 16:9, or \"off\"".to_owned(),
            Notation::Bytes(_) => "a size, or \"off\"".to_owned(),
            Notation::Word(choice) => {
                let words = choice.words();
                match words.split_last() {
                    Some((last, words)) => format!("{} or {last}", words.join(", ")),
                    None => String::new(),
                }
            }
            Notation::Color(_) => "a colour: hexadecimal, rgb() or a name".to_owned(),
            Notation::Gravity(_) => {
                "center, a point of the compass, \"x:y\" from 0 to 1, or smart".to_owned()
            }
            Notation::Format(_) => {
                "original, jpeg, png, gif, webp, avif, auto or auto=LIST".to_owned()
            }
            Notation::Area(_) => {
                "x,y,width,height in pixels or shares of the sides, or \"off\"".to_owned()
            }
            Notation::Preset => "the name of a preset".to_owned(),
        }
    }
}
