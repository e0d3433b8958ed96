//! `image-gate key`

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use image_gate_core::key::{Digest, PartnerTable, is_id};

use crate::error::{CliError, ExitStatus, error_with_code};
use crate::files;

/// Makes partner keys, and checks the file that they are in
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Prints a new key, and below it the line for the key file; the key is stored nowhere
    New {
        /// The partner: 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-"
        #[arg(value_name = "ID")]
        id: String,
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
        Command::Hash => files::print_line(&Digest::of(&read_key()?).to_string()),
        Command::Check { file, whose } => check(file, *whose),
    }
}

fn new(id: &str) -> Result<(), CliError> {
    if !is_id(id.as_bytes()) {
        return Err(format!("\"{id}\" is no ID").into());
    }
    // 192 bits, in an alphabet that needs no escape in a URI, a header or a cookie.
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| format!("no random numbers: {error}"))?;
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let key: String =
        random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect();
    files::print_line(&format!("{key}\n{id} {}", Digest::of(key.as_bytes())))
}

fn check(file: &Path, whose: bool) -> Result<(), CliError> {
    let text = files::read(file)?;
    let name = files::input_name(file);
    let table = PartnerTable::parse(&text)
        .map_err(|error| error_with_code(ExitStatus::No, format_args!("{name}: {error}")))?;
    if !whose {
        let keys: usize = table.partners().iter().map(|partner| partner.digests.len()).sum();
        return files::print_line(&format!("{} partners, {keys} keys", table.partners().len()));
    }
    let found = table.find(&Digest::of(&read_key()?));
    let partner = found
        .and_then(|at| table.partners().get(at))
        .ok_or_else(|| error_with_code(ExitStatus::No, "nobody's key"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let note = match partner {
        partner if partner.disabled => " (disabled)",
        partner if partner.is_expired(now) => " (expired)",
        _ => "",
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
    } else {
        Ok(key)
    }
}
