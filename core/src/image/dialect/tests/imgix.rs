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
        ("auto=format&auto=compress", "format=auto"),
        ("auto=compress&auto=format&auto=", "format=auto"),
        ("auto=compress&fm=jpg", "format=jpeg"),
        ("fm=pjpg&q=50", "format=jpeg,interlace=on,quality=50"),
        ("fm=png32", "format=png"),
        ("flip=hv", "flip=hv"),
        ("bg=fff&rot=0&sat=0&blur=0", "background=white,flatten=on"),
        ("ixlib=js-3.8.0&ixid=abc&s=0123&unheard=1", ""),
        // As Pexels and Unsplash write them.
        ("auto=compress&cs=tinysrgb&dpr=2&h=650", "h=650,fit=contain,dpr=2"),
        (
            "crop=entropy&cs=tinysrgb&fit=max&fm=jpg&ixid=a&ixlib=b&q=80&w=1080&dpi=72",
            "w=1080,fit=scale-down,format=jpeg,quality=80",
        ),
        ("width=300&height=200&f=crop&inv=true", "w=300,h=200,fit=cover,negate=on"),
        (
            "w64=MzAw&h64=MjAw&fit64=Y3JvcA&crop64=ZW50cm9weQ==",
            "w=300,h=200,fit=cover,gravity=smart",
        ),
        ("width64=MzAw&bg64=ZmZm", "w=300,fit=contain,background=white,flatten=on"),
        ("unheard64=!&ixid64=MTAw", ""),
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
        ("bg-remove=true", "\"bg-remove\" can't"),
        ("bg-replace=beach", "\"bg-replace\" can't"),
        ("super-resolution=true", "\"super-resolution\" can't"),
        ("border=1,f00&border-stroke-size=3", "\"border-stroke-size\" can't"),
        ("w=9&h=9&fit=fill&fill=gradient", "\"fill=gradient\" can't"),
        ("cs=adobergb1998", "\"cs=adobergb1998\" can't"),
        ("svg-sanitize=false", "\"svg-sanitize\" can't"),
        ("txt=0", "\"txt\" can't"),
        ("txt64=SGVsbG8", "\"txt\" can't"),
        ("bg-remove64=dHJ1ZQ", "\"bg-remove\" can't"),
        ("cs64=YWRvYmVyZ2IxOTk4", "\"cs=adobergb1998\" can't"),
        ("w64=!", "\"w64\" has no valid"),
        ("w64=_w", "\"w64\" has no valid"),
    ] {
        refuses(Dialect::Imgix, &format!("/a.jpg?{query}"), reason);
    }
}

/// All that its documentation lists, with what each is called as well.
const DOCUMENTED: &str = "\
    annotation ar auto b ba background-removal-semi-transparency background-remove \
     background-replace background-replace-negative-prompt balph bc bf bg bg-remove \
     bg-remove-fallback bg-remove-fg-type bg-remove-semi-transparency \
     bg-remove-transparency-threshold bg-replace bg-replace-fallback bg-replace-neg-prompt bh \
     blend blend-align blend-alpha blend-clr blend-color blend-crop blend-fit blend-h \
     blend-mode blend-pad blend-size blend-w blend-x blend-y blendalign blendalpha blendclr \
     blendcolor blendcrop blendfit blendh blendmode blendpad blendsize blendw blendx blendy \
     blur bm border border-bottom border-left border-radius border-radius-inner border-right \
     border-stroke-color border-stroke-size border-top bp bri bs bw bx by ch chromasub \
     colorquant colors con corner-radius crop cs dl dpi dpr duotone duotone-alpha exp expires f \
     face-blur face-pixel face-pixelate faceindex facepad faces fill fill-color \
     fill-gen-fallback fill-gen-neg-prompt fill-gen-pos fill-gen-prompt fill-gen-seed \
     fill-generative-fallback fill-generative-negative-prompt fill-generative-position \
     fill-generative-prompt fill-generative-seed fill-gradient-cs fill-gradient-linear \
     fill-gradient-linear-direction fill-gradient-radial fill-gradient-radial-radius \
     fill-gradient-radial-x fill-gradient-radial-y fill-gradient-type fillcolor fit flip fm \
     fp-debug fp-x fp-y fp-z fps frame gam grid-colors grid-size h height high htn hue interval \
     inv invert iptc jpeg-progressive jpg-progressive license-plate-blur loop lossless lp-blur \
     m ma malph mark mark-align mark-alpha mark-base mark-fit mark-h mark-if-min-height \
     mark-if-min-width mark-pad mark-rot mark-scale mark-tile mark-w mark-x mark-y markalign \
     markalpha markbase markfit markh markpad markscale marktile markw markx marky mask mask-bg \
     maskbg max-h max-height max-w max-width mb mf mh min-h min-height min-w min-width mono \
     monochrome mp ms mtile mw mx my nr nrs object-removal-negative-prompt \
     object-removal-prompt object-removal-rect object-removal-seed or orient pad pad-bottom \
     pad-left pad-right pad-top page palette pdf-annotation prefix px q rasterize-bypass rect \
     reverse rot rot-type rott rottype sat sepia shad sharp skip svg-sanitize t ta tc tcl tf tl \
     tp transparency trim trim-alpha trim-color trim-md trim-pad trim-sd trim-tol trimcolor \
     trimmd trimpad trimsd trimtol tsh tsz tt txt txt-align txt-clip txt-clr txt-color txt-fit \
     txt-font txt-lead txt-line txt-line-clr txt-line-color txt-pad txt-shad txt-size txt-track \
     txt-width txt-x txt-y txtalign txtclip txtclr txtcolor txtfit txtfont txtlead txtline \
     txtlineclr txtlinecolor txtpad txtshad txtsize txttrack txtwidth txtx txty upscale \
     upscale-fallback usm usmrad vib video-bitrate video-clip-duration video-clip-end \
     video-clip-start video-codec video-generate-subtitles video-renditions \
     video-spritesheet-columns video-spritesheet-format video-spritesheet-h \
     video-spritesheet-interval video-spritesheet-smart-crop video-spritesheet-w \
     video-subtitle-translations video-thumbnail video-wave video-wave-align \
     video-wave-amplitude video-wave-bg-color video-wave-color video-wave-h video-wave-mode \
     video-wave-pad video-wave-scale video-wave-split video-wave-thickness video-wave-w \
     video-wave-x video-wave-y w width";

#[test]
fn no_option_of_the_documentation_is_passed_over() {
    let nothing = plan_of(&read(Dialect::Imgix, "/a.jpg").unwrap());
    // What they say is not of the picture, or only goes for what another one says.
    let silent = [
        "ar",
        "auto",
        "bg",
        "ch",
        "crop",
        "dpi",
        "fill",
        "fill-color",
        "fillcolor",
        "fp-x",
        "fp-y",
        "lossless",
        "trim-color",
        "trimcolor",
        "trim-tol",
        "trimtol",
        "svg-sanitize",
        "border-top",
        "border-right",
        "border-bottom",
        "border-left",
        "dpr",
        "inv",
        "invert",
        // Other names of "blend", "mark" and "txt", and what tokens and versions are called.
        "b",
        "m",
        "t",
    ];
    for name in DOCUMENTED.split_whitespace().filter(|name| !silent.contains(name)) {
        for (name, value) in [(name.to_owned(), "17"), (format!("{name}64"), "MTc")] {
            match read(Dialect::Imgix, &format!("/a.jpg?{name}={value}")) {
                Ok(asked) if asked.expires.is_some() => {}
                Ok(asked) => assert_ne!(plan_of(&asked), nothing, "{name}"),
                Err(Error::BadParams(reason)) => {
                    let plain = name.trim_end_matches("64");
                    let is_said = reason.contains("can't be done here")
                        || reason.contains("has no valid value");
                    assert!(is_said, "{plain}: {reason}");
                }
                Err(error) => panic!("{name}: {error}"),
            }
        }
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

#[test]
fn compress_has_a_quality_of_its_own() {
    for (query, quality) in [
        ("", 75),
        ("auto=format", 75),
        ("auto=compress", 45),
        ("auto=format&auto=compress", 45),
        ("auto=compress&q=60", 60),
    ] {
        let asked = read(Dialect::Imgix, &format!("/a.jpg?{query}")).unwrap();
        assert_eq!(plan_of(&asked).jpeg_quality, quality, "{query}");
    }
}
