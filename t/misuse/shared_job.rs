// error[E0277]: `std::rc::Rc<u8>` cannot be sent between threads safely
use std::rc::Rc;

use crate::ngx::thread::Work;

struct Job(Rc<u8>);

impl Work for Job {
    type Output = u8;

    fn run(self) -> u8 {
        *self.0
    }
}
