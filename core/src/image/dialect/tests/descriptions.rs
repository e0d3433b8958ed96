use super::*;

fn described(dialect: Dialect, uri: &str) -> Option<Description> {
    match read(dialect, uri).unwrap().resource {
        Resource::Description(description) => Some(description),
        Resource::Image | Resource::Base => None,
    }
}

#[test]
fn links_to_pictures_and_to_what_is_told_of_them() {
    let thumbor = |link| described(Dialect::Thumbor, link);
    assert!(matches!(thumbor("/unsafe/meta/9x9/a.jpg"), Some(Description::Thumbor(_))));
    assert!(matches!(thumbor("/unsafe/meta/meta/a.jpg"), Some(Description::Thumbor(_))));
    // The last segment is the source.
    for picture in ["/unsafe/meta", "/unsafe/9x9/meta/a.jpg", "/meta/9x9/a.jpg"] {
        assert_eq!(thumbor(picture), None, "{picture}");
    }
    let cloudflare = |link| described(Dialect::Cloudflare, link);
    assert_eq!(cloudflare("/cdn-cgi/image/f=json/a.jpg"), Some(Description::Cloudflare));
    assert_eq!(cloudflare("/cdn-cgi/image/f=json,f=png/a.jpg"), None);
    let weserv = |link| described(Dialect::Weserv, link);
    assert_eq!(weserv("/?url=/a.jpg&output=json"), Some(Description::Weserv));
    assert_eq!(weserv("/?url=/a.jpg&output=png&output=json"), None);
}

/// What is told of a picture is asked for by the parameters of that picture: these are what
/// has to be allowed.
#[test]
fn parameters_are_those_of_the_picture() {
    for (dialect, picture, description) in [
        (Dialect::Thumbor, "/_/30x20/smart/a.jpg", "/_/meta/30x20/smart/a.jpg"),
        (Dialect::Cloudflare, "/cdn-cgi/image/w=3/a.jpg", "/cdn-cgi/image/w=3,format=json/a.jpg"),
        (Dialect::Weserv, "/?url=/a.jpg&w=3", "/?url=/a.jpg&w=3&output=json"),
    ] {
        let (picture, description) =
            (read(dialect, picture).unwrap(), read(dialect, description).unwrap());
        assert_eq!(plan_of(&picture), plan_of(&description), "{dialect:?}");
        assert_eq!(picture.source, description.source, "{dialect:?}");
    }
}

#[test]
fn types_and_headers_that_they_depend_on() {
    let accept = |value: &'static str| [value.as_bytes()].into_iter();
    let iiif = described(Dialect::Iiif, "/a.jpg/info.json").unwrap();
    assert!(iiif.media_type(accept("*/*")).starts_with("application/ld+json"));
    assert_eq!(iiif.media_type(accept("application/json")), "application/json");
    let negotiated = Plan { negotiated: true, by_width: true, ..Plan::default() };
    let varies = iiif.varies(&negotiated);
    assert!(varies.accept && !varies.width);
    let weserv = Description::Weserv;
    assert_eq!(weserv.media_type(accept("application/ld+json")), "application/json");
    assert!(!weserv.varies(&Plan::default()).accept && weserv.varies(&negotiated).width);
}
