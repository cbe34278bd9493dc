//! A real NGINX with a configuration of the test's own.

use super::{Command, Stop, Supervised, folder, free_ports, is_root, program, start_with_retries};
use anyhow::{Context as _, Result};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};

/// What a configuration may refer to.
#[derive(Debug)]
pub struct Site {
    /// A folder of this NGINX's own, for logs and files.
    pub folder: PathBuf,
    /// The loopback port to listen on.
    pub port: u16,
}

/// An NGINX that runs until this value is dropped.
#[derive(Debug)]
pub struct Nginx {
    // Dropped before the folder: the order of the fields is the order of the end.
    server: Supervised,
    site: Site,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// Starts NGINX with what `http` returns inside its `http` block, and waits until it accepts connections.
    ///
    /// The block has to listen on `127.0.0.1:{site.port}`.
    pub fn start(http: impl Fn(&Site) -> String) -> Result<Self> {
        let program = program("nginx")?;
        start_with_retries(|| Self::start_once(&program, &http))
    }

    fn start_once(program: &Path, http: &impl Fn(&Site) -> String) -> Result<Self> {
        let folder = folder("nginx")?;
        let [port] = free_ports()?;
        let site = Site {
            folder: folder.path().to_owned(),
            port,
        };
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration(folder.path(), ("", 1), &http(&site)))
            .with_context(|| format!("could not write {}", file.display()))?;
        let command = Command::new("nginx", folder.path(), Stop::Terminate, program)
            .args(["-e", "stderr", "-p"])
            .args([folder.path(), Path::new("-c"), &file]);
        let server = Supervised::start(&command)?;
        server.wait_until("it accepted a connection", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        })?;
        Ok(Self {
            server,
            site,
            _folder: folder,
        })
    }

    /// The address of a path on this NGINX.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.site.port)
    }

    /// Its folder and port.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Waits until `condition` holds: NGINX writes a request's log line only after its answer has left.
    pub fn wait_until(&self, what: &str, condition: impl FnMut() -> bool) -> Result<()> {
        self.server.wait_until(what, condition)
    }

    /// Makes it open its log files again, as logrotate does after it has moved them.
    pub fn reopen(&self) -> Result<()> {
        self.server.signal("USR1")
    }

    /// Makes it read its configuration again, as `nginx -s reload` does.
    pub fn reload(&self) -> Result<()> {
        self.server.signal("HUP")
    }
}

/// Wraps an `http` block in what keeps everything inside the test's folder and in the foreground; `main` stands before all of it.
pub(super) fn configuration(folder: &Path, (main, workers): (&str, u8), http: &str) -> String {
    let folder = folder.display();
    // As root, workers change to another user by default, who could not enter the folder.
    let user = if is_root() { "user root;" } else { "" };
    format!(
        "{main}
{user}
daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path {folder}/temp-body;
  proxy_temp_path {folder}/temp-proxy;
  fastcgi_temp_path {folder}/temp-fastcgi;
  uwsgi_temp_path {folder}/temp-uwsgi;
  scgi_temp_path {folder}/temp-scgi;
  access_log off;
{http}
}}
"
    )
}
