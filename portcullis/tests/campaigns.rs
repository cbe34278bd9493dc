//! Campaigns in what `scan` prints.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{line, run, write};

#[test]
fn two_campaigns_of_one_range_have_a_line_each() {
    let folder = tempfile::tempdir().unwrap();
    let lines = (0..6u64).flat_map(|host| {
        (0..5u64).flat_map(move |step| {
            let secs = host * 60 + step * 4;
            let guess = line(
                secs,
                &format!("203.0.113.{}", 10 + host),
                "POST /login HTTP/1.1",
                401,
            );
            let letter = |number: u64| char::from(b'a' + number as u8);
            let path = format!("GET /{}{}gone HTTP/1.1", letter(host), letter(step));
            [
                guess,
                line(secs + 1, &format!("203.0.113.{}", 110 + host), &path, 404),
            ]
        })
    });
    write(folder.path(), "access.log", lines.collect::<String>().as_bytes());
    let run = run(folder.path(), &["scan", "--output", "json", "access.log"]);
    let mut campaigns: Vec<(String, usize)> = run
        .alerts()
        .iter()
        .filter(|alert| alert["client"]["value"] == "203.0.113.0/24")
        .map(|alert| {
            let kind = alert["threats"][0]["kind"].as_str().unwrap().to_owned();
            (kind, alert["members"].as_array().unwrap().len())
        })
        .collect();
    campaigns.sort();
    assert_eq!(
        campaigns,
        [
            ("credential_stuffing".to_owned(), 6),
            ("reconnaissance".to_owned(), 6)
        ]
    );
}
