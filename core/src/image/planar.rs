//! JPEG and lossy WebP to JPEG and lossy WebP without a raster of RGB: luma and chroma are scaled each by itself,
//! while they are decoded.

use image_gate_codecs::Band;

use super::damage::Tolerance;
use super::decode::{self, Decode, Fidelity, STEEPEST, Scale};
use super::geometry::Geometry;
use super::orientation::Orientation;
use super::pixels::{PlaneScalers, Span, blur, clamp_luma, narrow_range, plane_bytes, widen_range};
use super::raster::Planes;
use super::size::{Rect, Size};
use super::source::{Container, Source};
use super::{Control, Error, Format, Gravity, Plan, encode};

/// The shortest side of an output. Of a shorter one much of the chroma lies beyond its end, where nothing is shown.
const SHORTEST: u32 = 16;

/// What is to be made of the planes of a source.
#[derive(Debug)]
pub(super) struct Planar {
    /// How many pixels of the source across and down have one chroma, and how many of the output.
    stored: (u8, u8),
    made: (u8, u8),
    /// The size of the source, of which so many rows are needed, from its first one, and what all of it is
    /// scaled to.
    stored_size: Size,
    rows: u32,
    scaled: Size,
    /// Across and down.
    luma: (Span, Span),
    chroma: (Span, Span),
    orientation: Orientation,
    output: Size,
    format: Format,
    fidelity: Fidelity,
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
        let stored = stored(source, scale)?;
        let &Geometry { region, scaled, filling, window, orientation, output, .. } = geometry;
        let all = Size::new(source.info.width, source.info.height);
        let is_found = plan.gravity == Gravity::Smart && filling.size != scaled;
        if plan.sharpen > 0
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
        let made = encode::sampling(format, plan)?;
        // There is one standard deviation for both sides.
        if plan.blur > 0 && made.0 != made.1 {
            return None;
        }
        let upright = if orientation.swap { (made.1, made.0) } else { made };
        let spans = |stored: (u8, u8), made: (u8, u8)| {
            let Rect { x, y, size: Size { width, height } } = window;
            let across = (all.width, scaled.width);
            let down = (all.height, scaled.height);
            let (flip_x, flip_y) = (orientation.flip_x, orientation.flip_y);
            (
                Span::scaled(across, (0, all.width, stored.0), (x, width), made.0, flip_x),
                Span::scaled(down, (0, all.height, stored.1), (y, height), made.1, flip_y),
            )
        };
        let (luma, chroma) = (spans((1, 1), (1, 1)), spans(stored, upright));
        let rows = luma.1.end().max(chroma.1.end() * u32::from(stored.1)).min(all.height);
        // What is cut away is not even decoded for a raster.
        let is_little = u64::from(window.size.width) * u64::from(window.size.height) * 3
            < u64::from(scaled.width) * u64::from(scaled.height);
        let blur = plan.blur;
        let planar = Planar {
            stored,
            made,
            stored_size: all,
            rows,
            scaled,
            luma,
            chroma,
            orientation,
            output,
            format,
            fidelity: encode::fidelity(format, plan),
            blur,
        };
        (!is_little).then_some(planar)
    }

    /// Bytes that are held until the planes are made.
    pub(super) fn bytes(&self, source: &Source, how: &Decode) -> u64 {
        let decoder = match &source.kind {
            Container::Webp(_) => decode::bytes_of_planes(self.part(source).size),
            _ => decode::working_bytes(source, how),
        };
        plane_bytes(&self.luma, &self.chroma) + decoder
    }

    /// What is decoded.
    fn part(&self, source: &Source) -> Rect {
        let Size { width, height } = self.stored_size;
        let is_cut = match &source.kind {
            Container::Webp(webp) => webp.still().is_none_or(|still| still.is_cut),
            _ => false,
        };
        // What the file ends within is judged as a whole.
        let rows = if is_cut { height } else { self.rows.next_multiple_of(2).min(height) };
        Rect { x: 0, y: 0, size: Size::new(width, rows) }
    }

    /// Bytes that are held while they are encoded.
    pub(super) fn encoding_bytes(&self) -> u64 {
        let made = |(across, down): &(Span, Span)| Size::new(across.made(), down.made()).pixels();
        let samples = made(&self.luma) + 2 * made(&self.chroma);
        // Coefficients of 16 bits, and the planes; and what may be a drawing has its colours made after all.
        let colored = if self.format == Format::Jpeg { 0 } else { 6 * self.output.pixels() };
        samples * 3 + colored + encode::working_bytes(self.output, self.format, false)
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
        let &Planar { stored, made, rows, luma, chroma, orientation, output, .. } = self;
        let mut scalers = PlaneScalers::new(luma, chroma)?;
        let take = |bands: [Band<'_>; 3]| scalers.push(bands);
        let is_narrow = match &source.kind {
            Container::Jpeg(jpeg) => {
                let asked = (rows, stored);
                decode::decode_planes(source.input, jpeg, asked, scans, take, tolerance, control)?;
                false
            }
            Container::Webp(webp) => {
                let image = webp.still().ok_or_else(no_planes)?;
                let (part, asked) = (self.part(source), (self.scaled, self.fidelity));
                decode::decode_webp_planes(image, part, asked, take, tolerance, control)?;
                true
            }
            _ => return Err(no_planes()),
        };
        let mut planes = scalers.finish(orientation, control)?;
        match (is_narrow, self.format) {
            (true, Format::Jpeg) => widen_range(&mut planes, control)?,
            (false, Format::Webp) => narrow_range(&mut planes, control)?,
            (true, Format::Webp) => clamp_luma(&mut planes, control)?,
            _ => {}
        }
        let sigma = self.blur;
        let [luma, blue, red] = &mut planes;
        blur(luma, sigma, control)?;
        for chroma in [blue, red] {
            blur(chroma, sigma / u16::from(made.0), control)?;
        }
        Ok(Planes { size: output, sampling: made, planes })
    }
}

/// How many pixels across and down have one chroma in a source that is decoded at a scale, where its planes are to
/// be had.
fn stored(source: &Source, scale: Scale) -> Option<(u8, u8)> {
    match (&source.kind, scale) {
        (Container::Jpeg(jpeg), Scale::Whole) => jpeg.chroma_sampling(),
        (Container::Webp(webp), Scale::Whole | Scale::Planes(_)) => {
            let has_planes = !webp.still()?.lossless && !source.info.alpha;
            has_planes.then_some((2, 2))
        }
        _ => None,
    }
}

fn no_planes() -> Error {
    Error::Internal("planes of what has none".to_owned())
}
