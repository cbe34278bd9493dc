//! Paths and queries: routes, masked secrets.
#![no_main]

use domain::HashKey;
use ingest::{mask, route};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let key = HashKey::new([7; 16]);
    assert_eq!(route::digest(data, &key), route::digest(data, &key));
    let _ = route::template(data);
    let masked = mask::query(data);
    assert_eq!(mask::query(&masked), masked, "masking twice is masking once");
    let masked = mask::url(data);
    assert_eq!(mask::url(&masked), masked, "masking twice is masking once");
});
