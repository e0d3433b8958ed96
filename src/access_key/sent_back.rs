//! Where nginx itself sends a client to is asked for with the key that the client has, though nothing else
//! saw it meanwhile.

use image_gate_core::escapes::{percent_decode_lossy, percent_encode};
use image_gate_core::key::KeySource;
use image_gate_core::key::source::{Edit, MASK, arguments, edit_arguments};

use super::conf::conf;
use super::request_key::RequestKeys;
use crate::ngx::{NoMemory, Request};

/// Puts the keys of the request into the `Location` of a redirect to this server: where they were masked,
/// and where a folder only gets its slash.
///
/// # Errors
/// There is no memory.
pub fn restore(request: Request<'_>) -> Result<(), NoMemory> {
    let request_keys = RequestKeys::find(request);
    let (Some(request_keys), Some(conf)) = (request_keys, conf(&request)) else { return Ok(()) };
    let Some((access, _)) = conf.access() else { return Ok(()) };
    let request_key = request_keys.here(request, conf).ok_or(NoMemory)?;
    request.edit_location(|location| {
        if !location.starts_with(b"/") || location.starts_with(b"//") {
            return None;
        }
        let mut halves = location.splitn(2, |&byte| byte == b'?');
        let path = halves.next().unwrap_or_default();
        let mut args = halves.next().unwrap_or_default().to_vec();
        let gets_slash =
            percent_decode_lossy(path).strip_suffix(b"/").is_some_and(|path| path == request.uri());
        let mut segments: Vec<Vec<u8>> =
            path.split(|&byte| byte == b'/').map(<[u8]>::to_vec).collect();
        for source in &access.sources {
            let Some(credential) = request_keys.credential(request, source) else { continue };
            let key = percent_encode(&credential.key).into_bytes();
            match source {
                KeySource::Argument(name) => {
                    let is_missing = gets_slash && arguments(&args, name).next().is_none();
                    if !is_missing && !arguments(&args, name).any(|value| value == MASK) {
                        continue;
                    }
                    args = edit_arguments(&args, name, Edit::Remove).unwrap_or(args);
                    if !args.is_empty() {
                        args.push(b'&');
                    }
                    args.extend([&percent_encode(name).into_bytes()[..], b"=", &key].concat());
                }
                KeySource::Segment(number) if request_key.segment() == Some(&*credential.key) => {
                    match segments.get_mut(*number) {
                        Some(segment) if segment == MASK => *segment = key,
                        Some(segment) if gets_slash && *segment != key => {
                            segments.insert(*number, key);
                        }
                        Some(_) | None => (),
                    }
                }
                KeySource::Segment(_) | KeySource::Header(_) | KeySource::Cookie(_) => (),
            }
        }
        let mut edited = segments.join(&b'/');
        if !args.is_empty() {
            edited.push(b'?');
            edited.extend(args);
        }
        Some(edited)
    })
}
