//! Values of directives: fixed, or evaluated for each request.

use std::num::NonZeroU32;

use image_gate_core::image::{Error, Rotation};

use crate::ngx::Request;
use crate::ngx::conf::{Conf, ConfError, Expression, expect, parse_number, parse_size};
use crate::ngx::incoming::Part;

/// A directive's value: fixed, or an expression over variables.
#[derive(Clone, Copy)]
pub enum Value<T> {
    /// Known from the configuration.
    Fixed(T),
    /// Evaluated for each request.
    Expression(Expression),
}

/// The expression of a value that is not fixed.
pub fn varying<T>(value: Option<Value<T>>) -> Option<Expression> {
    match value {
        Some(Value::Expression(expression)) => Some(expression),
        Some(Value::Fixed(_)) | None => None,
    }
}

/// An argument that may hold variables; a constant one is read now.
pub fn value<T>(
    args: &Conf<'_>,
    text: &[u8],
    parse: fn(&[u8]) -> Option<T>,
    expected: &str,
) -> Result<Value<T>, ConfError> {
    let expression = args.expression(text)?;
    match expression.constant() {
        Some(text) => expect(parse(text), text, format_args!("{expected}")).map(Value::Fixed),
        None => Ok(Value::Expression(expression)),
    }
}

/// A quality: what is above 100 is 100.
pub fn parse_quality(text: &[u8]) -> Option<u8> {
    let quality = parse_number(text).filter(|&quality| quality > 0)?;
    u8::try_from(quality.min(100)).ok()
}

/// A number of bytes; `off` is no bound.
pub fn parse_max_bytes(text: &[u8]) -> Option<Option<u64>> {
    match text {
        b"off" => Some(None),
        size => parse_size(size).filter(|&size| size > 0).map(Some),
    }
}

/// A side of the box; `-` is no bound.
pub fn parse_side(text: &[u8]) -> Option<Option<NonZeroU32>> {
    match text {
        b"-" => Some(None),
        digits => NonZeroU32::new(parse_number(digits)?).map(Some),
    }
}

/// An angle in degrees, counter-clockwise.
pub fn parse_angle(text: &[u8]) -> Option<Rotation> {
    Rotation::from_degrees(parse_number(text)?)
}

impl<T: Copy> Value<T> {
    /// The value for a request.
    pub fn get(
        &self,
        request: Request<'_>,
        parse: fn(&[u8]) -> Option<T>,
        name: &str,
    ) -> Result<T, Error> {
        match self {
            Value::Fixed(value) => Ok(*value),
            Value::Expression(expression) => parse_value(
                evaluate(*expression, request, name)?,
                *expression,
                request,
                parse,
                name,
            ),
        }
    }

    /// The same, but an empty variable means `default`.
    pub fn get_or(
        &self,
        default: T,
        request: Request<'_>,
        parse: fn(&[u8]) -> Option<T>,
        name: &str,
    ) -> Result<T, Error> {
        match self {
            Value::Fixed(value) => Ok(*value),
            Value::Expression(expression) => match evaluate(*expression, request, name)? {
                [] => Ok(default),
                text => parse_value(text, *expression, request, parse, name),
            },
        }
    }
}

/// The text of an expression for a request.
pub fn evaluate<'a>(
    expression: Expression,
    request: Request<'a>,
    name: &str,
) -> Result<&'a [u8], Error> {
    expression
        .evaluate(request)
        .ok_or_else(|| Error::Internal(format!("{name} could not be evaluated")))
}

pub fn parse_value<T>(
    text: &[u8],
    expression: Expression,
    request: Request<'_>,
    parse: fn(&[u8]) -> Option<T>,
    name: &str,
) -> Result<T, Error> {
    parse(text).ok_or_else(|| {
        let reason = format!("{name} \"{}\"", String::from_utf8_lossy(text));
        // What a client sent is the client's fault, anything else that of the configuration.
        if expression.variables().any(is_sent) || is_in_line(request, text) {
            Error::BadParams(reason)
        } else {
            Error::Directive(reason)
        }
    })
}

/// Whether a text is a part of what the client asked for, as what a regular expression captured of
/// it is.
fn is_in_line(request: Request<'_>, text: &[u8]) -> bool {
    let parts = [Part::UnparsedUri, Part::Uri];
    !text.is_empty()
        && parts
            .iter()
            .any(|&part| request.part(part).windows(text.len()).any(|window| window == text))
}

/// Whether a variable of that name holds what a client sent, as it is.
pub fn is_sent(variable: &[u8]) -> bool {
    // nginx looks variables up without regard to case.
    let variable = &variable.to_ascii_lowercase()[..];
    matches!(
        variable,
        b"args" | b"query_string" | b"uri" | b"document_uri" | b"request_uri" | b"request"
    ) || [&b"arg_"[..], b"http_", b"cookie_"].iter().any(|kind| variable.starts_with(kind))
}
