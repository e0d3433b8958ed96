//! Finds libjpeg-turbo, libwebp, libavif, libaom, dav1d and libjxl: those of the system, or with the feature `bundled`
//! those that crates bring. The shims are compiled against the headers of just these: the layout of their structures
//! changes from version to version.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

type Folders = Vec<PathBuf>;

fn main() -> Result<(), Box<dyn Error>> {
    let has = |feature: &str| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    if has("BUNDLED") && has("SYSTEM") {
        return Err("the features bundled and system exclude each other".into());
    }
    let headers = if has("BUNDLED") { bundled } else { system };

    let avif = headers(&Library::AVIF)?;
    let aom = headers(&Library::AOM)?;
    shim("aom", aom.iter().chain(&avif));
    shim("avif", &avif);
    shim("av1", &headers(&Library::DAV1D)?);
    shim("jpeg", &headers(&Library::JPEG)?);
    if has("JXL") {
        shim("jxl", &headers(&Library::JXL)?);
    }
    bindings(&headers(&Library::WEBP)?)
}

struct Library {
    /// What pkg-config calls it.
    name: &'static str,
    /// The least version of the system's.
    version: &'static str,
    /// Debian's package with its headers.
    package: &'static str,
    /// The crate that brings it.
    source: Crate,
}

enum Crate {
    /// It says in these variables where the folders with headers are, or the one that has them in `include`.
    Include(&'static str),
    Root(&'static str),
    /// It says nothing, but has the headers in a folder of its sources.
    Silent(&'static str, &'static str),
}

impl Library {
    const AOM: Library = Library {
        name: "aom",
        version: "3.3",
        package: "libaom-dev",
        source: Crate::Include("DEP_AOM_INCLUDE"),
    };
    const AVIF: Library = Library {
        name: "libavif",
        version: "0.11",
        package: "libavif-dev",
        source: Crate::Silent("libavif-sys", "libavif/include"),
    };
    const DAV1D: Library = Library {
        name: "dav1d",
        version: "1.0",
        package: "libdav1d-dev",
        source: Crate::Include("DEP_DAV1D_INCLUDE"),
    };
    const JPEG: Library = Library {
        name: "libjpeg",
        version: "2.0",
        package: "libjpeg-dev",
        source: Crate::Include("DEP_TURBOJPEG_INCLUDE"),
    };
    const JXL: Library = Library {
        name: "libjxl",
        version: "0.7",
        package: "libjxl-dev",
        source: Crate::Root("DEP_JXL_ROOT"),
    };
    const WEBP: Library = Library {
        name: "libwebp",
        version: "1.2",
        package: "libwebp-dev",
        source: Crate::Silent("libwebp-sys", "vendor/src"),
    };
}

/// Has a library of the system linked; returns the folders with its headers.
fn system(library: &Library) -> Result<Folders, Box<dyn Error>> {
    let Library { name, version, package, .. } = library;
    let found = pkg_config::Config::new().atleast_version(version).probe(name);
    Ok(found
        .map_err(|error| {
            format!("{name} {version} or later is needed (Debian: {package}): {error}")
        })?
        .include_paths)
}

/// Returns the folders with the headers of a library that its crate has linked.
fn bundled(library: &Library) -> Result<Folders, Box<dyn Error>> {
    match library.source {
        Crate::Include(variable) => Ok(env::var(variable)?.split(',').map(PathBuf::from).collect()),
        Crate::Root(variable) => Ok(vec![PathBuf::from(env::var(variable)?).join("include")]),
        Crate::Silent(name, folder) => Ok(vec![sources(name)?.join(folder)]),
    }
}

/// Where the sources of a crate are, which cargo knows.
fn sources(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version=1", "--locked", "--features=bundled"])
        .args(["--filter-platform", &env::var("TARGET")?])
        .current_dir(env::var("CARGO_MANIFEST_DIR")?)
        .output()?;
    let known = String::from_utf8(output.stdout)?;
    let start = format!("{name}-");
    known
        .split(r#""manifest_path":""#)
        .filter_map(|rest| {
            rest.split_once(r#"/Cargo.toml""#).map(|(folder, _)| PathBuf::from(folder))
        })
        .find(|folder| {
            let last = folder.file_name().and_then(|last| last.to_str());
            last.is_some_and(|last| last == name || last.starts_with(&start))
        })
        .ok_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("cargo metadata does not know where {name} is: {said}").into()
        })
}

fn shim<'a>(module: &str, included: impl IntoIterator<Item = &'a PathBuf>) {
    let source = format!("src/{module}/shim.c");
    println!("cargo::rerun-if-changed={source}");
    cc::Build::new()
        .file(source)
        .includes(included)
        .warnings(true)
        .compile(&format!("image_gate_{module}_shim"));
}

/// Writes what the headers of libwebp say.
fn bindings(included: &Folders) -> Result<(), Box<dyn Error>> {
    bindgen::Builder::default()
        .header_contents("webp.h", "#include <webp/decode.h>\n#include <webp/encode.h>\n")
        .clang_args(included.iter().map(|folder| format!("-I{}", folder.display())))
        .allowlist_function("WebP.*")
        .allowlist_var("WEBP_.*_ABI_VERSION")
        .default_enum_style(bindgen::EnumVariation::Rust { non_exhaustive: false })
        .rust_target(env::var("CARGO_PKG_RUST_VERSION")?.parse()?)
        .use_core()
        .generate()?
        .write_to_file(PathBuf::from(env::var("OUT_DIR")?).join("webp.rs"))?;
    Ok(())
}
