//! Lines that were taken over and must not be lost: appended to files, read like a partition, deleted behind a checkpoint.
//!
//! A spool is a folder of segments. One process writes and reads it. Whoever hands lines over is told that they are taken
//! when the disk has them; only then are they read. A new process never writes to a segment of an old one, so that what a
//! crash left half-written can only stand at a segment's end.
//!
//! ```text
//! writer:  append ──► write ──► fsync, for everybody who waits ──► taken
//! reader:  poll(place) ──► lines … checkpoint(place) ──► release(place): segments before it go
//! ```

mod reader;
mod record;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{SpoolPlace, SpoolReader};
pub use record::SpoolLine;
pub use writer::{Spool, SpoolError};

use std::path::{Path, PathBuf};

/// A segment is followed by another one at this size: what is kept longer than needed, and how much one damaged length can
/// cost.
pub const SEGMENT_BYTES: u64 = 8 << 20;

const EXTENSION: &str = "spool";

/// The file of a segment.
fn file_of(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:020}.{EXTENSION}"))
}

/// Numbers and sizes of the segments that are there, in order.
fn segments(folder: &Path) -> std::io::Result<Vec<(u64, u64)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_one = path.extension().is_some_and(|extension| extension == EXTENSION);
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let (true, Some(number)) = (is_one, number) {
            found.push((number, entry.metadata()?.len()));
        }
    }
    found.sort_unstable();
    Ok(found)
}
