// error[E0521]: borrowed data escapes outside of function
use std::cell::Cell;

use crate::ngx::Request;

thread_local! {
    static KEPT: Cell<Option<Request<'static>>> = const { Cell::new(None) };
}

pub fn keep(request: Request<'_>) {
    KEPT.set(Some(request));
}
