//! `image-gate serve`

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use image_gate_core::image::{Format, SETTINGS, Setting};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::{CliError, ExitStatus, error_with_code};
use crate::files;

const MODULE: &str = "ngx_http_image_gate_module.so";

/// Serves the images of a folder by the installed nginx, for a try: parameters are arguments of
/// the URL, and nobody but this machine can ask
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The module; the one beside this program, or else the one in nginx's modules folder
    #[arg(long, value_name = "PATH")]
    module: Option<PathBuf>,
    /// The port of 127.0.0.1; 8080 or the next one that is free
    #[arg(long)]
    port: Option<u16>,
    /// nginx
    #[arg(long, value_name = "PATH", default_value = "nginx")]
    nginx: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let input = |path: &Path, error| {
        error_with_code(ExitStatus::Input, format_args!("{}: {error}", path.display()))
    };
    let folder = fs::canonicalize(&arguments.folder)
        .and_then(|path| fs::read_dir(&path).map(|_| path))
        .map_err(|error| input(&arguments.folder, error))?;
    let nginx = find_nginx(&arguments.nginx)?;
    let module = match &arguments.module {
        Some(path) => path.clone(),
        None => find_module(&nginx)?,
    };
    let module = fs::canonicalize(&module).map_err(|error| input(&module, error))?;
    let port = free_port(arguments.port)?;
    // Before nginx starts, so that none is missed.
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGCHLD])
        .map_err(|error| format!("no signals: {error}"))?;
    let prefix = Prefix::new(&folder, &module, port).map_err(|error| {
        error_with_code(ExitStatus::Output, format_args!("temporary folder: {error}"))
    })?;
    let child = Command::new(&nginx)
        .arg("-p")
        .arg(&prefix.0)
        .args(["-c", "nginx.conf", "-e", "stderr"])
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| input(&nginx, error))?;
    files::print_line(&format!(
        "http://127.0.0.1:{port}/NAME?width=300 is NAME in {}, 300 pixels wide; Ctrl-C ends it",
        folder.display()
    ))?;
    wait(child, signals)
}

/// Waits until nginx ends, which a Ctrl-C reaches, too.
fn wait(mut child: Child, mut signals: Signals) -> Result<(), CliError> {
    let failed = |error: io::Error| CliError::from(format!("nginx: {error}"));
    let mut is_asked = false;
    for signal in signals.forever() {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return match status.success() || is_asked {
                true => Ok(()),
                false => Err(error_with_code(ExitStatus::No, "nginx did not start, or ended")),
            };
        }
        is_asked |= signal != SIGCHLD;
        if matches!(signal, SIGTERM | SIGHUP) {
            child.kill().map_err(failed)?;
        }
    }
    Ok(())
}

/// nginx's prefix: a folder that goes away with this program.
struct Prefix(PathBuf);

impl Prefix {
    fn new(folder: &Path, module: &Path, port: u16) -> io::Result<Prefix> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = format!("image-gate.{}.{now}", std::process::id());
        let prefix = Prefix(std::env::temp_dir().join(name));
        fs::DirBuilder::new().mode(0o700).create(&prefix.0)?;
        // Names of nginx.conf can't hold everything that a path can.
        symlink(folder, prefix.0.join("root"))?;
        symlink(module, prefix.0.join(MODULE))?;
        fs::write(prefix.0.join("nginx.conf"), configuration(port))?;
        Ok(prefix)
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        // What is left of it is a few lines in the folder of temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn configuration(port: u16) -> String {
    // There are no presets here to be allowed.
    let names = SETTINGS.iter().map(Setting::name).filter(|name| !matches!(*name, "" | "preset"));
    let allowed: String = names.map(|name| format!(" {name}=*")).collect();
    let types: String = Format::ALL
        .iter()
        .map(|format| format!("{} {}; ", format.media_type(), format.extensions().join(" ")))
        .collect();
    format!(
        "load_module {MODULE};\n\
         daemon off;\n\
         master_process off;\n\
         pid nginx.pid;\n\
         events {{ }}\n\
         http {{\n\
             types {{ {types}}}\n\
             access_log off;\n\
             client_body_temp_path body;\n\
             proxy_temp_path proxy;\n\
             fastcgi_temp_path fastcgi;\n\
             uwsgi_temp_path uwsgi;\n\
             scgi_temp_path scgi;\n\
             server {{\n\
                 listen 127.0.0.1:{port};\n\
                 root root;\n\
                 location / {{\n\
                     image_resize convert;\n\
                     image_resize_params $args;\n\
                     image_resize_allow{allowed};\n\
                     image_resize_debug_header on;\n\
                 }}\n\
                 location ~ /$ {{ autoindex on; }}\n\
             }}\n\
         }}\n"
    )
}

/// Returns a port that nobody listens on.
fn free_port(wanted: Option<u16>) -> Result<u16, CliError> {
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    match wanted {
        Some(port) => Some(port)
            .filter(is_free)
            .ok_or_else(|| format!("port {port} is taken: --port N names another")),
        None => (8080..8180).find(is_free).ok_or_else(|| "no port from 8080 on is free".to_owned()),
    }
    .map_err(|reason| error_with_code(ExitStatus::No, reason))
}

/// Returns where a program is; nginx is often in a folder that only root searches.
fn find_nginx(name: &Path) -> Result<PathBuf, CliError> {
    if name.components().count() > 1 {
        return Ok(name.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/usr/local/nginx/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            let name = name.display();
            error_with_code(ExitStatus::Input, format_args!("there is no {name}: --nginx PATH"))
        })
}

/// Returns the module beside this program, or in nginx's modules folder.
fn find_module(nginx: &Path) -> Result<PathBuf, CliError> {
    let program = std::env::current_exe().unwrap_or_default();
    let beside = program.with_file_name(MODULE);
    if beside.is_file() {
        return Ok(beside);
    }
    let output = Command::new(nginx).arg("-V").output().map_err(|error| {
        error_with_code(ExitStatus::Input, format_args!("{}: {error}", nginx.display()))
    })?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let argument = |name: &str| said.split_whitespace().find_map(|word| word.strip_prefix(name));
    let prefix = Path::new(argument("--prefix=").unwrap_or("/usr/local/nginx"));
    let path = prefix.join(argument("--modules-path=").unwrap_or("modules")).join(MODULE);
    if path.is_file() {
        return Ok(path);
    }
    let path = path.display();
    Err(error_with_code(ExitStatus::Input, format_args!("there is no {path}: --module PATH")))
}
