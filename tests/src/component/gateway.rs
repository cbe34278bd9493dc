//! Real gateways that write their access log as Portcullis recommends: HAProxy, Envoy, Caddy, Apache httpd, NGINX.
//!
//! Each answers every request itself, so that nothing but the gateway stands between what was sent and what it logs.

use super::{Command, Stop, Supervised, folder, free_ports, is_root, program, start_with_retries};
use anyhow::{Context as _, Result, bail};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};

/// A gateway that runs until this value is dropped.
#[derive(Debug)]
pub struct LoggingGateway {
    // Dropped before the folder: the order of the fields is the order of the end.
    server: Supervised,
    port: u16,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

/// Where a gateway listens and logs.
struct Place<'a> {
    folder: &'a Path,
    port: u16,
    log: &'a Path,
}

impl LoggingGateway {
    /// Starts a gateway whose log is configured by `advice`, the text that Portcullis recommends, and waits until it
    /// accepts connections.
    pub fn start(gateway: ingest::Gateway, advice: &str) -> Result<Self> {
        start_with_retries(|| Self::start_once(gateway, advice, None))
    }

    /// Starts HAProxy with a configuration of where it sends its log, in the place of its standard output.
    pub fn start_haproxy_to(advice: &str, log: &str) -> Result<Self> {
        start_with_retries(|| Self::start_once(ingest::Gateway::HaProxy, advice, Some(log)))
    }

    fn start_once(gateway: ingest::Gateway, advice: &str, haproxy_log: Option<&str>) -> Result<Self> {
        let folder = folder("gateway")?;
        let [port] = free_ports()?;
        let mut log = folder.path().join("access.json.log");
        let place = Place {
            folder: folder.path(),
            port,
            log: &log,
        };
        let command = match gateway {
            ingest::Gateway::Nginx => nginx(&place, advice)?,
            ingest::Gateway::Apache => apache(&place, advice)?,
            ingest::Gateway::HaProxy => haproxy(&place, advice, haproxy_log)?,
            ingest::Gateway::Envoy => envoy(&place, advice)?,
            ingest::Gateway::Caddy => caddy(&place, advice)?,
            other => bail!("{} does not run here", other.as_str()),
        };
        let server = Supervised::start(&command)?;
        if gateway == ingest::Gateway::HaProxy {
            // It writes to no file itself: its log is its standard output.
            server.log().clone_into(&mut log);
        }
        server.wait_until("it accepted a connection", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        })?;
        Ok(Self {
            server,
            port,
            log,
            _folder: folder,
        })
    }

    /// The loopback port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file that its access log is.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The lines of its access log so far; a line that is not written whole is left out.
    pub fn lines(&self) -> Result<Vec<Vec<u8>>> {
        let bytes = match std::fs::read(&self.log) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("could not read {}", self.log.display()));
            }
        };
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let lines = bytes[..whole].split(|byte| *byte == b'\n');
        // What the program says of itself is no access log.
        let is_record = |line: &&[u8]| line.starts_with(b"{");
        Ok(lines.filter(is_record).map(<[u8]>::to_vec).collect())
    }

    /// Waits until the log holds so many lines: gateways write a line after its answer has left.
    pub fn wait_for_lines(&self, count: usize) -> Result<Vec<Vec<u8>>> {
        self.server
            .wait_until(&format!("it logged {count} requests"), || {
                self.lines().is_ok_and(|lines| lines.len() >= count)
            })?;
        self.lines()
    }

    /// Waits until the log names `mark`, a path that was asked for last, and gives its lines.
    pub fn lines_up_to(&self, mark: &str) -> Result<Vec<Vec<u8>>> {
        let has_mark = |lines: &[Vec<u8>]| {
            lines
                .iter()
                .any(|line| String::from_utf8_lossy(line).contains(mark))
        };
        self.server
            .wait_until(&format!("it logged the request for {mark}"), || {
                self.lines().is_ok_and(|lines| has_mark(&lines))
            })?;
        self.lines()
    }
}

/// The advice with our log in the place of its own.
fn with_log(advice: &str, theirs: &str, place: &Place<'_>) -> Result<String> {
    anyhow::ensure!(advice.contains(theirs), "the advice names no {theirs}");
    Ok(advice.replace(theirs, &place.log.display().to_string()))
}

fn write(place: &Place<'_>, name: &str, text: &str) -> Result<PathBuf> {
    let file = place.folder.join(name);
    std::fs::write(&file, text).with_context(|| format!("could not write {}", file.display()))?;
    Ok(file)
}

fn nginx(place: &Place<'_>, advice: &str) -> Result<Command> {
    let (folder, port) = (place.folder.display(), place.port);
    let user = if is_root() { "user root;" } else { "" };
    let log = place.log.display();
    let file = write(
        place,
        "nginx.conf",
        &format!(
            "{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log /dev/null crit;
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path {folder}/temp-body;
  proxy_temp_path {folder}/temp-proxy;
  fastcgi_temp_path {folder}/temp-fastcgi;
  uwsgi_temp_path {folder}/temp-uwsgi;
  scgi_temp_path {folder}/temp-scgi;
  keepalive_requests 100000;
{advice}
  access_log {log} portcullis;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 \"hello\"; }} }}
}}
"
        ),
    )?;
    Ok(
        Command::new("nginx", place.folder, Stop::Terminate, program("nginx")?)
            .args(["-e", "stderr", "-p"])
            .args([place.folder, Path::new("-c"), &file]),
    )
}

fn apache(place: &Place<'_>, advice: &str) -> Result<Command> {
    let (folder, port) = (place.folder.display(), place.port);
    let log = with_log(advice, "/var/log/apache2/access.json.log", place)?;
    let modules = "/usr/lib/apache2/modules";
    let user = if is_root() {
        "User www-data\nGroup www-data"
    } else {
        ""
    };
    let file = write(
        place,
        "apache.conf",
        &format!(
            "ServerRoot {folder}
ServerName gateway.example
PidFile {folder}/apache.pid
Listen 127.0.0.1:{port}
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule alias_module {modules}/mod_alias.so
ErrorLog /dev/null
MaxKeepAliveRequests 0
DocumentRoot {folder}
RedirectMatch 404 .*
{log}
"
        ),
    )?;
    Ok(
        Command::new("apache", place.folder, Stop::Terminate, program("apache2")?).args([
            Path::new("-DFOREGROUND"),
            Path::new("-f"),
            &file,
        ]),
    )
}

fn haproxy(place: &Place<'_>, advice: &str, log: Option<&str>) -> Result<Command> {
    let port = place.port;
    let log = write(
        place,
        "log.cfg",
        log.unwrap_or("global\n    log stdout format raw local0\n"),
    )?;
    let file = write(
        place,
        "haproxy.cfg",
        &format!(
            "global
    maxconn 500
defaults
    mode http
    log global
    option dontlognull
    timeout connect 5s
    timeout client 30s
    timeout server 30s
{advice}
    bind 127.0.0.1:{port}
    http-request return status 200 content-type text/plain string hello
"
        ),
    )?;
    Ok(
        Command::new("haproxy", place.folder, Stop::Terminate, program("haproxy")?).args([
            Path::new("-db"),
            Path::new("-f"),
            &log,
            Path::new("-f"),
            &file,
        ]),
    )
}

fn envoy(place: &Place<'_>, advice: &str) -> Result<Command> {
    let log = with_log(advice, "/var/log/envoy/access.json.log", place)?;
    let indented: String = log.lines().map(|line| format!("          {line}\n")).collect();
    let port = place.port;
    let file = write(
        place,
        "envoy.yaml",
        &format!(
            "static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          access_log_options: {{ access_log_flush_interval: 0.2s }}
{indented}          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          route_config:
            virtual_hosts:
            - name: all
              domains: [\"*\"]
              routes:
              - match: {{ prefix: \"/\" }}
                direct_response: {{ status: 200, body: {{ inline_string: hello }} }}
"
        ),
    )?;
    Ok(
        Command::new("envoy", place.folder, Stop::Terminate, program("envoy")?)
            .args([Path::new("-c"), &file])
            .args(["--concurrency", "1", "--log-level", "error", "--base-id"])
            // Every Envoy of a machine takes a region of memory by this number.
            .args([(port % 30_000).to_string()]),
    )
}

fn caddy(place: &Place<'_>, advice: &str) -> Result<Command> {
    let log = with_log(advice, "/var/log/caddy/access.json.log", place)?;
    let site = format!("http://:{}", place.port);
    let site = log.replacen("example.com", &site, 1);
    let end = site.rfind('}').context("the advice is no site")?;
    let (head, _) = site.split_at(end);
    let file = write(
        place,
        "Caddyfile",
        &format!(
            "{{\n    admin off\n    auto_https off\n    default_bind 127.0.0.1\n    log {{\n        output discard\n    }}\n}}\n\
             {head}    respond \"hello\"\n}}\n"
        ),
    )?;
    Ok(
        Command::new("caddy", place.folder, Stop::Terminate, program("caddy")?)
            .env("HOME", place.folder)
            .args(["run", "--adapter", "caddyfile", "--config"])
            .args([&file]),
    )
}
