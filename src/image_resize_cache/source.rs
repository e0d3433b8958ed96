//! What a result is made of: how the original is named, and of which generation its results are.

use std::time::{Instant, SystemTime};

use image_gate_core::cache::{Digest, Key, SourceId};
use image_gate_runtime::generations::{Generation, Generations};
use nginx_sys::NGX_LOG_ERR;

use super::conf::{Cache, LocConf};
use crate::ngx::Request;
use crate::ngx::cache::SourceFile;
use crate::ngx::incoming::RequestPart;

/// What a result is made of.
#[derive(Clone, Copy)]
pub enum Source {
    /// A file, and when its state was looked at.
    File { id: SourceId, seen: SystemTime },
    /// What an upstream answers.
    Upstream,
}

/// The name of an original, whatever its state is and whatever is made of it.
pub struct Named<'r> {
    pub digest: Digest,
    /// The file, where it is one.
    pub file: Option<SourceFile<'r>>,
}

impl<'r> Named<'r> {
    /// What a request is for; `None` where nothing is kept of it.
    pub fn of(
        request: Request<'r>,
        conf: &LocConf,
        generations: &Generations,
    ) -> Option<Named<'r>> {
        let seed = generations.seed();
        let explicit = match conf.key {
            Some(key) => {
                let _captures = request.captures_apart();
                Some(key.evaluate(request)?)
            }
            None => None,
        };
        let is_file = !request.has_handler();
        let file = if is_file { request.source_file() } else { None };
        let key = match explicit {
            Some(b"") if !is_file => return None,
            Some(key) => Key::new(seed, "by key").text(key),
            None if is_file => {
                Key::new(seed, "file").text(file?.path().as_os_str().as_encoded_bytes())
            }
            None => upstream(request, conf, seed)?,
        };
        Some(Named { digest: key.digest(), file })
    }
}

/// What tells the source of a request that an upstream answers.
fn upstream(request: Request<'_>, conf: &LocConf, seed: [u64; 2]) -> Option<Key> {
    let (is_tls, address, host) = request.server_name()?;
    // nginx sends the address as it came, or as it is by now.
    let parts = [RequestPart::UnparsedUri, RequestPart::Uri, RequestPart::Args];
    let mut key = Key::new(seed, "upstream")
        .number(u64::from(is_tls))
        .text(address)
        .text(host)
        .text(&conf.name)
        .number(conf.number as u64);
    for part in parts {
        key = key.text(request.part(part));
    }
    // By what the client calls the server, which the address in the request line may override.
    let mut hosts = 0;
    request.each_incoming(b"Host", |header| {
        key = key.clone().text(header.value());
        hosts += 1;
    });
    Some(key.number(hosts))
}

/// An original, and the generation that its results were at when it was looked up.
#[derive(Clone, Copy)]
pub struct Origin {
    named: Digest,
    generation: Generation,
}

impl Origin {
    /// That of a source by its digest; `None` where it can't be known, and nothing is to be kept.
    pub fn of(request: Request<'_>, cache: &Cache, named: Digest) -> Option<Origin> {
        let generation = cache.generations.get()?.of(&named, Instant::now());
        let generation = generation.inspect_err(|error| complain(request, cache, error)).ok()?;
        Some(Origin { named, generation })
    }

    /// The key of its result in that state by what is made of it, as [`LocConf::code`] has it.
    pub fn key(&self, seed: [u64; 2], source: &Source, made: &Digest) -> Digest {
        let new = |kind| Key::new(seed, kind).text(&self.named).number(self.generation);
        let key = match source {
            Source::File { id, .. } => new("of a file").file(id),
            Source::Upstream => new("of an upstream"),
        };
        key.text(made).digest()
    }

    /// Whether nothing was purged since.
    pub fn is_current(&self, request: Request<'_>, cache: &Cache) -> bool {
        let now = cache.generations.get().map(|generations| generations.read(&self.named));
        let now = now.and_then(|now| now.inspect_err(|error| complain(request, cache, error)).ok());
        now == Some(self.generation)
    }

    /// Notes that something of it was kept.
    pub fn note_kept(&self, request: Request<'_>, cache: &Cache) {
        let Some(generations) = cache.generations.get() else { return };
        if let Err(error) = generations.note_kept(&self.named) {
            complain(request, cache, &error);
        }
    }
}

/// Says why the generations of a cache can't be read or written.
pub fn complain(request: Request<'_>, cache: &Cache, error: &std::io::Error) {
    let path = cache.path.display();
    let line = format_args!("image_resize_cache: generations in \"{path}\": {error}");
    request.log_line(NGX_LOG_ERR, line);
}
