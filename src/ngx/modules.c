/*
 * The structures that nginx finds the modules by.  Their head, the version and what it compares to
 * see that a module fits differ among nginx and its forks, whence nginx's own macros.  What they
 * point to is in Rust.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define ig_module(module, init_module, init_process, exit_process)            \
    extern ngx_http_module_t  module##_ctx;                                   \
    extern ngx_command_t      module##_commands[];                            \
                                                                              \
    ngx_module_t  module = {                                                  \
        NGX_MODULE_V1,                                                        \
        &module##_ctx,                                                        \
        module##_commands,                                                    \
        NGX_HTTP_MODULE,                                                      \
        NULL,                                                                 \
        init_module,                                                          \
        init_process,                                                         \
        NULL,                                                                 \
        NULL,                                                                 \
        exit_process,                                                         \
        NULL,                                                                 \
        NGX_MODULE_V1_PADDING                                                 \
    }


ngx_int_t ngx_http_image_resize_init_module(ngx_cycle_t *cycle);
ngx_int_t ngx_http_image_resize_init_process(ngx_cycle_t *cycle);
void ngx_http_image_resize_exit_process(ngx_cycle_t *cycle);
ngx_int_t ngx_http_image_resize_cache_init_process(ngx_cycle_t *cycle);
ngx_int_t ngx_http_access_key_init_module(ngx_cycle_t *cycle);
ngx_int_t ngx_http_access_key_init_process(ngx_cycle_t *cycle);
void ngx_http_access_key_exit_process(ngx_cycle_t *cycle);
ngx_int_t ngx_http_image_gate_s3_init_module(ngx_cycle_t *cycle);
ngx_int_t ngx_http_image_gate_s3_init_process(ngx_cycle_t *cycle);
void ngx_http_image_gate_s3_exit_process(ngx_cycle_t *cycle);


ig_module(ngx_http_image_resize_module, ngx_http_image_resize_init_module,
    ngx_http_image_resize_init_process, ngx_http_image_resize_exit_process);

ig_module(ngx_http_image_resize_cache_module, NULL, ngx_http_image_resize_cache_init_process, NULL);

ig_module(ngx_http_access_key_module, ngx_http_access_key_init_module,
    ngx_http_access_key_init_process, ngx_http_access_key_exit_process);

ig_module(ngx_http_access_key_filter_module, NULL, NULL, NULL);

ig_module(ngx_http_secure_link_hash_module, NULL, NULL, NULL);

ig_module(ngx_http_image_gate_s3_module, ngx_http_image_gate_s3_init_module,
    ngx_http_image_gate_s3_init_process, ngx_http_image_gate_s3_exit_process);
