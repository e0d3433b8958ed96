//! What the event loop must not wait for: to look whether credentials changed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::source::FileSource;
use super::store::Store;
use crate::files::FileId;
use crate::host::{Host, Now};
use crate::polled_file::{PolledFile, Trouble};
use crate::stop_signal::StopSignal;

/// Keeps credentials as they should be until it is time to stop.
pub fn run(mut all: Vec<Refresh>, host: &impl Host, stop: &StopSignal) {
    while !stop.is_stopped() {
        for refresh in &mut all {
            refresh.work(host);
        }
        let now = host.now();
        let rest = all.iter().filter_map(|refresh| refresh.rest(now)).min();
        stop.sleep(rest.unwrap_or(Duration::MAX));
    }
}

/// What is to be done for the credentials of one name.
pub struct Refresh {
    name: String,
    store: Arc<Store>,
    source: FileSource,
    file: PolledFile,
}

impl Refresh {
    /// Returns that of a file which was read before that time.
    #[must_use]
    pub fn file(
        name: String,
        store: Arc<Store>,
        source: FileSource,
        seen: Option<FileId>,
        now: Now,
    ) -> Refresh {
        let path = source.path.clone();
        let file = PolledFile::new(path, source.poll, seen, None, now.steady);
        Refresh { name, store, source, file }
    }

    /// Does what is due.
    fn work(&mut self, host: &impl Host) {
        let Refresh { name, store, source, file } = self;
        let take = |_: &Path| match source.read() {
            Err(reason) => (None, Err(reason)),
            Ok((credentials, read)) => {
                if store.replace(credentials) {
                    host.notice(format_args!("image_gate_s3: \"{name}\" has new credentials"));
                }
                (Some(read.id), Ok(()))
            }
        };
        if let Some(Err(Trouble { reason, is_new: true })) = file.look(host.now().steady, take) {
            host.error(format_args!("image_gate_s3: \"{name}\" keeps its credentials: {reason}"));
        }
    }

    /// Returns how long there is nothing to do; `None` is for ever.
    fn rest(&self, now: Now) -> Option<Duration> {
        self.file.rest(now.steady)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::testing::{FakeHost, Folder};

    fn text(id: &str) -> Vec<u8> {
        format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = S\n").into_bytes()
    }

    #[test]
    fn a_file_that_changes_is_taken_over_and_a_bad_one_is_not() {
        let (folder, host) = (Folder::new(), FakeHost::new());
        let path = folder.write("credentials", &text("one"));
        let poll = Some(Duration::from_secs(60));
        let source = FileSource { path, profile: "default".to_owned(), poll };
        let (credentials, read) = source.read().unwrap();
        let store = Arc::new(Store::new(Some(credentials)));
        let (name, seen) = ("main".to_owned(), Some(read.id));
        let mut refresh = Refresh::file(name, store.clone(), source, seen, host.now());
        let mut after = |seconds| {
            host.pass(Duration::from_secs(seconds));
            refresh.work(&host);
            assert!(refresh.rest(host.now()).unwrap() <= Duration::from_secs(60));
            let folder = format!("{}/", folder.path().display());
            let lines: Vec<_> = host.lines().iter().map(|line| line.replace(&folder, "")).collect();
            (store.get().1.unwrap().id.clone(), lines)
        };
        let none = Vec::<String>::new();
        assert_eq!(after(0), ("one".to_owned(), none.clone()));
        folder.write("credentials", &text("two"));
        assert_eq!(after(59), ("one".to_owned(), none.clone()));
        let new = "notice: image_gate_s3: \"main\" has new credentials".to_owned();
        assert_eq!(after(1), ("two".to_owned(), vec![new.clone()]));
        let version = store.version();
        // Another file with the same in it.
        folder.write("credentials", &text("two"));
        assert_eq!(after(60), ("two".to_owned(), none.clone()));
        assert_eq!(store.version(), version);

        folder.write("credentials", b"[default]\nSECRET\n");
        let bad = "error: image_gate_s3: \"main\" keeps its credentials: credentials: line 2: \
                   neither a section nor \"name = value\"";
        assert_eq!(after(60), ("two".to_owned(), vec![bad.to_owned()]));
        assert_eq!(after(60), ("two".to_owned(), none.clone()));
        std::fs::remove_file(folder.file("credentials")).unwrap();
        assert!(after(60).1.concat().contains("credentials: No such file"));
        folder.write("credentials", &text("three"));
        assert_eq!(after(60), ("three".to_owned(), vec![new]));
        assert!(store.version() > version);
    }
}
