//! A real PostgreSQL server with an empty cluster of its own.

use super::{Command, Stop, Supervised, folder, free_ports, is_root, program, run, start_with_retries};
use anyhow::{Context as _, Result, anyhow, ensure};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The server refuses to run as root; Debian's package brings this user.
const SERVER_USER: &str = "postgres";

/// A PostgreSQL server that runs until this value is dropped. Anyone on loopback gets in as `postgres`.
#[derive(Debug)]
pub struct Postgres {
    // Dropped before the folder: the order of the fields is the order of the end.
    server: Option<Supervised>,
    folder: tempfile::TempDir,
    binaries: PathBuf,
    port: u16,
}

impl Postgres {
    /// Starts a server of this test's own and waits until it answers.
    pub fn start() -> Result<Self> {
        let binaries = binaries()?;
        start_with_retries(|| Self::start_once(&binaries))
    }

    /// The server that all tests of this process share; they keep apart by [`Postgres::create_database`].
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Postgres, String>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::start().map_err(|error| format!("{error:#}")))
            .as_ref()
            .map_err(|error| anyhow!("{error}"))
    }

    fn start_once(binaries: &Path) -> Result<Self> {
        let folder = folder("postgres")?;
        if is_root() {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
            run(std::process::Command::new("chown")
                .arg(SERVER_USER)
                .arg(folder.path()))?;
        }
        let initdb = as_server_user(binaries.join("initdb").as_os_str());
        run(std::process::Command::new(&initdb[0])
            .args(&initdb[1..])
            .arg("-D")
            .arg(folder.path().join("data"))
            .args([
                "-A",
                "trust",
                "-U",
                "postgres",
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ])
            // The server's user may not enter the folder this test was started in.
            .current_dir(folder.path()))?;
        let [port] = free_ports()?;
        let mut postgres = Self {
            server: None,
            folder,
            binaries: binaries.to_owned(),
            port,
        };
        postgres.start_again()?;
        Ok(postgres)
    }

    /// Starts the server on its own data after [`Postgres::crash`].
    pub fn start_again(&mut self) -> Result<()> {
        ensure!(self.server.is_none(), "the server is running");
        let folder = self.folder.path();
        let words = as_server_user(self.binaries.join("postgres").as_os_str());
        let command = Command::new("postgres", folder, Stop::Quit, &words[0])
            .args(&words[1..])
            .args(["-D".as_ref(), folder.join("data").as_os_str()])
            .args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", &format!("unix_socket_directories={}", folder.display())])
            // A test survives no power cut; waiting for the disk would only cost time.
            .args([
                "-c",
                "fsync=off",
                "-c",
                "synchronous_commit=off",
                "-c",
                "full_page_writes=off",
            ]);
        let server = Supervised::start(&command)?;
        server.wait_until("it answered", || self.psql("select 1").is_ok())?;
        self.server = Some(server);
        Ok(())
    }

    /// Kills the server as a power cut would; its data stays for [`Postgres::start_again`].
    pub fn crash(&mut self) -> Result<()> {
        self.server.take().context("the server is not running")?.crash()
    }

    /// The loopback port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of the cluster's first database.
    pub fn url(&self) -> String {
        self.database_url("postgres")
    }

    /// Makes an empty database and returns its address.
    pub fn create_database(&self, name: &str) -> Result<String> {
        self.psql(&format!("create database \"{name}\""))?;
        Ok(self.database_url(name))
    }

    fn database_url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs one statement through `psql` and returns its bare output.
    pub fn psql(&self, statement: &str) -> Result<String> {
        run(std::process::Command::new(program("psql")?)
            .args([
                "--no-psqlrc",
                "--tuples-only",
                "--no-align",
                "-d",
                &self.url(),
                "-c",
                statement,
            ])
            .current_dir("/"))
        .map(|output| output.trim().to_owned())
    }
}

/// Debian keeps the server's programs beside its version, out of `PATH`; the newest version wins.
fn binaries() -> Result<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| folder.join("initdb").is_file())
        .collect();
    versions.sort();
    versions.pop().context(
        "PostgreSQL's server is missing in /usr/lib/postgresql: `make test` installs it, or scripts/setup.sh test",
    )
}

/// Puts in front of a command what it takes to run it as a user whom the server accepts.
fn as_server_user(program: &std::ffi::OsStr) -> Vec<std::ffi::OsString> {
    let mut words: Vec<std::ffi::OsString> = Vec::new();
    if is_root() {
        words.extend(
            [
                "setpriv",
                "--reuid",
                SERVER_USER,
                "--regid",
                SERVER_USER,
                "--init-groups",
            ]
            .map(Into::into),
        );
    }
    words.push(program.to_owned());
    words
}
