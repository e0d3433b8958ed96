//! Loops that are compiled twice: for every processor of its kind, and for those that have AVX2, as
//! all of the last ten years do.

/// Work in a loop. What it calls is compiled twice as well if it is `#[inline(always)]`.
pub trait Work {
    /// What comes of it.
    type Made;

    /// Does it, always inlined.
    fn run(self) -> Self::Made;
}

/// Does the work by the widest instructions that there are. Without the fused ones, floating point
/// comes out the same by all of them.
#[inline]
pub fn run<W: Work>(work: W) -> W::Made {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
    {
        // SAFETY: the processor has what this is compiled for.
        return unsafe { run_by_avx2(work) };
    }
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn run_by_avx2<W: Work>(work: W) -> W::Made {
    work.run()
}
