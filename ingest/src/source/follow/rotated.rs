//! The files that a log was rotated into: found by how they begin, whatever they are called.

use super::identity::{Head, Inode, first_bytes, first_bytes_of};
use super::open::{is_packed, unpack};
use super::place::{FilePlace, modified};
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Files beside a log that are looked at, the latest first: more than anybody keeps unread.
const BESIDE_MAX: usize = 256;

/// Whether a name is that of a file which a log was rotated into: `access.log.1`, `access.log-20270131.gz`.
pub(super) fn is_rotated_name(log: &OsStr, name: &OsStr) -> bool {
    let rest = name.as_bytes().strip_prefix(log.as_bytes());
    rest.is_some_and(|rest| matches!(rest.first(), Some(b'.' | b'-' | b'_')))
}

/// A file that may hold lines of the log.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    pub(super) inode: Inode,
    pub(super) modified: i128,
    /// How its content begins.
    beginning: Vec<u8>,
    is_packed: bool,
    length: u64,
}

impl Candidate {
    fn look(path: PathBuf) -> Option<Self> {
        // Asked before it is opened: opening a pipe waits for whoever writes to it.
        std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        let file = File::open(&path).ok()?;
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let is_packed = is_packed(&path);
        // One that is still being packed may not be readable yet: the plain one is there until it is.
        let beginning = if is_packed {
            first_bytes_of(&mut *unpack(&path).ok()?).ok()?
        } else {
            first_bytes(&file).ok()?
        };
        Some(Self {
            inode: Inode::of(&metadata),
            modified: modified(&metadata),
            length: metadata.len(),
            path,
            beginning,
            is_packed,
        })
    }

    /// Whether reading of that file can go on in this one.
    fn continues(&self, place: &FilePlace) -> bool {
        !place.head.is_empty()
            && place.head.is_head_of(&self.beginning)
            && (self.is_packed || self.length >= place.offset)
    }

    /// Whether its content was read to the end.
    pub(super) fn is_finished(&self, finished: &[Head]) -> bool {
        finished.iter().any(|head| head.is_head_of(&self.beginning))
    }

    fn begins_as(&self, other: &Self) -> bool {
        self.beginning == other.beginning
    }
}

/// The log and the files beside it that it was rotated into, the oldest first. The log itself stands last when it is there.
pub(super) fn candidates(log: &Path) -> Vec<Candidate> {
    let (Some(folder), Some(name)) = (log.parent(), log.file_name()) else {
        return Vec::new();
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut beside: Vec<(i128, PathBuf)> = entries
        .filter(|entry| is_rotated_name(name, &entry.file_name()))
        .filter_map(|entry| Some((modified(&entry.metadata().ok()?), entry.path())))
        .collect();
    beside.sort();
    let from = beside.len().saturating_sub(BESIDE_MAX);
    let mut found: Vec<Candidate> = Vec::new();
    for (_, path) in beside.drain(from..) {
        let Some(candidate) = Candidate::look(path) else {
            continue;
        };
        // While a file is packed, both are there: the plain one can be read on.
        match found.iter_mut().find(|known| known.begins_as(&candidate)) {
            Some(known) if known.is_packed && !candidate.is_packed => *known = candidate,
            Some(_) if candidate.is_packed => {}
            _ => found.push(candidate),
        }
    }
    found.extend(Candidate::look(log.to_owned()));
    found
}

/// The file in which reading goes on: the one on the same place of the disk, else one that begins alike.
pub(super) fn continuation<'c>(candidates: &'c [Candidate], place: &FilePlace) -> Option<&'c Candidate> {
    let same = |candidate: &&Candidate| candidate.inode == place.inode && candidate.continues(place);
    let alike = |candidate: &&Candidate| candidate.continues(place);
    let found = candidates.iter().find(same);
    found.or_else(|| candidates.iter().find(alike))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_names_go_on_from_the_logs_own() {
        let check = |name: &str, expected| {
            let found = is_rotated_name(OsStr::new("access.log"), OsStr::new(name));
            assert_eq!(found, expected, "{name}");
        };
        check("access.log.1", true);
        check("access.log-20270131.gz", true);
        check("access.log", false);
        check("access.log2", false);
        check("error.log.1", false);
    }
}
