use super::*;

fn asks(query: &str, params: &str) {
    let fit = if params.contains("fit=") { "" } else { ",fit=contain" };
    means(Dialect::Weserv, &format!("/?url=/a.jpg&{query}"), &format!("{params}{fit}"), "/a.jpg");
}

fn cannot(query: &str, reason: &str) {
    refuses(Dialect::Weserv, &format!("/?url=/a.jpg&{query}"), reason);
}

#[test]
fn arguments_of_the_documentation() {
    for (query, params) in [
        ("", ""),
        ("w=300", "w=300"),
        ("width=300&height=200", "w=300,h=200"),
        ("w=300&w=100", "w=300"),
        ("w=x&h=-1&dpr=9&q=0", ""),
        ("h=144&dpr=2", "h=144,dpr=2"),
        ("w=300&h=300&fit=inside", "w=300,h=300"),
        ("w=300&h=300&fit=inside&we", "w=300,h=300,fit=contain,enlarge=off"),
        ("w=300&h=300&t=fit", "w=300,h=300,fit=contain,enlarge=off"),
        ("w=300&h=300&we=false", "w=300,h=300"),
        ("w=300&h=300&fit=outside", "w=300,h=300,fit=outside"),
        ("w=300&h=300&fit=cover", "w=300,h=300,fit=cover"),
        ("w=300&h=300&fit=cover&a=top", "w=300,h=300,fit=cover,gravity=north"),
        ("w=300&h=300&fit=cover&align=bottom-right", "w=300,h=300,fit=cover,gravity=southeast"),
        ("w=300&h=300&fit=cover&a=attention", "w=300,h=300,fit=cover,gravity=smart"),
        ("w=300&h=300&fit=cover&a=focal&fpy=0.45", "w=300,h=300,fit=cover,gravity=0.5:0.45"),
        ("w=300&h=900&fit=cover&a=crop-22-0", "w=300,h=900,fit=cover,gravity=0.22:0"),
        ("w=300&h=300&fit=fill", "w=300,h=300,fit=stretch"),
        ("w=300&h=300&fit=contain&cbg=black", "w=300,h=300,fit=pad,background=black"),
        ("w=300&trim=10", "w=300,trim=10"),
        ("trim=", "trim=10"),
        ("trim=255", ""),
        ("flip&flop", "flip=hv"),
        ("flip=0&flop", "flip=h"),
        ("ro=-450", "rotate=270"),
        ("ro=90&flip", "rotate=90,flip=h"),
        ("w=200&ro=90", "w=200,rotate=90"),
        ("w=60&h=20&fit=fill&ro=90", "w=60,h=20,fit=stretch,rotate=90"),
        ("w=50%25", "w=50%25"),
        ("cx=680&cy=500&cw=300&ch=200", "crop_after=680:500:300:200"),
        ("cx=10%25&cw=50%25&precrop", "crop=10%25:0:50%25:100%25"),
        ("crop=300,200,680,500", "crop_after=680:500:300:200"),
        ("bg=black", "background=black,flatten=on"),
        ("bg=CCC", "background=ccc,flatten=on"),
        ("bg=fCCC", "background=ccc,flatten=on"),
        ("bg=8CCC", "background=ccc8,flatten=on"),
        ("w=9&h=9&fit=contain&output=png", "w=9,h=9,fit=pad,background=transparent,format=png"),
        ("filt=sepia", "sepia=1"),
        ("filt=negate", "negate=on"),
        ("filt=duotone&start=000", "duotone=000:d8e74f"),
        ("tint=red", "tint=red"),
        ("trim=20&tbg=red", "trim=20,trim_color=red"),
        ("output=jxl", "format=jxl"),
        ("output=webp&ll", "format=webp,lossless=on"),
        ("bg=none", ""),
        ("blur=5", "blur=5"),
        ("blur", "blur=0.82"),
        ("blur=0", ""),
        ("gam=3", "gamma=3"),
        ("gam", "gamma=2.2"),
        ("mod=2", "brightness=2"),
        ("mod=1,0.5,90", "brightness=1,saturation=0.5,hue=90"),
        ("sat=0.5&hue=-450", "saturation=0.5,hue=-90"),
        ("sharp=3", "sharpen=300"),
        ("sharp=1,2,3", "sharpen=300"),
        ("filt=greyscale", "grayscale=on"),
        ("il", "interlace=on"),
        ("n=-1", "anim=on"),
        ("n=1&page=0", ""),
        ("page=2", "page=3"),
        ("mask=circle&mtrim", "mask=circle,mask_trim=on"),
        ("mtrim", ""),
        ("w=9&h=9&fit=fill&we", "w=9,h=9,fit=stretch,clamp=sides"),
        ("output=jpg&q=20", "format=jpeg,q=20"),
        ("output=av1", "format=avif"),
        ("output=origin", ""),
        ("l=9&af&default=1&errorredirect=x&filename=a&maxage=31d&encoding=x&other=1", ""),
    ] {
        asks(query, params);
    }
}

#[test]
fn sources() {
    for (query, source) in [
        ("url=wsrv.nl/lichtenstein.jpg", "http://wsrv.nl/lichtenstein.jpg"),
        ("url=//wsrv.nl/a.jpg", "http://wsrv.nl/a.jpg"),
        ("url=ssl:wsrv.nl/a.jpg", "https://wsrv.nl/a.jpg"),
        ("url=https%3A%2F%2Fwsrv.nl%2Fa.jpg%3Fv%3D1%26w%3D2", "https://wsrv.nl/a.jpg?v=1&w=2"),
        ("url=/a%2520b.jpg", "/a%20b.jpg"),
        ("w=1&url=a%20b/c.jpg", "/a%20b/c.jpg"),
    ] {
        let asked = read(Dialect::Weserv, &format!("/?{query}")).unwrap();
        let origin = asked.source.origin.as_ref();
        let origin =
            origin.map_or(String::new(), |origin| format!("{}://{}", origin.scheme, origin.host));
        assert_eq!(origin + &asked.source.target(), source, "{query}");
    }
    for uri in ["/", "/?w=1", "/?url=", "/?url"] {
        refuses(Dialect::Weserv, uri, "\"url\" is missing");
    }
    refuses(Dialect::Weserv, "/x?url=a", "says all");
    refuses(Dialect::Weserv, "/?url=ftp://h/a", "scheme");
    refuses(Dialect::Weserv, "/?url=../a", "\"..\"");
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    for (query, reason) in [
        ("con=25", "\"con\" can't"),
        ("bri=25", "\"bri\" can't"),
        ("output=tiff", "\"output=tiff\" can't"),
        ("n=3", "\"n\" can't"),
        ("w=9&h=9&fit=contain", "\"fit=contain without cbg\" can't"),
        ("w=9&h=9&fit=contain&cbg=red&ro=90", "\"ro with fit=contain\" can't"),
        ("sharp&sharpf=1", "\"sharpf\" can't"),
        ("sharpj=1", "\"sharpj\" can't"),
        ("delay=3", "\"delay\" can't"),
        ("encoding=base64", "\"encoding=base64\" can't"),
        ("w=9&h=9&fit=fill&we&precrop&cw=3", "\"we with precrop\" can't"),
        ("page=-1", "\"page=-1\" can't"),
        ("w=9&h=9&fit=contain&cbg=red&bg=blue", "\"bg beside cbg\" can't"),
    ] {
        cannot(query, reason);
    }
}
