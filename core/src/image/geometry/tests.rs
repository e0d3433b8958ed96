//! Tests of sizes, cuts and turns.

use proptest::prelude::*;

use super::fit::fits;
use super::*;
use crate::image::words::Words as _;
use crate::image::{Bounds, Clamp, Flip, Length, Ratio, Rotation};

const NONE: Orientation = Orientation { swap: false, flip_x: false, flip_y: false };

fn resize(width: u32, height: u32) -> Fit {
    Fit::Resize { width: NonZeroU32::new(width), height: NonZeroU32::new(height) }
}

fn crop(width: u32, height: u32) -> Fit {
    Fit::Crop { width: NonZeroU32::new(width), height: NonZeroU32::new(height) }
}

fn plan(fit: Fit, rotate: Rotation) -> Plan {
    Plan { fit, rotate, ..Plan::default() }
}

fn geometry(fit: Fit, rotate: Rotation) -> Geometry {
    Geometry::new(Size::new(100, 120), NONE, &plan(fit, rotate)).unwrap()
}

fn output(fit: Fit, rotate: Rotation) -> (u32, u32) {
    let size = geometry(fit, rotate).output;
    (size.width, size.height)
}

/// The 100x120 image of nginx's own tests; 0 stands for `-`.
#[test]
fn resize_as_image_filter() {
    for (width, height, expected) in [
        (10, 0, (10, 12)),
        (0, 10, (8, 10)),
        (10, 10, (8, 10)),
        (10, 20, (10, 12)),
        (33, 77, (33, 39)),
        (1, 1, (1, 1)),
        (1, 0, (1, 1)),
        (0, 1, (1, 1)),
        (100, 120, (100, 120)),
        (200, 200, (100, 120)),
        (99, 0, (99, 118)),
        (0, 119, (99, 119)),
        (0, 0, (100, 120)),
    ] {
        assert_eq!(output(resize(width, height), Rotation::None), expected, "{width} {height}");
    }
}

#[test]
fn what_is_reduced_is_small_enough() {
    for (width, height) in [(2000, 1500), (600, 1), (30, 30), (1, 4000)] {
        let stored = Size::new(width, height);
        for (tilt, limit) in
            (0..9000).step_by(250).flat_map(|tilt| [(tilt, 1000), (tilt, 1_000_000)])
        {
            let plan = Plan { tilt, ..Plan::default() };
            let whole = Geometry::new(stored, NONE, &plan).unwrap();
            let reduced = whole.reduced((limit, 3000), stored, NONE, &plan).unwrap().output;
            let (pixels, side) = (reduced.pixels(), reduced.width.max(reduced.height));
            assert!(pixels <= limit && side <= 3000, "{stored:?} {tilt} {limit}: {reduced:?}");
            assert!(
                pixels >= limit.min(whole.output.pixels()) / 4,
                "{stored:?} {tilt}: {reduced:?}"
            );
        }
    }
}

#[test]
fn crop_as_image_filter() {
    for (width, height, expected) in [
        (33, 77, (33, 77)),
        (200, 50, (100, 50)),
        (50, 200, (50, 120)),
        (50, 0, (50, 120)),
        (0, 50, (100, 50)),
        (100, 61, (100, 61)),
        (51, 0, (51, 120)),
        (10, 10, (10, 10)),
        (200, 200, (100, 120)),
        (1, 1, (1, 1)),
        (0, 0, (100, 120)),
    ] {
        assert_eq!(output(crop(width, height), Rotation::None), expected, "{width} {height}");
    }
}

#[test]
fn crop_scales_before_it_cuts() {
    let made = geometry(crop(33, 77), Rotation::None);
    assert_eq!(made.scaled, Size::new(64, 77));
    assert_eq!(made.window, Rect { x: 15, y: 0, size: Size::new(33, 77) });

    let made = geometry(crop(100, 61), Rotation::None);
    assert_eq!(made.scaled, Size::new(100, 120));
    assert_eq!((made.window.x, made.window.y), (0, 29));

    let made = geometry(crop(51, 0), Rotation::None);
    assert_eq!((made.window.x, made.window.y), (24, 0));
}

#[test]
fn rotations_as_image_filter() {
    use Rotation::{Ccw90, Ccw270, Half};
    for (fit, rotate, expected) in [
        (Fit::None, Ccw90, (120, 100)),
        (Fit::None, Half, (100, 120)),
        (Fit::None, Ccw270, (120, 100)),
        (resize(5, 6), Ccw90, (6, 5)),
        (resize(5, 6), Half, (5, 6)),
        (resize(5, 6), Ccw270, (6, 5)),
        (resize(100, 0), Ccw90, (120, 100)),
        (crop(5, 6), Ccw90, (5, 5)),
        (crop(5, 6), Half, (5, 6)),
        (crop(5, 6), Ccw270, (5, 5)),
        (crop(10, 10), Ccw90, (10, 10)),
    ] {
        assert_eq!(output(fit, rotate), expected, "{fit:?} {rotate:?}");
    }
    // 5x6 turned left is 6x5; the odd column that is cut off is the last
    // one of the result, so the last row of the source (its right side
    // turns up).
    let made = geometry(crop(5, 6), Ccw90);
    assert_eq!(made.scaled, Size::new(5, 6));
    assert_eq!(made.window, Rect { x: 0, y: 0, size: Size::new(5, 5) });
}

#[test]
fn bounds_are_of_the_displayed_image() {
    let lying = Orientation::upright(6);
    let made =
        Geometry::new(Size::new(120, 100), lying, &plan(resize(50, 0), Rotation::None)).unwrap();
    assert_eq!(made.output, Size::new(50, 60));
    assert_eq!(made.scaled, Size::new(60, 50));
    assert_eq!(made.orientation, lying);
}

#[test]
fn extreme_ratios_keep_a_pixel() {
    let thin = Size::new(1, 65535);
    let made = Geometry::new(thin, NONE, &plan(resize(0, 10), Rotation::None)).unwrap();
    assert_eq!(made.output, Size::new(1, 10));
    let made = Geometry::new(thin, NONE, &plan(crop(10, 10), Rotation::None)).unwrap();
    assert_eq!(made.output, Size::new(1, 10));
}

fn of(fit: Fit, more: Plan, size: (u32, u32)) -> Geometry {
    Geometry::new(Size::new(size.0, size.1), NONE, &Plan { fit, ..more }).unwrap()
}

fn sized(geometry: &Geometry) -> (u32, u32) {
    (geometry.output.width, geometry.output.height)
}

fn bounds(width: u32, height: u32) -> (Bound, Bound) {
    (NonZeroU32::new(width), NonZeroU32::new(height))
}

fn pad(width: u32, height: u32) -> Fit {
    let (width, height) = bounds(width, height);
    Fit::Pad { width, height }
}

fn outside(width: u32, height: u32) -> Fit {
    let (width, height) = bounds(width, height);
    Fit::Outside { width, height }
}

fn aspect(width: u32, height: u32) -> Fit {
    let (width, height) = bounds(width, height);
    Fit::AspectCrop { width, height }
}

fn stretch(width: u32, height: u32) -> Fit {
    let (width, height) = bounds(width, height);
    Fit::Stretch { width, height }
}

/// imgproxy's arithmetic: with `dpr` no side is multiplied by more than there are pixels for.
#[test]
fn dpr_within_the_source() {
    let base = Plan {
        round: Rounding::Nearest,
        limits_dpr: true,
        dpr: 200,
        padding: Sides { top: 10, right: 0, bottom: 0, left: 0 },
        ..Plan::default()
    };
    for (fit, size, expected) in [
        (resize(100, 0), (300, 200), (200, 153)),
        (resize(200, 0), (300, 200), (300, 215)),
        (resize(400, 0), (300, 200), (300, 210)),
        (crop(120, 120), (300, 200), (200, 217)),
        (crop(300, 100), (300, 200), (300, 110)),
        (crop(600, 100), (300, 200), (300, 110)),
        (pad(200, 200), (300, 200), (300, 315)),
        (Fit::None, (300, 200), (300, 210)),
    ] {
        assert_eq!(sized(&of(fit, base.clone(), size)), expected, "{fit:?}");
    }
    let enlarged = Plan { enlarge: true, ..base };
    assert_eq!(sized(&of(resize(200, 0), enlarged, (300, 200))), (400, 287));
}

#[test]
fn enlarging() {
    let enlarge = Plan { enlarge: true, ..Plan::default() };
    for (fit, size, expected) in [
        (resize(200, 200), (100, 120), (166, 200)),
        (resize(200, 0), (100, 120), (200, 240)),
        (resize(0, 240), (100, 120), (200, 240)),
        (resize(0, 0), (100, 120), (100, 120)),
        (resize(100, 500), (100, 120), (100, 120)),
        // What is too large is reduced all the same.
        (resize(50, 500), (100, 120), (50, 60)),
        (resize(10, 20), (100, 120), (10, 12)),
        (crop(200, 200), (100, 120), (200, 200)),
        (crop(200, 50), (100, 120), (200, 50)),
        (crop(200, 0), (100, 120), (200, 240)),
        // A side that is not limited does not reduce the image, as ever.
        (crop(50, 0), (100, 120), (50, 120)),
        (crop(33, 77), (100, 120), (33, 77)),
        (resize(u32::MAX, 0), (1, 65535), (u32::MAX, u32::MAX)),
    ] {
        assert_eq!(sized(&of(fit, enlarge.clone(), size)), expected, "{fit:?}");
    }
    let made = of(crop(200, 200), enlarge, (100, 120));
    assert_eq!(made.scaled, Size::new(200, 240));
    assert_eq!((made.window.x, made.window.y), (0, 20));
}

/// What sharp, imgproxy and Pillow make of pictures: one division, to the nearest pixel.
#[test]
fn nearest() {
    let plain = Plan { round: Rounding::Nearest, ..Plan::default() };
    let enlarge = Plan { enlarge: true, ..plain.clone() };
    for (fit, size, expected, larger) in [
        (resize(250, 0), (1200, 800), (250, 167), (250, 167)),
        (resize(0, 333), (1200, 800), (500, 333), (500, 333)),
        (resize(250, 166), (1200, 800), (249, 166), (249, 166)),
        // Floors in sequence would make of it 99x59.
        (resize(100, 60), (1000, 595), (100, 60), (100, 60)),
        (resize(3, 3), (2, 1), (2, 1), (3, 2)),
        (resize(1, 1), (1, 65535), (1, 1), (1, 1)),
        (resize(0, 0), (7, 9), (7, 9), (7, 9)),
        (crop(250, 0), (1200, 800), (250, 800), (250, 800)),
        (crop(0, 900), (1200, 800), (1200, 800), (1350, 900)),
        (crop(250, 150), (1200, 800), (250, 150), (250, 150)),
        (crop(2000, 150), (1200, 800), (1200, 150), (2000, 150)),
        (outside(250, 150), (1200, 800), (250, 167), (250, 167)),
        (outside(250, 200), (1200, 800), (300, 200), (300, 200)),
        (outside(1500, 200), (1200, 800), (1200, 800), (1500, 1000)),
        (pad(250, 200), (1200, 800), (250, 200), (250, 200)),
    ] {
        assert_eq!(sized(&of(fit, plain.clone(), size)), expected, "{fit:?}");
        assert_eq!(sized(&of(fit, enlarge.clone(), size)), larger, "{fit:?} larger");
    }
    assert_eq!(of(crop(250, 150), plain.clone(), (1200, 800)).scaled, Size::new(250, 167));
    assert_eq!(of(pad(250, 200), plain, (1200, 800)).inner(), Size::new(250, 167));
}

/// The sizes of imgproxy's `fill-down`, of an image of 200x100.
#[test]
fn cropping_to_proportions() {
    let nearest = Plan { round: Rounding::Nearest, ..Plan::default() };
    for (width, height, expected) in [
        (50, 50, (50, 50)),
        (50, 20, (50, 20)),
        (300, 300, (100, 100)),
        (300, 125, (200, 83)),
        (250, 300, (83, 100)),
        (400, 200, (200, 100)),
        (300, 50, (200, 33)),
        (100, 300, (33, 100)),
        (0, 50, (200, 50)),
    ] {
        for plan in [nearest.clone(), Plan::default()] {
            let made = of(aspect(width, height), plan, (200, 100));
            assert_eq!(sized(&made), expected, "{width} {height}");
        }
    }
    assert_eq!(sized(&of(aspect(300, 110), nearest.clone(), (200, 100))), (200, 73));
    assert_eq!(sized(&of(aspect(300, 100), Plan::default(), (200, 100))), (200, 66));
    assert_eq!(sized(&of(aspect(300, 100), nearest.clone(), (200, 100))), (200, 67));
    let enlarged = Plan { enlarge: true, ..nearest };
    assert_eq!(sized(&of(aspect(300, 100), enlarged, (200, 100))), (300, 100));
}

#[test]
fn covering_without_a_cut_and_enlarging_alone() {
    for (plan, expected) in [
        (Plan::default(), (33, 39)),
        (Plan { round: Rounding::Nearest, ..Plan::default() }, (33, 40)),
    ] {
        assert_eq!(sized(&of(outside(33, 10), plan, (100, 120))), expected);
    }
    let up = Plan { reduce: false, enlarge: true, ..Plan::default() };
    for round in [Rounding::Down, Rounding::Nearest] {
        let up = Plan { round, ..up.clone() };
        assert_eq!(sized(&of(resize(50, 50), up.clone(), (100, 120))), (100, 120));
        assert_eq!(sized(&of(resize(200, 0), up.clone(), (100, 120))), (200, 240));
        assert_eq!(sized(&of(resize(200, 50), up, (100, 120))), (100, 120));
    }
}

#[test]
fn padding() {
    for (fit, more, expected, inner, place) in [
        (pad(200, 200), Plan::default(), (200, 200), (100, 120), (50, 40)),
        (pad(50, 50), Plan::default(), (50, 50), (41, 50), (4, 0)),
        (pad(50, 0), Plan::default(), (50, 60), (50, 60), (0, 0)),
        (pad(0, 0), Plan::default(), (100, 120), (100, 120), (0, 0)),
        (pad(300, 300), Plan { enlarge: true, ..Plan::default() }, (300, 300), (250, 300), (25, 0)),
        (
            pad(200, 200),
            Plan { gravity: Gravity::parse(b"southeast").unwrap(), ..Plan::default() },
            (200, 200),
            (100, 120),
            (100, 80),
        ),
        // The box is that of the turned image.
        (
            pad(60, 50),
            Plan { rotate: Rotation::Ccw90, ..Plan::default() },
            (60, 50),
            (60, 50),
            (0, 0),
        ),
    ] {
        let made = of(fit, more, (100, 120));
        assert_eq!(sized(&made), expected, "{fit:?}");
        assert_eq!(made.inner(), Size::new(inner.0, inner.1), "{fit:?}");
        assert_eq!(made.place, place, "{fit:?}");
    }
}

#[test]
fn stretching() {
    let turned = Plan { rotate: Rotation::Ccw270, ..Plan::default() };
    assert_eq!(sized(&of(stretch(7, 900), Plan::default(), (100, 120))), (7, 900));
    assert_eq!(sized(&of(stretch(7, 0), Plan::default(), (100, 120))), (7, 120));
    let made = of(stretch(70, 30), turned.clone(), (100, 120));
    assert_eq!((sized(&made), made.scaled), ((70, 30), Size::new(30, 70)));
    assert_eq!(sized(&of(stretch(70, 0), turned, (100, 120))), (70, 100));
}

#[test]
fn pixel_ratio() {
    let twice = Plan { dpr: 200, ..Plan::default() };
    assert_eq!(sized(&of(resize(20, 0), twice.clone(), (100, 120))), (40, 48));
    assert_eq!(sized(&of(crop(20, 20), twice.clone(), (100, 120))), (40, 40));
    assert_eq!(sized(&of(stretch(20, 15), twice.clone(), (100, 120))), (40, 30));
    assert_eq!(sized(&of(pad(200, 20), twice.clone(), (100, 120))), (400, 40));
    assert_eq!(sized(&of(Fit::None, twice.clone(), (100, 120))), (100, 120));
    let made = of(resize(33, 0), Plan { dpr: 150, ..Plan::default() }, (100, 120));
    assert_eq!(sized(&made), (50, 60));
    assert_eq!(sized(&of(stretch(u32::MAX, 1), twice, (1, 1))), (u32::MAX, 2));
}

#[test]
fn gravity_is_that_of_the_result() {
    let east = |rotate, flip| {
        let gravity = Gravity::parse(b"east").unwrap();
        let plan = Plan { gravity, rotate, flip, ..Plan::default() };
        let made = of(crop(20, 120), plan, (100, 120));
        (made.window.x, made.window.y)
    };
    assert_eq!(east(Rotation::None, Flip::default()), (80, 0));
    let mirrored = Flip { horizontal: true, vertical: false };
    assert_eq!(east(Rotation::None, mirrored), (0, 0));
    assert_eq!(east(Rotation::Half, Flip::default()), (0, 0));
    // The bottom of the source comes to lie on the right side.
    assert_eq!(east(Rotation::Ccw90, Flip::default()).1, 100);
}

fn area(text: &str) -> Option<Area> {
    Some(Area::parse(text.as_bytes()).unwrap())
}

fn from(params: &str, size: (u32, u32)) -> Geometry {
    let plan = Plan::from_params(&params.replace('%', "%25")).unwrap();
    Geometry::new(Size::new(size.0, size.1), NONE, &plan).unwrap()
}

fn corner(rect: Rect) -> (u32, u32) {
    (rect.x, rect.y)
}

#[test]
fn what_is_cut_out() {
    let made = from("crop=10:20:50:60", (100, 120));
    assert_eq!(made.region, Rect { x: 10, y: 20, size: Size::new(50, 60) });
    assert_eq!((made.scaled, sized(&made)), (Size::new(50, 60), (50, 60)));
    let made = from("crop=50%:0.25:50%:1.0,w=25", (100, 120));
    assert_eq!(corner(made.region), (50, 30));
    assert_eq!(sized(&made), (25, 45));
    // Of the image as it is displayed, wherever that lies in what is stored.
    let plan = Plan { crop: area("10,20,30,40"), ..Plan::default() };
    let lying = Orientation::upright(6);
    let made = Geometry::new(Size::new(120, 100), lying, &plan).unwrap();
    assert_eq!(made.region, Rect { x: 20, y: 60, size: Size::new(40, 30) });
    assert_eq!(sized(&made), (30, 40));
    // The box is filled, then the result is cut.
    let made = from("w=50,h=50,fit=crop,crop_after=5:10:30:100", (100, 120));
    assert_eq!((made.scaled, corner(made.filling)), (Size::new(50, 60), (0, 5)));
    assert_eq!((corner(made.window), sized(&made)), ((5, 15), (30, 40)));
    let made = from("w=60,h=60,fit=pad,enlarge=off,crop_after=0:0:50%:50%", (100, 120));
    assert_eq!((made.inner(), sized(&made)), (Size::new(25, 30), (60, 60)));
    let elsewhere = Rect { x: 0, y: 9, size: Size::new(50, 50) };
    let moved = from("w=50,h=50,fit=crop,crop_after=5:10:30:40", (100, 120)).moved(elsewhere);
    assert_eq!(corner(moved.window), (5, 19));
    let kept = from("crop=100:0:9:9,crop_optional=on", (100, 120));
    assert_eq!(kept.region, Rect { x: 0, y: 0, size: Size::new(100, 120) });
    for beside in ["crop=100:0:9:9", "crop_after=0:120:9:9", "w=50,crop_after=50:0:9:9"] {
        let plan = Plan::from_params(beside).unwrap();
        let error = Geometry::new(Size::new(100, 120), NONE, &plan).unwrap_err();
        assert!(matches!(error, Error::BeyondImage(_)), "{beside}");
    }
}

#[test]
fn shares_and_proportions() {
    for (params, expected) in [
        ("w=50%", (50, 60)),
        ("h=25%", (25, 30)),
        ("w=33.333%,round=nearest", (33, 40)),
        ("w=33.333%", (33, 39)),
        ("w=50%,dpr=2", (100, 120)),
        ("w=200%,fit=contain", (200, 240)),
        ("w=50%,h=20,fit=stretch", (50, 20)),
        ("crop=0:0:50:60,w=50%", (25, 30)),
        ("w=40,ar=1:1,fit=cover", (40, 40)),
        ("h=40,ar=1.5,fit=cover", (60, 40)),
        ("w=40,h=30,ar=1:1,fit=cover", (40, 30)),
        ("ar=1:1", (100, 100)),
        ("ar=1:2", (60, 120)),
        ("ar=3:1,round=nearest", (100, 33)),
        ("ar=1:1,fit=pad", (120, 120)),
        ("ar=2:1,fit=pad", (240, 120)),
        ("ar=2:1,fit=contain", (100, 120)),
        ("zoom=0.5", (50, 60)),
        ("zoom=2", (100, 120)),
        ("zoom=2,enlarge=on", (200, 240)),
        ("w=20,zoom=2", (40, 48)),
        ("w=20,zoom=2,dpr=2", (80, 96)),
        ("w=20,h=20,fit=crop,zoom=0.5", (10, 10)),
    ] {
        assert_eq!(sized(&from(params, (100, 120))), expected, "{params}");
    }
}

#[test]
fn least_and_most() {
    for (params, expected) in [
        ("max_width=50", (50, 60)),
        ("w=90,max_height=60", (50, 60)),
        ("w=90,max_width=40,dpr=2", (80, 96)),
        ("w=90,h=90,fit=crop,max_width=30", (30, 90)),
        ("w=90,h=90,fit=stretch,max_width=30", (30, 90)),
        ("fit=outside,w=80,h=80,max_height=60", (50, 60)),
        ("max_width=500,enlarge=on", (100, 120)),
        // Scaled to the least, then cut to the box.
        ("w=50,min_height=90", (50, 90)),
        ("w=50,h=60,min_width=75", (50, 60)),
        ("h=60,min_width=75", (75, 60)),
        ("min_width=200", (200, 240)),
        ("min_width=20", (100, 120)),
        ("w=50,min_width=80,dpr=2", (100, 192)),
        ("w=20,h=20,fit=pad,min_width=40", (20, 20)),
        ("max_width=50,min_width=80", (80, 96)),
    ] {
        assert_eq!(sized(&from(params, (100, 120))), expected, "{params}");
    }
    let made = from("w=50,min_height=90", (100, 120));
    assert_eq!((made.scaled, corner(made.window)), (Size::new(75, 90), (12, 0)));
}

#[test]
fn boxes_before_and_after_the_turn() {
    for (params, expected) in [
        ("w=200,rotate=90,round=nearest,rotate_box=before", (133, 200)),
        ("w=100,rotate=90,round=nearest,rotate_box=after", (100, 150)),
        ("w=100,rotate=180,rotate_box=after", (100, 66)),
        ("w=100,h=50,fit=crop,rotate=90,rotate_box=before", (50, 100)),
        ("w=100,h=50,fit=crop,rotate=90,rotate_box=after", (100, 50)),
        ("w=100,h=50,fit=pad,rotate=90,rotate_box=before", (50, 100)),
        ("w=100,h=50,fit=pad,rotate=90", (100, 50)),
        ("w=90,h=30,fit=stretch,rotate=270,rotate_box=before", (30, 90)),
        ("w=50%,rotate=90,rotate_box=before", (100, 150)),
        ("w=50%,rotate=90,rotate_box=after", (100, 150)),
        ("max_width=100,rotate=90,rotate_box=after", (100, 150)),
        ("min_width=400,rotate=90,rotate_box=after", (400, 600)),
    ] {
        assert_eq!(sized(&from(params, (300, 200))), expected, "{params}");
    }
    // The directions are those of the image before the turn, or of the result.
    let cut = |more: &str| {
        let params = format!("w=60,h=200,fit=crop,gravity=west,{more}");
        corner(from(&params, (300, 200)).window)
    };
    assert_eq!(cut("rotate=180"), (240, 0));
    assert_eq!(cut("rotate=180,rotate_box=after"), (240, 0));
    assert_eq!(cut("rotate=180,rotate_box=before"), (0, 0));
    assert_eq!(cut("flip=h,rotate_box=before"), (0, 0));
    let padded = |more: &str| {
        from(&format!("w=100,h=100,fit=pad,gravity=north,rotate=90,{more}"), (300, 200)).place
    };
    // Turned clockwise, what is on top comes to the right.
    assert_eq!(padded("round=nearest,rotate_box=before"), (33, 0));
    assert_eq!(padded("round=nearest"), (16, 0));
}

#[test]
fn turns_by_any_angle_take_more_room() {
    // 100 sin + 120 cos, and 100 cos + 120 sin.
    for (params, expected) in [
        ("rotate=45", (156, 156)),
        ("rotate=30", (147, 154)),
        ("rotate=120", (154, 147)),
        ("rotate=-60", (154, 147)),
        ("rotate=0.01", (101, 121)),
        ("w=50,rotate=45", (78, 78)),
        ("w=200,h=200,fit=pad,enlarge=off,rotate=45", (200, 200)),
        ("w=50,h=50,fit=pad,rotate=45", (65, 65)),
        ("rotate=45,rotate_box=before,padding=1", (158, 158)),
    ] {
        assert_eq!(sized(&from(params, (100, 120))), expected, "{params}");
    }
}

#[test]
fn boxes_of_other_servers() {
    for (params, (width, height), expected) in [
        // The smallest box of those proportions around what was scaled.
        ("w=300,h=300,fit=aspect-pad", (100, 50), (100, 100)),
        ("w=300,h=300,fit=aspect-pad", (1000, 500), (300, 300)),
        ("w=300,h=200,fit=aspect-pad", (90, 100), (150, 100)),
        ("w=300,fit=aspect-pad", (90, 100), (90, 100)),
        // Both lie, or not.
        ("w=60,h=40,fit=auto", (300, 100), (60, 40)),
        ("w=60,h=40,fit=auto", (100, 300), (13, 40)),
        ("w=60,fit=auto", (100, 300), (60, 180)),
        ("w=60,h=40,fit=auto,rotate=90,rotate_box=after", (100, 300), (60, 40)),
        // The box is as large as it can be within the image.
        ("w=300,h=200,fit=stretch,clamp=ratio", (200, 400), (200, 133)),
        ("w=300,h=200,fit=stretch,clamp=sides", (200, 400), (200, 200)),
        ("w=400,h=400,fit=pad,clamp=ratio", (300, 100), (100, 100)),
        ("w=400,h=400,fit=outside,clamp=ratio", (300, 100), (300, 100)),
        ("w=400,h=100,fit=cover,clamp=sides,crop=0:0:50:50", (300, 200), (300, 100)),
        // What stands gets a box that stands.
        ("w=60,h=40,fit=contain,adaptive=on,round=nearest", (100, 300), (20, 60)),
        ("w=60,h=40,fit=contain,adaptive=on,round=nearest", (300, 100), (60, 20)),
        ("w=60,h=40,fit=contain,adaptive=on,round=nearest", (100, 100), (40, 40)),
        ("w=207,h=186,fit=contain,adaptive=on,clamp=sides,round=nearest", (123, 457), (50, 186)),
        ("w=104,h=371,fit=outside,adaptive=on,clamp=sides,round=nearest", (260, 180), (180, 125)),
        (
            "crop=10:10:33:20,w=99,h=300,fit=outside,adaptive=on,clamp=sides,round=nearest,enlarge=on",
            (123, 457),
            (300, 182),
        ),
        // The shape and nothing around it: a circle, and a triangle whose sides are all alike.
        ("mask=circle,mask_trim=on", (300, 100), (100, 100)),
        ("mask=triangle,mask_trim=on", (100, 300), (100, 87)),
        ("mask=triangle,mask_trim=on,rotate=90", (300, 100), (100, 87)),
        ("mask=triangle,mask_trim=on,rotate=90,rotate_box=before", (300, 100), (100, 87)),
        ("mask=ellipse,mask_trim=on", (300, 100), (300, 100)),
        ("mask_trim=on", (300, 100), (300, 100)),
        ("w=50,border=1:2:3:4,dpr=2", (300, 100), (112, 41)),
        ("w=50,border=1:2:3:4,border_place=over", (300, 100), (50, 16)),
        ("w=50,padding=5,border=1", (300, 100), (62, 28)),
    ] {
        assert_eq!(sized(&from(params, (width, height))), expected, "{params} {width}x{height}");
    }
    let region = |params: &str| from(params, (300, 200)).region;
    let rect = |x, y, width, height| Rect { x, y, size: Size::new(width, height) };
    assert_eq!(region("crop=0:0:100:80,crop_gravity=center"), rect(100, 60, 100, 80));
    assert_eq!(region("crop=0:0:100:80,crop_gravity=southeast:10:20"), rect(190, 100, 100, 80));
    // What is at those pixels comes into the middle, whatever is cut away before.
    let window = |params: &str| from(params, (300, 200)).window;
    assert_eq!(window("w=20,h=200,fit=crop,gravity=40px:0px").x, 30);
    assert_eq!(window("w=20,h=200,fit=crop,gravity=40px:0px,crop=30:0:200:200").x, 0);
}

#[test]
fn padding_grows_the_result() {
    for (params, place, expected) in [
        ("padding=1:2:3:4", (4, 1), (106, 124)),
        ("w=50,padding=10,dpr=1.5", (15, 15), (105, 120)),
        ("w=60,h=60,fit=pad,padding=5", (10, 5), (70, 70)),
        ("w=50,rotate=90,padding=0:0:0:10,rotate_box=before", (10, 0), (70, 50)),
    ] {
        let made = from(params, (100, 120));
        assert_eq!((made.place, sized(&made)), (place, expected), "{params}");
    }
    let made = from("trim=10:20:30:40,crop=5:5:20:20", (100, 120));
    assert_eq!(made.region, Rect { x: 45, y: 15, size: Size::new(20, 20) });
    assert_eq!(sized(&from("trim=10:20:30:40", (100, 120))), (40, 80));
}

fn any_bounds() -> impl Strategy<Value = Bounds> {
    let share = || prop_oneof![Just(None), (1u32..2_000_000).prop_map(NonZeroU32::new)];
    let side = || prop_oneof![Just(None), (1u32..300).prop_map(NonZeroU32::new)];
    let part = || (1u32..5000).prop_map(|part| NonZeroU32::new(part).unwrap());
    let ratio = (part(), part()).prop_map(|(width, height)| Some(Ratio { width, height }));
    let ratio = prop_oneof![Just(None), ratio];
    let zoom = prop_oneof![Just(100), 1u16..1000];
    let clamp = prop::sample::select(&[Clamp::Off, Clamp::Ratio, Clamp::Sides][..]);
    let shape = (zoom, clamp, any::<bool>());
    ((share(), share(), ratio), shape, (side(), side()), (side(), side())).prop_map(
        |((width_share, height_share, ratio), (zoom, clamp, adaptive), least, most)| Bounds {
            width_share,
            height_share,
            ratio,
            zoom,
            min_width: least.0,
            min_height: least.1,
            max_width: most.0,
            max_height: most.1,
            clamp,
            adaptive,
        },
    )
}

fn any_area() -> impl Strategy<Value = Option<Area>> {
    let length = || {
        prop_oneof![
            (1u32..400).prop_map(Length::Pixels),
            (1u32..=1_000_000).prop_map(Length::Share)
        ]
    };
    let area = (length(), length(), length(), length())
        .prop_map(|(x, y, width, height)| Some(Area::At { x, y, width, height }));
    prop_oneof![Just(None), area]
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let bound = || (0u32..200).prop_map(NonZeroU32::new);
    let fit = (bound(), bound(), 0..9).prop_map(|(width, height, kind)| match kind {
        0 => Fit::None,
        1 => Fit::Resize { width, height },
        2 => Fit::Crop { width, height },
        3 => Fit::Pad { width, height },
        4 => Fit::Outside { width, height },
        5 => Fit::AspectCrop { width, height },
        6 => Fit::AspectPad { width, height },
        7 => Fit::Auto { width, height },
        _ => Fit::Stretch { width, height },
    });
    let round = prop_oneof![Just(Rounding::Down), Just(Rounding::Nearest)];
    let fit = (fit, round);
    let rotate = prop_oneof![
        Just(Rotation::None),
        Just(Rotation::Ccw90),
        Just(Rotation::Half),
        Just(Rotation::Ccw270)
    ];
    let gravity = prop_oneof![
        Just(Gravity::CENTER),
        Just(Gravity::Smart),
        (0u32..80_000, 0u32..80_000).prop_map(|(x, y)| Gravity::Spot { x, y }),
        (0u16..=10_000, 0u16..=10_000).prop_map(|(x, y)| Gravity::Point { x, y })
    ];
    (fit, rotate, gravity, any::<bool>(), any::<bool>(), any::<bool>(), 100u16..=400).prop_map(
        |((fit, round), rotate, gravity, enlarge, horizontal, vertical, dpr)| Plan {
            fit,
            round,
            rotate,
            gravity,
            enlarge,
            flip: Flip { horizontal, vertical },
            dpr,
            ..Plan::default()
        },
    )
}

proptest! {
    #[test]
    fn never_vanishes_stays_inside(
        width in 1u32..70_000, height in 1u32..70_000,
        orientation in 1u8..=8, plan in any_plan(),
    ) {
        let stored = Size::new(width, height);
        let made = Geometry::new(stored, Orientation::upright(orientation), &plan).unwrap();
        let (inner, output) = (made.inner(), made.output);
        prop_assert!(inner.width > 0 && inner.height > 0);
        prop_assert!(made.window.x + made.window.size.width <= made.scaled.width);
        prop_assert!(made.window.y + made.window.size.height <= made.scaled.height);
        prop_assert!(made.place.0 + inner.width <= output.width);
        prop_assert!(made.place.1 + inner.height <= output.height);
        if !plan.enlarge && !matches!(plan.fit, Fit::Stretch { .. }) {
            prop_assert!(made.scaled.width <= width && made.scaled.height <= height);
        }
        let displayed = Orientation::upright(orientation).size(stored);
        match Target::new(&plan, (displayed, displayed), u32::from(plan.dpr) * 100).fit {
            Fit::None => prop_assert_eq!(made.scaled, stored),
            Fit::Auto { .. } => prop_assert!(false, "it is one of two by then"),
            Fit::AspectPad { width, height } => {
                let (Some(width), Some(height)) = (width, height) else { return Ok(()) };
                let wanted = f64::from(width.get()) / f64::from(height.get());
                let (across, down) = (f64::from(output.width), f64::from(output.height));
                let is_near = (across - down * wanted).abs() <= wanted.max(1.0)
                    || (down - across / wanted).abs() <= wanted.recip().max(1.0);
                prop_assert!(is_near, "{output:?} of {width}x{height}");
            }
            Fit::Resize { width, height } => {
                prop_assert!(fits(Orientation::from(plan.rotate).size(output), (width, height)));
            }
            Fit::Crop { width, height } | Fit::AspectCrop { width, height } => {
                prop_assert!(fits(output, (width, height)));
            }
            Fit::Outside { width, height } => {
                let is_covered = |bound: Bound, side: u32, own: u32| {
                    bound.is_none_or(|bound| {
                        let bound = bound.get();
                        side >= if plan.enlarge { bound } else { bound.min(own) }
                    })
                };
                let scaled = Orientation::upright(orientation).size(made.scaled);
                let own = Orientation::upright(orientation).size(stored);
                prop_assert!(is_covered(width, scaled.width, own.width));
                prop_assert!(is_covered(height, scaled.height, own.height));
            }
            Fit::Pad { width, height } | Fit::Stretch { width, height } => {
                prop_assert!(width.is_none_or(|width| output.width == width.get()));
                prop_assert!(height.is_none_or(|height| output.height == height.get()));
            }
        }
    }

    #[test]
    fn all_that_bounds_a_box_keeps_inside(
        width in 1u32..70_000, height in 1u32..70_000, orientation in 1u8..=8,
        plan in any_plan(), bounds in any_bounds(), areas in (any_area(), any_area()),
        space in prop_oneof![
            Just(None), Just(Some(RotateBox::Before)), Just(Some(RotateBox::After))
        ],
        tilt in prop_oneof![Just(0), 0u16..9_000],
        (mask, border, held) in (
            prop::sample::select(Mask::WORDS), 0u16..50,
            prop_oneof![Just(None), Just(Some(Gravity::CENTER))],
        ),
    ) {
        let (crop, crop_after) = areas;
        let (mask, border) = (mask.1, Sides { left: border, ..Sides::default() });
        let plan = Plan {
            bounds, crop, crop_after, crop_gravity: held, rotate_box: space, tilt, mask,
            mask_trim: true, border, ..plan
        };
        let stored = Size::new(width, height);
        let Ok(made) = Geometry::new(stored, Orientation::upright(orientation), &plan) else {
            return Ok(());
        };
        let is_within = |inner: Rect, outer: Size| {
            inner.size.width > 0
                && inner.size.height > 0
                && u64::from(inner.x) + u64::from(inner.size.width) <= outer.width.into()
                && u64::from(inner.y) + u64::from(inner.size.height) <= outer.height.into()
        };
        prop_assert!(is_within(made.region, stored));
        prop_assert!(is_within(made.filling, made.scaled));
        prop_assert!(is_within(made.window, made.scaled));
        let size = turned(made.inner(), plan.tilt);
        let laid = Rect { x: made.place.0, y: made.place.1, size };
        prop_assert!(is_within(laid, made.canvas));
        prop_assert_eq!(made.output.height, made.canvas.height);
        prop_assert_eq!(made.output.width, made.canvas.width.saturating_add(made.border[3]));
        let most = Geometry::largest_output(stored, &plan);
        if !plan.enlarge && plan.bounds == Bounds::default() && plan.crop.is_none() {
            prop_assert!(made.output.width <= most.width && made.output.height <= most.height);
        }
    }

    #[test]
    fn a_larger_box_never_makes_a_smaller_image(
        width in 1u32..5000, height in 1u32..5000, bound in 1u32..300, more in 0u32..300,
    ) {
        let stored = Size::new(width, height);
        let make = |w| Geometry::new(stored, NONE, &plan(resize(w, 0), Rotation::None)).unwrap().output;
        let (small, large) = (make(bound), make(bound + more));
        prop_assert!(small.width <= large.width && small.height <= large.height);
    }

    #[test]
    fn the_ratio_survives_within_a_pixel(
        width in 1u32..5000, height in 1u32..5000, bound in 1u32..300,
    ) {
        let made = of(resize(bound, 0), Plan::default(), (width, height));
        let exact = f64::from(made.output.width) * f64::from(height) / f64::from(width);
        prop_assert!((f64::from(made.output.height) - exact).abs() <= 1.0);
    }
}
