//! Values of directives: fixed, or evaluated for each request.

use std::fmt::Display;

use image_gate_core::image::Error;

use crate::ngx::Request;
use crate::ngx::conf::{ConfError, DirectiveArgs, Expression, expect};
use crate::ngx::incoming::RequestPart;
use crate::ngx::variable::is_single;

/// A directive's value: fixed, or an expression over variables.
#[derive(Clone, Copy)]
pub enum Value<T> {
    /// Known from the configuration.
    Fixed(T),
    /// Evaluated for each request.
    Expression(Expression),
}

/// An argument that may hold variables; a constant one is read now.
pub fn value<T>(
    args: &DirectiveArgs<'_>,
    text: &[u8],
    parse: impl Fn(&[u8]) -> Option<T>,
    expected: &str,
) -> Result<Value<T>, ConfError> {
    let expression = args.expression(text)?;
    match expression.constant() {
        Some(text) => expect(parse(text), text, format_args!("{expected}")).map(Value::Fixed),
        None => Ok(Value::Expression(expression)),
    }
}

impl<T> Value<T> {
    /// The expression, where it is not fixed.
    pub fn expression(&self) -> Option<Expression> {
        match self {
            Value::Expression(expression) => Some(*expression),
            Value::Fixed(_) => None,
        }
    }
}

impl<T: Copy> Value<T> {
    /// The value for a request; an empty variable means `default`.
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
    name: impl Display,
) -> Result<&'a [u8], Error> {
    expression
        .evaluate(request)
        .ok_or_else(|| Error::Internal(format!("{name} could not be evaluated")))
}

/// What a text that came of an expression stands for.
pub fn parse_value<T>(
    text: &[u8],
    expression: Expression,
    request: Request<'_>,
    parse: impl Fn(&[u8]) -> Option<T>,
    name: impl Display,
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
    let parts = [RequestPart::UnparsedUri, RequestPart::Uri];
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
    ) || is_single(variable)
}

/// A named value at its first `=`.
pub fn split(argument: &[u8]) -> (&[u8], &[u8]) {
    let end = argument.iter().position(|&byte| byte == b'=').unwrap_or(argument.len());
    let (name, rest) = argument.split_at(end);
    (name, rest.get(1..).unwrap_or_default())
}
