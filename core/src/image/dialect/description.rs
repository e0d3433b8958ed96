//! What links have told of pictures, in place of the pictures: each dialect has its own terms.

use serde::Serialize;

use super::thumbor::Meta;
use super::{cloudflare, iiif, weserv};
use crate::accept::prefers;
use crate::image::{Canonical, Limits, Measured, Plan, Varies};

/// What is told of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Description {
    /// Cloudflare's `format=json`.
    Cloudflare,
    /// `info.json` of the IIIF Image API, whatever would be made of the source.
    Iiif {
        /// The URI of the source, as clients have it.
        id: String,
    },
    /// thumbor's `meta/`.
    Thumbor(Meta),
    /// weserv's `output=json`.
    Weserv,
}

/// The media type of each, but for clients that take another one of IIIF's.
const JSON: &str = "application/json";

impl Description {
    /// This, with the URI at which the source is described, where it tells that.
    ///
    /// # Errors
    /// Those of `uri`.
    pub fn at<E>(self, uri: impl FnOnce() -> Result<String, E>) -> Result<Description, E> {
        match self {
            Description::Iiif { .. } => {
                let uri = uri()?;
                let id = uri.strip_suffix("/info.json").map_or_else(|| uri.clone(), str::to_owned);
                Ok(Description::Iiif { id })
            }
            Description::Cloudflare | Description::Thumbor(_) | Description::Weserv => Ok(self),
        }
    }

    /// Whether it is of the source alone, and not of what would be made of that.
    #[must_use]
    pub fn is_of_source(&self) -> bool {
        matches!(self, Description::Iiif { .. })
    }

    /// Whether it tells what of a picture is kept, and not only how large that is.
    #[must_use]
    pub fn tells_places(&self) -> bool {
        matches!(self, Description::Thumbor(_))
    }

    /// The headers of the client that it depends on, where a picture is made by that plan.
    #[must_use]
    pub fn varies(&self, plan: &Plan) -> Varies {
        match self {
            Description::Iiif { .. } => Varies { accept: true, ..Varies::default() },
            // By a format, too: not every one takes pictures of each size.
            Description::Cloudflare | Description::Thumbor(_) | Description::Weserv => {
                plan.varies()
            }
        }
    }

    /// The media type for a client with those values of `Accept`.
    #[must_use]
    pub fn media_type<'a>(&self, accept: impl Iterator<Item = &'a [u8]> + Clone) -> &'static str {
        match self {
            Description::Iiif { .. } if !prefers(accept, &[JSON], iiif::Information::BARE_TYPE) => {
                iiif::Information::MEDIA_TYPE
            }
            _ => JSON,
        }
    }

    /// What is told, in JSON.
    #[must_use]
    pub fn json(&self, measured: &Measured<'_>, limits: &Limits) -> String {
        match self {
            Description::Cloudflare => text(&cloudflare::Information::new(measured)),
            Description::Iiif { id } => {
                text(&iiif::Information::new(id, measured.source_size(), limits.output_pixels))
            }
            Description::Thumbor(meta) => text(&meta.of(measured)),
            Description::Weserv => text(&weserv::Information::new(measured)),
        }
    }
}

/// Nothing of them can't be written.
fn text(told: &impl Serialize) -> String {
    serde_json::to_string(told).unwrap_or_default()
}

impl Canonical for Description {
    fn write(&self, out: &mut String) {
        match self {
            Description::Cloudflare => out.push_str("cloudflare"),
            // The length says where it ends.
            Description::Iiif { id } => out.push_str(&format!("iiif {}:{id}", id.len())),
            Description::Thumbor(meta) => {
                out.push_str("thumbor ");
                meta.write(out);
            }
            Description::Weserv => out.push_str("weserv"),
        }
    }
}
