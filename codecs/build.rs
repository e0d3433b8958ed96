//! Finds the system's libavif, libaom, dav1d and libjxl, and compiles the shims against the headers that are
//! installed: the layout of their structures changes from version to version.

use std::path::{Path, PathBuf};

fn main() {
    let avif = system("avif", "libavif", "0.11", "libavif-dev", &[]);
    system("aom", "aom", "3.3", "libaom-dev", &avif);
    system("av1", "dav1d", "1.0", "libdav1d-dev", &[]);
    if std::env::var_os("CARGO_FEATURE_JXL").is_some() {
        system("jxl", "libjxl", "0.7", "libjxl-dev", &[]);
    }
    // The crate that brings libjpeg-turbo says where its headers are.
    let included = std::env::var("DEP_TURBOJPEG_INCLUDE").unwrap_or_default();
    shim("jpeg", included.split(',').filter(|path| !path.is_empty()));
}

/// Compiles the shim of a library that the system has; returns where its headers are. The shim may need those of
/// another one.
fn system(
    module: &str,
    library: &str,
    version: &str,
    package: &str,
    others: &[PathBuf],
) -> Vec<PathBuf> {
    match pkg_config::Config::new().atleast_version(version).probe(library) {
        Ok(found) => {
            shim(module, found.include_paths.iter().chain(others));
            found.include_paths
        }
        Err(error) => {
            println!(
                "cargo::error={library} {version} or later is needed (Debian: {package}): {error}"
            );
            Vec::new()
        }
    }
}

fn shim(module: &str, included: impl IntoIterator<Item = impl AsRef<Path>>) {
    let source = format!("src/{module}/shim.c");
    println!("cargo::rerun-if-changed={source}");
    cc::Build::new()
        .file(source)
        .includes(included)
        .warnings(true)
        .compile(&format!("image_gate_{module}_shim"));
}
