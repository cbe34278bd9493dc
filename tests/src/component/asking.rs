//! A real gateway that asks before each request.

use super::{Answer, Command, Stop, Supervised, ask, folder, free_ports, program, start_with_retries};
use anyhow::Result;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

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
        start_with_retries(|| {
            let [port] = free_ports()?;
            Self::start_once(port, &envoy(port, portcullis, is_grpc))
        })
    }

    /// Starts one that asks a rate-limit service, before a site that it is itself.
    pub fn start_limited(portcullis: u16) -> Result<Self> {
        start_with_retries(|| {
            let [port, site] = free_ports()?;
            Self::start_once(port, &limited(port, site, portcullis))
        })
    }

    fn start_once(port: u16, configuration: &str) -> Result<Self> {
        let folder = folder("asking-envoy")?;
        let file = folder.path().join("envoy.yaml");
        std::fs::write(&file, configuration)?;
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

fn limited(port: u16, site: u16, portcullis: u16) -> String {
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
              rate_limits:
              - actions:
                - remote_address: {{}}
                - generic_key: {{ descriptor_key: gateway, descriptor_value: edge-1 }}
              routes:
              - match: {{ prefix: / }}
                route: {{ cluster: site }}
          http_filters:
          - name: envoy.filters.http.ratelimit
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
              domain: portcullis
              failure_mode_deny: false
              timeout: 0.25s
              rate_limit_service:
                transport_api_version: V3
                grpc_service: {{ envoy_grpc: {{ cluster_name: portcullis }} }}
          - name: envoy.filters.http.router
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {site} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: site
          route_config:
            virtual_hosts:
            - name: all
              domains: [\"*\"]
              routes:
              - match: {{ prefix: / }}
                direct_response: {{ status: 200, body: {{ inline_string: hello }} }}
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: site
    type: STATIC
    connect_timeout: 0.25s
    load_assignment:
      cluster_name: site
      endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {site} }} }} }} }}] }}]
  - name: portcullis
    type: STATIC
    connect_timeout: 0.25s
    load_assignment:
      cluster_name: portcullis
      endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {portcullis} }} }} }} }}] }}]
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{ http2_protocol_options: {{}} }}
"
    )
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
