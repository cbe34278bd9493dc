//! The text of a configuration: checked, or every problem named. The binary has no library, so its configuration
//! is compiled in here as it stands.
#![no_main]
#![allow(
    dead_code,
    unused_imports,
    missing_docs,
    unreachable_pub,
    reason = "only reading is fuzzed"
)]

#[path = "../../portcullis/src/config/mod.rs"]
mod config;
// What a budget of false positives is checked against.
#[path = "../../portcullis/src/scorer.rs"]
mod scorer;

use config::Surroundings;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::io;

fuzz_target!(|data: &str| {
    let surroundings = Surroundings {
        environment: &BTreeMap::new(),
        read_file: &|_| Err(io::ErrorKind::NotFound.into()),
    };
    match config::read("fuzz.toml", data, &surroundings) {
        Ok(loaded) => drop(config::explain(&loaded.entries)),
        Err(report) => assert!(!report.to_string().is_empty(), "a refusal says why"),
    }
});
