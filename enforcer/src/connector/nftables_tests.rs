//! What nft writes is read, and what it is given says what was wanted.

use super::*;
use std::sync::Arc;

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

fn client(text: &str) -> Client {
    Client::from_range(text.parse().expect(text))
}

fn item(range: &str, secs: i64) -> Item {
    Item {
        client: client(range),
        action: Action::Block,
        expires_at: NOW.plus_secs(secs),
        created_at: NOW,
        decision: "ab".repeat(16),
        priority: 50,
        is_ordered: false,
    }
}

fn nftables(answer: &str) -> Nftables {
    let settings = NftablesSettings {
        command: vec!["nft".to_owned()],
        table: "portcullis".to_owned(),
    };
    let mut nftables = Nftables::new(settings, Arc::new(|| NOW)).expect("a name");
    nftables.seen = read_table(answer.as_bytes()).expect("JSON");
    nftables
}

/// As nft 1.0.6 wrote it, shortened: of three rules, one element of ours in each set, three of somebody else.
const LISTED: &str = r#"{"nftables": [
    {"metainfo": {"version": "1.0.6"}},
    {"table": {"family": "inet", "name": "portcullis", "handle": 1}},
    {"set": {"name": "addresses4", "elem": [
        {"elem": {"val": "203.0.113.9", "timeout": 3600, "expires": 3600, "comment": "portcullis 1900000600 abab"}}, "9.9.9.9"]}},
    {"set": {"name": "ranges4", "elem": [{"range": ["5.6.7.0", "5.6.7.9"]},
        {"elem": {"val": {"prefix": {"addr": "198.51.100.0", "len": 24}}, "comment": "portcullis 1900000600 abab"}},
        {"elem": {"val": {"prefix": {"addr": "192.0.2.0", "len": 25}}, "comment": "the office"}}]}},
    {"set": {"name": "ranges6", "elem": [
        {"elem": {"val": {"prefix": {"addr": "2001:db8:1:2::", "len": 64}}, "comment": "portcullis 1900000600 abab"}}]}},
    {"chain": {"name": "refuse", "type": "filter", "hook": "prerouting", "prio": -300, "policy": "accept"}},
    {"rule": {"chain": "refuse", "comment": "portcullis"}}, {"rule": {"chain": "refuse", "comment": "portcullis"}},
    {"rule": {"chain": "refuse", "comment": "portcullis"}}]}"#;

#[test]
fn ours_are_the_elements_that_say_so() {
    let seen = nftables(LISTED).seen;
    let ours: Vec<String> = seen.ours.keys().map(ToString::to_string).collect();
    assert_eq!(ours, ["203.0.113.9", "198.51.100.0/24", "2001:db8:1:2::/64"]);
    assert!(
        seen.ours
            .values()
            .all(|held| held.expires_at == Some(NOW.plus_secs(600)))
    );
    assert_eq!(seen.foreign.len(), 3);
    assert!(seen.is_whole);
    let without_a_rule = LISTED.replacen(
        r#"{"rule": {"chain": "refuse", "comment": "portcullis"}},"#,
        "",
        1,
    );
    assert!(!nftables(&without_a_rule).seen.is_whole);
}

#[test]
fn a_changed_end_is_written_by_deleting_and_adding_and_somebody_elses_elements_stay() {
    let mut nftables = nftables(LISTED);
    let changes = Changes {
        add: vec![
            item("203.0.113.10/32", 60),
            item("9.9.9.9/32", 60),
            item("5.6.7.8/31", 60),
            item("5.6.7.0/24", 60),
        ],
        replace: vec![item("203.0.113.9/32", 60)],
        remove: vec![client("198.51.100.0/24")],
    };
    let wanted = changes
        .put()
        .map(|item| (item.client.clone(), item.clone()))
        .collect();
    let (texts, left_out) = nftables.transactions(&changes, &wanted);
    let [text] = texts.try_into().expect("one transaction");
    let comment = format!("comment \"portcullis 1900000060 {}\"", "ab".repeat(16));
    let expected = format!(
        "add element inet portcullis addresses4 {{ 203.0.113.10 timeout 60000ms {comment}, 203.0.113.9 }}
delete element inet portcullis addresses4 {{ 203.0.113.9 }}
add element inet portcullis addresses4 {{ 203.0.113.9 timeout 60000ms {comment} }}
add element inet portcullis ranges4 {{ 198.51.100.0/24 }}
delete element inet portcullis ranges4 {{ 198.51.100.0/24 }}
"
    );
    assert_eq!(text, expected);
    assert_eq!(
        left_out,
        Some(client("5.6.7.0/24")),
        "it reaches beyond somebody else's"
    );
    let yielded: Vec<String> = nftables.yielded.iter().map(ToString::to_string).collect();
    assert_eq!(
        yielded,
        ["9.9.9.9", "5.6.7.8/31"],
        "somebody else's stand for these"
    );
}

#[test]
fn a_table_that_is_gone_is_laid_out_anew() {
    let mut nftables = nftables(r#"{"nftables": []}"#);
    let wanted = [(client("203.0.113.9/32"), item("203.0.113.9/32", 60))].into();
    let (texts, _) = nftables.transactions(&Changes::default(), &wanted);
    let [text] = texts.try_into().expect("one transaction");
    assert!(text.starts_with("add table inet portcullis\n"), "{text}");
    assert!(text.contains("203.0.113.9 timeout 60000ms"), "{text}");
}

#[test]
fn many_are_deleted_by_emptying_the_set_unless_somebody_elses_elements_are_in_it() {
    let mut nftables = nftables(LISTED);
    let many = |range: fn(u32) -> String| -> Vec<Client> { (0..1200).map(|at| client(&range(at))).collect() };
    let mut changes = Changes {
        remove: many(|at| format!("2001:db8:5:{at:x}::/64")),
        ..Changes::default()
    };
    let kept = item("2001:db8:1:2::/64", 60);
    let wanted = [(kept.client.clone(), kept)].into();
    let (texts, _) = nftables.transactions(&changes, &wanted);
    let [text] = texts.try_into().expect("one transaction");
    assert!(
        text.starts_with("flush set inet portcullis ranges6\nadd element"),
        "{text}"
    );
    assert!(text.contains("2001:db8:1:2::/64 timeout 60000ms"), "{text}");
    changes.remove = many(|at| format!("100.{}.{}.0/24", at / 256, at % 256));
    let (texts, _) = nftables.transactions(&changes, &wanted);
    assert_eq!(texts.len(), 3);
    assert!(
        texts
            .iter()
            .all(|text| text.contains("delete element") && !text.contains("flush"))
    );
}
