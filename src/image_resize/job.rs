//! One job: from the collected source to the bytes to send. Runs on any thread.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use image_gate_core::cache::{Made, SourceId};
use image_gate_core::image::{
    ContentCodings, Control, Damage, Description, Error, Format, Info, Limits, Measured, Output,
    Plan, info_json, prepare, probe, size_json,
};

use super::task::{JobKind, Task};
use super::watermark_cache::{self, Loaded, WatermarkSpec};
use crate::ngx::cache::Written;
use crate::ngx::{FileRange, thread};

/// A source as it was collected: bytes in memory, and ranges of files that nginx holds open.
#[derive(Debug, Default)]
pub struct Body {
    parts: Vec<BodyPart>,
    len: u64,
}

#[derive(Debug)]
enum BodyPart {
    Memory(Vec<u8>),
    File(FileRange),
}

impl Body {
    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Adds bytes, copying them; `hint` is how long the whole is expected to be.
    ///
    /// # Errors
    /// [`Error::Internal`] when there is no memory.
    pub fn push_bytes(&mut self, bytes: &[u8], hint: u64) -> Result<(), Error> {
        if !matches!(self.parts.last(), Some(BodyPart::Memory(_))) {
            let mut part = Vec::new();
            reserve(&mut part, hint.saturating_sub(self.len).max(bytes.len() as u64))?;
            self.parts.push(BodyPart::Memory(part));
        }
        if let Some(BodyPart::Memory(part)) = self.parts.last_mut() {
            part.try_reserve(bytes.len()).map_err(no_memory)?;
            part.extend_from_slice(bytes);
            self.len += bytes.len() as u64;
        }
        Ok(())
    }

    /// Adds a range of a file, which is read by the job.
    pub fn push_file(&mut self, file: FileRange) {
        self.len += file.len;
        self.parts.push(BodyPart::File(file));
    }

    /// The first bytes, as far as they are in memory.
    pub fn prefix(&self) -> &[u8] {
        match self.parts.first() {
            Some(BodyPart::Memory(bytes)) => bytes,
            _ => &[],
        }
    }

    /// The state of each file that it is in; `None` where some of it is in memory.
    ///
    /// While its request lives.
    fn files(&self) -> Option<Vec<SourceId>> {
        let file = |part: &BodyPart| match part {
            BodyPart::Memory(_) => None,
            BodyPart::File(file) => file.id().ok(),
        };
        self.parts.iter().map(file).collect()
    }

    /// All of it in memory.
    ///
    /// While its request lives.
    fn load(mut self) -> Result<Vec<u8>, Error> {
        if let [BodyPart::Memory(bytes)] = self.parts.as_mut_slice() {
            return Ok(std::mem::take(bytes));
        }
        let mut whole = Vec::new();
        reserve(&mut whole, self.len)?;
        for part in &self.parts {
            match part {
                BodyPart::Memory(bytes) => whole.extend_from_slice(bytes),
                BodyPart::File(file) => {
                    let start = whole.len();
                    let len = usize::try_from(file.len).map_err(no_memory)?;
                    whole.resize(start + len, 0);
                    let target = whole.get_mut(start..).unwrap_or_default();
                    file.read(target)
                        // That may be no fault of the source.
                        .map_err(|error| Error::Internal(format!("reading: {error}")))?;
                }
            }
        }
        Ok(whole)
    }
}

fn reserve(vec: &mut Vec<u8>, len: u64) -> Result<(), Error> {
    vec.try_reserve_exact(usize::try_from(len).map_err(no_memory)?).map_err(no_memory)
}

fn no_memory(_: impl std::error::Error) -> Error {
    Error::Internal("no memory".into())
}

/// The bytes to send.
#[derive(Debug)]
pub struct JobOutput {
    pub bytes: Vec<u8>,
    /// The format of the image; `None` is a description in JSON.
    pub format: Option<Format>,
    /// Width and height.
    pub size: Option<(u32, u32)>,
    /// Whether the bytes are the source's own.
    pub is_original: bool,
    /// What is wrong with the source.
    pub damage: Option<Damage>,
}

impl JobOutput {
    fn made(&self, source: Option<&Info>, was_coded: bool) -> Made {
        Made {
            len: self.bytes.len() as u64,
            format: self.format,
            size: self.size,
            source_format: source.map(|source| source.format),
            source_size: source.map(|source| (source.width, source.height)),
            is_original: self.is_original,
            is_as_it_came: self.is_original && !was_coded,
            is_damaged: self.damage.is_some(),
        }
    }
}

/// What was made, for who writes it down.
pub struct Finished<'a> {
    pub bytes: &'a [u8],
    pub made: Made,
    /// The files that the source came from, as they were before they were read; empty where any of
    /// it came in memory.
    pub files: &'a [SourceId],
}

/// Writes a result down, on the thread that made it.
pub trait Writer: Send + Debug {
    /// Does it. Nothing comes of it where it can't be done, or there is a reason not to.
    fn write(self: Box<Self>, finished: &Finished<'_>) -> Option<Written>;
}

/// What a finished job says.
#[derive(Debug)]
pub struct JobReport {
    pub result: Result<JobOutput, Error>,
    pub source: Option<Info>,
    pub source_bytes: u64,
    /// Whether the source came in a coding, which was undone.
    pub was_coded: bool,
    /// How long the job ran.
    pub time: Duration,
    /// The source as it came, where the job failed and it is wanted.
    pub original: Option<Vec<u8>>,
    /// What was written down of the result.
    pub written: Option<Written>,
}

/// How a run ended.
#[derive(Debug)]
pub enum JobOutcome {
    /// With a result or an error.
    Finished(JobReport),
    /// Not begun, because that many bytes of memory were not free; here is the job again.
    NeedsMemory(Box<Job>, u64),
}

/// All that a thread needs to know; it owns it.
#[derive(Debug)]
pub struct Job {
    body: Body,
    codings: ContentCodings,
    work: JobKind,
    plan: Plan,
    layers: Vec<WatermarkSpec>,
    limits: Limits,
    buffer: u64,
    control: Arc<Control>,
    keeps_original: bool,
    /// Whether the source came in a coding, which was undone.
    was_coded: bool,
    /// The source before its coding was undone, where it is kept.
    encoded: Option<Vec<u8>>,
    /// See [`Task`].
    is_end_announced: bool,
    writer: Option<Box<dyn Writer>>,
    /// See [`Finished`].
    files: Vec<SourceId>,
}

impl Job {
    /// The job that makes of `body` what `task` asks for.
    pub fn new(
        task: &Task,
        body: Body,
        writer: Option<Box<dyn Writer>>,
        control: Arc<Control>,
    ) -> Job {
        Job {
            body,
            codings: task.codings.clone(),
            work: task.work.clone(),
            plan: Plan::clone(&task.plan),
            layers: task.layers.clone(),
            limits: task.bounds.image,
            buffer: task.buffer,
            control,
            keeps_original: task.keeps_original,
            was_coded: false,
            encoded: None,
            is_end_announced: task.is_end_announced,
            writer,
            files: Vec::new(),
        }
    }

    /// Has another control end the work, as the time of a job that waited starts anew.
    pub fn set_control(&mut self, control: Arc<Control>) {
        self.control = control;
    }

    fn work(mut self) -> JobOutcome {
        let start = Instant::now();
        let source_bytes = self.body.len();
        let body = std::mem::take(&mut self.body);
        // A job that waited for memory has its source there.
        if self.writer.is_some() && self.files.is_empty() {
            self.files = body.files().unwrap_or_default();
        }
        let decoded = body.load().and_then(|bytes| {
            match std::mem::take(&mut self.codings).undo(&bytes, self.buffer, &self.control) {
                Ok(None) => Ok(bytes),
                Ok(Some(decoded)) => {
                    self.was_coded = true;
                    self.encoded = self.keeps_original.then_some(bytes);
                    Ok(decoded)
                }
                Err(error) => {
                    self.encoded = self.keeps_original.then_some(bytes);
                    Err(error)
                }
            }
        });
        let mut source = None;
        let (result, original) = match decoded {
            Err(error) => (Err(error), self.encoded),
            Ok(mut bytes) => match self.make(&mut bytes, &mut source) {
                Err(JobError::NeedsMemory(need)) => {
                    self.body = Body { len: bytes.len() as u64, ..Body::default() };
                    self.body.parts.push(BodyPart::Memory(bytes));
                    return JobOutcome::NeedsMemory(Box::new(self), need);
                }
                Err(JobError::Failed(error)) => {
                    let original = self.encoded.or(Some(bytes));
                    (Err(error), original.filter(|_| self.keeps_original))
                }
                Ok(output) => (Ok(output), None),
            },
        };
        let written = match (&result, self.writer) {
            // What may be half a source is not kept.
            (Ok(output), Some(writer))
                if self.is_end_announced
                    || output.damage.as_ref().is_none_or(|damage| !damage.ends_early) =>
            {
                let (bytes, files) = (&output.bytes, &self.files);
                let made = output.made(source.as_ref(), self.was_coded);
                writer.write(&Finished { bytes, made, files })
            }
            _ => None,
        };
        JobOutcome::Finished(JobReport {
            result,
            source,
            source_bytes,
            was_coded: self.was_coded,
            time: start.elapsed(),
            original,
            written,
        })
    }

    fn make(
        &mut self,
        bytes: &mut Vec<u8>,
        source: &mut Option<Info>,
    ) -> Result<JobOutput, JobError> {
        match &self.work {
            JobKind::Describe => {
                *source = self.probe(bytes).ok();
                Ok(describe(source.as_ref(), self.plan.orient))
            }
            JobKind::Tell(description) if description.is_of_source() => {
                let info = self.probe(bytes).map_err(JobError::Failed)?;
                *source = Some(info.clone());
                let measured = Measured::of_source(info, &self.plan, bytes.len() as u64);
                Ok(self.tell(description, &measured, None))
            }
            JobKind::Inspect | JobKind::Tell(_) | JobKind::Transform => {
                self.load_watermarks().map_err(JobError::Failed)?;
                self.transform(bytes, source)
            }
        }
    }

    /// What a link asks to be told.
    fn tell(
        &self,
        description: &Description,
        measured: &Measured<'_>,
        damage: Option<Damage>,
    ) -> JobOutput {
        let bytes = description.json(measured, &self.limits).into_bytes();
        let size = Some(measured.size);
        JobOutput { bytes, format: None, size, is_original: false, damage }
    }

    /// What the headers of a source say, if it is to be read.
    fn probe(&self, bytes: &[u8]) -> Result<Info, Error> {
        let info = probe(bytes)?;
        self.plan.check_source(info.format).map(|()| info)
    }

    /// Completes the plan by the watermark.
    fn load_watermarks(&mut self) -> Result<(), Error> {
        for layer in std::mem::take(&mut self.layers) {
            let Loaded { watermark, is_as_seen } = watermark_cache::load(layer, &self.control)?;
            self.plan.marks.push(watermark);
            // Whoever keeps the result would keep it as one with another state of the mark.
            if !is_as_seen {
                self.writer = None;
            }
        }
        Ok(())
    }

    /// Leaves the bytes where they are unless they go out.
    fn transform(
        &self,
        bytes: &mut Vec<u8>,
        source: &mut Option<Info>,
    ) -> Result<JobOutput, JobError> {
        let prepared = prepare(bytes, &self.plan, &self.limits).map_err(JobError::Failed)?;
        let info = prepared.info().clone();
        let displayed = info.displayed(self.plan.orient);
        *source = Some(info);
        let need = prepared.memory();
        self.limits.check_memory(need).map_err(JobError::Failed)?;
        let decodes = match &self.work {
            JobKind::Tell(description) => prepared
                .is_measured_by_content(description.tells_places())
                .map_err(JobError::Failed)?,
            _ => true,
        };
        let need = if decodes { need } else { 0 };
        let Some(_reservation) = Reservation::take(need, self.limits.memory) else {
            return Err(JobError::NeedsMemory(need));
        };
        if let JobKind::Tell(description) = &self.work {
            let measured = prepared.measure(description.tells_places(), &self.control);
            let measured = measured.map_err(JobError::Failed)?;
            return Ok(self.tell(description, &measured, prepared.damage()));
        }
        if matches!(self.work, JobKind::Inspect) {
            let preview = prepared.preview(&self.control).map_err(JobError::Failed)?;
            let json = info_json(prepared.info(), self.plan.orient, bytes.len() as u64, &preview);
            let (bytes, size) = (json.into_bytes(), Some(displayed));
            let damage = prepared.damage();
            return Ok(JobOutput { bytes, format: None, size, is_original: false, damage });
        }
        let mut done = prepared.run(&self.control).map_err(JobError::Failed)?;
        // Where a format alone was asked for, that was to save bytes.
        if let Output::Encoded(made) = &done.output
            && let Some(source) =
                prepared.smaller_source(made.len(), &self.control).map_err(JobError::Failed)?
        {
            done = source;
        }
        let damage = prepared.damage();
        let (size, format) = (Some((done.width, done.height)), Some(done.format));
        let (bytes, is_original) = match done.output {
            Output::Original => (std::mem::take(bytes), true),
            Output::Stripped(bytes) | Output::Encoded(bytes) => (bytes, false),
        };
        Ok(JobOutput { bytes, format, size, is_original, damage })
    }
}

enum JobError {
    Failed(Error),
    NeedsMemory(u64),
}

fn describe(source: Option<&Info>, orient: bool) -> JobOutput {
    let size = source.map(|info| info.displayed(orient));
    let image = source.zip(size).map(|(info, (width, height))| (width, height, info.format));
    let bytes = size_json(image).into_bytes();
    JobOutput { bytes, format: None, size, is_original: false, damage: None }
}

/// Bytes of memory that the running jobs of this worker estimated to need.
static RESERVED: AtomicU64 = AtomicU64::new(0);

/// Some of it.
pub struct Reservation(u64);

impl Reservation {
    /// `need` bytes more, of `limit` that there are, until this is dropped.
    pub fn take(need: u64, limit: u64) -> Option<Reservation> {
        let grow = |reserved: u64| Some(reserved + need).filter(|&sum| sum <= limit);
        RESERVED.fetch_update(Ordering::AcqRel, Ordering::Acquire, grow).ok()?;
        Some(Reservation(need))
    }

    /// Whether `need` bytes would be given now.
    fn fits(need: u64, limit: u64) -> bool {
        RESERVED.load(Ordering::Acquire) + need <= limit
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        RESERVED.fetch_sub(self.0, Ordering::AcqRel);
    }
}

/// Whether a job that needs that much memory could start now.
pub fn memory_fits(need: u64, limit: u64) -> bool {
    need == 0 || Reservation::fits(need, limit)
}

impl thread::Work for Job {
    type Output = JobOutcome;

    fn run(self) -> JobOutcome {
        self.work()
    }
}
