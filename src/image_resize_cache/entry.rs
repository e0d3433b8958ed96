//! What a look-up has found: read, and sent.

use image_gate_core::cache::{Head, Made, hidden};
use nginx_sys::{NGX_HTTP_INTERNAL_SERVER_ERROR, NGX_HTTP_PRECONDITION_FAILED, ngx_int_t};

use super::conf::LocConf;
use crate::image_resize::keep::{self, Trouble};
use crate::ngx::cache::Expired;
use crate::ngx::{NoMemory, Request};

const FAILED: ngx_int_t = NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t;

/// What a look-up has found, if it is whole.
pub fn read<'r>(request: Request<'r>) -> Option<(Head<'r>, Made)> {
    let found = request.found()?;
    Head::decode(found.head)
        .filter(|(head, made)| made.len == found.len && keep::is_made_as_now(request, head, made))
}

/// Sends it, behind the headers that were set. Returns what a content handler returns.
pub fn send(request: Request<'_>) -> ngx_int_t {
    // nginx compares tags by their letters, also where only strong ones may match (RFC 9110, section 13.1.1).
    let is_weak = request.etag().is_some_and(|tag| tag.starts_with(b"W/"));
    if is_weak && request.if_match().is_some_and(|listed| listed.trim_ascii() != b"*") {
        request.clean_headers();
        return NGX_HTTP_PRECONDITION_FAILED as ngx_int_t;
    }
    request.found().map_or(FAILED, |found| request.send_found(found))
}

/// A result whose time is over.
pub struct Old {
    pub head: Head<'static>,
    pub made: Made,
    /// Whether its source said that it may go out while it is asked for anew.
    while_updating: bool,
    /// Whether it may where that fails.
    if_error: bool,
    /// Whether its source has become something else, and nothing stands in for that.
    is_superseded: bool,
}

impl Old {
    /// What a look-up has found to be expired, if it is whole.
    pub fn read(request: Request<'_>) -> Option<Old> {
        let (head, made) = read(request)?;
        let Expired { while_updating, if_error, is_superseded, .. } = request.expired()?;
        let head = head.into_owned();
        Some(Old { head, made, while_updating, if_error, is_superseded })
    }

    /// The headers that the source came with.
    pub fn headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let shown = self.head.headers.iter().map(|(name, value)| (&**name, &**value));
        shown.chain(hidden(&self.head.hidden))
    }

    /// Whether it goes out while it is made anew.
    pub fn goes_out_meanwhile(&self, conf: &LocConf) -> bool {
        !self.is_superseded && (self.while_updating || conf.stale().while_updating())
    }

    /// Whether it goes out in some trouble or other.
    pub fn may_stand_in(&self, conf: &LocConf) -> bool {
        !self.is_superseded && (self.if_error || conf.stale().is_for_errors())
    }

    /// Whether it goes out in that trouble.
    pub fn stands_in(&self, conf: &LocConf, trouble: Trouble) -> bool {
        // What a source can say of errors is about those of servers.
        let is_said = self.if_error && trouble.status >= NGX_HTTP_INTERNAL_SERVER_ERROR as usize;
        !self.is_superseded && (is_said || conf.stale().covers(trouble))
    }

    /// Answers with it. Returns what a content handler returns.
    pub fn answer(&self, request: Request<'_>) -> ngx_int_t {
        match keep::restore(request, &self.head, &self.made) {
            Ok(()) => send(request),
            Err(NoMemory) => FAILED,
        }
    }
}
