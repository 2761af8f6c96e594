//! `run`: measures, stores, judges, reports. Never fails because of a number.

use super::Context;
use super::environment;
use super::output::{self, Output};
use super::resume::{self, Resumed};
use crate::args::RunArguments;
use crate::error::{BROKE, Failure, INTERRUPTED, NOTHING_SELECTED, OK, nearest};
use crate::interrupt;
use crate::progress::Progress;
use crate::settings::Settings;
use perfbench_harness::case::overhead::loop_ns_per_op;
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::event::{Event, Onlooker};
use perfbench_harness::launch::{Fresh, InProcess, Launcher};
use perfbench_harness::machine::{self, Environment, Machine, limits};
use perfbench_harness::plan::{self, Plan, Request};
use perfbench_harness::record::{End, Header, Line, Outcome, RunRecord, SCHEMA, SCHEMA_NAME, Writer};
use perfbench_harness::sampler::{Fault, Run, Timekeeper};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Registry, counter};
use perfbench_reports::Report;
use perfbench_reports::format::text::{self, Look};
use perfbench_reports::store::Store;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// The command.
pub fn run(context: &Context<'_>, settings: &mut Settings, typed: &RunArguments) -> Result<u8, Failure> {
    let started = Instant::now();
    let resumed = typed.resume.as_deref().map(|name| Resumed::find(settings, name)).transpose()?;
    let arguments = &resumed.as_ref().map_or_else(|| Ok(typed.clone()), |run| run.arguments(typed))?;
    let scripted = arguments.clock.as_deref().is_some_and(|clock| clock.starts_with("scripted"));
    let machine = if scripted { Machine::scripted() } else { machine::probe() };
    let mut request = settings.request(arguments, context.matches, &machine)?;
    let mut plan = plan::plan(&request, &machine, context.tables.registry);
    if plan.groups.is_empty() {
        return Err(nothing_selected(&request, context.tables.registry));
    }
    if arguments.dry_run {
        return super::list::dry_run(context, settings, &plan);
    }
    let outputs = output::parse(&settings.output)?;
    if request.test_only {
        return check(context, settings, &request, &plan);
    }
    let stop = interrupt::watch();
    let clock = environment::clock(request.clock)?;
    let header = header(context, settings, &request, machine, &clock);
    environment::require(settings.require_env, &header.environment)?;
    if let Some(run) = &resumed {
        run.admit(&header)?;
        run.leave_out(&mut plan, &mut request);
    }
    let progress = Progress::new(settings.progress, context.quiet, request.budget_s);
    let stored = Stored::open(settings, header, resumed)?;
    let mut session = Session { stored, clock, progress, started, scripted, own_cpus: own_cpus(&plan) };
    session.greet();
    let measured = session.limits(&request).and_then(|()| session.measure(context, &request, &plan, stop));
    session.end(context, settings, outputs, measured)
}

/// CPUs that the run itself keeps busy.
fn own_cpus(plan: &Plan) -> usize {
    plan.groups.iter().map(|group| group.cpus.len()).max().unwrap_or(1)
}

/// The error for filters that select nothing, with the nearest names.
pub fn nothing_selected(request: &Request, registry: Registry) -> Failure {
    let typed = request.filters.join(" ");
    let failure = Failure::new(NOTHING_SELECTED, format!("nothing is selected by `{typed}`"));
    let names = plan::names(registry);
    let near: Vec<&str> =
        request.filters.iter().flat_map(|f| nearest(f, names.iter().map(String::as_str))).take(4).collect();
    match near.as_slice() {
        [] => failure.help("`perfbench list` shows every name"),
        near => failure.help(format!("nearest names: {}", near.join(", "))),
    }
}

fn launcher(context: &Context<'_>, request: &Request) -> Box<dyn Launcher> {
    if matches!(request.clock, ClockChoice::Scripted(_)) {
        return Box::new(InProcess(context.tables.registry));
    }
    // The link leads to the program that runs, even where its file has been replaced by another build meanwhile.
    Box::new(Fresh::new("/proc/self/exe".into(), &[crate::WORKER], request.seed))
}

fn check(context: &Context<'_>, settings: &Settings, request: &Request, plan: &Plan) -> Result<u8, Failure> {
    let clock = Clock::open(request.clock);
    let mut progress = Progress::new(settings.progress, context.quiet, request.budget_s);
    let mut launcher = launcher(context, request);
    let mut broken = 0;
    let mut run = Run {
        request,
        plan,
        calibration: clock.facts(),
        launcher: launcher.as_mut(),
        onlooker: &mut progress,
        stop: interrupt::watch(),
        time: None,
        nearest_ns: f64::INFINITY,
    };
    run.check(&mut |row, fault| {
        broken += usize::from(matches!(fault, Some(Fault::Broke(_))));
        let text = match fault {
            None => "ok".to_owned(),
            Some(Fault::Broke(message)) => format!("BROKE  {message}"),
            Some(Fault::Unavailable(why)) => format!("not here  {why}"),
        };
        anstream::println!("{row:<40} {text}");
    });
    Ok(match (interrupt::came(), broken) {
        (true, _) => INTERRUPTED,
        (false, 0) => OK,
        _ => BROKE,
    })
}

/// A run under way.
struct Session {
    stored: Stored,
    clock: Clock,
    progress: Progress,
    started: Instant,
    scripted: bool,
    own_cpus: usize,
}

/// The record in memory and on disk.
struct Stored {
    record: RunRecord,
    writer: Writer,
    /// What the run took before it was cut off, as far as it could still tell, seconds.
    before_s: f64,
}

impl Stored {
    fn open(settings: &Settings, header: Header, resumed: Option<Resumed>) -> Result<Self, Failure> {
        match resumed {
            Some(run) => Self::go_on(run, header.started),
            None => Self::begin(settings, header),
        }
    }

    fn begin(settings: &Settings, header: Header) -> Result<Self, Failure> {
        let store = Store::open(&settings.store).map_err(super::output::store_failure)?;
        let mut writer = Writer::create(&store.path_of(&header.run)).map_err(|error| unwritten(&error))?;
        writer.write(&Line::Run(Box::new(header.clone()))).map_err(|error| unwritten(&error))?;
        Ok(Self { record: RunRecord::new(header), writer, before_s: 0.0 })
    }

    fn go_on(run: Resumed, now: String) -> Result<Self, Failure> {
        let writer = Writer::append(&run.path).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => {
                Failure::usage("the run cannot go on: another perfbench is writing it")
                    .help("wait for it, or end it")
            }
            _ => unwritten(&error),
        })?;
        let before_s = run.record.end.as_ref().map_or(0.0, |end| end.elapsed_s);
        let mut stored = Self { record: RunRecord { end: None, ..run.record }, writer, before_s };
        let text = format!(
            "the run was cut off and went on at {now}: {} rows were in the record by then",
            stored.record.rows.len()
        );
        stored.keep(Line::Warning { text }).map_err(|error| unwritten(&error))?;
        Ok(stored)
    }

    fn keep(&mut self, line: Line) -> io::Result<()> {
        let written = self.writer.write(&line);
        self.record.push(line);
        written
    }
}

impl Session {
    /// What this machine can and cannot measure, on stderr before anything is measured.
    fn greet(&self) {
        let report = Report::of(&self.stored.record);
        self.progress.say(text::head(&report, &Look::plain()).trim_end());
    }

    /// The machine's limits, unless a run that goes on has them already.
    fn limits(&mut self, request: &Request) -> Result<(), Failure> {
        if resume::has_limits(&self.stored.record) {
            return Ok(());
        }
        self.progress.on(&Event::Preparing("machine limits"));
        let machine = self.stored.record.header.machine.clone();
        let (stored, progress) = (&mut self.stored, &mut self.progress);
        let mut written = Ok(());
        limits::measure(&machine, &request.cpus, &self.clock, &mut |limit| {
            progress.on(&Event::Limit(&limit));
            if written.is_ok() {
                written = stored.keep(Line::Limit(limit));
            }
        });
        written.map_err(|error| unwritten(&error))
    }

    fn measure(
        &mut self,
        context: &Context<'_>,
        request: &Request,
        plan: &Plan,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        self.warn_of_budget(request, plan)?;
        let mut launcher = launcher(context, request);
        let stored = &mut self.stored;
        let mut run = Run {
            request,
            plan,
            calibration: self.clock.facts(),
            launcher: launcher.as_mut(),
            onlooker: &mut self.progress,
            stop,
            time: (!self.scripted).then_some(&self.started as &dyn Timekeeper),
            nearest_ns: stored.record.limit("line_bounce").map_or(f64::INFINITY, |bounce| bounce.low),
        };
        run.measure(&mut |line| stored.keep(line)).map_err(|error| unwritten(&error))
    }

    /// A budget that the selection cannot keep is said before it is broken.
    fn warn_of_budget(&mut self, request: &Request, plan: &Plan) -> Result<(), Failure> {
        if self.scripted || plan.estimate_s <= request.budget_s {
            return Ok(());
        }
        let text = format!(
            "a budget of {:.0} s is too small for this selection: it takes about {:.0} s with the shortest rounds",
            request.budget_s, plan.estimate_s
        );
        self.warn(text).map_err(|error| unwritten(&error))
    }

    fn warn(&mut self, text: String) -> io::Result<()> {
        self.progress.on(&Event::Warning(&text));
        self.stored.keep(Line::Warning { text })
    }

    /// The last lines: what got worse meanwhile, and how the run ended.
    fn close(&mut self, status: &str) -> io::Result<()> {
        let environment = environment_now(self.scripted);
        let elapsed_s = if self.scripted { 0.0 } else { self.started.elapsed().as_secs_f64() };
        for text in environment::worse(&self.stored.record, &environment, self.own_cpus, elapsed_s) {
            self.warn(text)?;
        }
        let elapsed_s = elapsed_s + self.stored.before_s;
        self.stored.keep(Line::End(End {
            finished: now(self.scripted),
            status: status.into(),
            elapsed_s,
            environment,
        }))
    }

    /// Shows what was measured, even where the record could not be written to its end.
    fn end(
        mut self,
        context: &Context<'_>,
        settings: &Settings,
        mut outputs: Vec<Output>,
        measured: Result<(), Failure>,
    ) -> Result<u8, Failure> {
        let status = if interrupt::came() { "interrupted" } else { "complete" };
        let written = measured.and_then(|()| self.close(status).map_err(|error| unwritten(&error)));
        self.progress.finish();
        let record = &self.stored.record;
        let report = Report::of(record);
        outputs.push(output::page(settings));
        let rendered = written.and_then(|()| output::write_all(record, &report, &outputs));
        output::show(context, &report);
        rendered?;
        output::announce(&outputs);
        let broke = record.rows.iter().any(|row| matches!(row.outcome, Outcome::Broke { .. }));
        Ok(match (status, broke) {
            ("interrupted", _) => INTERRUPTED,
            (_, true) => BROKE,
            _ => OK,
        })
    }
}

fn header(
    context: &Context<'_>,
    settings: &Settings,
    request: &Request,
    machine: Machine,
    clock: &Clock,
) -> Header {
    let scripted = clock.scripted().is_some();
    Header {
        schema: format!("{SCHEMA_NAME}/{SCHEMA}"),
        version: env!("CARGO_PKG_VERSION").into(),
        run: run_id(scripted, request.seed),
        started: now(scripted),
        command: if scripted { vec!["perfbench".into()] } else { std::env::args().collect() },
        settings: if scripted { Vec::new() } else { settings.origins.clone() },
        seed: request.seed,
        inputs: request.inputs.iter().map(|(name, path)| (name.clone(), fingerprint(path))).collect(),
        registry: plan::fingerprint(context.tables.registry),
        program: if scripted { String::new() } else { program() },
        cold: request.evict_bytes.is_some(),
        loop_ns_per_op: machine.emulator.is_none().then(|| loop_ns_per_op(clock)),
        clock: clock.facts(),
        machine,
        environment: environment_now(scripted),
        counters: if scripted { Vec::new() } else { counter::facts() },
        claims: (context.tables.claims)(),
    }
}

/// Size and time of change of the executable that runs, which no two builds share.
fn program() -> String {
    let told = std::fs::metadata("/proc/self/exe").and_then(|file| Ok((file.len(), file.modified()?)));
    told.map_or_else(
        |error| error.to_string(),
        |(bytes, changed)| {
            let since = changed.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            format!("{bytes} bytes, {} ns", since.as_nanos())
        },
    )
}

/// File name, size and FNV-1a of the contents: enough to see that two runs were given the same.
fn fingerprint(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match std::fs::read(path) {
        Ok(bytes) => format!("{name}, {} bytes, {:016x}", bytes.len(), Random::hash_bytes(&bytes)),
        Err(error) => format!("{name}, unreadable: {error}"),
    }
}

fn environment_now(scripted: bool) -> Environment {
    if scripted { Environment::scripted() } else { machine::environment::check() }
}

/// Now, RFC 3339 in UTC, to the second; a scripted run has its own.
pub fn now(scripted: bool) -> String {
    if scripted {
        "2000-01-01T00:00:00Z".into()
    } else {
        jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string()
    }
}

/// Time of start to the second, then a tail that keeps two runs of one second apart.
pub fn run_id(scripted: bool, seed: u64) -> String {
    if scripted {
        return format!("scripted-{seed}");
    }
    let now = jiff::Timestamp::now();
    let tail = (now.as_nanosecond() as u64 ^ u64::from(std::process::id()) << 20) & 0xf_ffff;
    format!("{}-{tail:05x}", now.strftime("%Y%m%dT%H%M%SZ"))
}

fn internal(what: &str, error: &io::Error) -> Failure {
    Failure::new(crate::error::INTERNAL, format!("{what}: {error}"))
}

/// A record that cannot be written, with the next step.
pub fn unwritten(error: &io::Error) -> Failure {
    let help = match error.kind() {
        io::ErrorKind::StorageFull => {
            "the disk is full: free space or name another folder with --store; rows written before are kept"
        }
        io::ErrorKind::PermissionDenied => "name a folder that you may write with --store",
        _ => "rows written before are kept; name another folder with --store",
    };
    internal("the record cannot be written", error).help(help)
}
