//! What the system lets a process do, which is for all of it: so that this test has one of its own.

use image_gate_core::image::{Control, Error, Isolation, WorkSize};
use image_gate_isolation::{Memory, Processes};

#[global_allocator]
static MEMORY: Memory = Memory;

#[test]
fn no_signal_ends_who_asks_for_more_than_a_file_may_have() {
    let processes = Processes::new(|| ());
    processes.start().unwrap();
    let run = |pixels: usize| {
        let size = WorkSize { pixels, memory: 64 << 20, foreign: false };
        processes.run(size, &[&[1; 1000]], &Control::default(), |_, _, _| Ok(()), &mut |_| Ok(()))
    };
    assert_eq!(run(2 << 20), Ok(()));
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: settings of this process alone, whose structure is there.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit), 0);
        limit.rlim_cur = 1 << 20;
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
    }
    let refused = run(2 << 20);
    assert!(
        matches!(&refused, Err(Error::Internal(why)) if why.contains("1048576 (RLIMIT_FSIZE)")),
        "{refused:?}"
    );
    assert_eq!(run(1 << 19), Ok(()));
}
