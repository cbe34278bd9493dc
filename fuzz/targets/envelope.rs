//! What shippers wrap around a line, wrapper by wrapper, and how deep JSON may nest.
#![no_main]

use ingest::envelope::{DEPTH_MAX, unwrap};
use libfuzzer_sys::fuzz_target;
use std::borrow::Cow;

fuzz_target!(|data: &str| {
    let _ = ingest::nesting::is_too_deep(data);
    let mut line = Cow::Borrowed(data);
    for _ in 0..=DEPTH_MAX {
        let Ok(Some((_, inner))) = unwrap(&line) else {
            return;
        };
        line = Cow::Owned(inner.into_owned());
    }
});
