use super::*;

fn asks(link: &str, params: &str) {
    means(Dialect::Iiif, &format!("/a.jpg/{link}"), params, "/a.jpg");
}

#[test]
fn requests_of_the_documentation() {
    for (link, params) in [
        ("full/max/0/default.jpg", "format=jpeg"),
        ("full/^max/0/color.png", "format=png"),
        ("full/150,/0/default.jpg", "w=150,fit=contain,enlarge=refuse,f=jpg"),
        ("full/^360,/0/default.jpg", "w=360,fit=contain,enlarge=on,f=jpg"),
        ("full/,150/0/default.jpg", "h=150,fit=contain,enlarge=refuse,f=jpg"),
        ("full/225,100/0/default.jpg", "w=225,h=100,fit=stretch,enlarge=refuse,f=jpg"),
        ("full/!225,100/0/default.jpg", "w=225,h=100,fit=contain,enlarge=off,f=jpg"),
        ("full/^!360,360/0/default.jpg", "w=360,h=360,fit=contain,enlarge=on,f=jpg"),
        ("square/100,/0/default.jpg", "crop=square,w=100,fit=contain,enlarge=refuse,f=jpg"),
        ("square/!100,50/0/default.jpg", "crop=square,w=100,h=50,fit=contain,enlarge=off,f=jpg"),
        ("square/^3,4/0/default.jpg", "crop=square,w=3,h=4,fit=stretch,enlarge=on,f=jpg"),
        ("square/pct:50/0/default.jpg", "crop=square,w=50%25,enlarge=off,f=jpg"),
        ("full/max/180/default.jpg", "rotate=180,f=jpg"),
        ("full/max/90/default.jpg", "rotate=90,f=jpg"),
        ("125,15,120,140/max/0/default.jpg", "crop=125:15:120:140,f=jpg"),
        ("pct:41.6,7.5,66.6,100/max/0/default.jpg", "crop=41.6%25:7.5%25:66.6%25:100%25,f=jpg"),
        ("square/max/0/default.jpg", "crop=square,f=jpg"),
        ("full/pct:50/0/default.jpg", "w=50%25,enlarge=off,f=jpg"),
        ("full/max/!0/default.jpg", "flip=h,f=jpg"),
        ("full/max/0/bitonal.png", "threshold=128,f=png"),
        ("full/max/!180.0/gray.webp", "flip=h,rotate=180,grayscale=on,f=webp"),
    ] {
        asks(link, params);
    }
}

#[test]
fn identifiers() {
    means(Dialect::Iiif, "/a%2Fb%20c.jpg/full/max/0/default.png", "f=png", "/a/b%20c.jpg");
    for link in ["/a/b.jpg/full/max/0/default.png", "//full/max/0/default.png", "/", "/a/b"] {
        let read = read(Dialect::Iiif, link);
        assert!(matches!(&read, Err(Error::NoSuchLink(form)) if form.contains("IDENTIFIER")));
    }
    for (link, resource) in [
        ("/a%2Fb.jpg", Resource::Base),
        ("/a%2Fb.jpg/info.json", Resource::Description(Description::Iiif { id: String::new() })),
        ("/a%2Fb.jpg/full/max/0/default.jpg", Resource::Image),
    ] {
        let asked = read(Dialect::Iiif, link).unwrap();
        assert_eq!((asked.resource, &*asked.source.target()), (resource, "/a/b.jpg"));
    }
    let described = Description::Iiif { id: String::new() };
    let at = |uri: &str| described.clone().at(|| Ok::<_, Error>(uri.to_owned())).unwrap();
    assert_eq!(
        at("https://a.test/b/info.json"),
        Description::Iiif { id: "https://a.test/b".to_owned() }
    );
    refuses(Dialect::Iiif, "/..%2Fb/full/max/0/default.png", "\"..\"");
}

#[test]
fn what_is_none_or_can_not_be_done() {
    for (link, reason) in [
        ("125,15,0,140/max/0/default.jpg", "\"region\""),
        ("1,2,3/max/0/default.jpg", "\"region\""),
        ("pct:1,2,3,-4/max/0/default.jpg", "\"region\""),
        ("full/0,/0/default.jpg", "\"size\""),
        ("full/,/0/default.jpg", "\"size\""),
        ("full/full/0/default.jpg", "\"size\""),
        ("full/pct:101/0/default.jpg", "\"size\""),
        ("full/!1,/0/default.jpg", "\"size\""),
        ("full/max/361/default.jpg", "\"rotation\""),
        ("full/max/-1/default.jpg", "\"rotation\""),
        ("full/max/0/native.jpg", "\"quality\""),
        ("full/max/0/default.exe", "\"format\""),
        ("full/max/0/default", "\"format\""),
        ("full/max/0/default.tif", "\"tif\" can't"),
        ("full/!3,/0/default.png", "\"size\""),
    ] {
        refuses(Dialect::Iiif, &format!("/a.jpg/{link}"), reason);
    }
}
