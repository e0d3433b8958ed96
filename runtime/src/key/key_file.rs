//! The file that a zone reads its keys from, and the copy that is kept of the last good one.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use image_gate_core::key::PartnerTable;

use crate::files::{self, FileId, beside};

/// The largest key file, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Where a zone's keys come from, and how often that is looked at; never without `poll`.
#[derive(Debug, Clone)]
pub struct KeyFile {
    /// Its name.
    pub path: PathBuf,
    /// How often it is looked at.
    pub poll: Option<Duration>,
    /// What the file was when it was read.
    pub seen: Option<FileId>,
    /// Why the file can't be used; then the keys are those of the last one that could.
    pub trouble: Option<String>,
}

/// The keys of a zone as they were read.
#[derive(Debug, Default)]
pub struct Keys {
    /// Who holds which.
    pub table: PartnerTable,
    /// Which version of the file they are.
    pub seen: Option<FileId>,
    /// The file itself.
    pub text: Vec<u8>,
}

impl Keys {
    /// Reads a key file.
    ///
    /// # Errors
    /// Why it can't be used, with its path.
    pub fn read(path: &Path) -> Result<Keys, String> {
        let fail = |reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
        let (text, meta) = files::read(path, LARGEST).map_err(|error| fail(&error))?;
        let table = PartnerTable::parse(&text).map_err(|error| fail(&error))?;
        Ok(Keys { table, seen: Some(FileId::from(&meta)), text })
    }

    /// Why the file can't take the place of one that has partners, if there is nothing in it: it is being
    /// written, or a disk is full. Who wants nobody let in says so in a comment.
    #[must_use]
    pub fn emptiness(&self, path: &Path) -> Option<String> {
        self.text.iter().all(u8::is_ascii_whitespace).then(|| {
            let path = path.display();
            format!("{path}: there is nothing in it: \"# nobody\" says that no key is to be let in")
        })
    }

    /// Reads the copy that was kept beside a state file of the last good key file.
    ///
    /// # Errors
    /// Why it can't be used, with its path.
    pub fn read_copy(state: &Path) -> Result<Keys, String> {
        Keys::read(&copy_of(state))
    }
}

impl KeyFile {
    /// Returns a key file with the keys in it, if it is good.
    #[must_use]
    pub fn read(path: PathBuf, poll: Option<Duration>) -> (KeyFile, Option<Keys>) {
        let (seen, trouble, keys) = match Keys::read(&path) {
            Ok(keys) => (keys.seen, None, Some(keys)),
            // It is looked at again when it is another one.
            Err(trouble) => (FileId::of(&path).ok(), Some(trouble), None),
        };
        (KeyFile { path, poll, seen, trouble }, keys)
    }
}

/// Where the last good key file of a zone with that state file is kept.
fn copy_of(state: &Path) -> PathBuf {
    beside(state, ".keys")
}

/// Keeps a good key file beside a state file for the next start. Workers, which run as `user`, have
/// to be able to replace it.
///
/// # Errors
/// Why it can't be kept, with the path.
pub fn keep(state: &Path, text: &[u8], user: Option<(u32, u32)>) -> Result<(), String> {
    let path = copy_of(state);
    if files::read(&path, LARGEST).is_ok_and(|(known, _)| known == text) {
        return Ok(());
    }
    // Several processes may be at it.
    let new = beside(&path, &format!(".{}", std::process::id()));
    let result = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(&new)
        .and_then(|file| {
            if let Some((user, group)) = user {
                fchown(&file, Some(user), Some(group))?;
            }
            files::replace(&file, &new, &path, text)
        });
    result.map_err(|error| {
        // It may never have come to be.
        drop(fs::remove_file(&new));
        format!("{}: {error}", path.display())
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::testing::{Folder, keys};
    use std::os::unix::fs::{MetadataExt, symlink};

    #[test]
    fn what_is_wrong_is_said_with_the_path() {
        let folder = Folder::new();
        let read = || KeyFile::read(folder.file("keys"), None);
        let path = folder.file("keys").display().to_string();
        let (file, found) = read();
        assert!(found.is_none() && file.seen.is_none());
        assert!(file.trouble.unwrap().starts_with(&format!("{path}: No such file")));

        folder.write("keys", b"acme sha256:0\n");
        let (file, found) = read();
        assert!(found.is_none());
        // It is looked at again only when it is another one.
        assert_eq!(file.seen, FileId::of(&folder.file("keys")).ok());
        assert!(file.trouble.unwrap().starts_with(&format!("{path}: line 1")));

        folder.write("keys", &keys(&["acme", "beta"]));
        let (file, found) = read();
        let found = found.unwrap();
        assert_eq!((file.trouble, file.seen), (None, found.seen));
        assert_eq!((found.table.partners().len(), found.text), (2, keys(&["acme", "beta"])));
    }

    #[test]
    fn a_file_with_nothing_in_it_is_told_from_one_for_nobody() {
        let folder = Folder::new();
        let path = folder.file("keys");
        for (text, is_empty) in
            [(&b""[..], true), (b" \r\n\n", true), (b"# nobody\n", false), (&keys(&["a"]), false)]
        {
            folder.write("keys", text);
            assert_eq!(Keys::read(&path).unwrap().emptiness(&path).is_some(), is_empty);
        }
    }

    #[test]
    fn a_good_file_is_kept_for_the_next_start() {
        let folder = Folder::new();
        let state = folder.file("state");
        assert!(Keys::read_copy(&state).is_err());
        keep(&state, &keys(&["acme"]), None).unwrap();
        assert_eq!(Keys::read_copy(&state).unwrap().text, keys(&["acme"]));
        assert_eq!(folder.names(), ["state.keys"]);
        assert_eq!(fs::metadata(folder.file("state.keys")).unwrap().mode() & 0o777, 0o600);

        let before = FileId::of(&folder.file("state.keys")).unwrap();
        keep(&state, &keys(&["acme"]), None).unwrap();
        assert_eq!(FileId::of(&folder.file("state.keys")).unwrap(), before, "not written again");
        keep(&state, &keys(&["beta"]), None).unwrap();
        assert_eq!(Keys::read_copy(&state).unwrap().text, keys(&["beta"]));
        assert_eq!(folder.names(), ["state.keys"]);
    }

    #[test]
    fn a_copy_that_can_not_be_written_leaves_the_one_before() {
        let folder = Folder::new();
        let state = folder.file("state");
        keep(&state, &keys(&["acme"]), None).unwrap();
        // Somebody else's link in the place of the new file is not followed.
        let new = format!("state.keys.{}", std::process::id());
        symlink(folder.file("elsewhere"), folder.file(&new)).unwrap();
        let reason = keep(&state, &keys(&["beta"]), None).unwrap_err();
        assert!(reason.starts_with(&format!("{}: ", folder.file("state.keys").display())));
        assert_eq!(Keys::read_copy(&state).unwrap().text, keys(&["acme"]));
        assert_eq!(folder.names(), ["state.keys"]);
        // What was in the way is gone.
        keep(&state, &keys(&["beta"]), None).unwrap();

        assert!(keep(&folder.file("none/state"), b"", None).unwrap_err().contains("No such file"));
    }
}
