//! Finds the system's libavif, dav1d and libjxl, with the feature `system` libjpeg-turbo and libwebp, too, and compiles
//! the shims against the headers that are installed: the layout of their structures changes from version to version.

fn main() {
    system("avif", "libavif", "0.11", "libavif-dev");
    system("av1", "dav1d", "1.0", "libdav1d-dev");
    if std::env::var_os("CARGO_FEATURE_JXL").is_some() {
        system("jxl", "libjxl", "0.7", "libjxl-dev");
    }
    if std::env::var_os("CARGO_FEATURE_SYSTEM").is_some() {
        system("jpeg", "libjpeg", "2.0", "libjpeg62-turbo-dev");
        // Which is linked by its crate.
        find("libwebp", "1.2", "libwebp-dev");
        return;
    }
    // The crate that brings libjpeg-turbo says where its headers are.
    let included = std::env::var("DEP_TURBOJPEG_INCLUDE").unwrap_or_default();
    shim("jpeg", included.split(',').filter(|path| !path.is_empty()));
}

fn system(module: &str, library: &str, version: &str, package: &str) {
    if let Some(included) = find(library, version, package) {
        shim(module, included);
    }
}

/// The folders with the headers of a library.
fn find(library: &str, version: &str, package: &str) -> Option<Vec<std::path::PathBuf>> {
    match pkg_config::Config::new().atleast_version(version).probe(library) {
        Ok(found) => Some(found.include_paths),
        Err(error) => {
            println!(
                "cargo::error={library} {version} or later is needed (Debian: {package}): {error}"
            );
            None
        }
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
