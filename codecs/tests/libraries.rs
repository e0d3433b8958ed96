//! That the libraries behind the faces are there and of the versions that the shims were compiled for, wherever they come
//! from: what they make of pictures is tested in `core`.

use std::error::Error;

use image_gate_codecs::yuv::{Planes, YuvMatrix, convert};
use image_gate_codecs::{aom, av1, avif};

const WIDTH: u32 = 64;
const HEIGHT: u32 = 48;

/// Colours that change slowly.
fn pixels() -> Vec<u8> {
    let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    places.flat_map(|(x, y)| [60 + 2 * x as u8, 200 - 2 * y as u8, (x + y) as u8]).collect()
}

#[test]
fn av1_is_written_and_read() -> Result<(), Box<dyn Error>> {
    let before = pixels();
    let setup = aom::Setup {
        width: WIDTH,
        height: HEIGHT,
        alpha: false,
        quality: 95,
        speed: 8,
        code_points: (1, 13),
    };
    let mut encoder = aom::Encoder::new(&setup)?;
    let (sample, alpha) = encoder.push(&before)?;
    assert!(sample.is_key && alpha.is_none());

    let options = av1::DecodeOptions {
        stoppable: false,
        size: (WIDTH, HEIGHT),
        operating_point: 0,
        layer: None,
        layered: false,
    };
    let picture = av1::decode([sample.data], &options, || true)?;
    assert_eq!((picture.width(), picture.height(), picture.depth()), (WIDTH, HEIGHT, 8));
    let [primaries, _, coefficients] = setup.code_points();
    let matrix = YuvMatrix { primaries, coefficients, full_range: true, premultiplied: false };
    let mut after = vec![0; before.len()];
    convert(&Planes::Av1(picture), None, &matrix, 0..HEIGHT, &mut after)?;
    let most = before.iter().zip(&after).map(|(before, after)| before.abs_diff(*after)).max();
    assert!(most.is_some_and(|most| most < 16), "{most:?}");
    Ok(())
}

#[test]
fn avif_is_written() -> Result<(), Box<dyn Error>> {
    let image = avif::Image {
        pixels: &pixels(),
        width: WIDTH,
        height: HEIGHT,
        alpha: false,
        quality: 60,
        speed: 9,
        deep: false,
        code_points: (1, 13),
        icc: &[],
        exif: &[],
        xmp: &[],
    };
    let file = avif::encode(&image)?;
    assert_eq!(file.get(4..12), Some(b"ftypavif".as_slice()));
    Ok(())
}

#[cfg(feature = "jxl")]
#[test]
fn jpeg_xl_is_written() -> Result<(), Box<dyn Error>> {
    use image_gate_codecs::jxl::{Image, Source, encode};

    let image = Image {
        pixels: &pixels(),
        width: WIDTH,
        height: HEIGHT,
        channels: 3,
        deep: false,
        code_points: (1, 13),
        orientation: 1,
        distance: 1.0,
        icc: &[],
        exif: &[],
        xmp: &[],
    };
    let file = encode(&Source::Pixels(image), 4)?;
    assert!(file.starts_with(&[0xff, 0x0a]) || file.get(4..8) == Some(b"JXL ".as_slice()));
    let jpeg = include_bytes!("../../core/tests/fixtures/sampled-2x2.jpg");
    let file = encode(&Source::Jpeg(jpeg), 4)?;
    assert_eq!(file.get(4..8), Some(b"JXL ".as_slice()));
    Ok(())
}
