use super::*;

fn asks(options: &str, params: &str) {
    means(Dialect::Cloudflare, &format!("/cdn-cgi/image/{options}/a.jpg"), params, "/a.jpg");
}

fn cannot(options: &str, reason: &str) {
    refuses(Dialect::Cloudflare, &format!("/cdn-cgi/image/{options}/a.jpg"), reason);
}

#[test]
fn options_of_the_documentation() {
    for (options, params) in [
        ("width=250", "width=250"),
        ("w=250,h=100", "width=250,height=100"),
        ("w=1,w=2", "w=2"),
        ("w=10,dpr=2", "w=10,dpr=2"),
        ("anim=false", "anim=off"),
        ("anim=true", "anim=on"),
        ("background=%23ff0000", "background=red,flatten=on"),
        ("background=red", "background=red,flatten=on"),
        ("trim=1;2;3;4,w=5", "trim=1:2:3:4,w=5"),
        ("background=rgb%28240%2C40%2C145%29", "background=rgb(240%2C40%2C145),flatten=on"),
        ("blur=50", "blur=50"),
        ("brightness=0.5,contrast=2", "brightness=0.5,contrast=2"),
        ("brightness=0,contrast=0,gamma=0", ""),
        ("gamma=2.0,saturation=0", "gamma=2,saturation=0"),
        ("compression=fast", "effort=0"),
        ("w=9,fit=scale-down", "w=9,fit=scale-down"),
        ("w=9,fit=contain", "w=9,fit=contain"),
        ("w=9,h=9,fit=cover,gravity=auto", "w=9,h=9,fit=cover,gravity=smart"),
        ("w=9,h=9,fit=crop,g=left", "w=9,h=9,fit=crop,gravity=west"),
        ("w=9,h=9,fit=cover,g=0x1", "w=9,h=9,fit=cover,gravity=southwest"),
        ("w=9,h=9,fit=cover,g=0.5x0.33", "w=9,h=9,fit=cover,gravity=0.5:0.33"),
        ("w=9,h=9,fit=pad,g=left", "w=9,h=9,fit=pad"),
        ("w=9,h=9,fit=squeeze", "w=9,h=9,fit=stretch"),
        ("flip=h", "flip=h"),
        ("flip=hv", "flip=hv"),
        ("format=auto", "format=auto"),
        ("f=avif", "format=avif"),
        ("f=webp,q=80", "format=webp,quality=80"),
        ("f=jpeg", "format=jpeg,interlace=on"),
        ("f=baseline-jpeg", "format=jpeg,interlace=off"),
        ("metadata=keep", "metadata=keep"),
        ("metadata=none", "metadata=strip"),
        ("onerror=redirect", ""),
        ("quality=50", "quality=50"),
        ("q=low", "quality=45"),
        ("q=high,scq=50", "quality=85,slow_quality=50"),
        ("rotate=180", "rotate=180"),
        ("rotate=90", "rotate=90"),
        ("w=9,rotate=90", "w=9,rotate=90"),
        ("w=9,fit=scale-up", "w=9,fit=scale-up"),
        ("trim.width=678,trim.height=600,trim.left=30,trim.top=40", "crop=30:40:678:600"),
        ("trim.width=10,trim.height=20,dpr=2,w=5", "crop=0:0:20:40,dpr=2,w=5"),
        ("sharpen=2", "sharpen=20"),
        ("trim=border", "trim=10"),
        ("border.width=3,border.color=red", "border=3:3:3:3,border_color=red"),
        (
            "border.top=1,border.left=2,border.color=rgb%280%2C0%2C0%29",
            "border=1:0:0:2,border_color=black",
        ),
    ] {
        asks(options, params);
    }
}

#[test]
fn sources() {
    for (rest, source) in [
        ("a.jpg", "/a.jpg"),
        ("a%20b.jpg?v=1&w=2", "/a%20b.jpg?v=1&w=2"),
        ("/a//b.jpg", "/a/b.jpg"),
        ("https://h.test/a%2520b.jpg?c", "https://h.test/a%2520b.jpg?c"),
        ("https:/h.test/a.jpg", "https://h.test/a.jpg"),
        ("https%3A%2F%2Fh.test%2Fa.jpg%3Fc", "https://h.test/a.jpg?c"),
        ("https%3A%2F%2Fh.test%2Fa%2520b.jpg?c=%2526%3D", "https://h.test/a%20b.jpg?c=%2526%3D"),
    ] {
        means(Dialect::Cloudflare, &format!("/cdn-cgi/image/w=3/{rest}"), "w=3", source);
    }
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    for (options, reason) in [
        ("gravity=face", "\"gravity=face\" can't"),
        ("segment=foreground", "\"segment\" can't"),
        ("upscale=generate", "\"upscale\" can't"),
        ("zoom=0.5", "\"zoom\" can't"),
        ("border=1", "\"border\" can't"),
        ("border.width=1", "\"border\" has no valid"),
        ("border.color=red", "\"border\" has no valid"),
        ("trim.width=4", "\"trim\" can't"),
        ("width=0", "\"width\" has no valid"),
        ("w=-1", "\"width\" has no valid"),
        ("w=1.5", "\"width\" has no valid"),
        ("dpr=3", "\"dpr\" has no valid"),
        ("fit=around", "\"fit\" has no valid"),
        ("gravity=2x0", "\"gravity\" has no valid"),
        ("rotate=45", "\"rotate\" has no valid"),
        ("anim=1", "\"anim\" has no valid"),
        ("quality=0", "\"quality\" has no valid"),
        ("quality=best", "\"quality\" has no valid"),
        ("blur=1e2", "\"blur\" has no valid"),
        ("trim=1;2;3", "\"trim\" has no valid"),
        ("resize=3", "unknown option \"resize\""),
        ("width", "\"width\" has no valid"),
    ] {
        cannot(options, reason);
    }
    for uri in [
        "/cdn-cgi/image/a.jpg",
        "/cdn-cgi/image//a.jpg",
        "/cdn-cgi/image/w=1/",
        "/cdn-cgi/image/w=1",
        "/a.jpg",
    ] {
        refuses(Dialect::Cloudflare, uri, "the link");
    }
}

#[test]
fn what_cannot_be_done_may_be_left_out() {
    let uri = b"/cdn-cgi/image/w=3,zoom=1,segment=foreground/a.jpg";
    let link = Dialect::Cloudflare.link(uri, b"/").unwrap();
    let asked = Dialect::Cloudflare.read(link, Unknown::Ignore).unwrap();
    assert_eq!(asked.left_out, ["segment", "zoom"]);
    let link = Dialect::Cloudflare.link(b"/cdn-cgi/image/w=x/a.jpg", b"/").unwrap();
    assert!(Dialect::Cloudflare.read(link, Unknown::Ignore).is_err());
}
