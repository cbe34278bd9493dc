//! Bad input to the real binary: a clear message or a counted rejection each, the right exit code, bounded memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{line, noise, run, scan_stream, write};
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;
use std::path::Path;

/// Memory that any scan of these inputs may hold: the model, one batch of lines, a window's shards. Unbounded reading
/// of the larger ones would pass it at once.
const MEMORY_BYTES_MAX: u64 = 320 << 20;

const MEBIBYTE: usize = 1 << 20;

fn ordinary_lines(count: u64) -> String {
    (0..count)
        .map(|second| line(second, "203.0.113.9", "GET /users/7 HTTP/1.1", 200))
        .collect()
}

/// Scans one file and returns what was read and what was rejected.
fn counts(folder: &Path, content: &[u8]) -> (u64, u64) {
    write(folder, "access.log", content);
    let run = run(folder, &["scan", "--output", "json", "access.log"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let summary = run.summary();
    let number = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!(
        number("lines"),
        number("parsed") + number("rejected"),
        "every line is accounted for"
    );
    (number("parsed"), number("rejected"))
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn binary_garbage_is_rejected_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut content = noise(7, MEBIBYTE);
    content.push(b'\n');
    content.extend_from_slice(ordinary_lines(3).as_bytes());
    let (parsed, rejected) = counts(folder.path(), &content);
    assert_eq!(parsed, 3);
    assert!(rejected > 1000, "{rejected}");
}

#[test]
fn invalid_utf_8_inside_a_line_does_not_lose_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut content = Vec::new();
    for second in 0..5 {
        let text = line(second, "203.0.113.9", "GET /caf? HTTP/1.1", 200).replace('?', "\u{1}");
        content.extend(text.bytes().map(|byte| if byte == 1 { 0xe9 } else { byte }));
    }
    assert_eq!(counts(folder.path(), &content), (5, 0));
}

#[test]
fn a_line_of_ten_megabytes_is_one_rejection_and_the_next_line_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("203.0.113.9 - - [{}\n", "x".repeat(10 * MEBIBYTE));
    let content = [ordinary_lines(1), long, ordinary_lines(2)].concat();
    assert_eq!(counts(folder.path(), content.as_bytes()), (3, 1));
}

#[test]
fn timestamps_of_1970_and_2099_change_nothing_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let strange = |year: &str| line(0, "198.51.100.1", "GET / HTTP/1.1", 200).replace("2026", year);
    let probes = [
        "/.env",
        "/.git/config",
        "/wp-login.php",
        "/wp-config.php.bak",
        "/backup.sql",
        "/id_rsa",
    ];
    let attack = |offset: usize| -> String {
        let requests = probes.iter().cycle().take(30).enumerate();
        requests
            .map(|(index, path)| {
                let path = format!("GET {path}?{index} HTTP/1.1");
                line((offset + index) as u64, "203.0.113.66", &path, 404)
            })
            .collect()
    };
    let plain = attack(0);
    let mixed = |before: &str, after: &str| -> String {
        let lines = plain.lines();
        lines
            .flat_map(|line| [strange(before), format!("{line}\n"), strange(after)])
            .take(40)
            .collect()
    };
    let alerts = |content: &str| {
        write(folder.path(), "access.log", content.as_bytes());
        let run = run(folder.path(), &["scan", "--output", "json", "access.log"]);
        assert_eq!(run.summary()["rejected"], 0);
        let alerts = run.alerts();
        let found = alerts
            .iter()
            .find(|alert| alert["client"]["value"] == "203.0.113.66");
        found.map(|alert| (alert["action"].clone(), alert["alerted_at"].clone()))
    };
    let expected = alerts(&plain);
    assert!(expected.is_some(), "the scanner is found");
    assert_eq!(alerts(&mixed("1970", "2099")), expected);
    assert_eq!(alerts(&mixed("2099", "1970")), expected);
}

#[test]
fn a_forwarded_chain_of_a_thousand_hops_names_nobody_it_should_not() {
    let folder = tempfile::tempdir().unwrap();
    let hops: Vec<String> = (0..1000)
        .map(|hop| format!("10.0.{}.{}", hop / 250, hop % 250))
        .collect();
    let content: String = (0..5)
        .map(|second| {
            format!(
                "{{\"time_iso8601\":\"2026-11-22T23:48:{second:02}+00:00\",\"remote_addr\":\"10.0.0.1\",\"http_x_forwarded_for\":\"198.51.100.7, {}\",\"request_method\":\"GET\",\"request_uri\":\"/a\",\"status\":200}}\n",
                hops.join(", ")
            )
        })
        .collect();
    write(folder.path(), "access.log", content.as_bytes());
    let run = run(
        folder.path(),
        &["parse", "--trusted-proxy", "10.0.0.0/8", "access.log"],
    );
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(run.out.lines().count(), 5);
    // Past the hops that are looked at, the last trusted one is the client: never what stands at the far left.
    assert!(!run.out.contains("198.51.100.7"), "{}", run.out);
    assert!(run.out.contains("\"client\":\"10.0."), "{}", run.out);
}

#[test]
fn a_file_cut_off_inside_its_compression_gives_its_lines_a_message_and_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = (0..3000)
        .map(|second| {
            let path = format!(
                "GET /{:x} HTTP/1.1",
                u64::from_le_bytes(noise(second, 8).try_into().unwrap())
            );
            line(second, "203.0.113.9", &path, 200)
        })
        .collect();
    let zstd = zstd::encode_all(lines.as_bytes(), 3).unwrap();
    for (name, whole) in [
        ("access.log.gz", gzip(lines.as_bytes())),
        ("access.log.zst", zstd),
    ] {
        write(folder.path(), name, &whole[..whole.len() * 3 / 4]);
        let run = run(folder.path(), &["scan", "--output", "json", name]);
        assert_eq!(run.code, 1, "{name}: {}", run.err);
        let summary = run.summary();
        let problem = summary["problems"][0].as_str().unwrap();
        assert!(
            problem.contains(name) && problem.contains("past line"),
            "{problem}"
        );
        assert_eq!(
            summary["rejected"], 0,
            "half a line is not read as something it is not"
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "there.log", ordinary_lines(1).as_bytes());
    for (arguments, expected) in [
        (["scan", "not-there.log"], "No such file"),
        (["scan", "."], "folder"),
        (["parse", "not-there.log"], "No such file"),
    ] {
        let run = run(folder.path(), &arguments);
        assert_eq!(run.code, 1, "{arguments:?}: {}", run.err);
        assert!(
            run.err.contains(arguments[1]) && run.err.contains(expected),
            "{}",
            run.err
        );
    }
    let both = run(
        folder.path(),
        &["scan", "not-there.log", "nor-there.log", "there.log"],
    );
    assert!(
        both.err.contains("not-there.log") && both.err.contains("nor-there.log"),
        "{}",
        both.err
    );
}

#[test]
fn wrong_usage_is_code_2_and_says_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "access.log", ordinary_lines(1).as_bytes());
    for (arguments, expected) in [
        (&["scan", "--format", "nginx", "access.log"][..], "nginx_combined"),
        (
            &["parse", "--format", "nginx", "access.log"][..],
            "nginx_combined",
        ),
        (
            &["scan", "--fail-on", "obliterate", "access.log"][..],
            "obliterate",
        ),
        (&["scan", "--output", "pdf", "access.log"][..], "html"),
        (&["scan", "--clients-max", "1", "access.log"][..], "256"),
        (
            &["scan", "--trusted-proxy", "everybody", "access.log"][..],
            "everybody",
        ),
        (&["simulate", "--scenario", "utopia"][..], "utopia"),
        (&["sacn"][..], "scan"),
    ] {
        let run = run(folder.path(), arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.err);
        assert!(run.err.contains(expected), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn a_wrong_configuration_key_is_code_2_and_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "portcullis.toml",
        b"[kafka]\nbroker = [\"127.0.0.1:9092\"]\n",
    );
    for arguments in [["config", "check"], ["run", "--config"]] {
        let run = run(folder.path(), &[&arguments[..], &["portcullis.toml"]].concat());
        assert_eq!(run.code, 2, "{}{}", run.out, run.err);
        let said = run.out + &run.err;
        let line = said.lines().find(|line| line.contains("kafka.broker:"));
        assert!(
            line.is_some_and(|line| line.contains("did you mean brokers?")),
            "{said}"
        );
        // Every problem has a line of its own, and their number comes last.
        assert!(
            said.lines().last().is_some_and(|line| line.ends_with("problems")),
            "{said}"
        );
    }
}

#[test]
fn a_broken_model_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "access.log", ordinary_lines(1).as_bytes());
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/shipped/model.bin");
    let whole = std::fs::read(shipped).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    for content in [&noise(3, 4096)[..], &whole[..whole.len() / 2], &damaged, b""] {
        write(folder.path(), "model.bin", content);
        let run = run(folder.path(), &["scan", "--model", "model.bin", "access.log"]);
        assert_eq!(run.code, 1, "{}", run.err);
        assert!(run.err.contains("model.bin"), "{}", run.err);
    }
}

#[test]
fn a_decompression_bomb_of_one_line_is_one_rejection_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..512 {
        encoder.write_all(&[0; MEBIBYTE]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let (run, peak) = scan_stream(folder.path(), std::iter::once(bomb));
    assert_eq!(run.summary()["rejected"], 1);
    assert!(peak < MEMORY_BYTES_MAX, "{peak} bytes");
}

#[test]
fn a_bomb_of_empty_lines_is_read_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let bomb = zstd::encode_all(&vec![b'\n'; 8 * MEBIBYTE][..], 3).unwrap();
    let (run, peak) = scan_stream(folder.path(), std::iter::once(bomb));
    assert_eq!(run.summary()["lines"], 8 * MEBIBYTE);
    assert!(peak < MEMORY_BYTES_MAX, "{peak} bytes");
}

#[test]
fn a_hundred_megabytes_of_noise_are_read_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let parts = (0..100).map(|part| noise(part, MEBIBYTE));
    let (run, peak) = scan_stream(folder.path(), parts);
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(run.summary()["parsed"], 0);
    assert!(peak < MEMORY_BYTES_MAX, "{peak} bytes");
}

#[test]
fn a_flood_of_addresses_keeps_to_the_cap_of_clients() {
    let folder = tempfile::tempdir().unwrap();
    let flood: String = (0..60_000u64)
        .map(|number| {
            let address = format!(
                "198.{}.{}.{}",
                18 + number / 65_536,
                number / 256 % 256,
                number % 256
            );
            line(number / 100, &address, "GET / HTTP/1.1", 200)
        })
        .collect();
    write(folder.path(), "access.log", flood.as_bytes());
    let run = run(
        folder.path(),
        &["scan", "--output", "json", "--clients-max", "4096", "access.log"],
    );
    let summary = run.summary();
    assert_eq!(summary["clients"], 60_000);
    assert!(
        summary["clients_forgotten"].as_u64().unwrap() >= 60_000 - 2 * 4096,
        "{summary}"
    );
}
