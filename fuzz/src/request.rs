//! Paths and queries: routes, masked secrets.

use crate::text;
use domain::HashKey;
use ingest::{mask, route};

/// One input.
pub fn run(data: &[u8]) {
    let data = text(data);
    let key = HashKey::new([7; 16]);
    assert_eq!(route::digest(data, &key), route::digest(data, &key));
    let _ = route::template(data);
    let masked = mask::query(data);
    assert_eq!(mask::query(&masked), masked, "masking twice is masking once");
    let masked = mask::url(data);
    assert_eq!(mask::url(&masked), masked, "masking twice is masking once");
}
