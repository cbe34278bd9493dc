//! Reading lines: plain, compressed, broken, endless.

use super::*;
use std::io::Write;

fn read_all(input: Vec<u8>) -> (Vec<(Vec<u8>, bool)>, Option<String>) {
    let reader = LineReader::from_reader(Box::new(io::Cursor::new(input)), "test", 1);
    drain(&mut reader.expect("a readable source"))
}

fn drain(reader: &mut LineReader) -> (Vec<(Vec<u8>, bool)>, Option<String>) {
    let mut lines = Vec::new();
    let mut batch = LineBatch::default();
    while reader.fill(&mut batch) {
        for line in batch.lines() {
            assert_eq!(
                line.position,
                Position {
                    source: 1,
                    line: lines.len() as u64 + 1
                }
            );
            lines.push((line.bytes.to_vec(), line.is_cut));
        }
    }
    (lines, reader.problem().map(ToString::to_string))
}

fn check(input: &[u8], expected: &[&str]) {
    let (lines, problem) = read_all(input.to_vec());
    let lines: Vec<String> = lines
        .into_iter()
        .map(|(line, _)| String::from_utf8(line).expect("text"))
        .collect();
    assert_eq!(
        (lines, problem),
        (expected.iter().map(|line| (*line).to_owned()).collect(), None)
    );
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

/// Gives its bytes a few at a time, as a pipe does.
struct Trickle(io::Cursor<Vec<u8>>, usize);

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(self.1);
        self.0.read(&mut buffer[..wanted])
    }
}

#[test]
fn line_breaks_of_both_kinds_end_lines() {
    check(b"", &[]);
    check(b"\n", &[""]);
    check(b"a\nb", &["a", "b"]);
    check(b"a\r\nb\r\n", &["a", "b"]);
    check(b"a\n\nb\n", &["a", "", "b"]);
}

#[test]
fn compressed_members_are_read_as_one() {
    let mut two = gzip(b"a\nb");
    two.extend(gzip(b"c\nd\n"));
    check(&two, &["a", "bc", "d"]);
    let mut frames = zstd::encode_all(&b"a\nb"[..], 1).expect("memory");
    frames.extend(zstd::encode_all(&b"c\n"[..], 1).expect("memory"));
    check(&frames, &["a", "bc"]);
}

#[test]
fn a_truncated_gzip_gives_its_lines_and_says_where_it_broke() {
    let text: String = (0..20_000).map(|number| format!("line {number}\n")).collect();
    let mut broken = gzip(text.as_bytes());
    broken.truncate(broken.len() / 2);
    let (lines, problem) = read_all(broken);
    assert!(lines.len() > 1000, "{}", lines.len());
    for (number, (line, is_cut)) in lines.iter().enumerate() {
        assert_eq!(
            (line.as_slice(), *is_cut),
            (format!("line {number}").as_bytes(), false)
        );
    }
    let problem = problem.expect("a problem");
    assert!(problem.starts_with("could not read test past line "), "{problem}");
}

#[test]
fn rubbish_behind_a_gzip_is_a_problem_and_loses_no_line() {
    let mut rubbish = gzip(b"a\nb\n");
    rubbish.extend_from_slice(b"rubbish");
    let (lines, problem) = read_all(rubbish);
    assert_eq!(lines.len(), 2);
    assert!(problem.is_some());
}

#[test]
fn a_line_too_long_is_cut_and_the_next_ones_are_read() {
    for (before, excess) in [
        (0, 1),
        (1, 1),
        (3, 10 * LINE_BYTES_MAX),
        (LINE_BYTES_MAX, LINE_BYTES_MAX),
    ] {
        let mut input = vec![b'a'; before];
        input.push(b'\n');
        input.extend(vec![b'b'; LINE_BYTES_MAX + excess]);
        input.extend_from_slice(b"\nlast\n");
        let (lines, problem) = read_all(input);
        let read: Vec<(usize, bool)> = lines.iter().map(|(line, is_cut)| (line.len(), *is_cut)).collect();
        assert_eq!(
            read,
            [(before, false), (CUT_BYTES, true), (4, false)],
            "{before} {excess}"
        );
        assert_eq!(problem, None);
    }
}

#[test]
fn a_line_as_long_as_allowed_is_whole() {
    let input = vec![b'a'; LINE_BYTES_MAX];
    let (lines, _) = read_all(input);
    assert_eq!(lines, [(vec![b'a'; LINE_BYTES_MAX], false)]);
}

#[test]
fn an_endless_line_holds_no_more_memory_than_a_line_may_have() {
    let endless = io::repeat(b'x').take(40 * LINE_BYTES_MAX as u64);
    let mut reader = LineReader::from_reader(Box::new(endless), "test", 1).expect("a readable source");
    let mut batch = LineBatch::default();
    let mut lines = 0;
    while reader.fill(&mut batch) {
        lines += batch.len();
        assert!(batch.bytes.capacity() + reader.carry.capacity() <= 4 * (LINE_BYTES_MAX + CHUNK_BYTES));
    }
    assert_eq!(lines, 1);
}

#[test]
fn a_pipe_that_trickles_gives_the_same_lines() {
    let text: String = (0..500).map(|number| format!("line {number}\r\n")).collect();
    for (input, step) in [
        (text.clone().into_bytes(), 1),
        (gzip(text.as_bytes()), 3),
        (text.into_bytes(), 7),
    ] {
        let source = Trickle(io::Cursor::new(input), step);
        let mut reader = LineReader::from_reader(Box::new(source), "test", 1).expect("a readable source");
        let (lines, problem) = drain(&mut reader);
        assert_eq!((lines.len(), problem), (500, None));
        assert_eq!(lines[499].0, b"line 499");
    }
}

#[test]
fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("no.log");
    for path in [missing.as_path(), folder.path()] {
        let error = LineReader::open(path, 0)
            .expect_err("nothing to open")
            .to_string();
        assert!(
            error.starts_with(&format!("could not open {}: ", path.display())),
            "{error}"
        );
    }
}

#[test]
fn progress_counts_bytes_as_they_stand_in_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.log.gz");
    let packed = gzip(&b"line\n".repeat(10_000));
    std::fs::write(&path, &packed).expect("a file");
    let mut reader = LineReader::open(&path, 1).expect("a file");
    let progress = reader.progress();
    assert_eq!(progress.bytes_total(), Some(packed.len() as u64));
    drain(&mut reader);
    assert_eq!(progress.bytes_read(), packed.len() as u64);
}

proptest::proptest! {
    #[test]
    fn cutting_equals_splitting(input in "[a\n\r]{0,200}", step in 1usize..9) {
        let source = Trickle(io::Cursor::new(input.clone().into_bytes()), step);
        let mut reader = LineReader::from_reader(Box::new(source), "test", 1).expect("a readable source");
        let (lines, _) = drain(&mut reader);
        let mut expected: Vec<&str> = input.split('\n').collect();
        if expected.last() == Some(&"") {
            expected.pop();
        }
        let expected: Vec<&str> = expected.iter().map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
        let lines: Vec<String> = lines.into_iter().map(|(line, _)| String::from_utf8(line).expect("text")).collect();
        proptest::prop_assert_eq!(lines, expected);
    }
}
