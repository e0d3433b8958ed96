//! What the event loop must not wait for: to look whether credentials changed.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use image_gate_core::s3::Credentials;

use super::service::CredentialsService;
use super::source::FileSource;
use super::store::Store;
use crate::files::FileId;
use crate::host::{Host, Now};
use crate::polled_file::{PolledFile, Trouble};
use crate::stop_signal::StopSignal;

/// How long an answer of a service is waited for.
const LIMIT: Duration = Duration::from_secs(5);

/// How long it is before a service is asked again that did not answer.
const RETRY: Duration = Duration::from_secs(5);

/// So long before their end credentials are renewed, or in the middle of what is left.
const MARGIN: Duration = Duration::from_secs(15 * 60);

/// How often a service is asked for credentials that do not end.
const LASTING: Duration = Duration::from_secs(3600);

/// Keeps credentials as they should be until it is time to stop.
pub fn run(mut all: Vec<Refresh>, host: &impl Host, stop: &StopSignal) {
    while !stop.is_stopped() {
        for refresh in &mut all {
            refresh.work(host, stop);
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
    source: Source,
}

enum Source {
    File(FileSource, PolledFile),
    Service {
        service: Arc<CredentialsService>,
        next: Instant,
        /// What was wrong last, so that each trouble makes one line.
        trouble: Option<String>,
    },
}

/// How long it is before credentials are to be renewed.
fn lasts(credentials: &Credentials, now: Now) -> Duration {
    let Some(end) = credentials.expires else { return LASTING };
    let left = Duration::from_secs(end.saturating_sub(now.seconds()));
    left.saturating_sub(MARGIN.min(left / 2)).max(Duration::from_secs(1))
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
        Refresh { name, store, source: Source::File(source, file) }
    }

    /// Returns that of a service, which may have been asked before.
    #[must_use]
    pub fn service(
        name: String,
        store: Arc<Store>,
        service: Arc<CredentialsService>,
        now: Now,
    ) -> Refresh {
        let rest = store.get().1.map_or(Duration::ZERO, |known| lasts(&known, now));
        let next = now.steady.checked_add(rest).unwrap_or(now.steady);
        Refresh { name, store, source: Source::Service { service, next, trouble: None } }
    }

    /// Does what is due.
    fn work(&mut self, host: &impl Host, stop: &StopSignal) {
        let Refresh { name, store, source } = self;
        let now = host.now();
        let take = |credentials| {
            if store.replace(credentials) {
                host.notice(format_args!("image_gate_s3: \"{name}\" has new credentials"));
            }
        };
        let reason = match source {
            Source::File(source, file) => {
                let looked = file.look(now.steady, |_: &Path| match source.read() {
                    Err(reason) => (None, Err(reason)),
                    Ok((credentials, read)) => {
                        take(credentials);
                        (Some(read.id), Ok(()))
                    }
                });
                match looked {
                    Some(Err(Trouble { reason, is_new: true })) => reason,
                    _ => return,
                }
            }
            Source::Service { next, .. } if *next > now.steady => return,
            Source::Service { service, next, trouble } => {
                let asked = service.clone();
                let found = stop.run(host, "image_gate_s3", LIMIT, move || asked.fetch(LIMIT));
                let (rest, reason) = match found.map_err(|reason| reason.to_string()).flatten() {
                    Ok(credentials) => {
                        let rest = lasts(&credentials, now);
                        take(credentials);
                        (rest, None)
                    }
                    Err(reason) => (RETRY, Some(reason)),
                };
                *next = host.now().steady.checked_add(rest).unwrap_or(now.steady);
                if stop.is_stopped() || reason == *trouble {
                    return;
                }
                trouble.clone_from(&reason);
                let Some(reason) = reason else { return };
                reason
            }
        };
        let keeps = if store.get().1.is_some() { "keeps its" } else { "has no" };
        host.error(format_args!("image_gate_s3: \"{name}\" {keeps} credentials: {reason}"));
    }

    /// Returns how long there is nothing to do; `None` is for ever.
    fn rest(&self, now: Now) -> Option<Duration> {
        match &self.source {
            Source::File(_, file) => file.rest(now.steady),
            Source::Service { next, .. } => Some(next.saturating_duration_since(now.steady)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::s3::MetadataService;
    use crate::testing::{FakeHost, Folder};

    fn text(id: &str) -> Vec<u8> {
        format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = S\n").into_bytes()
    }

    #[test]
    fn credentials_are_renewed_before_they_end() {
        let host = FakeHost::new();
        let mut known = Credentials::new("I", "S", None).unwrap();
        assert_eq!(lasts(&known, host.now()), LASTING);
        for (left, rest) in
            [(6 * 3600, 6 * 3600 - 900), (1800, 900), (600, 300), (6, 3), (2, 1), (1, 1), (0, 1)]
        {
            known.expires = Some(host.now().seconds() + left);
            assert_eq!(lasts(&known, host.now()), Duration::from_secs(rest), "{left}");
        }
        known.expires = Some(0);
        assert_eq!(lasts(&known, host.now()), Duration::from_secs(1));
    }

    #[test]
    fn a_service_that_does_not_answer_is_told_once_and_asked_again() {
        let host = FakeHost::new();
        // Nobody listens there any more.
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let service = MetadataService::instance(Some(&format!("http://{gone}"))).unwrap();
        let service = Arc::new(CredentialsService::Metadata(service));
        for (known, keeps) in [(None, "has no"), (Some("I"), "keeps its")] {
            let known = known.map(|id| Credentials::new(id, "S", None).unwrap());
            let store = Arc::new(Store::new(known));
            let name = "main".to_owned();
            let mut refresh = Refresh::service(name, store.clone(), service.clone(), host.now());
            host.pass(refresh.rest(host.now()).unwrap());
            let stop = StopSignal::default();
            refresh.work(&host, &stop);
            let lines = host.lines();
            let start =
                format!("error: image_gate_s3: \"main\" {keeps} credentials: http://{gone}: ");
            assert!(lines.len() == 1 && lines[0].starts_with(&start), "{lines:?}");
            assert_eq!(refresh.rest(host.now()), Some(RETRY));
            host.pass(RETRY);
            refresh.work(&host, &stop);
            assert_eq!(host.lines(), Vec::<String>::new());
            assert_eq!(refresh.rest(host.now()), Some(RETRY));
        }
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
            refresh.work(&host, &StopSignal::default());
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
