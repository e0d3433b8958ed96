//! The elements, attributes, properties and functions that go out: those of SVG 1.1, SVG 2, Filter Effects,
//! CSS Masking and SVG Animations that draw, or move what is drawn.

/// Elements that draw, hold what does, or are drawn with.
const ELEMENTS: &[&str] = &[
    "a",
    "animate",
    "animateMotion",
    "animateTransform",
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feConvolveMatrix",
    "feDiffuseLighting",
    "feDisplacementMap",
    "feDistantLight",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feImage",
    "feMerge",
    "feMergeNode",
    "feMorphology",
    "feOffset",
    "fePointLight",
    "feSpecularLighting",
    "feSpotLight",
    "feTile",
    "feTurbulence",
    "filter",
    "g",
    "image",
    "line",
    "linearGradient",
    "marker",
    "mask",
    "mpath",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "set",
    "stop",
    "style",
    "svg",
    "switch",
    "symbol",
    "text",
    "textPath",
    "title",
    "tspan",
    "use",
    "view",
];

/// Attributes whose values are numbers, words and names, which nothing is loaded or run by, and which no animation
/// sets: names, times, and what says how others are read.
const PLAIN: &[&str] = &[
    "accumulate",
    "additive",
    "aria-describedby",
    "aria-hidden",
    "aria-label",
    "aria-labelledby",
    "attributeName",
    "attributeType",
    "baseProfile",
    "begin",
    "calcMode",
    "class",
    "dur",
    "end",
    "id",
    "keyPoints",
    "keySplines",
    "keyTimes",
    "lang",
    "max",
    "media",
    "min",
    "origin",
    "repeatCount",
    "repeatDur",
    "requiredExtensions",
    "requiredFeatures",
    "restart",
    "role",
    "systemLanguage",
    "type",
    "version",
];

/// Such attributes that an animation may set.
const ANIMATED: &[&str] = &[
    "amplitude",
    "azimuth",
    "baseFrequency",
    "bias",
    "clipPathUnits",
    "cx",
    "cy",
    "d",
    "diffuseConstant",
    "divisor",
    "dx",
    "dy",
    "edgeMode",
    "elevation",
    "exponent",
    "filterRes",
    "filterUnits",
    "fr",
    "fx",
    "fy",
    "gradientTransform",
    "gradientUnits",
    "height",
    "in",
    "in2",
    "intercept",
    "k1",
    "k2",
    "k3",
    "k4",
    "kernelMatrix",
    "kernelUnitLength",
    "lengthAdjust",
    "limitingConeAngle",
    "markerHeight",
    "markerUnits",
    "markerWidth",
    "maskContentUnits",
    "maskUnits",
    "method",
    "mode",
    "numOctaves",
    "offset",
    "operator",
    "order",
    "orient",
    "pathLength",
    "patternContentUnits",
    "patternTransform",
    "patternUnits",
    "points",
    "pointsAtX",
    "pointsAtY",
    "pointsAtZ",
    "preserveAlpha",
    "preserveAspectRatio",
    "primitiveUnits",
    "r",
    "radius",
    "refX",
    "refY",
    "result",
    "rotate",
    "rx",
    "ry",
    "scale",
    "seed",
    "side",
    "slope",
    "spacing",
    "specularConstant",
    "specularExponent",
    "spreadMethod",
    "startOffset",
    "stdDeviation",
    "stitchTiles",
    "surfaceScale",
    "tableValues",
    "targetX",
    "targetY",
    "textLength",
    "transform",
    "viewBox",
    "width",
    "x",
    "x1",
    "x2",
    "xChannelSelector",
    "y",
    "y1",
    "y2",
    "yChannelSelector",
    "z",
];

/// Attributes of animations that hold values of others.
const ANIMATED_VALUES: &[&str] = &["by", "from", "path", "to", "values"];

/// Properties that are attributes, too.
const PRESENTATION: &[&str] = &[
    "alignment-baseline",
    "baseline-shift",
    "clip",
    "clip-path",
    "clip-rule",
    "color",
    "color-interpolation",
    "color-interpolation-filters",
    "color-rendering",
    "direction",
    "display",
    "dominant-baseline",
    "enable-background",
    "fill",
    "fill-opacity",
    "fill-rule",
    "filter",
    "flood-color",
    "flood-opacity",
    "font",
    "font-family",
    "font-feature-settings",
    "font-kerning",
    "font-size",
    "font-size-adjust",
    "font-stretch",
    "font-style",
    "font-variant",
    "font-variant-caps",
    "font-variant-east-asian",
    "font-variant-ligatures",
    "font-variant-numeric",
    "font-variant-position",
    "font-variation-settings",
    "font-weight",
    "glyph-orientation-horizontal",
    "glyph-orientation-vertical",
    "image-rendering",
    "isolation",
    "kerning",
    "letter-spacing",
    "lighting-color",
    "line-height",
    "marker",
    "marker-end",
    "marker-mid",
    "marker-start",
    "mask",
    "mask-type",
    "mix-blend-mode",
    "opacity",
    "overflow",
    "paint-order",
    "pointer-events",
    "shape-rendering",
    "stop-color",
    "stop-opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-opacity",
    "stroke-width",
    "text-align",
    "text-anchor",
    "text-decoration",
    "text-decoration-color",
    "text-decoration-line",
    "text-decoration-style",
    "text-indent",
    "text-orientation",
    "text-overflow",
    "text-rendering",
    "text-transform",
    "transform-box",
    "transform-origin",
    "unicode-bidi",
    "vector-effect",
    "visibility",
    "white-space",
    "word-spacing",
    "writing-mode",
];

/// Properties that are nothing but that, or attributes that are none of the text of one.
const PROPERTIES: &[&str] = &[
    "animation",
    "animation-delay",
    "animation-direction",
    "animation-duration",
    "animation-fill-mode",
    "animation-iteration-count",
    "animation-name",
    "animation-play-state",
    "animation-timing-function",
    "backface-visibility",
    "background",
    "background-color",
    "color-scheme",
    "cx",
    "cy",
    "d",
    "height",
    "inline-size",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "mask-clip",
    "mask-composite",
    "mask-image",
    "mask-mode",
    "mask-origin",
    "mask-position",
    "mask-repeat",
    "mask-size",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "offset-distance",
    "offset-path",
    "offset-rotate",
    "perspective",
    "perspective-origin",
    "r",
    "rotate",
    "rx",
    "ry",
    "scale",
    "transform",
    "transform-style",
    "transition",
    "transition-behavior",
    "transition-delay",
    "transition-duration",
    "transition-property",
    "transition-timing-function",
    "translate",
    "width",
    "will-change",
    "x",
    "y",
];

/// What values of properties may call, besides `url`.
pub(super) const CSS_FUNCTIONS: &[&str] = &[
    "blur",
    "brightness",
    "calc",
    "circle",
    "clamp",
    "color",
    "color-mix",
    "contrast",
    "cubic-bezier",
    "drop-shadow",
    "ellipse",
    "grayscale",
    "hsl",
    "hsla",
    "hue-rotate",
    "hwb",
    "inset",
    "invert",
    "lab",
    "lch",
    "light-dark",
    "linear",
    "matrix",
    "matrix3d",
    "max",
    "min",
    "oklab",
    "oklch",
    "opacity",
    "path",
    "perspective",
    "polygon",
    "rect",
    "rgb",
    "rgba",
    "rotate",
    "rotate3d",
    "rotatex",
    "rotatey",
    "rotatez",
    "saturate",
    "scale",
    "scale3d",
    "scalex",
    "scaley",
    "scalez",
    "sepia",
    "skew",
    "skewx",
    "skewy",
    "steps",
    "translate",
    "translate3d",
    "translatex",
    "translatey",
    "translatez",
    "var",
];

/// What the value of an attribute is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// That of a property.
    Presentation,
    /// Those of one, with semicolons between them.
    Values,
    /// Declarations.
    Style,
    /// A reference.
    Reference,
}

pub(super) fn is_element(name: &str) -> bool {
    has(ELEMENTS, name)
}

/// Whether an element sets an attribute that it names.
pub(super) fn sets_attribute(element: &str) -> bool {
    matches!(element, "animate" | "animateTransform" | "set")
}

/// Whether the letters in an element are drawn, or told.
pub(super) fn has_text(element: &str) -> bool {
    matches!(element, "a" | "text" | "textPath" | "tspan")
}

/// Whether an element holds nothing but letters, which are told.
pub(super) fn is_description(element: &str) -> bool {
    matches!(element, "desc" | "title")
}

/// What an attribute of SVG is, if it goes out.
pub(super) fn attribute(element: &str, name: &str) -> Option<Kind> {
    match name {
        "href" => Some(Kind::Reference),
        "style" => Some(Kind::Style),
        "values" if element == "feColorMatrix" => Some(Kind::Plain),
        "path" if element == "textPath" => Some(Kind::Presentation),
        _ if has(PRESENTATION, name) => Some(Kind::Presentation),
        _ if has(ANIMATED_VALUES, name)
            && (sets_attribute(element) || element == "animateMotion") =>
        {
            Some(Kind::Values)
        }
        _ if has(PLAIN, name) || has(ANIMATED, name) => Some(Kind::Plain),
        _ => None,
    }
}

/// Whether an attribute of that name may be set by an animation.
pub(super) fn is_animated(name: &str) -> bool {
    has(PRESENTATION, name) || has(ANIMATED, name)
}

pub(super) fn is_property(name: &str) -> bool {
    let is_own = |name: &str| {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        name.strip_prefix("--").is_some_and(|name| !name.is_empty() && name.bytes().all(letters))
    };
    listed(PRESENTATION, name) || listed(PROPERTIES, name) || is_own(name)
}

fn has(list: &[&str], name: &str) -> bool {
    list.binary_search(&name).is_ok()
}

/// Whether a list has a name, whatever its case.
pub(super) fn listed(list: &[&str], name: &str) -> bool {
    list.iter().any(|listed| listed.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_can_be_searched() {
        for list in
            [ELEMENTS, PLAIN, ANIMATED, ANIMATED_VALUES, PRESENTATION, PROPERTIES, CSS_FUNCTIONS]
        {
            assert!(list.is_sorted(), "{list:?}");
        }
    }
}
