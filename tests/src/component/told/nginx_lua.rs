//! NGINX with Lua, by a shared dictionary.

use super::{Plan, REFUSED_BY_HAND, Way, advised, clock};
use crate::component::{Command, Stop, free_ports, nginx, program};
use anyhow::{Context as _, Result, ensure};
use enforcer::connector::{NginxLua, NginxLuaSettings};
use std::net::Ipv4Addr;
use std::path::Path;

/// The modules of Debian's NGINX that speak Lua.
const MODULES: &str = "/usr/lib/nginx/modules";

/// What stands at the top of a configuration that speaks Lua.
pub(super) fn with_lua() -> Result<String> {
    ensure!(
        Path::new(MODULES).join("ngx_http_lua_module.so").is_file(),
        "NGINX's module for Lua is missing: scripts/setup.sh test installs libnginx-mod-http-lua"
    );
    Ok(format!(
        "load_module {MODULES}/ndk_http_module.so;\nload_module {MODULES}/ngx_http_lua_module.so;"
    ))
}

pub(super) fn plan(folder: &Path, port: u16) -> Result<Plan> {
    let [told_port] = free_ports()?;
    let listen = format!("127.0.0.1:{told_port}");
    let told = format!("[gateways.nginx_lua]\nlisten = \"{listen}\"\n");
    let connector = NginxLua::new(NginxLuaSettings { listen }, clock())?;
    let [http] = advised(&connector)?;
    let by_hand: Ipv4Addr = REFUSED_BY_HAND.parse().context("an address")?;
    let inside = format!(
        "{http}
init_by_lua_block {{
  ngx.shared.portcullis:set(\"address:{:08x}/32\", \"block by hand\")
  ngx.shared.portcullis:set(\"lengths\", \" 4/32\")
}}
server {{
  listen 127.0.0.1:{port};
  location / {{ content_by_lua_block {{ ngx.say(\"hello\") }} }}
}}",
        by_hand.to_bits()
    );
    let text = nginx::configuration(folder, (&with_lua()?, 2), &inside);
    let file = folder.join("nginx.conf");
    std::fs::write(&file, text)?;
    Ok(Plan {
        command: Command::new("nginx", folder, Stop::Terminate, program("nginx")?)
            .args(["-e", "stderr", "-p"])
            .args([folder, Path::new("-c"), &file]),
        settings: told,
        way: Way::Loopback(port),
        connector: Box::new(connector),
    })
}
