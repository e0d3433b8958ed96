//! A plan while values are put into it.

use crate::image::{Bound, Fit, FormatChoice, Hints, Plan};

/// How a box is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filling {
    /// As [`Fit::Resize`].
    Inside,
    /// As [`Fit::Crop`].
    Covering,
    /// As [`Fit::Pad`].
    Padded,
    /// As [`Fit::Stretch`].
    Stretched,
    /// As [`Fit::Outside`].
    Outside,
    /// As [`Fit::AspectCrop`].
    AspectCropped,
    /// As [`Fit::AspectPad`].
    AspectPadded,
    /// As [`Fit::Auto`].
    Auto,
}

/// A plan whose geometry is still in parts, and whose format is not chosen yet.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub(super) plan: Plan,
    /// How the box is filled, where there is one.
    pub filling: Option<Filling>,
    pub(super) width: Bound,
    pub(super) height: Bound,
    /// Whether smaller images are enlarged as the filling that a list names implies.
    pub(super) implied_enlarge: Option<bool>,
    pub(super) enlarge: Option<bool>,
    /// What the client says of its screen and its connection.
    pub hints: Hints,
    /// Whether the width is the one that the client says.
    pub(super) is_auto: bool,
    /// The quality over slow connections.
    pub(super) slow_quality: Option<u8>,
    /// The format, where one was named.
    pub wanted: Option<FormatChoice>,
}

impl Draft {
    /// Returns a draft that starts from a plan.
    #[must_use]
    pub fn new(plan: &Plan) -> Draft {
        let (filling, width, height) = match plan.fit {
            Fit::None => (None, None, None),
            Fit::Resize { width, height } => (Some(Filling::Inside), width, height),
            Fit::Crop { width, height } => (Some(Filling::Covering), width, height),
            Fit::Pad { width, height } => (Some(Filling::Padded), width, height),
            Fit::Stretch { width, height } => (Some(Filling::Stretched), width, height),
            Fit::Outside { width, height } => (Some(Filling::Outside), width, height),
            Fit::AspectCrop { width, height } => (Some(Filling::AspectCropped), width, height),
            Fit::AspectPad { width, height } => (Some(Filling::AspectPadded), width, height),
            Fit::Auto { width, height } => (Some(Filling::Auto), width, height),
        };
        Draft { plan: plan.clone(), filling, width, height, ..Draft::default() }
    }

    /// Returns the plan. Where the client is to decide on the format, it does so by the values of
    /// its `Accept` headers.
    #[must_use]
    pub fn finish<'a>(self, accept: impl Iterator<Item = &'a [u8]> + Clone) -> Plan {
        let Draft { mut plan, filling, width, height, implied_enlarge, enlarge, wanted, .. } = self;
        if self.is_auto {
            // It is in pixels of the screen already.
            plan.dpr = 100;
            plan.by_width = true;
        }
        if let Some(quality) = self.slow_quality.or(self.hints.slow_quality)
            && self.hints.is_heard
        {
            plan.by_connection = true;
            if self.hints.is_slow {
                plan.set_quality(quality);
            }
        }
        let has_width = width.is_some() || plan.bounds.width_share.is_some();
        let has_height = height.is_some() || plan.bounds.height_share.is_some();
        // The other side follows from the proportions.
        let has_both = has_width && has_height || plan.bounds.ratio.is_some();
        plan.fit = match filling {
            // Proportions alone are what as much as can be is cut to.
            None if !has_width && !has_height && has_both => Fit::AspectCrop { width, height },
            None if !has_width && !has_height => Fit::None,
            None | Some(Filling::Inside) => Fit::Resize { width, height },
            // There is no box to be covered but a side, which CDNs take for that of the result.
            Some(Filling::Covering | Filling::AspectCropped)
                if implied_enlarge.is_some() && !has_both =>
            {
                Fit::Resize { width, height }
            }
            Some(Filling::Covering) => Fit::Crop { width, height },
            Some(Filling::Padded) => Fit::Pad { width, height },
            Some(Filling::Stretched) => Fit::Stretch { width, height },
            // A side alone is covered by what touches it, and has no proportions.
            Some(Filling::Outside | Filling::AspectPadded | Filling::Auto) if !has_both => {
                Fit::Resize { width, height }
            }
            Some(Filling::Outside) => Fit::Outside { width, height },
            Some(Filling::AspectCropped) => Fit::AspectCrop { width, height },
            Some(Filling::AspectPadded) => Fit::AspectPad { width, height },
            Some(Filling::Auto) => Fit::Auto { width, height },
        };
        plan.enlarge = enlarge.or(implied_enlarge).unwrap_or(plan.enlarge);
        if let Some(wanted) = wanted {
            plan.set_format(wanted, accept);
        }
        plan
    }
}
