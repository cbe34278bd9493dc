//! Where reading of a log stands: what a checkpoint keeps.

use super::identity::{Head, Inode};
use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

/// Files of a log that were read to their end and are still known by their first bytes, so that one that is packed or moved
/// later is not taken for a new one. More than logrotate keeps by default in a month of days.
pub const FINISHED_MAX: usize = 64;

/// Where one file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FilePlace {
    /// Where it lay.
    pub inode: Inode,
    /// How it begins.
    pub head: Head,
    /// Bytes of its content that were read, to the end of a whole line.
    pub offset: u64,
    /// Whether the rest of a line that is too long is being passed over.
    pub is_skipping: bool,
    /// When it was last written to, as nanoseconds since 1970.
    pub modified: i128,
}

/// Where a log stands: the file that is written to, and those before it that may still hold unread lines.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogPlace {
    /// Lines counted so far.
    pub line: u64,
    /// The files, the oldest first.
    pub files: Vec<FilePlace>,
    /// How files begin that were read to their end, the latest last.
    pub finished: Vec<Head>,
}

impl LogPlace {
    pub(super) fn finish(&mut self, head: Head) {
        if head.is_empty() || self.finished.contains(&head) {
            return;
        }
        if self.finished.len() >= FINISHED_MAX {
            self.finished.remove(0);
        }
        self.finished.push(head);
    }
}

/// When a file was last written to, as nanoseconds since 1970.
pub(super) fn modified(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}
