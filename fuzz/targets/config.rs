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

use config::Surroundings;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::io;

fuzz_target!(|data: &str| {
    let surroundings = Surroundings {
        environment: &BTreeMap::new(),
        read_file: &|_| Err(io::ErrorKind::NotFound.into()),
        least_budget: &|_, budget| (budget < 100.0).then(|| "at least 100".to_owned()),
    };
    match config::read("fuzz.toml", data, &surroundings) {
        Ok(loaded) => drop(config::explain(&loaded.entries)),
        Err(report) => assert!(!report.to_string().is_empty(), "a refusal says why"),
    }
});
