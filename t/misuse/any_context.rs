// error[E0277]: the trait bound `std::string::String: Module` is not satisfied
use crate::ngx::Request;

pub fn read(request: Request<'_>) -> bool {
    request.context::<String>().is_some()
}
