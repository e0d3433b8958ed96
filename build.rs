//! Compiles the C shim against the headers of the nginx that the module is built for, and links
//! the module so that nginx never unmaps it.

use std::env;

fn main() {
    let mut shim = cc::Build::new();
    for file in ["src/ngx/cache.c", "src/ngx/modules.c", "src/ngx/shim.c"] {
        println!("cargo::rerun-if-changed={file}");
        shim.file(file);
    }
    shim.warnings(true);
    // nginx-sys hands on what nginx's own makefile says.
    if let Some(include) = env::var_os("DEP_NGINX_INCLUDE") {
        shim.includes(env::split_paths(&include));
    }
    for flag in env::var("DEP_NGINX_CFLAGS").unwrap_or_default().split_whitespace() {
        shim.flag(flag);
    }
    shim.compile("ngx_image_gate_shim");

    // A failed reload dlcloses the modules of the new cycle; the threads and the thread-local
    // destructors of this one would not survive the unmapping.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,relro,-z,now");
}
