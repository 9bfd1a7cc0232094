//! A PostgreSQL server of a test's own, which the test restarts.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;

/// Debian keeps the programs here, in a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

pub(crate) struct Server {
    programs: PathBuf,
    folder: TempDir,
}

impl Server {
    /// Starts a server. Returns `None` if PostgreSQL's programs are not installed.
    pub(crate) async fn start() -> Result<Option<Server>, Box<dyn std::error::Error>> {
        let Some(programs) = programs() else {
            assert!(std::env::var_os("CI").is_none(), "the programs of PostgreSQL are not installed");
            eprintln!("skipped: the programs of PostgreSQL (initdb, pg_ctl) are not installed");
            return Ok(None);
        };
        let folder = tempfile::tempdir()?;
        let server = Server { programs, folder };
        if rustix::process::getuid().is_root() {
            let owned = Command::new("chown").arg("postgres").arg(server.folder.path()).status().await?;
            assert!(owned.success(), "cannot give the folder to the user postgres");
        }
        let data = server.data();
        let arguments = ["--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--no-sync", "--pgdata"];
        server.run("initdb", &[&arguments[..], &[&data]].concat()).await?;
        server.begin().await?;
        Ok(Some(server))
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.path().display())
    }

    /// Stops the server, either in order or as in a crash, and starts it again.
    pub(crate) async fn restart(&self, mode: &str) -> Result<(), Box<dyn std::error::Error>> {
        self.run("pg_ctl", &["--pgdata", &self.data(), "--mode", mode, "--wait", "stop"]).await?;
        self.begin().await
    }

    async fn begin(&self) -> Result<(), Box<dyn std::error::Error>> {
        // The path of the socket is relative to the data.
        let options = "-c listen_addresses= -c unix_socket_directories=.. -c fsync=off -c max_connections=100";
        let log = self.folder.path().join("log").display().to_string();
        self.run("pg_ctl", &["--pgdata", &self.data(), "--log", &log, "--options", options, "--wait", "start"]).await
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// Runs a program as an ordinary user, because PostgreSQL does not run as root.
    async fn run(&self, program: &str, arguments: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
        let program = self.programs.join(program);
        let mut command = if rustix::process::getuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(&program);
            command
        } else {
            Command::new(&program)
        };
        // The server that `pg_ctl` starts keeps the standard output open.
        let command = command.args(arguments).current_dir(self.folder.path());
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().await?;
        if status.success() { Ok(()) } else { Err(format!("{} failed: {status}", program.display()).into()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let arguments = ["--pgdata", &self.data(), "--mode", "immediate", "stop"];
        let mut command = if rustix::process::getuid().is_root() {
            let mut command = std::process::Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(self.programs.join("pg_ctl"));
            command
        } else {
            std::process::Command::new(self.programs.join("pg_ctl"))
        };
        // The folder is removed in any case.
        let _ = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Returns the folder of PostgreSQL's programs.
fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = debian.chain(std::env::split_paths(&path));
    folders.find(|folder: &PathBuf| has(folder, "initdb") && has(folder, "pg_ctl"))
}

fn has(folder: &Path, program: &str) -> bool {
    folder.join(program).is_file()
}
