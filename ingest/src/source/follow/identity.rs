//! Which file it is, whatever it is called by now.

use domain::HashKey;
use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

/// First bytes of a file that tell it from others: the first few lines of a log, each with its time.
pub const HEAD_BYTES: usize = 1024;

/// Key of the hash of a file's first bytes. No secret: whoever can write a log can write all of it.
const KEY: HashKey = HashKey::new(*b"which file it is");

/// A file's first bytes, as a hash of as many as there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Head {
    /// How many, at most [`HEAD_BYTES`].
    pub bytes: u32,
    /// Their hash.
    pub hash: u64,
}

/// Where a file lies on its disk. The number of a file that was removed is given to new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub struct Inode {
    /// The disk.
    pub device: u64,
    /// The number on it.
    pub inode: u64,
}

impl Inode {
    /// Of a file.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

impl Head {
    /// Of these first bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let bytes = &bytes[..bytes.len().min(HEAD_BYTES)];
        Self {
            // At most HEAD_BYTES.
            bytes: bytes.len() as u32,
            hash: KEY.hash(bytes),
        }
    }

    /// Whether a file that begins with these bytes may be the same file, grown since or not.
    #[must_use]
    pub fn is_head_of(&self, bytes: &[u8]) -> bool {
        let length = self.bytes as usize;
        bytes.len() >= length && Self::of(&bytes[..length]) == *self
    }

    /// Whether nothing was seen of the file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }
}

/// The first bytes of a file, without moving where it is read.
///
/// # Errors
/// What the system says.
pub fn first_bytes(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; HEAD_BYTES];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The first bytes of a stream.
///
/// # Errors
/// What the stream says.
pub fn first_bytes_of(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES);
    input.take(HEAD_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_has_grown_is_the_same_and_one_that_begins_otherwise_is_not() {
        let head = Head::of(b"first line\n");
        assert!(head.is_head_of(b"first line\n"));
        assert!(head.is_head_of(b"first line\nsecond line\n"));
        assert!(!head.is_head_of(b"first lin"));
        assert!(!head.is_head_of(b"other line\nsecond line\n"));
        assert!(Head::of(b"").is_empty() && Head::of(b"").is_head_of(b"anything"));
        assert_eq!(Head::of(&[b'x'; 5000]), Head::of(&[b'x'; HEAD_BYTES]));
    }
}
