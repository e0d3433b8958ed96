//! Animations, written picture by picture: of each only what is not there yet.

mod avif;
mod changes;
mod gif;
#[cfg(feature = "jxl")]
mod jxl;
mod patch;
mod png;
mod webp;

use crate::image::metadata::OutputMetadata;
use crate::image::raster::Raster;
use crate::image::size::Size;
use crate::image::source::Animation;
use crate::image::{Control, Error, Format, Plan};

/// An animation that is being written.
pub(in crate::image) enum Animator<'a> {
    Png(png::PngAnimator<'a>),
    Gif(Box<gif::GifAnimator<'a>>),
    Webp(webp::WebpAnimator<'a>),
    Avif(avif::AvifAnimator<'a>),
    #[cfg(feature = "jxl")]
    Jxl(jxl::JxlAnimator<'a>),
}

impl<'a> Animator<'a> {
    /// Begins an animation in a format that [has them](Format::supports_animation), at a speed at which there is
    /// time for so many pictures.
    pub(in crate::image) fn new(
        size: Size,
        format: Format,
        animation: Animation,
        frames: u32,
        plan: &'a Plan,
        metadata: &'a OutputMetadata<'a>,
    ) -> Result<Animator<'a>, Error> {
        match format {
            Format::Png => {
                Ok(Animator::Png(png::PngAnimator::new(size, animation, plan, metadata)))
            }
            Format::Gif => {
                let animator = gif::GifAnimator::new(size, animation, plan)?;
                Ok(Animator::Gif(Box::new(animator)))
            }
            Format::Webp => {
                webp::WebpAnimator::new(size, animation, plan, metadata).map(Animator::Webp)
            }
            Format::Avif => {
                Ok(Animator::Avif(avif::AvifAnimator::new(size, animation, frames, plan, metadata)))
            }
            #[cfg(feature = "jxl")]
            Format::Jxl => {
                Ok(Animator::Jxl(jxl::JxlAnimator::new(size, animation, frames, plan, metadata)))
            }
            _ => Err(Error::Internal(format!("animated {}", format.name()))),
        }
    }

    /// Adds a picture, which must be of the animation's size, that is shown for that many
    /// milliseconds.
    ///
    /// # Errors
    /// Those of [`encode`](super::encode).
    pub(in crate::image) fn push(
        &mut self,
        raster: Raster,
        duration: u32,
        control: &Control,
    ) -> Result<(), Error> {
        control.check()?;
        match self {
            Animator::Png(animator) => animator.push(raster, duration, control),
            Animator::Gif(animator) => animator.push(raster, duration, control),
            Animator::Webp(animator) => animator.push(raster, duration, control),
            Animator::Avif(animator) => animator.push(raster, duration, control),
            #[cfg(feature = "jxl")]
            Animator::Jxl(animator) => animator.push(raster, duration, control),
        }
    }

    /// The file.
    pub(in crate::image) fn finish(self, control: &Control) -> Result<Vec<u8>, Error> {
        match self {
            Animator::Png(animator) => animator.finish(),
            Animator::Gif(animator) => animator.finish(control),
            Animator::Webp(animator) => animator.finish(),
            Animator::Avif(animator) => animator.finish(control),
            #[cfg(feature = "jxl")]
            Animator::Jxl(animator) => animator.finish(control),
        }
    }
}
