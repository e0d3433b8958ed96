//! What `nginx -t` warns of: settings by which no link is judged, and expiries that nobody signs.

use std::cell::RefCell;
use std::rc::Rc;

use nginx_sys::ngx_conf_t;

use super::conf::{LocConf, MainConf, Method};
use crate::image_resize;
use crate::ngx::conf::{Place, variables};
use crate::ngx::variable;

/// What a location decides, or hands out, by. That they are evaluated is reason enough to have
/// said what a right link is.
const VERDICTS: [&str; 4] = [
    "secure_link_hash",
    "secure_link_hash_key_id",
    "secure_link_hash_reason",
    "secure_link_hash_token",
];

/// The directives that say what a right link is.
const METHODS: [&str; 4] = [
    "secure_link_hash_format",
    "secure_link_hash_md5",
    "secure_link_hash_message",
    "secure_link_hash_secret",
];

/// Variables that hold no expiry, beside those of single arguments, cookies and headers. What is
/// in others is not known here.
const PLAIN: [&[u8]; 11] = [
    b"binary_remote_addr",
    b"document_uri",
    b"host",
    b"https",
    b"is_args",
    b"remote_addr",
    b"request_method",
    b"scheme",
    b"secure_link_hash_prefix",
    b"server_name",
    b"uri",
];

/// Variables that hold all arguments.
const ALL: [&[u8]; 3] = [b"args", b"query_string", b"request_uri"];

/// What the locations were told, until all of them are known.
#[derive(Default)]
pub struct Notes {
    places: RefCell<Vec<Rc<Place>>>,
    /// Those of locations that judge links, and let in whoever has none.
    lenient: RefCell<Vec<Rc<Place>>>,
    /// The messages of which was said that they leave out arguments.
    warned: RefCell<Vec<Rc<Place>>>,
}

impl LocConf {
    /// Looks over a location that is merged. Its own directives are the first `own` of its places.
    pub fn note(&self, own: usize, main: &MainConf, cf: *mut ngx_conf_t) {
        let notes = &main.notes;
        notes.places.borrow_mut().extend(self.places.iter().take(own).cloned());
        let is_on = self.require.is_some_and(|require| require.is_on);
        for place in self.places.iter() {
            let speaks_for_itself = match place.name {
                "secure_link_hash_require" => !is_on,
                "secure_link_hash_lifetime" | "secure_link_hash_strip" => true,
                _ => false,
            };
            if speaks_for_itself {
                place.is_used.set(true);
            }
        }
        if matches!(self.method, Method::None) {
            return;
        }
        if is_on {
            self.places.mark_used();
        } else {
            notes.lenient.borrow_mut().extend(self.places.iter().cloned());
        }
        if matches!(self.method, Method::Mac(..))
            && self.keys.is_none()
            && self.algorithm.unwrap_or_default().name().starts_with("hmac")
            && let Some(place) = self
                .places
                .iter()
                .take(own)
                .find(|place| place.name == "secure_link_hash_message" && place.is_in_location)
        {
            place.warn(
                cf,
                format_args!("all links are refused: there is no \"secure_link_hash_key\""),
            );
        }
        self.warn_of_unsigned(notes, cf);
        let says = |name| self.places.iter().take(own).any(|place| place.name == name);
        if ["secure_link_hash", "secure_link_hash_md5", "secure_link_hash_message"]
            .map(says)
            .contains(&true)
            && self.forgets_expiry()
            && let Some(place) = METHODS.iter().find_map(|name| self.places.get(name))
        {
            place.warn(
                cf,
                format_args!(
                    "the expiry of links is not signed: add \"$secure_link_hash_expires\", or \
                     whoever has a link can make it last"
                ),
            );
        }
    }

    /// Says where a request can choose by its arguments what is made of an image, and the message
    /// leaves them out: such a link is one for pictures of any size.
    fn warn_of_unsigned(&self, notes: &Notes, cf: *mut ngx_conf_t) {
        let (message, name) = match self.method {
            Method::Md5(message) => (message, "secure_link_hash_md5"),
            Method::Mac(message, _) => (message, "secure_link_hash_message"),
            Method::None | Method::Secret(_) | Method::Foreign(..) => return,
        };
        let (Some(place), Some(_)) = (self.places.get(name), self.value) else { return };
        let Some(image) = image_resize::merged(cf) else { return };
        if message.variables().any(|name| ALL.contains(&name)) {
            return;
        }
        for (directive, expression) in image.asked_by() {
            let is_argument = |name: &[u8]| ALL.contains(&name) || name.starts_with(b"arg_");
            let is_signed = |name: &[u8]| message.variables().any(|signed| signed == name);
            let read = expression.variables().find(|name| is_argument(name) && !is_signed(name));
            let Some(read) = read else { continue };
            let mut warned = notes.warned.borrow_mut();
            if !warned.iter().any(|other| Rc::ptr_eq(other, place)) {
                warned.push(place.clone());
                let read = String::from_utf8_lossy(read);
                place.warn(
                    cf,
                    format_args!("\"{directive}\" reads \"${read}\", which it does not sign"),
                );
            }
        }
    }

    /// Whether links have an expiry that is certainly in no message.
    fn forgets_expiry(&self) -> bool {
        let (Method::Md5(message) | Method::Mac(message, _)) = &self.method else { return false };
        let value = self.value.as_ref().map_or(&b""[..], |value| value.text());
        let Some(at) = value.iter().position(|&byte| byte == b',') else { return false };
        let expiry = value.get(at..).unwrap_or_default();
        let holds_none = |name: &[u8]| {
            let is_single =
                [&b"arg_"[..], b"cookie_", b"http_"].iter().any(|kind| name.starts_with(kind));
            (is_single || PLAIN.contains(&name)) && variables(expiry).all(|other| other != name)
        };
        variables(expiry).next().is_some() && message.variables().all(holds_none)
    }
}

/// Warns of what no location goes by, once all are known.
pub fn warn(cf: *mut ngx_conf_t, main: &MainConf) {
    let notes = &main.notes;
    let lenient = notes.lenient.borrow();
    if variable::is_used(cf, &VERDICTS) {
        lenient.iter().for_each(|place| place.is_used.set(true));
    }
    for place in notes.places.borrow().iter().filter(|place| !place.is_used.get()) {
        if lenient.iter().any(|other| Rc::ptr_eq(other, place)) {
            if METHODS.contains(&place.name) {
                place.warn(
                    cf,
                    format_args!(
                        "no request is refused by it: there is neither \
                         \"secure_link_hash_require on\" nor a use of $secure_link_hash"
                    ),
                );
            }
        } else if place.name == "secure_link_hash_require" {
            place.warn(cf, format_args!("nothing says what a right link is: all are refused"));
        } else {
            place.warn(cf, format_args!("has no effect: nothing says what a right link is"));
        }
    }
}
