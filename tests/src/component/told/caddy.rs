//! Caddy, by its admin API: with the route pasted, or put there by Portcullis.

use super::{Plan, REFUSED_BY_HAND, Way, advised};
use crate::component::{Command, Stop, free_ports, program};
use anyhow::Result;
use enforcer::connector::{Caddy, CaddySettings};
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn pasted(folder: &Path, port: u16) -> Result<Plan> {
    plan(folder, port, None)
}

pub(super) fn put_there(folder: &Path, port: u16) -> Result<Plan> {
    plan(folder, port, Some("srv0"))
}

fn plan(folder: &Path, port: u16, server: Option<&str>) -> Result<Plan> {
    let [admin_port] = free_ports()?;
    let settings = CaddySettings {
        admin: format!("http://127.0.0.1:{admin_port}"),
        server: server.map(str::to_owned),
        matcher: "remote_ip".to_owned(),
    };
    let mut told = format!("[gateways.caddy]\nadmin = \"{}\"\n", settings.admin);
    if let Some(server) = server {
        told += &format!("server = \"{server}\"\n");
    }
    let connector = Caddy::new(settings)?;
    let [route] = advised(&connector)?;
    let by_hand = json!({
        "match": [{ "remote_ip": { "ranges": [REFUSED_BY_HAND] } }],
        "handle": [{ "handler": "static_response", "status_code": 403 }],
    });
    let hello = json!({ "handle": [{ "handler": "static_response", "body": "hello" }] });
    let mut routes = vec![by_hand, hello];
    if server.is_none() {
        routes.insert(0, serde_json::from_str::<Value>(&route)?);
    }
    let configuration = json!({
        "admin": { "listen": format!("127.0.0.1:{admin_port}"), "config": { "persist": false } },
        "apps": { "http": {
            "grace_period": "1s",
            "servers": { "srv0": { "listen": [format!("127.0.0.1:{port}")], "routes": routes } },
        } },
    });
    let file = folder.join("caddy.json");
    std::fs::write(&file, configuration.to_string())?;
    Ok(Plan {
        command: Command::new("caddy", folder, Stop::Terminate, program("caddy")?)
            .args([Path::new("run"), Path::new("--config"), &file])
            .env("HOME", folder),
        settings: told,
        way: Way::Loopback(port),
        connector: Box::new(connector),
    })
}
