//! JPEG to JPEG without a raster of RGB: luma and chroma are scaled each by itself, while they are
//! decoded.

use image_gate_codecs::jpeg::Band;

use super::damage::Tolerance;
use super::decode::{self, Scale};
use super::geometry::Geometry;
use super::orientation::Orientation;
use super::pixels::{PlaneScaler, Span, blur, plane_bytes};
use super::raster::Planes;
use super::size::{Rect, Size};
use super::source::{Container, Source};
use super::{Control, Error, Format, Gravity, Plan, encode};

/// By how much a side is shrunk at most: with more, all of a plane would be held, and be scaled without
/// a look at the [`Control`].
const STEEPEST: u32 = 8;

/// The shortest side of an output. Of a shorter one much of the chroma lies beyond its end, where nothing is shown.
const SHORTEST: u32 = 16;

/// What is to be made of the planes of a JPEG.
#[derive(Debug)]
pub(super) struct Planar {
    /// How many pixels of the source across and down have one chroma, and how many of the output.
    stored: (u8, u8),
    made: (u8, u8),
    /// Rows of the source that are needed, from its first one.
    rows: u32,
    /// Across and down.
    luma: (Span, Span),
    chroma: (Span, Span),
    orientation: Orientation,
    output: Size,
    /// As [`Plan::blur`].
    blur: u16,
}

impl Planar {
    /// For what a source becomes that is decoded at a scale; `None` where more is done to its pixels than
    /// that they are scaled, cut and turned. Whether their colours are converted is not looked at.
    pub(super) fn new(
        source: &Source,
        plan: &Plan,
        geometry: &Geometry,
        (scale, format): (Scale, Format),
    ) -> Option<Planar> {
        let Container::Jpeg(jpeg) = &source.kind else { return None };
        let stored = jpeg.chroma_sampling()?;
        let &Geometry { region, scaled, filling, window, orientation, output, .. } = geometry;
        let all = Size::new(source.info.width, source.info.height);
        let is_found = plan.gravity == Gravity::Smart && filling.size != scaled;
        if format != Format::Jpeg
            || scale != Scale::Whole
            || plan.sharpen > 0
            || plan.changes_more_than_blur()
            || plan.trim.is_some()
            || plan.max_bytes.is_some()
            || is_found
            || output.width.min(output.height) < SHORTEST
            || all.width / STEEPEST > scaled.width
            || all.height / STEEPEST > scaled.height
            || region != (Rect { x: 0, y: 0, size: all })
            || output != orientation.size(window.size)
        {
            return None;
        }
        let made = encode::sampling(plan);
        // There is one standard deviation for both sides.
        if plan.blur > 0 && made.0 != made.1 {
            return None;
        }
        let upright = if orientation.swap { (made.1, made.0) } else { made };
        let spans = |stored: (u8, u8), made: (u8, u8)| {
            let Rect { x, y, size: Size { width, height } } = window;
            let across = (all.width, stored.0, scaled.width);
            let down = (all.height, stored.1, scaled.height);
            (
                span(across, (x, width), made.0, orientation.flip_x),
                span(down, (y, height), made.1, orientation.flip_y),
            )
        };
        let (luma, chroma) = (spans((1, 1), (1, 1)), spans(stored, upright));
        let rows = luma.1.end().max(chroma.1.end() * u32::from(stored.1)).min(all.height);
        // What is cut away is not even decoded for a raster.
        let is_little = u64::from(window.size.width) * u64::from(window.size.height) * 3
            < u64::from(scaled.width) * u64::from(scaled.height);
        let blur = plan.blur;
        let planar = Planar { stored, made, rows, luma, chroma, orientation, output, blur };
        (!is_little).then_some(planar)
    }

    /// Bytes that are held until the planes are made, beside those that the decoder holds.
    pub(super) fn bytes(&self) -> u64 {
        let bytes = |(across, down): &(Span, Span)| plane_bytes(across, down);
        bytes(&self.luma) + 2 * bytes(&self.chroma)
    }

    /// Bytes that are held while they are encoded.
    pub(super) fn encoding_bytes(&self) -> u64 {
        let made = |(across, down): &(Span, Span)| Size::new(across.made(), down.made()).pixels();
        let samples = made(&self.luma) + 2 * made(&self.chroma);
        // Coefficients of 16 bits, and the planes.
        samples * 3 + encode::working_bytes(self.output, Format::Jpeg, false)
    }

    /// Decodes the source that it was made for, and scales its planes meanwhile.
    ///
    /// # Errors
    /// Those of [`decode::decode`].
    pub(super) fn make(
        &self,
        source: &Source,
        scans: u32,
        tolerance: &Tolerance,
        control: &Control,
    ) -> Result<Planes, Error> {
        let Container::Jpeg(jpeg) = &source.kind else {
            return Err(Error::Internal("planes of what is no JPEG".to_owned()));
        };
        let scaler = |(across, down): (Span, Span)| PlaneScaler::new(across, down);
        let &Planar { stored, made, rows, luma, chroma, orientation, output, blur: sigma } = self;
        let mut scalers = [scaler(luma)?, scaler(chroma)?, scaler(chroma)?];
        let take = |bands: [Band<'_>; 3]| {
            scalers.iter_mut().zip(bands).try_for_each(|(scaler, band)| {
                band.samples.chunks_exact(band.stride).try_for_each(|row| scaler.push(row))
            })
        };
        let asked = (rows, stored);
        decode::decode_planes(source.input, jpeg, asked, scans, take, tolerance, control)?;
        control.check()?;
        let finish = |scaler: PlaneScaler| scaler.finish(orientation, control);
        let [luma, blue, red] = scalers;
        let mut planes = [finish(luma)?, finish(blue)?, finish(red)?];
        let [luma, blue, red] = &mut planes;
        blur(luma, sigma, control)?;
        for chroma in [blue, red] {
            blur(chroma, sigma / u16::from(made.0), control)?;
        }
        Ok(Planes { size: output, sampling: made, planes })
    }
}

/// What of a side of a plane becomes which of another: of `pixels` pixels, `step` to a sample, which are
/// scaled to `scaled`, those that `len` come of from `at` on, `made` to a sample.
///
/// Samples lie in the middle of their pixels. Of a side that is mirrored the first sample is made
/// of the last pixels.
fn span(
    (pixels, step, scaled): (u32, u8, u32),
    (at, len): (u32, u32),
    made: u8,
    mirrored: bool,
) -> Span {
    let ratio = f64::from(pixels) / f64::from(scaled);
    let count = len.div_ceil(made.into());
    let beyond = count * u32::from(made) - len;
    let start = f64::from(at) - if mirrored { f64::from(beyond) } else { 0.0 };
    let step = f64::from(step);
    let samples = pixels.div_ceil(step as u32);
    Span::new(samples, start * ratio / step, f64::from(made) * ratio / step, count)
}
