//! Documents that name routes, in a running service: they are read again when they change, and a wrong one keeps what holds.

use anyhow::{Result, ensure};
use portcullis_tests::component::{Portcullis, Setup};
use portcullis_tests::stream::{Line, ago, line};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

const RULE: &str = "[[rule]]\nname = \"own/undocumented\"\nthreat = \"reconnaissance\"\nby = \"client\"\ncount = 20\n\
                    within_secs = 600\naction = \"throttle\"\nfor_secs = 3600\nwhen = { is_documented = false }\n";

fn document(path: &str) -> String {
    format!("openapi: 3.0.3\npaths:\n  {path}: {{ get: {{}} }}\n")
}

/// Appends requests of a client for reports, one a second.
fn append(log: &Path, client: &str, from: i64) -> Result<()> {
    let start = ago(from);
    let lines: Vec<Line> = (0..30)
        .map(|second| {
            line(
                start.plus_secs(second),
                client,
                "GET",
                "/reports/monthly",
                200,
                "Mozilla/5.0",
            )
        })
        .collect();
    let mut text = String::new();
    for line in &lines {
        writeln!(text, "{}", line.text)?;
    }
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
    Ok(file.write_all(text.as_bytes())?)
}

fn is_decided(portcullis: &Portcullis, client: &str) -> Result<bool> {
    Ok(portcullis
        .decisions()?
        .iter()
        .any(|decision| decision["value"] == client))
}

#[test]
fn a_changed_document_holds_by_itself_and_a_wrong_one_keeps_the_routes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = |name: &str| folder.path().join(name);
    std::fs::write(place("rules.toml"), RULE)?;
    std::fs::write(place("api.yaml"), document("/reports/{name}"))?;
    let quoted = |name: &str| format!("files = [{:?}]", place(name).display().to_string());
    let log = place("access.log");
    append(&log, "203.0.113.41", 900)?;
    let setup = Setup::new()
        .file(&log)
        .with("rules", &quoted("rules.toml"))
        .with("openapi", &quoted("api.yaml"));
    let portcullis = Portcullis::start(&setup)?;
    let lines = format!("source_lines_total{{source=\"{}\"}}", log.display());
    let has_read = |wanted: f64| {
        move |portcullis: &Portcullis| {
            Ok(portcullis
                .metrics(&lines.clone())
                .is_ok_and(|read| read == wanted))
        }
    };
    portcullis.wait_until("it read the first client's lines", has_read.clone()(30.0))?;

    std::fs::write(place("api.yaml"), "openapi: 3.0.3\npaths: { reports: {} }\n")?;
    portcullis.wait_until("it kept the routes", |portcullis| {
        Ok(portcullis
            .log()
            .contains("the documented routes stay as they were"))
    })?;
    let why = "found the path \\\"reports\\\", expected a path that begins with a slash";
    let told = portcullis.log();
    ensure!(
        told.contains(why) || told.contains(&why.replace('\\', "")),
        "{told}"
    );
    append(&log, "203.0.113.42", 600)?;
    portcullis.wait_until("it read the second client's lines", has_read.clone()(60.0))?;

    std::fs::write(place("api.yaml"), document("/other"))?;
    portcullis.wait_until("it took the document over", |portcullis| {
        Ok(portcullis.log().contains("the documented routes were read again"))
    })?;
    append(&log, "203.0.113.43", 300)?;
    portcullis.wait_until("it slowed down whom the rule names", |portcullis| {
        is_decided(portcullis, "203.0.113.43")
    })?;
    for client in ["203.0.113.41", "203.0.113.42"] {
        ensure!(
            !is_decided(&portcullis, client)?,
            "{client} asked for what was documented"
        );
    }
    Ok(())
}
