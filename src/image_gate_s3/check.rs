//! What can be no object of a bucket is refused before it is asked for: with a variable that has no value, nginx
//! might ask for something else.

use nginx_sys::{
    NGX_DECLINED, NGX_HTTP_NOT_ALLOWED, NGX_HTTP_NOT_FOUND, NGX_LOG_ERR, NGX_LOG_INFO, ngx_int_t,
};

use image_gate_core::s3::NameError;

use super::conf::conf;
use crate::ngx::Request;
use crate::ngx::phase::Handler;

/// Handler of the precontent phase.
pub enum Precontent {}

impl Handler for Precontent {
    fn handle(request: Request<'_>) -> ngx_int_t {
        let Some(conf) = conf(&request) else { return NGX_DECLINED as ngx_int_t };
        let Some(origin) = conf.origin() else { return NGX_DECLINED as ngx_int_t };
        if !request.is_get_or_head() {
            return NGX_HTTP_NOT_ALLOWED as ngx_int_t;
        }
        let (bucket, key) = (conf.bucket_of(request), conf.key_of(&request));
        let checked = origin.origin.borrow().check(bucket, key);
        let Err(reason) = checked else { return NGX_DECLINED as ngx_int_t };
        // Who asks chooses the key.
        let (level, directive) = match reason {
            NameError::Bucket => (NGX_LOG_ERR, "image_gate_s3_bucket"),
            NameError::NoKey | NameError::LongKey | NameError::Dots => {
                (NGX_LOG_INFO, "image_gate_s3_key")
            }
        };
        request.log_line(level, format_args!("{directive}: {reason}"));
        NGX_HTTP_NOT_FOUND as ngx_int_t
    }
}
