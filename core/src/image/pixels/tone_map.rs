//! Pictures of a higher dynamic range on displays that have none.
//!
//! PQ and HLG are those of ITU-R BT.2100-2. Diffuse white is at 203 nits (ITU-R BT.2408-7), and the
//! curve that makes room for what is brighter is the reference white tone mapping operator of SMPTE
//! ST 2094-50, which browsers show such pictures by, for sources of 1000 nits.

use moxcms::{CicpProfile, ColorProfile, MatrixCoefficients, TransferCharacteristics};

use crate::image::raster::{Layout, Raster};
use crate::image::source::{HdrColors, HdrCurve};
use crate::image::{Control, Error};

/// Nits of diffuse white, which is 1 in what follows.
const WHITE: f32 = 203.0;

/// The brightest that is told apart.
const BRIGHTEST: f32 = 1000.0 / WHITE;

/// What becomes of diffuse white.
const WHITE_TO: f32 = 0.5;

/// Where the middle of the curve above diffuse white is drawn to.
const BEND: f32 = 0.65;

/// Steps of linear light, which are less than one of sRGB's 256 each.
const STEPS: usize = 1 << 14;

/// Brings pixels of a higher dynamic range to sRGB.
pub(in crate::image) struct ToneMapper {
    curve: HdrCurve,
    /// The light of a value: of the display by PQ, of the scene by HLG.
    light: [f32; 256],
    /// From linear light of the source's primaries to that of sRGB's.
    matrix: [[f32; 3]; 3],
    /// How much each primary counts in the brightness of HLG.
    weights: [f32; 3],
    /// The sRGB values of linear light.
    srgb: Vec<u8>,
}

impl ToneMapper {
    /// What maps such colours; `None` for primaries that stand for none.
    pub(in crate::image) fn new(colors: HdrColors) -> Option<ToneMapper> {
        let profile = ColorProfile::new_from_cicp(CicpProfile {
            color_primaries: colors.primaries,
            transfer_characteristics: TransferCharacteristics::Srgb,
            matrix_coefficients: MatrixCoefficients::Identity,
            full_range: true,
        });
        let from = profile.rgb_to_xyz_matrix();
        let matrix = ColorProfile::new_srgb().rgb_to_xyz_matrix().inverse().mat_mul(from).v;
        let matrix = matrix.map(|row| row.map(|cell| cell as f32));
        let finite = matrix.iter().flatten().all(|cell| cell.is_finite());
        let of_value = match colors.curve {
            HdrCurve::Pq => pq,
            HdrCurve::Hlg => hlg,
        };
        let srgb = |step: usize| encoded(step as f32 / (STEPS - 1) as f32);
        finite.then(|| ToneMapper {
            curve: colors.curve,
            light: std::array::from_fn(|value| of_value(value as f32 / 255.0)),
            matrix,
            weights: from.v.get(1).map_or([0.0, 1.0, 0.0], |row| row.map(|cell| cell as f32)),
            srgb: (0..STEPS).map(srgb).collect(),
        })
    }

    /// Maps a raster; one of CMYK stays as it is.
    pub(in crate::image) fn map(
        &self,
        mut raster: Raster,
        control: &Control,
    ) -> Result<Raster, Error> {
        let channels = raster.layout().channels();
        let map: fn(&ToneMapper, &mut [u8]) = match raster.layout() {
            Layout::Cmyk8 => return Ok(raster),
            Layout::L8 | Layout::La8 => |mapper, pixel| {
                if let [value, ..] = pixel {
                    [*value, ..] = mapper.pixel([*value; 3]);
                }
            },
            Layout::Rgb8 | Layout::Rgba8 => |mapper, pixel| {
                if let [r, g, b, ..] = pixel {
                    [*r, *g, *b] = mapper.pixel([*r, *g, *b]);
                }
            },
        };
        for row in raster.rows_mut() {
            control.check()?;
            row.chunks_exact_mut(channels).for_each(|pixel| map(self, pixel));
        }
        Ok(raster)
    }

    fn pixel(&self, pixel: [u8; 3]) -> [u8; 3] {
        let of = |value: u8| self.light.get(usize::from(value)).copied().unwrap_or_default();
        let mut light = pixel.map(of);
        if self.curve == HdrCurve::Hlg {
            // From the scene to a display of 1000 nits (BT.2100-2, table 5).
            let brightness: f32 = light.iter().zip(self.weights).map(|(a, b)| a * b).sum();
            let gain = BRIGHTEST * brightness.max(0.0).powf(0.2);
            light = light.map(|part| part * gain);
        }
        // All channels by the same factor, so that hues stay.
        let most = light.iter().copied().fold(0.0, f32::max);
        let gain = if most > 0.0 { mapped(most) / most } else { 0.0 };
        self.matrix.map(|row| {
            let sum: f32 = row.iter().zip(light).map(|(a, b)| a * b).sum();
            let step = (sum * gain).clamp(0.0, 1.0) * (STEPS - 1) as f32 + 0.5;
            self.srgb.get(step as usize).copied().unwrap_or(255)
        })
    }
}

/// The light of a display that has none above 1.
fn mapped(light: f32) -> f32 {
    if light <= 1.0 {
        return light * WHITE_TO;
    }
    // A quadratic Bézier curve from diffuse white to the brightest, bent towards where the line of
    // diffuse white would end.
    let middle = (1.0 - BEND) + BEND / WHITE_TO;
    let middle_to = (1.0 - BEND) * WHITE_TO + BEND;
    let (a, b) = (1.0 - 2.0 * middle + BRIGHTEST, 2.0 * (middle - 1.0));
    let above = light.min(BRIGHTEST) - 1.0;
    let t = ((b * b + 4.0 * a * above).sqrt() - b) / (2.0 * a);
    let s = 1.0 - t;
    (s * s * WHITE_TO + 2.0 * s * t * middle_to + t * t).min(1.0)
}

/// Light by PQ, of 10,000 nits at most (BT.2100-2, table 4).
fn pq(value: f32) -> f32 {
    const M1: f32 = 2610.0 / 16384.0;
    const M2: f32 = 2523.0 / 4096.0 * 128.0;
    const C1: f32 = 3424.0 / 4096.0;
    const C2: f32 = 2413.0 / 4096.0 * 32.0;
    const C3: f32 = 2392.0 / 4096.0 * 32.0;
    let root = value.powf(1.0 / M2);
    10_000.0 / WHITE * ((root - C1).max(0.0) / (C2 - C3 * root)).powf(1.0 / M1)
}

/// Light of the scene by HLG, 1 at most (BT.2100-2, table 5).
fn hlg(value: f32) -> f32 {
    const A: f32 = 0.178_832_77;
    const B: f32 = 1.0 - 4.0 * A;
    const C: f32 = 0.559_910_7;
    if value <= 0.5 { value * value / 3.0 } else { (((value - C) / A).exp() + B) / 12.0 }
}

/// The sRGB value of linear light (IEC 61966-2-1).
fn encoded(light: f32) -> u8 {
    let value =
        if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    (255.0 * value + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use moxcms::CicpColorPrimaries;

    use super::*;

    fn mapper(curve: HdrCurve, primaries: CicpColorPrimaries) -> ToneMapper {
        ToneMapper::new(HdrColors { curve, primaries, label: None }).unwrap()
    }

    /// The value whose light is nearest.
    fn value_of(mapper: &ToneMapper, nits: f32) -> u8 {
        let off = |value: u8| (mapper.light[usize::from(value)] * WHITE - nits).abs();
        (0..=255).min_by(|&a, &b| off(a).total_cmp(&off(b))).unwrap()
    }

    #[test]
    fn greys() {
        for primaries in [CicpColorPrimaries::Bt2020, CicpColorPrimaries::Bt709] {
            let pq = mapper(HdrCurve::Pq, primaries);
            for (nits, expected) in
                [(20.0, 63), (100.0, 136), (203.0, 188), (400.0, 223), (1000.0, 255), (9e3, 255)]
            {
                let [r, g, b] = pq.pixel([value_of(&pq, nits); 3]);
                assert!(r.abs_diff(expected) <= 3 && r.abs_diff(g) <= 1 && g.abs_diff(b) <= 1);
            }
            let hlg = mapper(HdrCurve::Hlg, primaries);
            let [grey, ..] = hlg.pixel([191; 3]);
            assert!(grey.abs_diff(188) <= 2, "{grey}");
            assert_eq!((hlg.pixel([255; 3]), hlg.pixel([0; 3])), ([255; 3], [0; 3]));
        }
    }

    #[test]
    fn ramps_never_fall() {
        for curve in [HdrCurve::Pq, HdrCurve::Hlg] {
            let mapper = mapper(curve, CicpColorPrimaries::Bt2020);
            let ramp = (0..=255).map(|value| mapper.pixel([value; 3])[0]).collect::<Vec<_>>();
            assert!(ramp.is_sorted(), "{curve:?}: {ramp:?}");
        }
        let curve = (0..6000).map(|step| mapped(step as f32 / 1000.0)).collect::<Vec<_>>();
        assert!(curve.is_sorted() && curve.last().is_some_and(|&last| last > 0.9999));
    }

    #[test]
    fn hues_stay() {
        let pq = mapper(HdrCurve::Pq, CicpColorPrimaries::Bt709);
        // A red of 800 nits with a tenth of the others is the same red, darker.
        let bright = pq.pixel([value_of(&pq, 800.0), value_of(&pq, 80.0), value_of(&pq, 80.0)]);
        let light = bright.map(|value| {
            let value = f32::from(value) / 255.0;
            ((value + 0.055) / 1.055).powf(2.4)
        });
        assert!((light[0] / light[1] - 10.0).abs() < 1.0, "{light:?}");
        assert_eq!(bright[1], bright[2]);
    }

    #[test]
    fn every_layout() {
        use crate::image::size::Size;

        let pq = mapper(HdrCurve::Pq, CicpColorPrimaries::Bt2020);
        let map = |layout, pixel: &[u8]| {
            let raster = Raster::from_data(Size::new(1, 1), layout, pixel.to_vec()).unwrap();
            pq.map(raster, &Control::default()).unwrap().data().to_vec()
        };
        let [grey, ..] = pq.pixel([148; 3]);
        assert_eq!(map(Layout::L8, &[148]), [grey]);
        assert_eq!(map(Layout::La8, &[148, 7]), [grey, 7]);
        assert_eq!(map(Layout::Rgb8, &[148; 3]), pq.pixel([148; 3]));
        assert_eq!(map(Layout::Rgba8, &[148, 148, 148, 9])[3], 9);
        assert_eq!(map(Layout::Cmyk8, &[1, 2, 3, 4]), [1, 2, 3, 4]);
    }
}
