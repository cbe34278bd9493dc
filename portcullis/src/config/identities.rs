//! What must hold between the settings that say who a client is.

use super::check::Checked;
use super::document::Origin;
use super::problem::Problem;
use super::rules::report;

/// Finds every contradiction.
pub(super) fn contradictions(checked: &Checked, problems: &mut Vec<Problem>) {
    check_orders(checked, problems);
    check_secrets(checked, problems);
    check_header(checked, problems);
}

/// In an order each name stands once, and the address last: it is there on every line.
fn check_orders(checked: &Checked, problems: &mut Vec<Problem>) {
    for entry in &checked.entries {
        if !entry.setting.path.ends_with(".identity") {
            continue;
        }
        let names = entry.value.as_ref().and_then(|value| value.as_array());
        let names: Vec<&str> = names
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str())
            .collect();
        let twice = (1..names.len()).find(|place| names[..*place].contains(&names[*place]));
        if let Some(place) = twice {
            let found = format!("\"{}\" twice", names[place]);
            report(checked, problems, &entry.path, found, "each name once");
        }
        let address = names.iter().position(|name| *name == "address");
        if let Some(place) = address.filter(|place| place + 1 < names.len() && twice.is_none()) {
            let found = format!("\"{}\" after \"address\"", names[place + 1]);
            let expected = "\"address\" last: every line has one, and what stands after it would never count";
            report(checked, problems, &entry.path, found, expected);
        }
    }
}

/// A header is named by a token (RFC 9110, 5.6.2), of which names use letters, digits, dashes and underscores.
fn check_header(checked: &Checked, problems: &mut Vec<Problem>) {
    let is_token = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    for name in ["key", "consumer", "subject", "certificate"] {
        let path = format!("clients.{name}_header");
        if let Some(text) = checked.text(&path).filter(|text| !is_token(text)) {
            let expected = "a header's name such as X-Api-Key";
            report(checked, problems, &path, format!("\"{text}\""), expected);
        }
    }
}

/// A key that was replaced needs the moment of it, and another key after it.
fn check_secrets(checked: &Checked, problems: &mut Vec<Problem>) {
    let path = |key: &str| format!("clients.secrets.{key}");
    let given = |key: &str| {
        let entry = checked.entry(&path(key));
        entry.filter(|entry| entry.origin != Origin::Default && entry.value.is_some())
    };
    let (key, previous) = (given("key"), given("previous_key"));
    let is_rotated = given("rotated_at").is_some();
    if previous.is_some() && !is_rotated {
        let expected =
            "the moment from which the new key holds, because clients.secrets.previous_key is given";
        report(checked, problems, &path("rotated_at"), "nothing", expected);
    }
    if is_rotated && key.is_none() && previous.is_none() {
        let expected = "the new key, or clients.secrets.previous_key where detector.hash_key is the new one";
        report(checked, problems, &path("key"), "nothing", expected);
    }
    let text = |entry: &super::check::Entry| {
        entry
            .value
            .as_ref()
            .and_then(|value| value.as_str().map(str::to_owned))
    };
    let (key, previous) = (key.and_then(text), previous.and_then(text));
    if key.is_some() && key == previous {
        let expected = "another key than clients.secrets.key";
        report(checked, problems, &path("previous_key"), "the same key", expected);
    }
}

#[cfg(test)]
mod tests {
    use super::super::explain;
    use super::super::tests::{SMALL, problem_of, read_with};
    use domain::{HashKey, Timestamp};
    use ingest::NamedIdentity;

    #[test]
    fn each_source_may_say_by_itself_who_a_client_is() {
        let text = format!(
            "{SMALL}identity = [\"consumer\", \"address\"]\nclaims = true\n[[files]]\npath = \"/var/log/a.log\"\n\
             [[files]]\npath = \"/var/log/b.log\"\nidentity = [\"address\"]\n[clients]\nidentity = [\"api_key\"]\n"
        );
        let loaded = read_with(&text, &[])
            .map_err(|report| report.to_string())
            .unwrap();
        let config = &loaded.config;
        let of = |own| config.clients.identity_of(&own);
        let topic = of(config.kafka.as_ref().unwrap().topics[0].own_identity());
        assert_eq!(
            (topic.prefer, topic.shows_claims),
            (vec![NamedIdentity::Consumer], true)
        );
        let inherited = of(config.files[0].own_identity());
        assert_eq!(
            (inherited.prefer, inherited.shows_claims),
            (vec![NamedIdentity::ApiKey], false)
        );
        assert!(of(config.files[1].own_identity()).prefer.is_empty());
        let all = config.identities();
        assert!(all.shows_claims && all.prefer.contains(&NamedIdentity::Consumer));
        let explained = explain(&loaded.entries);
        assert!(
            explained.contains("kafka.topics[0].identity = [\"consumer\", \"address\"]  # line 5"),
            "{explained}"
        );
    }

    #[test]
    fn an_order_that_says_something_in_vain_is_refused() {
        let check = |order: &str, expected: &str| {
            let problem = problem_of(&format!("[clients]\nidentity = {order}\n"), &[]);
            assert_eq!(
                problem,
                format!("portcullis.toml:2: clients.identity: {expected}")
            );
        };
        check(
            r#"["address", "consumer"]"#,
            "found \"consumer\" after \"address\", expected \"address\" last: every line has one, and what stands after it would never count",
        );
        check(
            r#"["consumer", "consumer"]"#,
            "found \"consumer\" twice, expected each name once",
        );
    }

    #[test]
    fn a_key_and_the_one_before_it_hold_each_in_its_time() {
        let text = "[clients.secrets]\nkey = \"0f0e0d0c0b0a09080706050403020100\"\n\
                    previous_key = \"00000000000000000000000000000001\"\nrotated_at = 2026-12-01T00:00:00Z\n\
                    overlap_secs = 86400\n";
        let loaded = read_with(text, &[]).map_err(|report| report.to_string()).unwrap();
        let keys = loaded.config.clients.secret_keys(HashKey::new([9; 16]));
        let at = |text| keys.epoch(Timestamp::parse_rfc3339(text).unwrap());
        let new = HashKey::new(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100_u128.to_be_bytes());
        let old = HashKey::new(1_u128.to_be_bytes());
        assert_eq!(at("2026-11-30T23:59:59Z").key, old);
        let both = at("2026-12-01T12:00:00Z");
        assert_eq!((both.key, both.earlier), (new, Some(old)));
        assert_eq!(at("2026-12-02T00:00:00Z").earlier, None);
        assert_eq!(loaded.config.clients.secret_secs_max(), 86_400);
        let explained = explain(&loaded.entries);
        assert!(explained.contains("clients.secrets.key = \"******\"") && !explained.contains("0f0e0d"));
    }

    #[test]
    fn a_replaced_key_without_its_moment_is_named() {
        let key = "\"0f0e0d0c0b0a09080706050403020100\"";
        let check = |settings: &str, setting: &str, expected: &str| {
            let problem = problem_of(&format!("[clients.secrets]\n{settings}"), &[]);
            assert!(
                problem.contains(&format!("clients.secrets.{setting}: ")),
                "{problem}"
            );
            assert!(
                problem.contains(expected) && !problem.contains("0f0e0d"),
                "{problem}"
            );
        };
        check(
            &format!("previous_key = {key}\n"),
            "rotated_at",
            "the moment from which the new key holds",
        );
        check("rotated_at = 2026-12-01T00:00:00Z\n", "key", "the new key");
        let both = format!("key = {key}\nprevious_key = {key}\nrotated_at = 2026-12-01T00:00:00Z\n");
        check(&both, "previous_key", "another key");
    }
}
