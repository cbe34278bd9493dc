//! Lists of addresses that others keep, as Spamhaus (DROP, text or JSON lines) and FireHOL (netset) write them: an address or a range a
//! line, with comments. They are context: nobody is acted on for standing on one.

use anyhow::Context as _;
use detector::policy::Listed;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Largest list, in bytes: the largest that FireHOL publishes has a tenth of it.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Most ranges of all lists together, 32 bytes each.
const RANGES_MAX: usize = 2_000_000;

/// Wider ranges than these are nobody's: a list that has one would have everybody.
const IPV4_PREFIX_MIN: u8 = 8;
/// See [`IPV4_PREFIX_MIN`].
const IPV6_PREFIX_MIN: u8 = 16;

/// What became of a list's lines.
#[derive(Debug, Default, PartialEq)]
struct Read {
    ranges: Vec<IpNet>,
    /// Lines that are neither a range nor a comment, and ranges that are too wide; the number of the first.
    left_out: usize,
    first_left_out: Option<usize>,
}

/// A line of a list in JSON.
#[derive(Deserialize)]
struct JsonLine {
    cidr: Option<IpNet>,
}

/// Reads lists. Lines that cannot be read are left out, and told.
///
/// # Errors
/// When a file cannot be read, is too large, or holds no range at all; when there are too many ranges.
pub(crate) fn load(files: &[PathBuf]) -> anyhow::Result<Listed> {
    let mut all = Vec::new();
    for file in files {
        let name = file.display();
        let read = read(&text(file)?);
        if let Some(line) = read.first_left_out {
            tracing::warn!(
                "{name}: {} lines are no range, or one that is too wide, the first of them line {line}: they are left out",
                read.left_out
            );
        }
        anyhow::ensure!(
            !read.ranges.is_empty(),
            "{name} holds no address and no range: expected one a line, as in 203.0.113.0/24"
        );
        all.extend(read.ranges);
        anyhow::ensure!(
            all.len() <= RANGES_MAX,
            "{name}: the lists hold more than {RANGES_MAX} ranges together"
        );
    }
    Ok(Listed::new(all))
}

fn text(file: &Path) -> anyhow::Result<String> {
    let name = file.display();
    let size = std::fs::metadata(file)
        .with_context(|| format!("could not read {name}"))?
        .len();
    anyhow::ensure!(
        size <= FILE_BYTES_MAX,
        "{name} is larger than {FILE_BYTES_MAX} bytes"
    );
    let bytes = std::fs::read(file).with_context(|| format!("could not read {name}"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read(text: &str) -> Read {
    let mut read = Read::default();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        match range(line) {
            Some(None) => {}
            Some(Some(range)) if is_somebodys(range) => read.ranges.push(range),
            _ => {
                read.left_out += 1;
                read.first_left_out.get_or_insert(number);
            }
        }
    }
    read
}

/// The range of a line; `Some(None)` for a line of JSON that is about the list itself.
fn range(line: &str) -> Option<Option<IpNet>> {
    if line.starts_with('{') {
        return serde_json::from_str::<JsonLine>(line).ok().map(|line| line.cidr);
    }
    let word = line.split([' ', '\t', ';', '#', ',']).next()?;
    let range = word.parse::<IpNet>().ok();
    range
        .or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from))
        .map(Some)
}

fn is_somebodys(range: IpNet) -> bool {
    match range {
        IpNet::V4(v4) => v4.prefix_len() >= IPV4_PREFIX_MIN,
        IpNet::V6(v6) => v6.prefix_len() >= IPV6_PREFIX_MIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(text: &str) -> Vec<String> {
        read(text).ranges.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn spamhaus_and_firehol_are_read() {
        let drop = "; Spamhaus DROP List 2026/11/28\n; Expires: Sat\n198.51.100.0/24 ; SBL1\n203.0.113.0/25 ; SBL2\n";
        assert_eq!(ranges(drop), ["198.51.100.0/24", "203.0.113.0/25"]);
        let json = "{\"cidr\":\"198.51.100.0/24\",\"sblid\":\"SBL1\",\"rir\":\"ripencc\"}\n{\"type\":\"metadata\",\"size\":1}\n";
        assert_eq!(ranges(json), ["198.51.100.0/24"]);
        assert_eq!(read(json).left_out, 0);
        let netset = "#\n# firehol_level1\n#\n203.0.113.7\r\n198.51.100.0/24\n2001:db8::/32\n";
        assert_eq!(
            ranges(netset),
            ["203.0.113.7/32", "198.51.100.0/24", "2001:db8::/32"]
        );
    }

    #[test]
    fn what_is_no_range_or_everybodys_is_left_out_and_told() {
        let found = read("203.0.113.7\nnonsense\n0.0.0.0/0\n::/0\n{broken\n");
        assert_eq!(
            (found.ranges.len(), found.left_out, found.first_left_out),
            (1, 4, Some(2))
        );
    }

    #[test]
    fn a_list_without_a_range_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list.txt");
        std::fs::write(&file, "<html>not found</html>\n").unwrap();
        let error = load(std::slice::from_ref(&file)).unwrap_err().to_string();
        assert!(error.contains("holds no address"), "{error}");
        std::fs::write(&file, "203.0.113.7\n").unwrap();
        assert!(load(&[file]).unwrap().has("203.0.113.7".parse().unwrap()));
        assert!(load(&[folder.path().join("none")]).is_err());
    }
}
