//! Finds the system's libavif and compiles the shim against its headers: the layout of libavif's
//! structures changes from version to version.

fn main() {
    println!("cargo::rerun-if-changed=src/avif/shim.c");

    let found = pkg_config::Config::new().atleast_version("0.11").probe("libavif");
    let library = match found {
        Ok(library) => library,
        Err(error) => {
            println!("cargo::error=libavif 0.11 or later is needed (Debian: libavif-dev): {error}");
            return;
        }
    };
    cc::Build::new()
        .file("src/avif/shim.c")
        .includes(library.include_paths)
        .warnings(true)
        .compile("image_gate_avif_shim");
}
