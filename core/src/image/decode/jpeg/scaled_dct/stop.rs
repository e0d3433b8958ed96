//! Why the decoder stops.

use super::huffman::BadCode;
use crate::image::{Error, error};

/// Why there is no image.
#[derive(Debug)]
pub(super) enum Stop {
    /// Something that libjpeg may make sense of.
    Declined,
    /// The data ends before the image does.
    Ended,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

impl From<BadCode> for Stop {
    fn from(_: BadCode) -> Stop {
        broken("a bad Huffman code")
    }
}

/// For data that makes no sense.
pub(super) fn broken(what: &str) -> Stop {
    Stop::Failed(error::broken(what))
}
