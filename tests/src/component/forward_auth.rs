//! A real Caddy that asks before each request (`forward_auth`).

use super::{Answer, Command, Stop, Supervised, ask, folder, free_ports, program, start_with_retries};
use anyhow::Result;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// It, in front of a site that it is itself.
#[derive(Debug)]
pub struct AskingCaddy {
    // Dropped before the folder: the order of the fields is the order of the end.
    _server: Supervised,
    port: u16,
    _folder: tempfile::TempDir,
}

impl AskingCaddy {
    /// Starts it with the Caddyfile of its page; `portcullis` is where the answers come from.
    pub fn start(portcullis: u16) -> Result<Self> {
        start_with_retries(|| {
            let folder = folder("asking-caddy")?;
            let [port] = free_ports()?;
            let file = folder.path().join("Caddyfile");
            let options = "{\n\tadmin off\n\tauto_https off\n}\n";
            let site = PAGE_SITE
                .replace("shop.example.com", &format!("http://127.0.0.1:{port}"))
                .replace("127.0.0.1:8601", &format!("127.0.0.1:{portcullis}"))
                .replace("reverse_proxy 127.0.0.1:3000", "respond hello");
            std::fs::write(&file, format!("{options}{site}"))?;
            let command = Command::new("caddy", folder.path(), Stop::Terminate, program("caddy")?)
                .args([
                    Path::new("run"),
                    Path::new("--adapter"),
                    Path::new("caddyfile"),
                    Path::new("--config"),
                    &file,
                ])
                .env("HOME", folder.path());
            let server = Supervised::start(&command)?;
            server.wait_until("it accepted a connection", || {
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
            })?;
            Ok(Self {
                _server: server,
                port,
                _folder: folder,
            })
        })
    }

    /// Sends a request from an address of the loopback, with further headers, and gives the answer.
    pub fn ask_as(&self, address: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let client = reqwest::Client::builder()
            .local_address(address.parse::<IpAddr>()?)
            .timeout(Duration::from_secs(30))
            .build()?;
        let mut request = client.get(format!("http://127.0.0.1:{}/cart", self.port));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ask(request)
    }
}

/// What docs/gateways/caddy-forward-auth.md shows.
pub const PAGE_SITE: &str = "shop.example.com {
	forward_auth 127.0.0.1:8601 {
		uri /check?gateway=edge-1&throttle=429
	}
	reverse_proxy 127.0.0.1:3000
}
";
