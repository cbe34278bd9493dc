//! Holds the star of dependencies of docs/architecture.md ("Dependency direction"): which crate may know which,
//! and which outside crates stay behind which wall. Tests and benchmarks of a crate are bound by it too.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Every crate of ours, and what of ours it may depend on. The binary and the whole-system tests may know everyone.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("ingest", &["domain"]),
    ("detector", &["domain"]),
    ("models", &["domain"]),
    ("storage", &["domain"]),
    ("enforcer", &["domain", "storage"]),
    ("api", &["domain", "storage"]),
    ("simulator", &["domain", "ingest"]),
    ("portcullis", EVERYONE),
    ("tests", EVERYONE),
];

const EVERYONE: &[&str] = &[
    "domain",
    "ingest",
    "detector",
    "models",
    "storage",
    "enforcer",
    "api",
    "simulator",
    "portcullis",
];

/// Outside crates behind a wall: the only crates of ours that may depend on them, and why.
const WALLS: &[(&[&str], &[&str], &str)] = &[
    (
        &["linfa", "linfa-*", "ndarray", "ndarray-*"],
        &["models"],
        "the machine-learning stack wants old versions of its neighbours, and stays where it can be exchanged",
    ),
    (
        &["libinjectionrs"],
        &["detector"],
        "payloads are judged in one place, within one budget of bytes",
    ),
    (
        &["rdkafka", "rdkafka-sys"],
        &["ingest", "portcullis", "tests"],
        "lines come from Kafka through `ingest` only",
    ),
    (
        &["notify", "glob"],
        &["ingest"],
        "logs are followed by `ingest` only",
    ),
    (
        &["axum", "axum-*", "tower-http", "utoipa", "utoipa-*"],
        &["api"],
        "HTTP is spoken by `api` only: whoever decides must not know who asks",
    ),
    (
        &["sqlx", "sqlx-*", "object_store"],
        &["storage", "tests"],
        "rows and objects are kept by `storage` only",
    ),
    (
        &[
            "tokio",
            "tokio-*",
            "futures",
            "futures-*",
            "async-trait",
            "hyper",
            "hyper-*",
            "reqwest",
        ],
        &[
            "ingest",
            "storage",
            "enforcer",
            "api",
            "simulator",
            "portcullis",
            "tests",
        ],
        "`domain`, `detector` and `models` are pure: values in, values out, nothing to wait for",
    ),
    (
        &["serde", "serde_json", "postcard", "sonic-rs", "toml"],
        &[
            "ingest",
            "detector",
            "models",
            "storage",
            "enforcer",
            "api",
            "simulator",
            "portcullis",
            "tests",
        ],
        "`domain` has no wire format: each wire keeps its own types, so that a rename inside changes no contract",
    ),
    (
        &["redis", "aws-*"],
        &["enforcer"],
        "gateways are told by `enforcer` only",
    ),
    (
        &["prost", "prost-*"],
        &["ingest", "api"],
        "protobuf is one way in which log records come, and one in which Envoy asks",
    ),
    (
        &["serde-saphyr"],
        &["portcullis"],
        "YAML is read where others write it: scenarios, OpenAPI documents; what is ours is TOML",
    ),
    (
        &["clap", "indicatif", "mimalloc", "plotters"],
        &["portcullis"],
        "command line, terminal, plots and allocator are the binary's business",
    ),
];

/// The folders of our crates, and for each the names of what it depends on: ours by folder, others as published.
type Dependencies = BTreeMap<String, BTreeSet<String>>;

fn dependencies() -> Result<Dependencies> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
            "--manifest-path",
        ])
        .arg(portcullis_tests::component::checkout().join("Cargo.toml"))
        .output()
        .context("could not run cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"]
        .as_array()
        .context("metadata without packages")?;
    packages
        .iter()
        .map(|package| Ok((short(&package["name"])?, dependencies_of(package)?)))
        .collect()
}

fn dependencies_of(package: &Value) -> Result<BTreeSet<String>> {
    let dependencies = package["dependencies"]
        .as_array()
        .context("a package without dependencies")?;
    dependencies
        .iter()
        .map(|dependency| short(&dependency["name"]))
        .collect()
}

/// `portcullis-ingest` is called `ingest` here, as everywhere in the code.
fn short(name: &Value) -> Result<String> {
    let name = name.as_str().context("a package without a name")?;
    Ok(name.strip_prefix("portcullis-").unwrap_or(name).to_owned())
}

/// `linfa-*` stands for every crate whose name begins with `linfa-`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}

/// Says, in one sentence each, which dependencies the star does not allow.
fn faults(dependencies: &Dependencies) -> Vec<String> {
    let mut faults = Vec::new();
    for (package, known) in dependencies {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| name == package) else {
            faults.push(format!(
                "`{package}` is a new crate: draw it in docs/architecture.md and say here what it may depend on"
            ));
            continue;
        };
        for name in known {
            if dependencies.contains_key(name) && !allowed.contains(&name.as_str()) {
                faults.push(format!(
                    "`{package}` must not depend on `{name}`: {}",
                    allowance(package, allowed)
                ));
            }
            faults.extend(wall_fault(package, name));
        }
    }
    faults
}

fn allowance(package: &str, allowed: &[&str]) -> String {
    let known = if allowed.is_empty() {
        "none of our crates".to_owned()
    } else {
        allowed.join(", ")
    };
    format!("by docs/architecture.md, \"Dependency direction\", `{package}` knows {known}")
}

fn wall_fault(package: &str, name: &str) -> Option<String> {
    let (_, inside, reason) = WALLS
        .iter()
        .find(|(patterns, ..)| patterns.iter().any(|pattern| matches(pattern, name)))?;
    (!inside.contains(&package)).then(|| {
        format!(
            "`{package}` must not depend on `{name}` (only {} may): {reason}",
            inside.join(", ")
        )
    })
}

#[test]
fn every_dependency_follows_the_star() -> Result<()> {
    let faults = faults(&dependencies()?);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

#[test]
fn every_crate_in_the_table_exists() -> Result<()> {
    let dependencies = dependencies()?;
    for (name, allowed) in ARROWS {
        for name in std::iter::once(name).chain(*allowed) {
            assert!(
                dependencies.contains_key(*name),
                "the table names `{name}`, which is not in the workspace"
            );
        }
    }
    Ok(())
}

fn check(package: &str, dependency: &str, expected: Option<&str>) {
    let mut dependencies: Dependencies = ARROWS
        .iter()
        .map(|(name, _)| ((*name).to_owned(), BTreeSet::new()))
        .collect();
    dependencies
        .entry(package.to_owned())
        .or_default()
        .insert(dependency.to_owned());
    let found = faults(&dependencies);
    match expected {
        None => assert_eq!(found, Vec::<String>::new()),
        Some(part) => assert!(
            found.iter().any(|fault| fault.contains(part)),
            "expected `{part}` in {found:?}"
        ),
    }
}

#[test]
fn a_wrong_arrow_is_named_with_its_reason() {
    check(
        "detector",
        "ingest",
        Some("`detector` must not depend on `ingest`: by docs/architecture.md"),
    );
    check("domain", "storage", Some("`domain` knows none of our crates"));
    check("api", "detector", Some("`api` knows domain, storage"));
    check(
        "detector",
        "ndarray",
        Some("`detector` must not depend on `ndarray` (only models may)"),
    );
    check("storage", "linfa-preprocessing", Some("only models may"));
    check("detector", "tokio-util", Some("values in, values out"));
    check("domain", "serde", Some("no wire format"));
    check("courier", "domain", Some("`courier` is a new crate"));
}

#[test]
fn an_allowed_arrow_is_no_fault() {
    check("simulator", "ingest", None);
    check("api", "storage", None);
    check("portcullis", "simulator", None);
    check("models", "linfa", None);
    check("tests", "sqlx", None);
}
