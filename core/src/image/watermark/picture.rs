//! Images as watermarks.

use sha2::{Digest, Sha256};

use crate::escapes::write_hex;
use crate::image::canonical::Canonical;
use crate::image::damage::Tolerance;
use crate::image::decode::{self, Decode};
use crate::image::orientation::Orientation;
use crate::image::pixels::{self, Converter, ToneMapper};
use crate::image::raster::{Layout, Raster};
use crate::image::size::Size;
use crate::image::source::Source;
use crate::image::{Control, DamagePolicy, Error, Limits};

/// A decoded image, upright and in sRGB, to be laid onto others.
#[derive(Debug)]
pub struct WatermarkPicture {
    /// Of layout [`Layout::Rgba8`].
    raster: Raster,
    /// Of the bytes that it was decoded from.
    digest: [u8; 32],
}

impl WatermarkPicture {
    /// Decodes an image that is whole, or the first frame of an animation.
    ///
    /// # Errors
    /// Those of a transformation of the same bytes.
    pub fn decode(
        bytes: &[u8],
        limits: &Limits,
        control: &Control,
    ) -> Result<WatermarkPicture, Error> {
        let source = Source::read(bytes)?;
        let tolerance = Tolerance::new(DamagePolicy::Strict);
        source.check(limits, &tolerance)?;
        let how = Decode::all(Size::new(source.info.width, source.info.height), limits.scans);
        decode::check(&source, &how, limits)?;
        let raster = decode::decode(&source, &how, &tolerance, control)?;
        let raster =
            pixels::orient(raster, Orientation::upright(source.info.orientation), control)?;
        let converter =
            source.profile().and_then(|profile| Converter::new(&profile, raster.layout()));
        let raster = match (source.hdr().and_then(ToneMapper::new), converter) {
            (Some(mapper), _) => mapper.map(raster, control)?,
            (None, Some(converter)) => converter.convert(raster, control)?,
            (None, None) => pixels::naive_rgb(raster, control)?,
        };
        let raster = pixels::with_alpha(pixels::widen(raster, control)?, control)?;
        debug_assert_eq!(raster.layout(), Layout::Rgba8);
        Ok(WatermarkPicture { raster, digest: Sha256::digest(bytes).into() })
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.raster.data().len()
    }

    pub(super) fn size(&self) -> Size {
        self.raster.size()
    }

    pub(super) fn raster(&self) -> &Raster {
        &self.raster
    }
}

/// Pictures from equal bytes are equal.
impl PartialEq for WatermarkPicture {
    fn eq(&self, other: &WatermarkPicture) -> bool {
        self.digest == other.digest
    }
}

impl Eq for WatermarkPicture {}

impl Canonical for WatermarkPicture {
    fn write(&self, out: &mut String) {
        out.push_str("picture=");
        write_hex(&self.digest, out);
    }
}
