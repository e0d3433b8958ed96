//! What nginx finds the modules by.

use nginx_sys::{ngx_command_t, ngx_cycle_t, ngx_http_module_t, ngx_int_t, ngx_module_t};

use crate::access_key::{self, AccessKey, AccessKeyFilter};
use crate::image_gate_s3::{self, ImageGateS3};
use crate::image_resize::{self, ImageResize};
use crate::image_resize_cache::{self, ImageResizeCache};
use crate::ngx::Module;
use crate::ngx::conf::{
    Directives, commands, create, init_main, merge_location, merge_server, no_commands,
};
use crate::ngx::module::{
    exit_process, init_module, init_process, postconfiguration, preconfiguration,
};
use crate::secure_link_hash::{self, SecureLinkHash};

// SAFETY: they are of this type in `ngx/modules.c`.
unsafe extern "C" {
    // Made in `ngx/modules.c` of the statics and functions that are exported here; nginx writes
    // their numbers into them.
    static mut ngx_http_image_resize_module: ngx_module_t;
    static mut ngx_http_image_resize_cache_module: ngx_module_t;
    static mut ngx_http_access_key_module: ngx_module_t;
    static mut ngx_http_access_key_filter_module: ngx_module_t;
    static mut ngx_http_secure_link_hash_module: ngx_module_t;
    static mut ngx_http_image_gate_s3_module: ngx_module_t;
}

// SAFETY: the module's `CONTEXT` below makes these types.
unsafe impl Module for ImageResize {
    type Main = image_resize::MainConf;
    type Server = ();
    type Location = image_resize::LocConf;
    type Context = image_resize::Context;

    fn definition() -> *const ngx_module_t {
        &raw const ngx_http_image_resize_module
    }
}

// SAFETY: the module's `CONTEXT` below makes these types.
unsafe impl Module for ImageResizeCache {
    type Main = image_resize_cache::MainConf;
    type Server = ();
    type Location = image_resize_cache::LocConf;
    type Context = image_resize_cache::Pass;

    fn definition() -> *const ngx_module_t {
        &raw const ngx_http_image_resize_cache_module
    }
}

// SAFETY: the module's `CONTEXT` below makes these types.
unsafe impl Module for AccessKey {
    type Main = access_key::MainConf;
    type Server = access_key::SrvConf;
    type Location = access_key::LocConf;
    type Context = access_key::RequestKeys;

    fn definition() -> *const ngx_module_t {
        &raw const ngx_http_access_key_module
    }
}

// SAFETY: the module's `CONTEXT` below makes no configuration.
unsafe impl Module for AccessKeyFilter {
    type Main = ();
    type Server = ();
    type Location = ();
    type Context = ();

    fn definition() -> *const ngx_module_t {
        &raw const ngx_http_access_key_filter_module
    }
}

// SAFETY: the module's `CONTEXT` below makes these types.
unsafe impl Module for SecureLinkHash {
    type Main = secure_link_hash::MainConf;
    type Server = ();
    type Location = secure_link_hash::LocConf;
    type Context = secure_link_hash::Context;

    fn definition() -> *const ngx_module_t {
        &raw const ngx_http_secure_link_hash_module
    }
}

// SAFETY: the module's `CONTEXT` below makes these types.
unsafe impl Module for ImageGateS3 {
    type Main = image_gate_s3::MainConf;
    type Server = ();
    type Location = image_gate_s3::LocConf;
    type Context = image_gate_s3::Context;

    fn definition() -> *const ngx_module_t {
        &raw const ngx_http_image_gate_s3_module
    }
}

// SAFETY, of all that is exported below: `ngx/modules.c` declares it with this type, and what
// begins with the name of a module of ours is defined nowhere else.

mod image_resize_module {
    use super::*;

    const MAIN: usize = image_resize::MainConf::DIRECTIVES.len();
    const COUNT: usize = MAIN + image_resize::LocConf::DIRECTIVES.len();

    #[unsafe(export_name = "ngx_http_image_resize_module_commands")]
    static mut COMMANDS: [ngx_command_t; COUNT + 1] = commands::<image_resize::LocConf, _>(
        commands::<image_resize::MainConf, _>(no_commands(), 0),
        MAIN,
    );

    #[unsafe(export_name = "ngx_http_image_resize_module_ctx")]
    static CONTEXT: ngx_http_module_t = ngx_http_module_t {
        preconfiguration: Some(preconfiguration::<ImageResize>),
        postconfiguration: Some(postconfiguration::<ImageResize>),
        create_main_conf: Some(create::<image_resize::MainConf>),
        init_main_conf: None,
        create_srv_conf: None,
        merge_srv_conf: None,
        create_loc_conf: Some(create::<image_resize::LocConf>),
        merge_loc_conf: Some(merge_location::<ImageResize>),
    };

    #[unsafe(export_name = "ngx_http_image_resize_init_module")]
    unsafe extern "C" fn taken(cycle: *mut ngx_cycle_t) -> ngx_int_t {
        // SAFETY: nginx passes the cycle that it takes.
        unsafe { init_module::<ImageResize>(cycle) }
    }

    #[unsafe(export_name = "ngx_http_image_resize_init_process")]
    unsafe extern "C" fn begin_process(cycle: *mut ngx_cycle_t) -> ngx_int_t {
        // SAFETY: nginx passes the cycle of the process.
        unsafe { init_process::<ImageResize>(cycle) }
    }

    #[unsafe(export_name = "ngx_http_image_resize_exit_process")]
    unsafe extern "C" fn end_process(cycle: *mut ngx_cycle_t) {
        // SAFETY: nginx passes the cycle of the process.
        unsafe { exit_process::<ImageResize>(cycle) }
    }
}

mod image_resize_cache_module {
    use super::*;

    const MAIN: usize = image_resize_cache::MainConf::DIRECTIVES.len();
    const COUNT: usize = MAIN + image_resize_cache::LocConf::DIRECTIVES.len();

    #[unsafe(export_name = "ngx_http_image_resize_cache_module_commands")]
    static mut COMMANDS: [ngx_command_t; COUNT + 1] = commands::<image_resize_cache::LocConf, _>(
        commands::<image_resize_cache::MainConf, _>(no_commands(), 0),
        MAIN,
    );

    #[unsafe(export_name = "ngx_http_image_resize_cache_module_ctx")]
    static CONTEXT: ngx_http_module_t = ngx_http_module_t {
        preconfiguration: Some(preconfiguration::<ImageResizeCache>),
        postconfiguration: Some(postconfiguration::<ImageResizeCache>),
        create_main_conf: Some(create::<image_resize_cache::MainConf>),
        init_main_conf: None,
        create_srv_conf: None,
        merge_srv_conf: None,
        create_loc_conf: Some(create::<image_resize_cache::LocConf>),
        merge_loc_conf: Some(merge_location::<ImageResizeCache>),
    };

    #[unsafe(export_name = "ngx_http_image_resize_cache_init_process")]
    unsafe extern "C" fn begin_process(cycle: *mut ngx_cycle_t) -> ngx_int_t {
        // SAFETY: nginx passes the cycle of the process.
        unsafe { init_process::<ImageResizeCache>(cycle) }
    }
}

mod access_key_module {
    use super::*;

    const MAIN: usize = access_key::MainConf::DIRECTIVES.len();
    const SERVER: usize = access_key::SrvConf::DIRECTIVES.len();
    const COUNT: usize = MAIN + SERVER + access_key::LocConf::DIRECTIVES.len();

    #[unsafe(export_name = "ngx_http_access_key_module_commands")]
    static mut COMMANDS: [ngx_command_t; COUNT + 1] = commands::<access_key::LocConf, _>(
        commands::<access_key::SrvConf, _>(
            commands::<access_key::MainConf, _>(no_commands(), 0),
            MAIN,
        ),
        MAIN + SERVER,
    );

    #[unsafe(export_name = "ngx_http_access_key_module_ctx")]
    static CONTEXT: ngx_http_module_t = ngx_http_module_t {
        preconfiguration: Some(preconfiguration::<AccessKey>),
        postconfiguration: Some(postconfiguration::<AccessKey>),
        create_main_conf: Some(create::<access_key::MainConf>),
        init_main_conf: Some(init_main::<AccessKey>),
        create_srv_conf: Some(create::<access_key::SrvConf>),
        merge_srv_conf: Some(merge_server::<AccessKey>),
        create_loc_conf: Some(create::<access_key::LocConf>),
        merge_loc_conf: Some(merge_location::<AccessKey>),
    };

    #[unsafe(export_name = "ngx_http_access_key_init_module")]
    unsafe extern "C" fn taken(cycle: *mut ngx_cycle_t) -> ngx_int_t {
        // SAFETY: nginx passes the cycle that it takes.
        unsafe { init_module::<AccessKey>(cycle) }
    }

    #[unsafe(export_name = "ngx_http_access_key_init_process")]
    unsafe extern "C" fn begin_process(cycle: *mut ngx_cycle_t) -> ngx_int_t {
        // SAFETY: nginx passes the cycle of the process.
        unsafe { init_process::<AccessKey>(cycle) }
    }

    #[unsafe(export_name = "ngx_http_access_key_exit_process")]
    unsafe extern "C" fn end_process(cycle: *mut ngx_cycle_t) {
        // SAFETY: nginx passes the cycle of the process.
        unsafe { exit_process::<AccessKey>(cycle) }
    }
}

mod access_key_filter_module {
    use super::*;

    #[unsafe(export_name = "ngx_http_access_key_filter_module_commands")]
    static mut COMMANDS: [ngx_command_t; 1] = no_commands();

    #[unsafe(export_name = "ngx_http_access_key_filter_module_ctx")]
    static CONTEXT: ngx_http_module_t = ngx_http_module_t {
        preconfiguration: None,
        postconfiguration: Some(postconfiguration::<AccessKeyFilter>),
        create_main_conf: None,
        init_main_conf: None,
        create_srv_conf: None,
        merge_srv_conf: None,
        create_loc_conf: None,
        merge_loc_conf: None,
    };
}

mod secure_link_hash_module {
    use super::*;

    const COUNT: usize = secure_link_hash::LocConf::DIRECTIVES.len();

    #[unsafe(export_name = "ngx_http_secure_link_hash_module_commands")]
    static mut COMMANDS: [ngx_command_t; COUNT + 1] =
        commands::<secure_link_hash::LocConf, _>(no_commands(), 0);

    #[unsafe(export_name = "ngx_http_secure_link_hash_module_ctx")]
    static CONTEXT: ngx_http_module_t = ngx_http_module_t {
        preconfiguration: Some(preconfiguration::<SecureLinkHash>),
        postconfiguration: Some(postconfiguration::<SecureLinkHash>),
        create_main_conf: Some(create::<secure_link_hash::MainConf>),
        init_main_conf: None,
        create_srv_conf: None,
        merge_srv_conf: None,
        create_loc_conf: Some(create::<secure_link_hash::LocConf>),
        merge_loc_conf: Some(merge_location::<SecureLinkHash>),
    };
}

mod image_gate_s3_module {
    use super::*;

    const MAIN: usize = image_gate_s3::MainConf::DIRECTIVES.len();
    const COUNT: usize = MAIN + image_gate_s3::LocConf::DIRECTIVES.len();

    #[unsafe(export_name = "ngx_http_image_gate_s3_module_commands")]
    static mut COMMANDS: [ngx_command_t; COUNT + 1] = commands::<image_gate_s3::LocConf, _>(
        commands::<image_gate_s3::MainConf, _>(no_commands(), 0),
        MAIN,
    );

    #[unsafe(export_name = "ngx_http_image_gate_s3_module_ctx")]
    static CONTEXT: ngx_http_module_t = ngx_http_module_t {
        preconfiguration: Some(preconfiguration::<ImageGateS3>),
        postconfiguration: Some(postconfiguration::<ImageGateS3>),
        create_main_conf: Some(create::<image_gate_s3::MainConf>),
        init_main_conf: None,
        create_srv_conf: None,
        merge_srv_conf: None,
        create_loc_conf: Some(create::<image_gate_s3::LocConf>),
        merge_loc_conf: Some(merge_location::<ImageGateS3>),
    };

    #[unsafe(export_name = "ngx_http_image_gate_s3_init_module")]
    unsafe extern "C" fn taken(cycle: *mut ngx_cycle_t) -> ngx_int_t {
        // SAFETY: nginx passes the cycle that it takes.
        unsafe { init_module::<ImageGateS3>(cycle) }
    }

    #[unsafe(export_name = "ngx_http_image_gate_s3_init_process")]
    unsafe extern "C" fn begin_process(cycle: *mut ngx_cycle_t) -> ngx_int_t {
        // SAFETY: nginx passes the cycle of the process.
        unsafe { init_process::<ImageGateS3>(cycle) }
    }

    #[unsafe(export_name = "ngx_http_image_gate_s3_exit_process")]
    unsafe extern "C" fn end_process(cycle: *mut ngx_cycle_t) {
        // SAFETY: nginx passes the cycle of the process.
        unsafe { exit_process::<ImageGateS3>(cycle) }
    }
}

/// The modules, ended by null.
#[unsafe(no_mangle)]
pub static mut ngx_modules: [*const ngx_module_t; 7] = [
    &raw const ngx_http_image_gate_s3_module,
    &raw const ngx_http_image_resize_module,
    &raw const ngx_http_image_resize_cache_module,
    &raw const ngx_http_access_key_module,
    &raw const ngx_http_access_key_filter_module,
    &raw const ngx_http_secure_link_hash_module,
    std::ptr::null(),
];
