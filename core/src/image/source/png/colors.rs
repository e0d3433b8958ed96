//! Which colours the pixels of a PNG are: the first of cICP, iCCP, sRGB, gAMA and cHRM that says so
//! (W3C PNG, third edition, section 4.3).

use std::borrow::Cow;

use memchr::memchr;
use moxcms::{Chromaticity, ColorPrimaries, ColorProfile, XyY};

use crate::image::bytes::be32;
use crate::image::source::Icc;
use crate::image::source::code_points::{self, CameraCurve, HdrColors};

/// The gAMA of sRGB: 1/2.2, in hundred thousandths.
const SRGB_GAMMA: u32 = 45455;

/// The cHRM of sRGB, in hundred thousandths.
const SRGB_CHROMATICITIES: [u32; 8] = [31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000];

/// By how much those that are written differ from it where they mean it.
const ROUNDING: u32 = 50;

/// The first chunk of each kind that says something of colours.
#[derive(Debug, Default)]
pub(super) struct ColorChunks<'a> {
    code_points: Option<&'a [u8]>,
    profile: Option<Icc<'a>>,
    is_srgb: bool,
    gamma: Option<u32>,
    chromaticities: Option<[u32; 8]>,
}

/// What is to be made of the colours; sRGB where there is neither.
#[derive(Debug, Default)]
pub(super) struct Colors<'a> {
    pub(super) icc: Option<Icc<'a>>,
    pub(super) hdr: Option<HdrColors>,
}

impl<'a> ColorChunks<'a> {
    /// Takes note of a chunk whose checksum is right.
    pub(super) fn add(&mut self, kind: &[u8; 4], data: &'a [u8]) {
        match kind {
            b"cICP" if data.len() == 4 => self.code_points = self.code_points.or(Some(data)),
            b"iCCP" if self.profile.is_none() => self.profile = profile(data),
            b"sRGB" if data.len() == 1 => self.is_srgb = true,
            b"gAMA" if data.len() == 4 => self.gamma = self.gamma.or_else(|| be32(data, 0)),
            b"cHRM" if self.chromaticities.is_none() && data.len() == 32 => {
                let read = |number| be32(data, 4 * number).unwrap_or_default();
                self.chromaticities = Some(std::array::from_fn(read));
            }
            _ => {}
        }
    }

    /// What they say of pixels that are grey, or coloured.
    pub(super) fn colors(self, is_grey: bool) -> Colors<'a> {
        // RGB of the full range; no other has a meaning in PNG.
        if let Some(&[primaries, transfer, 0, 1]) = self.code_points {
            let (primaries, transfer) = (primaries.into(), transfer.into());
            let profile = code_points::profile(primaries, transfer, CameraCurve::Gamma24);
            let icc = profile.and_then(|profile| encoded(profile, is_grey));
            return Colors { icc, hdr: code_points::hdr(primaries, transfer) };
        }
        // Whether a profile can be read matters where something else would be in its place.
        let others = !self.is_srgb && self.gamma.is_some();
        if let Some(profile) = self.profile
            && (!others || is_readable(&profile))
        {
            return Colors { icc: Some(profile), hdr: None };
        }
        let described = match self.gamma {
            Some(gamma @ 1..) if !self.is_srgb => described(gamma, self.chromaticities),
            _ => None,
        };
        Colors { icc: described.and_then(|profile| encoded(profile, is_grey)), hdr: None }
    }
}

/// The compressed profile behind its name and its method.
fn profile(data: &[u8]) -> Option<Icc<'_>> {
    let name = memchr(0, data)?;
    match data.get(name + 1..)? {
        [0, zlib @ ..] => Some(Icc::Zlib(zlib)),
        _ => None,
    }
}

fn is_readable(profile: &Icc<'_>) -> bool {
    profile.bytes().is_some_and(|bytes| ColorProfile::new_from_slice(&bytes).is_ok())
}

/// The profile of a gamma, and of chromaticities where they have a meaning; `None` for sRGB.
fn described(gamma: u32, chromaticities: Option<[u32; 8]>) -> Option<ColorProfile> {
    let is_srgb =
        |of: [u32; 8]| of.iter().zip(SRGB_CHROMATICITIES).all(|(a, b)| a.abs_diff(b) <= ROUNDING);
    let mut profile = ColorProfile::new_srgb();
    let primaries = chromaticities.filter(|&of| !is_srgb(of)).and_then(colorimetry);
    if gamma.abs_diff(SRGB_GAMMA) <= ROUNDING && primaries.is_none() {
        return None;
    }
    if let Some((white, primaries)) = primaries {
        profile.update_rgb_colorimetry(white, primaries);
    }
    code_points::set_power(&mut profile, 100_000.0 / gamma as f32);
    code_points::name(&mut profile, format!("PNG: gAMA {gamma}"));
    Some(profile)
}

/// The white point and the primaries; `None` where no colours can be made of them.
fn colorimetry(chromaticities: [u32; 8]) -> Option<(XyY, ColorPrimaries)> {
    let [white, red, green, blue] = [0, 2, 4, 6].map(|at| {
        let share = |at: usize| chromaticities.get(at).map_or(0.0, |&part| part as f32 / 100_000.0);
        Chromaticity::new(share(at), share(at + 1))
    });
    let exists = |of: &Chromaticity| of.y > 0.0 && of.x + of.y <= 1.0;
    // Primaries on a line span no colours.
    let area = (green.x - red.x) * (blue.y - red.y) - (blue.x - red.x) * (green.y - red.y);
    let valid = [white, red, green].iter().all(exists) && blue.y >= 0.0 && area.abs() > 1e-3;
    let primaries = ColorPrimaries { red, green, blue };
    let matrix = ColorProfile::colorants_matrix(white.to_xyyb(), primaries);
    let finite = matrix.v.iter().flatten().all(|cell| cell.is_finite());
    (valid && finite).then(|| (white.to_xyyb(), primaries))
}

fn encoded(profile: ColorProfile, is_grey: bool) -> Option<Icc<'static>> {
    let profile = if is_grey { code_points::of_grey(profile) } else { profile };
    profile.encode().ok().map(Cow::Owned).map(Icc::Plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn be(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
    }

    fn of(chunks: &[(&[u8; 4], &[u8])], is_grey: bool) -> Option<ColorProfile> {
        let mut found = ColorChunks::default();
        for (kind, data) in chunks {
            found.add(kind, data);
        }
        let icc = found.colors(is_grey).icc?;
        Some(ColorProfile::new_from_slice(&icc.bytes().unwrap()).unwrap())
    }

    #[test]
    fn srgb_has_no_profile() {
        let srgb = be(&SRGB_CHROMATICITIES);
        assert!(of(&[], false).is_none());
        assert!(of(&[(b"gAMA", &be(&[45455]))], false).is_none());
        assert!(of(&[(b"gAMA", &be(&[0]))], false).is_none());
        assert!(of(&[(b"gAMA", &be(&[45455])), (b"cHRM", &srgb)], false).is_none());
        assert!(of(&[(b"cHRM", &be(&[31270, 32900, 7, 8, 9, 10, 11, 12]))], false).is_none());
        assert!(of(&[(b"sRGB", &[0]), (b"gAMA", &be(&[100_000]))], false).is_none());
        assert!(of(&[(b"cICP", &[1, 13, 0, 1]), (b"gAMA", &be(&[100_000]))], false).is_none());
    }

    #[test]
    fn the_first_that_says_so() {
        let linear = be(&[100_000]);
        assert!(of(&[(b"gAMA", &linear)], false).is_some());
        assert!(of(&[(b"gAMA", &linear)], true).is_some());
        // A matrix, or a narrow range.
        for ignored in [[1, 13, 1, 1], [1, 13, 0, 0]] {
            assert!(of(&[(b"cICP", &ignored), (b"gAMA", &linear)], false).is_some());
        }
        // A profile that can't be read.
        let broken = b"x\0\0\x78\x9c\x03\0\0\0\0\x01";
        assert!(of(&[(b"iCCP", broken), (b"gAMA", &linear)], false).is_some());
        let mut hdr = ColorChunks::default();
        hdr.add(b"cICP", &[9, 16, 0, 1]);
        assert!(hdr.colors(false).hdr.is_some());
    }

    proptest! {
        /// Whatever stands there, what is made of it can be read.
        #[test]
        fn any_numbers(gamma in any::<u32>(), parts in any::<[u32; 8]>(), small in any::<bool>()) {
            let parts = parts.map(|part| if small { part % 100_000 } else { part });
            for is_grey in [false, true] {
                let _ = of(&[(b"gAMA", &be(&[gamma])), (b"cHRM", &be(&parts))], is_grey);
            }
        }
    }
}
