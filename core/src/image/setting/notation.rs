//! How the values of settings are written, what they are called, and what they set.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};

use super::draft::Draft;
use crate::image::fraction::share;
use crate::image::values::{self, whole};
use crate::image::words::Words;
use crate::image::{
    Area, Bound, Color, FontFolder, Format, FormatChoice, Gravity, Ratio, Sides, Tone,
};

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
    /// `auto`: the number that the client says, or this one in its place.
    Auto(Bound),
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
    /// Widths at the sides.
    Sides(Sides),
    /// A background.
    Background(Background),
    /// Colours that luminance is shown in.
    Tone(Tone),
    /// The name of a preset.
    Preset(Box<str>),
    /// A folder with fonts.
    Fonts(FontFolder),
}

/// What may be around an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// A colour, of that opacity.
    Color(Color, u8),
    /// The image, blurred.
    Blur,
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
    /// A number of degrees, -360 to 360, with so many places at most, as one from 0 on in units
    /// of the last.
    Degrees {
        places: u8,
        set: fn(&mut Draft, u16),
    },
    /// A number from 1 up; above 100 it is 100.
    Quality(fn(&mut Draft, u8)),
    /// A number of pixels from 1 up, or `-`.
    Side(fn(&mut Draft, Bound)),
    /// A side, or a share of the image's, up to ten times it.
    Length {
        pixels: fn(&mut Draft, Bound),
        share: fn(&mut Draft, NonZeroU32),
        /// What `auto` does, where it is one of the values.
        auto: Option<fn(&mut Draft, Bound)>,
    },
    /// Proportions, or `off`.
    Ratio(fn(&mut Draft, Option<Ratio>)),
    /// A size in nginx's notation above 0, or `off`.
    Bytes(fn(&mut Draft, Option<u64>)),
    /// One of a few words.
    Word(&'static dyn Choice),
    /// A colour, or `off`.
    Color(fn(&mut Draft, Option<Color>)),
    /// A colour that may be transparent, or `blur`.
    Background(fn(&mut Draft, Background)),
    /// A colour, or two with a comma or a colon between them, or `off`.
    Tone {
        colors: usize,
        set: fn(&mut Draft, Option<Tone>),
    },
    /// Widths at the sides.
    Sides(fn(&mut Draft, Sides)),
    /// Widths at the sides, or a threshold, or `off`.
    Trim {
        border: fn(&mut Draft, Option<u8>),
        sides: fn(&mut Draft, Sides),
    },
    /// A number from 2 to 256, or `off`.
    Colors(fn(&mut Draft, Option<NonZeroU16>)),
    Gravity(fn(&mut Draft, Gravity)),
    /// A side, a corner or the middle, with or without an offset from there, or a point.
    Place(fn(&mut Draft, Gravity)),
    /// A colour that may be transparent.
    Paint(fn(&mut Draft, Color, u8)),
    Format(fn(&mut Draft, FormatChoice)),
    /// A rectangle, or `off`.
    Area(fn(&mut Draft, Option<Area>)),
    /// The name of a preset, which stands for other values.
    Preset,
    /// A folder with fonts.
    Fonts(fn(&mut Draft, FontFolder)),
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
            &Notation::Degrees { places, .. } => {
                values::angle(text, places).map(|angle| Parsed::Number(angle.into()))
            }
            Notation::Quality(_) => {
                let number = whole(text).filter(|&number| number > 0)?;
                Some(Parsed::Number(number.min(100).into()))
            }
            Notation::Trim { .. }
            | Notation::Colors(_)
            | Notation::Tone { .. }
            | Notation::Color(_)
                if text == b"off" =>
            {
                Some(Parsed::Off)
            }
            Notation::Trim { .. } if text.iter().any(|byte| b",:".contains(byte)) => {
                Sides::parse(text).map(Parsed::Sides)
            }
            Notation::Trim { .. } => {
                let number = whole(text).filter(|&number| number <= 255)?;
                Some(Parsed::Number(number.into()))
            }
            Notation::Colors(_) => {
                let number = whole(text).filter(|number| (2..=256).contains(number))?;
                Some(Parsed::Number(number.into()))
            }
            Notation::Sides(_) => Sides::parse(text).map(Parsed::Sides),
            Notation::Background(_) if text == b"blur" => {
                Some(Parsed::Background(Background::Blur))
            }
            Notation::Background(_) | Notation::Paint(_) => Color::parse_with_alpha(text)
                .map(|(color, alpha)| Parsed::Background(Background::Color(color, alpha))),
            Notation::Tone { colors: 1, .. } => {
                Color::parse(text).map(|color| Parsed::Tone(Tone::Tint(color)))
            }
            Notation::Tone { .. } => {
                let at = text.iter().position(|byte| b",:".contains(byte))?;
                let (dark, light) = (text.get(..at)?, text.get(at + 1..)?);
                Some(Parsed::Tone(Tone::Two(Color::parse(dark)?, Color::parse(light)?)))
            }
            Notation::Length { .. } if text.ends_with(b"%") => {
                let millionths = (share(text)? * 1e6).round();
                let is_one = (1.0..=1e7).contains(&millionths);
                let millionths = NonZeroU32::new(millionths as u32).filter(|_| is_one);
                millionths.map(Parsed::Share)
            }
            Notation::Length { auto: Some(_), .. } if text == b"auto" => Some(Parsed::Auto(None)),
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
            Notation::Place(_) => {
                let is_known =
                    |place: &Gravity| !matches!(place, Gravity::Smart | Gravity::Spot { .. });
                Gravity::parse(text).filter(is_known).map(Parsed::Gravity)
            }
            Notation::Format(_) => FormatChoice::parse(text).map(Parsed::Format),
            Notation::Area(_) if text == b"off" => Some(Parsed::Off),
            Notation::Area(_) => Area::parse(text).map(Parsed::Area),
            Notation::Preset => {
                std::str::from_utf8(text).ok().map(|name| Parsed::Preset(name.into()))
            }
            Notation::Fonts(_) => FontFolder::parse(text).map(Parsed::Fonts),
        }
    }

    /// Sets a value that [`read`](Notation::read) returned; one of another kind sets nothing.
    pub(super) fn set(&self, draft: &mut Draft, value: &Parsed) {
        match (self, value) {
            (Notation::Switch(set), Parsed::Switch(value)) => set(draft, *value),
            (
                Notation::Number { set, .. } | Notation::Degrees { set, .. },
                Parsed::Number(number),
            ) => {
                set(draft, *number as u16);
            }
            (Notation::Quality(set), Parsed::Number(number)) => set(draft, *number as u8),
            (Notation::Trim { border, .. }, Parsed::Number(number)) => {
                border(draft, Some(*number as u8));
            }
            (Notation::Trim { border, .. }, Parsed::Off) => border(draft, None),
            (Notation::Trim { sides: set, .. } | Notation::Sides(set), Parsed::Sides(sides)) => {
                set(draft, *sides);
            }
            (Notation::Colors(set), Parsed::Number(number)) => {
                set(draft, NonZeroU16::new(*number as u16));
            }
            (Notation::Colors(set), Parsed::Off) => set(draft, None),
            (Notation::Background(set), Parsed::Background(background)) => set(draft, *background),
            (Notation::Paint(set), Parsed::Background(Background::Color(color, alpha))) => {
                set(draft, *color, *alpha);
            }
            (Notation::Tone { set, .. }, Parsed::Tone(tone)) => set(draft, Some(*tone)),
            (Notation::Tone { set, .. }, Parsed::Off) => set(draft, None),
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
            (Notation::Length { auto: Some(set), .. }, Parsed::Auto(width)) => set(draft, *width),
            (Notation::Ratio(set), Parsed::Ratio(ratio)) => set(draft, Some(*ratio)),
            (Notation::Ratio(set), Parsed::Off) => set(draft, None),
            (Notation::Bytes(set), Parsed::Number(number)) => set(draft, Some(*number)),
            (Notation::Bytes(set), Parsed::Off) => set(draft, None),
            (Notation::Word(choice), Parsed::Word(word)) => choice.set(draft, *word),
            (Notation::Color(set), Parsed::Color(color)) => set(draft, Some(*color)),
            (Notation::Color(set), Parsed::Off) => set(draft, None),
            (Notation::Gravity(set) | Notation::Place(set), Parsed::Gravity(gravity)) => {
                set(draft, *gravity);
            }
            (Notation::Format(set), Parsed::Format(wanted)) => set(draft, *wanted),
            (Notation::Area(set), Parsed::Area(area)) => set(draft, Some(*area)),
            (Notation::Area(set), Parsed::Off) => set(draft, None),
            (Notation::Fonts(set), Parsed::Fonts(folder)) => set(draft, folder.clone()),
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
            Notation::Degrees { .. } => "a number of degrees from -360 to 360".to_owned(),
            Notation::Quality(_) => "a number from 1 up".to_owned(),
            Notation::Trim { .. } => {
                "a number from 0 to 255, top,right,bottom,left in pixels, or \"off\"".to_owned()
            }
            Notation::Colors(_) => "a number from 2 to 256, or \"off\"".to_owned(),
            Notation::Sides(_) => {
                "top,right,bottom,left in pixels up to 65535, or one number for all".to_owned()
            }
            Notation::Background(_) => {
                "a colour: hexadecimal, rgb() or a name; or \"blur\"".to_owned()
            }
            Notation::Tone { colors: 1, .. } => "a colour, or \"off\"".to_owned(),
            Notation::Tone { .. } => "dark,light: two colours, or \"off\"".to_owned(),
            Notation::Side(_) => "a number of pixels from 1 up, or \"-\"".to_owned(),
            Notation::Length { auto: Some(_), .. } => {
                "a number of pixels from 1 up, a share up to 1000%, \"auto\" or \"-\"".to_owned()
            }
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
            Notation::Color(_) => {
                "a colour: hexadecimal, rgb() or a name; or \"off\"".to_owned()
            }
            Notation::Gravity(_) => {
                "center or a point of the compass, with \":x:y\" behind it or not, \"x:y\" from 0 to \
                 1, or smart"
                    .to_owned()
            }
            Notation::Place(_) => {
                "center or a point of the compass, with \":x:y\" behind it or not, or \"x:y\" from 0 \
                 to 1"
                    .to_owned()
            }
            Notation::Paint(_) => "a colour: hexadecimal, rgb() or a name".to_owned(),
            Notation::Format(_) => {
                let jxl = if Format::Jxl.is_written() { "jxl, " } else { "" };
                format!("original, jpeg, png, gif, webp, avif, {jxl}auto or auto=LIST")
            }
            Notation::Area(_) => {
                "x,y,width,height in pixels or shares of the sides, or \"off\"".to_owned()
            }
            Notation::Preset => "the name of a preset".to_owned(),
            Notation::Fonts(_) => "the absolute path of a folder".to_owned(),
        }
    }
}
