//! Redis, with an NGINX in front that looks every client up there, by Lua.

use super::nginx_lua::with_lua;
use super::{Plan, REFUSED_BY_HAND, Way, advised};
use crate::component::{Command, Stop, Supervised, free_ports, nginx, program, run};
use anyhow::{Context as _, Result};
use enforcer::connector::{Redis, RedisSettings};
use std::path::Path;

/// Both of them: what one was told at runtime is gone with it, what somebody put there by hand is read at the next start.
const BOTH: &str = r#""$1/redis-server" --dir "$1/kept" --port "$2" --bind 127.0.0.1 --save "" --appendonly no &
exec nginx -e stderr -p "$1" -c "$1/nginx.conf""#;

pub(super) fn plan(folder: &Path, port: u16) -> Result<Plan> {
    let shown = folder.display();
    let [redis_port] = free_ports()?;
    std::os::unix::fs::symlink(program("redis-server")?, folder.join("redis-server"))?;
    put_by_hand(folder, redis_port)?;
    let settings = RedisSettings {
        url: format!("redis://127.0.0.1:{redis_port}"),
        prefix: "portcullis:".to_owned(),
    };
    let told = format!("[gateways.redis]\nurl = \"{}\"\n", settings.url);
    let connector = Redis::new(settings)?;
    let [http] = advised(&connector)?;
    let inside = format!(
        "{http}
server {{
  listen 127.0.0.1:{port};
  location / {{ content_by_lua_block {{ ngx.say(\"hello\") }} }}
}}"
    );
    let text = nginx::configuration(folder, (&with_lua()?, 2), &inside);
    std::fs::write(folder.join("nginx.conf"), text)?;
    Ok(Plan {
        command: Command::new("redis", folder, Stop::Terminate, "bash").args([
            "-c".to_owned(),
            BOTH.to_owned(),
            "both".to_owned(),
            shown.to_string(),
            redis_port.to_string(),
        ]),
        settings: told,
        way: Way::Loopback(port),
        connector: Box::new(connector),
    })
}

/// Has a Redis of its own write a file with the entry of somebody else.
fn put_by_hand(folder: &Path, port: u16) -> Result<()> {
    let kept = folder.join("kept");
    std::fs::create_dir(&kept)?;
    let own = folder.join("by-hand");
    std::fs::create_dir(&own)?;
    let port = port.to_string();
    let command = Command::new("redis-by-hand", &own, Stop::Kill, program("redis-server")?)
        .args([Path::new("--dir"), &kept])
        .args(["--bind", "127.0.0.1", "--port", &port]);
    let server = Supervised::start(&command)?;
    let ask = |words: &[&str]| {
        run(std::process::Command::new("redis-cli")
            .args(["-p", &port])
            .args(words))
    };
    server.wait_until("it answered", || ask(&["PING"]).is_ok())?;
    let address: std::net::Ipv4Addr = REFUSED_BY_HAND.parse().context("an address")?;
    let key = format!("portcullis:address:{:08x}/32", address.to_bits());
    ask(&["SET", &key, r#"{"action":"block"}"#])?;
    ask(&["SADD", "portcullis:lengths", "4/32"])?;
    ask(&["SAVE"])?;
    server.crash()
}
