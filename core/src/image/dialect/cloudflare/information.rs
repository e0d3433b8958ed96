//! What Cloudflare Images tells of a picture by `format=json`: its size before and after.
//!
//! <https://developers.cloudflare.com/images/optimization/features/>.

use serde::Serialize;

use crate::image::Measured;

#[derive(Debug, Serialize)]
pub(in crate::image::dialect) struct Information {
    width: u32,
    height: u32,
    original: Original,
}

#[derive(Debug, Serialize)]
struct Original {
    file_size: u64,
    width: u32,
    height: u32,
    /// A media type.
    format: &'static str,
}

impl Information {
    pub(in crate::image::dialect) fn new(measured: &Measured<'_>) -> Information {
        let ((width, height), source) = (measured.size, measured.source_size());
        let original = Original {
            file_size: measured.bytes,
            width: source.0,
            height: source.1,
            format: measured.source.format.media_type(),
        };
        Information { width, height, original }
    }
}
