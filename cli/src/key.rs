//! `image-gate key`

use std::io::Read;
use std::path::{Path, PathBuf};

use image_gate_core::key::{Digest, Partner, PartnerKey, PartnerTable, is_id};

use crate::error::{CliError, ExitStatus, error_with_code};
use crate::{files, time};

/// Makes partner keys, and checks the file that they are in
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Prints the line for the key file to standard output, so that ">> FILE" is right, and the
    /// new key to standard error; the key is stored nowhere
    New {
        /// The partner: 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-"
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Adds a partner to a key file, or a key to a partner, and prints the new key
    Add {
        /// The key file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The partner
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Gives a partner a new key and prints it; those before hold until they are revoked or expire
    Rotate {
        /// The key file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The partner
        #[arg(value_name = "ID")]
        id: String,
        /// How long the keys before hold: +30d, 2026-12-31, 2026-12-31T12:00:00Z
        #[arg(long, value_name = "DATE", value_parser = time::parse)]
        expire: Option<u64>,
    },
    /// Has all keys of a partner refused, by the word "disabled" in the key file
    Revoke {
        /// The key file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The partner
        #[arg(value_name = "ID")]
        id: String,
        /// Takes away all keys but the one that came by the last "rotate", instead
        #[arg(long)]
        old: bool,
    },
    /// Lists the partners of a key file, how many keys each has, and whether they hold
    List {
        /// The key file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Prints the digest of a key, read from standard input, for the key file
    Hash,
    /// Reads a key file as nginx would, and says what is wrong with it or how many partners it has
    Check {
        /// The key file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Says whose key it is that comes on standard input
        #[arg(long)]
        whose: bool,
    },
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    match &arguments.command {
        Command::New { id } => new(id),
        Command::Add { file, id } => add(file, id),
        Command::Rotate { file, id, expire } => rotate(file, id, *expire),
        Command::Revoke { file, id, old: false } => revoke(file, id),
        Command::Revoke { file, id, old: true } => revoke_old(file, id),
        Command::List { file } => list(file),
        Command::Hash => files::print_line(&Digest::of(&read_key()?).to_string()),
        Command::Check { file, whose } => check(file, *whose),
    }
}

fn new(id: &str) -> Result<(), CliError> {
    check_id(id)?;
    let key = random_key()?;
    // The line first: a key whose line is lost is of no use.
    files::print_line(&format!("{id} {}", Digest::of(key.as_bytes())))?;
    files::print_error_line(&key)
}

fn check_id(id: &str) -> Result<(), CliError> {
    if is_id(id.as_bytes()) { Ok(()) } else { Err(format!("\"{id}\" is no ID").into()) }
}

fn random_key() -> Result<String, CliError> {
    // 192 bits, in an alphabet that needs no escape in a URI, a header or a cookie.
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| format!("no random numbers: {error}"))?;
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    Ok(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect())
}

fn add(file: &Path, id: &str) -> Result<(), CliError> {
    check_id(id)?;
    if !files::is_standard(file) && !file.exists() {
        let name = file.display();
        return Err(error_with_code(
            ExitStatus::Input,
            format_args!(
                "{name}: there is no such file: make it first, so that workers can read it: install \
                 -m 640 -g www-data /dev/null {name}"
            ),
        ));
    }
    let (mut text, table) = read(file)?;
    let key = random_key()?;
    let digest = Digest::of(key.as_bytes());
    let known = find(&table, id);
    if known.is_some() {
        edit(&mut text, id, 2, |keys| format!("{keys},{digest}"));
    } else {
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text.extend_from_slice(format!("{id} {digest}\n").as_bytes());
    }
    write(file, &text)?;
    warn_of_disabled(file, known);
    files::print_line(&key)
}

/// Says where a new key is of no use.
fn warn_of_disabled(file: &Path, partner: Option<&Partner>) {
    if let Some(Partner { id, .. }) = partner.filter(|partner| partner.disabled) {
        files::print_error(&format!(
            "{}: \"{id}\" is disabled, and its new key refused: take that word out of its line",
            files::input_name(file)
        ));
    }
}

fn revoke(file: &Path, id: &str) -> Result<(), CliError> {
    let (mut text, table) = read(file)?;
    if !known(file, &table, id)?.disabled {
        edit(&mut text, id, usize::MAX, |last| format!("{last} disabled"));
        write(file, &text)?;
    }
    Ok(())
}

fn rotate(file: &Path, id: &str, last: Option<u64>) -> Result<(), CliError> {
    let (mut text, table) = read(file)?;
    let now = time::now();
    let partner = known(file, &table, id)?;
    let before = partner.keys.iter().filter(|key| !key.is_expired(now));
    let before = before.map(|key| {
        let ends = last.map(|last| last + 1).into_iter().chain(key.expires).min();
        in_file(&PartnerKey { expires: ends, ..*key })
    });
    let key = random_key()?;
    let new = Digest::of(key.as_bytes()).to_string();
    let keys: Vec<String> = [new].into_iter().chain(before).collect();
    edit(&mut text, id, 2, |_| keys.join(","));
    write(file, &text)?;
    warn_of_disabled(file, Some(partner));
    if let Some(last) = last.filter(|&last| last < now) {
        files::print_error(&format!(
            "{}: the keys before are refused from now on: --expire is {}",
            files::input_name(file),
            time::format(last)
        ));
    }
    files::print_line(&key)
}

fn revoke_old(file: &Path, id: &str) -> Result<(), CliError> {
    let (mut text, table) = read(file)?;
    if let [first, _, ..] = &known(file, &table, id)?.keys[..] {
        edit(&mut text, id, 2, |_| in_file(first));
        write(file, &text)?;
    }
    Ok(())
}

/// A key as the file has it: its digest, and the last second or day on which it holds.
fn in_file(key: &PartnerKey) -> String {
    let Some(expires) = key.expires else { return key.digest.to_string() };
    let last = time::format(expires.saturating_sub(1));
    let last = last.strip_suffix("T23:59:59Z").unwrap_or(&last);
    format!("{}@{last}", key.digest)
}

fn list(file: &Path) -> Result<(), CliError> {
    let (_, table) = read(file)?;
    let now = time::now();
    let lines = table.partners().iter().map(|partner| {
        let (id, keys) = (&partner.id, partner.keys.len());
        format!(
            "{id}\t{keys} {}\t{}\n",
            if keys == 1 { "key" } else { "keys" },
            state(partner, now)
        )
    });
    files::print(lines.collect::<String>().as_bytes())
}

/// Reads a key file. Returns its text, too.
fn read(file: &Path) -> Result<(Vec<u8>, PartnerTable), CliError> {
    let text = files::read(file)?;
    let table = parse(file, &text)?;
    Ok((text, table))
}

fn parse(file: &Path, text: &[u8]) -> Result<PartnerTable, CliError> {
    let name = files::input_name(file);
    PartnerTable::parse(text)
        .map_err(|error| error_with_code(ExitStatus::No, format_args!("{name}: {error}")))
}

/// Writes a key file, if it is one.
fn write(file: &Path, text: &[u8]) -> Result<(), CliError> {
    parse(file, text)?;
    files::write(file, text)
}

fn find<'a>(table: &'a PartnerTable, id: &str) -> Option<&'a Partner> {
    table.partners().iter().find(|partner| partner.id == id)
}

/// Returns a partner of a file.
fn known<'a>(file: &Path, table: &'a PartnerTable, id: &str) -> Result<&'a Partner, CliError> {
    find(table, id).ok_or_else(|| {
        let name = files::input_name(file);
        error_with_code(ExitStatus::No, format_args!("{name}: there is no \"{id}\""))
    })
}

/// Puts something in the place of that word, from 1, of a partner's line, or of its last one.
fn edit(text: &mut Vec<u8>, id: &str, word: usize, make: impl FnOnce(&str) -> String) {
    let mut start = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let words = line.split(|&byte| byte == b'#').next().unwrap_or_default();
        let is_space = |byte: &u8| byte.is_ascii_whitespace();
        let mut place = 0;
        let mut ends = words.split(is_space).filter_map(|word| {
            let end = place + word.len();
            place = end + 1;
            (!word.is_empty()).then_some((word, end))
        });
        if let Some(first) = ends.next()
            && first.0 == id.as_bytes()
        {
            let (known, end) = ends.take(word - 1).last().unwrap_or(first);
            let new = make(&String::from_utf8_lossy(known));
            let range = start + end - known.len()..start + end;
            text.splice(range, new.bytes());
            return;
        }
        start += line.len();
    }
}

/// Returns whether a partner's keys hold, in a word.
fn state(partner: &Partner, now: u64) -> &'static str {
    match partner {
        partner if partner.disabled => "disabled",
        partner if partner.is_expired(now) => "expired",
        _ => "valid",
    }
}

fn check(file: &Path, whose: bool) -> Result<(), CliError> {
    let (_, table) = read(file)?;
    if !whose {
        let keys: usize = table.partners().iter().map(|partner| partner.keys.len()).sum();
        return files::print_line(&format!("{} partners, {keys} keys", table.partners().len()));
    }
    let found = table.find_key(&Digest::of(&read_key()?));
    let (partner, key) = found
        .and_then(|(at, key)| Some((table.partners().get(at)?, key)))
        .ok_or_else(|| error_with_code(ExitStatus::No, "nobody's key"))?;
    let now = time::now();
    let note = match state(partner, now) {
        "valid" if key.is_expired(now) => " (expired)".to_owned(),
        "valid" => String::new(),
        state => format!(" ({state})"),
    };
    files::print_line(&format!("{}{note}", partner.id))
}

/// The key on standard input: not an argument, which every user of the machine can see.
fn read_key() -> Result<Vec<u8>, CliError> {
    let mut key = Vec::new();
    std::io::stdin().lock().take(64 * 1024).read_to_end(&mut key).map_err(|error| {
        error_with_code(ExitStatus::Input, format_args!("standard input: {error}"))
    })?;
    while key.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        key.pop();
    }
    if key.is_empty() {
        Err(error_with_code(ExitStatus::Input, "no key on standard input"))
    } else if key.contains(&b'\n') {
        Err(error_with_code(
            ExitStatus::Input,
            "standard input has several lines: one key at a time",
        ))
    } else if key.starts_with(b"\xef\xbb\xbf") {
        let reason = "a byte order mark stands before the key on standard input: take it away";
        Err(error_with_code(ExitStatus::Input, reason))
    } else {
        Ok(key)
    }
}
