//! Reading and writing whole files; `-` is standard input or output.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::Failure;

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = if is_standard(path) {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    bytes.map_err(|error| about(path, &error))
}

/// Writes a file so that nobody ever sees a part of it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = if is_standard(path) {
        let mut output = io::stdout().lock();
        output.write_all(bytes).and_then(|()| output.flush())
    } else {
        replace(path, bytes)
    };
    written.map_err(|error| about(path, &error))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    let temporary = path.with_file_name(name);

    let result = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if result.is_err() {
        // Whatever became of it, the first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

fn about(path: &Path, error: &io::Error) -> Failure {
    format!("{}: {error}", path.display()).into()
}
