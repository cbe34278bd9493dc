//! Where lines come from: files, standard input, Kafka.

pub mod door;
pub mod file;
pub mod follow;
pub mod kafka;
pub mod merge;
pub mod push;
pub mod spool;
pub mod syslog;

/// Longest line that is read. Gateways cap a request's head near 32 KiB; a longer line is rejected, counted and
/// skipped to its end without growing memory.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// Bytes read at once. Large enough that the cost of a read disappears, small enough to stay in a cache.
pub const CHUNK_BYTES: usize = 256 << 10;
