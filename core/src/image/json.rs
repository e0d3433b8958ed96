//! What `image_resize size` answers.

use super::Format;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_image_filter_writes_it() {
        assert_eq!(
            size_json(Some((100, 120, Format::Jpeg))),
            "{ \"img\" : { \"width\": 100, \"height\": 120, \"type\": \"jpeg\" } }\r\n"
        );
        assert_eq!(size_json(None), "{}\r\n");
    }
}
