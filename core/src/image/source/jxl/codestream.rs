//! The headers of a codestream (ISO/IEC 18181-1) by the `jxl` crate.

use std::borrow::Cow;
use std::num::NonZeroU32;

use jxl::api::{
    AlphaMode, Endianness, Event, ExtraChannel, JxlBasicInfo, JxlColorEncoding, JxlColorProfile,
    JxlColorType, JxlDataFormat, JxlDecoder, JxlDecoderOptions, JxlPixelFormat, JxlPrimaries,
    JxlTransferFunction, JxlWhitePoint, ProfileLevel,
};

use crate::image::Error;
use crate::image::error::{broken, truncated};
use crate::image::raster::Layout;
use crate::image::source::{Animation, Embedded, HdrColors, Icc, code_points};

/// What is told of a file before its first frame.
pub(super) struct Opened {
    pub(super) basic: JxlBasicInfo,
    pub(super) layout: Layout,
}

impl Opened {
    /// What its pictures have in common, where it says that there are several.
    pub(super) fn animation(&self) -> Option<Animation> {
        let animation = self.basic.animation.as_ref()?;
        let plays = NonZeroU32::new(animation.num_loops);
        Some(Animation { plays, alpha: self.layout.has_alpha() })
    }
}

/// Reads the headers, which are all that is given; no frame is looked at.
pub(super) fn open(
    head: &[u8],
    samples: Option<usize>,
    level: ProfileLevel,
    deep: bool,
) -> Result<(JxlDecoder, Opened), Error> {
    let mut options = JxlDecoderOptions::default();
    options.max_profile_level = level;
    options.alpha_mode = AlphaMode::Unpremultiplied;
    options.sample_limit = samples;
    let mut decoder = JxlDecoder::new(options);
    let mut rest = head;
    loop {
        match decoder.process(&mut rest, None, None).map_err(broken)? {
            Event::BasicInfo => break,
            Event::NeedMoreInput { .. } => return Err(broken("the headers go on")),
            _ => {}
        }
    }
    let basic = decoder.basic_info().cloned().ok_or_else(truncated)?;
    let is = |kind: ExtraChannel| basic.extra_channels.iter().any(|extra| extra.ec_type == kind);
    let profile = decoder.embedded_color_profile();
    if is(ExtraChannel::Black) || profile.is_some_and(JxlColorProfile::is_cmyk) {
        return Err(Error::UnsupportedFormat("JPEG XL with inks".to_owned()));
    }
    let grey = profile.is_some_and(|profile| profile.channels() == 1);
    let (layout, color_type) = match (grey, is(ExtraChannel::Alpha)) {
        (true, false) => (Layout::L8, JxlColorType::Grayscale),
        (true, true) => (Layout::La8, JxlColorType::GrayscaleAlpha),
        (false, false) => (Layout::Rgb8, JxlColorType::Rgb),
        (false, true) => (Layout::Rgba8, JxlColorType::Rgba),
    };
    let endianness = match cfg!(target_endian = "little") {
        true => Endianness::LittleEndian,
        false => Endianness::BigEndian,
    };
    let samples = match deep {
        true => JxlDataFormat::U16 { endianness, bit_depth: 16 },
        false => JxlDataFormat::U8 { bit_depth: 8 },
    };
    let format = JxlPixelFormat {
        color_type,
        color_data_format: Some(samples),
        extra_channel_format: vec![None; basic.extra_channels.len()],
    };
    decoder.set_pixel_format(format).map_err(broken)?;
    Ok((decoder, Opened { basic, layout }))
}

/// What the pixels come out of the decoder in.
pub(super) fn colors(profile: Option<&JxlColorProfile>, embedded: &mut Embedded) {
    let Some(profile) = profile else { return };
    if let JxlColorProfile::Simple(
        JxlColorEncoding::RgbColorSpace { white_point, transfer_function, .. }
        | JxlColorEncoding::GrayscaleColorSpace { white_point, transfer_function, .. },
    ) = profile
    {
        let primaries = match profile {
            JxlColorProfile::Simple(JxlColorEncoding::RgbColorSpace { primaries, .. }) => {
                match (primaries, white_point) {
                    (JxlPrimaries::P3, JxlWhitePoint::DCI) => 11,
                    (JxlPrimaries::SRGB, _) => 1,
                    (JxlPrimaries::BT2100, _) => 9,
                    (JxlPrimaries::P3, _) => 12,
                    (JxlPrimaries::Chromaticities { .. }, _) => 0,
                }
            }
            _ => 1,
        };
        // With another white no code point stands for them.
        let has_white = primaries == 11 || *white_point == JxlWhitePoint::D65;
        let transfer = match transfer_function {
            JxlTransferFunction::SRGB if primaries == 1 && *white_point == JxlWhitePoint::D65 => {
                return;
            }
            JxlTransferFunction::PQ => 16,
            JxlTransferFunction::HLG => 18,
            _ => 0,
        };
        embedded.hdr = code_points::hdr(primaries, transfer)
            .map(|colors| HdrColors { label: colors.label.filter(|_| has_white), ..colors });
        if embedded.hdr.is_some() {
            return;
        }
    }
    let icc = profile.try_as_icc();
    embedded.icc = icc.map(|icc| Icc::Plain(Cow::Owned(icc.into_owned())));
}
