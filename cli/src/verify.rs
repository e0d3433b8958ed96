//! `image-gate verify`

use std::borrow::Cow;

use image_gate_core::link::{
    Algorithm, Encoding, Expression, Key, KeyError, LinkRequest, Rules, Signer, ThirdParty,
    ThirdPartyFormat, Token, Unsigned, UrlError, ValidityPeriod, Variables, VerifyError, check_url,
    decoded, parse_time, secure_link,
};

use crate::error::{CliError, ExitStatus, error_with_code};
use crate::link::{GivenKeys, LinkKind, LinkOptions};
use crate::{files, time};

/// Says whether nginx would take a link, and why not
#[derive(clap::Args)]
pub struct Arguments {
    /// The link as it is asked for: a path with its arguments, or a whole URL
    #[arg(value_name = "LINK")]
    link: String,
    #[command(flatten)]
    options: LinkOptions,
    /// As secure_link_hash_prefix on
    #[arg(long)]
    prefix: bool,
    /// As secure_link_hash_leeway
    #[arg(long, value_name = "SPAN", default_value = "0", value_parser = time::parse_span)]
    leeway: u64,
    /// As secure_link_hash_not_before
    #[arg(long, value_name = "EXPR")]
    not_before: Option<String>,
    /// What the client sends as cookies, in the formats of akamai and cloudfront
    #[arg(long, value_name = "COOKIES", default_value = "", hide_default_value = true)]
    cookie: String,
    /// At another moment than now
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    now: Option<u64>,
}

/// A link that is right, if its time is.
struct CheckedLink {
    key: String,
    validity: ValidityPeriod,
}

/// A link that was made, if nginx takes it; when it is valid is not looked at.
pub fn taken(
    link: String,
    options: &LinkOptions,
    prefix: bool,
    keys: &GivenKeys,
) -> Result<String, CliError> {
    let options = options.clone();
    let arguments = Arguments {
        link,
        options,
        prefix,
        leeway: 0,
        not_before: None,
        now: None,
        cookie: String::new(),
    };
    find(&arguments, keys).map_err(|failure| format!("nginx would refuse the link: {failure}"))?;
    Ok(arguments.link)
}

fn find(arguments: &Arguments, keys: &GivenKeys) -> Result<CheckedLink, CliError> {
    if let Err(error @ UrlError::NoPath) = check_url(arguments.link.as_bytes()) {
        return Err(refused(VerifyError::Malformed, error));
    }
    match arguments.options.format {
        LinkKind::Plain => plain(arguments, keys),
        LinkKind::Md5 => md5(arguments, keys),
        LinkKind::Secret => secret(arguments, keys),
        LinkKind::ThirdParty(format) => third_party(arguments, format, keys),
    }
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let options = &arguments.options;
    if options.max_age.is_none()
        && let LinkKind::ThirdParty(format) = options.format
        && format.is_dated()
    {
        let name = format.name();
        let why = format!("links of {name} only say when they were made: say --max-age");
        return Err(why.into());
    }
    let keys = options.keys()?;
    let CheckedLink { key, mut validity } = find(arguments, &keys)?;
    if let Some(text) = &arguments.not_before {
        let text = evaluate(arguments, "--not-before", text, b"")?;
        if !text.is_empty() {
            let start =
                parse_time(&text).ok_or_else(|| refused(VerifyError::Malformed, no_time(&text)))?;
            validity.not_before = Some(validity.not_before.map_or(start, |other| other.max(start)));
        }
    }
    let now = arguments.now.unwrap_or_else(time::now);
    let of_key = if key.is_empty() { String::new() } else { format!(", key \"{key}\"") };
    match (validity.check(now, arguments.leeway), validity) {
        (Err(VerifyError::Expired), ValidityPeriod { expires: Some(end), .. }) => {
            let (at, ago) = (time::format(end), time::format_span(now - end));
            Err(refused(VerifyError::Expired, format_args!("at {at}, {ago} ago{of_key}")))
        }
        (Err(reason), ValidityPeriod { not_before: Some(start), .. }) => {
            let (at, left) = (time::format(start), time::format_span(start - now));
            Err(refused(reason, format_args!("valid from {at}, in {left}{of_key}")))
        }
        (_, ValidityPeriod { expires: None, .. }) => {
            files::print_line(&format!("ok: never expires{of_key}"))
        }
        (_, ValidityPeriod { expires: Some(end), .. }) => {
            time::note_milliseconds(end);
            let left = time::format_span(end.saturating_sub(now));
            files::print_line(&format!("ok: expires at {}, in {left}{of_key}", time::format(end)))
        }
    }
}

/// The word of `$secure_link_hash_reason`, and what there is to say.
fn refused(reason: VerifyError, why: impl std::fmt::Display) -> CliError {
    error_with_code(ExitStatus::Link, format_args!("{}: {why}", reason.name()))
}

fn no_time(text: &[u8]) -> String {
    format!("\"{}\" is no time: seconds since 1970 are digits", text.escape_ascii())
}

fn evaluate(
    arguments: &Arguments,
    option: &str,
    text: &str,
    expires: &[u8],
) -> Result<Vec<u8>, CliError> {
    let variables = Variables { url: &arguments.link, expires, set: &[], is_raw: false };
    let value = Expression::parse(text).and_then(|expression| expression.evaluate(&variables));
    value.map_err(|error| format!("{option}: {error}").into())
}

/// The token, and the expiry behind its comma as it is written.
fn token_and_expiry(arguments: &Arguments) -> Result<(Vec<u8>, Vec<u8>, ValidityPeriod), CliError> {
    let options = &arguments.options;
    let value = options.value();
    let (token_at, expires_at) = value.split_once(',').unwrap_or((value, ""));
    let evaluated = evaluate(arguments, "--value", value, b"")?;
    let (token, expires) = secure_link::split(&evaluated);
    // As nginx does it; links of secure_link are read as they stand.
    let undo = |text| match options.format {
        LinkKind::Plain => decoded(text),
        _ => Cow::Borrowed(text),
    };
    let (token, expires) = (undo(token), expires.map(undo));
    let expires = expires.as_deref();
    if token.is_empty() {
        return Err(refused(VerifyError::Missing, format_args!("the link has no {token_at}")));
    }
    let validity = match expires {
        None => ValidityPeriod::default(),
        Some(b"") => {
            return Err(refused(
                VerifyError::Malformed,
                format_args!("the link has no {expires_at}"),
            ));
        }
        Some(text) => {
            let end =
                parse_time(text).ok_or_else(|| refused(VerifyError::Malformed, no_time(text)))?;
            ValidityPeriod::until(Some(end))
        }
    };
    Ok((token.to_vec(), expires.unwrap_or_default().to_vec(), validity))
}

fn plain(arguments: &Arguments, keys: &GivenKeys) -> Result<CheckedLink, CliError> {
    let Arguments { link, options, prefix, .. } = arguments;
    let (text, expires, validity) = token_and_expiry(arguments)?;
    let signer = options.signer(keys)?;
    let expression = options.message(*prefix)?;
    let variables = Variables { url: link, expires: &expires, set: &[], is_raw: false };
    let message = options.evaluate(&expression, variables, None);
    let is_in = |encoding| {
        let signer = Signer::new(options.algorithm, keys, encoding, Some(16));
        signer.zip(message.as_ref().ok()).is_some_and(|(signer, message)| {
            let token = signer.read(&text, *prefix);
            token.is_ok_and(|token| signer.check(&token, message).is_ok())
        })
    };
    let other = match options.encoding {
        Encoding::Base64url if is_in(Encoding::Hex) => Some("hex"),
        Encoding::Hex if is_in(Encoding::Base64url) => Some("base64url"),
        _ => None,
    };
    let other = other.map(|name| {
        format!("the tag is in {name}: --encoding {name}, or \"secure_link_hash_encoding {name}\"")
    });
    let token = signer.read(&text, *prefix).map_err(|reason| match &other {
        Some(why) => refused(reason, why),
        None => refused(reason, spelling(&text)),
    })?;
    let message = message?;
    let key = signer.check(&token, &message).map_err(|reason| match (reason, other) {
        (VerifyError::NoKey, _) => refused(reason, unknown_key(&token, keys)),
        (_, Some(why)) => refused(reason, why),
        (_, None) => {
            refused(reason, differs(arguments, keys, &token, &expression, &message, variables))
        }
    })?;
    if let Some(prefix) =
        token.prefix().map_err(|reason| refused(reason, "no path in the prefix"))?
    {
        let uri = evaluate(arguments, "--prefix", "$uri", b"")?;
        if !uri.starts_with(&prefix) {
            let prefix = prefix.escape_ascii();
            return Err(refused(
                VerifyError::Mismatch,
                format_args!("the token is for paths that begin with {prefix}"),
            ));
        }
    }
    Ok(CheckedLink { key: lossy(signer.id(key)), validity })
}

/// What is wrong with the spelling of a token.
fn spelling(token: &[u8]) -> &'static str {
    if token.iter().any(|byte| matches!(byte, b'+' | b'/' | b' ')) || token.contains(&b'%') {
        "the token is base64 of the other alphabet; in base64url, \"-\" and \"_\" stand for \"+\" \
         and \"/\""
    } else {
        "the token is not [ID.]TAG, or [ID.]PREFIX.TAG with a prefix, in the encoding given, with \
         16 bytes or more"
    }
}

fn unknown_key(token: &Token<'_>, keys: &[Key]) -> String {
    let known: Vec<_> = keys.iter().map(|key| format!("\"{}\"", lossy(&key.id))).collect();
    match token.id() {
        None => "there is no key".into(),
        Some(id) => format!("the token names key \"{}\"; there is {}", lossy(id), known.join(", ")),
    }
}

/// Why a tag may be another: what signers often get wrong is tried.
fn differs(
    arguments: &Arguments,
    keys: &GivenKeys,
    token: &Token<'_>,
    expression: &Expression,
    message: &[u8],
    variables: Variables<'_>,
) -> String {
    let options = &arguments.options;
    let check = |algorithm, keys: &[Key], message: &[u8]| {
        let signer = Signer::new(algorithm, keys, options.encoding, Some(16));
        signer.is_some_and(|signer| signer.check(token, message).is_ok())
    };
    let (name, len) = (options.algorithm.name(), options.algorithm.tag_len());
    if token.tag_len() > len {
        return format!("the tag has {} bytes, and one of {name} {len}", token.tag_len());
    }
    if check(options.algorithm, keys, message) {
        return format!("the tag is truncated; --bytes {} would take it", token.tag_len());
    }
    let raw = options.evaluate(expression, Variables { is_raw: true, ..variables }, None);
    if raw.is_ok_and(|raw| check(options.algorithm, keys, &raw)) {
        return "the path was signed as it stands in the link; $uri is the decoded one".into();
    }
    if check(options.algorithm, keys, &[message, b"\n"].concat()) {
        return "the message was signed with a newline at its end".into();
    }
    for (keys, why) in keys.mistaken() {
        if check(options.algorithm, &keys, message) {
            return why;
        }
    }
    for (message, why) in mistaken(arguments, message, variables) {
        if check(options.algorithm, keys, &message) {
            return why;
        }
    }
    if let Some(other) = Algorithm::ALL.into_iter().find(|&other| check(other, keys, message)) {
        return format!("it was signed with {}", other.name());
    }
    format!(
        "the token signs something else than \"{}\", or with another key",
        message.escape_ascii()
    )
}

/// What signers take for the message, and what there is to say of it.
fn mistaken(
    arguments: &Arguments,
    message: &[u8],
    variables: Variables<'_>,
) -> Vec<(Vec<u8>, String)> {
    let Arguments { link, options, .. } = arguments;
    let value = |text: &str| {
        let expression = Expression::parse(text).ok()?;
        options.evaluate(&expression, variables, None).ok()
    };
    let mut found = Vec::new();
    let mut fields: Vec<&[u8]> = message.split(|&byte| byte == b'|').collect();
    let apart = fields.concat();
    fields.reverse();
    for other in [fields.join(&b'|'), fields.concat(), apart] {
        let why = format!("its fields were signed as \"{}\"", other.escape_ascii());
        found.push((other, why));
    }
    let (Some(uri), Some(whole)) = (value("$uri"), value("$secure_link_hash_request_uri")) else {
        return found;
    };
    let at = message.windows(uri.len().max(1)).position(|part| part == uri);
    let Some((before, behind)) =
        at.and_then(|at| Some((message.get(..at)?, message.get(at + uri.len()..)?)))
    else {
        return found;
    };
    let origin = link.find("://").and_then(|at| {
        let host = link.get(at + 3..)?;
        link.get(..at + 3 + host.find('/')?)
    });
    let origin = origin.filter(|origin| !origin.starts_with('/'));
    let mut put = |uri: &[u8], why: &str| found.push(([before, uri, behind].concat(), why.into()));
    put(uri.strip_prefix(b"/").unwrap_or(&uri), "the path was signed without its first slash");
    put(&whole, "the path was signed with its arguments, as $secure_link_hash_request_uri has it");
    if let Some(origin) = origin.map(str::as_bytes) {
        let why = "the whole URL was signed, and not the path alone";
        put(&[origin, &whole].concat(), why);
        put(&[origin, &uri].concat(), why);
    }
    found
}

fn md5(arguments: &Arguments, keys: &GivenKeys) -> Result<CheckedLink, CliError> {
    let Arguments { link, options, .. } = arguments;
    let (token, expires, validity) = token_and_expiry(arguments)?;
    let tag = secure_link::decode(&token).ok_or_else(|| {
        refused(VerifyError::Malformed, "the token is not the base64url of 16 bytes: 22 characters")
    })?;
    let message = options.message(false)?;
    let variables = Variables { url: link, expires: &expires, set: &[], is_raw: false };
    // The key may be a part of the message, literally.
    let matches = |key: Option<&Key>, variables: Variables<'_>| -> Result<bool, CliError> {
        Ok(secure_link::matches(&tag, &options.evaluate(&message, variables, key)?))
    };
    let any = |keys: &[Key], variables: Variables<'_>| -> Result<Option<String>, CliError> {
        if keys.is_empty() {
            return Ok(matches(None, variables)?.then(String::new));
        }
        for key in keys {
            if matches(Some(key), variables)? {
                return Ok(Some(lossy(&key.id)));
            }
        }
        Ok(None)
    };
    if let Some(key) = any(keys, variables)? {
        return Ok(CheckedLink { key, validity });
    }
    if any(keys, Variables { is_raw: true, ..variables })?.is_some() {
        let why = "the path was signed as it stands in the link; $uri is the decoded one";
        return Err(refused(VerifyError::Mismatch, why));
    }
    for (keys, why) in keys.mistaken() {
        // What is no text can't be the key of such a link.
        if any(&keys, variables).is_ok_and(|key| key.is_some()) {
            return Err(refused(VerifyError::Mismatch, why));
        }
    }
    let why = "the token signs something else, or with another key";
    Err(refused(VerifyError::Mismatch, why))
}

fn secret(arguments: &Arguments, keys: &GivenKeys) -> Result<CheckedLink, CliError> {
    let link = arguments.link.as_bytes();
    let start = arguments.link.find("://").map_or(0, |at| at + 3);
    let start = link.iter().skip(start).position(|&byte| byte == b'/').map_or(0, |at| start + at);
    let uri = link.get(start..).unwrap_or_default();
    let (hash, _) = secure_link::parts(uri)
        .ok_or_else(|| refused(VerifyError::Missing, "the path is not /PREFIX/HASH/LINK"))?;
    if hash.len() != 32 || !hash.iter().all(u8::is_ascii_hexdigit) {
        return Err(refused(
            VerifyError::Malformed,
            "HASH in /PREFIX/HASH/LINK is not 32 hex digits",
        ));
    }
    let found = keys.iter().find(|key| secure_link::linked(uri, &key.secret).is_some());
    let key = found.ok_or_else(|| {
        refused(
            VerifyError::Mismatch,
            "the hash is not that of LINK, arguments included, and the key",
        )
    })?;
    Ok(CheckedLink { key: lossy(&key.id), validity: ValidityPeriod::default() })
}

fn third_party(
    arguments: &Arguments,
    format: ThirdPartyFormat,
    keys: &GivenKeys,
) -> Result<CheckedLink, CliError> {
    let options = &arguments.options;
    let address = options.address.map(|address| address.to_string()).unwrap_or_default();
    let named = options.unsigned();
    let unsigned = named.as_ref().map_or(Unsigned::Any, |names| Unsigned::Named(names));
    let request = LinkRequest {
        url: arguments.link.as_bytes(),
        address: address.as_bytes(),
        cookies: arguments.cookie.as_bytes(),
        unsigned,
    };
    let check_by = |keys: &[Key], rules: Rules| -> Result<_, KeyError> {
        let third_party = ThirdParty::new(format, keys, rules)?;
        Ok(third_party
            .verify(&request)
            .map(|found| (lossy(third_party.id(found.key)), found.validity)))
    };
    let check = |keys: &[Key]| check_by(keys, options.rules());
    // What only another configuration takes.
    let fits = |rules: Rules| check_by(keys, rules).is_ok_and(|found| found.is_ok());
    let rules = options.rules();
    let (key, validity) = check(keys)?.map_err(|reason| match reason {
        VerifyError::Missing => refused(reason, format_args!("there is no {}", format.place())),
        VerifyError::Malformed if !rules.is_bound && fits(Rules { has_sha256: true, ..rules }) => {
            let why = "a token of SHA-256 alone is taken only with sha256=on (--sha256)";
            refused(reason, why)
        }
        VerifyError::Malformed if rules.is_bound && fits(Rules { is_bound: false, ..rules }) => {
            let why = "the link is not bound to an address, as ip=required (--address) wants it";
            refused(reason, why)
        }
        VerifyError::Malformed if arguments.link.contains("=HS256-1-") && !rules.is_bound => {
            let why = "the link is bound to an address: that takes ip=required (--address)";
            refused(reason, why)
        }
        VerifyError::Malformed => refused(reason, format_args!("{reason}: {}", format.place())),
        VerifyError::Mismatch => {
            let is_right = |keys: &[Key]| check(keys).is_ok_and(|found| found.is_ok());
            let mut mistaken = keys.mistaken().into_iter();
            match mistaken.find(|(keys, _)| is_right(keys)) {
                Some((_, why)) => refused(reason, why),
                None if options.address.is_none() => {
                    refused(reason, format_args!("{reason}; a link for one address needs --address"))
                }
                None => refused(reason, reason),
            }
        }
        VerifyError::Unsigned => {
            let why = "links of {0} sign no arguments, and secure_link_hash_unsigned_args lists not all of these";
            refused(reason, why.replace("{0}", format.name()))
        }
        _ => refused(reason, reason),
    })?;
    Ok(CheckedLink { key, validity })
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
