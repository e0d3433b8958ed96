//! What `image-gate sign` and `image-gate verify` have in common.

use std::io::Read;
use std::net::IpAddr;
use std::ops::Deref;
use std::path::Path;
use std::sync::LazyLock;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use image_gate_core::link::{
    Algorithm, Encoding, Expression, Key, Rules, Signer, ThirdPartyFormat, Variables, odd_file,
    parse_secret, secret_of_file, without_arguments,
};

use crate::error::{CliError, ExitStatus, error_with_code};
use crate::{files, time};

/// What a link is signed with.
#[derive(Clone, clap::Args)]
pub struct LinkOptions {
    /// Whose links they are
    #[arg(long, value_enum, default_value = "plain")]
    pub format: LinkKind,
    /// A key: "[id=ID] [salt=SALT | salt_file=PATH] file=PATH | env=NAME | - | hex:... | base64:...
    /// | text", in any order; - is standard input. The first one signs, all of them verify. Keys in
    /// arguments are seen by every user of the machine
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<String>,
    /// What is signed, as in secure_link_hash_message (plain) or secure_link_hash_md5 (md5, where
    /// $key stands for the key)
    #[arg(long, value_name = "EXPR")]
    message: Option<String>,
    /// Where the token and the expiry are, as in secure_link_hash; $arg_token,$arg_expires unless it
    /// is said, and in links of md5 $arg_md5,$arg_expires
    #[arg(long, value_name = "EXPR")]
    value: Option<String>,
    /// As secure_link_hash_algorithm
    #[arg(long, value_name = "NAME", default_value = "hmac-sha256", value_parser = algorithm)]
    pub algorithm: Algorithm,
    /// As secure_link_hash_encoding: base64url or hex
    #[arg(long, value_name = "NAME", default_value = "base64url", value_parser = encoding)]
    pub encoding: Encoding,
    /// Truncated tags: how many bytes to make, or as min= of secure_link_hash_encoding
    #[arg(long, value_name = "16-64", value_parser = clap::value_parser!(u8).range(16..=64))]
    bytes: Option<u8>,
    /// The client's address; also $remote_addr
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<IpAddr>,
    /// As secure_link_hash_unsigned_args: an argument that a link may have though its format signs
    /// the path alone, or "*" for all
    #[arg(long = "unsigned-arg", value_name = "NAME")]
    unsigned: Vec<String>,
    /// As sha256=on of secure_link_hash_format bunny
    #[arg(long)]
    sha256: bool,
    /// As secure_link_hash_max_age: how long links of cloudflare and alibaba are valid
    #[arg(long, value_name = "SPAN", value_parser = time::parse_span)]
    pub max_age: Option<u64>,
    /// A variable that the message uses and the link does not give
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
}

/// Whose links.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// `secure_link_hash_message`.
    Plain,
    /// `secure_link_hash_md5`.
    Md5,
    /// `secure_link_hash_secret`.
    Secret,
    /// `secure_link_hash_format`.
    ThirdParty(ThirdPartyFormat),
}

impl ValueEnum for LinkKind {
    fn value_variants<'a>() -> &'a [LinkKind] {
        static KINDS: LazyLock<Vec<LinkKind>> = LazyLock::new(|| {
            let third_party = ThirdPartyFormat::ALL.into_iter().map(LinkKind::ThirdParty);
            [LinkKind::Plain, LinkKind::Md5, LinkKind::Secret]
                .into_iter()
                .chain(third_party)
                .collect()
        });
        &KINDS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            LinkKind::Plain => PossibleValue::new("plain").help("secure_link_hash_message"),
            LinkKind::Md5 => {
                PossibleValue::new("md5").help("secure_link_hash_md5, as secure_link_md5")
            }
            LinkKind::Secret => {
                PossibleValue::new("secret").help("secure_link_hash_secret, as secure_link_secret")
            }
            LinkKind::ThirdParty(format) => PossibleValue::new(format.name()),
        })
    }
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::from_name(name.as_bytes())
        .ok_or_else(|| "not hmac-sha256, hmac-sha512, hmac-sha1, sha256 or md5".into())
}

fn encoding(name: &str) -> Result<Encoding, String> {
    Encoding::from_name(name.as_bytes()).ok_or_else(|| "not base64url or hex".into())
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not NAME=VALUE")?;
    Ok((name.to_string(), value.to_string()))
}

/// Keys, and what they were written as.
pub struct GivenKeys {
    keys: Vec<Key>,
    texts: Vec<Vec<u8>>,
}

impl Deref for GivenKeys {
    type Target = [Key];

    fn deref(&self) -> &[Key] {
        &self.keys
    }
}

impl GivenKeys {
    /// What signers take for the keys, and what there is to say of it.
    pub fn mistaken(&self) -> Vec<(Vec<Key>, String)> {
        let longer = |key: &Key| with_secret(key, [&key.secret, &b"\n"[..]].concat());
        let longer = self.keys.iter().map(longer).collect();
        let mut found = vec![(longer, "it was signed with a newline at the end of the key".into())];
        for (key, text) in self.keys.iter().zip(&self.texts) {
            for notation in ["hex:", "base64:"] {
                let Some(digits) = text.strip_prefix(notation.as_bytes()) else { continue };
                let signed = |text: &[u8]| vec![with_secret(key, text.to_vec())];
                let why = "not with the bytes that it stands for: a signer has to decode them";
                found.push((
                    signed(text),
                    format!("it was signed with the text \"{notation}...\", {why}"),
                ));
                found.push((
                    signed(digits),
                    format!("it was signed with the text behind \"{notation}\", {why}"),
                ));
            }
            // Of a key that is no text these are no digits.
            let bytes = |text: &[u8]| parse_secret(&[b"hex:", text].concat()).ok();
            for (of_key, of_salt, what) in [
                (true, false, "key is in hexadecimal: write \"hex:\" before it"),
                (false, true, "salt is in hexadecimal: write \"hex:\" before it"),
                (true, true, "key and the salt are in hexadecimal: write \"hex:\" before both"),
            ] {
                let of = |is_wanted: bool, text: &[u8]| match is_wanted {
                    true => bytes(text).map(Into::into),
                    false => Some(text.into()),
                };
                let (secret, salt) = (of(of_key, &key.secret), of(of_salt, &key.salt));
                let (Some(secret), Some(salt)) = (secret, salt) else { continue };
                let key = Key { secret, salt, ..key.clone() };
                found.push((vec![key], format!("it was signed with the bytes that the {what}")));
            }
        }
        found
    }
}

fn with_secret(key: &Key, secret: Vec<u8>) -> Key {
    Key { secret: secret.into(), ..key.clone() }
}

impl LinkOptions {
    /// The keys.
    pub fn keys(&self) -> Result<GivenKeys, CliError> {
        let mut given = GivenKeys { keys: Vec::new(), texts: Vec::new() };
        for text in &self.keys {
            let (key, text) = key(text)?;
            given.keys.push(key);
            given.texts.push(text);
        }
        Ok(given)
    }

    /// Where the token and the expiry are.
    pub fn value(&self) -> &str {
        self.value.as_deref().unwrap_or(match self.format {
            LinkKind::Md5 => "$arg_md5,$arg_expires",
            _ => "$arg_token,$arg_expires",
        })
    }

    /// What signs, and what checks.
    pub fn signer(&self, keys: &[Key]) -> Result<Signer, CliError> {
        let bytes = self.bytes();
        if bytes.is_some_and(|bytes| bytes > self.algorithm.tag_len()) {
            let (name, len) = (self.algorithm.name(), self.algorithm.tag_len());
            return Err(format!("--bytes: a tag of {name} has {len}").into());
        }
        let signer = Signer::new(self.algorithm, keys, self.encoding, bytes).ok_or("no key")?;
        Ok(match bytes {
            Some(bytes) => signer.truncated(bytes),
            None => signer,
        })
    }

    /// What a format leaves to whoever checks its links.
    pub fn rules(&self) -> Rules {
        Rules {
            min: self.bytes(),
            is_bound: self.address.is_some(),
            has_sha256: self.sha256,
            algorithm: None,
            max_age: self.max_age,
        }
    }

    /// The names of arguments that links may have though nobody signs them; `None` is all.
    pub fn unsigned(&self) -> Option<Vec<Vec<u8>>> {
        let names = self.unsigned.iter().map(|name| name.as_bytes().to_vec());
        (!self.unsigned.iter().any(|name| name == "*")).then(|| names.collect())
    }

    /// How long truncated tags are.
    pub fn bytes(&self) -> Option<usize> {
        self.bytes.map(usize::from)
    }

    /// What is signed, before it is evaluated.
    pub fn message(&self, has_prefix: bool) -> Result<Expression, CliError> {
        let default = match self.format {
            LinkKind::Md5 => "$secure_link_hash_expires$uri $key",
            _ if has_prefix => "$secure_link_hash_expires",
            _ => "$uri|$secure_link_hash_expires",
        };
        let message = Expression::parse(self.message.as_deref().unwrap_or(default));
        message.map_err(|error| format!("--message: {error}").into())
    }

    /// Evaluates the message for a link; only md5 has the key in it.
    pub fn evaluate(
        &self,
        message: &Expression,
        variables: Variables<'_>,
        key: Option<&Key>,
    ) -> Result<Vec<u8>, CliError> {
        let mut set = self.variables.clone();
        set.extend(self.address.map(|address| ("remote_addr".into(), address.to_string())));
        if let Ok(value) = Expression::parse(self.value()) {
            let own = value.variables().filter_map(|name| name.strip_prefix("arg_"));
            let own: Vec<&[u8]> = own.map(str::as_bytes).collect();
            let uri = without_arguments(variables.url.as_bytes(), &own);
            let uri = String::from_utf8_lossy(&uri).into_owned();
            set.push(("secure_link_hash_request_uri".into(), uri));
        }
        if let Some(key) = key.filter(|_| self.format == LinkKind::Md5) {
            let text = std::str::from_utf8(&key.secret).map_err(|_| "the key of md5 is no text")?;
            set.push(("key".into(), text.into()));
        }
        let value = message.evaluate(&Variables { set: &set, ..variables });
        value.map_err(|error| format!("--message: {error}; say it with --set").into())
    }
}

/// Reads a key as it is written for `secure_link_hash_key`, in one argument. Returns it, and as what
/// it was written.
fn key(text: &str) -> Result<(Key, Vec<u8>), CliError> {
    let (mut id, mut salt, mut rest) = (None, None, text);
    let mut take = |word: &str| -> Result<bool, CliError> {
        if let Some(word) = word.strip_prefix("id=") {
            id = Some(word.to_owned());
        } else if let Some(word) = word.strip_prefix("salt=") {
            salt = Some(parse_secret(word.as_bytes())?);
        } else if let Some(path) = word.strip_prefix("salt_file=") {
            salt = Some(of_file(path, &files::read(path.as_ref())?)?);
        } else {
            return Ok(false);
        }
        Ok(true)
    };
    while let Some((word, behind)) = rest.split_once(' ')
        && take(word)?
    {
        rest = behind;
    }
    while let Some((before, word)) = rest.rsplit_once(' ')
        && take(word)?
    {
        rest = before;
    }
    let (secret, written) = if rest == "-" {
        let mut content = Vec::new();
        std::io::stdin().lock().take(64 * 1024).read_to_end(&mut content).map_err(|error| {
            error_with_code(ExitStatus::Input, format_args!("standard input: {error}"))
        })?;
        (secret_of_file(&content)?, content)
    } else if let Some(path) = rest.strip_prefix("file=") {
        let content = files::read(path.as_ref())?;
        (of_file(path, &content)?, content)
    } else if let Some(name) = rest.strip_prefix("env=") {
        let value = std::env::var(name).map_err(|_| format!("{name} is not in the environment"))?;
        (parse_secret(value.as_bytes())?, value.into_bytes())
    } else {
        if Path::new(rest).is_file() {
            files::print_error(&format!(
                "--key: the key is the text \"{rest}\", and not what that file holds: write \"file={rest}\""
            ));
        }
        (parse_secret(rest.as_bytes())?, rest.into())
    };
    let mut key = Key::new(secret)?;
    if let Some(id) = id {
        key = key.with_id(id.as_bytes())?;
    }
    key.salt = salt.unwrap_or_default().into();
    Ok((key, written.trim_ascii_end().to_vec()))
}

fn of_file(path: &str, content: &[u8]) -> Result<Vec<u8>, CliError> {
    if let Some(reason) = odd_file(content) {
        files::print_error(&format!("--key: {path}: {reason}"));
    }
    Ok(secret_of_file(content).map_err(|error| format!("{path}: {error}"))?)
}
