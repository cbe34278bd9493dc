//! Real gateways that are told whom to refuse: each with the configuration that Portcullis recommends, restarted on demand.

use super::{
    Answer, Command, Stop, Supervised, ask, folder, free_ports, is_root, program, start_with_retries,
};
use anyhow::{Context as _, Result};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An address that somebody else than Portcullis has told each of these gateways to refuse.
pub const REFUSED_BY_HAND: &str = "127.0.0.77";

/// A gateway that runs until this value is dropped, and answers everything itself: 200, or 403, or 429.
#[derive(Debug)]
pub struct ToldGateway {
    // Dropped before the folder: the order of the fields is the order of the end.
    server: Option<Supervised>,
    command: Command,
    port: u16,
    settings: String,
    folder: tempfile::TempDir,
}

/// What makes one: where it is, what is started, what Portcullis is told of it.
struct Plan {
    command: Command,
    settings: String,
}

impl ToldGateway {
    /// NGINX, by a file that its `geo` block includes.
    pub fn nginx() -> Result<Self> {
        start_with_retries(|| Self::start(nginx))
    }

    /// HAProxy, by a map.
    pub fn haproxy() -> Result<Self> {
        start_with_retries(|| Self::start(haproxy))
    }

    fn start(plan: impl Fn(&Path, u16) -> Result<Plan>) -> Result<Self> {
        let folder = folder("told")?;
        let [port] = free_ports()?;
        let Plan { command, settings } = plan(folder.path(), port)?;
        let mut gateway = Self {
            server: None,
            command,
            port,
            settings,
            folder,
        };
        gateway.begin()?;
        Ok(gateway)
    }

    fn begin(&mut self) -> Result<()> {
        let server = Supervised::start(&self.command)?;
        let port = self.port;
        server.wait_until("it accepted a connection", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        })?;
        self.server = Some(server);
        Ok(())
    }

    /// Ends it and starts it anew, on the same port, with the files that it has.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.begin()
    }

    /// Ends it.
    pub fn stop(&mut self) -> Result<()> {
        self.server.take().context("it does not run")?.crash()
    }

    /// Starts it after [`Self::stop`].
    pub fn start_again(&mut self) -> Result<()> {
        self.begin()
    }

    /// What stands in the configuration of Portcullis inside its `[[gateways]]`.
    pub fn settings(&self) -> &str {
        &self.settings
    }

    /// A file of its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sends a request from an address of the loopback, over a connection of its own, and gives the answer's status.
    pub fn status_for(&self, address: &str) -> Result<u16> {
        let address: IpAddr = address.parse()?;
        let client = reqwest::Client::builder()
            .local_address(address)
            .timeout(Duration::from_secs(30))
            .build()?;
        let answer = ask(client.get(format!("http://127.0.0.1:{}/", self.port)))?;
        Ok(answer.status)
    }
}

fn nginx(folder: &Path, port: u16) -> Result<Plan> {
    let program = program("nginx")?;
    let shown = folder.display();
    std::fs::write(
        folder.join("portcullis.geo"),
        format!("# By hand.\n{REFUSED_BY_HAND}/32 block;\n"),
    )?;
    let user = if is_root() { "user root;" } else { "" };
    let file = folder.join("nginx.conf");
    std::fs::write(
        &file,
        format!(
            "{user}
daemon off;
worker_processes 2;
pid {shown}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  client_body_temp_path {shown}/temp-body;
  proxy_temp_path {shown}/temp-proxy;
  fastcgi_temp_path {shown}/temp-fastcgi;
  uwsgi_temp_path {shown}/temp-uwsgi;
  scgi_temp_path {shown}/temp-scgi;
  access_log off;
  geo $portcullis {{
    default \"\";
    include {shown}/portcullis.geo;
  }}
  server {{
    listen 127.0.0.1:{port};
    if ($portcullis = block) {{ return 403; }}
    if ($portcullis = throttle) {{ return 429; }}
    location / {{ return 200 \"hello\"; }}
  }}
}}
"
        ),
    )?;
    let arguments = ["-e", "stderr", "-p"].map(str::to_owned);
    let places = [shown.to_string(), "-c".to_owned(), file.display().to_string()];
    let mut whole = vec![program.display().to_string()];
    whole.extend(arguments.iter().chain(&places).cloned());
    let with = |more: &[&str]| {
        let mut command = whole.clone();
        command.extend(more.iter().map(|text| (*text).to_owned()));
        toml::Value::from(command).to_string()
    };
    let (test, reload) = (with(&["-t", "-q"]), with(&["-s", "reload"]));
    Ok(Plan {
        command: Command::new("nginx", folder, Stop::Terminate, program)
            .args(&arguments)
            .args(&places),
        settings: format!(
            "[gateways.nginx]\nfile = \"{shown}/portcullis.geo\"\npid_file = \"{shown}/nginx.pid\"\ntest = {test}\nreload = {reload}\n"
        ),
    })
}

fn haproxy(folder: &Path, port: u16) -> Result<Plan> {
    let shown = folder.display();
    std::fs::write(
        folder.join("portcullis.map"),
        format!("{REFUSED_BY_HAND} block\n"),
    )?;
    let file = folder.join("haproxy.cfg");
    std::fs::write(
        &file,
        format!(
            "global
    maxconn 500
    stats socket {shown}/admin.sock mode 600 level admin
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend all
    bind 127.0.0.1:{port}
    http-request set-var(txn.portcullis) src,map_ip({shown}/portcullis.map,none)
    http-request deny deny_status 403 if {{ var(txn.portcullis) -m beg block }}
    http-request deny deny_status 429 if {{ var(txn.portcullis) -m beg throttle }}
    http-request return status 200 content-type text/plain string hello
"
        ),
    )?;
    Ok(Plan {
        command: Command::new("haproxy", folder, Stop::Terminate, program("haproxy")?).args([
            Path::new("-db"),
            Path::new("-f"),
            &file,
        ]),
        settings: format!(
            "[gateways.haproxy]\nsocket = \"{shown}/admin.sock\"\nmap = \"{shown}/portcullis.map\"\n"
        ),
    })
}

/// An Envoy that asks before each request: over gRPC, or over HTTP.
#[derive(Debug)]
pub struct AskingEnvoy {
    // Dropped before the folder: the order of the fields is the order of the end.
    _server: Supervised,
    port: u16,
    _folder: tempfile::TempDir,
}

impl AskingEnvoy {
    /// Starts it; `portcullis` is where the answers come from. A client that is slowed down gets 429 over gRPC.
    pub fn start(portcullis: u16, is_grpc: bool) -> Result<Self> {
        start_with_retries(|| Self::start_once(portcullis, is_grpc))
    }

    fn start_once(portcullis: u16, is_grpc: bool) -> Result<Self> {
        let folder = folder("asking-envoy")?;
        let [port] = free_ports()?;
        let file = folder.path().join("envoy.yaml");
        std::fs::write(&file, envoy(port, portcullis, is_grpc))?;
        let command = Command::new("envoy", folder.path(), Stop::Terminate, program("envoy")?).args([
            Path::new("--config-path"),
            &file,
            Path::new("--log-level"),
            Path::new("warning"),
            Path::new("--concurrency"),
            Path::new("1"),
            Path::new("--disable-hot-restart"),
        ]);
        let server = Supervised::start(&command)?;
        server.wait_until("it accepted a connection", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        })?;
        Ok(Self {
            _server: server,
            port,
            _folder: folder,
        })
    }

    /// Sends a request from an address of the loopback, with further headers, and gives the answer.
    pub fn ask_as(&self, address: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let client = reqwest::Client::builder()
            .local_address(address.parse::<IpAddr>()?)
            .timeout(Duration::from_secs(30))
            .build()?;
        let mut request = client.get(format!("http://127.0.0.1:{}/shop?q=1", self.port));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ask(request)
    }
}

fn envoy(port: u16, portcullis: u16, is_grpc: bool) -> String {
    let filter = if is_grpc {
        "          grpc_service:
            envoy_grpc: { cluster_name: portcullis }
            timeout: 0.25s"
    } else {
        "          http_service:
            server_uri: { uri: portcullis, cluster: portcullis, timeout: 0.25s }
            path_prefix: /check
            authorization_request:
              allowed_headers: { patterns: [{ exact: x-forwarded-for }] }"
    };
    format!(
        "static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: all
          use_remote_address: true
          route_config:
            virtual_hosts:
            - name: all
              domains: [\"*\"]
              routes:
              - match: {{ prefix: / }}
                direct_response: {{ status: 200, body: {{ inline_string: hello }} }}
                typed_per_filter_config:
                  envoy.filters.http.ext_authz:
                    \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute
                    check_settings: {{ context_extensions: {{ throttle: \"429\", gateway: edge-1 }} }}
          http_filters:
          - name: envoy.filters.http.ext_authz
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
              transport_api_version: V3
              failure_mode_allow: true
{filter}
          - name: envoy.filters.http.router
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: portcullis
    type: STATIC
    connect_timeout: 0.25s
    load_assignment:
      cluster_name: portcullis
      endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {portcullis} }} }} }} }}] }}]
{http2}",
        filter = filter
            .lines()
            .map(|line| format!("    {line}"))
            .collect::<Vec<_>>()
            .join("\n"),
        http2 = if is_grpc {
            "    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }
"
        } else {
            ""
        }
    )
}
