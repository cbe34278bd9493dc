//! What shippers wrap around a line, wrapper by wrapper, and how deep JSON may nest.

use crate::text;
use ingest::envelope::{DEPTH_MAX, unwrap};
use std::borrow::Cow;

/// One input.
pub fn run(data: &[u8]) {
    let data = text(data);
    let _ = ingest::nesting::is_too_deep(data);
    let mut line = Cow::Borrowed(data);
    for _ in 0..=DEPTH_MAX {
        let Ok(Some((_, inner))) = unwrap(&line) else {
            return;
        };
        line = Cow::Owned(inner.into_owned());
    }
}
