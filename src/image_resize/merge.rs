//! What a location takes over from the level above.

use image_gate_core::image::SETTINGS;

use super::conf::{ImageResize, LocConf, Mode, Threads};
use super::url::Prefix;
use crate::ngx::conf::Merge;
use crate::ngx::thread::{self, ThreadPool};
use crate::ngx::{Parser, Reported, location};

impl Merge for LocConf {
    fn merge(&mut self, parent: &LocConf, parser: Parser<'_>) -> Result<(), Reported> {
        fn inherit<T: Copy>(child: &mut Option<T>, parent: Option<T>) {
            *child = child.or(parent);
        }
        inherit(&mut self.mode, parent.mode);
        for (&row, value) in &parent.settings {
            // What a directive says here goes before all that it says above.
            let directive = SETTINGS.get(row).and_then(|setting| setting.directive.as_ref());
            let is_own = directive.is_some_and(|own| self.places.get(own.text()).is_some());
            if !is_own {
                self.settings.insert(row, value.clone());
            }
        }
        inherit(&mut self.buffer, parent.buffer);
        inherit(&mut self.bounds, parent.bounds);
        if self.threads.is_none() {
            self.threads.clone_from(&parent.threads);
        }
        inherit(&mut self.params, parent.params);
        if self.url.is_none() {
            self.url.clone_from(&parent.url);
        }
        self.url_prefix = Prefix::of(parser, &parent.url_prefix);
        if self.allow.is_none() {
            self.allow.clone_from(&parent.allow);
        }
        if self.hints.is_none() {
            self.hints.clone_from(&parent.hints);
        }
        // Whoever takes parameters wants what they ask for.
        if self.takes_params() && self.mode.is_none() {
            self.mode = Some(Mode::Convert);
        }
        // What is shown of the module is no image.
        if self.status.is_some() {
            self.mode = Some(Mode::Off);
        }
        inherit(&mut self.on_error, parent.on_error);
        inherit(&mut self.pass_svg, parent.pass_svg);
        inherit(&mut self.no_transform, parent.no_transform);
        if self.watermarks.is_none() {
            self.watermarks.clone_from(&parent.watermarks);
        }

        self.own_places = self.places.iter().count();
        self.places.inherit(&parent.places);
        self.slice = location::other_module_conf(parser, c"ngx_http_slice_filter_module");
        self.lint(parent, parser)?;

        // A pool is asked for only where jobs come from: nginx starts the threads of every pool
        // that anyone asked for.
        let works = self.mode().has_output();
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
            self.pool = Some(ThreadPool::add_late(parser, name)?);
        }
        Ok(())
    }
}
