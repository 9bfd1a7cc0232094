//! The processes of a measurement, and what Linux says about them.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::sleep;

use crate::Failure;

const MODULES: &str = "interop/javascript/node_modules/@fal-ai/client";
const PYTHON: &str = "target/interop/python/bin/python";
const SAMPLES: Duration = Duration::from_millis(20);

/// The clock of `/proc/PID/stat`, on every architecture of Linux.
const TICKS_A_SECOND: f64 = 100.0;

/// A row of a table.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) program: Program,
}

#[derive(Clone, Copy)]
pub(crate) enum Program {
    Ours { streams: Option<usize> },
    JavaScript { mode: &'static str },
    Python,
}

impl Way {
    /// Returns true if the row differs from others only for many jobs.
    pub(crate) fn is_limited(&self) -> bool {
        matches!(self.program, Program::Ours { streams: Some(_) })
    }

    pub(crate) fn is_installed(&self) -> bool {
        match self.program {
            Program::Ours { .. } => true,
            Program::JavaScript { .. } => Path::new(MODULES).exists(),
            Program::Python => Path::new(PYTHON).exists(),
        }
    }
}

impl Program {
    fn command(self, base: &str, jobs: usize) -> Result<Command, Failure> {
        let jobs = jobs.to_string();
        let (program, arguments): (OsString, Vec<String>) = match self {
            Program::Ours { streams } => {
                let streams = streams.map_or("default".to_owned(), |streams| streams.to_string());
                (std::env::current_exe()?.into(), vec!["--follow".to_owned(), base.to_owned(), jobs, streams])
            }
            Program::JavaScript { mode } => {
                let script = "benches/following/follow.mjs".to_owned();
                ("node".into(), vec![script, base.to_owned(), jobs, mode.to_owned()])
            }
            Program::Python => (PYTHON.into(), vec!["benches/following/follow.py".to_owned(), base.to_owned(), jobs]),
        };
        let mut command = Command::new(program);
        command.args(arguments);
        Ok(command)
    }
}

/// The figures of a measurement.
#[derive(Default, Clone)]
pub(crate) struct Figures {
    /// Milliseconds between completion and result, sorted.
    pub(crate) delays: Vec<f64>,
    pub(crate) requests_a_job: f64,
    pub(crate) cpu_seconds: f64,
    /// KiB above start.
    pub(crate) peak: f64,
    pub(crate) resident: f64,
    pub(crate) descriptors: f64,
}

/// Lets a program follow jobs that take a random number of seconds.
pub(crate) async fn follow(program: Program, jobs: usize, seconds: (f64, f64)) -> Result<Figures, Failure> {
    let (min, max) = (seconds.0.to_string(), seconds.1.to_string());
    let mut emulator = Talker::start(Command::new(std::env::current_exe()?).args(["--serve", &min, &max]))?;
    let base = emulator.line().await?;
    let mut program = Talker::start(&mut program.command(&base, jobs)?)?;
    let (results, mut figures) = program.measure().await?;
    emulator.go_on().await?;
    let requests = emulator.line().await?;
    figures.requests_a_job = requests.trim_start_matches("requests ").parse::<f64>()? / jobs as f64;
    let mut completed = HashMap::new();
    for _ in 0..jobs {
        let (id, time) = moment(&emulator.line().await?)?;
        completed.insert(id, time);
    }
    for result in &results {
        let (id, time) = moment(result)?;
        figures.delays.push((time - completed[&id]) as f64 / 1e6);
    }
    if figures.delays.len() != jobs {
        return Err(format!("{} of {jobs} jobs have a result", figures.delays.len()).into());
    }
    figures.delays.sort_by(f64::total_cmp);
    Ok(figures)
}

/// Lets our program wait for jobs that stay in the queue.
pub(crate) async fn wait(jobs: usize) -> Result<Figures, Failure> {
    let this = std::env::current_exe()?;
    let mut emulator = Talker::start(Command::new(&this).args(["--serve", "3600", "3600"]))?;
    let base = emulator.line().await?;
    let mut program = Talker::start(Command::new(&this).args(["--wait", &base, &jobs.to_string()]))?;
    Ok(program.measure().await?.1)
}

/// Splits a line into the name of an event, an id and a time.
fn moment(line: &str) -> Result<(String, i64), Failure> {
    let mut words = line.split(' ').skip(1);
    let (Some(id), Some(time)) = (words.next(), words.next()) else { return Err(format!("no moment: {line}").into()) };
    Ok((id.to_owned(), time.parse()?))
}

/// A process that prints lines, and goes on after a line on its standard input.
struct Talker {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Talker {
    fn start(command: &mut Command) -> Result<Talker, Failure> {
        let mut process = command.kill_on_drop(true).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = process.stdin.take().ok_or("no standard input")?;
        let output = process.stdout.take().ok_or("no standard output")?;
        Ok(Talker { process, input, output: BufReader::new(output).lines() })
    }

    async fn line(&mut self) -> Result<String, Failure> {
        Ok(self.output.next_line().await?.ok_or("a process ended early")?)
    }

    async fn go_on(&mut self) -> Result<(), Failure> {
        Ok(self.input.write_all(b"\n").await?)
    }

    /// Lets the program work. Returns the lines that it printed, and what it needed.
    async fn measure(&mut self) -> Result<(Vec<String>, Figures), Failure> {
        let folder = format!("/proc/{}", self.process.id().ok_or("the program ended early")?);
        while self.line().await? != "ready" {}
        let before = (descriptors(&folder)?, memory(&folder, "VmRSS:")?, cpu(&folder)?);
        self.go_on().await?;
        let mut most = before.0;
        loop {
            let line = tokio::select! {
                line = self.output.next_line() => line?.ok_or("the program ended early")?,
                () = sleep(SAMPLES) => {
                    most = most.max(descriptors(&folder)?);
                    continue;
                }
            };
            if line == "done" {
                break;
            }
        }
        let most = most.max(descriptors(&folder)?);
        let figures = Figures {
            cpu_seconds: cpu(&folder)? - before.2,
            peak: memory(&folder, "VmHWM:")? - before.1,
            resident: memory(&folder, "VmRSS:")? - before.1,
            descriptors: most - before.0,
            ..Figures::default()
        };
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            if line == "end" {
                return Ok((lines, figures));
            }
            lines.push(line);
        }
    }
}

fn descriptors(folder: &str) -> Result<f64, Failure> {
    Ok(fs::read_dir(format!("{folder}/fd"))?.count() as f64)
}

/// Reads a figure of memory, in KiB.
fn memory(folder: &str, name: &str) -> Result<f64, Failure> {
    let status = fs::read_to_string(format!("{folder}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no figure of memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Reads the processor time of all threads, in seconds.
fn cpu(folder: &str) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("{folder}/stat"))?;
    // The name of the program may have blanks.
    let (_, fields) = stat.rsplit_once(") ").ok_or("no processor time")?;
    let ticks: Vec<f64> = fields.split(' ').skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_A_SECOND)
}
