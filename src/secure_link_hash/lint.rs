//! What `nginx -t` warns of: settings by which no link is judged, and parts of links that nobody
//! signs.

use std::rc::Rc;

use image_gate_core::image::{Setting, Words as _};
use image_gate_core::link::{Key, ThirdPartyFormat};
use nginx_sys::ngx_uint_t;

use super::conf::{
    LinkFormatConf, LocConf, MainConf, Method, NamedLocation, Notes, Question, UnsignedArgs,
};
use super::images::{self, ADDRESS, ALL};
use crate::image_resize::ImageResize;
use crate::ngx::Parser;
use crate::ngx::captures::{Capture, beginning, captures};
use crate::ngx::conf::{Expression, Place, Term, terms, variables};
use crate::ngx::location::{self, Condition, Found, Order, Server};
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
    b"server_name",
    b"uri",
    ADDRESS,
];

/// Variables that begin with a slash, as long as nothing rewrites them to something odd.
const PATHS: [&[u8]; 4] = [b"document_uri", b"request_uri", b"uri", ADDRESS];

/// Variables without a slash.
const SLASHLESS: [&[u8]; 10] = [
    b"host",
    b"http_host",
    b"remote_addr",
    b"request_method",
    b"scheme",
    EXPIRES,
    EXPIRES_OF_NGINX,
    b"server_addr",
    b"server_name",
    b"server_port",
];

/// Other variables that nginx has, and that tell nothing of a link.
const OF_NGINX: [&[u8]; 11] = [
    b"content_length",
    b"content_type",
    b"document_root",
    b"hostname",
    b"invalid_referer",
    b"realpath_root",
    b"remote_user",
    b"request_filename",
    b"request_length",
    b"server_protocol",
    b"ssl_protocol",
];

/// What the argument with a token is usually called.
const TOKENS: [&[u8]; 7] = [b"hash", b"hmac", b"md5", b"sig", b"sign", b"signature", b"token"];

/// Variables of one client, which it can't choose freely.
const ADDRESSES: [&[u8]; 2] = [b"binary_remote_addr", b"remote_addr"];

/// The variable that is a `?` or nothing.
const IS_ARGS: &[u8] = b"is_args";

const EXPIRES: &[u8] = b"secure_link_hash_expires";

/// What nginx's own `secure_link` calls the expiry.
const EXPIRES_OF_NGINX: &[u8] = b"secure_link_expires";

/// What a link comes to.
struct Verdict {
    /// `$secure_link_hash`.
    value: &'static [u8],
    /// `$secure_link_hash_reason`.
    reason: &'static [u8],
    /// What such links are.
    kind: &'static str,
}

impl Verdict {
    /// Whether that is so of it.
    fn meets(&self, condition: &Condition<'_>) -> bool {
        let text = match condition.name {
            b"secure_link_hash" => self.value,
            _ => self.reason,
        };
        match condition.order {
            Order::None => !matches!(text, b"" | b"0"),
            Order::Equal => text == condition.text,
            Order::Unequal => text != condition.text,
            Order::Regex => false,
        }
    }
}

const RIGHT: Verdict = Verdict { value: b"1", reason: b"ok", kind: "are right" };

/// Those of which a configuration may let in one and not the others.
const WRONG: [Verdict; 4] = [
    Verdict { value: b"", reason: b"missing", kind: "are not signed" },
    Verdict { value: b"", reason: b"mismatch", kind: "are signed for something else" },
    Verdict { value: b"", reason: b"malformed", kind: "are not written as they must be" },
    Verdict { value: b"0", reason: b"expired", kind: "have expired" },
];

/// The condition, as it is written.
fn shown(condition: &Condition<'_>) -> String {
    let [name, text] = [condition.name, condition.text].map(String::from_utf8_lossy);
    match condition.order {
        Order::None | Order::Regex => format!("if (${name})"),
        Order::Equal => format!("if (${name} = \"{text}\")"),
        Order::Unequal => format!("if (${name} != \"{text}\")"),
    }
}

/// Whether whoever asks for something knows the value of a variable, so that it keeps no secret.
fn is_public(name: &[u8]) -> bool {
    PLAIN.contains(&name)
        || ALL.contains(&name)
        || SLASHLESS.contains(&name)
        || variable::is_single(name)
        || variable::is_number(name)
}

/// Whether nothing in a text that tokens are made of can be a secret.
fn has_no_secret(message: Expression) -> bool {
    terms(message.text()).all(|term| match term {
        Term::Text(text) => text.iter().all(|byte| byte.is_ascii_punctuation() || *byte == b' '),
        Term::Variable(name) => is_public(name),
    })
}

/// Whether links of a format leave arguments unsigned.
fn leaves_args(format: ThirdPartyFormat) -> bool {
    use ThirdPartyFormat::{Cloudflare, Cloudfront, Imgix};
    !matches!(format, Cloudflare | Cloudfront | Imgix)
}

/// Whether two variables side by side in what is signed can be told apart: two requests may else
/// come to one text, and so have one token.
fn is_told_apart(one: &[u8], other: &[u8], is_md5: bool) -> bool {
    one == IS_ARGS
        || other == IS_ARGS
        || SLASHLESS.contains(&one) && PATHS.contains(&other)
        // nginx's own documentation of `secure_link_md5` has them touch.
        || is_md5 && ADDRESSES.contains(&other)
}

/// The first two variables of a message that touch.
fn touching(message: Expression, is_md5: bool) -> Option<(String, String)> {
    let mut last: Option<&[u8]> = None;
    for term in terms(message.text()) {
        let Term::Variable(name) = term else {
            last = None;
            continue;
        };
        if let Some(one) = last.filter(|one| !is_told_apart(one, name, is_md5)) {
            let [one, other] = [one, name].map(|name| String::from_utf8_lossy(name).into_owned());
            return Some((one, other));
        }
        last = Some(name);
    }
    None
}

const MD5: &str = "secure_link_hash_md5";

/// Directives that only some ways of telling right links go by.
const KEYED: [&str; 4] = [
    "secure_link_hash_algorithm",
    "secure_link_hash_encoding",
    "secure_link_hash_key",
    "secure_link_hash_prefix",
];
const UNSIGNED: &str = "secure_link_hash_unsigned_args";
const MAX_AGE: &str = "secure_link_hash_max_age";

impl LocConf {
    /// What is signed, where the configuration says that, and the directive that does.
    fn message(&self) -> Option<(Expression, &'static str)> {
        match self.method {
            Method::Md5(message) => Some((message, MD5)),
            Method::Mac(message, _) => Some((message, "secure_link_hash_message")),
            Method::None | Method::Secret(_) | Method::ThirdParty(..) => None,
        }
    }

    /// The text of `secure_link_hash`: what tells token and expiry.
    fn value_text(&self) -> &[u8] {
        self.value.as_ref().map_or(&[], Expression::text)
    }

    /// Looks over a location that is merged. Its own directives are the first `own` of its places.
    pub fn lint(&self, own: usize, main: &MainConf, parser: Parser<'_>) {
        let notes = &main.notes;
        if self.lifetime.is_some() {
            notes.has_lifetime.set(true);
        }
        self.note_location(notes, parser);
        let mut places = notes.places.borrow_mut();
        places.extend(self.places.iter().take(own).cloned());
        // That of `http` is no location's own.
        if let Some(place) = self.places.get("secure_link_hash_require")
            && !places.iter().any(|other| Rc::ptr_eq(other, place))
        {
            places.push(place.clone());
        }
        drop(places);
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
            if let Some((place, Some(name))) =
                self.refusing_place("secure_link_hash_require", own, parser)
            {
                notes.wanting.borrow_mut().push((place.clone(), name));
            }
            return;
        }
        if is_on {
            self.places.mark_used();
        } else if !location::is_nameless(parser) {
            if self.places.iter().take(own).any(|place| place.name == "secure_link_hash_require") {
                // Whoever says "off" means it.
                self.places.iter().take(own).for_each(|place| place.is_used.set(true));
            }
            let lenient = if self.decides(parser) { &notes.deciding } else { &notes.lenient };
            lenient.borrow_mut().extend(self.places.iter().cloned());
            self.warn_of_half(notes, parser);
        }
        let own_place = |name: &str| {
            let mut places = self.places.iter().take(own);
            places.find(|place| place.name == name && place.is_in_location)
        };
        self.warn_of_value(own, notes, &own_place, parser);
        self.warn_of_kept(&own_place, parser);
        self.warn_of_own(notes, parser);
        self.warn_of_format(own, notes, parser);
        if matches!(self.method, Method::Mac(..))
            && self.keys.is_none()
            && self.algorithm.unwrap_or_default().name().starts_with("hmac")
        {
            let reason = "there is no \"secure_link_hash_key\"";
            self.warn_of_refused("secure_link_hash_message", own, notes, parser, reason);
        }
        if self.max_age.is_none()
            && let Some(LinkFormatConf::ThirdParty(format, ..)) = self.links
            && format.is_dated()
        {
            let reason = format!(
                "those of {} only say when they were made, and there is no \"{MAX_AGE}\"",
                format.name()
            );
            self.warn_of_refused("secure_link_hash_format", own, notes, parser, &reason);
        }
        self.warn_of_inert(own, parser);
        self.warn_of_message(own, parser);
        self.warn_of_unsigned(notes, parser);
        if is_on {
            self.warn_of_allowed(notes, parser);
        }
        let says = |name| self.places.iter().take(own).any(|place| place.name == name);
        if ["secure_link_hash", "secure_link_hash_md5", "secure_link_hash_message"]
            .map(says)
            .contains(&true)
            && self.forgets_expiry()
            && let Some(place) = METHODS.iter().find_map(|name| self.places.get(name))
        {
            place.warn(
                parser,
                format_args!(
                    "the expiry of links is not signed: add \"$secure_link_hash_expires\", or \
                     whoever has a link can make it last"
                ),
            );
        }
    }

    /// A directive that has all links refused in the location that is merged, if it stands in a location; with
    /// how that is called where it is one of those below that go by it.
    fn refusing_place(
        &self,
        name: &str,
        own: usize,
        parser: Parser<'_>,
    ) -> Option<(&Rc<Place>, Option<String>)> {
        let place = self.places.get(name)?;
        if self.places.iter().take(own).any(|own| Rc::ptr_eq(own, place)) {
            return place.is_in_location.then_some((place, None));
        }
        let found = Found::current(parser).filter(|found| !found.is_internal())?;
        let is_sought = self.is_required() && !location::asks_by_itself(parser);
        is_sought.then(|| (place, Some(found.shown())))
    }

    /// Warns of such a directive, of each once.
    fn warn_of_refused(
        &self,
        name: &str,
        own: usize,
        notes: &Notes,
        parser: Parser<'_>,
        reason: &str,
    ) {
        match self.refusing_place(name, own, parser) {
            None => {}
            Some((place, None)) => {
                place.warn(parser, format_args!("all links are refused: {reason}"));
            }
            Some((place, Some(name))) => notes.refusing.warn(
                place,
                parser,
                format_args!("all links are refused in \"{name}\": {reason}"),
            ),
        }
    }

    /// Where it is said that links have to be right, or else what a right one is where an `if` asks for
    /// that.
    pub fn guard_place(&self, is_judged: bool) -> Option<&Rc<Place>> {
        if self.is_required() {
            return self.places.get("secure_link_hash_require");
        }
        METHODS.iter().find_map(|name| self.places.get(name)).filter(|_| is_judged)
    }

    /// Whether a location says that links need not be right there.
    pub fn is_left_open(&self) -> bool {
        let place = self.places.get("secure_link_hash_require");
        !self.is_required() && place.is_some_and(|place| place.is_in_location)
    }

    /// Whether anything may become of the verdict on a link in the location that is merged: what is not
    /// known is taken for something that goes by it. A log and a header of the answer do not.
    fn decides(&self, parser: Parser<'_>) -> bool {
        let captured: Vec<_> =
            location::regex(parser).and_then(captures).into_iter().flatten().collect();
        let may_tell = |name: &[u8]| {
            !(is_public(name)
                || ALL.contains(&name)
                || OF_NGINX.contains(&name)
                || captured.iter().any(|captured| captured.is_called(name)))
        };
        let image = parser.location::<ImageResize>();
        location::has_handler(parser)
            || location::may_leave(parser)
            || location::has_limits(parser)
            || location::has_programs(parser)
            || location::auth_request(parser).is_some()
            || location::conditions(parser).any(|asked| asked.is_unknown() || may_tell(asked.name))
            || variables(location::root_text(parser).1).any(may_tell)
            || image.is_some_and(|image| {
                image.asked_by().any(|(_, read)| read.variables().any(may_tell))
            })
    }

    /// Warns where what `if`s refuse is not all that a wrong link comes to.
    fn warn_of_half(&self, notes: &Notes, parser: Parser<'_>) {
        use ThirdPartyFormat::{Imgproxy, Thumbor};
        let may_expire = match self.links {
            Some(LinkFormatConf::ThirdParty(format, ..)) => !matches!(format, Imgproxy | Thumbor),
            _ => self.value_text().contains(&b','),
        };
        let Some(place) = METHODS.iter().find_map(|name| self.places.get(name)) else { return };
        let mut asked = Vec::new();
        for condition in location::conditions(parser) {
            match condition.name {
                b"secure_link_hash" | b"secure_link_hash_reason"
                    if condition.refuses && condition.order != Order::Regex =>
                {
                    asked.push(condition);
                }
                name if !condition.is_unknown()
                    && (is_public(name) || OF_NGINX.contains(&name)) => {}
                _ => return,
            }
        }
        let refused = |verdict: &Verdict| asked.iter().any(|condition| verdict.meets(condition));
        let Some(first) = asked.first() else { return };
        let is_possible = |verdict: &&Verdict| may_expire || verdict.value != b"0";
        if refused(&RIGHT) {
            notes.warned.warn(
                place,
                parser,
                format_args!(
                    "\"{}\" refuses right links: write \"secure_link_hash_require on\", or \"if \
                     ($secure_link_hash != 1)\"",
                    shown(first)
                ),
            );
        } else if let Some(passed) =
            WRONG.iter().filter(is_possible).find(|&verdict| !refused(verdict))
        {
            let Verdict { kind, value, .. } = passed;
            notes.warned.warn(
                place,
                parser,
                format_args!(
                    "\"{}\" lets links in that {kind}, for which it is \"{}\": write \
                     \"secure_link_hash_require on\", or \"if ($secure_link_hash != 1)\"",
                    shown(first),
                    String::from_utf8_lossy(match first.name {
                        b"secure_link_hash" => value,
                        _ => passed.reason,
                    })
                ),
            );
        }
    }

    /// Warns where a part of a link is taken out of the request, and its token is not.
    fn warn_of_kept<'a>(
        &'a self,
        own_place: &dyn Fn(&str) -> Option<&'a Rc<Place>>,
        parser: Parser<'_>,
    ) {
        let (Some(names), Some(place)) = (&self.strip, own_place("secure_link_hash_strip")) else {
            return;
        };
        let (Some(_), Some(token)) = (self.message(), self.token_argument()) else { return };
        let is_stripped = |own: &[u8]| names.iter().any(|name| name.eq_ignore_ascii_case(own));
        let is_slip = |name: &Vec<u8>| {
            let name = name.to_ascii_lowercase();
            name.starts_with(b"arg_") || TOKENS.contains(&name.as_slice())
        };
        let others = self.own_arguments().any(is_stripped) || names.iter().any(is_slip);
        if !is_stripped(token) && others {
            let token = String::from_utf8_lossy(token);
            place.warn(
                parser,
                format_args!(
                    "the token stays in the request, which is the argument \"{token}\": add it"
                ),
            );
        }
    }

    /// Notes the location for [`warn_of_questions`].
    fn note_location(&self, notes: &Notes, parser: Parser<'_>) {
        let Some(server) = Server::current(parser) else { return };
        if let Some(location) = location::current(parser) {
            notes.locations.borrow_mut().push(NamedLocation {
                server,
                name: location.name.to_vec(),
                is_exact: location.is_exact,
                guard: self.guard(),
                place: self.places.get("secure_link_hash_require").cloned(),
            });
        }
        if let Some(uri) = location::auth_request(parser) {
            let (uri, guard) = (uri.to_vec(), self.guard());
            notes.questions.borrow_mut().push(Question { server, uri, guard });
        }
    }

    /// Warns of what is said, or not, of where token and expiry are.
    fn warn_of_value<'a>(
        &'a self,
        own: usize,
        notes: &Notes,
        own_place: &dyn Fn(&str) -> Option<&'a Rc<Place>>,
        parser: Parser<'_>,
    ) {
        let Some((_, name)) = self.message() else { return };
        let Some(value) = self.value else {
            if self.is_required() {
                let reason = "there is no \"secure_link_hash\", which says where the token is";
                self.warn_of_refused(name, own, notes, parser, reason);
            }
            return;
        };
        let Some(place) = own_place("secure_link_hash") else { return };
        if value.constant().is_some() {
            let text = String::from_utf8_lossy(value.text());
            place.warn(
                parser,
                format_args!("\"{text}\" holds no variable, so it is the token of every link"),
            );
        } else if value.variables().count() > 1
            && let Some(Term::Text(between)) = terms(value.text()).nth(1)
            && between.starts_with(b",")
            && between.contains(&b' ')
        {
            let reason = "all links are refused: behind the comma there has to be no space";
            place.warn(parser, format_args!("{reason}"));
        } else if value.variables().count() > 1
            && let Some(Term::Text(between)) = terms(value.text()).nth(1)
            && (between == b" "
                || !value.text().contains(&b',') && value.variables().skip(1).any(is_expiry))
        {
            let reason = "between token and expiry there has to be a comma, and no space";
            place.warn(parser, format_args!("{reason}"));
        } else {
            let mut names = value.variables();
            let are_swapped = names.next().is_some_and(is_expiry)
                && names.next().is_some_and(|name| !is_expiry(name));
            if are_swapped {
                let reason = "the token stands first, and then a comma and the expiry";
                place.warn(parser, format_args!("{reason}"));
            } else if let Some(name) = self.unread_expiry(parser) {
                place.warn(
                    parser,
                    format_args!(
                        "links never expire, though \"${name}\" is signed: write where the expiry is \
                         behind the token and a comma"
                    ),
                );
            }
        }
    }

    /// The argument that the token is in.
    fn token_argument(&self) -> Option<&[u8]> {
        let token = self.value_text().split(|&byte| byte == b',').next()?;
        variables(token).find_map(|name| name.strip_prefix(b"arg_"))
    }

    /// Warns of what is signed where that holds the token, and where a link for a folder is bound to one
    /// file.
    fn warn_of_own(&self, notes: &Notes, parser: Parser<'_>) {
        let Some((message, name)) = self.message() else { return };
        let (Some(place), Some(_)) = (self.places.get(name), self.value) else { return };
        let holds_token =
            |name: &&[u8]| matches!(*name, b"args" | b"query_string" | b"request_uri");
        if let Some(read) = message.variables().find(holds_token)
            && let Some(own) = self.token_argument()
        {
            let [read, own] = [read, own].map(String::from_utf8_lossy);
            let address = String::from_utf8_lossy(ADDRESS);
            notes.warned.warn(place,
                parser,
                format_args!(
                    "all links are refused: \"${read}\" holds the token, as \"{own}\" is an argument: \
                     write \"${address}\""
                ),
            );
        } else if self.prefix == Some(true)
            && let Some(read) = message.variables().find(|name| PATHS.contains(name))
        {
            let read = String::from_utf8_lossy(read);
            notes.warned.warn(place,
                parser,
                format_args!(
                    "\"${read}\" is in it, so that a link is for one file, and not for all below its \
                     prefix: take it away"
                ),
            );
        }
    }

    /// Warns of what does not fit the links of others.
    fn warn_of_format(&self, own: usize, notes: &Notes, parser: Parser<'_>) {
        let Some(LinkFormatConf::ThirdParty(format, ..)) = self.links else { return };
        let own_place = |name: &str| self.places.iter().take(own).find(|place| place.name == name);
        if let Some(place) = own_place("secure_link_hash_message") {
            notes.idle.borrow_mut().push(place.clone());
        }
        let name = format.name();
        if let Some(place) = self.places.get("secure_link_hash_key")
            && let Some(reason) = self.odd_key(format)
        {
            notes.warned.warn(place, parser, format_args!("{reason}"));
        }
        let Some(dialect) = self.signing_dialect() else { return };
        let image = parser.location::<ImageResize>();
        if self.is_required()
            && let Some(regex) = location::regex(parser)
            && let start = beginning(regex)
            && let [b"", first, _, ..] = &start.split(|&byte| byte == b'/').collect::<Vec<_>>()[..]
            && !first.is_empty()
            && let Some(place) = own_place("secure_link_hash_format")
                .or_else(|| own_place("secure_link_hash_require"))
        {
            let (first, start) = (String::from_utf8_lossy(first), String::from_utf8_lossy(&start));
            place.warn(
                parser,
                format_args!(
                    "all links are refused: \"{first}\" stands where {name} has the signature, as no \
                     regular expression is a part of the path that is left out: write \"location {start}\""
                ),
            );
        }
        if let Some(place) = self.places.get("secure_link_hash_format")
            && let Some(read) = image.and_then(|image| image.dialect())
            && read != dialect
        {
            let read = read.word();
            notes.warned.warn(
                place,
                parser,
                format_args!(
                    "a link has a signature of {name} before its path, which \"image_resize_url \
                     {read}\" takes for a part of that"
                ),
            );
        }
    }

    /// What keys are not, of what those who sign links of others take them for.
    fn odd_key(&self, format: ThirdPartyFormat) -> Option<&'static str> {
        use ThirdPartyFormat::{Akamai, Google, Imgproxy};
        let any =
            |is_so: &dyn Fn(&Key) -> bool| self.keys.iter().flat_map(|keys| keys.iter()).any(is_so);
        let is_hex = |key: &Key| is_hexadecimal(&key.secret) || is_hexadecimal(&key.salt);
        match format {
            Imgproxy if any(&is_hex) => {
                Some("imgproxy reads its keys as hexadecimal: write \"hex:\" before it")
            }
            Imgproxy if any(&|key| key.salt.is_empty()) => {
                Some("there is no \"salt=\", and imgproxy signs with one")
            }
            Akamai if any(&|key| is_hexadecimal(&key.secret)) => {
                Some("akamai reads its keys as hexadecimal: write \"hex:\" before it")
            }
            Google if any(&|key| is_base64(&key.secret)) => {
                Some("google reads its keys as base64: write \"base64:\" before it")
            }
            Google if any(&|key| key.id.is_empty()) => {
                Some("there is no \"id=\", and links of google name their key")
            }
            _ => None,
        }
    }

    /// Warns of directives of this location that its links do not go by.
    fn warn_of_inert(&self, own: usize, parser: Parser<'_>) {
        let (has_salts, is_dated) = match self.links {
            Some(LinkFormatConf::ThirdParty(format, ..)) => (format.has_salt(), format.is_dated()),
            Some(LinkFormatConf::Plain) | None => (false, false),
        };
        let takes_algorithm = match (self.links, self.algorithm) {
            (Some(LinkFormatConf::ThirdParty(format, ..)), Some(algorithm)) => {
                format.takes_algorithm(algorithm)
            }
            _ => false,
        };
        let says_nothing = |name: &str| match self.method {
            Method::None => false,
            Method::Secret(_) | Method::Md5(_) => {
                KEYED.contains(&name) || [UNSIGNED, MAX_AGE].contains(&name)
            }
            Method::Mac(..) => [UNSIGNED, MAX_AGE].contains(&name),
            Method::ThirdParty(..) => {
                name == "secure_link_hash_algorithm" && !takes_algorithm
                    || name == MAX_AGE && !is_dated
                    || name == "secure_link_hash_prefix" && self.prefix == Some(true)
            }
        };
        let reads_images = parser
            .location::<ImageResize>()
            .is_some_and(|image| image.reads_links() || image.asked_by().next().is_some());
        let is_salted =
            || self.keys.iter().flat_map(|keys| keys.iter()).any(|key| !key.salt.is_empty());
        for place in self.places.iter().take(own).filter(|place| place.is_in_location) {
            let is_of_images = place.name == UNSIGNED && reads_images;
            if says_nothing(place.name) && !(is_of_images && self.message().is_some()) {
                place.warn(parser, format_args!("has no effect on links of this kind"));
            } else if place.name == "secure_link_hash_key" && !has_salts && is_salted() {
                let reason = "only links of imgproxy and akamai have a salt";
                place.warn(parser, format_args!("{reason}"));
            }
        }
    }

    /// Warns of what is wrong with the text that is signed.
    fn warn_of_message(&self, own: usize, parser: Parser<'_>) {
        let Some((message, name)) = self.message() else { return };
        let says = |name| self.places.iter().take(own).find(|place| place.name == name);
        if let Some(place) = says(name) {
            if let Some((one, other)) = touching(message, name == MD5) {
                place.warn(
                    parser,
                    format_args!(
                        "\"${one}\" and \"${other}\" touch: other values of both make the same \
                         text; write something between them"
                    ),
                );
            }
            let is_keyless = self.keys.is_none()
                && !self.algorithm.unwrap_or_default().name().starts_with("hmac");
            if (name == MD5 || is_keyless) && self.value.is_some() && has_no_secret(message) {
                place.warn(
                    parser,
                    format_args!(
                        "there is no secret in it, so anybody can make links: add one, best by \
                         \"secure_link_hash_message\" and \"secure_link_hash_key\""
                    ),
                );
            }
            if message.variables().any(|name| name == EXPIRES_OF_NGINX) && !has_secure_link(parser)
            {
                place.warn(
                    parser,
                    format_args!(
                        "\"$secure_link_expires\" is empty without \"secure_link\", so the expiry \
                         is not signed: write \"$secure_link_hash_expires\""
                    ),
                );
            }
            let is_one_file = location::current(parser).is_some_and(|location| location.is_exact);
            if self.prefix != Some(true) && !is_one_file && self.forgets_path(message) {
                place.warn(
                    parser,
                    format_args!(
                        "what is asked for is not signed: add \"$uri\", or whoever has one link \
                         has all"
                    ),
                );
            }
        }
        let place = says("secure_link_hash_not_before").or_else(|| says(name));
        if let (Some(not_before), Some(place)) = (self.not_before, place)
            && !message.variables().any(|name| ALL.contains(&name))
            && let Some(read) = not_before.variables().find(|read| {
                read.starts_with(b"arg_") && message.variables().all(|name| name != *read)
            })
        {
            let read = String::from_utf8_lossy(read);
            place.warn(
                parser,
                format_args!("\"${read}\" is not signed: whoever has a link can use it before"),
            );
        }
    }

    /// Whether nothing that is signed tells one file from another.
    fn forgets_path(&self, message: Expression) -> bool {
        let value = self.value_text();
        terms(message.text()).all(|term| match term {
            Term::Text(text) => !text.contains(&b'/'),
            Term::Variable(name) => {
                name == EXPIRES
                    || variables(value).any(|other| other == name)
                    || PLAIN.contains(&name) && !PATHS.contains(&name)
            }
        })
    }

    /// Says where a request can choose by its arguments what is made of an image, and the message
    /// leaves them out: such a link is one for pictures of any size.
    fn warn_of_unsigned(&self, notes: &Notes, parser: Parser<'_>) {
        let Some((message, name)) = self.message() else { return };
        let (Some(place), Some(_)) = (self.places.get(name), self.value) else { return };
        let Some(image) = parser.location::<ImageResize>() else { return };
        if message.variables().any(|name| ALL.contains(&name)) {
            return;
        }
        let captured = self.unsigned_captures(message, parser);
        for (directive, expression) in image.asked_by() {
            let is_chosen = |name: &[u8]| {
                ALL.contains(&name)
                    || name.starts_with(b"arg_")
                    || captured.iter().any(|captured| captured == name)
            };
            let is_signed = |name: &[u8]| message.variables().any(|signed| signed == name);
            let read = expression.variables().find(|name| is_chosen(name) && !is_signed(name));
            let Some(read) = read else { continue };
            let read = String::from_utf8_lossy(read);
            notes.warned.warn(
                place,
                parser,
                format_args!("\"{directive}\" reads \"${read}\", which it does not sign"),
            );
        }
        let (directive, text) = location::root_text(parser);
        // A prefix is a part of the path.
        let is_captured = |name: &&[u8]| {
            self.prefix != Some(true) && captured.iter().any(|captured| captured == name)
        };
        let read = variables(text).find(is_captured);
        if let Some(read) = read.or_else(|| self.unsigned_in(text)) {
            let read = String::from_utf8_lossy(read);
            notes.warned.warn(
                place,
                parser,
                format_args!(
                    "\"{directive}\" reads \"${read}\", which it does not sign: whoever has one link \
                     has all files"
                ),
            );
        }
        let is_argument = |name: &[u8]| name.starts_with(b"arg_") && !self.is_of_token(name);
        let signs_path = self.prefix == Some(true)
            || message.variables().any(|name| images::PATHS.contains(&name))
            || location::current(parser).is_some_and(|location| location.is_exact);
        if image.reads_paths_of_links() && self.is_required() && !signs_path {
            notes.warned.warn(
                place,
                parser,
                format_args!(
                    "\"image_resize_url\" reads the path, which it signs in part at most: add \
                     \"${}\"",
                    String::from_utf8_lossy(ADDRESS)
                ),
            );
        } else if image.reads_links() && !self.is_required() {
            notes.warned.warn(place,
                parser,
                format_args!(
                    "\"image_resize_url\" reads the address as it came, which it does not sign: add \
                     \"${}\", or \"secure_link_hash_require on\"",
                    String::from_utf8_lossy(ADDRESS)
                ),
            );
        } else if image.reads_arguments_of_links()
            && self.unsigned_args.is_none()
            && !message.variables().any(is_argument)
        {
            notes.warned.warn(
                place,
                parser,
                format_args!(
                    "\"image_resize_url\" reads arguments, which it does not sign: all links that \
                     have any are refused; add \"${}\"",
                    String::from_utf8_lossy(ADDRESS)
                ),
            );
        }
    }

    /// What a text holds that whoever asks chooses, and nobody signs who makes links here. Nothing where what
    /// is signed may hold it by another name.
    pub fn unsigned_in<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let ((message, _), Some(_)) = (self.message()?, self.value) else { return None };
        if !message.variables().all(|name| self.is_plain(name)) {
            return None;
        }
        let is_chosen = |name: &[u8]| variable::is_single(name) && name != b"http_host";
        let is_signed = |name: &[u8]| message.variables().any(|signed| signed == name);
        variables(text).find(|name| is_chosen(name) && !is_signed(name) && !self.is_of_token(name))
    }

    /// Whether a variable is where the token or the expiry is.
    fn is_of_token(&self, name: &[u8]) -> bool {
        variables(self.value_text()).any(|other| other == name)
    }

    /// Whether it is known what a variable holds, and that it is no more than its name says.
    fn is_plain(&self, name: &[u8]) -> bool {
        is_public(name) && !ALL.contains(&name) || self.is_of_token(name)
    }

    /// What the location's regular expression captures and a message leaves out. Nothing at all
    /// where the message may hold it by another name.
    fn unsigned_captures(&self, message: Expression, parser: Parser<'_>) -> Vec<Vec<u8>> {
        let mut captures = location::regex(parser).and_then(captures).unwrap_or_default();
        let is_known = |name: &[u8]| {
            self.is_plain(name) && !PATHS.contains(&name)
                || captures.iter().any(|capture| capture.is_called(name))
        };
        if !message.variables().all(is_known) {
            return Vec::new();
        }
        captures.retain(|capture| !message.variables().any(|name| capture.is_called(name)));
        captures.into_iter().flat_map(Capture::names).collect()
    }

    /// Says where links may have arguments that nobody signed, and these choose what is made.
    fn warn_of_allowed(&self, notes: &Notes, parser: Parser<'_>) {
        let leaves_args = match (self.links, self.message()) {
            (Some(LinkFormatConf::ThirdParty(format, ..)), _) => leaves_args(format),
            (_, Some((message, _))) => !message.variables().any(|name| ALL.contains(&name)),
            _ => false,
        };
        let (Some(allowed), Some(place)) = (&self.unsigned_args, self.places.get(UNSIGNED)) else {
            return;
        };
        let Some(image) = parser.location::<ImageResize>().filter(|_| leaves_args) else {
            return;
        };
        let allows = |argument: &[u8]| match allowed {
            UnsignedArgs::Any => true,
            UnsignedArgs::Named(names) => {
                names.iter().any(|name| name.eq_ignore_ascii_case(argument))
            }
        };
        let allows_parameter = || match allowed {
            UnsignedArgs::Any => true,
            UnsignedArgs::Named(names) => names.iter().any(|name| {
                std::str::from_utf8(name).is_ok_and(|name| Setting::find_param(name).is_some())
            }),
        };
        let is_read = |name: &[u8]| match name.strip_prefix(b"arg_") {
            Some(argument) => allows(argument),
            None => ALL.contains(&name) && allows_parameter(),
        };
        let mut asked_by = image.asked_by();
        let mut directive = asked_by
            .find_map(|(directive, read)| read.variables().any(is_read).then_some(directive));
        if matches!(allowed, UnsignedArgs::Any) && image.reads_arguments_of_links() {
            directive = directive.or(Some("image_resize_url"));
        }
        if let Some(directive) = directive {
            notes.warned.warn(
                place,
                parser,
                format_args!(
                    "whoever has a link chooses what is made of an image: list no argument that \
                     \"{directive}\" reads"
                ),
            );
        }
    }

    /// The argument that is signed and can only be an expiry, where nothing reads one.
    fn unread_expiry(&self, parser: Parser<'_>) -> Option<String> {
        let (message, _) = self.message()?;
        let reads = |name: &[u8]| {
            let others = [&self.not_before, &self.value];
            others
                .iter()
                .any(|other| other.iter().any(|read| read.variables().any(|of| of == name)))
        };
        let is_read = self.value_text().contains(&b',') || location::has_programs(parser);
        let mut names = message.variables().filter(|_| !is_read && self.value.is_some());
        let unread =
            names.find(|name| name.starts_with(b"arg_") && is_expiry(name) && !reads(name))?;
        Some(String::from_utf8_lossy(unread).into_owned())
    }

    /// Whether links have an expiry that is certainly in no message.
    fn forgets_expiry(&self) -> bool {
        let Some((message, _)) = self.message() else { return false };
        let value = self.value_text();
        let Some(at) = value.iter().position(|&byte| byte == b',') else { return false };
        let expiry = value.get(at..).unwrap_or_default();
        let holds_none = |name: &[u8]| {
            (variable::is_single(name) || PLAIN.contains(&name))
                && variables(expiry).all(|other| other != name)
        };
        variables(expiry).next().is_some() && message.variables().all(holds_none)
    }
}

/// Whether a variable can only be the expiry of a link, by its name.
fn is_expiry(name: &[u8]) -> bool {
    [EXPIRES, EXPIRES_OF_NGINX, b"arg_expires", b"arg_expiry", b"arg_exp"].contains(&name)
}

/// Whether a key is the hexadecimal notation of another.
fn is_hexadecimal(key: &[u8]) -> bool {
    key.len() >= 32 && key.len().is_multiple_of(2) && key.iter().all(u8::is_ascii_hexdigit)
}

/// Whether a key is 16 bytes in base64, as those of Google are.
fn is_base64(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let text = key.strip_suffix(b"==").unwrap_or(key);
    text.len() == 22 && text.iter().all(is_digit)
}

/// Whether nginx's own `secure_link` has what to look at in the location that is merged. Its
/// configuration begins with that: an address, or a mark that nothing was said.
fn has_secure_link(parser: Parser<'_>) -> bool {
    location::other_module_conf(parser, c"ngx_http_secure_link_module")
        .is_some_and(|conf| !matches!(conf.first_word(), 0 | ngx_uint_t::MAX))
}

/// Warns where `auth_request` asks a location for a link that it does not bring.
fn warn_of_questions(notes: &Notes, parser: Parser<'_>) {
    let locations = notes.locations.borrow();
    for Question { server, uri, guard: asks } in notes.questions.borrow().iter() {
        let meant = locations.iter().filter(|location| {
            let is_meant = if location.is_exact {
                *uri == location.name
            } else {
                uri.starts_with(&location.name)
            };
            location.server == *server && is_meant
        });
        let meant = meant.max_by_key(|location| (location.is_exact, location.name.len()));
        if let Some(NamedLocation { guard: guard @ Some(_), place: Some(place), .. }) = meant
            && guard != asks
        {
            let uri = String::from_utf8_lossy(uri);
            notes.warned.warn(
                place,
                parser,
                format_args!(
                    "\"auth_request {uri}\" asks here without a link, so that all are refused: write \
                     it where that stands"
                ),
            );
        }
    }
}

/// Warns of what no location goes by, once all are known.
pub fn warn(parser: Parser<'_>, main: &MainConf) {
    let notes = &main.notes;
    warn_of_questions(notes, parser);
    let lenient = notes.lenient.borrow();
    let is_used = |places: &[Rc<Place>]| places.iter().for_each(|place| place.is_used.set(true));
    if variable::is_used(parser, &VERDICTS) {
        is_used(&notes.deciding.borrow());
    }
    if variable::is_used(parser, &["secure_link_hash_token"]) {
        is_used(&lenient);
    }
    if !variable::is_used(parser, &["secure_link_hash_token"]) {
        for place in notes.idle.borrow().iter() {
            place.warn(
                parser,
                format_args!(
                    "has no effect on links of \"secure_link_hash_format\", and nothing hands out \
                     $secure_link_hash_token: is \"secure_link_hash_format plain\" missing?"
                ),
            );
        }
    }
    if variable::is_used(parser, &["secure_link_hash_until"])
        && !notes.has_lifetime.get()
        && let Some(place) =
            notes.places.borrow().iter().find(|place| METHODS.contains(&place.name))
    {
        place.warn(
            parser,
            format_args!(
                "\"$secure_link_hash_until\" is empty: there is no \"secure_link_hash_lifetime\""
            ),
        );
    }
    for (place, name) in notes.wanting.borrow().iter().filter(|(place, _)| place.is_used.get()) {
        notes.refusing.warn(
            place,
            parser,
            format_args!("in \"{name}\" nothing says what a right link is: all are refused"),
        );
    }
    let deciding = notes.deciding.borrow();
    for place in notes.places.borrow().iter().filter(|place| !place.is_used.get()) {
        if lenient.iter().chain(deciding.iter()).any(|other| Rc::ptr_eq(other, place)) {
            if METHODS.contains(&place.name) {
                place.warn(
                    parser,
                    format_args!(
                        "no request is refused by it: there is neither \
                         \"secure_link_hash_require on\" nor an \"if\" on $secure_link_hash here; \
                         \"secure_link_hash_require off\" says that this is meant"
                    ),
                );
            }
        } else if place.name == "secure_link_hash_require" {
            place.warn(parser, format_args!("nothing says what a right link is: all are refused"));
        } else {
            place.warn(parser, format_args!("has no effect: nothing says what a right link is"));
        }
    }
}
