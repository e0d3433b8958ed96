// error[E0507]: cannot move out of `*event` which is behind a shared reference
use crate::ngx::Request;
use crate::ngx::event::{Event, OnEvent, Then};

pub enum Tick {}

impl OnEvent for Tick {
    fn handle(_: Request<'_>) -> Then {
        Then::Wait
    }

    fn panicked(_: Request<'_>) -> Then {
        Then::Wait
    }
}

pub fn take(request: Request<'_>) -> Option<Event<Tick>> {
    let event = request.event::<Tick>().ok()?;
    event.start_timer(10);
    Some(*event)
}
