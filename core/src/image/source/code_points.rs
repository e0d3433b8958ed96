//! Colours that are described by code points (ITU-T H.273) instead of a profile.

use moxcms::{
    CicpColorPrimaries, CicpProfile, ColorProfile, LocalizableString, MatrixCoefficients,
    ProfileText, TransferCharacteristics,
};

/// The ICC profile of those colours; `None` where they are sRGB or not known, and where they have a
/// higher dynamic range than anything that could be made of them here.
pub(super) fn profile(primaries: u16, transfer: u16) -> Option<Vec<u8>> {
    use {CicpColorPrimaries as Primaries, TransferCharacteristics as Transfer};

    let primaries = Primaries::try_from(u8::try_from(primaries).ok()?).ok()?;
    let color_primaries = match primaries {
        Primaries::Reserved | Primaries::Unspecified => Primaries::Bt709,
        known => known,
    };
    let transfer = Transfer::try_from(u8::try_from(transfer).ok()?).ok()?;
    let transfer_characteristics = match transfer {
        // Cameras' curves, which displays do not undo: browsers, too, show such images like others.
        Transfer::Bt709 | Transfer::Bt601 | Transfer::Bt202010bit | Transfer::Bt202012bit => {
            Transfer::Srgb
        }
        Transfer::Reserved | Transfer::Unspecified => Transfer::Srgb,
        Transfer::Srgb | Transfer::Linear | Transfer::Bt470M | Transfer::Bt470Bg => transfer,
        Transfer::Smpte240
        | Transfer::Log100
        | Transfer::Log100sqrt10
        | Transfer::Iec61966
        | Transfer::Bt1361
        | Transfer::Smpte2084
        | Transfer::Smpte428
        | Transfer::Hlg => return None,
    };
    if color_primaries == Primaries::Bt709 && transfer_characteristics == Transfer::Srgb {
        return None;
    }
    let mut profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries,
        transfer_characteristics,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    let (primaries, transfer) = (color_primaries as u8, transfer_characteristics as u8);
    let name = format!("ITU-T H.273: {primaries}, {transfer}");
    let name = LocalizableString::new("en".into(), "US".into(), name);
    profile.description = Some(ProfileText::Localizable(vec![name]));
    profile.encode().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_code_points() {
        for primaries in (0..=300).chain([u16::MAX]) {
            for transfer in (0..=300).chain([u16::MAX]) {
                if let Some(bytes) = profile(primaries, transfer) {
                    let read = ColorProfile::new_from_slice(&bytes).unwrap();
                    let matrix = read.rgb_to_xyz_matrix().v;
                    assert!(matrix.iter().flatten().all(|cell| cell.is_finite()), "{primaries}");
                }
            }
        }
    }

    #[test]
    fn what_is_srgb_has_none() {
        for primaries in [0, 1, 2, 3, 200] {
            for transfer in [0, 1, 2, 6, 13, 14, 15] {
                assert!(profile(primaries, transfer).is_none(), "{primaries} {transfer}");
            }
        }
        assert!(profile(12, 13).is_some() && profile(9, 1).is_some() && profile(1, 8).is_some());
        assert!(profile(9, 16).is_none() && profile(9, 18).is_none());
    }
}
