//! Processes as they are named in what they share.
//!
//! The number of a process that died goes to another one sooner or later, so a part of when it began stands
//! beside it.

/// As many bits as the number of a process has on Linux.
const BITS: u32 = 22;

/// What stands beside it: 0 where it is not known when the process began.
const STARTS: u64 = (1 << (u32::BITS - BITS)) - 1;

/// Names the process of that number, which began at `start`, by a clock of any unit.
#[must_use]
pub fn identity(number: u32, start: Option<u64>) -> u32 {
    number & ((1 << BITS) - 1) | mark(start) << BITS
}

/// The number of the process that is named so.
#[must_use]
pub fn number(identity: u32) -> u32 {
    identity & ((1 << BITS) - 1)
}

/// Whether a process of that number, which began at `start`, may be the one that is named so: of
/// a thousand others, one may.
#[must_use]
pub fn may_be(identity: u32, start: Option<u64>) -> bool {
    let known = [identity >> BITS, mark(start)];
    known.contains(&0) || known[0] == known[1]
}

fn mark(start: Option<u64>) -> u32 {
    start.and_then(|start| u32::try_from(start % STARTS + 1).ok()).unwrap_or(0)
}

/// When a process began, of what Linux says in its `/proc/NUMBER/stat`.
#[must_use]
pub fn start(stat: &[u8]) -> Option<u64> {
    // The name of its file may hold anything.
    let behind = stat.get(memchr::memrchr(b')', stat)? + 1..)?;
    let field = behind.split(|&byte| byte == b' ').filter(|field| !field.is_empty()).nth(19)?;
    str::from_utf8(field).ok()?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_of_a_number_is_another() {
        let (number_of_all, start) = (4_194_303, 123_456_789);
        let this = identity(number_of_all, Some(start));
        assert_eq!(number(this), number_of_all);
        assert!(may_be(this, Some(start)));
        let others = (1..1000).filter(|later| may_be(this, Some(start + later))).count();
        assert_eq!(others, 0);
        // Nothing else tells them apart, but that it is not there.
        assert!(may_be(this, None));
        assert!(may_be(identity(7, None), Some(start)));
        assert_eq!(identity(7, None), 7);
        for start in [0, STARTS - 1, STARTS, u64::MAX] {
            assert!(identity(7, Some(start)) > 7 && may_be(identity(7, Some(start)), Some(start)));
        }
    }

    #[test]
    fn when_a_process_began() {
        let stat = b"4711 (a ) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20 21\n";
        assert_eq!(start(stat), Some(777));
        assert_eq!(start(&stat[..40]), None);
        assert_eq!(start(b""), None);
        #[cfg(target_os = "linux")]
        assert!(start(&std::fs::read("/proc/self/stat").unwrap_or_default()).is_some());
    }
}
