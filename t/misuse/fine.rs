// compiles
use crate::ngx::conf::{Expression, parse_size};
use crate::ngx::event::{OnEvent, Then};
use crate::ngx::{Request, WeakRequest};

enum Tick {}

impl OnEvent for Tick {
    fn handle(request: Request<'_>) -> Then {
        request.resume_later();
        Then::Resume
    }

    fn panicked(_: Request<'_>) -> Then {
        Then::Wait
    }
}

trait ResumeLater {
    fn resume_later(self);
}

impl ResumeLater for Request<'_> {
    fn resume_later(self) {
        if let Ok(tick) = self.event::<Tick>() {
            tick.start_timer(10);
        }
    }
}

pub fn text<'r>(expression: Expression, request: Request<'r>) -> Option<&'r [u8]> {
    expression.evaluate(request)
}

pub fn size(argument: &[u8]) -> Option<u64> {
    parse_size(argument)
}

pub fn later(request: &WeakRequest) -> bool {
    request.with(|request| request.is_main()).unwrap_or(false)
}
