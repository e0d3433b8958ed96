//! Lines of the error log that are changed before they are written.

use nginx_sys::ngx_http_request_t;

use super::guard::catch;
use super::{Request, shim};

/// What changes the lines of the error log that speak of a request.
pub trait Censor: 'static {
    /// The line as it is to be written, if it is to be another; one that has all the `room` that there is was cut. It may
    /// use no memory of the request, and write no line itself.
    fn censor(request: Request<'_>, line: &[u8], room: usize) -> Option<Vec<u8>>;
}

/// Has `C` look at each line of the error log about this request from now on.
pub fn censor<C: Censor>(request: Request<'_>) {
    // SAFETY: alive, and on the event loop; the shim calls the function for a live request.
    unsafe { shim::ig_request_censor(request.as_ptr(), censored::<C>) }
}

unsafe extern "C" fn censored<C: Censor>(
    r: *mut ngx_http_request_t,
    start: *mut u8,
    end: *mut u8,
    last: *mut u8,
) -> *mut u8 {
    // SAFETY: the shim's buffer begins with the line, is written up to `end`, and ends at `last`;
    // the request is alive.
    unsafe {
        let (Ok(written), Ok(room)) =
            (usize::try_from(end.offset_from(start)), usize::try_from(last.offset_from(start)))
        else {
            return end;
        };
        let line = std::slice::from_raw_parts(start, written);
        let Some(request) = Request::new(r) else { return end };
        // What can't be looked at is not written.
        match catch(|| C::censor(request, line, room)).unwrap_or_else(|| Some(b"***".to_vec())) {
            None => end,
            Some(line) => {
                let len = line.len().min(room);
                start.copy_from_nonoverlapping(line.as_ptr(), len);
                start.add(len)
            }
        }
    }
}
