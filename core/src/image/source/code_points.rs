//! Colours that are described by code points (ITU-T H.273) instead of a profile.

use moxcms::{
    CicpColorPrimaries, CicpProfile, ColorProfile, LocalizableString, MatrixCoefficients,
    ProfileText, ToneReprCurve, TransferCharacteristics,
};

/// What the curve of cameras (BT.709, BT.601, BT.2020) is taken for. Displays do not undo it, and
/// browsers do not agree with themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) enum CameraCurve {
    /// That of sRGB, as browsers have it in AVIF.
    Srgb,
    /// A power of 2.4, as Chromium has it in PNG.
    Gamma24,
}

/// Colours of a higher dynamic range than sRGB.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct HdrColors {
    /// How values become light.
    pub(in crate::image) curve: HdrCurve,
    /// The primaries.
    pub(in crate::image) primaries: CicpColorPrimaries,
    /// The code point that the source has of them, which may be that of none; `None` where they are others, that
    /// no code point stands for.
    pub(in crate::image) label: Option<u8>,
}

/// A curve of BT.2100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::image) enum HdrCurve {
    /// Perceptual quantisation (SMPTE ST 2084): up to 10,000 nits.
    Pq,
    /// Hybrid log-gamma, of a display of 1000 nits.
    Hlg,
}

impl HdrCurve {
    const ALL: [HdrCurve; 2] = [HdrCurve::Pq, HdrCurve::Hlg];

    /// Its number in ITU-T H.273.
    pub(in crate::image) fn code_point(self) -> u8 {
        match self {
            HdrCurve::Pq => 16,
            HdrCurve::Hlg => 18,
        }
    }
}

/// The colours that those code points stand for, where they have a higher dynamic range than sRGB.
pub(super) fn hdr(primaries: u16, transfer: u16) -> Option<HdrColors> {
    let is_it = |curve: &HdrCurve| u16::from(curve.code_point()) == transfer;
    let curve = HdrCurve::ALL.into_iter().find(is_it)?;
    let label = u8::try_from(primaries).ok().filter(|&label| label != 0);
    Some(HdrColors { curve, primaries: known_primaries(primaries)?, label })
}

/// Those of sRGB where none are given; `None` for numbers that stand for none.
fn known_primaries(number: u16) -> Option<CicpColorPrimaries> {
    use CicpColorPrimaries as Primaries;

    Some(match Primaries::try_from(u8::try_from(number).ok()?).ok()? {
        Primaries::Reserved | Primaries::Unspecified => Primaries::Bt709,
        known => known,
    })
}

/// The ICC profile of those colours; `None` where they are sRGB or not known, and where they have a
/// [higher dynamic range](hdr) than any profile could say.
pub(super) fn profile(primaries: u16, transfer: u16, cameras: CameraCurve) -> Option<ColorProfile> {
    use {CicpColorPrimaries as Primaries, TransferCharacteristics as Transfer};

    let color_primaries = known_primaries(primaries)?;
    let transfer = Transfer::try_from(u8::try_from(transfer).ok()?).ok()?;
    let (transfer_characteristics, is_of_cameras) = match transfer {
        Transfer::Bt709 | Transfer::Bt601 | Transfer::Bt202010bit | Transfer::Bt202012bit => {
            (Transfer::Srgb, true)
        }
        Transfer::Reserved | Transfer::Unspecified => (Transfer::Srgb, false),
        Transfer::Srgb | Transfer::Linear | Transfer::Bt470M | Transfer::Bt470Bg => {
            (transfer, false)
        }
        Transfer::Smpte240
        | Transfer::Log100
        | Transfer::Log100sqrt10
        | Transfer::Iec61966
        | Transfer::Bt1361
        | Transfer::Smpte2084
        | Transfer::Smpte428
        | Transfer::Hlg => return None,
    };
    let power = is_of_cameras && cameras == CameraCurve::Gamma24;
    let is_srgb = transfer_characteristics == Transfer::Srgb && !power;
    if color_primaries == Primaries::Bt709 && is_srgb {
        return None;
    }
    let mut profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries,
        transfer_characteristics,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    if power {
        set_power(&mut profile, 2.4);
    }
    let (primaries, transfer) = (color_primaries as u8, transfer as u8);
    name(&mut profile, format!("ITU-T H.273: {primaries}, {transfer}"));
    Some(profile)
}

/// Has all channels become light by a power.
pub(super) fn set_power(profile: &mut ColorProfile, power: f32) {
    let curve = Some(ToneReprCurve::Parametric(vec![power]));
    // Code points would count in place of it.
    profile.cicp = None;
    (profile.red_trc, profile.green_trc) = (curve.clone(), curve.clone());
    profile.blue_trc = curve;
}

pub(super) fn name(profile: &mut ColorProfile, name: String) {
    let name = LocalizableString::new("en".into(), "US".into(), name);
    profile.description = Some(ProfileText::Localizable(vec![name]));
}

/// The profile of grey pixels that become light as those of another profile do.
pub(super) fn of_grey(profile: ColorProfile) -> ColorProfile {
    let mut grey = ColorProfile::new_gray_with_gamma(2.2);
    (grey.gray_trc, grey.description) = (profile.red_trc, profile.description);
    grey
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_code_points() {
        for primaries in (0..=300).chain([u16::MAX]) {
            for transfer in (0..=300).chain([u16::MAX]) {
                for cameras in [CameraCurve::Srgb, CameraCurve::Gamma24] {
                    let Some(made) = profile(primaries, transfer, cameras) else { continue };
                    let read = ColorProfile::new_from_slice(&made.encode().unwrap()).unwrap();
                    let matrix = read.rgb_to_xyz_matrix().v;
                    assert!(matrix.iter().flatten().all(|cell| cell.is_finite()), "{primaries}");
                    assert!(hdr(primaries, transfer).is_none());
                }
            }
        }
    }

    #[test]
    fn what_is_srgb_has_none() {
        let profile = |primaries, transfer| profile(primaries, transfer, CameraCurve::Srgb);
        for primaries in [0, 1, 2, 3, 200] {
            for transfer in [0, 1, 2, 6, 13, 14, 15] {
                assert!(profile(primaries, transfer).is_none(), "{primaries} {transfer}");
            }
        }
        assert!(profile(12, 13).is_some() && profile(9, 1).is_some() && profile(1, 8).is_some());
        assert!(profile(9, 16).is_none() && profile(9, 18).is_none());
        assert!(super::profile(1, 1, CameraCurve::Gamma24).is_some());
        assert_eq!(hdr(9, 16).unwrap().curve, HdrCurve::Pq);
        assert_eq!(hdr(12, 18).unwrap().curve, HdrCurve::Hlg);
        assert_eq!([9, 2, 0].map(|of| hdr(of, 16).unwrap().label), [Some(9), Some(2), None]);
        assert!(hdr(9, 13).is_none() && hdr(300, 16).is_none());
    }
}
