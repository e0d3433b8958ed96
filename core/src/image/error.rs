//! Why a transformation failed.

/// The reason a source could not be transformed.
///
/// Every reason has one stable [word](Error::word) for logs and metrics; the
/// text is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no image of any known type.
    #[error("not an image")]
    NotImage,
    /// An image, but of a type or a variant that is not supported.
    #[error("unsupported format: {0}")]
    UnsupportedFormat(String),
    /// The source has more bytes than the buffer may hold.
    #[error("source larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The source or the output has more pixels, or a longer side, than allowed.
    #[error("{0}")]
    TooManyPixels(String),
    /// The source has more frames, or a JPEG more scans, than allowed.
    #[error("{0}")]
    TooManyFrames(String),
    /// The image is broken or truncated.
    #[error("decoding failed: {0}")]
    DecodeFailed(String),
    /// A parameter has no valid value.
    #[error("bad parameter: {0}")]
    BadParams(String),
    /// What is asked for lies beside the image, or is more than there is of it.
    #[error("bad parameter: {0}")]
    BeyondImage(String),
    /// A variable that a directive reads has no valid value.
    #[error("bad parameter: {0}")]
    Directive(String),
    /// The parameters name a preset that is not there.
    #[error("bad parameter: there is no preset {0:?}")]
    UnknownPreset(String),
    /// The URL is none that there is anything at.
    #[error("bad parameter: {0}")]
    NoSuchLink(String),
    /// A parameter has a value that it may not have here.
    #[error("not allowed: {0}")]
    NotAllowed(String),
    /// A layer of the watermark can't be had: its file is missing or broken.
    #[error("watermark: {0}")]
    Watermark(String),
    /// The time limit passed before the work was done.
    #[error("time limit exceeded")]
    Timeout,
    /// Nobody waits for the result any more.
    #[error("cancelled")]
    Cancelled,
    /// The output could not be encoded.
    #[error("encoding failed: {0}")]
    EncodeFailed(String),
    /// Memory ran out or an invariant did not hold: our fault, not the input's.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// The stable word for this reason, as in `$image_resize_error`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Error::NotImage => "not_image",
            Error::UnsupportedFormat(_) => "unsupported_format",
            Error::TooLarge { .. } => "too_large",
            Error::TooManyPixels(_) => "too_many_pixels",
            Error::TooManyFrames(_) => "too_many_frames",
            Error::DecodeFailed(_) => "decode_failed",
            Error::BadParams(_)
            | Error::Directive(_)
            | Error::BeyondImage(_)
            | Error::UnknownPreset(_)
            | Error::NoSuchLink(_)
            | Error::NotAllowed(_) => "bad_params",
            Error::Watermark(_) => "watermark_failed",
            Error::Timeout | Error::Cancelled => "timeout",
            Error::EncodeFailed(_) => "encode_failed",
            Error::Internal(_) => "internal",
        }
    }

    /// For an allocation of that many bytes that failed.
    pub(crate) fn out_of_memory(bytes: usize) -> Error {
        Error::Internal(format!("no memory for {bytes} bytes"))
    }

    /// Whether the failure is ours rather than the input's.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(
            self,
            Error::Timeout | Error::Watermark(_) | Error::EncodeFailed(_) | Error::Internal(_)
        )
    }
}

/// For a source that cannot be decoded.
pub(super) fn broken(why: impl std::fmt::Display) -> Error {
    Error::DecodeFailed(why.to_string())
}

/// For a source that ends before its image does.
pub(super) fn truncated() -> Error {
    broken(TRUNCATED)
}

/// What is said of such a source.
pub(super) const TRUNCATED: &str = "the image is truncated";

/// For an output that cannot be encoded.
pub(super) fn not_encoded(why: impl std::fmt::Display) -> Error {
    Error::EncodeFailed(why.to_string())
}
