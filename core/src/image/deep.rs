//! Pictures of more than 8 bits a sample, or of a higher dynamic range, that stay so: they are decoded to 16
//! bits, scaled, cut and turned, and nothing else.

use super::damage::Tolerance;
use super::decode::{self, Decode};
use super::encode;
use super::geometry::Geometry;
use super::metadata::{carries_profile, output_metadata};
use super::pixels::{self, Placed};
use super::size::Size;
use super::source::{Container, HdrColors, Source};
use super::{Control, Error, Format, Gravity, Plan, ProfilePolicy};

/// What is to be made of such a picture.
#[derive(Debug)]
pub(super) struct Deep {
    channels: usize,
    /// Primaries and curve, where there is a higher dynamic range.
    code_points: Option<(u8, u8)>,
    /// Whether a profile is carried.
    has_profile: bool,
}

impl Deep {
    /// For what a source becomes in a format, where more is to be kept; `None` where that has no room for more, or more is done to its
    /// pixels. Of colours that are converted it says nothing: `is_kept` tells that they are not.
    pub(super) fn new(
        source: &Source,
        plan: &Plan,
        geometry: &Geometry,
        format: Format,
        is_kept: bool,
    ) -> Option<Deep> {
        let &Geometry { scaled, filling, window, orientation, output, .. } = geometry;
        let is_read = match &source.kind {
            Container::Png(png) => {
                source.info.format == Format::Png
                    && source.animation().is_none()
                    && !png.interlaced
                    && !png.has_palette()
            }
            Container::Avif(_) => true,
            Container::Jxl(_) => cfg!(feature = "jxl"),
            _ => false,
        };
        let hdr = source.hdr();
        let is_found = plan.gravity == Gravity::Smart && filling.size != scaled;
        if !is_read
            || !matches!(format, Format::Png | Format::Avif | Format::Jxl)
            || source.info.bits <= 8 && hdr.is_none()
            || hdr.is_some() && plan.profile == ProfilePolicy::Strip
            || hdr.is_none() && !is_kept
            || plan.changes_opaque_pixels()
            || plan.trim.is_some()
            || plan.max_bytes.is_some()
            || plan.colors.is_some()
            || plan.flatten
            || plan.page > 1
            || is_found
            || output != orientation.size(window.size)
        {
            return None;
        }
        let layout = decode::layout(source);
        let profile = source.profile().filter(|_| plan.profile == ProfilePolicy::Keep);
        let has_profile = match &profile {
            Some(profile) if !carries_profile(plan, format, layout, profile) => return None,
            profile => profile.is_some(),
        };
        let code_points = match hdr {
            Some(HdrColors { curve, label, .. }) => Some((label?, curve.code_point())),
            None => None,
        };
        // JPEG XL has names for these alone.
        if format == Format::Jxl && code_points.is_some_and(|(of, _)| !matches!(of, 1 | 9 | 12)) {
            return None;
        }
        Some(Deep { channels: layout.channels(), code_points, has_profile })
    }

    /// Bytes that are held at once at most.
    pub(super) fn bytes(
        &self,
        source: &Source,
        plan: &Plan,
        geometry: &Geometry,
        format: Format,
    ) -> u64 {
        let stored = Size::new(source.info.width, source.info.height);
        let pixel = 2 * self.channels as u64;
        let decoded = stored.pixels().saturating_mul(pixel);
        let made = geometry.output.pixels().saturating_mul(pixel);
        let decoder = decode::working_bytes(source, &Decode::all(stored, 1));
        // Rows of a band that an AVIF is converted by are twice as long as the decoder knows.
        let band = decode::band_bytes(stored.width, pixel);
        let decoding = decoded.saturating_add(decoder).saturating_add(band);
        let cut = geometry.region.size;
        let cutting = if cut == stored { 0 } else { cut.pixels().saturating_mul(pixel) };
        let scaling = pixels::deep_working_bytes(stored, self.channels, geometry.window.size);
        let scaling = decoded.saturating_add(scaling).saturating_add(made);
        // Grey becomes colours, and samples are twice as large.
        let encoder = encode::working_bytes(geometry.output, format, false).saturating_mul(2);
        let tried = match format {
            Format::Jxl => encode::tried_bytes(plan.jxl_effort, geometry.output),
            _ => 0,
        };
        let encoding = made.saturating_mul(4).saturating_add(encoder).saturating_add(tried);
        decoding.max(decoded.saturating_add(cutting)).max(scaling).max(encoding)
    }

    /// Makes it.
    ///
    /// # Errors
    /// Those of [`decode::decode`] and [`encode::encode`].
    pub(super) fn make(
        &self,
        source: &Source,
        (geometry, format): (&Geometry, Format),
        plan: &Plan,
        tolerance: &Tolerance,
        control: &Control,
    ) -> Result<Vec<u8>, Error> {
        let &Geometry { region, scaled, window, orientation, output, .. } = geometry;
        let raster = decode::decode_deep(source, tolerance, control)?;
        // What is beside it has no say in what is made of it.
        let stored = raster.size;
        let whole = Placed::all(stored);
        let raster = pixels::resize_deep(raster, whole, stored, region, control)?;
        let placed = Placed::all(region.size);
        let raster = pixels::resize_deep(raster, placed, scaled, window, control)?;
        let raster = pixels::orient_deep(raster, orientation, control)?;
        // No colour becomes one of sRGB here.
        let mut metadata = output_metadata(source, plan, output, false);
        metadata.icc = source.profile().filter(|_| self.has_profile);
        encode::encode_deep(raster, format, self.code_points, plan, &metadata, control)
    }
}
