//! What is in folders of fonts: texts of drawings look otherwise where that changes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use image_gate_core::cache::Key;

/// How deep folders are looked into, and how many files and folders of all are looked at.
const DEPTH: usize = 16;
const MOST: usize = 100_000;

/// What was found in folders, while a configuration is read.
#[derive(Default)]
pub struct Fonts(RefCell<HashMap<PathBuf, u64>>);

impl Fonts {
    /// A number that is the same for two states of a folder only where it has the same fonts: names, lengths and
    /// times are.
    pub fn of(&self, folder: &Path) -> u64 {
        if let Some(&known) = self.0.borrow().get(folder) {
            return known;
        }
        let mut files = Vec::new();
        let mut left = MOST;
        find(folder, DEPTH, &mut left, &mut files);
        files.sort_unstable();
        let start = Key::new([0, 0], "fonts");
        let key = files.iter().fold(start, |key, (path, len, seconds, nanoseconds)| {
            let path = path.as_os_str().as_encoded_bytes();
            let times = [seconds.cast_unsigned(), nanoseconds.cast_unsigned()];
            times.into_iter().fold(key.text(path).number(*len), Key::number)
        });
        let found = u128::from_le_bytes(key.digest()) as u64;
        self.0.borrow_mut().insert(folder.to_path_buf(), found);
        found
    }
}

/// A file, and its length and time of writing.
type Found = (PathBuf, u64, i64, i64);

/// Adds the fonts in a folder, and in those in it, as long as there is something left to look at. What can't be read
/// is no font to a drawing either.
fn find(folder: &Path, depth: usize, left: &mut usize, files: &mut Vec<Found>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Some(fewer) = left.checked_sub(1) else { return };
        *left = fewer;
        let path = entry.path();
        // Also where a link leads.
        let Ok(data) = fs::metadata(&path) else { continue };
        if data.is_dir() && depth > 0 {
            find(&path, depth - 1, left, files);
        } else if data.is_file() && is_font(&path) {
            files.push((path, data.len(), data.mtime(), data.mtime_nsec()));
        }
    }
}

/// Whether a file is one that is looked at for a drawing.
fn is_font(path: &Path) -> bool {
    let kind = path.extension().map(|kind| kind.to_ascii_lowercase());
    kind.is_some_and(|kind| ["ttf", "ttc", "otf", "otc"].iter().any(|known| kind == *known))
}
