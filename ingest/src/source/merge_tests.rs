//! Merging: by the heads' times, never sorted inside a file.

use super::*;
use domain::HashKey;

fn reader(source: u32, lines: &[&str]) -> LineReader {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    LineReader::from_reader(Box::new(std::io::Cursor::new(text.into_bytes())), "test", source)
        .expect("a source")
}

fn line(second: u32, path: &str) -> String {
    format!(r#"203.0.113.9 - - [22/Nov/2026:23:48:{second:02} +0000] "GET {path} HTTP/1.1" 200 5 "-" "x""#)
}

fn merged(files: &[Vec<String>], lines_max: usize) -> Vec<String> {
    let readers = files.iter().enumerate().map(|(source, lines)| {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        reader(u32::try_from(source).expect("few files"), &lines)
    });
    let mut merge = Merge::new(readers.collect(), &ParserConfig::new(HashKey::new([7; 16])));
    let mut paths = Vec::new();
    while merge.next(lines_max, |line, result| {
        paths.push(match &result {
            Ok(record) => record.path.to_string(),
            Err(_) => String::from_utf8_lossy(line.bytes).into_owned(),
        });
    }) {}
    let counted: u64 = merge
        .files()
        .iter()
        .map(|file| file.parser.counts().parsed + file.parser.rejects().total())
        .sum();
    assert_eq!(counted, paths.len() as u64, "every line is counted once");
    paths
}

#[test]
fn the_file_with_the_earliest_head_goes_next() {
    let left = vec![line(10, "/l1"), line(30, "/l2"), line(20, "/l3")];
    let right = vec![line(15, "/r1"), line(25, "/r2"), line(35, "/r3")];
    for lines_max in [1, 2, 3, 100] {
        assert_eq!(
            merged(&[left.clone(), right.clone()], lines_max),
            ["/l1", "/r1", "/r2", "/l2", "/l3", "/r3"],
            "{lines_max}"
        );
    }
}

#[test]
fn one_file_keeps_its_order_whatever_its_times() {
    let lines = vec![line(30, "/a"), line(10, "/b"), line(20, "/c")];
    assert_eq!(merged(&[lines], 2), ["/a", "/b", "/c"]);
}

#[test]
fn a_line_without_a_time_goes_with_the_line_before_it() {
    let left = vec![line(10, "/l1"), "rubbish".to_owned(), line(30, "/l2")];
    let right = vec![line(20, "/r1")];
    assert_eq!(merged(&[left, right], 100), ["/l1", "rubbish", "/r1", "/l2"]);
}

#[test]
fn equal_times_go_in_the_order_of_the_files() {
    let files: Vec<Vec<String>> = (0..4).map(|file| vec![line(5, &format!("/f{file}"))]).collect();
    assert_eq!(merged(&files, 100), ["/f0", "/f1", "/f2", "/f3"]);
}

#[test]
fn each_file_has_its_own_format() {
    let json = r#"{"msec":1795391321,"remote_addr":"203.0.113.9","method":"GET","uri":"/json","status":200}"#;
    let files = [vec![line(42, "/text")], vec![json.to_owned()], Vec::new()];
    assert_eq!(merged(&files, 100), ["/json", "/text"]);
}
