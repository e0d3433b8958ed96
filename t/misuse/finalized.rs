// error[E0624]: method `finalize` is private
use crate::ngx::Request;

pub fn end(request: Request<'_>) -> bool {
    request.finalize(403);
    request.is_main()
}
