// error[E0277]: the trait bound `u32: ngx::module::Module` is not satisfied
use crate::ngx::Request;

pub fn read(request: Request<'_>) -> bool {
    request.context::<u32>().is_some()
}
