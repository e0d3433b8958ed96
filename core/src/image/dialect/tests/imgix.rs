use super::*;

fn asks(query: &str, params: &str) {
    means(Dialect::Imgix, &format!("/a.jpg?{query}"), params, "/a.jpg");
}

#[test]
fn options_of_the_documentation() {
    for (query, params) in [
        ("", ""),
        ("w=300", "w=300,fit=contain"),
        ("w=300&h=200", "w=300,h=200,fit=contain"),
        ("w=300&h=200&fit=clip", "w=300,h=200,fit=contain"),
        ("w=300&h=200&fit=crop", "w=300,h=200,fit=cover"),
        ("w=300&h=200&fit=max", "w=300,h=200,fit=scale-down"),
        ("w=300&h=200&fit=min", "w=300,h=200,fit=aspect-crop"),
        ("w=300&h=200&fit=scale", "w=300,h=200,fit=stretch"),
        (
            "w=300&h=200&fit=fill&fill=solid&fill-color=red",
            "w=300,h=200,fit=pad,background=red,flatten=on",
        ),
        (
            "w=300&h=200&fit=fillmax&bg=FF0000",
            "w=300,h=200,fit=pad,enlarge=off,background=f00,flatten=on",
        ),
        ("w=9&h=9&fit=crop&crop=top,left", "w=9,h=9,fit=cover,gravity=northwest"),
        ("w=9&h=9&fit=crop&crop=entropy", "w=9,h=9,fit=cover,gravity=smart"),
        ("w=9&h=9&fit=crop&crop=focalpoint&fp-x=0.2&fp-y=0.7", "w=9,h=9,fit=cover,gravity=0.2:0.7"),
        ("w=9&h=9&ar=16:9&fit=crop", "w=9,h=9,fit=cover"),
        ("w=300&dpr=2", "w=300,fit=contain,dpr=2"),
        ("w=0.5", "w=50%25,fit=contain"),
        ("w=300&ar=16:9&fit=crop", "w=300,ar=16:9,fit=cover"),
        ("ar=1:1&fit=crop", "ar=1:1,fit=cover"),
        ("rect=10,20,300,200", "crop=10:20:300:200"),
        ("rect=right,0.1,0.5,full", "crop=0:10%25:50%25:100%25,crop_gravity=northeast"),
        ("rect=center,middle,10,10", "crop=0:0:10:10,crop_gravity=center"),
        ("rect=left,top,10,10", "crop=0:0:10:10"),
        ("px=9&sepia=50&hue=20&sat=-20", "pixelate=9,sepia=0.5,hue=20,saturation=0.8"),
        ("invert=true&duotone=000,fff&mask=ellipse", "negate=on,duotone=000:fff,mask=ellipse"),
        ("trim=auto", "trim=10"),
        ("trim=color&trim-color=fff&trim-tol=3", "trim=3,trim_color=fff"),
        ("frame=3", "page=3"),
        (
            "border=2,80ff0000&border-left=9",
            "border=2:2:2:9,border_color=%23ff000080,border_place=over",
        ),
        ("min-w=9&max-h=8", "min_width=9,max_height=8"),
        ("auto=format,compress", "format=auto"),
        ("auto=compress&fm=jpg", "format=jpeg"),
        ("fm=pjpg&q=50", "format=jpeg,interlace=on,quality=50"),
        ("fm=png32", "format=png"),
        ("flip=hv", "flip=hv"),
        ("bg=fff&rot=0&sat=0&blur=0", "background=white,flatten=on"),
        ("ixlib=js-3.8.0&ixid=abc&s=0123&unheard=1", ""),
    ] {
        asks(query, params);
    }
}

#[test]
fn sources() {
    means(Dialect::Imgix, "/a/b%20c.jpg?w=3", "w=3,fit=contain", "/a/b%20c.jpg");
    means(Dialect::Imgix, "/http%3A%2F%2Fh.test%2Fa%2520b.jpg", "", "http://h.test/a%20b.jpg");
    refuses(Dialect::Imgix, "/", "no source");
    refuses(Dialect::Imgix, "/a/..%2fb?w=3", "\"..\"");
}

#[test]
fn links_end() {
    assert_eq!(read(Dialect::Imgix, "/a.jpg?expires=7&s=1").unwrap().expires, Some(7));
    refuses(Dialect::Imgix, "/a.jpg?expires=soon", "\"expires\"");
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    for (query, reason) in [
        ("fit=facearea&w=9", "\"fit=facearea\" can't"),
        ("fit=clamp&w=9", "\"fit=clamp\" can't"),
        ("w=9&h=9&fit=crop&crop=faces", "\"crop=faces\" can't"),
        ("auto=enhance", "\"auto=enhance\" can't"),
        ("fm=mp4", "\"fm=mp4\" can't"),
        ("txt=hello", "\"txt\" can't"),
        ("txt-size=3", "\"txt-size\" can't"),
        ("mark-align=top", "\"mark-align\" can't"),
        ("blur=20", "\"blur\" can't"),
        ("bri=20", "\"bri\" can't"),
        ("mask=corners", "\"mask\" can't"),
        ("border=9,f00&border-radius=3", "\"border-radius\" can't"),
        ("border=9", "\"border\" has no valid"),
        ("trim=colour", "\"trim\" can't"),
        ("rot=90", "\"rot\" can't"),
        ("w=0", "\"w\" has no valid"),
        ("fit=round", "\"fit\" has no valid"),
        ("q=101", "\"q\" has no valid"),
        ("rect=1,2,3", "\"rect\" has no valid"),
        ("flip=x", "\"flip\" has no valid"),
    ] {
        refuses(Dialect::Imgix, &format!("/a.jpg?{query}"), reason);
    }
}

#[test]
fn a_fit_that_is_left_out_leaves_the_rest() {
    let link = Dialect::Imgix.link(b"/a.jpg?fit=facearea&w=9&h=8&dpr=2&flip=h&rect=1,2,3,4", b"/");
    let asked = Dialect::Imgix.read(link.unwrap(), Unknown::Ignore).unwrap();
    assert_eq!(asked.left_out, ["fit=facearea"]);
    let mut expected = plan_of(&Asked { params: Default::default(), ..asked.clone() });
    expected.set_params("w=9,h=8,fit=contain,dpr=2,flip=h,crop=1:2:3:4").unwrap();
    assert_eq!(plan_of(&asked), expected);
}
