//! Reading and writing whole files; `-` is standard input or output.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use image_gate_core::image::{ContentCodings, Control, UNSUPPORTED_LEN};

use crate::error::{CliError, ExitStatus, error_with_code};

/// As many links as the system itself follows.
const LINKS: usize = 40;

/// Nothing that is read here is larger, but what never ends.
const LARGEST: u64 = 512 << 20;

/// Reads a file.
///
/// # Errors
/// [`ExitStatus::Input`].
pub fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let bytes = if is_standard(path) {
        read_from(io::stdin().lock())
    } else {
        File::open(path).and_then(read_from)
    };
    bytes.map_err(|error| about(ExitStatus::Input, &input_name(path), &error))
}

/// Reads the file of a picture, which may be a drawing that is compressed.
///
/// # Errors
/// [`ExitStatus::Input`], and [`ExitStatus::Picture`] for one that can't be unfolded.
pub fn read_picture(path: &Path) -> Result<Vec<u8>, CliError> {
    let bytes = read(path)?;
    let plain = ContentCodings::default().undo(&bytes, LARGEST, &Control::default());
    let plain = plain.map_err(|error| {
        error_with_code(ExitStatus::Picture, format_args!("{}: {error}", input_name(path)))
    })?;
    Ok(plain.unwrap_or(bytes))
}

/// Reads the first bytes of a file, as many as tell what image it is.
///
/// # Errors
/// [`ExitStatus::Input`].
pub fn head(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(UNSUPPORTED_LEN as u64).read_to_end(&mut head))
        .map_err(|error| about(ExitStatus::Input, &input_name(path), &error))?;
    Ok(head)
}

fn read_from(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if input.take(LARGEST + 1).read_to_end(&mut bytes)? as u64 > LARGEST {
        return Err(io::Error::other(format!("larger than {} MiB", LARGEST >> 20)));
    }
    Ok(bytes)
}

/// Writes a file so that nobody ever sees a part of it, with the mode and the owner of the one
/// that it replaces. What is no regular file is written into, and never replaced.
///
/// # Errors
/// [`ExitStatus::Output`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    if is_standard(path) {
        return print(bytes);
    }
    write_file(path, bytes)
        .map_err(|error| about(ExitStatus::Output, &path.display().to_string(), &error))
}

/// Writes to standard output.
///
/// # Errors
/// [`ExitStatus::Output`].
pub fn print(bytes: &[u8]) -> Result<(), CliError> {
    let mut output = io::stdout().lock();
    let written = output.write_all(bytes).and_then(|()| output.flush());
    written.map_err(|error| about(ExitStatus::Output, "standard output", &error))
}

/// Writes a line to standard output.
///
/// # Errors
/// [`ExitStatus::Output`].
pub fn print_line(line: &str) -> Result<(), CliError> {
    print(format!("{line}\n").as_bytes())
}

/// Writes a line to standard error that is a result, and no message.
///
/// # Errors
/// [`ExitStatus::Output`].
pub fn print_error_line(line: &str) -> Result<(), CliError> {
    writeln!(io::stderr(), "{line}")
        .map_err(|error| about(ExitStatus::Output, "standard error", &error))
}

/// Says something on standard error; that nobody listens is no failure.
pub fn print_error(line: &str) {
    let _ = writeln!(io::stderr(), "image-gate: {line}");
}

/// What messages call an input.
pub fn input_name(path: &Path) -> String {
    if is_standard(path) { "standard input".to_owned() } else { path.display().to_string() }
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = follow(path)?;
    let is_device = target.starts_with("/dev") || target.starts_with("/proc");
    match fs::metadata(&target) {
        Ok(known) if is_device || !known.is_file() => write_into(&target, bytes, false),
        Ok(known) => match replace(&target, bytes, Some(&known)) {
            // Of a file of somebody else, or in a folder of somebody else.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                write_into(&target, bytes, true)
            }
            result => result,
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => replace(&target, bytes, None),
        Err(error) => Err(error),
    }
}

/// Where the links lead that `path` is one of. Those of /dev and /proc are the system's to follow.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let is_link = fs::symlink_metadata(&path).is_ok_and(|known| known.is_symlink());
        if !is_link || path.starts_with("/dev") || path.starts_with("/proc") {
            return Ok(path);
        }
        let link = fs::read_link(&path)?;
        path = path.parent().unwrap_or(Path::new("")).join(link);
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

fn write_into(path: &Path, bytes: &[u8], truncate: bool) -> io::Result<()> {
    OpenOptions::new().write(true).truncate(truncate).open(path)?.write_all(bytes)
}

fn replace(path: &Path, bytes: &[u8], known: Option<&Metadata>) -> io::Result<()> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_file_name(format!(".image-gate.{}.{count}", std::process::id()));
    let result = fill(&temporary, bytes, known).and_then(|()| fs::rename(&temporary, path));
    if result.is_err() {
        // Whatever became of it, the first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn fill(path: &Path, bytes: &[u8], known: Option<&Metadata>) -> io::Result<()> {
    let mode = if known.is_some() { 0o600 } else { 0o666 };
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    if let Some(known) = known {
        let new = file.metadata()?;
        if (new.uid(), new.gid()) != (known.uid(), known.gid()) {
            chown(path, Some(known.uid()), Some(known.gid()))?;
        }
        // After the owner: a change of that takes bits away.
        file.set_permissions(known.permissions())?;
    }
    Ok(())
}

/// Whether that is standard input or output.
pub fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

fn about(code: ExitStatus, name: &str, error: &io::Error) -> CliError {
    error_with_code(code, format!("{name}: {error}"))
}
