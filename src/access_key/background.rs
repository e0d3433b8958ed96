//! The thread of a worker that does what the event loop must not wait for: it looks whether key
//! files changed, and saves the state.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use std::sync::atomic::Ordering;

use nginx_sys::{NGX_LOG_ERR, NGX_LOG_NOTICE};

use super::zone::Zone;
use super::zone_files;
use crate::ngx::guard::catch;
use crate::ngx::log::CycleLog;
use crate::ngx::thread;
use image_gate_runtime::files::FileId;

struct BackgroundThread {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<()>,
}

/// The background thread of this process. Only the event loop takes it, so it never waits.
static BACKGROUND: Mutex<Option<BackgroundThread>> = Mutex::new(None);

fn slot() -> std::sync::MutexGuard<'static, Option<BackgroundThread>> {
    BACKGROUND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread for those zones, if there is anything to do.
pub fn start(zones: Vec<Arc<Zone>>) {
    let log = CycleLog::current();
    let tasks: Vec<ZoneTasks> = zones.into_iter().map(ZoneTasks::new).collect();
    if !tasks.iter().any(ZoneTasks::is_any) {
        return;
    }
    let stop = Arc::new((Mutex::new(false), Condvar::new()));
    let stopped = stop.clone();
    match thread::spawn("access_key", move || {
        if catch(|| run(tasks, log, &stopped)).is_none() {
            log.write(NGX_LOG_ERR, format_args!("access_key: internal error: panic"));
        }
    }) {
        Ok(thread) => *slot() = Some(BackgroundThread { stop, thread }),
        Err(error) => {
            log.write(NGX_LOG_ERR, format_args!("access_key: no thread: {error}"));
        }
    }
}

/// Stops the thread, which saves what there is to save.
pub fn stop() {
    let Some(helper) = slot().take() else { return };
    let (stop, changed) = &*helper.stop;
    *stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
    changed.notify_all();
    // A panic in it was caught and told.
    drop(helper.thread.join());
}

fn run(mut tasks: Vec<ZoneTasks>, log: CycleLog, stopped: &(Mutex<bool>, Condvar)) {
    let (stop, changed) = stopped;
    let mut stop = stop.lock().unwrap_or_else(PoisonError::into_inner);
    while !*stop {
        drop(stop);
        for tasks in &mut tasks {
            tasks.work(log);
        }
        let rest = tasks.iter().map(ZoneTasks::rest).min().unwrap_or(Duration::MAX);
        stop = stopped.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !*stop {
            stop = changed.wait_timeout(stop, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
    drop(stop);
    for tasks in &mut tasks {
        tasks.save(log, true);
    }
}

/// What is to be done for one zone.
struct ZoneTasks {
    zone: Arc<Zone>,
    seen: Option<FileId>,
    next_poll: Option<Instant>,
    /// What was wrong last, so that each trouble makes one line.
    poll_trouble: Option<String>,
    save_trouble: Option<String>,
    /// Whether there are keys to be freed.
    has_retired: bool,
}

impl ZoneTasks {
    fn new(zone: Arc<Zone>) -> ZoneTasks {
        ZoneTasks {
            seen: zone.file.seen,
            next_poll: zone.file.poll.map(|_| Instant::now()),
            poll_trouble: zone.file.trouble.clone(),
            zone,
            save_trouble: None,
            has_retired: true,
        }
    }

    fn is_any(&self) -> bool {
        self.zone.state_file.is_some() || self.next_poll.is_some()
    }

    fn work(&mut self, log: CycleLog) {
        if let (Some(poll), Some(next)) = (self.zone.file.poll, self.next_poll)
            && Instant::now() >= next
        {
            let trouble = self.poll(log).err();
            self.zone.header().key_file_bad.note(trouble.is_none(), now_in_milliseconds() / 1000);
            log_change(&mut self.poll_trouble, trouble, log, &self.zone.name, "keeps its keys");
            self.next_poll = Some(Instant::now() + poll);
        }
        if self.claim_save() {
            self.save(log, false);
        }
        self.has_retired = self.zone.free_retired();
    }

    /// How long there is nothing to do.
    fn rest(&self) -> Duration {
        let poll = self.next_poll.map(|next| next.saturating_duration_since(Instant::now()));
        let save = self.zone.state_file.as_ref().map(|state_file| {
            let due = self.zone.header().next_save.load(Ordering::Relaxed);
            Duration::from_millis(due.saturating_sub(now_in_milliseconds()))
                .clamp(Duration::from_millis(20), state_file.interval)
        });
        let free = self.has_retired.then_some(Duration::from_secs(1));
        poll.into_iter().chain(save).chain(free).min().unwrap_or(Duration::MAX)
    }

    fn poll(&mut self, log: CycleLog) -> Result<(), String> {
        let path = &self.zone.file.path;
        let found = FileId::of(path).map_err(|error| format!("{}: {error}", path.display()))?;
        if Some(found) == self.seen {
            // A file that was refused is still refused.
            return self.poll_trouble.clone().map_or(Ok(()), Err);
        }
        self.seen = Some(found);
        let keys = zone_files::read_keys(path)?;
        self.seen = keys.seen;
        let partners = keys.table.partners().len();
        self.zone.replace(keys.table, |_| None)?;
        let name = &self.zone.name;
        if let Some(state_file) = &self.zone.state_file
            && let Err(reason) = zone_files::keep_keys(&state_file.path, &keys.text, None)
        {
            let line = format_args!("access_key: zone \"{name}\" can't keep its keys: {reason}");
            log.write(NGX_LOG_ERR, line);
        }
        log.write(
            NGX_LOG_NOTICE,
            format_args!("access_key: zone \"{name}\" has new keys of {partners} partners"),
        );
        Ok(())
    }

    /// Whether the state is due and no other process has taken that on.
    fn claim_save(&self) -> bool {
        let Some(state_file) = &self.zone.state_file else { return false };
        let next = &self.zone.header().next_save;
        let due = next.load(Ordering::Relaxed);
        let now = now_in_milliseconds();
        let interval = u64::try_from(state_file.interval.as_millis()).unwrap_or(u64::MAX);
        // A time far off is from a clock that was set back since.
        let is_due = now >= due || due > now.saturating_add(interval.saturating_mul(2));
        is_due
            && next
                .compare_exchange(
                    due,
                    now.saturating_add(interval),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    fn save(&mut self, log: CycleLog, wait: bool) {
        let saved = zone_files::save(&self.zone, wait);
        let name = &self.zone.name;
        if let Ok(Some(found)) = &saved {
            let line = format_args!("access_key: zone \"{name}\" found no state in {found}");
            log.write(NGX_LOG_ERR, line);
        }
        let trouble = saved.err();
        self.zone.header().state_bad.note(trouble.is_none(), now_in_milliseconds() / 1000);
        if self.save_trouble.is_some() && trouble.is_none() {
            let line = format_args!("access_key: zone \"{name}\" saves its state again");
            log.write(NGX_LOG_NOTICE, line);
        }
        log_change(&mut self.save_trouble, trouble, log, name, "can't save its state");
    }
}

fn log_change(
    last: &mut Option<String>,
    trouble: Option<String>,
    log: CycleLog,
    zone: &str,
    consequence: &str,
) {
    if let Some(reason) = &trouble
        && *last != trouble
    {
        let line = format_args!("access_key: zone \"{zone}\" {consequence}: {reason}");
        log.write(NGX_LOG_ERR, line);
    }
    *last = trouble;
}

/// The time in milliseconds since 1970.
fn now_in_milliseconds() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
