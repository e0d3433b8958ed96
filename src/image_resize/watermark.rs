//! `image_resize_watermark`: how it is read, and what it means for one request.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image_gate_core::image::{
    Color, Error, Fraction, Position, WatermarkStyle, Words as _, values,
};

use super::value::{Value, evaluate, is_sent, parse_value, split, value};
use super::watermark_cache::{self, AssetKind, WatermarkSpec};
use crate::ngx::Request;
use crate::ngx::conf::{
    ConfError, DirectiveArgs, Expression, Term, expect, once, parse_flag, terms,
};
use crate::ngx::variable::is_number;

/// How many layers a watermark has at most.
const MOST: usize = 8;

const NAME: &str = "image_resize_watermark";

/// One layer as it is configured.
#[derive(Clone)]
pub struct WatermarkConf {
    /// Where relative names of files start.
    prefix: Arc<Path>,
    /// How often its file's name, as configured, goes to the folder above.
    climbs: usize,
    /// Whether the name may be one from the root on.
    may_be_absolute: bool,
    source: ContentConf,
    style: StyleConf,
}

/// How large a text is, and in which colour, where nobody says so.
const SIZE: u16 = 24;
const COLOR: Color = Color::WHITE;

#[derive(Clone, Copy)]
enum ContentConf {
    Picture(Expression),
    Text { text: Expression, font: Expression, size: Value<u16>, color: Value<Color> },
}

#[derive(Clone, Copy, Default)]
struct StyleConf {
    position: Option<Value<Position>>,
    offset: Option<Value<(i32, i32)>>,
    opacity: Option<Value<Fraction>>,
    scale: Option<Value<Fraction>>,
    tile: Option<Value<bool>>,
    rotate: Option<Value<u16>>,
}

/// Reads one directive.
pub fn set(
    slot: &mut Option<Vec<WatermarkConf>>,
    args: &DirectiveArgs<'_>,
) -> Result<(), ConfError> {
    let is_off = args.len() == 1 && args.arg(0) == b"off";
    match slot {
        None if is_off => *slot = Some(Vec::new()),
        Some(_) if is_off => return Err(ConfError::Duplicate),
        Some(layers) if layers.is_empty() => {
            return Err(ConfError::invalid("another one at this level is \"off\""));
        }
        Some(layers) if layers.len() >= MOST => {
            return Err(ConfError::invalid(format_args!("more than {MOST} layers")));
        }
        _ => slot.get_or_insert_default().push(read(args)?),
    }
    Ok(())
}

/// What stands beside a file or a text.
const PARAMETERS: &str = "a file or text=STRING, and position=, offset=, opacity=, scale=, tile=, rotate=, \
     font=, size= or color=";

fn read(args: &DirectiveArgs<'_>) -> Result<WatermarkConf, ConfError> {
    let (mut file, mut text, mut font, mut size, mut color) = (None, None, None, None, None);
    let (mut style, mut template) = (StyleConf::default(), &b""[..]);
    for argument in args.rest(0) {
        let (name, rest) = split(argument);
        let set = match name {
            b"text" if rest.starts_with(b"\"") => {
                return Err(ConfError::invalid(
                    "quotes go around the whole parameter, as in \"text=two words\"",
                ));
            }
            b"text" => once(&mut text, args.expression(rest)?),
            b"font" => {
                template = rest;
                once(&mut font, args.expression(rest)?)
            }
            b"size" => {
                once(&mut size, value(args, rest, values::text_size, "pixels from 1 to 1000")?)
            }
            b"color" => once(&mut color, value(args, rest, Color::parse, "a colour")?),
            b"position" => {
                let expected = "center, north, northeast and so on";
                once(&mut style.position, value(args, rest, Position::from_word, expected)?)
            }
            b"offset" => {
                let expected = "two numbers of pixels, as in 10,20";
                once(&mut style.offset, value(args, rest, values::offset, expected)?)
            }
            b"opacity" => once(&mut style.opacity, value(args, rest, Fraction::parse, FRACTION)?),
            b"scale" => once(&mut style.scale, value(args, rest, values::scale, FRACTION)?),
            b"tile" => once(&mut style.tile, value(args, rest, parse_flag, "on or off")?),
            b"rotate" => {
                let expected = "degrees from -360 to 360";
                once(&mut style.rotate, value(args, rest, values::degrees, expected)?)
            }
            _ if file.is_none() && argument.first() != Some(&b'=') && !argument.is_empty() => {
                template = argument;
                once(&mut file, args.expression(argument)?)
            }
            _ => return expect(None, argument, format_args!("{PARAMETERS}")),
        };
        set.map_err(|_| {
            let name = String::from_utf8_lossy(name);
            ConfError::invalid(format_args!("\"{name}\" stands twice"))
        })?;
    }
    let is_plain = font.is_none() && size.is_none() && color.is_none();
    let source = match (file, text, font) {
        (Some(file), None, _) if is_plain => ContentConf::Picture(file),
        (Some(_), None, _) => {
            return Err(ConfError::invalid("\"font\", \"size\" and \"color\" are of a text"));
        }
        (None, Some(text), Some(font)) => ContentConf::Text {
            text,
            font,
            size: size.unwrap_or(Value::Fixed(SIZE)),
            color: color.unwrap_or(Value::Fixed(COLOR)),
        },
        (None, Some(_), None) => {
            return Err(ConfError::invalid("a text needs a \"font\": the name of a font file"));
        }
        _ => return Err(ConfError::invalid("it must be either a file or a \"text\"")),
    };
    let prefix = args.full_path(b"", true)?;
    let (kind, name) = match source {
        ContentConf::Picture(file) => (AssetKind::Picture, file),
        ContentConf::Text { font, .. } => (AssetKind::Font, font),
    };
    if let Some(name) = name.constant() {
        let path = prefix.join(OsStr::from_bytes(name));
        watermark_cache::check(&path, kind).map_err(ConfError::invalid)?;
    }
    Ok(WatermarkConf {
        prefix: prefix.into(),
        climbs: climbs(template),
        may_be_absolute: !begins_as_asked(template),
        source,
        style,
    })
}

/// Whether a name begins with what a client sends.
fn begins_as_asked(template: &[u8]) -> bool {
    // A variable may be empty, and the next one stand first.
    let mut first = terms(template).map_while(|term| match term {
        Term::Variable(name) => Some(name),
        Term::Text(_) => None,
    });
    first.any(|name| name.eq_ignore_ascii_case(b"host") || is_number(name) || is_sent(name))
}

/// How often a file's name goes to the folder above.
fn climbs(name: &[u8]) -> usize {
    name.split(|&byte| byte == b'/').filter(|part| part == b"..").count()
}

const FRACTION: &str = "from 0 to 1 or from 0% to 100%";

fn varying<T>(value: Option<Value<T>>) -> Option<Expression> {
    value.as_ref().and_then(Value::expression)
}

impl WatermarkConf {
    /// The file that is read, where it is the same for every request.
    pub fn fixed_file(&self) -> Option<PathBuf> {
        let name = match &self.source {
            ContentConf::Picture(name) | ContentConf::Text { font: name, .. } => name,
        };
        Some(self.prefix.join(OsStr::from_bytes(name.constant()?)))
    }

    /// What is evaluated for each request.
    pub fn expressions(&self) -> impl Iterator<Item = Expression> {
        let StyleConf { position, offset, opacity, scale, tile, rotate } = self.style;
        let (one, other, size, color) = match self.source {
            ContentConf::Picture(file) => (file, None, None, None),
            ContentConf::Text { text, font, size, color } => {
                (text, Some(font), Some(size), Some(color))
            }
        };
        [
            Some(one),
            other,
            varying(size),
            varying(color),
            varying(position),
            varying(offset),
            varying(opacity),
            varying(scale),
            varying(tile),
            varying(rotate),
        ]
        .into_iter()
        .flatten()
    }

    /// The layer; `None` is one whose variable says that there is none.
    pub fn layer(&self, request: Request<'_>) -> Result<Option<WatermarkSpec>, Error> {
        let (name, text) = match self.source {
            ContentConf::Picture(file) => match evaluate(file, request, NAME)? {
                b"" | b"off" => return Ok(None),
                _ => (file, None),
            },
            ContentConf::Text { text, font, size, color } => {
                let text = match evaluate(text, request, NAME)? {
                    b"" => return Ok(None),
                    text => String::from_utf8_lossy(text).into_owned(),
                };
                let size =
                    size.get_or(SIZE, request, values::text_size, "image_resize_watermark size")?;
                let color =
                    color.get_or(COLOR, request, Color::parse, "image_resize_watermark color")?;
                (font, Some((text, size, color)))
            }
        };
        let file = watermark_cache::stat(self.path(name, request)?)?;
        Ok(Some(WatermarkSpec { file, text, style: self.style.get(request)? }))
    }

    /// The full name of the file.
    fn path(&self, name: Expression, request: Request<'_>) -> Result<Arc<Path>, Error> {
        let name = evaluate(name, request, NAME)?;
        // What a client sends may be in a variable: it must not climb out of the folder.
        let is_astray =
            climbs(name) > self.climbs || name.first() == Some(&b'/') && !self.may_be_absolute;
        if name.is_empty() || name.contains(&0) || is_astray {
            let name = name.escape_ascii();
            return Err(Error::BadParams(format!("{NAME} \"{name}\"")));
        }
        Ok(self.prefix.join(OsStr::from_bytes(name)).into())
    }
}

impl StyleConf {
    fn get(&self, request: Request<'_>) -> Result<WatermarkStyle, Error> {
        fn or<T: Copy>(
            value: Option<Value<T>>,
            default: T,
            request: Request<'_>,
            parse: fn(&[u8]) -> Option<T>,
            name: &str,
        ) -> Result<T, Error> {
            value.map_or(Ok(default), |value| value.get_or(default, request, parse, name))
        }
        let all = WatermarkStyle::default();
        Ok(WatermarkStyle {
            position: or(
                self.position,
                all.position,
                request,
                Position::from_word,
                "image_resize_watermark position",
            )?,
            offset: or(
                self.offset,
                all.offset,
                request,
                values::offset,
                "image_resize_watermark offset",
            )?,
            opacity: or(
                self.opacity,
                all.opacity,
                request,
                Fraction::parse,
                "image_resize_watermark opacity",
            )?,
            scale: match self.scale {
                None => None,
                Some(Value::Fixed(scale)) => Some(scale),
                Some(Value::Expression(scale)) => match evaluate(scale, request, NAME)? {
                    b"" => None,
                    text => {
                        let name = "image_resize_watermark scale";
                        Some(parse_value(text, scale, request, values::scale, name)?)
                    }
                },
            },
            tile: or(self.tile, all.tile, request, parse_flag, "image_resize_watermark tile")?,
            rotate: or(
                self.rotate,
                all.rotate,
                request,
                values::degrees,
                "image_resize_watermark rotate",
            )?,
        })
    }
}
