//! Generates the bindings from the headers of the nginx that the module is built for, and hands
//! on where they are.
//!
//! `NGINX_BUILD_DIR` is the folder that nginx's configure filled (`objs`), `NGINX_SOURCE_DIR` that
//! of the sources: its parent, unless it says otherwise.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    for variable in ["NGINX_BUILD_DIR", "NGINX_SOURCE_DIR"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=wrapper.h");

    let build = folder("NGINX_BUILD_DIR", "ngx_auto_config.h")?
        .ok_or("NGINX_BUILD_DIR is not set: name the folder that nginx's configure filled")?;
    let source = match folder("NGINX_SOURCE_DIR", "src/core/nginx.h")? {
        Some(source) => source,
        None => build
            .parent()
            .filter(|parent| parent.join("src/core/nginx.h").is_file())
            .ok_or_else(|| {
                let build = build.display();
                format!("no sources of nginx beside {build}: set NGINX_SOURCE_DIR")
            })?
            .to_owned(),
    };
    for file in ["Makefile", "ngx_auto_config.h"] {
        println!("cargo::rerun-if-changed={}", build.join(file).display());
    }

    let flags = Flags::read(&build.join("Makefile"), &source)?;
    println!(
        "cargo::metadata=include={}",
        utf8(&PathBuf::from(env::join_paths(&flags.includes)?))?
    );
    println!("cargo::metadata=cflags={}", flags.defines.join(" "));
    generate(&flags)
}

/// The folder that a variable of the environment names, in which there is `file`.
fn folder(variable: &str, file: &str) -> Result<Option<PathBuf>, Box<dyn Error>> {
    let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let path = PathBuf::from(path);
    if !path.join(file).is_file() {
        return Err(format!("no {file} in {variable}={}", path.display()).into());
    }
    Ok(Some(fs::canonicalize(path)?))
}

/// What nginx's own makefile gives the compiler.
struct Flags {
    includes: Vec<PathBuf>,
    defines: Vec<String>,
}

impl Flags {
    fn read(makefile: &Path, source: &Path) -> Result<Flags, Box<dyn Error>> {
        let text = fs::read_to_string(makefile)
            .map_err(|error| format!("{}: {error}", makefile.display()))?
            .replace("\\\n", " ");
        let mut flags = Flags { includes: Vec::new(), defines: Vec::new() };
        for line in text.lines() {
            let Some(words) = line.strip_prefix("CFLAGS").or_else(|| line.strip_prefix("ALL_INCS"))
            else {
                continue;
            };
            let mut words = shlex::Shlex::new(words);
            while let Some(word) = words.next() {
                for (flag, is_include) in [("-I", true), ("-D", false)] {
                    let Some(value) = word.strip_prefix(flag) else { continue };
                    let value = match value {
                        "" => words.next().ok_or_else(|| format!("{flag} without a value"))?,
                        value => value.to_owned(),
                    };
                    if is_include {
                        flags.includes.push(source.join(value));
                    } else {
                        flags.defines.push(format!("-D{value}"));
                    }
                }
            }
        }
        Ok(flags)
    }
}

fn generate(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let includes = flags
        .includes
        .iter()
        .map(|path| Ok(format!("-I{}", utf8(path)?)))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let rust = env::var("CARGO_PKG_RUST_VERSION")?.parse()?;
    bindgen::Builder::default()
        .header("wrapper.h")
        .clang_args(includes)
        .clang_args(&flags.defines)
        .allowlist_item("ngx_.*|NGX_.*")
        .rust_target(rust)
        .use_core()
        // Fields are where the C compiler has them, or the bindings do not compile.
        .layout_tests(true)
        .generate()?
        .write_to_file(PathBuf::from(env::var("OUT_DIR")?).join("bindings.rs"))?;
    Ok(())
}

fn utf8(path: &Path) -> Result<&str, Box<dyn Error>> {
    path.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()).into())
}
