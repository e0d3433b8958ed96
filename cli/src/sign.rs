//! `image-gate sign`

use image_gate_core::link::{
    SignRequest, ThirdPartyFormat, ValidityPeriod, Variables, check_url, secure_link,
};

use crate::error::CliError;
use crate::link::{GivenKeys, LinkKind, LinkOptions};
use crate::{files, time, verify};

/// Makes a signed link
#[derive(clap::Args)]
pub struct Arguments {
    /// The link without a token: a path with its arguments, or a whole URL
    #[arg(value_name = "LINK")]
    link: String,
    #[command(flatten)]
    options: LinkOptions,
    /// Until when: seconds since 1970, +1h, 2026-12-31 or 2026-12-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    expires: Option<u64>,
    /// From when, in the formats of akamai and cloudfront
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    not_before: Option<u64>,
    /// For all paths that begin so, as secure_link_hash_prefix
    #[arg(long, value_name = "PATH")]
    prefix: Option<String>,
    /// Prints the token alone, for links that hold it elsewhere
    #[arg(long)]
    token: bool,
    /// Prints cookies in place of a link, one a line, in the formats of akamai and cloudfront
    #[arg(long)]
    cookie: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let keys = arguments.options.keys()?;
    let link = escaped(&arguments.link)?;
    let has_cookies = match arguments.options.format {
        LinkKind::ThirdParty(format) => format.takes_cookies(),
        LinkKind::Plain | LinkKind::Md5 | LinkKind::Secret => false,
    };
    if arguments.cookie && !has_cookies {
        return Err("--cookie: only akamai and cloudfront have cookies".into());
    }
    if let Some(expires) = arguments.expires {
        if expires < time::now() {
            let at = time::format(expires);
            files::print_error(&format!("the link has expired already: --expires is {at}"));
        }
        time::note_milliseconds(expires);
    }
    let link = match arguments.options.format {
        LinkKind::Plain | LinkKind::Md5 => with_arguments(arguments, &link, &keys)?,
        LinkKind::Secret => with_secret(arguments, &link, &keys)?,
        LinkKind::ThirdParty(format) => third_party(arguments, format, &link, &keys)?,
    };
    match arguments.options.format {
        LinkKind::ThirdParty(format) if arguments.cookie => {
            let cookies = format.cookies_of(&link).into_iter();
            let lines = cookies.map(|(name, value)| format!("{name}={value}\n"));
            files::print(lines.collect::<String>().as_bytes())
        }
        _ => files::print_line(&link),
    }
}

/// The link as a client can ask for it: what nginx takes for the end of a request line, or for
/// none of it, is escaped.
fn escaped(link: &str) -> Result<String, CliError> {
    if link.chars().any(char::is_control) {
        return Err("a link holds no control characters".into());
    }
    let mut escaped = String::with_capacity(link.len());
    for byte in link.bytes() {
        match byte {
            b' ' | 0x80.. => escaped.push_str(&format!("%{byte:02X}")),
            _ => escaped.push(char::from(byte)),
        }
    }
    check_url(escaped.as_bytes())?;
    Ok(escaped)
}

/// `LINK?token=TOKEN&expires=TIME`.
fn with_arguments(arguments: &Arguments, link: &str, keys: &GivenKeys) -> Result<String, CliError> {
    let Arguments { options, expires, prefix, .. } = arguments;
    if arguments.not_before.is_some() {
        return Err("--not-before: put the time into the link, and its argument into the message \
                    and secure_link_hash_not_before"
            .into());
    }
    let (token_name, expires_name) = names(options.value())?;
    for name in [Some(token_name), expires_name].into_iter().flatten() {
        if has_argument(link, name) {
            return Err(format!("the link has an argument \"{name}\" already").into());
        }
    }
    let message = options.message(prefix.is_some())?;
    let mut link = link.to_string();
    let expires = match (expires, expires_name) {
        (None, Some(_)) => {
            let reason = format!(
                "no --expires; a link that never does has --value '$arg_{token_name}' --message \
                 '$uri', and is for a location with \"secure_link_hash $arg_{token_name};\""
            );
            return Err(reason.into());
        }
        (Some(_), None) => return Err("--value has no place for the expiry".into()),
        (None, None) => String::new(),
        (Some(expires), Some(name)) => {
            let known = ["secure_link_hash_expires", "secure_link_expires"];
            let is_it = |variable: &str| {
                known.contains(&variable) || variable.strip_prefix("arg_") == Some(name)
            };
            if !message.variables().any(is_it) {
                return Err("--message: anyone could change an expiry that is not signed".into());
            }
            append(&mut link, name, &expires.to_string());
            expires.to_string()
        }
    };
    let variables = Variables { url: &link, expires: expires.as_bytes(), set: &[], is_raw: false };
    let text = options.evaluate(&message, variables, keys.first())?;
    let token = match (options.format, prefix) {
        (LinkKind::Md5, None) if options.bytes().is_some() => {
            return Err("--bytes: md5 links have whole tags".into());
        }
        (LinkKind::Md5, None) => secure_link::sign(&text),
        (LinkKind::Md5, Some(_)) => return Err("--prefix: md5 links are for one path".into()),
        (_, Some(prefix)) if !prefix.starts_with('/') => {
            return Err("--prefix: a prefix begins with a slash".into());
        }
        (_, prefix) => options
            .signer(keys)?
            .sign(&text, prefix.as_deref().map(str::as_bytes))
            .ok_or("no --key to sign with")?,
    };
    if arguments.token {
        return Ok(token);
    }
    append(&mut link, token_name, &token);
    verify::taken(link, options, prefix.is_some(), keys)
}

/// Whether nginx would find an argument of that name.
fn has_argument(link: &str, name: &str) -> bool {
    let (_, query) = link.split_once('?').unwrap_or_default();
    let mut names = query.split('&').map(|argument| argument.split('=').next().unwrap_or_default());
    names.any(|found| found.eq_ignore_ascii_case(name))
}

/// The arguments that hold the token and the expiry, of `$arg_token,$arg_expires`.
fn names(value: &str) -> Result<(&str, Option<&str>), CliError> {
    fn name(variable: &str) -> Result<&str, CliError> {
        let name = variable.strip_prefix("$arg_").filter(|name| !name.is_empty());
        name.ok_or_else(|| "--value: neither $arg_NAME nor $arg_NAME,$arg_NAME".into())
    }
    match value.split_once(',') {
        None => Ok((name(value)?, None)),
        Some((token, expires)) => Ok((name(token)?, Some(name(expires)?))),
    }
}

fn append(link: &mut String, name: &str, value: &str) {
    link.push(if link.contains('?') { '&' } else { '?' });
    link.push_str(&format!("{name}={value}"));
}

/// `/PREFIX/HASH/LINK`.
fn with_secret(arguments: &Arguments, link: &str, keys: &GivenKeys) -> Result<String, CliError> {
    let key = keys.first().ok_or("no --key to sign with")?;
    if arguments.expires.is_some() || arguments.not_before.is_some() || arguments.prefix.is_some() {
        return Err("links of secret are for one path and never expire".into());
    }
    let start = link.find("://").map_or(0, |at| at + 3);
    let start = link.get(start..).and_then(|rest| rest.find('/')).map(|at| start + at + 1);
    let cut = start.and_then(|start| link.get(start..)?.find('/').map(|at| start + at));
    let (prefix, rest) = cut.and_then(|cut| link.split_at_checked(cut)).unwrap_or_default();
    let rest = rest.get(1..).filter(|rest| !rest.is_empty()).ok_or("no /PREFIX/LINK")?;
    let signed = secure_link::sign_secret(rest, &key.secret);
    if arguments.token {
        return Ok(signed.split_once('/').unwrap_or_default().0.to_string());
    }
    verify::taken(format!("{prefix}/{signed}"), &arguments.options, false, keys)
}

fn third_party(
    arguments: &Arguments,
    format: ThirdPartyFormat,
    link: &str,
    keys: &GivenKeys,
) -> Result<String, CliError> {
    let Arguments { options, expires, not_before, prefix, .. } = arguments;
    if arguments.token || options.bytes().is_some() {
        return Err("--token and --bytes are for plain links".into());
    }
    let sign_request = SignRequest {
        url: link,
        validity: ValidityPeriod { not_before: *not_before, expires: *expires },
        address: options.address,
        prefix: prefix.as_deref(),
        made: time::now(),
    };
    let link = sign_request.sign(format, keys.first().ok_or("no --key to sign with")?)?;
    // A private key checks nothing; core has compared what it signs with the URL.
    if format == ThirdPartyFormat::Cloudfront {
        return Ok(link);
    }
    verify::taken(link, options, false, keys)
}
