//! A project in a temporary folder, with an emulator.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use fal_emulator::{Emulator, EmulatorBuilder, Pace};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;

/// The time after which a test fails, because what it waits for never happens.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for what a test expects. A process that hangs fails its test instead of the whole suite.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this happens in time")
}

/// Returns a loopback address that refuses connections while the socket lives. No server of another test gets its port.
pub(crate) fn closed() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// A folder with a `Cargo.toml`, in which the tool runs against an emulator.
pub(crate) struct Project {
    folder: TempDir,
    pub(crate) emulator: Emulator,
}

impl Project {
    /// Starts an emulator of the shipped endpoints, whose jobs complete immediately.
    pub(crate) async fn new() -> Self {
        Project::with(Emulator::builder().pace(Pace::instant())).await
    }

    pub(crate) async fn with(builder: EmulatorBuilder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Cargo.toml"), "[package]\nname = \"app\"\n").unwrap();
        Project { folder, emulator: builder.start().await.unwrap() }
    }

    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file, with its folders.
    pub(crate) fn write(&self, path: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// Returns the tool with the environment of the emulator, and nothing else of the user's.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-fal"));
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null()).env_clear();
        command.env("HOME", self.folder.path());
        command.envs(self.emulator.environment());
        command
    }

    /// Runs the tool to its end, while the emulator serves it.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments)).await
    }

    /// Runs the tool in a terminal of this width.
    pub(crate) async fn run_in(&self, columns: u16, arguments: &[&str]) -> Run {
        let mut command = self.command(arguments);
        command.env("COLUMNS", columns.to_string());
        Run::of(command).await
    }
}

/// A process that runs.
pub(crate) struct Process {
    child: tokio::process::Child,
}

impl Project {
    /// Starts the tool.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Process {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Process { child: tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap() }
    }
}

impl Process {
    /// Sends a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().expect("a process that runs").to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Reads stderr until it has this text.
    pub(crate) async fn stderr_until(&mut self, text: &str) {
        in_time(read_until(self.child.stderr.as_mut().unwrap(), text)).await;
    }

    /// Reads stdout until it has this text. Returns what was read.
    pub(crate) async fn stdout_until(&mut self, text: &str) -> String {
        in_time(read_until(self.child.stdout.as_mut().unwrap(), text)).await
    }

    /// Waits for the end.
    pub(crate) async fn end(self) -> Run {
        Run::read(in_time(self.child.wait_with_output()).await.unwrap())
    }
}

async fn read_until(stream: &mut (impl AsyncReadExt + Unpin), text: &str) -> String {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(text) {
        let read = stream.read_u8().await;
        seen.push(read.unwrap_or_else(|_| panic!("no {text}: {}", String::from_utf8_lossy(&seen))));
    }
    String::from_utf8_lossy(&seen).into_owned()
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) async fn of(command: Command) -> Self {
        Run::read(in_time(tokio::process::Command::from(command).kill_on_drop(true).output()).await.unwrap())
    }

    fn read(output: Output) -> Self {
        let Output { status, stdout, stderr } = output;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Returns stdout of a successful run.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Returns stderr of a run that failed with this code.
    #[track_caller]
    pub(crate) fn failure(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self.stderr
    }

    /// Returns the JSON that a successful run printed.
    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        let stdout = self.success();
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
    }
}

/// Compares a text with the golden file of this name. With `BLESS=1`, writes the file.
#[track_caller]
pub(crate) fn assert_golden(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/commands/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        return fs::write(file, text).unwrap();
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(text, golden, "differs from {name}; run the test with BLESS=1 and review the file");
}
