//! Logs that are written to, rotated, packed and read by turns, over any number of restarts.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::SystemTime;

/// A log, whoever writes it, and whoever reads it.
struct Site {
    folder: tempfile::TempDir,
    writer: File,
    /// The writer's clock: one second a step, so that no two files were written at the same time.
    clock: u64,
    rotations: usize,
    /// Lines written so far.
    written: Vec<String>,
    reader: Option<FollowedFiles>,
    read: Vec<String>,
    events: Vec<FollowEvent>,
    /// What the last checkpoint held.
    saved: (Vec<(String, LogPlace)>, usize),
    began: Instant,
    passed: Duration,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let writer = append(&folder.path().join("access.log"));
        let mut site = Self {
            folder,
            writer,
            clock: 1_000_000,
            rotations: 0,
            written: Vec::new(),
            reader: None,
            read: Vec::new(),
            events: Vec::new(),
            saved: (Vec::new(), 0),
            began: Instant::now(),
            passed: Duration::ZERO,
        };
        site.touch();
        site.restart();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).unwrap();
        self.touch();
    }

    /// Lets a second pass, in which the log was written to.
    fn touch(&mut self) {
        self.clock += 1;
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(self.clock);
        self.writer.set_modified(at).unwrap();
    }

    /// Writes a line in two halves, and reads between them or not.
    fn line(&mut self, reads_between: bool) {
        let line = format!("{} GET /a?n={}", self.clock, self.written.len());
        let (first, second) = line.split_at(line.len() / 2);
        self.write(first);
        if reads_between {
            self.poll();
        }
        self.write(second);
        self.write("\n");
        self.written.push(line);
    }

    fn next_name(&mut self) -> PathBuf {
        self.rotations += 1;
        self.path(&format!("access.log.{}", self.rotations))
    }

    fn rename_and_create(&mut self) {
        let moved = self.next_name();
        std::fs::rename(self.path("access.log"), moved).unwrap();
        self.writer = append(&self.path("access.log"));
        self.touch();
    }

    fn copy_and_truncate(&mut self) {
        let copy = self.next_name();
        std::fs::copy(self.path("access.log"), &copy).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(self.clock);
        append(&copy).set_modified(at).unwrap();
        self.writer.set_len(0).unwrap();
        self.touch();
    }

    /// Packs every file that was rotated.
    fn pack(&mut self) {
        for rotation in 1..=self.rotations {
            let plain = self.path(&format!("access.log.{rotation}"));
            let Ok(content) = std::fs::read(&plain) else {
                continue;
            };
            let modified = plain.metadata().unwrap().modified().unwrap();
            let packed = File::create(self.path(&format!("access.log.{rotation}.gz"))).unwrap();
            let mut encoder = GzEncoder::new(packed, Compression::fast());
            encoder.write_all(&content).unwrap();
            encoder.finish().unwrap().set_modified(modified).unwrap();
            std::fs::remove_file(plain).unwrap();
        }
    }

    fn reader(&self, pattern: &str, from_end: bool) -> FollowedFiles {
        let rule = FollowRule {
            pattern: self.path(pattern).display().to_string(),
            from_end,
        };
        FollowedFiles::new(vec![rule], || {})
    }

    fn poll(&mut self) {
        let mut reader = self.reader.take().unwrap();
        let mut batch = DoorBatch::new();
        loop {
            self.passed += Duration::from_millis(1100);
            batch.clear();
            let now = self.began + self.passed;
            let has_more = reader.poll(now, &mut batch, &mut self.events, &mut |_, _| 0);
            let lines = batch
                .lines()
                .map(|line| String::from_utf8_lossy(line.text).into_owned());
            self.read.extend(lines);
            if !has_more {
                break;
            }
        }
        self.reader = Some(reader);
    }

    fn save(&mut self) {
        let reader = self.reader.as_ref().unwrap();
        self.saved = (reader.places().collect(), self.read.len());
    }

    /// Killed and started again: what was read since the last checkpoint is read again.
    fn restart(&mut self) {
        let mut reader = self.reader("access.log", false);
        for (path, place) in &self.saved.0 {
            reader.remember(path, place.clone());
        }
        self.read.truncate(self.saved.1);
        self.reader = Some(reader);
    }

    fn check(&mut self) {
        self.poll();
        self.passed += Duration::from_secs(120);
        self.poll();
        assert_eq!(self.read, self.written, "{:?}", self.events);
    }
}

fn append(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

#[test]
fn a_line_waits_for_its_end_and_is_read_once() {
    let mut site = Site::new();
    site.write("half of");
    site.poll();
    assert!(site.read.is_empty());
    site.write(" a line\nand");
    site.poll();
    site.poll();
    assert_eq!(site.read, ["half of a line"]);
    site.write(" more\r\n\n");
    site.poll();
    assert_eq!(site.read, ["half of a line", "and more"]);
}

#[test]
fn a_file_that_was_moved_is_read_on_until_it_is_quiet() {
    let mut site = Site::new();
    site.line(false);
    site.poll();
    let moved = site.path("access.log.1");
    std::fs::rename(site.path("access.log"), moved).unwrap();
    // The server was not told yet.
    site.line(false);
    append(&site.path("access.log")).write_all(b"new\n").unwrap();
    site.poll();
    site.line(false);
    site.poll();
    let mut wanted = site.written.clone();
    wanted.insert(2, "new".to_owned());
    assert_eq!(site.read, wanted);
}

#[test]
fn what_was_copied_away_before_it_was_read_is_read_in_the_copy_and_without_one_it_is_said() {
    let mut site = Site::new();
    site.line(false);
    site.poll();
    site.line(false);
    site.copy_and_truncate();
    site.line(false);
    site.check();
    assert!(
        matches!(&site.events[..], [FollowEvent::Emptied { copy: Some(_), .. }]),
        "{:?}",
        site.events
    );

    site.events.clear();
    site.writer.set_len(0).unwrap();
    site.line(false);
    site.check();
    assert!(
        matches!(&site.events[..], [FollowEvent::Emptied { copy: None, .. }]),
        "{:?}",
        site.events
    );
}

#[test]
fn a_file_that_is_gone_is_said_and_one_that_was_read_and_packed_is_not_read_again() {
    let mut site = Site::new();
    site.line(false);
    site.poll();
    site.save();
    site.rename_and_create();
    std::fs::remove_file(site.path("access.log.1")).unwrap();
    site.line(false);
    site.restart();
    site.check();
    assert!(
        matches!(&site.events[..], [FollowEvent::Gone { .. }]),
        "{:?}",
        site.events
    );

    site.rename_and_create();
    site.line(false);
    site.check();
    site.save();
    site.pack();
    // Packing may leave the time of the packing.
    let packed = append(&site.path("access.log.2.gz"));
    packed
        .set_modified(SystemTime::now() + Duration::from_secs(9_999_999))
        .unwrap();
    site.rename_and_create();
    site.line(false);
    site.check();
    site.restart();
    site.check();
}

#[test]
fn a_line_that_is_too_long_is_passed_over_to_its_end() {
    let mut site = Site::new();
    let long = "x".repeat(3 * crate::source::LINE_BYTES_MAX / 2);
    site.write(&long);
    site.poll();
    site.save();
    site.restart();
    site.write(&long);
    site.write("\n");
    site.line(false);
    site.check();
}

#[test]
fn a_pattern_names_logs_and_not_what_they_were_rotated_into() {
    let site = Site::new();
    for name in ["other.log", "other.log.1", "third.log.gz", "access.log-20270101"] {
        File::create(site.path(name)).unwrap();
    }
    let mut reader = site.reader("*.log*", false);
    let mut found = Vec::new();
    let mut batch = DoorBatch::new();
    reader.poll(Instant::now(), &mut batch, &mut Vec::new(), &mut |path, _| {
        found.push(path.rsplit('/').next().unwrap().to_owned());
        0
    });
    assert_eq!(found, ["access.log", "other.log"]);
}

#[test]
fn reading_may_begin_at_the_end() {
    let mut site = Site::new();
    site.write("before\nhalf");
    site.reader = Some(site.reader("access.log", true));
    site.poll();
    site.write(" of it\nafter\n");
    site.poll();
    assert_eq!(site.read, ["after"]);
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Line,
    HalfLine,
    Poll,
    Rename,
    Truncate,
    Pack,
    Save,
    Restart,
}

proptest! {
    #[test]
    fn no_rotation_and_no_restart_loses_a_line_or_repeats_one(
        acts in proptest::collection::vec(
            proptest::sample::select(vec![
                Act::Line, Act::Line, Act::HalfLine, Act::Poll, Act::Poll, Act::Rename, Act::Truncate, Act::Pack,
                Act::Save, Act::Restart,
            ]),
            1..40,
        ),
    ) {
        let mut site = Site::new();
        // What was moved away before anybody looked for the first time is not read.
        site.poll();
        site.save();
        for act in acts {
            match act {
                Act::Line => site.line(false),
                Act::HalfLine => site.line(true),
                Act::Poll => site.poll(),
                Act::Rename => site.rename_and_create(),
                Act::Truncate => site.copy_and_truncate(),
                Act::Pack => site.pack(),
                Act::Save => site.save(),
                Act::Restart => site.restart(),
            }
        }
        site.check();
    }
}
