//! Colour management.

use std::sync::Arc;

use moxcms::{
    CmsError, ColorProfile, DataColorSpace, Layout as CmsLayout, ProfileClass,
    Transform8BitExecutor, TransformOptions,
};

use super::flatten::map;
use crate::image::raster::{Layout, Raster, with_room};
use crate::image::{Control, Error};

/// A profile that changes no channel by more than this is sRGB under another
/// name: the many copies of it differ by the rounding of their tables.
const TOLERANCE: u8 = 2;

/// Brings pixels from the colour space of a profile to sRGB.
pub(in crate::image) struct Converter {
    transform: Arc<Transform8BitExecutor>,
    from: Layout,
    to: Layout,
}

impl Converter {
    /// What converts pixels of that layout; `None` where the profile is broken,
    /// is for other kinds of pixels, or would change nothing.
    pub(in crate::image) fn new(profile: &[u8], layout: Layout) -> Option<Converter> {
        let converter = Converter::read(profile, layout)?;
        converter.changes_something().ok()?.then_some(converter)
    }

    /// Whether a profile says what colours pixels of that layout have.
    pub(in crate::image) fn reads(profile: &[u8], layout: Layout) -> bool {
        Converter::read(profile, layout).is_some()
    }

    fn read(profile: &[u8], layout: Layout) -> Option<Converter> {
        let profile = ColorProfile::new_from_slice(profile).ok()?;
        let (space, to, from_cms, to_cms) = match layout {
            Layout::L8 => (DataColorSpace::Gray, Layout::L8, CmsLayout::Gray, CmsLayout::Gray),
            Layout::La8 => {
                (DataColorSpace::Gray, Layout::La8, CmsLayout::GrayAlpha, CmsLayout::GrayAlpha)
            }
            Layout::Rgb8 => (DataColorSpace::Rgb, Layout::Rgb8, CmsLayout::Rgb, CmsLayout::Rgb),
            Layout::Rgba8 => (DataColorSpace::Rgb, Layout::Rgba8, CmsLayout::Rgba, CmsLayout::Rgba),
            Layout::Cmyk8 => (DataColorSpace::Cmyk, Layout::Rgb8, CmsLayout::Rgba, CmsLayout::Rgb),
        };
        // One from a device to another has no colours of its own.
        let has_colors = matches!(profile.pcs, DataColorSpace::Xyz | DataColorSpace::Lab)
            && profile.profile_class != ProfileClass::DeviceLink;
        if profile.color_space != space || !has_colors {
            return None;
        }
        let target = if space == DataColorSpace::Gray { grey() } else { ColorProfile::new_srgb() };
        let transform = profile
            .create_transform_8bit(from_cms, &target, to_cms, TransformOptions::default())
            .ok()?;
        Some(Converter { transform, from: layout, to })
    }

    /// Whether any of some colours all over the space comes out as another.
    fn changes_something(&self) -> Result<bool, CmsError> {
        if self.from != self.to {
            return Ok(true);
        }
        const STEPS: [u8; 8] = [0, 20, 56, 92, 128, 164, 210, 255];
        let samples: Vec<u8> = match self.from {
            Layout::L8 => STEPS.to_vec(),
            Layout::La8 => STEPS.iter().flat_map(|&grey| [grey, 255]).collect(),
            _ => {
                let colors = STEPS.iter().flat_map(|&r| {
                    STEPS.iter().flat_map(move |&g| STEPS.iter().map(move |&b| [r, g, b, 255]))
                });
                colors.flat_map(|color| color.into_iter().take(self.from.channels())).collect()
            }
        };
        let mut converted = vec![0; samples.len()];
        self.transform.transform(&samples, &mut converted)?;
        Ok(samples.iter().zip(&converted).any(|(a, b)| a.abs_diff(*b) > TOLERANCE))
    }

    /// Converts a raster of the layout that the converter was made for.
    pub(in crate::image) fn convert(
        &self,
        mut raster: Raster,
        control: &Control,
    ) -> Result<Raster, Error> {
        let failed = |error: CmsError| Error::Internal(format!("colour conversion: {error}"));
        if self.from == self.to {
            let mut before = with_room(raster.stride())?;
            for row in raster.rows_mut() {
                control.check()?;
                before.clear();
                before.extend_from_slice(row);
                self.transform.transform(&before, row).map_err(failed)?;
            }
            return Ok(raster);
        }
        let mut out = Raster::new(raster.size(), self.to)?;
        for (to, from) in out.rows_mut().zip(raster.rows()) {
            control.check()?;
            self.transform.transform(from, to).map_err(failed)?;
        }
        Ok(out)
    }
}

/// Grey with the tone curve of sRGB.
fn grey() -> ColorProfile {
    let mut profile = ColorProfile::new_gray_with_gamma(2.2);
    profile.gray_trc = ColorProfile::new_srgb().red_trc;
    profile
}

/// CMYK to RGB without a profile: each ink takes away its colour. What has no
/// ink stays as it is.
pub(in crate::image) fn naive_rgb(raster: Raster, control: &Control) -> Result<Raster, Error> {
    if raster.layout() != Layout::Cmyk8 {
        return Ok(raster);
    }
    map::<4, 3>(&raster, Layout::Rgb8, control, |[cyan, magenta, yellow, black]| {
        [cyan, magenta, yellow].map(|ink| {
            let light = u32::from(255 - ink) * u32::from(255 - black);
            ((light + 127) / 255) as u8
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::size::Size;

    fn convert(profile: &ColorProfile, layout: Layout, pixel: &[u8]) -> Option<Vec<u8>> {
        let converter = Converter::new(&profile.encode().unwrap(), layout)?;
        let raster = Raster::from_data(Size::new(1, 1), layout, pixel.to_vec()).unwrap();
        Some(converter.convert(raster, &Control::default()).unwrap().data().to_vec())
    }

    #[test]
    fn srgb_needs_no_conversion() {
        assert!(convert(&ColorProfile::new_srgb(), Layout::Rgb8, &[1, 2, 3]).is_none());
        assert!(convert(&grey(), Layout::L8, &[1]).is_none());
    }

    #[test]
    fn display_p3_and_adobe_rgb() {
        // Display P3 (200, 100, 50) is sRGB (215, 93, 31), within rounding.
        let p3 = ColorProfile::new_display_p3();
        let out = convert(&p3, Layout::Rgb8, &[200, 100, 50]).unwrap();
        for (ours, expected) in out.iter().zip([215, 93, 31]) {
            assert!(ours.abs_diff(expected) <= 2, "{out:?}");
        }
        let out = convert(&p3, Layout::Rgba8, &[200, 100, 50, 77]).unwrap();
        assert_eq!(out[3], 77);
        // Adobe RGB's neutral axis has another curve but no tint.
        let out = convert(&ColorProfile::new_adobe_rgb(), Layout::Rgb8, &[128; 3]).unwrap();
        assert!(out.iter().all(|&v| v.abs_diff(127) <= 2), "{out:?}");
    }

    #[test]
    fn linear_grey() {
        let linear = ColorProfile::new_gray_with_gamma(1.0);
        let out = convert(&linear, Layout::L8, &[55]).unwrap();
        assert!(out[0].abs_diff(127) <= 2, "{out:?}");
        let out = convert(&linear, Layout::La8, &[55, 9]).unwrap();
        assert!(out[0].abs_diff(127) <= 2 && out[1] == 9, "{out:?}");
    }

    #[test]
    fn broken_or_misplaced_profiles_are_ignored() {
        assert!(Converter::new(b"", Layout::Rgb8).is_none());
        assert!(Converter::new(&[0xff; 4000], Layout::Rgb8).is_none());
        assert!(convert(&ColorProfile::new_display_p3(), Layout::L8, &[1]).is_none());
        assert!(convert(&ColorProfile::new_display_p3(), Layout::Cmyk8, &[1; 4]).is_none());
        let profile = ColorProfile::new_display_p3().encode().unwrap();
        for len in 0..profile.len() {
            let _ = Converter::new(&profile[..len], Layout::Rgb8);
        }
    }

    #[test]
    fn naive_cmyk() {
        let rgb = |ink: [u8; 4]| {
            let raster = Raster::from_data(Size::new(1, 1), Layout::Cmyk8, ink.to_vec()).unwrap();
            naive_rgb(raster, &Control::default()).unwrap().data().to_vec()
        };
        assert_eq!(rgb([0, 0, 0, 0]), [255, 255, 255]);
        assert_eq!(rgb([0, 0, 0, 255]), [0, 0, 0]);
        assert_eq!(rgb([255, 0, 0, 0]), [0, 255, 255]);
        assert_eq!(rgb([0, 0, 0, 128]), [127, 127, 127]);
    }
}
