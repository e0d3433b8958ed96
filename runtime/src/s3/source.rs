//! Credentials from a file of AWS's tools and from the environment.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use image_gate_core::s3::{Credentials, parse_profile};

use crate::files::{self, FileId};

/// The largest file of credentials, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// A profile in a file, and how often that is looked at; never without `poll`.
#[derive(Debug, Clone)]
pub struct FileSource {
    /// Its name.
    pub path: PathBuf,
    /// The section in it.
    pub profile: String,
    /// How often it is looked at.
    pub poll: Option<Duration>,
}

/// What a file of credentials was when it was read.
#[derive(Debug, Clone, Copy)]
pub struct Read {
    /// Which version of it.
    pub id: FileId,
    /// Whether anybody on the machine may read it, or write to it.
    pub is_open: bool,
}

impl FileSource {
    /// Reads it.
    ///
    /// # Errors
    /// Why it can't be used, with its path and without anything of it.
    pub fn read(&self) -> Result<(Credentials, Read), String> {
        let FileSource { path, profile, .. } = self;
        let fail = |reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
        let (text, meta) = files::read(path, LARGEST).map_err(|error| fail(&error))?;
        let credentials = parse_profile(&text, profile).map_err(|error| fail(&error))?;
        let is_open = meta.mode() & 0o006 != 0;
        Ok((credentials, Read { id: FileId::from(&meta), is_open }))
    }

    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Returns the credentials in the variables of an environment that AWS's tools read.
///
/// # Errors
/// What is wrong with them.
pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Credentials, String> {
    let (id, secret) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
    let get = |name: &str| {
        variable(name).filter(|value| !value.is_empty()).ok_or_else(|| format!("no ${name}"))
    };
    let token = variable("AWS_SESSION_TOKEN");
    Credentials::new(&get(id)?, &get(secret)?, token.as_deref()).map_err(|error| error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::testing::Folder;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_with_its_permissions() {
        let folder = Folder::new();
        let path = folder.file("credentials");
        let source = FileSource { path, profile: "default".to_owned(), poll: None };
        let name = source.path().display().to_string();
        assert!(source.read().unwrap_err().starts_with(&format!("{name}: No such file")));
        folder.write("credentials", b"[default]\naws_access_key_id = SECRET\n");
        let expected = format!("{name}: profile \"default\": no secret access key");
        assert_eq!(source.read().unwrap_err(), expected);
        let text = b"[default]\naws_access_key_id = I\naws_secret_access_key = S\n";
        folder.write("credentials", text);
        for (mode, is_open) in [(0o600, false), (0o640, false), (0o644, true), (0o602, true)] {
            fs::set_permissions(source.path(), Permissions::from_mode(mode)).unwrap();
            let (credentials, read) = source.read().unwrap();
            assert_eq!(credentials, Credentials::new("I", "S", None).unwrap());
            assert_eq!((read.is_open, read.id), (is_open, FileId::of(source.path()).unwrap()));
        }
    }

    #[test]
    fn an_environment() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs.to_vec();
            from_environment(move |name| {
                pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let (id, secret) = (("AWS_ACCESS_KEY_ID", "I"), ("AWS_SECRET_ACCESS_KEY", "S"));
        assert_eq!(of(&[id, secret]), Ok(Credentials::new("I", "S", None).unwrap()));
        let token = ("AWS_SESSION_TOKEN", "T");
        assert_eq!(of(&[id, secret, token]), Ok(Credentials::new("I", "S", Some("T")).unwrap()));
        assert_eq!(of(&[id]).unwrap_err(), "no $AWS_SECRET_ACCESS_KEY");
        assert_eq!(of(&[("AWS_ACCESS_KEY_ID", ""), secret]).unwrap_err(), "no $AWS_ACCESS_KEY_ID");
        let wrong = of(&[("AWS_ACCESS_KEY_ID", "a b"), secret]).unwrap_err();
        assert!(!wrong.contains("a b"), "{wrong}");
    }
}
