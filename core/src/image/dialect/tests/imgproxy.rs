use super::*;

fn asks(options: &str, params: &str) {
    let slash = if options.is_empty() { "" } else { "/" };
    means(
        Dialect::Imgproxy,
        &format!("/sig/{options}{slash}plain/local:///a.jpg"),
        params,
        "/a.jpg",
    );
}

fn cannot(options: &str, reason: &str) {
    refuses(Dialect::Imgproxy, &format!("/sig/{options}/plain/local:///a.jpg"), reason);
}

#[test]
fn options_of_the_documentation() {
    for (options, params) in [
        ("", ""),
        ("rs:fit:300:200", "w=300,h=200,fit=scale-down"),
        ("resize:fill:300:200:0", "w=300,h=200,fit=crop"),
        ("rs:fill:300:200:1", "w=300,h=200,fit=crop,enlarge=on"),
        ("rs:fill-down:300:200", "w=300,h=200,fit=aspect-crop"),
        ("rs:force:300:200:1", "w=300,h=200,fit=stretch"),
        ("rs:force:300:200", "w=300,h=200,fit=stretch,clamp=ratio"),
        ("rs:auto:300:200", "w=300,h=200,fit=auto"),
        ("w:3/h:2/exar:1", "w=3,h=2,fit=aspect-pad,enlarge=off,background=transparent"),
        ("s:3:2/exar:1:no/bg:fff", "w=3,h=2,fit=aspect-pad,g=north,bg=fff,flatten=on"),
        ("exar:0", ""),
        ("pg:2", "page=3"),
        ("da:1", "anim=off"),
        ("rs::300:200", "w=300,h=200"),
        ("rs:fill:300:0", "w=300,h=-,fit=crop"),
        ("s:300", "w=300"),
        ("size:300:200:t", "w=300,h=200,enlarge=on"),
        ("w:300/h:200/rt:fill", "w=300,h=200,fit=crop"),
        ("width:300/w:100", "w=100"),
        ("w:100/el:true", "w=100,enlarge=on"),
        ("w:100/el:1/el:0", "w=100"),
        // What is no switch is off to its server.
        ("w:100/el:yes", "w=100"),
        ("s:1:2:3", "w=1,h=2"),
        ("t:10:fff:x:1", "trim=10,trim_color=fff,trim_equal=vertical"),
        ("w:100/dpr:2", "w=100,dpr=2"),
        ("w:100/z:1.5", "w=100,zoom=1.5"),
        ("w:100/zoom:0.5:0.5/dpr:1.5", "w=100,zoom=0.5,dpr=1.5"),
        ("mw:100/min-height:50", "min_width=100,min_height=50"),
        ("c:0.5:0.5:no", "crop=0:0:50%25:50%25,crop_gravity=north:0:0"),
        ("crop:100:50:nowe:10:20", "crop=0:0:100:50,crop_gravity=northwest:10:20"),
        ("c:100:50", "crop=0:0:100:50,crop_gravity=center:0:0"),
        ("c:100:50:fp:0.2:0.7", "crop=0:0:100:50,crop_gravity=0.2:0.7"),
        ("c:100:50:soea:-5:0.1", "crop=0:0:100:50,crop_gravity=southeast:-5:10%25"),
        ("c:1:1:nowe", "crop=0:0:1:1,crop_gravity=northwest:0:0"),
        // What is said is of the mirrored and turned picture: as above, what lies left in it comes from the right, or from
        // below.
        ("c:0.5:0.25:nowe:3:4/fl:1", "crop=0:0:50%25:25%25,crop_gravity=northeast:3:4,flip=h"),
        ("c:9:5:nowe:3:4/rot:90", "crop=0:0:5:9,crop_gravity=southwest:4:3,rotate=90"),
        ("c:9:5:no:3:4/rot:90", "crop=0:0:5:9,crop_gravity=west:4:-3,rotate=90"),
        ("c:9:5:ea:3:4/rot:180", "crop=0:0:9:5,crop_gravity=west:3:-4,rotate=180"),
        ("c:9:5:so:3:4/rot:270", "crop=0:0:5:9,crop_gravity=west:4:3,rotate=270"),
        ("sm:1", "metadata=copyright"),
        ("kcr:0/sm:1", "metadata=strip"),
        ("sm:1/kcr:0", "metadata=strip"),
        ("sm:0/kcr:0", "metadata=keep"),
        ("sm:0/kcr:1", "metadata=keep"),
        ("c:0:0.5/g:so", "crop=0:0:100%25:50%25,crop_gravity=south:0:0,gravity=south"),
        ("w:9/rot:90", "w=9,rotate=90"),
        ("rs:fill:9:9/dpr:2", "w=9,h=9,fit=crop,dpr=2"),
        ("rs:fill:9:9/g:no", "w=9,h=9,fit=crop,gravity=north"),
        ("gravity:soea:0:0", "gravity=southeast"),
        ("g:sm", "gravity=smart"),
        ("g:fp:0.3:1", "gravity=0.3:1"),
        ("g:no:0:10", "gravity=north:0:10"),
        ("g:soea:0.1:5", "gravity=southeast:10%25:5"),
        ("t:10:ff0000:1:1", "trim=10,trim_color=ff0000,trim_equal=both"),
        ("pd:10:::20", "padding=10:10:10:20,background=transparent"),
        ("pd:10/bg:fff", "padding=10:10:10:10,background=fff,flatten=on"),
        ("rs:fit:300:200:0:1", "w=300,h=200,fit=pad,enlarge=off,background=transparent"),
        ("t:10", "trim=10"),
        ("trim:10:", "trim=10"),
        ("ar:0", "orient=off"),
        ("rot:180", "rotate=180"),
        ("rot:-90", "rotate=270"),
        ("rotate:450", "rotate=90"),
        ("fl:1", "flip=h"),
        ("flip::t", "flip=v"),
        ("rot:90/fl:1", "rotate=90,flip=v"),
        ("bg:255:128:0", "background=ff8000,flatten=on"),
        ("background:f80", "background=f80,flatten=on"),
        ("bl:2.5", "blur=2.5"),
        ("sh:0.7", "sharpen=70"),
        ("pix:8", "pixelate=8"),
        ("wm:0", "watermark=off"),
        ("sm:0", "metadata=keep"),
        ("kcr:0", "metadata=strip"),
        ("scp:0", "profile=keep"),
        ("ph:0/eth:0/raw:0/att:f", ""),
        ("q:50", "quality=50"),
        ("q:0", ""),
        ("q:80/q:0", ""),
        ("mb:1000/mb:0", ""),
        ("mw:9/mh:9/mw:0", "min_height=9"),
        ("fq:jpeg:50:webp:60:jpeg:0", "webp_quality=60"),
        ("bg:", ""),
        ("bg:f80/bg:", ""),
        ("bg:f80/pd:9/bg:", "padding=9:9:9:9,background=transparent"),
        ("fq:jpeg:50:webp:60:png:1", "jpeg_quality=50,webp_quality=60"),
        ("mb:1000", "max_bytes=1000"),
        ("f:png", "format=png"),
        ("f:jxl", "format=jxl"),
        ("ext:jpg", "format=jpeg"),
        ("cb:123/fn:name", ""),
        ("rs%3Afill%3A300%3A200", "w=300,h=200,fit=crop"),
    ] {
        asks(options, params);
    }
}

#[test]
fn sources() {
    for (rest, params, source) in [
        ("plain/http://h.test/a.jpg", "", "http://h.test/a.jpg"),
        ("plain/http:/h.test/a.jpg@webp", "format=webp", "http://h.test/a.jpg"),
        ("plain/http%3A%2F%2Fh.test%2Fa.jpg%3Fv=1@", "", "http://h.test/a.jpg?v=1"),
        ("plain/http://h.test/a%2540b.jpg", "", "http://h.test/a@b.jpg"),
        ("plain/s3://bucket/a/b.jpg", "", "s3://bucket/a/b.jpg"),
        ("plain/a/b.jpg", "", "/a/b.jpg"),
        ("aHR0cDovL2gudGVzdC9hLmpwZw", "", "http://h.test/a.jpg"),
        ("aHR0cDovL2gu/dGVzdC9hLmpwZw==.png", "format=png", "http://h.test/a.jpg"),
        ("w:3/aHR0cDovL2gudGVzdC9hLmpwZw%3D%3D.gif?x=1", "w=3,format=gif", "http://h.test/a.jpg"),
    ] {
        means(Dialect::Imgproxy, &format!("/sig/{rest}"), params, source);
    }
    for (rest, reason) in [
        ("", "is missing"),
        ("plain/", "is missing"),
        ("plain/a@b@c", "several formats"),
        ("aHR0.png.png", "several formats"),
        ("!!!", "no base64url"),
        ("enc/aHR0", "\"enc\" can't"),
        ("w:1/-/h:1/plain/a", "\"-\" can't"),
        ("plain/a.jpg@exe", "\"format\" has no valid"),
        ("plain/../a.jpg", "\"..\""),
        ("plain/local:///%252e%252e/a.jpg", "\"..\""),
    ] {
        refuses(Dialect::Imgproxy, &format!("/sig/{rest}"), reason);
    }
    refuses(Dialect::Imgproxy, "/", "SIGNATURE");
    refuses(Dialect::Imgproxy, "//w:1/plain/a", "SIGNATURE");
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    for (options, reason) in [
        ("rs:force:3:0", "\"resizing_type:force without enlarge\" can't"),
        ("g:obj:face", "\"g:obj\" can't"),
        ("z:1:2", "\"z\" can't"),
        ("exar:1:no:5:5", "\"exar\" can't"),
        ("rs:fill:3:3/exar:1", "\"extend_aspect_ratio\" can't"),
        ("c:100:50:sm", "\"crop by content\" can't"),
        ("c:100:50/g:sm", "\"crop by content\" can't"),
        ("raw:1", "\"raw\" can't"),
        ("skp:gif", "\"skp\" can't"),
        ("sp:gif", "\"sp\" can't"),
        ("wm:0.5", "\"wm\" can't"),
        ("msr:10", "\"msr\" can't"),
        ("fiu:aHR0", "\"fiu\" can't"),
        ("f:ico", "\"format:ico\" can't"),
        ("w:-1", "\"w\" has no valid"),
        ("w:1:2", "\"w\" has no valid"),
        ("w:", "\"w\" has no valid"),
        ("rs:fit:a", "\"rs\" has no valid"),
        ("rs:fat", "\"resizing_type\" has no valid"),
        ("dpr:0", "\"dpr\" has no valid"),
        ("rot:45", "\"rot\" has no valid"),
        ("q:101", "\"q\" has no valid"),
        ("bg:zz", "\"bg\" has no valid"),
        ("bg:1:2", "\"bg\" has no valid"),
        ("exp:soon", "\"exp\" has no valid"),
        ("pr:thumb/q:0", "\"q\" can't"),
        ("bogus:1", "unknown option \"bogus\""),
    ] {
        cannot(options, reason);
    }
}

#[test]
fn links_end() {
    let expires = |options: &str| {
        read(Dialect::Imgproxy, &format!("/sig/{options}/plain/a.jpg")).unwrap().expires
    };
    assert_eq!(expires("exp:7/w:1/expires:9"), Some(7));
    assert_eq!(expires("exp:0"), None);
    assert_eq!(expires("w:1"), None);
}

#[test]
fn presets_stand_where_they_are_named() {
    let mut presets = Presets::default();
    presets.add(b"thumb", b"w=100,h=100,q=50").unwrap();
    let made = |options: &str| {
        let asked = read(Dialect::Imgproxy, &format!("/sig/{options}/plain/a.jpg")).unwrap();
        let mut plan = Plan::default();
        plan.apply(&asked.params, &presets, std::iter::empty(), Hints::default()).unwrap();
        plan
    };
    let params = |list: &str| Plan::from_params(list).unwrap();
    cannot(&format!("pr{}", ":a".repeat(101)), "more than");
    assert_eq!(made("pr:thumb/w:9"), params("w=9,h=100,q=50"));
    assert_eq!(made("w:9/pr:thumb"), params("w=100,h=100,q=50"));
}
