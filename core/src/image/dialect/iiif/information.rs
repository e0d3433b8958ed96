//! What the IIIF Image API 3.0 tells of a picture, section 5: so that viewers know what to ask for.

use serde::Serialize;

/// What names the level that is complied with, in a link of that relation.
pub const PROFILE: &str = "<http://iiif.io/api/image/3/level2.json>;rel=\"profile\"";

/// The side of a tile, where so many pixels may be made.
const TILE: u32 = 512;

/// The shorter a side, the less there is to be seen.
const SMALLEST: u32 = 100;

/// What there is beyond level 2.
const EXTRA_FORMATS: &[&str] = &["gif", "webp"];
const EXTRA_FEATURES: &[&str] =
    &["mirroring", "profileLinkHeader", "rotationArbitrary", "sizeUpscaling"];

/// The description of a picture.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::image::dialect) struct Information<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    id: &'a str,
    r#type: &'static str,
    protocol: &'static str,
    profile: &'static str,
    width: u32,
    height: u32,
    max_area: u64,
    sizes: Vec<Size>,
    tiles: [Tiles; 1],
    extra_formats: &'static [&'static str],
    extra_features: &'static [&'static str],
}

#[derive(Debug, Serialize)]
struct Size {
    width: u32,
    height: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tiles {
    width: u32,
    scale_factors: Vec<u32>,
}

impl<'a> Information<'a> {
    /// The media type; a client may prefer the plain one of JSON.
    pub(in crate::image::dialect) const MEDIA_TYPE: &'static str =
        "application/ld+json;profile=\"http://iiif.io/api/image/3/context.json\"";

    /// That media type without its parameter.
    pub(in crate::image::dialect) const BARE_TYPE: &'static str = "application/ld+json";

    /// Describes a picture of that size at `id`, of which no more than `max_area` pixels are made.
    pub(in crate::image::dialect) fn new(
        id: &'a str,
        (width, height): (u32, u32),
        max_area: u64,
    ) -> Information<'a> {
        let reduced =
            |factor: u32| Size { width: width.div_ceil(factor), height: height.div_ceil(factor) };
        // A tile is no picture that is refused.
        let side = u32::try_from(max_area.isqrt()).unwrap_or(TILE).clamp(2, TILE);
        let is_whole = |size: &Size| size.width.max(size.height) <= side;
        // Each half as large, until it is one tile.
        let mut scale_factors = vec![1u32];
        while let Some(&last) = scale_factors.last()
            && !is_whole(&reduced(last))
        {
            scale_factors.push(last * 2);
        }
        let halves = (0..u32::BITS).map(|power| 1u32 << power);
        let sizes = halves.map(reduced).take_while(|size| {
            size.width.min(size.height) >= SMALLEST || (size.width, size.height) == (width, height)
        });
        let mut sizes: Vec<Size> = sizes
            .take(u32::BITS as usize)
            .filter(|size| u64::from(size.width) * u64::from(size.height) <= max_area)
            .collect();
        sizes.reverse();
        sizes.dedup_by_key(|size| (size.width, size.height));
        Information {
            context: "http://iiif.io/api/image/3/context.json",
            id,
            r#type: "ImageService3",
            protocol: "http://iiif.io/api/image",
            profile: "level2",
            width,
            height,
            max_area,
            sizes,
            tiles: [Tiles { width: side, scale_factors }],
            extra_formats: EXTRA_FORMATS,
            extra_features: EXTRA_FEATURES,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(size: (u32, u32), max_area: u64) -> Value {
        let told = Information::new("https://h.test/a%2F\"b\".jpg", size, max_area);
        serde_json::to_value(&told).unwrap()
    }

    #[test]
    fn sizes_and_tiles() {
        let told = told((3000, 2001), 6_000_000);
        assert_eq!(told["id"], "https://h.test/a%2F\"b\".jpg");
        assert_eq!((&told["width"], &told["height"]), (&json!(3000), &json!(2001)));
        // The whole would be too much.
        let sizes = json!([
            { "width": 188, "height": 126 },
            { "width": 375, "height": 251 },
            { "width": 750, "height": 501 },
            { "width": 1500, "height": 1001 },
        ]);
        assert_eq!((&told["sizes"], &told["maxArea"]), (&sizes, &json!(6_000_000)));
        assert_eq!(told["tiles"], json!([{ "width": 512, "scaleFactors": [1, 2, 4, 8] }]));
    }

    #[test]
    fn small_and_thin_pictures() {
        assert_eq!(told((9, 7), 100)["sizes"], json!([{ "width": 9, "height": 7 }]));
        assert_eq!(told((9, 7), 100)["tiles"][0]["scaleFactors"], json!([1]));
        let thin = told((1, u32::MAX), u64::MAX);
        assert_eq!(thin["sizes"], json!([{ "width": 1, "height": u32::MAX }]));
        assert_eq!(thin["tiles"][0]["scaleFactors"].as_array().unwrap().len(), 24);
        let limited = told((600, 400), 1000);
        assert_eq!(
            limited["tiles"],
            json!([{ "width": 31, "scaleFactors": [1, 2, 4, 8, 16, 32] }])
        );
        let least = told((1, u32::MAX), 0);
        assert_eq!(least["tiles"][0]["scaleFactors"].as_array().unwrap().len(), 32);
    }
}
