//! The table.

use std::sync::LazyLock;

use super::draft::{Draft, Filling};
use super::notation::{Background, Notation, OneOf};
use super::row::{Argument, Setting, SettingDirective};
use crate::image::words::Words;
use crate::image::{
    AnimationPolicy, BorderPlace, Clamp, DamagePolicy, EqualSides, FONTS, Flip, HdrPolicy,
    HeifPolicy, Mask, MetadataPolicy, Oversize, PngCompression, ProfilePolicy, RotateBox, Rotation,
    Rounding, Sides, Subsampling, TrimCorner,
};

/// All settings, in the order in which the values of directives count. Rows of one directive stand
/// together.
pub static SETTINGS: &[Setting] = &[
    Setting {
        params: &["background", "bg"],
        directive: Some(SettingDirective::new(c"image_resize_background")),
        default: "white",
        kind: Notation::Background(set_background),
    },
    Setting {
        params: &["width", "w"],
        directive: Some(BOX.argument(Argument::At(1, "width")).required()),
        default: "-",
        kind: Notation::Length {
            pixels: |draft, width| {
                draft.width = width;
                draft.is_auto = false;
                draft.plan.bounds.width_share = None;
            },
            share: |draft, share| {
                draft.width = None;
                draft.is_auto = false;
                draft.plan.bounds.width_share = Some(share);
            },
            auto: Some(|draft, width| {
                draft.width = width.or(draft.hints.width);
                draft.is_auto = true;
                draft.plan.bounds.width_share = None;
            }),
        },
    },
    Setting {
        params: &["height", "h"],
        directive: Some(BOX.argument(Argument::At(2, "height")).required()),
        default: "-",
        kind: Notation::Length {
            pixels: |draft, height| {
                draft.height = height;
                draft.plan.bounds.height_share = None;
            },
            share: |draft, share| {
                draft.height = None;
                draft.plan.bounds.height_share = Some(share);
            },
            auto: None,
        },
    },
    Setting {
        params: &["gravity", "g"],
        directive: Some(BOX.named("gravity")),
        default: "center",
        kind: Notation::Gravity(|draft, gravity| draft.plan.gravity = gravity),
    },
    Setting {
        params: &["enlarge"],
        directive: Some(BOX.named("enlarge")),
        default: "off",
        kind: Notation::Word(&OneOf(|draft, enlarging: Enlarging| {
            draft.enlarge = Some(enlarging == Enlarging::On);
            draft.plan.refuses_enlarging = enlarging == Enlarging::Refused;
        })),
    },
    Setting {
        params: &["dpr"],
        directive: Some(BOX.named("dpr")),
        default: "1",
        kind: Notation::Number {
            unit: "",
            places: 2,
            least: 100,
            most: 400,
            set: |draft, percent| draft.plan.dpr = percent,
        },
    },
    Setting {
        params: &["dpr_limit"],
        directive: Some(BOX.named("dpr_limit")),
        default: "off",
        kind: Notation::Switch(|draft, limits| draft.plan.limits_dpr = limits),
    },
    Setting {
        params: &["ar"],
        directive: Some(BOX.named("ar")),
        default: "off",
        kind: Notation::Ratio(|draft, ratio| draft.plan.bounds.ratio = ratio),
    },
    Setting {
        params: &["zoom"],
        directive: Some(BOX.named("zoom")),
        default: "1",
        kind: Notation::Number {
            unit: "",
            places: 2,
            least: 1,
            most: 1000,
            set: |draft, percent| draft.plan.bounds.zoom = percent,
        },
    },
    Setting {
        params: &["min_width"],
        directive: Some(BOX.named("min_width")),
        default: "-",
        kind: Notation::Side(|draft, width| draft.plan.bounds.min_width = width),
    },
    Setting {
        params: &["min_height"],
        directive: Some(BOX.named("min_height")),
        default: "-",
        kind: Notation::Side(|draft, height| draft.plan.bounds.min_height = height),
    },
    Setting {
        params: &["max_width"],
        directive: Some(BOX.named("max_width")),
        default: "-",
        kind: Notation::Side(|draft, width| draft.plan.bounds.max_width = width),
    },
    Setting {
        params: &["max_height"],
        directive: Some(BOX.named("max_height")),
        default: "-",
        kind: Notation::Side(|draft, height| draft.plan.bounds.max_height = height),
    },
    Setting {
        params: &["clamp"],
        directive: Some(BOX.named("clamp")),
        default: "off",
        kind: Notation::Word(&OneOf(|draft, clamp: Clamp| draft.plan.bounds.clamp = clamp)),
    },
    Setting {
        params: &["crop_optional"],
        directive: Some(BOX.named("crop_optional")),
        default: "off",
        kind: Notation::Switch(|draft, optional| draft.plan.crop_optional = optional),
    },
    Setting {
        params: &["adaptive"],
        directive: Some(BOX.named("adaptive")),
        default: "off",
        kind: Notation::Switch(|draft, adaptive| draft.plan.bounds.adaptive = adaptive),
    },
    Setting {
        params: &["rotate_box"],
        directive: Some(BOX.named("rotate_box")),
        default: "",
        kind: Notation::Word(&OneOf(|draft, space: RotateBox| {
            draft.plan.rotate_box = Some(space);
        })),
    },
    Setting {
        params: &["round"],
        directive: Some(BOX.named("round")),
        default: "down",
        kind: Notation::Word(&OneOf(|draft, round: Rounding| draft.plan.round = round)),
    },
    // That of a box goes before that of the location.
    Setting {
        params: &[],
        directive: Some(BOX.named("background")),
        default: "white",
        kind: Notation::Background(set_background),
    },
    Setting {
        params: &[],
        directive: Some(BOX.argument(Argument::Mode("rotate")).required()),
        default: "",
        kind: Notation::Word(&OneOf(|draft, rotation| draft.plan.rotate = rotation)),
    },
    Setting {
        params: &["rotate"],
        directive: None,
        default: "0",
        kind: Notation::Degrees { places: 2, set: turn_clockwise },
    },
    Setting {
        params: &["fit"],
        directive: None,
        default: "",
        kind: Notation::Word(&OneOf(|draft, FitOfUrls { filling, enlarges, reduces }| {
            draft.filling = Some(filling);
            draft.implied_enlarge = Some(enlarges);
            draft.plan.reduce = reduces;
        })),
    },
    Setting {
        params: &["oversize"],
        directive: None,
        default: "refuse",
        kind: Notation::Word(&OneOf(|draft, oversize: Oversize| draft.plan.oversize = oversize)),
    },
    Setting {
        params: &["flip"],
        directive: None,
        default: "",
        kind: Notation::Word(&OneOf(|draft, flip: Flip| draft.plan.flip = flip)),
    },
    Setting {
        params: &["format", "f"],
        directive: Some(SettingDirective::new(c"image_resize_format").general()),
        default: "original",
        kind: Notation::Format(|draft, wanted| draft.wanted = Some(wanted)),
    },
    Setting {
        params: &["quality", "q"],
        directive: None,
        default: "",
        kind: Notation::Quality(|draft, quality| draft.plan.set_quality(quality)),
    },
    Setting {
        params: &["slow_quality"],
        directive: None,
        default: "",
        kind: Notation::Quality(|draft, quality| draft.slow_quality = Some(quality)),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_jpeg_quality").required()),
        default: "75",
        kind: Notation::Quality(|draft, quality| draft.plan.jpeg_quality = quality),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_webp_quality").required()),
        default: "80",
        kind: Notation::Quality(|draft, quality| draft.plan.webp_quality = quality),
    },
    Setting {
        params: &[],
        directive: Some(
            SettingDirective::new(c"image_resize_webp_quality").named("effort").fixed(),
        ),
        default: "4",
        kind: Notation::Number {
            unit: "",
            places: 0,
            least: 0,
            most: 6,
            set: |draft, effort| draft.plan.webp_effort = effort as u8,
        },
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_avif_quality").required()),
        default: "60",
        kind: Notation::Quality(|draft, quality| draft.plan.avif_quality = quality),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_avif_quality").named("speed").fixed()),
        default: "9",
        kind: Notation::Number {
            unit: "",
            places: 0,
            least: 0,
            most: 10,
            set: |draft, speed| draft.plan.avif_speed = speed as u8,
        },
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_jxl_quality").required()),
        default: "",
        kind: Notation::Quality(|draft, quality| draft.plan.jxl_quality = Some(quality)),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_jxl_quality").named("effort").fixed()),
        default: "4",
        kind: Notation::Number {
            unit: "",
            places: 0,
            least: 1,
            most: 9,
            set: |draft, effort| draft.plan.jxl_effort = effort as u8,
        },
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_png_compression").fixed()),
        default: "fast",
        kind: Notation::Word(&OneOf(|draft, compression: PngCompression| {
            draft.plan.png_compression = compression;
        })),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_max_bytes")),
        default: "off",
        kind: Notation::Bytes(|draft, bytes| draft.plan.max_bytes = bytes),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_interlace").fixed()),
        default: "off",
        kind: Notation::Switch(|draft, interlace| draft.plan.interlace = interlace),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_transparency").fixed()),
        default: "on",
        kind: Notation::Switch(|draft, transparency| draft.plan.transparency = transparency),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_orient").fixed().general()),
        default: "on",
        kind: Notation::Switch(|draft, orient| draft.plan.orient = orient),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_profile").fixed().general()),
        default: "srgb",
        kind: Notation::Word(&OneOf(|draft, profile: ProfilePolicy| draft.plan.profile = profile)),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_hdr").fixed().general()),
        default: "off",
        kind: Notation::Word(&OneOf(|draft, hdr: HdrPolicy| draft.plan.hdr = hdr)),
    },
    Setting {
        params: &["metadata"],
        directive: Some(SettingDirective::new(c"image_resize_metadata").fixed().general()),
        default: "strip",
        kind: Notation::Word(&OneOf(|draft, metadata: MetadataPolicy| {
            draft.plan.metadata = metadata
        })),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_animation").fixed().general()),
        default: "all",
        kind: Notation::Word(&OneOf(|draft, animation: AnimationPolicy| {
            draft.plan.animation = animation;
        })),
    },
    Setting {
        params: &["anim"],
        directive: None,
        default: "on",
        kind: Notation::Switch(|draft, moves| {
            draft.plan.animation =
                if moves { AnimationPolicy::All } else { AnimationPolicy::First };
        }),
    },
    Setting {
        params: &["page"],
        directive: Some(SettingDirective::new(c"image_resize_page")),
        default: "1",
        kind: Notation::Number {
            unit: "",
            places: 0,
            least: 1,
            most: 10_000,
            set: |draft, page| draft.plan.page = page,
        },
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_damaged").fixed().general()),
        default: "lenient",
        kind: Notation::Word(&OneOf(|draft, damaged: DamagePolicy| draft.plan.damaged = damaged)),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_heif").fixed().general()),
        default: "auto",
        kind: Notation::Word(&OneOf(|draft, heif: HeifPolicy| draft.plan.heif = heif)),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_svg").fixed().general()),
        default: "on",
        kind: Notation::Switch(|draft, is_read| draft.plan.svg = is_read),
    },
    Setting {
        params: &[],
        directive: Some(SettingDirective::new(c"image_resize_svg_fonts").fixed().general()),
        default: FONTS,
        kind: Notation::Fonts(|draft, folder| {
            draft.plan.svg_fonts = Some(folder).filter(|folder| folder.path() != FONTS);
        }),
    },
    Setting {
        params: &["trim"],
        directive: Some(SettingDirective::new(c"image_resize_trim")),
        default: "off",
        kind: Notation::Trim {
            border: |draft, threshold| {
                draft.plan.trim = threshold;
                draft.plan.trim_sides = Sides::default();
            },
            sides: |draft, sides| {
                draft.plan.trim = None;
                draft.plan.trim_sides = sides;
            },
        },
    },
    Setting {
        params: &["trim_color"],
        directive: Some(SettingDirective::new(c"image_resize_trim").named("color")),
        default: "off",
        kind: Notation::Color(|draft, color| draft.plan.trim_color = color),
    },
    Setting {
        params: &["trim_corner"],
        directive: Some(SettingDirective::new(c"image_resize_trim").named("corner")),
        default: "top-left",
        kind: Notation::Word(&OneOf(|draft, corner: TrimCorner| draft.plan.trim_corner = corner)),
    },
    Setting {
        params: &["trim_equal"],
        directive: Some(SettingDirective::new(c"image_resize_trim").named("equal")),
        default: "off",
        kind: Notation::Word(&OneOf(|draft, equal: EqualSides| draft.plan.trim_equal = equal)),
    },
    Setting {
        params: &["padding"],
        directive: Some(SettingDirective::new(c"image_resize_padding")),
        default: "0",
        kind: Notation::Sides(|draft, sides| draft.plan.padding = sides),
    },
    Setting {
        params: &["border"],
        directive: Some(SettingDirective::new(c"image_resize_border")),
        default: "0",
        kind: Notation::Sides(|draft, sides| draft.plan.border = sides),
    },
    Setting {
        params: &["border_color"],
        directive: Some(SettingDirective::new(c"image_resize_border").named("color")),
        default: "black",
        kind: Notation::Paint(|draft, color, alpha| {
            (draft.plan.border_color, draft.plan.border_alpha) = (color, alpha);
        }),
    },
    Setting {
        params: &["border_place"],
        directive: Some(SettingDirective::new(c"image_resize_border").named("place")),
        default: "around",
        kind: Notation::Word(&OneOf(|draft, place: BorderPlace| draft.plan.border_place = place)),
    },
    Setting {
        params: &["crop"],
        directive: Some(SettingDirective::new(c"image_resize_crop")),
        default: "off",
        kind: Notation::Area(|draft, area| draft.plan.crop = area),
    },
    Setting {
        params: &["crop_gravity"],
        directive: Some(SettingDirective::new(c"image_resize_crop").named("gravity")),
        default: "",
        kind: Notation::Place(|draft, place| draft.plan.crop_gravity = Some(place)),
    },
    Setting {
        params: &["crop_after"],
        directive: Some(SettingDirective::new(c"image_resize_crop").named("after")),
        default: "off",
        kind: Notation::Area(|draft, area| draft.plan.crop_after = area),
    },
    Setting {
        params: &["brightness"],
        directive: Some(ADJUST.named("brightness")),
        default: "1",
        kind: factor(|draft, percent| draft.plan.adjust.brightness = percent),
    },
    Setting {
        params: &["contrast"],
        directive: Some(ADJUST.named("contrast")),
        default: "1",
        kind: factor(|draft, percent| draft.plan.adjust.contrast = percent),
    },
    Setting {
        params: &["saturation"],
        directive: Some(ADJUST.named("saturation")),
        default: "1",
        kind: factor(|draft, percent| draft.plan.adjust.saturation = percent),
    },
    Setting {
        params: &["hue"],
        directive: Some(ADJUST.named("hue")),
        default: "0",
        kind: Notation::Degrees {
            places: 0,
            set: |draft, degrees| draft.plan.adjust.hue = degrees,
        },
    },
    Setting {
        params: &["gamma"],
        directive: Some(ADJUST.named("gamma")),
        default: "1",
        kind: Notation::Number {
            unit: "",
            places: 2,
            least: 10,
            most: 1000,
            set: |draft, percent| draft.plan.adjust.gamma = percent,
        },
    },
    Setting {
        params: &["grayscale"],
        directive: Some(ADJUST.named("grayscale")),
        default: "off",
        kind: Notation::Switch(|draft, grayscale| draft.plan.adjust.grayscale = grayscale),
    },
    Setting {
        params: &["negate"],
        directive: Some(ADJUST.named("negate")),
        default: "off",
        kind: Notation::Switch(|draft, negate| draft.plan.adjust.negate = negate),
    },
    Setting {
        params: &["sepia"],
        directive: Some(ADJUST.named("sepia")),
        default: "0",
        kind: share(|draft, percent| draft.plan.adjust.sepia = percent),
    },
    Setting {
        params: &["threshold"],
        directive: Some(ADJUST.named("threshold")),
        default: "0",
        kind: Notation::Number {
            unit: "",
            places: 0,
            least: 0,
            most: 255,
            set: |draft, threshold| draft.plan.adjust.threshold = threshold as u8,
        },
    },
    Setting {
        params: &["tint"],
        directive: Some(ADJUST.named("tint")),
        default: "off",
        kind: Notation::Tone { colors: 1, set: |draft, tone| draft.plan.tone = tone },
    },
    Setting {
        params: &["duotone"],
        directive: Some(ADJUST.named("duotone")),
        default: "off",
        kind: Notation::Tone { colors: 2, set: |draft, tone| draft.plan.tone = tone },
    },
    Setting {
        params: &["blur"],
        directive: Some(SettingDirective::new(c"image_resize_blur")),
        default: "0",
        kind: Notation::Number {
            unit: "pixels",
            places: 2,
            least: 0,
            most: 25_000,
            set: |draft, sigma| draft.plan.blur = sigma,
        },
    },
    Setting {
        params: &["sharpen"],
        directive: Some(SettingDirective::new(c"image_resize_sharpen")),
        default: "0",
        kind: Notation::Number {
            unit: "percent",
            places: 0,
            least: 0,
            most: 1000,
            set: |draft, percent| draft.plan.sharpen = percent,
        },
    },
    Setting {
        params: &["pixelate"],
        directive: Some(SettingDirective::new(c"image_resize_pixelate")),
        default: "0",
        kind: Notation::Number {
            unit: "pixels",
            places: 0,
            least: 0,
            most: u16::MAX,
            set: |draft, side| draft.plan.pixelate = side,
        },
    },
    Setting {
        params: &["opacity"],
        directive: Some(SettingDirective::new(c"image_resize_opacity")),
        default: "1",
        kind: share(|draft, percent| draft.plan.opacity = percent),
    },
    Setting {
        params: &["flatten"],
        directive: Some(SettingDirective::new(c"image_resize_flatten")),
        default: "off",
        kind: Notation::Switch(|draft, flatten| draft.plan.flatten = flatten),
    },
    Setting {
        params: &["lossless"],
        directive: Some(SettingDirective::new(c"image_resize_lossless")),
        default: "off",
        kind: Notation::Switch(|draft, lossless| draft.plan.lossless = lossless),
    },
    Setting {
        params: &["subsampling"],
        directive: Some(SettingDirective::new(c"image_resize_subsampling")),
        default: "420",
        kind: Notation::Word(&OneOf(|draft, chroma: Subsampling| {
            draft.plan.subsampling = chroma;
        })),
    },
    Setting {
        params: &["colors"],
        directive: Some(SettingDirective::new(c"image_resize_colors")),
        default: "off",
        kind: Notation::Colors(|draft, colors| draft.plan.colors = colors),
    },
    Setting {
        params: &["mask"],
        directive: Some(SettingDirective::new(c"image_resize_mask")),
        default: "off",
        kind: Notation::Word(&OneOf(|draft, mask: Mask| draft.plan.mask = mask)),
    },
    Setting {
        params: &["mask_trim"],
        directive: Some(SettingDirective::new(c"image_resize_mask").named("trim")),
        default: "off",
        kind: Notation::Switch(|draft, trims| draft.plan.mask_trim = trims),
    },
    Setting {
        params: &["watermark"],
        directive: None,
        default: "on",
        kind: Notation::Switch(|draft, watermark| draft.plan.watermark = watermark),
    },
    Setting { params: &["preset", "p"], directive: None, default: "", kind: Notation::Preset },
];

impl Setting {
    /// Returns the setting that a URL calls so.
    #[must_use]
    pub fn find_param(name: &str) -> Option<&'static Setting> {
        let place =
            BY_PARAM.binary_search_by_key(&by_length(name), |(known, _)| by_length(known)).ok()?;
        BY_PARAM.get(place).map(|(_, setting)| *setting)
    }

    /// Returns the setting that the command line calls so: as a URL does, or like the directive or
    /// the argument that sets what a URL can't ask for.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Setting> {
        Setting::find_param(name).or_else(|| {
            let unnamed = SETTINGS.iter().filter(|setting| setting.params.is_empty());
            let mut options = unnamed.filter(|setting| {
                setting.directive.as_ref().is_some_and(|directive| match directive.argument {
                    Argument::Sole => directive.stem() == Some(name),
                    // Those of `image_resize` have names in URLs, too.
                    Argument::Named(argument) => directive.stem().is_some() && argument == name,
                    Argument::At(..) | Argument::Mode(_) => false,
                })
            });
            options.next()
        })
    }
}

/// The settings by all their names in URLs, sorted [by length](by_length).
static BY_PARAM: LazyLock<Vec<(&str, &Setting)>> = LazyLock::new(|| {
    let names = |setting: &'static Setting| setting.params.iter().map(move |name| (*name, setting));
    let mut names: Vec<_> = SETTINGS.iter().flat_map(names).collect();
    names.sort_unstable_by_key(|(name, _)| by_length(name));
    names
});

/// What names are sorted by, so that a search seldom looks into them.
fn by_length(name: &str) -> (usize, &str) {
    (name.len(), name)
}

const BOX: SettingDirective = SettingDirective::new(c"image_resize");
const ADJUST: SettingDirective = SettingDirective::new(c"image_resize_adjust");

fn set_background(draft: &mut Draft, background: Background) {
    draft.plan.background_blur = background == Background::Blur;
    if let Background::Color(color, alpha) = background {
        (draft.plan.background, draft.plan.background_alpha) = (color, alpha);
    }
}

/// A share, 0 to 1 with two places, in percent.
const fn share(set: fn(&mut Draft, u16)) -> Notation {
    Notation::Number { unit: "", places: 2, least: 0, most: 100, set }
}

/// A factor, 0 to 10 with two places, in percent.
const fn factor(set: fn(&mut Draft, u16)) -> Notation {
    Notation::Number { unit: "", places: 2, least: 0, most: 1000, set }
}

/// Turns by hundredths of a degree, clockwise as the parameters of CDNs have it: in quarters, and
/// by what is left.
fn turn_clockwise(draft: &mut Draft, angle: u16) {
    const QUARTERS: [Rotation; 4] =
        [Rotation::None, Rotation::Ccw270, Rotation::Half, Rotation::Ccw90];
    let quarters = usize::from(angle / 9_000);
    draft.plan.rotate = QUARTERS.get(quarters).copied().unwrap_or_default();
    draft.plan.tilt = angle % 9_000;
}

/// What becomes of an image that is smaller than its box.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Enlarging {
    /// It is enlarged.
    On,
    /// It stays as it is.
    Off,
    /// It is not made.
    Refused,
}

impl Words for Enlarging {
    const WORDS: &'static [(&'static str, Enlarging)] =
        &[("on", Enlarging::On), ("off", Enlarging::Off), ("refuse", Enlarging::Refused)];
}

/// How URLs say that a box is filled, and what enlarges and reduces there.
#[derive(Debug, Clone, Copy, PartialEq)]
struct FitOfUrls {
    filling: Filling,
    enlarges: bool,
    reduces: bool,
}

impl FitOfUrls {
    const fn new(filling: Filling, enlarges: bool) -> FitOfUrls {
        FitOfUrls { filling, enlarges, reduces: true }
    }
}

impl Words for FitOfUrls {
    const WORDS: &'static [(&'static str, FitOfUrls)] = &[
        ("scale-down", FitOfUrls::new(Filling::Inside, false)),
        ("contain", FitOfUrls::new(Filling::Inside, true)),
        ("crop", FitOfUrls::new(Filling::Covering, false)),
        ("cover", FitOfUrls::new(Filling::Covering, true)),
        ("pad", FitOfUrls::new(Filling::Padded, true)),
        ("stretch", FitOfUrls::new(Filling::Stretched, true)),
        ("outside", FitOfUrls::new(Filling::Outside, true)),
        ("aspect-crop", FitOfUrls::new(Filling::AspectCropped, false)),
        ("fill-down", FitOfUrls::new(Filling::AspectCropped, false)),
        ("aspect-pad", FitOfUrls::new(Filling::AspectPadded, false)),
        ("auto", FitOfUrls::new(Filling::Auto, false)),
        ("scale-up", FitOfUrls { filling: Filling::Inside, enlarges: true, reduces: false }),
    ];
}
