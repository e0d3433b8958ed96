//! What became of a request, and why it failed.

use std::time::Duration;

use image_gate_core::image::{Error, Format};

/// `$image_resize_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageStatus {
    Transformed,
    Original,
    Passed,
    NotModified,
    Error,
}

/// What became of the request, for variables and the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResponseInfo {
    pub status: Option<ImageStatus>,
    pub error: Option<&'static str>,
    pub format: Option<Format>,
    /// Whether the source is damaged, and was shown all the same.
    pub is_damaged: bool,
    /// Width and height of the output.
    pub size: Option<(u32, u32)>,
    pub source_format: Option<Format>,
    /// Width and height of the source as stored.
    pub source_size: Option<(u32, u32)>,
    pub source_bytes: Option<u64>,
    pub bytes: Option<usize>,
    pub time: Option<Duration>,
    pub queue_time: Option<Duration>,
    /// Whether it was made before, and kept.
    pub is_kept: bool,
}

/// Why a request failed.
#[derive(Debug)]
pub enum Failure {
    /// The image, or our work on it.
    Image(Error),
    /// The parameters of the URL are wrong, or not allowed.
    Params(Error),
    /// The link has ended.
    Expired,
    /// The queue is full.
    Busy,
    /// The upstream did not send all of the source.
    Upstream,
    /// The source comes in parts, the next of which nobody would ask for.
    Sliced,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Image(error)
    }
}

/// The word for what became of a response.
pub const fn status_word(status: ImageStatus) -> &'static str {
    match status {
        ImageStatus::Transformed => "transformed",
        ImageStatus::Original => "original",
        ImageStatus::Passed => "passed",
        ImageStatus::NotModified => "not_modified",
        ImageStatus::Error => "error",
    }
}
