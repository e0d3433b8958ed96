use super::*;

fn asks(options: &str, params: &str) {
    means(Dialect::Thumbor, &format!("/unsafe/{options}a.jpg"), params, "/a.jpg");
}

fn cannot(options: &str, reason: &str) {
    refuses(Dialect::Thumbor, &format!("/unsafe/{options}a.jpg"), reason);
}

#[test]
fn options_of_the_documentation() {
    for (options, params) in [
        ("", ""),
        ("300x200/", "w=300,h=200,fit=cover"),
        ("300x0/", "w=300,fit=cover"),
        ("x200/", "h=200,fit=cover"),
        ("0x0/", ""),
        ("origxorig/", "fit=cover,enlarge=on"),
        ("-300x-200/", "w=300,h=200,fit=cover,flip=hv"),
        ("-0x0/", "flip=h"),
        ("fit-in/300x200/", "w=300,h=200,fit=scale-down"),
        ("fit-in/300x200/filters:upscale()/", "w=300,h=200,fit=contain"),
        ("fit-in/300x200/filters:fill(red)/", "w=300,h=200,fit=pad,enlarge=off,background=red"),
        (
            "fit-in/9x8/filters:fill(red,1)/",
            "w=9,h=8,fit=pad,enlarge=off,background=red,flatten=on",
        ),
        (
            "fit-in/9x8/filters:fill(red,True):fill(blue,false)/",
            "w=9,h=8,fit=pad,enlarge=off,background=blue,flatten=off",
        ),
        ("fit-in/9x8/filters:fill(red,yes)/", "w=9,h=8,fit=scale-down,enlarge=off"),
        ("full-fit-in/300x200/", "w=300,h=200,fit=outside,enlarge=on"),
        ("full-fit-in/300x200/filters:no_upscale()/", "w=300,h=200,fit=outside,clamp=sides"),
        ("stretch/3x3/filters:no_upscale()/", "w=3,h=3,fit=stretch,clamp=sides"),
        ("adaptive-fit-in/300x200/", "w=300,h=200,fit=scale-down,adaptive=on"),
        ("adaptive-full-fit-in/300x200/", "w=300,h=200,fit=outside,adaptive=on"),
        ("trim:bottom-right:5/", "trim=5,trim_corner=bottom-right"),
        ("300x200/filters:focal(10x20:30x40)/", "w=300,h=200,fit=cover,gravity=20px:30px"),
        ("filters:page(3)/", "page=3"),
        ("filters:rotate(90):rotate(180)/", "rotate=90"),
        ("stretch/300x200/", "w=300,h=200,fit=stretch"),
        ("300x200/filters:stretch()/", "w=300,h=200,fit=stretch"),
        ("300x200/filters:no_upscale()/", "w=300,h=200,fit=cover,clamp=sides"),
        ("300x200/left/top/", "w=300,h=200,fit=cover,gravity=northwest"),
        ("300x200/center/bottom/", "w=300,h=200,fit=cover,gravity=south"),
        ("-300x200/left/", "w=300,h=200,fit=cover,gravity=west,flip=h"),
        ("300x200/filters:rotate(90)/", "w=300,h=200,fit=cover,rotate=270"),
        ("10x20:110x70/300x0/", "crop=10:20:100:50,w=300,fit=cover"),
        ("900x900:1000x1000/300x0/", "crop=900:900:100:100,w=300,fit=cover"),
        ("0.1x0.2:0.9x0.7/", "crop=10%25:20%25:80%25:50%25"),
        ("300x200/smart/", "w=300,h=200,fit=cover,gravity=smart"),
        ("300x200/filters:focal(0.1x0.2:0.3x0.4)/", "w=300,h=200,fit=cover,gravity=0.2:0.3"),
        ("trim/", "trim=0"),
        ("trim:top-left:20/300x0/", "trim=20,w=300,fit=cover"),
        ("trim:30/", "trim=30"),
        ("0x0:0x0/300x0/", "w=300,fit=cover"),
        ("filters:quality(40)/", "quality=40"),
        ("filters:format(webp):grayscale()/", "format=webp,grayscale=on"),
        // Its server takes the one, and passes over the others.
        ("filters:format(PNG)/", "format=png"),
        ("filters:format(webp):format(bmp)/", ""),
        ("filters:rotate(90):rotate(45)/", "rotate=270"),
        ("filters:blur(7)/", "blur=7"),
        ("filters:blur(7,2.5)/", "blur=2.5"),
        ("filters:sharpen(1.5,0.5,true)/", "sharpen=150"),
        ("filters:max_bytes(40000)/", "max_bytes=40000"),
        ("filters:rotate(90)/", "rotate=270"),
        ("filters:rotate(180)/", "rotate=180"),
        ("filters:strip_exif():strip_icc()/", "metadata=strip,profile=srgb"),
        ("filters:background_color(f00)/", "background=f00,flatten=on"),
        ("fit-in/9x8/filters:fill(blur)/", "w=9,h=8,fit=pad,enlarge=off,background=blur"),
        ("fit-in/9x8/1x2:3x4/", "w=9,h=8,fit=scale-down,padding=2:3:4:1"),
        ("filters:invert()/", "negate=on"),
        ("filters:pixelate()/", "pixelate=10"),
        ("filters:max_age(60):preview():unheard_of(1,2)/", ""),
        ("filters:max_frames(1):page(1)/", "anim=off"),
    ] {
        asks(options, params);
    }
}

#[test]
fn sources() {
    for (rest, source) in [
        ("h.test/a.jpg", "http://h.test/a.jpg"),
        ("https://h.test/a.jpg", "https://h.test/a.jpg"),
        ("https%3A%2F%2Fh.test%2Fa.jpg%3Fv%3D1", "https://h.test/a.jpg?v=1"),
        ("/a%2520b.jpg", "/a%2520b.jpg"),
        ("300x200/smart/path%20to/image.jpg?x=1", "/path%20to/image.jpg"),
        ("b64:aHR0cDovL2gudGVzdC9hLmpwZw", "http://h.test/a.jpg"),
        ("filters:blur(1)/filters:x/a.jpg", "/filters:x/a.jpg"),
    ] {
        let asked = read(Dialect::Thumbor, &format!("/unsafe/{rest}")).unwrap();
        let origin = asked.source.origin.as_ref();
        let origin =
            origin.map_or(String::new(), |origin| format!("{}://{}", origin.scheme, origin.host));
        assert_eq!(origin + &asked.source.target(), source, "{rest}");
    }
    for (uri, reason) in [
        ("/", "SIGNATURE"),
        ("/unsafe", "SIGNATURE"),
        ("//a.jpg", "SIGNATURE"),
        ("/unsafe/", "\"image\""),
        ("/unsafe/filters:blur(1)", "no end"),
        ("/unsafe/color:red", "\"image\""),
        ("/unsafe/../a.jpg", "\"..\""),
        ("/unsafe/a/%2e%2e/a.jpg", "\"..\""),
    ] {
        refuses(Dialect::Thumbor, uri, reason);
    }
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    for (options, reason) in [
        ("debug/", "\"debug\" can't"),
        ("debug/meta/", "\"debug\" can't"),
        ("filters:watermark(b.png,1,2,3)/", "\"watermark\" can't"),
        ("filters:round_corner(3)/", "\"round_corner\" can't"),
        ("filters:brightness(3)/", "\"brightness\" can't"),
        ("filters:modulate(1,2,3)/", "\"modulate\" can't"),
        ("filters:padding(red,3)/", "\"padding\" can't"),
        ("filters:trim(3)/", "\"trim\" can't"),
        ("filters:palette()/", "\"palette\" can't"),
        ("filters:bitdepth(2)/", "\"bitdepth\" can't"),
        ("filters:fallback_format(png)/", "\"fallback_format\" can't"),
        ("filters:dpi(300)/", "\"dpi\" can't"),
        ("filters:format(jxl)/", "\"format(jxl)\" can't"),
        ("filters:fill(auto)/", "\"fill(auto)\" can't"),
        ("filters:focal(1x2:3x4):focal(5x6:7x8)/", "\"focal twice\" can't"),
        ("filters:focal(here)/", "\"focal\" has no valid"),
        ("filters:quality(x)/", "\"quality\" has no valid"),
        ("filters:quality/", "\"quality\" has no valid"),
        ("trim/10x20:110x70/", "\"crop behind trim\" can't"),
        ("trim:x/", "\"trim\" has no valid"),
    ] {
        cannot(options, reason);
    }
    refuses(Dialect::Thumbor, "/params/unsafe/a.jpg", "\"params\" can't");
}

#[test]
fn links_end() {
    let asked = read(Dialect::Thumbor, "/unsafe/filters:expire(7999)/a.jpg").unwrap();
    assert_eq!(asked.expires, Some(7));
}
