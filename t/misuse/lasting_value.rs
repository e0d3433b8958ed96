// error: lifetime may not live long enough
use crate::ngx::Request;
use crate::ngx::conf::Expression;

pub fn keep(expression: Expression, request: Request<'_>) -> Option<&'static [u8]> {
    expression.evaluate(request)
}
