//! `secure_link_hash_key`.
//!
//! What is wrong with a key is said without any of it: such a line ends in a log.

use std::path::Path;
use std::rc::Rc;

use image_gate_core::link::{Key, odd_file, parse_secret, secret_of_file};

use super::conf::LocConf;
use crate::ngx::conf::{ConfError, DirectiveArgs, once};
use image_gate_runtime::files;

/// The longest file that is taken for a key, in bytes: an RSA key has some hundred.
const LONGEST_FILE: u64 = 64 << 10;

/// How a key is written that looks like a variable.
const OTHERWISE: &str = " One that is meant so goes as \"base64:\" or into a file";

/// `[id=ID] [salt=SALT | salt_file=PATH] KEY`.
pub fn set(conf: &mut LocConf, args: &DirectiveArgs<'_>) -> Result<(), ConfError> {
    let (mut id, mut salt, mut secret) = (None, None, None);
    for text in args.rest(0) {
        let path = |path: &[u8]| args.full_path(path, true);
        let read = |name: &[u8]| read(&path(name)?, args);
        if let Some(text) = text.strip_prefix(b"id=") {
            once(&mut id, text)?;
        } else if let Some(text) = text.strip_prefix(b"salt=") {
            refuse_template(text, OTHERWISE)?;
            once(&mut salt, parse_secret(text).map_err(|error| wrong("salt", error))?)?;
        } else if let Some(name) = text.strip_prefix(b"salt_file=") {
            once(&mut salt, read(name)?)?;
        } else if secret.is_some() {
            return Err(ConfError::invalid("more than one key"));
        } else if let Some(name) = text.strip_prefix(b"file=") {
            secret = Some(read(name)?);
        } else {
            refuse_template(text, OTHERWISE)?;
            if is_file(text, &path(text)?) {
                args.place().warn(
                    args.parser(),
                    format_args!(
                        "the name of a file is the key, not what the file holds: write \"file=\" \
                         before it"
                    ),
                );
            }
            secret = Some(parse_secret(text).map_err(ConfError::invalid)?);
        }
    }
    let secret = secret.ok_or_else(|| ConfError::invalid("no key"))?;
    let mut key = Key::new(secret).map_err(ConfError::invalid)?;
    if let Some(id) = id {
        key = key.with_id(id).map_err(ConfError::invalid)?;
    }
    key.salt = salt.unwrap_or_default().into();
    let keys = Rc::make_mut(conf.keys.get_or_insert_default());
    if !key.id.is_empty() && keys.iter().any(|known| known.id == key.id) {
        return Err(ConfError::invalid("two keys of one id"));
    }
    keys.push(key);
    Ok(())
}

/// Refuses a text with a variable: nobody puts a value in its place, and what a template has there is known to all who know
/// the template. Says how else to write what is meant as it stands.
pub fn refuse_template(text: &[u8], otherwise: &str) -> Result<(), ConfError> {
    let is_name = |text: &[u8]| {
        !text.is_empty() && text.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let is_braced = |rest: &[u8]| {
        let name = rest.strip_prefix(b"{").and_then(|rest| rest.split(|&byte| byte == b'}').next());
        name.is_some_and(|name| is_name(name) && rest.len() > name.len() + 1)
    };
    let is_whole = text.strip_prefix(b"$").is_some_and(is_name);
    if is_whole || text.split(|&byte| byte == b'$').skip(1).any(is_braced) {
        return Err(ConfError::invalid(format_args!(
            "it holds a variable, which nobody fills in: was it made of a template?{otherwise}"
        )));
    }
    Ok(())
}

/// How names of files with keys end.
const ENDINGS: [&[u8]; 4] = [b".key", b".pem", b".pub", b".txt"];

/// Whether a key as it stands can only be meant as the name of a file.
fn is_file(text: &[u8], path: &Path) -> bool {
    ENDINGS.iter().any(|ending| text.ends_with(ending)) || path.is_file()
}

fn wrong(what: &str, error: impl std::fmt::Display) -> ConfError {
    ConfError::invalid(format_args!("{what}: {error}"))
}

fn read(path: &Path, args: &DirectiveArgs<'_>) -> Result<Vec<u8>, ConfError> {
    let name = path.display();
    let (content, _) =
        files::read(path, LONGEST_FILE).map_err(|error| wrong(&name.to_string(), error))?;
    if let Some(reason) = odd_file(&content) {
        args.place().warn(args.parser(), format_args!("{name}: {reason}"));
    }
    secret_of_file(&content).map_err(|error| wrong(&name.to_string(), error))
}
