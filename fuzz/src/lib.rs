//! Hostile input against everything that reads bytes. Each module takes one input and panics where something is not as it has to
//! be; `targets/` hands them to libFuzzer, `examples/measure.rs` reads with them what libFuzzer found and holds the clock.

// The binary has no library: what of it is fuzzed is compiled in as it stands, where it looks for its own modules.
#[path = "../../portcullis/src/config/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    missing_docs,
    unreachable_pub,
    reason = "only reading is fuzzed"
)]
mod config;

pub mod address;
pub mod configuration;
pub mod detector_log;
pub mod envelope;
pub mod format;
pub mod layout;
pub mod line;
pub mod message;
pub mod model;
pub mod openapi;
pub mod otlp;
pub mod push;
pub mod request;
pub mod route;
pub mod syslog;
pub mod time;
pub mod written;

/// What takes one input.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("address", address::run),
    ("config", configuration::run),
    ("detector", detector_log::run),
    ("envelope", envelope::run),
    ("format", format::run),
    ("layout", layout::run),
    ("line", line::run),
    ("message", message::run),
    ("model", model::run),
    ("openapi", openapi::run),
    ("otlp", otlp::run),
    ("push", push::run),
    ("request", request::run),
    ("route", route::run),
    ("syslog", syslog::run),
    ("time", time::run),
    ("written", written::run),
];

/// The text that an input begins with: all of it, or what stands before the first byte that is no UTF-8.
fn text(data: &[u8]) -> &str {
    match std::str::from_utf8(data) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&data[..error.valid_up_to()]).unwrap_or_default(),
    }
}
