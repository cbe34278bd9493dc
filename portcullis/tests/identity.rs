//! Clients that come under a key: what `scan` makes of a key that one client has, and of one that an app carries.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{run, write};
use std::fmt::Write as _;

/// A key that must not be found anywhere again.
const KEY: &str = "live_51H8xQ2eZvKYlo2C";

/// A token whose payload is `{"sub":"alice"}`, signed by nobody.
const TOKEN: &str = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2ln";

/// Two hours of ordinary use of the key by so many addresses, then a scanner at the first one of them, under the same key.
fn log(addresses: u32) -> String {
    let mut log = String::new();
    let mut line = |at: u32, address: u32, uri: &str, status: u16| {
        let _ = writeln!(
            log,
            r#"{{"msec":{}.000,"remote_addr":"203.0.{address}.9","method":"GET","uri":"{uri}","status":{status},"bytes_sent":100,"user_agent":"shop/1.2","http_x_api_key":"{KEY}","http_authorization":"{TOKEN}"}}"#,
            1_795_000_000 + at
        );
    };
    for step in 0..480 {
        line(
            step * 15,
            1 + step % addresses,
            &format!("/page{}", step % 4),
            200,
        );
    }
    for step in 0..40 {
        line(
            7200 + step,
            1,
            &format!("/.git/config{step}"),
            if step == 2 { 200 } else { 404 },
        );
    }
    log
}

#[test]
fn one_clients_key_is_blocked_and_of_an_apps_key_only_the_address_that_attacks() {
    let folder = tempfile::tempdir().unwrap();
    let claims = "[clients]\nidentity = [\"api_key\", \"address\"]\nclaims = true\n";
    write(folder.path(), "portcullis.toml", claims.as_bytes());
    let check = |addresses: u32, options: &[&str], scope: &str| {
        write(folder.path(), "access.log", log(addresses).as_bytes());
        let run = run(
            folder.path(),
            &[&["scan", "--output", "json"], options, &["access.log"]].concat(),
        );
        let alerts = run.alerts();
        let blocked: Vec<_> = alerts.iter().filter(|alert| alert["action"] == "block").collect();
        assert_eq!(blocked.len(), 1, "{addresses}: {}", run.out);
        assert_eq!(blocked[0]["client"]["scope"], scope, "{addresses}: {}", run.out);
        if scope == "ip" {
            assert_eq!(blocked[0]["client"]["value"], "203.0.1.9");
        }
        for secret in [KEY, TOKEN, "alice"] {
            assert!(!run.out.contains(secret) && !run.err.contains(secret), "{secret}");
        }
        let name = blocked[0]["client"]["value"].as_str().unwrap().to_owned();
        (run, name)
    };
    let by_option = ["--identity", "api_key"];
    let (own, _) = check(1, &by_option, "api_key");
    assert!(own.err.contains("a fixed key that is no secret"), "{}", own.err);
    let (shared, _) = check(10, &by_option, "ip");
    assert!(shared.out.contains("shared_name") && !shared.out.contains("claims to be"));
    // Without a word on names the address is the client, and nothing is said of keys.
    let (plain, _) = check(1, &[], "ip");
    assert!(!plain.err.contains("fixed key"));
    let (claimed, under_fixed) = check(1, &["--config", "portcullis.toml"], "api_key");
    let with_key = "[clients]\nidentity = [\"api_key\"]\n[clients.secrets]\nkey = \"000102030405060708090a0b0c0d0e0f\"\n";
    write(folder.path(), "keyed.toml", with_key.as_bytes());
    let (keyed, under_own) = check(1, &["--config", "keyed.toml"], "api_key");
    assert!(!keyed.err.contains("fixed key"), "{}", keyed.err);
    assert_ne!(under_own, under_fixed);
    assert!(claimed.out.contains("[claims to be subject "), "{}", claimed.out);
}

#[test]
fn a_block_of_a_key_holds_on_when_the_key_of_secrets_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = |at: &str| {
        format!(
            "[clients]\nidentity = [\"api_key\"]\n[clients.secrets]\nkey = \"000102030405060708090a0b0c0d0e0f\"\n\
             previous_key = \"000102030405060708090a0b0c0d0e00\"\nrotated_at = {at}\noverlap_secs = 86400\n"
        )
    };
    // 1,795,000,000 is 2026-11-18T11:06:40Z: the key is replaced between the scan and what follows it, and long before it.
    write(
        folder.path(),
        "rotated.toml",
        secrets("2026-11-18T13:10:00Z").as_bytes(),
    );
    write(
        folder.path(),
        "before.toml",
        secrets("2026-01-01T00:00:00Z").as_bytes(),
    );
    let mut lines = log(1);
    for step in 0..300 {
        let _ = writeln!(
            lines,
            r#"{{"msec":{}.000,"remote_addr":"198.51.100.7","method":"GET","uri":"/page1","status":200,"bytes_sent":100,"user_agent":"shop/1.2","http_x_api_key":"{KEY}"}}"#,
            1_795_008_000 + step
        );
    }
    write(folder.path(), "access.log", lines.as_bytes());
    let prevented = |config: &str| {
        let run = run(
            folder.path(),
            &["scan", "--output", "json", "--config", config, "access.log"],
        );
        let alerts = run.alerts();
        let blocked: Vec<_> = alerts.iter().filter(|alert| alert["action"] == "block").collect();
        assert_eq!(
            (blocked.len(), &blocked[0]["client"]["scope"]),
            (1, &"api_key".into()),
            "{}",
            run.out
        );
        blocked[0]["requests_prevented"].as_u64().unwrap()
    };
    // Whoever has the key is stopped under its new name as he would be under the old one, wherever he comes from.
    assert_eq!(prevented("rotated.toml"), prevented("before.toml"));
    assert!(prevented("rotated.toml") >= 300);
}
