//! An autonomous system on the allowlist undoes what the machine decided about its addresses, and nobody else's.

use anyhow::{Result, ensure};
use libmaxminddb_rs::{MetadataBuilder, Value, Writer};
use portcullis_tests::component::{Portcullis, Setup};
use portcullis_tests::stream::{ago, line};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

const PARTNER: &str = "198.51.100.7";
/// Of the partner's system, too; a person blocked it.
const NAMED: &str = "198.51.100.8";
const STRANGER: &str = "203.0.113.9";

/// A database in which 198.51.100.0/24 belongs to AS 64500.
fn write_database(file: &Path) -> Result<()> {
    let metadata = MetadataBuilder::new().ip_version(6).database_type("GeoLite2-ASN");
    let mut writer = Writer::with_metadata(metadata.build()?);
    let number = ("autonomous_system_number".into(), Value::Uint32(64500));
    writer.insert_value("198.51.100.0/24".parse()?, Value::Map(BTreeMap::from([number])))?;
    Ok(std::fs::write(file, writer.finish()?)?)
}

fn append_probes(log: &Path, from: i64) -> Result<()> {
    use std::io::Write as _;
    let start = ago(from);
    let mut text = String::new();
    for second in 0..12 {
        for client in [PARTNER, STRANGER] {
            let path = format!("/.git/config{second}");
            let probe = line(start.plus_secs(second), client, "GET", &path, 404, "Mozilla/5.0");
            writeln!(text, "{}", probe.text)?;
        }
    }
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// Who is refused, of the three.
fn refused(portcullis: &Portcullis) -> Result<Vec<&'static str>> {
    let list = portcullis.list("/api/v1/decisions?state=active")?;
    let is_in_force = |client: &&str| {
        list.iter()
            .any(|decision| decision["value"] == **client && decision["action"] == "block")
    };
    Ok([PARTNER, NAMED, STRANGER]
        .into_iter()
        .filter(is_in_force)
        .collect())
}

#[test]
fn an_allowed_system_undoes_the_machines_blocks_of_its_addresses() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let networks = folder.path().join("asn.mmdb");
    write_database(&networks)?;
    let log = folder.path().join("access.log");
    append_probes(&log, 900)?;
    let lines = format!("networks = {:?}", networks.display().to_string());
    let portcullis = Portcullis::start(&Setup::new().file(&log).with("clients", &lines))?;
    portcullis.block(NAMED)?;
    portcullis.wait_until("all three were blocked", |portcullis| {
        Ok(refused(portcullis)?.len() == 3)
    })?;
    let allow = json!({
        "client": { "scope": "as", "value": "64500" },
        "kind": "allow",
        "reason": "the partner's network",
    });
    portcullis.post("/api/v1/orders", &allow)?;
    portcullis.wait_until("the partner was let in", |portcullis| {
        Ok(!refused(portcullis)?.contains(&PARTNER))
    })?;
    ensure!(
        refused(&portcullis)? == [NAMED, STRANGER],
        "{:?}",
        refused(&portcullis)?
    );
    let orders = portcullis.list("/api/v1/orders")?;
    let told = orders.iter().any(|order| {
        order["order"]["kind"] == "revoke"
            && order
                .to_string()
                .contains("AS 64500, which announces its address, is on the allowlist")
    });
    ensure!(told, "{orders:?}");
    // And goes on unharmed.
    append_probes(&log, 60)?;
    portcullis.wait_until_counted(48)?;
    ensure!(
        refused(&portcullis)? == [NAMED, STRANGER],
        "{:?}",
        refused(&portcullis)?
    );
    Ok(())
}
