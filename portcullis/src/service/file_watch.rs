//! Whether files that may change while the service runs have changed: looked at now and then, and never read here.
//!
//! What tells is what the file system says of the file behind every link, so that a mounted folder whose link is swapped, an
//! editor that writes beside and renames, and one that writes in place are all seen. A file counts as changed when it is
//! found the same twice: one that is being written is not read in the middle.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What the file system says of a file: any writing changes one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    /// When its content changed, and when anything of it did: seconds and nanoseconds.
    written: (i64, i64),
    changed: (i64, i64),
}

/// One file: as it was when it was read, and as it was found last. `None` while it is not there.
#[derive(Debug, Clone, Copy)]
struct Seen {
    read: Option<Stamp>,
    found: Option<Stamp>,
}

/// The files that are watched.
#[derive(Debug, Default)]
pub(crate) struct FileWatch {
    files: BTreeMap<PathBuf, Seen>,
}

impl FileWatch {
    /// Looks at the files; true when one has changed since it was read, and is no longer being written. They count as read
    /// then, right or wrong: what is wrong is read again when it changes again.
    pub(crate) fn look(&mut self, files: &[PathBuf]) -> bool {
        self.files.retain(|known, _| files.contains(known));
        let mut has_changed = false;
        for file in files {
            let stamp = stamp(file);
            let fresh = Seen {
                read: stamp,
                found: stamp,
            };
            let seen = self.files.entry(file.clone()).or_insert(fresh);
            let is_settled = seen.found == stamp;
            seen.found = stamp;
            if is_settled && seen.read != stamp {
                seen.read = stamp;
                has_changed = true;
            }
        }
        has_changed
    }

    /// Notes that the files are read now, for whatever reason. To be called before they are: what is written meanwhile
    /// is a change.
    pub(crate) fn note_read(&mut self, files: &[PathBuf]) {
        for file in files {
            let stamp = stamp(file);
            let seen = Seen {
                read: stamp,
                found: stamp,
            };
            self.files.insert(file.clone(), seen);
        }
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(file).ok()?;
    Some(Stamp {
        device: found.dev(),
        inode: found.ino(),
        bytes: found.size(),
        written: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::symlink;

    /// Looks until nothing is under way; whether a change was told, and told once.
    fn is_told(watch: &mut FileWatch, files: &[PathBuf]) -> bool {
        let told = (0..4).filter(|_| watch.look(files)).count();
        assert!(told <= 1, "a change is told once");
        told == 1
    }

    #[test]
    fn a_file_that_is_written_renamed_linked_or_removed_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::write(place("one"), "a").unwrap();
        let files = [place("one"), place("linked")];
        let mut watch = FileWatch::default();
        assert!(!is_told(&mut watch, &files), "as it was at the start");
        fs::write(place("one"), "b").unwrap();
        assert!(is_told(&mut watch, &files), "written in place");
        fs::write(place("new"), "c").unwrap();
        fs::rename(place("new"), place("one")).unwrap();
        assert!(is_told(&mut watch, &files), "renamed onto it");
        // As a mounted folder is updated: data/rules behind a link to the data that is swapped.
        for (data, text) in [("first", "d"), ("second", "d")] {
            fs::create_dir(place(data)).unwrap();
            fs::write(place(data).join("rules"), text).unwrap();
            symlink(place(data), place("next")).unwrap();
            fs::rename(place("next"), place("data")).unwrap();
            if data == "first" {
                symlink(place("data").join("rules"), place("linked")).unwrap();
            }
            assert!(is_told(&mut watch, &files), "{data}");
        }
        fs::remove_file(place("one")).unwrap();
        assert!(is_told(&mut watch, &files), "removed");
        assert!(!is_told(&mut watch, &files));
    }

    #[test]
    fn a_file_that_is_still_being_written_is_not_read_yet() {
        let folder = tempfile::tempdir().unwrap();
        let files = [folder.path().join("rules")];
        fs::write(&files[0], "").unwrap();
        let mut watch = FileWatch::default();
        assert!(!watch.look(&files));
        let mut file = fs::File::create(&files[0]).unwrap();
        for _ in 0..5 {
            file.write_all(b"[[rule]]\n").unwrap();
            assert!(!watch.look(&files), "it grew since the last look");
        }
        assert!(watch.look(&files));
    }

    #[test]
    fn what_was_read_for_another_reason_has_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let files = [folder.path().join("rules")];
        fs::write(&files[0], "a").unwrap();
        let mut watch = FileWatch::default();
        watch.note_read(&files);
        fs::write(&files[0], "bc").unwrap();
        watch.note_read(&files);
        assert!(!is_told(&mut watch, &files));
    }
}
