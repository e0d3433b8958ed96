//! Keys are masked where they are written down, in the lines of both logs. The request itself is
//! left as it came, since others may need it so.
//!
//! Two kinds of text are keys: whatever stands where a location of the server looks for one, right or
//! wrong, and anything that is the key of a partner, wherever it stands. Of a request that was refused before its server was
//! known, the sources and the keys of all servers count.

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, Hash, RandomState};
use std::ops::Range;
use std::sync::Arc;

use image_gate_core::escapes::percent_decode_lossy;
use image_gate_core::key::error_line::{Origin, parts};
use image_gate_core::key::mask::{
    Effort, FoundKeys, KnownKeys, SHORTEST, UsedUp, find, is_of_pieces,
};
use image_gate_core::key::source::{Edit, arguments, cookies, edit_cookies};
use image_gate_core::key::{Digest, KeySource};
use nginx_sys::{NGX_DECLINED, ngx_int_t};
use smallvec::SmallVec;

use super::conf::{AccessKey, SrvConf, VariableKind, server};
use super::request_key::{RequestKeys, bearer};
use super::source_names::{is_variable_of, names};
use super::zone::KeyTable;
use crate::ngx::censor::{Censor, censor};
use crate::ngx::incoming::RequestPart;
use crate::ngx::phase::Handler;
use crate::ngx::{NoMemory, Pooled, Request};

/// What stands where a key was.
const MASK: &str = "***";
/// From this length on, what came as a key is masked wherever it stands.
const LONG: usize = 8;
/// So many keys of one request are masked wherever they stand, though they are nobody's. Of more, and nobody sends so many but
/// to have all masked, what stands where a key belongs is.
const MOST_KEYS: usize = 16;
/// Bytes at the end of a line that nginx keeps for the error of the system, when it has no room for the whole message.
const ERROR_ROOM: usize = 50;
/// What most request lines end with.
const VERSIONS: [&[u8]; 3] = [b" HTTP/1.1", b" HTTP/2.0", b" HTTP/1.0"];
/// What it takes, as [`Effort`] counts it, to compare a piece with something that came as a key.
const COMPARED: usize = 4;

/// What it takes to see whether a piece was looked at before, and to compare it with all keys.
const LOOKUP: usize = 32;
const DIGEST: usize = 256;
const DIGEST_OF_BYTE: usize = 4;

/// Handler of the phase after a request was read.
pub enum PostRead {}

impl Handler for PostRead {
    fn handle(request: Request<'_>) -> ngx_int_t {
        if request.is_main()
            && server(&request).is_some_and(|server| server.mask() && server.takes_keys())
        {
            // Without memory for it, each line has its own.
            let _ = request.attach(ErrorLogEffort(Cell::new(Effort::of_request())));
            censor::<ErrorLogLines>(request);
        }
        NGX_DECLINED as ngx_int_t
    }
}

/// What is left for the lines of the error log: nginx may write many of one request in one turn, one for each server that
/// does not answer.
struct ErrorLogEffort(Cell<Effort>);

struct ErrorLogLines;

impl Censor for ErrorLogLines {
    fn censor(request: Request<'_>, line: &[u8], room: usize) -> Option<Vec<u8>> {
        let mut finder = KeyFinder::of(request)?;
        let effort = request.attached::<ErrorLogEffort>();
        if let Some(ErrorLogEffort(left)) = effort {
            finder.effort = left.get();
        }
        // A key whose slashes are escaped there may stand decoded elsewhere.
        if request.part(RequestPart::Line).contains(&b'%') {
            finder.read_line();
        }
        // Of a message that is too long nginx leaves off the end, and of a line as well.
        let message = room.checked_sub(ERROR_ROOM);
        let message = message.filter(|&at| line.get(at..).is_some_and(|at| at.starts_with(b"...")));
        let end = Some(line.len()).filter(|&len| len >= room);
        let masked = finder.mask_error(line, message.into_iter().chain(end));
        if let Some(ErrorLogEffort(left)) = effort {
            left.set(finder.effort);
        }
        masked
    }
}

/// A text of a request that goes on to others without the keys in it, wherever the server takes
/// them from; `None` where there are none. What is only called like one stays.
pub fn without_keys(request: Request<'_>, text: &[u8]) -> Option<Vec<u8>> {
    let mut finder = KeyFinder::of_servers(request, SrvConf::takes_keys)?;
    finder.sources.clear();
    finder.mask(text, false)
}

/// Masks what access logs show of a request, or of one of its subrequests.
pub fn before_log(request: Request<'_>) {
    let Some(mut finder) = KeyFinder::of(request) else { return };
    // What it came from is still to be answered.
    if !request.is_main() && request.own_variables().is_err() {
        finder.is_blind = true;
    }
    let kinds = kinds(&request);
    let evaluate = |is_clean: bool| {
        for (place, kind) in kinds.iter().enumerate() {
            match kind {
                VariableKind::Line if is_clean => (),
                VariableKind::Line | VariableKind::Sent => drop(request.value(place)),
                VariableKind::Nginx | VariableKind::Other => (),
            }
        }
    };
    // Of a line that nginx did not get to the end of, one of the variables finds what there is.
    if request.part(RequestPart::Line).is_empty() {
        evaluate(false);
    }
    // Most of what is shown is a part of the request line.
    finder.read_line();
    finder.read_hosts();
    const PARTS: [RequestPart; 3] = [RequestPart::UnparsedUri, RequestPart::Args, RequestPart::Uri];
    let parts =
        PARTS.map(|part| finder.mask(request.part(part), matches!(part, RequestPart::Args)));
    let is_clean = finder.line.is_clean() && parts.iter().all(Option::is_none);

    // All of them before any is masked: to evaluate a variable, nginx may evaluate others, which must
    // see the request as it came.
    evaluate(is_clean);
    for (place, value) in request.known_values() {
        if matches!(kinds.get(place), Some(VariableKind::Nginx)) {
            continue;
        }
        if finder.line.is_clean()
            && finder.line.place_of(request.part(RequestPart::Line), value).is_some()
        {
            continue;
        }
        let name = request.variable_name(place);
        if let Some(masked) = finder.mask_variable(name, value) {
            request.set_known_value(place, &masked, MASK);
        }
    }
    let replace = |part, masked: Option<Vec<u8>>| {
        if let Some(masked) = masked
            && request.set_part(part, &masked).is_err()
        {
            request.blot_part(part, MASK);
        }
    };
    for (part, masked) in PARTS.into_iter().zip(parts) {
        replace(part, masked);
    }
    replace(RequestPart::Line, finder.mask(request.part(RequestPart::Line), false));
    if request.is_main() {
        finder.mask_headers();
    }
}

/// The kinds of all variables, by their places.
fn kinds<'a>(request: &'a Request<'_>) -> &'a [VariableKind] {
    let main = request.main_conf::<AccessKey>();
    let all = || request.variable_names().into_iter().map(kind_of).collect();
    main.map_or(&[], |main| main.kinds.get_or_init(all))
}

fn kind_of(name: &[u8]) -> VariableKind {
    const PREFIXES: [&[u8]; 7] = [
        b"cookie_",
        b"http_",
        b"sent_http_",
        b"sent_trailer_",
        b"upstream_cookie_",
        b"upstream_http_",
        b"upstream_trailer_",
    ];
    const SENT: [&[u8]; 9] = [
        b"content_type",
        b"host",
        // What is decoded may hold what nothing else of the request shows.
        b"image_gate_s3_uri",
        b"image_resize_source",
        b"image_resize_source_host",
        b"image_resize_source_path",
        b"proxy_add_x_forwarded_for",
        b"remote_user",
        b"ssl_server_name",
    ];
    const NAMES: [&[u8]; 11] = [
        b"access_key_uri",
        b"args",
        b"document_uri",
        b"fastcgi_script_name",
        b"query_string",
        b"request",
        b"request_filename",
        b"request_uri",
        b"secure_link_hash",
        b"secure_link_hash_request_uri",
        b"uri",
    ];
    if is_of_nginx(name) {
        VariableKind::Nginx
    } else if NAMES.contains(&name) || name.starts_with(b"arg_") {
        VariableKind::Line
    } else if SENT.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        VariableKind::Sent
    } else {
        VariableKind::Other
    }
}

/// Whether nothing of a variable is what the client, or an upstream, wrote. Nobody else can give one of them another meaning.
fn is_of_nginx(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 60] = [
        b"access_key_id",
        b"access_key_policy",
        b"access_key_preset",
        b"access_key_remaining",
        b"access_key_status",
        b"access_key_watermark",
        b"binary_remote_addr",
        b"body_bytes_sent",
        b"bytes_sent",
        b"connection",
        b"connection_requests",
        b"connection_time",
        b"date_gmt",
        b"date_local",
        b"gzip_ratio",
        b"hostname",
        b"https",
        b"image_resize_cache_status",
        b"is_args",
        b"limit_conn_status",
        b"limit_req_status",
        b"msec",
        b"nginx_version",
        b"pid",
        b"pipe",
        b"proxy_protocol_addr",
        b"proxy_protocol_port",
        b"proxy_protocol_server_addr",
        b"proxy_protocol_server_port",
        b"realip_remote_addr",
        b"realip_remote_port",
        b"remote_addr",
        b"remote_port",
        b"request_completion",
        b"request_id",
        b"request_length",
        b"request_time",
        b"scheme",
        b"server_addr",
        b"server_name",
        b"server_port",
        b"server_protocol",
        b"ssl_cipher",
        b"ssl_client_verify",
        b"ssl_protocol",
        b"ssl_session_reused",
        b"status",
        b"tcpinfo_rcv_space",
        b"tcpinfo_rtt",
        b"tcpinfo_rttvar",
        b"tcpinfo_snd_cwnd",
        b"time_iso8601",
        b"time_local",
        b"upstream_bytes_received",
        b"upstream_bytes_sent",
        b"upstream_cache_status",
        b"upstream_connect_time",
        b"upstream_header_time",
        b"upstream_response_time",
        b"upstream_status",
    ];
    NAMES.contains(&name)
}

/// Where the name of a host is in a request line, if it has one.
fn authority(line: &[u8]) -> Range<usize> {
    // Most have a path behind the method, and no name.
    let method = line.iter().take_while(|&&byte| byte != b' ').count();
    if line.get(method + 1) == Some(&b'/') {
        return 0..0;
    }
    let Some(scheme) = line.windows(3).position(|part| part == b"://") else { return 0..0 };
    let start = scheme + 3;
    let len =
        line.get(start..).unwrap_or_default().iter().take_while(|&byte| !b"/?# ".contains(byte));
    start..start + len.count()
}

/// What tells the keys of a request from the rest of it.
struct KeyFinder<'r> {
    request: Request<'r>,
    servers: SmallVec<[Pooled<SrvConf>; 1]>,
    sources: SmallVec<[KeySource; 4]>,
    key_tables: SmallVec<[Arc<KeyTable>; 1]>,
    /// What came as a key.
    keys: SmallVec<[Vec<u8>; 2]>,
    /// What is masked wherever it stands: keys, parts of them, and those that nginx has in small letters.
    long: SmallVec<[Vec<u8>; 2]>,
    /// Segments that came as keys.
    segments: SmallVec<[Vec<u8>; 1]>,
    effort: Effort,
    /// Whether there is no memory to tell keys from the rest.
    is_blind: bool,
    /// Which key tables those are.
    key_table_ids: u64,
    line: Line,
}

/// The request line, once it was looked at.
#[derive(Default)]
struct Line {
    /// Where it lies in memory.
    addresses: Range<usize>,
    found: FoundKeys,
}

impl Line {
    /// Whether it has no key.
    fn is_clean(&self) -> bool {
        !self.addresses.is_empty() && self.found.is_empty()
    }

    /// Where a text lies in it, if it does, and is made of whole pieces of it.
    fn place_of(&self, line: &[u8], text: &[u8]) -> Option<Range<usize>> {
        let Range { start, end } = text.as_ptr_range();
        let place = start.addr().checked_sub(self.addresses.start)?;
        let place = (end.addr() <= self.addresses.end).then(|| place..place + text.len())?;
        is_of_pieces(line, &place).then_some(place)
    }
}

impl<'r> KeyFinder<'r> {
    /// `None` where nothing is to be masked.
    fn of(request: Request<'r>) -> Option<KeyFinder<'r>> {
        KeyFinder::of_servers(request, |server| server.mask() && server.takes_keys())
    }

    /// The same of the servers that `wants` says yes to.
    fn of_servers(request: Request<'r>, wants: impl Fn(&SrvConf) -> bool) -> Option<KeyFinder<'r>> {
        let main = request.main_conf::<AccessKey>()?;
        let mut servers: SmallVec<[Pooled<SrvConf>; 1]> = SmallVec::new();
        if request.is_unprocessed() {
            let known = main.servers.borrow();
            servers.extend(known.iter().copied().filter(|server| wants(server)));
        } else {
            let own = request.kept_server::<AccessKey>();
            servers.extend(own.filter(|server| wants(server)));
        }
        if servers.is_empty() {
            return None;
        }
        let mut finder = KeyFinder {
            request,
            sources: SmallVec::new(),
            key_tables: SmallVec::new(),
            keys: SmallVec::new(),
            long: SmallVec::new(),
            segments: SmallVec::new(),
            effort: Effort::of_request(),
            is_blind: false,
            key_table_ids: 0,
            line: Line::default(),
            servers,
        };
        for server in &finder.servers {
            for source in server.sources.borrow().iter() {
                if !finder.sources.contains(source) {
                    finder.sources.push(source.clone());
                }
            }
            for zone in server.zones.borrow().iter() {
                finder.key_tables.extend(zone.live().map(|live| zone.key_table(live)));
            }
        }
        for key_table in &finder.key_tables {
            finder.key_table_ids = finder.key_table_ids.rotate_left(7) ^ key_table.id;
        }
        finder.collect();
        Some(finder)
    }

    /// Looks at the request line, of which other texts are parts.
    fn read_line(&mut self) {
        let request = self.request;
        let line = request.part(RequestPart::Line);
        if line.is_empty() || self.is_blind {
            return;
        }
        let Range { start, end } = line.as_ptr_range();
        // What is a key in it goes by nothing else.
        let known = (&self.sources, self.key_table_ids, &self.keys, &self.segments);
        let hash = CLEAN_LINES.with_borrow(|lines| lines.hash((known, line)));
        // The protocol that it ends with is nobody's.
        let asked = VERSIONS.iter().find_map(|&version| line.strip_suffix(version));
        let found = if asked.is_some() && CLEAN_LINES.with_borrow(|lines| lines.has(hash)) {
            FoundKeys::default()
        } else {
            let mut found = self.find(asked.unwrap_or(line), false);
            if has_method(line) && !has_protocol(line) && !request.is_http_09() {
                self.add_cut(&mut found, line);
            }
            if found.is_empty() {
                CLEAN_LINES.with_borrow_mut(|lines| lines.add(hash));
            }
            found
        };
        self.line = Line { addresses: start.addr()..end.addr(), found };
    }

    /// Masks what may be the beginning of a key at the end of a line that nginx did not read to its end, or that was not sent
    /// so far.
    fn add_cut(&mut self, found: &mut FoundKeys, line: &[u8]) {
        let cut = found.add_cut(line, line.len(), self.texts());
        let cut = line.get(cut).unwrap_or_default();
        // Other texts may be made of it.
        if cut.len() >= SHORTEST {
            self.keys.push(cut.to_vec());
        }
        if cut.len() >= LONG {
            self.add_long([cut.to_vec()]);
        }
    }

    /// Finds keys that came as the name of a host, which nginx has in small letters.
    fn read_hosts(&mut self) {
        let line = self.request.part(RequestPart::Line);
        let mut hosts: SmallVec<[Vec<u8>; 1]> = SmallVec::new();
        let mut add = |host: &[u8]| {
            // Others are found as they are.
            if host.iter().any(u8::is_ascii_uppercase) {
                hosts.push(host.to_vec());
            }
        };
        add(line.get(authority(line)).unwrap_or_default());
        self.request.each_incoming(b"Host", |header| add(header.value()));
        for host in hosts {
            let found = self.find(&host, false);
            // What there was no effort left for is masked as it is, too.
            if self.effort.was_enough() {
                let keys = found.pieces(&host).filter(|key| key.len() >= SHORTEST);
                self.add_long(keys.map(<[u8]>::to_ascii_lowercase));
            }
        }
    }

    /// Has texts masked wherever they stand.
    fn add_long(&mut self, keys: impl IntoIterator<Item = Vec<u8>>) {
        for key in keys {
            if self.long.len() < 2 * MOST_KEYS && !self.long.contains(&key) {
                self.long.push(key);
            }
        }
    }

    /// All that is known of keys.
    fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.iter().chain(&self.long).chain(&self.segments).map(Vec::as_slice)
    }

    /// Finds what came as a key.
    fn collect(&mut self) {
        let request = self.request;
        let mut keys: SmallVec<[Vec<u8>; 2]> = SmallVec::new();
        // Whoever calls a part of its address a key would have no address in the log.
        let address = self.request.address();
        let is_of_address = |key: &[u8]| {
            key.len() >= SHORTEST && address.windows(key.len()).any(|part| part == key)
        };
        let mut add = |key: &[u8]| {
            if keys.len() < MOST_KEYS
                && !key.is_empty()
                && !keys.iter().any(|known| known == key)
                && !is_of_address(key)
            {
                keys.push(key.to_vec());
            }
        };
        for source in &self.sources {
            match source {
                KeySource::Argument(name) => {
                    arguments(request.part(RequestPart::Args), name)
                        .for_each(|key| add(&percent_decode_lossy(key)));
                }
                KeySource::Header(name) => request.each_incoming(name, |header| {
                    add(match &name[..] {
                        b"authorization" => bearer(header.value()),
                        _ => header.value(),
                    });
                }),
                KeySource::Cookie(name) => request.each_incoming(b"Cookie", |header| {
                    cookies(header.value(), name).for_each(&mut add);
                }),
                KeySource::Segment(_) => (),
            }
        }
        if let Some(request_keys) = RequestKeys::find(request) {
            request_keys.each_noted(&mut add);
            request_keys.each_segment(|key| self.segments.push(key.to_vec()));
        }
        for key in &keys {
            if key.len() >= LONG || key.len() >= SHORTEST && self.is_known(key) {
                self.long.push(key.clone());
            }
        }
        for key in &self.segments {
            if key.len() >= SHORTEST && is_held(&self.key_tables, key) {
                self.long.push(key.clone());
            }
        }
        self.keys = keys;
    }

    /// Whether somebody holds that key.
    fn is_known(&self, key: &[u8]) -> bool {
        is_held(&self.key_tables, key)
    }

    /// The text without keys; `None` where it has none.
    fn mask(&mut self, text: &[u8], in_query: bool) -> Option<Vec<u8>> {
        if text.is_empty() {
            return None;
        }
        if self.is_blind {
            return Some(MASK.into());
        }
        // Such a piece is a key only where one came as a segment, or by a name.
        if text.len() < SHORTEST && self.segments.is_empty() && !text.contains(&b'=') {
            return None;
        }
        let found = match self.line.place_of(self.request.part(RequestPart::Line), text) {
            Some(_) if self.line.found.is_empty() => return None,
            Some(place) => self.line.found.within(&place),
            None => self.find(text, in_query),
        };
        found.masked(text)
    }

    /// A line of the error log that was cut in those places; `None` where it has nothing that may be of a key.
    fn mask_error(&mut self, line: &[u8], cuts: impl Iterator<Item = usize>) -> Option<Vec<u8>> {
        let request = self.request;
        let mut found = FoundKeys::default();
        let parts = parts(line, request.address(), request.name_of_server());
        for (range, origin) in &parts {
            let part = line.get(range.clone()).unwrap_or_default();
            match origin {
                Origin::Nginx => (),
                Origin::Words => found.append(range.start, &self.find_held(part)),
                Origin::Sent => found.append(range.start, &self.find(part, false)),
            }
        }
        for cut in cuts {
            let is_in = |(range, origin): &(Range<usize>, Origin)| {
                *origin == Origin::Nginx && range.start < cut && cut <= range.end
            };
            if !parts.iter().any(is_in) {
                found.add_cut(line, cut, self.texts());
            }
        }
        found.masked(line)
    }

    /// Where somebody's keys stand in a text that the client can't have written, and where what is called like one does. What else
    /// came as a key may be one of its words.
    fn find_held(&mut self, text: &[u8]) -> FoundKeys {
        let known = KnownKeys { names: &names(&self.sources), keys: &[], in_query: false };
        find(text, &known, &mut self.effort, |piece, effort| {
            may_be_held(&self.key_tables, self.key_table_ids, piece, effort)
        })
    }

    /// Where keys stand in a text.
    fn find(&mut self, text: &[u8], in_query: bool) -> FoundKeys {
        let KeyFinder { sources, key_tables, keys, long, segments, effort, key_table_ids, .. } =
            self;
        let names = names(sources);
        let long: SmallVec<[&[u8]; 2]> = long.iter().map(Vec::as_slice).collect();
        // What is found of a key in one piece may come as several where its slashes are decoded.
        let mut parted: SmallVec<[Vec<u8>; 1]> = SmallVec::new();
        let known = KnownKeys { names: &names, keys: &long, in_query };
        let found = find(text, &known, effort, |piece, effort| {
            effort.take(COMPARED + 2 * (keys.len() + segments.len()))?;
            let is_key = segments.iter().chain(&*keys).any(|key| key == piece)
                || may_be_held(key_tables, *key_table_ids, piece, effort)?;
            if is_key && piece.contains(&b'/') {
                // One of the parts may have been taken for a segment that is a key.
                let parts = piece.split(|&byte| byte == b'/').chain([piece]);
                let parts = parts.filter(|part| part.len() >= SHORTEST).map(<[u8]>::to_vec);
                parted.extend(parts.take(MOST_KEYS.saturating_sub(parted.len())));
            }
            Ok(is_key)
        });
        drop((names, long));
        self.add_long(parted);
        found
    }

    /// The value of a variable without keys; `None` where it has none.
    fn mask_variable(&mut self, name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let is_source =
            |source: &KeySource| is_variable_of(name, source) && name != b"http_authorization";
        if self.is_blind
            || self.sources.iter().any(is_source)
            || self.keys.iter().any(|key| key == value)
        {
            return Some(MASK.into());
        }
        let value_of = |name: &[u8]| name == b"args" || name == b"query_string";
        let edited = match name {
            b"http_authorization" => self.mask_bearer(value),
            b"http_cookie" => self.mask_cookies(value),
            _ => None,
        };
        self.mask(edited.as_deref().unwrap_or(value), value_of(name)).or(edited)
    }

    fn mask_bearer(&self, value: &[u8]) -> Option<Vec<u8>> {
        let is_ours = |source: &KeySource| matches!(source, KeySource::Header(name) if **name == *b"authorization");
        (self.sources.iter().any(is_ours) && !bearer(value).is_empty())
            .then(|| [b"Bearer ", MASK.as_bytes()].concat())
    }

    fn mask_cookies(&self, value: &[u8]) -> Option<Vec<u8>> {
        let mut edited = None;
        for source in &self.sources {
            if let KeySource::Cookie(name) = source {
                let text = edited.as_deref().unwrap_or(value);
                edited = edit_cookies(text, name, Edit::Mask).or(edited);
            }
        }
        edited
    }

    /// Masks the headers that came in, for what is made of them while a line is written.
    fn mask_headers(&mut self) {
        let request = self.request;
        let replace = |header: &crate::ngx::incoming::Incoming<'_>, value: Option<Vec<u8>>| {
            if let Some(value) = value
                && let Err(NoMemory) = header.set_value(&value)
            {
                header.blot(MASK);
            }
        };
        let sources = std::mem::take(&mut self.sources);
        for source in &sources {
            if let KeySource::Header(name) = source
                && **name != *b"authorization"
            {
                request.each_incoming(name, |header| header.blot(MASK));
            }
        }
        self.sources = sources;
        for (name, variable) in [
            (&b"Authorization"[..], &b"http_authorization"[..]),
            (b"Cookie", b"http_cookie"),
            (b"Referer", b"http_referer"),
        ] {
            request.each_incoming(name, |header| {
                replace(&header, self.mask_variable(variable, header.value()));
            });
        }
    }
}

/// Whether a line begins like one of a request. What does not is no HTTP, and may be shown to whoever wonders what it is.
fn has_method(line: &[u8]) -> bool {
    let end = line.iter().position(|byte| !byte.is_ascii_uppercase());
    end.is_some_and(|end| end > 0 && line.get(end) == Some(&b' '))
}

/// Whether a request line ends with a protocol, as one does that was read to its end.
fn has_protocol(line: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let line = line.trim_ascii_end();
    let line = line.get(..line.len() - digits(line)).and_then(|line| line.strip_suffix(b"."));
    let line = line.and_then(|line| line.get(..line.len() - digits(line)));
    line.is_some_and(|line| line.ends_with(b" HTTP/"))
}

/// Whether somebody holds a piece of a text as a key.
fn may_be_held(
    key_tables: &[Arc<KeyTable>],
    key_table_ids: u64,
    piece: &[u8],
    effort: &mut Effort,
) -> Result<bool, UsedUp> {
    if piece.len() < SHORTEST {
        return Ok(false);
    }
    effort.take(LOOKUP)?;
    NON_KEYS.with_borrow_mut(|non_keys| {
        let non_key = non_keys.non_key(key_table_ids, piece);
        let seen = non_keys.set(&non_key);
        if seen.contains(&non_key) {
            return Ok(false);
        }
        effort.take(DIGEST + DIGEST_OF_BYTE * piece.len())?;
        if is_held(key_tables, piece) {
            return Ok(true);
        }
        seen.rotate_right(1);
        seen[0] = non_key;
        Ok(false)
    })
}

fn is_held(key_tables: &[Arc<KeyTable>], key: &[u8]) -> bool {
    let digest = Digest::of(key);
    key_tables.iter().any(|key_table| key_table.table.find(&digest).is_some())
}

/// Pieces that were seen to be nobody's key: most texts are made of the same ones, and a digest
/// costs a hundred times what this does.
struct NonKeyCache {
    state: RandomState,
    /// Each piece has one of these sets, with the last one seen first.
    seen: Box<[[NonKey; 4]; 128]>,
}

/// A piece beside the keys that it was compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
struct NonKey {
    key_tables: u64,
    /// Its length, or that of nothing else where its hash stands for it.
    len: u8,
    bytes: [u8; NonKey::LONGEST],
}

impl NonKey {
    /// Of longer pieces a hash is kept that nobody outside can predict.
    const LONGEST: usize = 55;
    const HASHED: u8 = u8::MAX;
    const NONE: NonKey = NonKey { key_tables: 0, len: 0, bytes: [0; NonKey::LONGEST] };
}

/// Request lines that were seen to have no key, by hashes that nobody outside can predict: of pictures that are asked
/// for often the line is not taken apart again.
struct CleanLines {
    state: RandomState,
    /// Each has one place, which the last one seen has.
    seen: Box<[u64; 1024]>,
}

impl CleanLines {
    /// The hash of a line beside what it was judged by.
    fn hash(&self, line: impl Hash) -> u64 {
        // 0 is no line.
        self.state.hash_one(line).max(1)
    }

    fn has(&self, hash: u64) -> bool {
        self.seen.get(self.place(hash)) == Some(&hash)
    }

    fn add(&mut self, hash: u64) {
        let place = self.place(hash);
        if let Some(seen) = self.seen.get_mut(place) {
            *seen = hash;
        }
    }

    fn place(&self, hash: u64) -> usize {
        hash as usize % self.seen.len()
    }
}

thread_local! {
    static CLEAN_LINES: RefCell<CleanLines> =
        RefCell::new(CleanLines { state: RandomState::new(), seen: Box::new([0; 1024]) });
    static NON_KEYS: RefCell<NonKeyCache> =
        RefCell::new(NonKeyCache { state: RandomState::new(), seen: Box::new([[NonKey::NONE; 4]; 128]) });
}

impl NonKeyCache {
    fn non_key(&self, key_tables: u64, piece: &[u8]) -> NonKey {
        let mut bytes = [0; NonKey::LONGEST];
        let (len, kept) = match u8::try_from(piece.len()) {
            Ok(len) if piece.len() <= NonKey::LONGEST => (len, piece),
            _ => (NonKey::HASHED, &self.state.hash_one(piece).to_ne_bytes()[..]),
        };
        if let Some(room) = bytes.get_mut(..kept.len()) {
            room.copy_from_slice(kept);
        }
        NonKey { key_tables, len, bytes }
    }

    /// Where that piece would be.
    fn set(&mut self, non_key: &NonKey) -> &mut [NonKey; 4] {
        let (words, _) = non_key.bytes.as_chunks::<8>();
        let mixed =
            words.iter().fold(non_key.key_tables ^ u64::from(non_key.len), |mixed, &word| {
                (mixed ^ u64::from_ne_bytes(word))
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .rotate_left(29)
            });
        // The remainder is below the length.
        let place = mixed as usize % self.seen.len();
        &mut self.seen[place]
    }
}
