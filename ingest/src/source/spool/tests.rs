//! What was taken is read once, whatever happens to the process and to the disk.

use super::*;
use crate::source::LINE_BYTES_MAX;
use crate::source::door::{CUT_BYTES, DoorBatch};
use proptest::prelude::*;
use std::io::Write as _;
use std::sync::Arc;

const ROOM: u64 = 1 << 30;

fn take(reader: &mut SpoolReader) -> Vec<String> {
    let mut lines = Vec::new();
    let mut batch = DoorBatch::new();
    loop {
        batch.clear();
        let has_more = reader.poll(&mut batch, 0).unwrap();
        lines.extend(
            batch
                .lines()
                .map(|line| String::from_utf8_lossy(line.text).into_owned()),
        );
        if !has_more {
            return lines;
        }
    }
}

fn line_of(text: &str) -> SpoolLine<'_> {
    SpoolLine::within(text.as_bytes(), LINE_BYTES_MAX)
}

fn append(spool: &Spool, lines: &[&str]) {
    spool.append(lines.iter().map(|line| line_of(line))).unwrap();
}

fn open(folder: &Path) -> Arc<Spool> {
    Arc::new(Spool::open(folder, ROOM).unwrap())
}

/// Changes the first segment's bytes.
fn damage(folder: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let file = file_of(folder, 0);
    let mut bytes = std::fs::read(&file).unwrap();
    change(&mut bytes);
    std::fs::File::create(file).unwrap().write_all(&bytes).unwrap();
}

#[test]
fn lines_are_read_once_over_restarts_and_go_behind_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    append(&spool, &["a", "", "b\nc"]);
    let mut reader = SpoolReader::new(Arc::clone(&spool), None).unwrap();
    assert_eq!(take(&mut reader), ["a", "", "b\nc"]);
    append(&spool, &["d"]);
    assert_eq!(take(&mut reader), ["d"]);
    let place = reader.place();
    assert_eq!(place.line, 4);
    append(&spool, &["e"]);

    let spool = open(folder.path());
    append(&spool, &["f"]);
    let mut reader = SpoolReader::new(Arc::clone(&spool), Some(place)).unwrap();
    assert_eq!(take(&mut reader), ["e", "f"]);
    let before = spool.bytes();
    reader.release(reader.place()).unwrap();
    assert!(spool.bytes() < before);
    assert_eq!(segments(folder.path()).unwrap().len(), 1);
    // Without a checkpoint everything that is there is read.
    assert_eq!(take(&mut SpoolReader::new(spool, None).unwrap()), ["f"]);
}

#[test]
fn a_full_spool_takes_nothing_until_what_it_holds_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Arc::new(Spool::open(folder.path(), 40).unwrap());
    append(&spool, &["0123456789"]);
    let two = [line_of("0123456789"); 2];
    let refused = spool.append(two.into_iter()).unwrap_err();
    assert!(matches!(refused, SpoolError::Full(18)), "{refused}");
    append(&spool, &["0123456789"]);
    let mut reader = SpoolReader::new(Arc::clone(&spool), None).unwrap();
    assert_eq!(take(&mut reader).len(), 2, "all or none was taken");
}

#[test]
fn the_half_of_a_line_that_a_crash_left_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    append(&open(folder.path()), &["whole", "broken off"]);
    for cut in 1..18 {
        damage(folder.path(), |bytes| {
            bytes.truncate(8 + 5 + 18 - cut);
        });
        let spool = open(folder.path());
        append(&spool, &["after"]);
        let mut reader = SpoolReader::new(spool, None).unwrap();
        assert_eq!(take(&mut reader)[..2], ["whole", "after"], "{cut}");
        assert_eq!(reader.damaged(), 18 - cut as u64);
    }
}

#[test]
fn a_flipped_bit_costs_its_line_or_what_follows_it_and_no_line_is_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let written = ["first line", "second line", "third line"];
    append(&open(folder.path()), &written);
    let bytes = std::fs::read(file_of(folder.path(), 0)).unwrap();
    for bit in 0..bytes.len() * 8 {
        damage(folder.path(), |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        let mut reader = SpoolReader::new(open(folder.path()), None).unwrap();
        let read = take(&mut reader);
        assert!(reader.damaged() > 0, "bit {bit}");
        assert!(
            read.len() < 3 && read.iter().all(|line| written.contains(&line.as_str())),
            "bit {bit}: {read:?}"
        );
        // A flip in a text costs no other line.
        let (line, at) = (bit / 8 / 18, bit / 8 % 18);
        assert!(
            line > 0 || at < 8 || read == ["second line", "third line"],
            "bit {bit}: {read:?}"
        );
        damage(folder.path(), |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
    }
}

#[test]
fn segments_follow_one_another_and_long_lines_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let (longest, too_long) = ("x".repeat(LINE_BYTES_MAX), "y".repeat(LINE_BYTES_MAX + 1));
    let count = 3 * SEGMENT_BYTES as usize / LINE_BYTES_MAX;
    let mut reader = SpoolReader::new(Arc::clone(&spool), None).unwrap();
    let before = spool.bytes();
    for _ in 0..count {
        append(&spool, &[&too_long]);
    }
    // Whoever sends what is not read gets none of the disk for it.
    assert!(spool.bytes() - before < count as u64 * 300);
    for _ in 0..count {
        append(&spool, &[&longest]);
    }
    let (mut batch, mut read, mut cut) = (DoorBatch::new(), 0, 0);
    while read + cut < 2 * count {
        batch.clear();
        reader.poll(&mut batch, 0).unwrap();
        read += batch
            .lines()
            .filter(|line| line.text == longest.as_bytes())
            .count();
        cut += batch
            .too_long()
            .filter(|line| line.text == b"y".repeat(CUT_BYTES))
            .count();
    }
    assert_eq!((read, cut), (count, count));
    assert_eq!(segments(folder.path()).unwrap().len(), 3);
    reader.release(reader.place()).unwrap();
    assert_eq!(segments(folder.path()).unwrap().len(), 1);
}

#[test]
fn a_source_may_read_less_of_a_line_than_others() {
    let line = SpoolLine::within(b"0123456789", 9);
    assert!(line.is_cut() && line.text() == b"0123456789");
    assert!(!SpoolLine::within(b"0123456789", 10).is_cut());
}

#[test]
fn many_who_append_at_once_each_find_their_lines_taken() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let spool = &spool;
            scope.spawn(move || {
                for line in 0..40 {
                    append(spool, &[&format!("{writer}-{line}")]);
                }
            });
        }
    });
    let mut lines = take(&mut SpoolReader::new(spool, None).unwrap());
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), 320);
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Append(u8),
    Read,
    Save,
    Crash,
}

proptest! {
    #[test]
    fn what_was_taken_is_read_once_over_crashes(
        acts in proptest::collection::vec(
            prop_oneof![
                (1..5u8).prop_map(Act::Append), Just(Act::Read), Just(Act::Save), Just(Act::Crash)
            ],
            1..40,
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = open(folder.path());
        let mut reader = SpoolReader::new(Arc::clone(&spool), None).unwrap();
        let (mut written, mut read, mut saved) = (Vec::new(), Vec::new(), (None, 0));
        for act in acts {
            match act {
                Act::Append(count) => {
                    let lines: Vec<String> = (0..count).map(|_| format!("line {}", written.len())).collect();
                    append(&spool, &lines.iter().map(String::as_str).collect::<Vec<_>>());
                    written.extend(lines);
                }
                Act::Read => read.extend(take(&mut reader)),
                Act::Save => {
                    saved = (Some(reader.place()), read.len());
                    reader.release(reader.place()).unwrap();
                }
                Act::Crash => {
                    spool = open(folder.path());
                    reader = SpoolReader::new(Arc::clone(&spool), saved.0).unwrap();
                    read.truncate(saved.1);
                }
            }
        }
        read.extend(take(&mut reader));
        prop_assert_eq!(read, written);
    }
}
