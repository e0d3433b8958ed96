//! `image_resize_hints`: what is heard of a client's screen and connection.

use std::rc::Rc;

use image_gate_core::image::{Hints, Widths};

use super::value::split;
use crate::ngx::Request;
use crate::ngx::conf::{ConfError, DirectiveArgs, expect, once, parse_count};

/// What the directive says.
#[derive(Default)]
pub struct HintsConf {
    pub is_on: bool,
    /// Those that images may have for clients that are left to say; any, where there are none.
    widths: Widths,
    /// Whether there are any.
    has_widths: bool,
    /// The quality over slow connections.
    slow_quality: Option<u8>,
}

impl HintsConf {
    /// Whether widths are listed.
    pub fn has_widths(&self) -> bool {
        self.is_on && self.has_widths
    }

    /// What that client says, or what silence means where there is none; nothing where hints are not
    /// heard.
    pub fn hear(&self, request: Option<Request<'_>>) -> Hints {
        if !self.is_on {
            return Hints::default();
        }
        let said = Hints::read(|name| request?.header(name.as_bytes()), &self.widths);
        Hints { slow_quality: self.slow_quality, ..said }
    }
}

/// Reads the directive.
pub fn set(slot: &mut Option<Rc<HintsConf>>, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let is_on = match (args.arg(0), args.len()) {
        (b"on", _) => true,
        (b"off", 1) => false,
        (word, _) => {
            return expect(None, word, format_args!("on, with widths= and quality=, or off"));
        }
    };
    let (mut widths, mut slow_quality) = (None, None);
    for argument in args.rest(1) {
        match split(argument) {
            (b"widths", list) => {
                let list = Widths::parse(list);
                let form = format_args!("widths= with numbers above 0 and commas between them");
                once(&mut widths, expect(list, argument, form)?)?;
            }
            (b"quality", number) => {
                let number = parse_count(number).and_then(|number| u8::try_from(number).ok());
                let number = number.filter(|number| (1..=100).contains(number));
                let number = expect(number, argument, format_args!("quality= from 1 to 100"))?;
                once(&mut slow_quality, number)?;
            }
            _ => return expect(None, argument, format_args!("widths= or quality=")),
        }
    }
    let (has_widths, widths) = (widths.is_some(), widths.unwrap_or_default());
    once(slot, Rc::new(HintsConf { is_on, widths, has_widths, slow_quality }))
}
