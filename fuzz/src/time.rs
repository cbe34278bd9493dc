//! Times in every form that logs use.

use domain::Timestamp;
use ingest::clock::{DayCache, EpochUnit, from_epoch, write_clf};

/// One input.
pub fn run(data: &[u8]) {
    let mut days = DayCache::default();
    for part in data.split(|byte| *byte == b'\n') {
        if let Some(at) = days.parse_clf(part) {
            let mut written = Vec::new();
            write_clf(at, &mut written);
            let again = days.parse_clf(&written).map(Timestamp::as_secs);
            assert_eq!(again, Some(at.as_secs()), "a time survives writing");
        }
        let Ok(text) = std::str::from_utf8(part) else {
            continue;
        };
        if let Some(at) = Timestamp::parse_rfc3339(text) {
            let again = Timestamp::parse_rfc3339(&at.to_string());
            assert_eq!(again, Some(at), "a time survives writing");
        }
        if let Ok(number) = text.parse() {
            for unit in [EpochUnit::Seconds, EpochUnit::Millis, EpochUnit::Guessed] {
                let _ = from_epoch(number, unit);
            }
        }
    }
}
