use super::*;

#[test]
fn links() {
    for (query, params, source) in [
        ("url=%2Fa.png&w=640&q=75", "w=640,q=75", "/a.png"),
        ("q=1&url=%2Fa%20b.png%3Fv%3D1&w=16&dpl=dpl_x", "w=16,q=1", "/a%20b.png?v=1"),
        ("url=https%3A%2F%2Fh.test%2Fa.png&w=8&q=100", "w=8,q=100", "https://h.test/a.png"),
    ] {
        means(Dialect::Next, &format!("/_next/image?{query}"), params, source);
        means(Dialect::Next, &format!("/_next/image/?{query}"), params, source);
    }
}

#[test]
fn what_its_server_refuses() {
    for (query, reason) in [
        ("", "\"url\" is missing"),
        ("url=%2Fa&q=75", "\"w\" is missing"),
        ("url=%2Fa&w=64", "\"q\" is missing"),
        ("url=%2Fa&w=64&w=64&q=75", "\"w\" stands twice"),
        ("url=%2Fa&url=%2Fb&w=64&q=75", "\"url\" stands twice"),
        ("url=%2Fa&w=6.4&q=75", "\"w\" has no valid"),
        ("url=%2Fa&w=0&q=75", "\"w\" has no valid"),
        ("url=%2Fa&w=64&q=101", "\"q\" has no valid"),
        ("url=%2Fa&w=64&q=-1", "\"q\" has no valid"),
        ("url=%2F%2Fh%2Fa&w=64&q=75", "\"url\" has no valid"),
        ("url=a.png&w=64&q=75", "\"url\" has no valid"),
        ("url=s3%3A%2F%2Fb%2Fa&w=64&q=75", "\"url\" has no valid"),
        ("url=%2F_next%2Fimage%3Furl&w=64&q=75", "\"url\" has no valid"),
        ("url=%2Fx%2F..%2Fa&w=64&q=75", "\"..\""),
    ] {
        refuses(Dialect::Next, &format!("/_next/image?{query}"), reason);
    }
    refuses(Dialect::Next, "/_next/images?url=%2Fa&w=64&q=75", "begins with");
}
