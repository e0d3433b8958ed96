//! What a location takes over from the level above.

use super::conf::{Geometry, ImageResize, LocConf, Mode, Threads};
use crate::ngx::conf::Merge;
use crate::ngx::thread::{self, ThreadPool};
use crate::ngx::{Parser, Reported};

impl Merge for LocConf {
    fn merge(&mut self, parent: &LocConf, parser: Parser<'_>) -> Result<(), Reported> {
        fn inherit<T: Copy>(child: &mut Option<T>, parent: Option<T>) {
            *child = child.or(parent);
        }
        let own = self.places.iter().count();
        self.places.inherit(&parent.places);
        inherit(&mut self.geometry, parent.geometry);
        inherit(&mut self.buffer, parent.buffer);
        inherit(&mut self.jpeg_quality, parent.jpeg_quality);
        inherit(&mut self.webp_quality, parent.webp_quality);
        inherit(&mut self.avif_quality, parent.avif_quality);
        inherit(&mut self.max_bytes, parent.max_bytes);
        inherit(&mut self.trim, parent.trim);
        inherit(&mut self.adjust, parent.adjust);
        inherit(&mut self.blur, parent.blur);
        inherit(&mut self.png_compression, parent.png_compression);
        inherit(&mut self.sharpen, parent.sharpen);
        inherit(&mut self.transparency, parent.transparency);
        inherit(&mut self.interlace, parent.interlace);
        inherit(&mut self.background, parent.background);
        inherit(&mut self.orient, parent.orient);
        inherit(&mut self.profile, parent.profile);
        inherit(&mut self.metadata, parent.metadata);
        inherit(&mut self.animation, parent.animation);
        inherit(&mut self.damaged, parent.damaged);
        inherit(&mut self.format, parent.format);
        inherit(&mut self.bounds, parent.bounds);
        if self.threads.is_none() {
            self.threads.clone_from(&parent.threads);
        }
        inherit(&mut self.params, parent.params);
        if self.allow.is_none() {
            self.allow.clone_from(&parent.allow);
        }
        // Whoever takes parameters wants what they ask for.
        if self.params.is_some() && self.geometry.is_none() {
            self.geometry = Some(Geometry { mode: Mode::Convert, rotate: None });
        }
        inherit(&mut self.on_error, parent.on_error);
        inherit(&mut self.pass_svg, parent.pass_svg);
        inherit(&mut self.no_transform, parent.no_transform);
        if self.watermarks.is_none() {
            self.watermarks.clone_from(&parent.watermarks);
        }

        self.note(own, parser)?;

        // A pool is asked for only where jobs come from: nginx starts the threads of every pool
        // that anyone asked for.
        let works = !matches!(self.geometry().mode, Mode::Off | Mode::Test);
        if let Some(main) = parser.main::<ImageResize>() {
            main.has_jobs.set(main.has_jobs.get() || works);
            main.has_debug.set(main.has_debug.get() || self.debug_header == Some(true));
        }
        let name = match &self.threads {
            Some(Threads::Off) => return Ok(()),
            Some(Threads::Pool(name)) => name.as_deref(),
            None => None,
        };
        if works && thread::available() {
            self.pool = Some(ThreadPool::add(parser, name).ok_or(Reported)?);
        }
        Ok(())
    }
}
