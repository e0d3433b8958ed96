//! What images.weserv.nl tells of a picture by `output=json`.

use serde::Serialize;

use crate::image::Measured;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::image::dialect) struct Information {
    /// That of the source, as the other properties are but for the size.
    format: &'static str,
    width: u32,
    height: u32,
    is_progressive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<u32>,
    has_profile: bool,
    has_alpha: bool,
    orientation: u8,
}

impl Information {
    pub(in crate::image::dialect) fn new(measured: &Measured<'_>) -> Information {
        let ((width, height), source) = (measured.size, &measured.source);
        Information {
            format: source.format.name(),
            width,
            height,
            is_progressive: source.progressive,
            pages: (source.frames > 1).then_some(source.frames),
            has_profile: source.has_profile,
            has_alpha: source.alpha,
            orientation: source.orientation,
        }
    }
}
