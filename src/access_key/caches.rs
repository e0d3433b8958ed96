//! What came with a key that the address does not show is for whoever has the key: caches that
//! clients share tell requests apart by their address, and of all headers they only know of
//! `Authorization` that it decides what is answered (RFC 9111, section 3.5). So it holds here for
//! any header and for cookies: they keep such an answer only where it says so itself.

use nginx_sys::{NGX_HTTP_BAD_REQUEST, ngx_uint_t};

use super::conf::AccessKey;
use super::request_key::{KeyStatus, RequestKeys};
use crate::ngx::filter::{self, LastHeaders};
use crate::ngx::module::Hooks;
use crate::ngx::{NoMemory, Parser, Reported, Request};

/// The module of nginx that stands where all headers are known.
pub enum AccessKeyFilter {}

impl Hooks for AccessKeyFilter {
    fn before(_: Parser<'_>) -> Result<(), Reported> {
        Ok(())
    }

    fn after(parser: Parser<'_>) -> Result<(), Reported> {
        if parser.main::<AccessKey>().is_some_and(|main| !main.zones.is_empty()) {
            filter::install_last::<PrivateAnswers>();
        }
        Ok(())
    }
}

enum PrivateAnswers {}

impl LastHeaders for PrivateAnswers {
    fn finish(request: Request<'_>) -> Result<(), NoMemory> {
        let Some(request_keys) = RequestKeys::find(request) else { return Ok(()) };
        // Without a key, another rule let the request in, and what that says holds. An error page may
        // have any status.
        let is_error = request.logged_status() >= NGX_HTTP_BAD_REQUEST as ngx_uint_t;
        let is_private = request_keys.all().iter().any(|request_key| {
            let is_refused = request_key.is_refused.get() && request.may_be_error_page();
            let has_key = request_key.key_status != KeyStatus::Missing;
            request_key.is_unseen && (is_error || is_refused || has_key)
        });
        if !is_private {
            return Ok(());
        }
        request.add_unless("Cache-Control", "private", says_who_keeps_it)
    }
}

/// Whether a directive of `Cache-Control` says whether shared caches may keep an answer: all of it, and not
/// only some headers, as `private="Set-Cookie"` does (RFC 9111, section 5.2.2.7).
fn says_who_keeps_it(directive: &[u8]) -> bool {
    let mut parts = directive.splitn(2, |&byte| byte == b'=');
    let name = parts.next().unwrap_or_default().trim_ascii();
    let names: [&[u8]; 3] = match parts.next() {
        None => [b"public", b"private", b"no-store"],
        Some(_) => [b"s-maxage"; 3],
    };
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}
