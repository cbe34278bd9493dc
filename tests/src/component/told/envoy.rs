//! Envoy, by the configuration of a filter that it reads from a file.

use super::{Plan, REFUSED_BY_HAND, Way, advised};
use crate::component::{Command, Stop, free_ports, program};
use anyhow::Result;
use enforcer::connector::{Envoy, EnvoySettings};
use std::path::Path;

/// What `Plan` fills in: the admin's port, the port, who is refused by hand, the filter.
const CONFIGURATION: &str = r#"
node: { id: edge-1, cluster: edge }
admin: { address: { socket_address: { address: 127.0.0.1, port_value: ADMIN } } }
static_resources:
  listeners:
  - address: { socket_address: { address: 127.0.0.1, port_value: PORT } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: ingress
          use_remote_address: true
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: { prefix: "/" }
                direct_response: { status: 200, body: { inline_string: hello } }
          http_filters:
FILTER
          - name: by-hand
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
              rules:
                action: DENY
                policies:
                  by-hand:
                    permissions: [{ any: true }]
                    principals: [{ remote_ip: { address_prefix: BY_HAND, prefix_len: 32 } }]
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
"#;

pub(super) fn plan(folder: &Path, port: u16) -> Result<Plan> {
    let [admin_port] = free_ports()?;
    let settings = EnvoySettings {
        file: folder.join("portcullis.json"),
        admin: format!("http://127.0.0.1:{admin_port}"),
    };
    let told = format!(
        "[gateways.envoy]\nfile = \"{}\"\nadmin = \"{}\"\n",
        settings.file.display(),
        settings.admin
    );
    let list = settings.file.clone();
    let connector = Envoy::new(settings)?;
    let [filter, empty] = advised(&connector)?;
    std::fs::write(list, empty)?;
    let indented: Vec<String> = filter.lines().map(|line| format!("          {line}")).collect();
    let file = folder.join("envoy.yaml");
    let text = CONFIGURATION
        .replace("ADMIN", &admin_port.to_string())
        .replace("PORT", &port.to_string())
        .replace("BY_HAND", REFUSED_BY_HAND)
        .replace("FILTER", &indented.join("\n"));
    std::fs::write(&file, text)?;
    Ok(Plan {
        command: Command::new("envoy", folder, Stop::Terminate, program("envoy")?)
            .args([Path::new("-c"), &file])
            .args([
                "--concurrency",
                "2",
                "--disable-hot-restart",
                "--log-level",
                "warning",
            ]),
        settings: told,
        way: Way::Loopback(port),
        connector: Box::new(connector),
    })
}
