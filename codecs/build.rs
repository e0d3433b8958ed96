//! Finds the system's libavif, dav1d and libjxl, and compiles the shims against the headers that are
//! installed: the layout of their structures changes from version to version.

fn main() {
    system("avif", "libavif", "0.11", "libavif-dev");
    system("av1", "dav1d", "1.0", "libdav1d-dev");
    if std::env::var_os("CARGO_FEATURE_JXL").is_some() {
        system("jxl", "libjxl", "0.7", "libjxl-dev");
    }
    // The crate that brings libjpeg-turbo says where its headers are.
    let included = std::env::var("DEP_TURBOJPEG_INCLUDE").unwrap_or_default();
    shim("jpeg", included.split(',').filter(|path| !path.is_empty()));
}

fn system(module: &str, library: &str, version: &str, package: &str) {
    match pkg_config::Config::new().atleast_version(version).probe(library) {
        Ok(found) => shim(module, found.include_paths),
        Err(error) => println!(
            "cargo::error={library} {version} or later is needed (Debian: {package}): {error}"
        ),
    }
}

fn shim(module: &str, included: impl IntoIterator<Item = impl AsRef<std::path::Path>>) {
    let source = format!("src/{module}/shim.c");
    println!("cargo::rerun-if-changed={source}");
    cc::Build::new()
        .file(source)
        .includes(included)
        .warnings(true)
        .compile(&format!("image_gate_{module}_shim"));
}
