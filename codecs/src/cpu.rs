//! Loops that are compiled twice: for every processor of its kind, and for those that have AVX2, as
//! all of the last ten years do.

/// Work in a loop. What it calls is compiled twice as well if it is `#[inline(always)]`.
pub trait Kernel {
    /// What comes of it.
    type Made;

    /// Does it, always inlined.
    fn run(self) -> Self::Made;
}

/// Does the work by the widest instructions that there are. Without the fused ones, floating point
/// comes out the same by all of them.
#[inline]
pub fn run<W: Kernel>(work: W) -> W::Made {
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
fn run_by_avx2<W: Kernel>(work: W) -> W::Made {
    work.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Weighed<'a>(&'a [f32], &'a mut [f32]);

    impl Kernel for Weighed<'_> {
        type Made = f32;

        #[inline(always)]
        fn run(self) -> f32 {
            let Weighed(numbers, sums) = self;
            for (sum, number) in sums.iter_mut().zip(numbers) {
                *sum = 0.3 + *sum * number;
            }
            sums.iter().sum()
        }
    }

    #[test]
    fn the_result_is_the_same() {
        let numbers: Vec<f32> = (1..1000u16).map(|n| 1.0 / f32::from(n)).collect();
        let (mut a, mut b) = (numbers.clone(), numbers.clone());
        let sums = (run(Weighed(&numbers, &mut a)), Weighed(&numbers, &mut b).run());
        assert_eq!(sums.0.to_bits(), sums.1.to_bits());
        assert!(a == b && a != numbers);
    }
}
