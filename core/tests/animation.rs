//! Animations, frame by frame, against compositors that share no code with ours.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::Cursor;

use common::*;
use gif::{DisposalMethod, Encoder, Frame, Repeat};
use image_gate_core::image::{
    AnimationPolicy, AutoFormats, DamagePolicy, Error, FormatChoice, Limits, Plan, prepare, probe,
};
use image_webp::{LoopCount, WebPDecoder};

/// A picture, and for how many milliseconds it is shown.
type Shown = (Picture, u32);

/// A drawn frame: where it lies, its size and colours, disposal and hundredths of a second.
struct Drawn {
    at: (u16, u16),
    size: (u16, u16),
    /// `None` is transparent.
    colors: [Option<[u8; 3]>; 2],
    dispose: DisposalMethod,
    delay: u16,
    interlaced: bool,
}

impl Drawn {
    /// Columns of both colours by turns.
    fn index(&self, x: u16) -> usize {
        usize::from(x / 3 % 2)
    }
}

const RED: Option<[u8; 3]> = Some([255, 0, 0]);
const GREEN: Option<[u8; 3]> = Some([0, 160, 0]);
const BLUE: Option<[u8; 3]> = Some([0, 0, 255]);
const WHITE: Option<[u8; 3]> = Some([255, 255, 255]);

const SIZE: (u16, u16) = (24, 16);

/// Fixtures of other encoders, and how often they are played; 0 is for ever.
const MOVING: &[(&str, u32)] = &[
    ("moving.avif", 0),
    #[cfg(feature = "jxl")]
    ("moving.jxl", 0),
];

/// All disposal methods, palettes, offsets, and a frame that sticks out.
fn drawn(first_is_opaque: bool) -> Vec<Drawn> {
    use DisposalMethod::{Any, Background, Keep, Previous};
    let first = if first_is_opaque { [RED, WHITE] } else { [RED, None] };
    [
        ((0, 0), SIZE, first, Keep, 7, true),
        ((4, 2), (9, 7), [BLUE, GREEN], Previous, 0, false),
        ((6, 6), (12, 8), [WHITE, None], Any, 25, true),
        ((1, 9), (20, 5), [GREEN, BLUE], if first_is_opaque { Keep } else { Background }, 2, false),
        ((18, 10), (12, 12), [BLUE, RED], Previous, 1, false),
        ((0, 0), (3, 3), [None, RED], Keep, 300, false),
    ]
    .map(|(at, size, colors, dispose, delay, interlaced)| Drawn {
        at,
        size,
        colors,
        dispose,
        delay,
        interlaced,
    })
    .into()
}

fn gif_of(frames: &[Drawn], repeat: Option<Repeat>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, SIZE.0, SIZE.1, &[9, 9, 9, 8, 8, 8]).unwrap();
    if let Some(repeat) = repeat {
        encoder.set_repeat(repeat).unwrap();
    }
    for drawn in frames {
        let (width, height) = drawn.size;
        let row: Vec<u8> = (0..width).map(|x| drawn.index(x) as u8).collect();
        let palette = drawn.colors.iter().flat_map(|color| color.unwrap_or([1, 2, 3])).collect();
        // All rows are the same, so that an interlaced frame has them in any order.
        let frame = Frame {
            left: drawn.at.0,
            top: drawn.at.1,
            width,
            height,
            buffer: row.repeat(height.into()).into(),
            palette: Some(palette),
            transparent: drawn.colors.iter().position(Option::is_none).map(|index| index as u8),
            dispose: drawn.dispose,
            delay: drawn.delay,
            interlaced: drawn.interlaced,
            ..Frame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    out
}

/// What is shown of drawn frames, worked out pixel by pixel from the whole history.
fn shown(frames: &[Drawn]) -> Vec<Shown> {
    let blank = Picture::new(SIZE.0.into(), SIZE.1.into(), |_, _| [0; 4]);
    let mut before = blank;
    let mut all = Vec::new();
    for drawn in frames {
        let inside = |x: u32, y: u32| {
            let x = u16::try_from(x).unwrap().checked_sub(drawn.at.0)?;
            let y = u16::try_from(y).unwrap().checked_sub(drawn.at.1)?;
            (x < drawn.size.0 && y < drawn.size.1).then_some(x)
        };
        let now = Picture::new(before.width, before.height, |x, y| {
            match inside(x, y).and_then(|x| drawn.colors[drawn.index(x)]) {
                Some([r, g, b]) => [r, g, b, 255],
                None => before.at(x, y),
            }
        });
        all.push((now.clone(), u32::from(drawn.delay) * 10));
        before = match drawn.dispose {
            DisposalMethod::Previous => before,
            DisposalMethod::Background => Picture::new(now.width, now.height, |x, y| {
                if inside(x, y).is_some() { [0; 4] } else { now.at(x, y) }
            }),
            _ => now,
        };
    }
    all
}

/// The pictures of a GIF as they are shown.
fn pictures_of_gif(bytes: &[u8]) -> Vec<Shown> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(bytes).unwrap();
    let (width, height) = (decoder.width().into(), decoder.height().into());
    let mut before = Picture::new(width, height, |_, _| [0; 4]);
    let mut all = Vec::new();
    while let Some(frame) = decoder.next_frame_info().unwrap().cloned() {
        // All at once: the crate's own way to put rows in order fails where they are short.
        let mut stored = vec![0; usize::from(frame.width) * usize::from(frame.height) * 4];
        assert!(decoder.fill_buffer(&mut stored).unwrap());
        let rows = stored.chunks_exact(usize::from(frame.width) * 4);
        let passes: &[(usize, usize)] =
            if frame.interlaced { &[(0, 8), (4, 8), (2, 4), (1, 2)] } else { &[(0, 1)] };
        let order =
            passes.iter().flat_map(|&(first, step)| (first..frame.height.into()).step_by(step));
        let mut buffer = stored.clone();
        for (y, row) in order.zip(rows) {
            buffer[y * row.len()..(y + 1) * row.len()].copy_from_slice(row);
        }
        let (left, top) = (u32::from(frame.left), u32::from(frame.top));
        let at = |x: u32, y: u32| {
            let (x, y) = (x.checked_sub(left)?, y.checked_sub(top)?);
            let inside = x < frame.width.into() && y < frame.height.into();
            inside.then(|| (y * u32::from(frame.width) + x) as usize)
        };
        let now = Picture::new(width, height, |x, y| match at(x, y) {
            Some(at) if buffer[at * 4 + 3] > 0 => buffer[at * 4..at * 4 + 4].try_into().unwrap(),
            _ => before.at(x, y),
        });
        all.push((now.clone(), u32::from(frame.delay) * 10));
        before =
            match frame.dispose {
                DisposalMethod::Background => Picture::new(width, height, |x, y| {
                    if at(x, y).is_some() { [0; 4] } else { now.at(x, y) }
                }),
                DisposalMethod::Previous => before,
                _ => now,
            };
    }
    all
}

/// Numbers of a disposal that no specification has are those that browsers make of them.
#[test]
fn every_number_of_a_disposal() {
    let webp = |gif: &[u8]| transform(gif, &plan("f=webp,lossless=on")).unwrap();
    for number in 0..8u8 {
        let mut frames = drawn(false);
        let stands_for = match number {
            2 => DisposalMethod::Background,
            3 | 4 => DisposalMethod::Previous,
            _ => DisposalMethod::Keep,
        };
        frames.iter_mut().for_each(|frame| frame.dispose = stands_for);
        let mut gif = gif_of(&frames, None);
        let controls: Vec<usize> =
            (0..gif.len() - 3).filter(|&at| gif[at..at + 3] == [0x21, 0xf9, 4]).collect();
        assert_eq!(controls.len(), frames.len());
        for at in controls {
            gif[at + 3] = gif[at + 3] & !0x1c | number << 2;
        }
        let (ours, expected) = (pictures_of_webp(&webp(&gif)).0, shown(&frames));
        assert_eq!(ours.len(), expected.len(), "{number}");
        for (at, ((ours, _), (expected, _))) in ours.iter().zip(&expected).enumerate() {
            let is_same = |(a, b): (&[u8; 4], &[u8; 4])| a == b || a[3] == 0 && b[3] == 0;
            assert!(ours.pixels.iter().zip(&expected.pixels).all(is_same), "{number}: frame {at}");
        }
    }
}

/// The pictures of a WebP as another decoder composes them, and how often they are played.
fn pictures_of_webp(bytes: &[u8]) -> (Vec<Shown>, u32) {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).unwrap();
    let (width, height) = decoder.dimensions();
    let mut data = vec![0; decoder.output_buffer_size().unwrap()];
    let mut all = Vec::new();
    for _ in 0..decoder.num_frames() {
        let duration = decoder.read_frame(&mut data).unwrap();
        let pixels = if decoder.has_alpha() {
            data.as_chunks().0.to_vec()
        } else {
            data.as_chunks().0.iter().map(|&[r, g, b]| [r, g, b, 255]).collect()
        };
        all.push((Picture { width, height, pixels }, duration));
    }
    let plays = match decoder.loop_count() {
        LoopCount::Forever => 0,
        LoopCount::Times(times) => times.get().into(),
    };
    (all, plays)
}

/// The pictures of a JPEG XL as the crate composes them that reads it, and how often they are played; 0 is for ever.
#[cfg(feature = "jxl")]
fn pictures_of_jxl(bytes: &[u8]) -> (Vec<Shown>, u32) {
    use jxl::api::{Event, JxlDecoder, JxlDecoderOptions, JxlOutputBuffer, JxlPixelFormat};
    let mut decoder = JxlDecoder::new(JxlDecoderOptions::default());
    let mut rest = bytes;
    while !matches!(decoder.process(&mut rest, None, None).unwrap(), Event::BasicInfo) {}
    let basic = decoder.basic_info().unwrap().clone();
    let extra = basic.extra_channels.len();
    decoder.set_pixel_format(JxlPixelFormat::rgba8(extra)).unwrap();
    let (width, height) = basic.size;
    let mut all = Vec::new();
    let mut duration = None;
    loop {
        let mut data = vec![0; width * height * 4];
        let mut buffers = [JxlOutputBuffer::new(&mut data, height, width * 4)];
        match decoder.process(&mut rest, Some(&mut buffers), None).unwrap() {
            Event::FrameHeader => duration = decoder.frame_header().unwrap().duration,
            Event::FrameComplete { .. } => {
                let pixels = data.as_chunks().0.to_vec();
                let picture = Picture { width: width as u32, height: height as u32, pixels };
                all.push((picture, duration.take().unwrap().round() as u32));
            }
            Event::Complete => break,
            Event::NeedMoreInput { .. } => panic!("it ends early"),
            _ => {}
        }
    }
    (all, basic.animation.unwrap().num_loops)
}

/// A frame of an animated PNG: where it lies, its size and colours, what becomes of it, and the
/// fraction of a second for which it is shown.
struct PngDrawn {
    at: (u32, u32),
    size: (u32, u32),
    colors: [[u8; 4]; 2],
    dispose: png::DisposeOp,
    blend: png::BlendOp,
    delay: (u16, u16),
}

impl PngDrawn {
    fn color(&self, x: u32, y: u32) -> [u8; 4] {
        self.colors[((x / 3 + y / 2) % 2) as usize]
    }
}

/// All disposals and blendings, offsets, and units of delays.
fn png_drawn() -> Vec<PngDrawn> {
    use png::BlendOp::{Over, Source};
    use png::DisposeOp::{Background, None, Previous};
    const RED: [u8; 4] = [255, 0, 0, 255];
    const VEIL: [u8; 4] = [0, 0, 255, 128];
    const NOTHING: [u8; 4] = [0; 4];
    [
        ((0, 0), (24, 16), [RED, VEIL], None, Source, (7, 100)),
        ((4, 2), (9, 7), [VEIL, NOTHING], Previous, Over, (50, 0)),
        ((6, 6), (12, 8), [RED, NOTHING], None, Over, (1, 4)),
        ((1, 9), (20, 5), [VEIL, RED], Background, Source, (20, 1000)),
        ((18, 10), (6, 6), [NOTHING, RED], Previous, Source, (10, 1000)),
        ((0, 0), (3, 3), [VEIL, RED], None, Over, (3, 1)),
    ]
    .map(|(at, size, colors, dispose, blend, delay)| PngDrawn {
        at,
        size,
        colors,
        dispose,
        blend,
        delay,
    })
    .into()
}

/// An animated PNG whose still image is another one, if it is not the first frame.
fn png_of(frames: &[PngDrawn], plays: u32, other_still: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 24, 16);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_animated(frames.len() as u32, plays).unwrap();
    encoder.set_sep_def_img(other_still).unwrap();
    let mut writer = encoder.write_header().unwrap();
    if other_still {
        writer.write_image_data(&[9; 24 * 16 * 4]).unwrap();
    }
    for (n, drawn) in frames.iter().enumerate() {
        let &PngDrawn { at, size, dispose, blend, delay, .. } = drawn;
        // The first frame is as large as the canvas.
        if n > 0 {
            writer.reset_frame_position().unwrap();
            writer.set_frame_dimension(size.0, size.1).unwrap();
            writer.set_frame_position(at.0, at.1).unwrap();
        }
        writer.set_dispose_op(dispose).unwrap();
        writer.set_blend_op(blend).unwrap();
        writer.set_frame_delay(delay.0, delay.1).unwrap();
        let places = (0..size.1).flat_map(|y| (0..size.0).map(move |x| (x, y)));
        let data: Vec<u8> = places.flat_map(|(x, y)| drawn.color(x, y)).collect();
        writer.write_image_data(&data).unwrap();
    }
    writer.finish().unwrap();
    out
}

/// One colour over another, as Porter and Duff have it.
fn over(above: [u8; 4], below: [u8; 4]) -> [u8; 4] {
    let (a, b) = (f64::from(above[3]) / 255.0, f64::from(below[3]) / 255.0);
    let alpha = a + b * (1.0 - a);
    if alpha == 0.0 {
        return below;
    }
    let mix = |n: usize| {
        let sum = f64::from(above[n]) * a + f64::from(below[n]) * b * (1.0 - a);
        (sum / alpha).round() as u8
    };
    [mix(0), mix(1), mix(2), (alpha * 255.0).round() as u8]
}

/// The pictures of an animated PNG as they are shown, and how often it is played; 0 is for ever.
fn pictures_of_png(bytes: &[u8]) -> (Vec<Shown>, u32) {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let control = *reader.info().animation_control().unwrap();
    let (width, height) = reader.info().size();
    let mut before = Picture::new(width, height, |_, _| [0; 4]);
    let mut all = Vec::new();
    if reader.info().frame_control().is_none() {
        reader.next_frame(&mut vec![0; reader.output_buffer_size().unwrap()]).unwrap();
    }
    for _ in 0..control.num_frames {
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut data).unwrap();
        let frame = *reader.info().frame_control().unwrap();
        // The crate spaces the rows of interlaced frames by the width of the canvas.
        let samples = info.color_type.samples();
        let of_frame = info.width as usize * samples;
        let stride = if reader.info().interlaced { width as usize * samples } else { of_frame };
        let rows = data.chunks_exact(stride).take(info.height as usize);
        let data = rows.flat_map(|row| &row[..of_frame]).copied().collect::<Vec<_>>();
        let drawn = picture(info.width, info.height, samples, &data);
        let at = |x: u32, y: u32| {
            let (x, y) = (x.checked_sub(frame.x_offset)?, y.checked_sub(frame.y_offset)?);
            (x < frame.width && y < frame.height).then(|| drawn.at(x, y))
        };
        let now = Picture::new(width, height, |x, y| match (at(x, y), frame.blend_op) {
            (Some(color), png::BlendOp::Source) => color,
            (Some(color), png::BlendOp::Over) => over(color, before.at(x, y)),
            (None, _) => before.at(x, y),
        });
        let unit = if frame.delay_den == 0 { 100 } else { u32::from(frame.delay_den) };
        all.push((now.clone(), u32::from(frame.delay_num) * 1000 / unit));
        before =
            match frame.dispose_op {
                png::DisposeOp::None => now,
                png::DisposeOp::Previous => before,
                png::DisposeOp::Background => Picture::new(width, height, |x, y| {
                    if at(x, y).is_some() { [0; 4] } else { now.at(x, y) }
                }),
            };
    }
    (all, control.num_plays)
}

/// How often a GIF says that it is played; 0 is for ever.
fn plays_of_gif(bytes: &[u8]) -> u32 {
    let name = bytes.windows(11).position(|name| name == b"NETSCAPE2.0");
    name.map_or(1, |at| match u32::from(bytes[at + 13]) + 256 * u32::from(bytes[at + 14]) {
        0 => 0,
        again => again + 1,
    })
}

fn turned(picture: &Picture) -> Picture {
    // Clockwise by a quarter.
    Picture::new(picture.height, picture.width, |x, y| picture.at(y, picture.height - 1 - x))
}

#[test]
fn gif_stays_the_same_to_the_pixel() {
    for opaque in [true, false] {
        let frames = drawn(opaque);
        let source = gif_of(&frames, Some(Repeat::Infinite));
        let want: Vec<Shown> =
            shown(&frames).iter().map(|(picture, delay)| (turned(picture), *delay)).collect();
        for interlace in [false, true] {
            let plan = Plan { interlace, ..plan("rotate=90") };
            let out = transform(&source, &plan).unwrap();
            let got = pictures_of_gif(&out);
            assert_eq!(got.len(), want.len());
            for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                assert!(got.0 == want.0, "frame {i}, opaque {opaque}");
                assert_eq!(got.1, want.1, "frame {i}");
            }
        }
    }
}

#[test]
fn any_picture_may_be_asked_for() {
    for opaque in [true, false] {
        let frames = drawn(opaque);
        let gif = gif_of(&frames, None);
        let sources = ["webp,lossless=on", "png"]
            .map(|format| transform(&gif, &plan(&format!("f={format}"))).unwrap());
        for source in sources.iter().chain([&gif]) {
            for (number, (picture, _)) in (1..).zip(shown(&frames)).skip(1) {
                let params = format!("page={number},f=png");
                let made = transformed(source, &plan(&params));
                let same = made.rgba().chunks(4).zip(picture.rgba().chunks(4)).all(|(a, b)| {
                    // Of what is transparent the colour is nobody's concern.
                    a == b || a[3] == 0 && b[3] == 0
                });
                assert!(same, "{number}, opaque {opaque}");
                // In its own format it is a still one.
                let still = transform(source, &plan(&format!("page={number}"))).unwrap();
                assert_eq!(probe(&still).unwrap().frames, 1);
            }
            let beyond = transform(source, &plan(&format!("page={}", frames.len() + 1)));
            assert!(matches!(beyond, Err(Error::BeyondImage(_))), "{beyond:?}");
            // All before it have to be within the limits.
            let plan = plan("page=2,f=png");
            let limits = Limits { frames: 2, ..Limits::default() };
            let refused = prepare(source, &plan, &limits).map(|_| ());
            assert!(matches!(refused, Err(Error::TooManyFrames(_))), "{refused:?}");
        }
    }
    let still = png(&Picture::new(2, 2, |_, _| [9; 4]));
    let beyond = transform(&still, &plan("page=2"));
    assert!(matches!(beyond, Err(Error::BeyondImage(_))), "{beyond:?}");
}

#[test]
fn an_output_is_transformed_again_to_the_same() {
    let frames = drawn(false);
    let once = transform(&gif_of(&frames, None), &plan("flip=h")).unwrap();
    let twice = transform(&once, &plan("flip=h")).unwrap();
    let pictures = |shown: Vec<Shown>| -> Vec<Picture> {
        shown.into_iter().map(|(picture, _)| picture).collect()
    };
    assert!(pictures(pictures_of_gif(&twice)) == pictures(shown(&frames)));
}

#[test]
fn gif_to_webp_and_back() {
    for opaque in [true, false] {
        let frames = drawn(opaque);
        let want = shown(&frames);
        let source = gif_of(&frames, Some(Repeat::Finite(4)));
        let webp = transform(&source, &plan("f=webp,q=100")).unwrap();
        let info = probe(&webp).unwrap();
        assert_eq!((info.frames, info.alpha), (6, !opaque));

        let (got, plays) = pictures_of_webp(&webp);
        assert_eq!((got.len(), plays), (6, 5));
        let back = transform(&webp, &plan("f=gif")).unwrap();
        let again = pictures_of_gif(&back);
        assert_eq!(plays_of_gif(&back), 5);
        for (i, (want, delay)) in want.iter().enumerate() {
            for (name, (picture, time)) in [("webp", &got[i]), ("gif", &again[i])] {
                // Colours are blurred by 4:2:0, and what is transparent has any.
                let flat = |picture: &Picture| {
                    Picture::new(picture.width, picture.height, |x, y| match picture.at(x, y) {
                        [r, g, b, a] if a >= 128 => [r, g, b, 255],
                        _ => [0; 4],
                    })
                };
                let psnr = psnr(&flat(picture), &flat(want));
                assert!(psnr > 16.0, "{name} {i}, opaque {opaque}: {psnr}");
                assert_eq!(time, delay, "{name} {i}");
            }
        }
    }
}

/// What is fully transparent has any colour.
fn visible(picture: &Picture) -> Picture {
    let pixel = |x, y| match picture.at(x, y) {
        [.., 0] => [0; 4],
        color => color,
    };
    Picture::new(picture.width, picture.height, pixel)
}

#[test]
fn png_stays_the_same_to_the_pixel() {
    for other_still in [false, true] {
        let source = png_of(&png_drawn(), 3, other_still);
        let (want, _) = pictures_of_png(&source);
        let delays: Vec<u32> = want.iter().map(|(_, delay)| *delay).collect();
        assert_eq!(delays, [70, 500, 250, 20, 10, 3000]);
        for interlace in [false, true] {
            let out = transform(&source, &Plan { interlace, ..plan("rotate=90") }).unwrap();
            let (got, plays) = pictures_of_png(&out);
            assert_eq!((got.len(), plays), (6, 3));
            for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                assert_eq!(got.1, want.1, "delay {i}");
                let (got, want) = (visible(&got.0), visible(&turned(&want.0)));
                let differ = |(got, want): (&u8, &u8)| got.abs_diff(*want) > 1;
                let off = got.rgba().iter().zip(want.rgba()).position(differ);
                let pixels = off.map(|at| (at / 4, got.pixels[at / 4], want.pixels[at / 4]));
                assert_eq!(pixels, None, "frame {i}, {other_still}, {interlace}");
            }
        }
        // Where nothing moves, it is the still image that counts.
        let still = decode(&transform(&source, &plan("anim=off,f=png")).unwrap());
        let pixel = if other_still { [9; 4] } else { [255, 0, 0, 255] };
        assert_eq!(still.at(0, 0), pixel);
    }
}

#[test]
fn png_to_gif_and_webp_and_back() {
    let gif = gif_of(&drawn(false), Some(Repeat::Finite(4)));
    let png = transform(&gif, &plan("f=png")).unwrap();
    let (got, plays) = pictures_of_png(&png);
    assert_eq!(plays, 5);
    let want = shown(&drawn(false));
    let same = |got: &[Shown], want: &[Shown]| {
        assert_eq!(got.len(), want.len());
        for (i, (got, want)) in got.iter().zip(want).enumerate() {
            assert_eq!(got.1, want.1, "delay {i}");
            assert!(visible(&got.0) == visible(&want.0), "frame {i}");
        }
    };
    same(&got, &want);
    let back = transform(&png, &plan("f=gif")).unwrap();
    assert_eq!(plays_of_gif(&back), 5);
    same(&pictures_of_gif(&back), &want);
    let webp = transform(&png, &plan("f=webp,lossless=on")).unwrap();
    let (got, plays) = pictures_of_webp(&webp);
    assert_eq!(plays, 5);
    same(&got, &want);
}

/// What is blurred by lossy codecs as little as a drawing can be: fields of colours, one of them half
/// transparent, in which a square moves.
fn moving(frames: usize, alpha: bool) -> Vec<PngDrawn> {
    let below = [60, 80, 120, if alpha { 120 } else { 255 }];
    let first = PngDrawn { size: (24, 16), colors: [below; 2], delay: (7, 100), ..hole() };
    let square = |n: usize| PngDrawn {
        at: (2 * n as u32 % 16, 2 * n as u32 % 8),
        size: (8, 8),
        colors: [[130, 100 + n as u8 * 5, 90, 255]; 2],
        delay: (20 + n as u16, 1000),
        ..hole()
    };
    std::iter::once(first).chain((1..frames).map(square)).collect()
}

/// Checks that pictures are the same as far as lossy codecs leave that.
fn alike(name: &str, got: &[Shown], want: &[Shown], least: f64) {
    assert_eq!(got.len(), want.len(), "{name}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert_eq!(got.1, want.1, "delay {i} of {name}");
        let psnr = psnr(&visible(&got.0), &visible(&want.0));
        assert!(psnr > least, "frame {i} of {name}: {psnr}");
    }
}

/// What other encoders made, beside what other decoders make of it.
#[test]
fn sequences_are_read_as_others_read_them() {
    for (name, plays) in MOVING {
        let source = fixture(name);
        let info = probe(&source).unwrap();
        assert_eq!((info.frames, info.width, info.height, info.alpha), (4, 64, 48, true), "{name}");
        let (got, looped) = pictures_of_png(&transform(&source, &plan("f=png")).unwrap());
        assert_eq!((got.len(), *plays), (4, looped), "{name}");
        let delays: Vec<u32> = got.iter().map(|(_, delay)| *delay).collect();
        assert_eq!(delays, [40, 40, 250, 250], "{name}");
        let all = decode(&fixture(&format!("{name}.png")));
        for (n, (got, _)) in (0..).zip(&got) {
            let want = Picture::new(64, 48, |x, y| all.at(x, y + 48 * n));
            let (got, want) = (visible(got), visible(&want));
            let differ = |(got, want): (&u8, &u8)| got.abs_diff(*want) > 1;
            let off = got.rgba().iter().zip(want.rgba()).filter(|&at| differ(at)).count();
            assert_eq!(off, 0, "picture {n} of {name}");
        }
        let still = transform(&source, &plan("f=png,anim=off")).unwrap();
        assert!(visible(&decode(&still)) == visible(&got[0].0));
    }
}

#[test]
fn avif_moves_as_its_source() {
    for (plays, alpha) in [(0, false), (1, true), (3, true)] {
        let png = png_of(&moving(9, alpha), plays, false);
        let (want, _) = pictures_of_png(&png);
        let out = transform(&png, &plan("f=avif,q=90")).unwrap();
        let info = probe(&out).unwrap();
        assert_eq!((info.frames, info.width, info.height), (9, 24, 16));
        assert!(!alpha || info.alpha);
        let (got, looped) = pictures_of_png(&transform(&out, &plan("f=png")).unwrap());
        assert_eq!(looped, plays);
        alike("avif", &got, &want, 30.0);
        // Its first picture is there for itself, and any other one is found.
        let still = transformed(&out, &plan("anim=off,f=png"));
        assert!(psnr(&visible(&still), &visible(&want[0].0)) > 30.0);
        let sixth = transformed(&out, &plan("page=6,f=png"));
        assert!(psnr(&visible(&sixth), &visible(&want[5].0)) > 30.0);
        // It goes out as it is, and is made anew.
        assert!(passes(&out, &Plan::default()));
        let turned = transform(&out, &plan("rotate=90")).unwrap();
        let info = probe(&turned).unwrap();
        assert_eq!((info.format.name(), info.frames, info.width), ("avif", 9, 16));
    }
    // What is not said to be shown for a time is shown all the same.
    let frames = [PngDrawn { delay: (0, 1), ..hole() }, hole(), hole()];
    let out = transform(&png_of(&frames, 0, false), &plan("f=avif")).unwrap();
    let (got, _) = pictures_of_png(&transform(&out, &plan("f=png")).unwrap());
    assert_eq!(got.iter().map(|(_, delay)| *delay).collect::<Vec<_>>(), [1, 10, 10]);
}

#[cfg(feature = "jxl")]
#[test]
fn jxl_moves_as_its_source() {
    for (plays, alpha) in [(0, false), (3, true)] {
        let png = png_of(&moving(9, alpha), plays, false);
        let (want, _) = pictures_of_png(&png);
        let sources = [&png, &transform(&png, &plan("f=webp,lossless=on")).unwrap()];
        for source in sources {
            let out = transform(source, &plan("f=jxl,q=95")).unwrap();
            let (got, looped) = pictures_of_jxl(&out);
            assert_eq!(looped, plays);
            alike("jxl", &got, &want, 33.0);
            // It is read as it was written.
            let info = probe(&out).unwrap();
            assert_eq!((info.frames, info.width, info.height), (9, 24, 16));
            assert!(info.alpha || !alpha);
            let (again, looped) = pictures_of_png(&transform(&out, &plan("f=png")).unwrap());
            assert_eq!(looped, plays);
            for (n, (again, got)) in again.iter().zip(&got).enumerate() {
                assert!(psnr(&visible(&again.0), &visible(&got.0)) > 45.0, "{n}");
            }
            alike("jxl again", &again, &want, 33.0);
            let sixth = transformed(&out, &plan("page=6,f=png"));
            assert!(psnr(&visible(&sixth), &visible(&want[5].0)) > 33.0);
            assert!(passes(&out, &Plan::default()));
            let turned = transform(&out, &plan("rotate=90")).unwrap();
            let info = probe(&turned).unwrap();
            assert_eq!((info.format.name(), info.frames, info.width), ("jxl", 9, 16));
        }
        // What is not said to be shown for a time is shown all the same.
        let frames = [PngDrawn { delay: (0, 1), ..hole() }, hole(), hole()];
        let out = transform(&png_of(&frames, 0, false), &plan("f=jxl")).unwrap();
        let delays: Vec<u32> = pictures_of_jxl(&out).0.iter().map(|(_, delay)| *delay).collect();
        assert_eq!(delays, [9, 10, 10]);
    }
}

/// Of pictures with all kinds of alpha a small part changes: whatever an encoder tries, it is not to read, or check,
/// what is not there, which would end the process.
#[test]
fn every_speed_and_effort_takes_small_changes() {
    let part = |n: u8, at: (u32, u32), size: (u32, u32)| PngDrawn {
        at,
        size,
        colors: [[40 * n, 90, 160, 60 * n + 15], [200, 10, 30, 255 - 50 * n]],
        ..hole()
    };
    let frames = [
        part(0, (0, 0), (24, 16)),
        part(1, (3, 5), (4, 9)),
        part(2, (23, 15), (1, 1)),
        part(3, (0, 0), (13, 2)),
    ];
    let source = png_of(&frames, 0, false);
    for size in ["", "w=13,", "w=100,enlarge=on,"] {
        let made = |plan: &Plan| probe(&transform(&source, plan).unwrap()).unwrap().frames;
        for avif_speed in 6..=10 {
            let plan = Plan { avif_speed, ..plan(&format!("{size}f=avif")) };
            assert_eq!(made(&plan), 4, "{size}, speed {avif_speed}");
        }
        #[cfg(feature = "jxl")]
        for jxl_effort in 1..=9 {
            let plan = Plan { jxl_effort, ..plan(&format!("{size}f=jxl")) };
            assert_eq!(made(&plan), 4, "{size}, effort {jxl_effort}");
        }
    }
}

#[test]
fn delays_of_png_add_up() {
    let thirtieth = |n: u32| PngDrawn { at: (n, n), size: (2, 2), delay: (1, 30), ..hole() };
    let frames: Vec<PngDrawn> = std::iter::once(PngDrawn { delay: (1, 30), ..hole() })
        .chain((1..12).map(thirtieth))
        .collect();
    let out = transform(&png_of(&frames, 0, false), &plan("flip=h")).unwrap();
    let (got, plays) = pictures_of_png(&out);
    assert_eq!(plays, 0);
    assert_eq!(got.iter().map(|(_, delay)| delay).sum::<u32>(), 400);
    assert!(got.iter().all(|(_, delay)| (33..=34).contains(delay)));
}

/// A frame through which all is seen.
fn hole() -> PngDrawn {
    PngDrawn {
        at: (0, 0),
        size: (24, 16),
        colors: [[0; 4], [1, 2, 3, 255]],
        dispose: png::DisposeOp::None,
        blend: png::BlendOp::Source,
        delay: (1, 100),
    }
}

/// The chunks of a PNG: where each begins, and what it is.
fn chunks(png: &[u8]) -> Vec<(usize, [u8; 4])> {
    let mut at = 8;
    let mut all = Vec::new();
    while let Some(head) = png.get(at..at + 8) {
        all.push((at, head[4..8].try_into().unwrap()));
        at += 12 + u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
    }
    all.push((at, [0; 4]));
    all
}

#[test]
fn of_a_png_out_of_order_the_still_image_is_shown() {
    let source = png_of(&png_drawn(), 0, false);
    let places = chunks(&source);
    let part = |n: usize| source[places[n].0..places[n + 1].0].to_vec();
    let index = |kind: &[u8; 4], nth: usize| {
        let all = places.iter().enumerate().filter(|(_, (_, found))| found == kind);
        all.map(|(n, _)| n).nth(nth).unwrap()
    };
    let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut parts: Vec<Vec<u8>> = (0..places.len() - 1).map(part).collect();
        change(&mut parts);
        [&source[..8], &parts.concat()].concat()
    };
    let (second, third) = (index(b"fcTL", 1), index(b"fcTL", 2));
    let announced =
        |frames: u32| png_chunk(b"acTL", &[frames.to_be_bytes(), 0u32.to_be_bytes()].concat());
    let head = index(b"acTL", 0);
    let mut sticking = part(third)[8..34].to_vec();
    sticking[4..8].copy_from_slice(&25u32.to_be_bytes());
    for (name, broken) in [
        ("swapped", with(&|parts| parts.swap(second, third))),
        ("no header", with(&|parts| drop(parts.remove(second)))),
        ("no data", with(&|parts| drop(parts.remove(second + 1)))),
        ("sticks out", with(&|parts| parts[third] = png_chunk(b"fcTL", &sticking))),
        ("too many", with(&|parts| parts[head] = announced(5))),
        ("a wrong checksum", with(&|parts| parts[second][20] ^= 1)),
    ] {
        assert_eq!(probe(&broken).unwrap().frames, 1, "{name}");
        let out = transform(&broken, &plan("flip=h")).unwrap();
        assert_eq!(chunks(&out).iter().filter(|(_, kind)| kind == b"fcTL").count(), 0, "{name}");
        assert_eq!(decode(&out).at(23, 0), [255, 0, 0, 255], "{name}");
        assert_eq!(transform(&broken, &strict("flip=h")).unwrap_err().word(), "decode_failed");
    }
    // Fewer than announced move all the same; of a file that is cut those before stay.
    let fewer = with(&|parts| parts[head] = announced(7));
    let cut = &source[..places[index(b"fcTL", 4)].0 + 30];
    for (broken, frames) in [(&fewer[..], 6), (cut, 4)] {
        assert_eq!(probe(broken).unwrap().frames, frames);
        let (got, _) = pictures_of_png(&transform(broken, &plan("flip=h")).unwrap());
        assert_eq!(got.len(), frames as usize);
        assert_eq!(transform(broken, &strict("flip=h")).unwrap_err().word(), "decode_failed");
    }
    // Where nobody announced an animation, there is none, and nothing is wrong.
    let unannounced = with(&|parts| drop(parts.remove(head)));
    assert_eq!(probe(&unannounced).unwrap().frames, 1);
    assert!(transform(&unannounced, &strict("flip=h")).is_ok());
}

#[test]
fn loops_are_kept() {
    let frames = drawn(true);
    for (repeat, plays) in [
        (None, 1),
        (Some(Repeat::Finite(1)), 2),
        (Some(Repeat::Finite(65535)), 65536),
        (Some(Repeat::Infinite), 0),
    ] {
        let source = gif_of(&frames, repeat);
        let gif = transform(&source, &plan("w=12")).unwrap();
        assert_eq!(plays_of_gif(&gif), plays);
        let (_, of_webp) = pictures_of_webp(&transform(&source, &plan("f=webp")).unwrap());
        assert_eq!(of_webp, plays.min(65535));
    }
}

#[test]
fn what_does_not_change_takes_no_space() {
    let still = |left: u16, colors, size| Drawn {
        at: (left, 0),
        size,
        colors,
        dispose: DisposalMethod::Keep,
        delay: 5,
        interlaced: false,
    };
    let one = [still(0, [RED, WHITE], SIZE)];
    let many: Vec<Drawn> = std::iter::once(still(0, [RED, WHITE], SIZE))
        .chain((0..20).map(|_| still(6, [RED, WHITE], (2, 2))))
        .collect();
    for (format, each) in [("gif", 40), ("webp", 100), ("png", 100), ("jxl", 120)] {
        let length = |frames: &[Drawn]| {
            let params = format!("flip=v,f={format}");
            transform(&gif_of(frames, None), &plan(&params)).unwrap().len()
        };
        let (one, many) = (length(&one), length(&many));
        assert!(many < one + 20 * each, "{format}: {one} {many}");
    }
}

#[test]
fn the_first_frame_alone() {
    let frames = drawn(true);
    let source = gif_of(&frames, None);
    let first = &shown(&frames)[0].0;
    for (params, policy) in [("anim=off", AnimationPolicy::All), ("q=9", AnimationPolicy::First)] {
        let mut plan = Plan { animation: policy, ..Plan::default() };
        plan.set_params(params).unwrap();
        let out = transform(&source, &plan).unwrap();
        assert_eq!(probe(&out).unwrap().frames, 1);
        assert!(decode(&out) == *first);
    }
    for params in ["f=jpeg", "f=avif,anim=off", "f=jxl,anim=off"] {
        let out = transform(&source, &plan(params)).unwrap();
        assert_eq!((probe(&out).unwrap().frames, decode(&out).size()), (1, (24, 16)));
    }
    assert!(passes(&source, &Plan::default()));
}

#[test]
fn negotiation_keeps_what_moves() {
    let gif = gif_of(&drawn(true), None);
    let webp = transform(&gif, &plan("f=webp")).unwrap();
    let still = transform(&gif, &plan("anim=off")).unwrap();
    let format_of = |source: &[u8], accept: &str, params: &str, offer: AutoFormats| {
        let mut plan = plan(params);
        let accept = [accept.as_bytes()];
        plan.set_format(FormatChoice::Auto(offer), accept.into_iter());
        let transformed = prepare(source, &plan, &Limits::default()).unwrap();
        transformed.run(&image_gate_core::image::Control::default()).unwrap().format.name()
    };
    let all = "image/avif,image/webp";
    let format = |source: &[u8], accept: &str, params: &str| {
        format_of(source, accept, params, AutoFormats::default())
    };
    // Where it is listed, it moves.
    let listed = AutoFormats::parse(b"avif,webp").unwrap();
    assert_eq!(format_of(&gif, all, "w=9", listed), "avif");
    assert_eq!(format_of(&gif, "image/webp", "w=9", listed), "webp");
    assert_eq!(format(&still, all, "w=9"), "avif");
    assert_eq!(format(&gif, all, "w=9"), "webp");
    assert_eq!(format(&gif, all, "w=9,anim=off"), "avif");
    assert_eq!(format(&gif, "image/avif", "w=9"), "gif");
    assert_eq!(format(&gif, "*/*", "w=9"), "gif");
    assert_eq!(format(&webp, "image/avif", "w=9"), "gif");
    assert_eq!(format(&webp, "*/*", "w=9,anim=off"), "jpeg");
}

#[test]
fn all_frames_are_cut_alike() {
    // A square that moves within a border: what is cut away is what no frame uses.
    let square = |x: u16| Drawn {
        at: (x, 5),
        size: (3, 4),
        colors: [RED, RED],
        dispose: DisposalMethod::Previous,
        delay: 5,
        interlaced: false,
    };
    let border = Drawn {
        at: (0, 0),
        size: SIZE,
        colors: [WHITE, WHITE],
        dispose: DisposalMethod::Keep,
        delay: 5,
        interlaced: false,
    };
    let source = gif_of(&[border, square(4), square(9)], None);
    let got = pictures_of_gif(&transform(&source, &plan("trim=10")).unwrap());
    // The frame without a square has no border at all, so that all of it is kept.
    assert_eq!(got[0].0.size(), (24, 16));
    let source = gif_of(&[Drawn { at: (0, 0), size: SIZE, ..square(0) }, square(4)], None);
    assert!(transform(&source, &plan("trim=10")).is_ok());
}

/// Parameters under which nothing is made of a source but what it is.
fn strict(params: &str) -> Plan {
    Plan { damaged: DamagePolicy::Strict, ..plan(params) }
}

#[test]
fn limits_are_those_of_all_frames() {
    let source = gif_of(&drawn(true), None);
    let base = Limits::default();
    let refused = |params: &str, limits: Limits| prepare(&source, &strict(params), &limits).err();
    let pixels = |text: &str| Some(Error::TooManyPixels(text.to_owned()));
    assert_eq!(
        refused("w=12", Limits { output_pixels: 12 * 8 * 6 - 1, ..base }),
        pixels("the output would have 12x8 pixels in 6 frames, the limit is 575")
    );
    assert_eq!(refused("w=12", Limits { output_pixels: 12 * 8 * 6, ..base }), None);
    assert_eq!(refused("w=12,f=jpeg", Limits { output_pixels: 12 * 8, ..base }), None);
    let png = png_of(&png_drawn(), 0, false);
    let few = Limits { frames: 5, ..base };
    assert_eq!(prepare(&png, &strict("w=12"), &few).unwrap_err().word(), "too_many_frames");
    assert_eq!(prepare(&png, &plan("w=12"), &few).map(|_| ()), Ok(()));
    assert_eq!(
        refused("w=12", Limits { pixels: 24 * 16 * 6 - 1, ..base }),
        pixels("24x16 times 6 frames are 2304 pixels, the limit is 2303")
    );
}

#[test]
fn a_frame_may_not_hide_its_size() {
    // Later frames that are larger than the canvas cost as much as a first one.
    let frame = |size: (u16, u16)| {
        let mut block = vec![0x2c, 0, 0, 0, 0];
        block.extend(size.0.to_le_bytes());
        block.extend(size.1.to_le_bytes());
        block.extend([0, 2, 2, 0x44, 1, 0]);
        block
    };
    let mut source = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    source.extend(frame((1, 1)));
    source.extend(frame((65535, 65535)));
    source.push(b';');
    let refused = |limits: &Limits| prepare(&source, &strict("f=webp"), limits).unwrap_err();
    assert_eq!(refused(&Limits::default()).word(), "too_many_pixels");
    let wide = Limits { width: 65535, height: 65535, pixels: 1 << 31, ..Limits::default() };
    assert_eq!(refused(&wide).word(), "too_many_pixels");
}

#[test]
fn broken_frames_are_errors() {
    let source = gif_of(&drawn(true), None);
    let webp = transform(&source, &plan("f=webp")).unwrap();
    for source in [&source, &webp] {
        for len in [source.len() / 3, source.len() / 2, source.len() - 2] {
            let error = transform(&source[..len], &strict("w=12")).unwrap_err();
            assert_eq!(error.word(), "decode_failed", "{len}");
        }
    }
    // A frame of WebP that sticks out: its offset is in its third word.
    let second = webp.windows(4).enumerate().filter(|(_, kind)| kind == b"ANMF").nth(1).unwrap().0;
    let mut out = webp.clone();
    out[second + 8] = 200;
    assert_eq!(transform(&out, &strict("w=12")).unwrap_err().word(), "decode_failed");
    assert_eq!(probe(&out).unwrap().frames, 6);
}

#[test]
fn a_bound_on_bytes_holds_for_all_frames() {
    let frames = drawn(true);
    let source = gif_of(&frames, None);
    let length = |max: Option<u64>| {
        let plan = Plan { max_bytes: max, ..plan("f=webp,q=95,w=200,enlarge=on") };
        transform(&source, &plan).unwrap().len() as u64
    };
    let free = length(None);
    let bound = free * 3 / 4;
    assert!(length(Some(bound)) <= bound, "{} {free}", length(Some(bound)));
}
