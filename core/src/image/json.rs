//! What `image_resize size` and `image_resize info` answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Color, Format, Info, Preview};

/// The answer of nginx's `image_filter size`, byte for byte: the size and type
/// of an image, or an empty object where it is none.
#[must_use]
pub fn size_json(image: Option<(u32, u32, Format)>) -> String {
    match image {
        Some((width, height, format)) => format!(
            "{{ \"img\" : {{ \"width\": {width}, \"height\": {height}, \"type\": \"{}\" }} }}\r\n",
            format.name()
        ),
        None => "{}\r\n".to_owned(),
    }
}

/// All that is known of an image of that many bytes, its sides as displayed.
#[must_use]
pub fn info_json(info: &Info, orient: bool, bytes: u64, preview: &Preview) -> String {
    let (width, height) = info.displayed(orient);
    let Color { r, g, b } = preview.dominant;
    format!(
        "{{ \"type\": \"{}\", \"width\": {width}, \"height\": {height}, \"orientation\": {}, \
         \"frames\": {}, \"alpha\": {}, \"bits\": {}, \"has_profile\": {}, \"progressive\": {}, \
         \"bytes\": {bytes}, \"dominant_color\": \"#{r:02x}{g:02x}{b:02x}\", \
         \"thumbhash\": \"{}\" }}\r\n",
        info.format.name(),
        info.orientation,
        info.frames,
        info.alpha,
        info.bits,
        info.has_profile,
        info.progressive,
        STANDARD.encode(&preview.thumbhash),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_known() {
        let info = Info {
            format: Format::Jpeg,
            width: 120,
            height: 100,
            orientation: 6,
            frames: 1,
            alpha: false,
            bits: 8,
            has_palette: false,
            has_profile: true,
            progressive: false,
        };
        let preview =
            Preview { dominant: Color { r: 1, g: 171, b: 255 }, thumbhash: b"foo".to_vec() };
        assert_eq!(
            info_json(&info, true, 1234, &preview),
            "{ \"type\": \"jpeg\", \"width\": 100, \"height\": 120, \"orientation\": 6, \
             \"frames\": 1, \"alpha\": false, \"bits\": 8, \"has_profile\": true, \
             \"progressive\": false, \"bytes\": 1234, \"dominant_color\": \"#01abff\", \
             \"thumbhash\": \"Zm9v\" }\r\n"
        );
    }

    #[test]
    fn as_image_filter_writes_it() {
        assert_eq!(
            size_json(Some((100, 120, Format::Jpeg))),
            "{ \"img\" : { \"width\": 100, \"height\": 120, \"type\": \"jpeg\" } }\r\n"
        );
        assert_eq!(size_json(None), "{}\r\n");
    }
}
