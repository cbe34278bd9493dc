//! The configuration as a whole: the example, the wrong fixture, the environment, secrets, reloading.

use super::compare::Change;
use super::setting::Fallback;
use super::*;
use crate::scorer::ModelFiles;
use std::io;

const WRONG: &str = include_str!("fixtures/wrong.toml");
const WRONG_REPORT: &str = include_str!("fixtures/wrong.report.txt");

pub(super) const SMALL: &str =
    "[kafka]\nbrokers = [\"127.0.0.1:9092\"]\n[[kafka.topics]]\nname = \"access\"\n";

/// The models that tests name: one that can be loaded, and one that cannot. Budgets are asked of the shipped one.
struct Installed;

impl Models for Installed {
    fn problem(&self, file: &Path) -> Option<(String, String)> {
        let is_broken = file.to_str() == Some("/models/broken.model");
        is_broken.then(|| ("a file that is damaged".to_owned(), "a model".to_owned()))
    }

    fn networks_problem(&self, file: &Path) -> Option<(String, String)> {
        // The example names one that is installed.
        let is_named_in_example = file.starts_with("/var/lib/GeoIP");
        let real = ModelFiles { must_load: true };
        real.networks_problem(file).filter(|_| !is_named_in_example)
    }

    fn documents_problem(&self, files: &[std::path::PathBuf]) -> Option<(usize, String, String)> {
        ModelFiles { must_load: true }.documents_problem(files)
    }

    fn countries_problem(&self, file: &Path) -> Option<(String, String)> {
        let is_named_in_example = file.starts_with("/var/lib/GeoIP");
        let real = ModelFiles { must_load: true };
        real.countries_problem(file).filter(|_| !is_named_in_example)
    }

    fn least_budget(&self, model: Option<&Path>, per_million: f64) -> Option<String> {
        ModelFiles { must_load: true }.least_budget(model, per_million)
    }
}

pub(super) fn read_with(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, Report> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment = environment.iter().map(own).collect();
    let read_file = |path: &Path| match path.to_str() {
        Some("/etc/portcullis/hash.key") => Ok("000102030405060708090a0b0c0d0e0f\n".to_owned()),
        Some("/etc/portcullis/secrets.key") => Ok("0f0e0d0c0b0a09080706050403020100\n".to_owned()),
        Some("/etc/portcullis/secrets.key.old") => Ok("00000000000000000000000000000001\n".to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    let surroundings = Surroundings {
        environment: &environment,
        read_file: &read_file,
        models: &Installed,
    };
    read("portcullis.toml", text, &surroundings)
}

pub(super) fn problem_of(text: &str, environment: &[(&str, &str)]) -> String {
    let report = read_with(text, environment).expect_err("it is wrong");
    let lines: Vec<String> = report.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "one problem expected: {lines:?}");
    lines[0].clone()
}

/// Makes every line a setting that the example shows as one.
fn switched_on(example: &str) -> String {
    let on = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
        _ => format!("{line}\n"),
    };
    example.lines().map(on).collect()
}

#[test]
fn the_example_is_right_and_changes_no_default() {
    let example = example();
    let loaded = read_with(&example, &[])
        .map_err(|report| report.to_string())
        .unwrap();
    let small = read_with(&SMALL.replace("access", "access-log"), &[]).unwrap();
    assert_eq!(loaded.config, small.config);
}

/// Settings that the example shows beside others that shut them out, and how their lines begin.
const ALTERNATIVES: [(&str, &str); 7] = [
    ("kafka.topics[].pattern", "pattern = \"access.*\""),
    ("kafka.sasl.token_file", "token_file = "),
    ("kafka.sasl.token_url", "token_url = "),
    ("kafka.sasl.client_id", "client_id = \"portcullis-id\""),
    ("kafka.sasl.client_secret", "client_secret = "),
    ("kafka.sasl.scope", "scope = \"kafka\""),
    ("kafka.sasl.token_ca", "token_ca = "),
];

#[test]
fn the_example_shows_every_setting_and_each_can_be_switched_on() {
    let all = switched_on(&example());
    // Of settings that shut each other out one is left.
    let is_left = |line: &&str| !ALTERNATIVES.iter().any(|(_, begins)| line.starts_with(begins));
    let text: Vec<&str> = all.lines().filter(is_left).collect();
    let mut text = text.join("\n");
    // A gateway is of one kind: each further one is a gateway of its own.
    for kind in &settings::gateways::KINDS[1..] {
        let table = format!("[gateways.{kind}]");
        text = text.replace(&table, &format!("[[gateways]]\nname = \"{kind}\"\n{table}"));
    }
    let secret = "0123456789abcdef0123456789";
    let environment = [
        ("KAFKA_PASSWORD", secret),
        ("KAFKA_KEY_PASSWORD", secret),
        ("PORTCULLIS_CHECK_SECRET", secret),
        ("PORTCULLIS_HOOK_SECRET", secret),
        ("PORTCULLIS_REGISTRATION_TOKEN", secret),
        ("PORTCULLIS_WEBHOOK_SECRET", secret),
        ("PORTCULLIS_CROWDSEC_PASSWORD", secret),
        ("PORTCULLIS_KONG_TOKEN", secret),
        ("PORTCULLIS_APISIX_KEY", secret),
        ("PORTCULLIS_CLOUDFLARE_TOKEN", secret),
        ("PORTCULLIS_AWS_SECRET", secret),
    ];
    let loaded = read_with(&text, &environment)
        .map_err(|report| report.to_string())
        .unwrap();
    let shown: Vec<&str> = loaded.entries.iter().map(|entry| entry.setting.path).collect();
    for setting in settings::all() {
        let is_other = ALTERNATIVES.iter().find(|(path, _)| *path == setting.path);
        let is_shown = shown.contains(&setting.path)
            || is_other.is_some_and(|(_, begins)| all.lines().any(|line| line.starts_with(begins)));
        assert!(is_shown, "{} is not in the example", setting.path);
    }
    assert!(!format!("{:?}", loaded.config).contains(secret), "a secret shows");
    assert!(!explain(&loaded.entries).contains(secret), "a secret shows");
}

#[test]
fn every_problem_of_a_wrong_file_is_reported_at_once() {
    let report = read_with(
        WRONG,
        &[
            ("PORTCULLIS__KAFKA__GRUOP", "x"),
            ("PORTCULLIS__DETECTOR__THREADS", "many"),
        ],
    );
    let report = report.expect_err("it is wrong").to_string() + "\n";
    assert!(!report.contains("hunter2"), "a secret shows:\n{report}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/config/fixtures/wrong.report.txt"
        );
        std::fs::write(file, &report).expect("the fixture can be written");
        return;
    }
    assert_eq!(
        report, WRONG_REPORT,
        "UPDATE_GOLDEN=1 writes it; the report is now:\n{report}"
    );
}

#[test]
fn defaults_are_right_values_of_their_kind() {
    for setting in settings::all() {
        let text = match setting.fallback {
            Fallback::Required(text) | Fallback::Absent(text) | Fallback::Value(text) => text,
        };
        if text.starts_with('{') {
            continue;
        }
        let node = document::parse_value(text, &Origin::Default).expect(setting.path);
        let none = BTreeMap::new();
        let surroundings = Surroundings {
            environment: &none,
            read_file: &|_| Err(io::ErrorKind::NotFound.into()),
            models: &NoModels,
        };
        let mut problems = Vec::new();
        value::read(setting.path, setting.kind, &node, &surroundings, &mut problems);
        assert_eq!(problems, [], "{}", setting.path);
    }
}

#[test]
fn the_environment_goes_over_the_file_and_is_named() {
    let environment = [
        ("PORTCULLIS__KAFKA__BROKERS", "a:1, b:2"),
        ("PORTCULLIS__KAFKA__TOPICS__0__FORMAT", "kong_json"),
        ("PORTCULLIS__KAFKA__TOPICS__1__NAME", "second"),
        ("PORTCULLIS__POLICY__MODE", "shadow"),
        ("PORTCULLIS__POLICY__BLOCK_FROM", "0.99"),
        ("PORTCULLIS__CLIENTS__OWN_RANGES", "[\"198.51.100.0/24\"]"),
    ];
    let loaded = read_with(SMALL, &environment).unwrap();
    let kafka = loaded.config.kafka.as_ref().unwrap();
    assert_eq!(kafka.brokers, ["a:1", "b:2"]);
    assert_eq!(
        (kafka.topics[0].format.as_str(), kafka.topics.len()),
        ("kong_json", 2)
    );
    assert_eq!(loaded.config.policy.mode, domain::Mode::Shadow);
    let explained = explain(&loaded.entries);
    for line in [
        "kafka.brokers = [\"a:1\", \"b:2\"]  # PORTCULLIS__KAFKA__BROKERS",
        "kafka.topics[0].name = \"access\"  # line 4",
        "policy.throttle_secs = 900  # default",
    ] {
        assert!(
            explained.lines().any(|found| found == line),
            "{line} is not in\n{explained}"
        );
    }
}

#[test]
fn secrets_come_from_files_and_variables_and_are_never_shown() {
    let text = format!("{SMALL}[detector]\nhash_key = {{ file = \"/etc/portcullis/hash.key\" }}\n");
    let loaded = read_with(&text, &[]).unwrap();
    assert!(loaded.config.detector.hash_key.is_some());
    assert!(explain(&loaded.entries).contains("detector.hash_key = \"******\"  # line 6"));
    let problem = problem_of(&text.replace("hash.key", "other.key"), &[]);
    let expected = "portcullis.toml:6: detector.hash_key: found { file = \"/etc/portcullis/other.key\" } (entity not \
                    found), expected a readable file";
    assert_eq!(problem, expected);
    let text = "[storage]\nurl = { env = \"DATABASE\" }\n";
    let loaded = read_with(text, &[("DATABASE", "postgres://me:hunter2@db/x")]).unwrap();
    assert_eq!(loaded.config.storage.url.reveal(), "postgres://me:hunter2@db/x");
    assert!(explain(&loaded.entries).contains("storage.url = \"postgres://me:******@db/x\"  # line 2"));
}

#[test]
fn a_budget_that_the_model_cannot_show_is_refused_with_the_smallest_that_it_can() {
    let problem = problem_of("[policy]\nfalse_positive_budget = 1\n", &[]);
    assert!(
        problem.starts_with("portcullis.toml:2: policy.false_positive_budget: found 1, expected at least "),
        "{problem}"
    );
    assert!(
        problem.contains("client-days that the model was calibrated on"),
        "{problem}"
    );
    let loaded = read_with("[policy]\nfalse_positive_budget = 1000\n", &[]).unwrap();
    assert_eq!(loaded.config.policy.false_positive_budget, Some(1000));
}

#[test]
fn a_database_that_cannot_be_read_is_named_with_its_setting() {
    let problem = problem_of("[clients]\nnetworks = \"/nowhere/asn.mmdb\"\n", &[]);
    let expected = "portcullis.toml:2: clients.networks: found \"/nowhere/asn.mmdb\", which cannot be used, ";
    assert!(problem.starts_with(expected), "{problem}");
    let why =
        "expected a database of autonomous systems, GeoLite2-ASN or one like it: i/o error: No such file";
    assert!(problem.contains(why), "{problem}");
}

#[test]
fn a_document_that_cannot_be_used_is_named_with_its_place_in_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let (good, wrong) = (folder.path().join("good.yaml"), folder.path().join("wrong.yaml"));
    std::fs::write(&good, "openapi: 3.1.0\npaths: { /a: {} }\n").unwrap();
    std::fs::write(&wrong, "openapi: 3.1.0\npaths: { \"/a/{b\": {} }\n").unwrap();
    let text = format!("[openapi]\nfiles = [{good:?}, {wrong:?}]\n");
    let problem = problem_of(&text, &[]);
    let expected = format!("portcullis.toml:2: openapi.files[1]: found {wrong:?}, which cannot be used, ");
    assert!(problem.starts_with(&expected), "{problem}");
    let why = "expected a closing brace for every opening one; it is the path \"/a/{b\"";
    assert!(problem.contains(why), "{problem}");
    assert!(read_with(&text.replace("wrong", "good"), &[]).is_ok());
}

#[test]
fn a_model_that_cannot_be_loaded_is_named_with_its_setting() {
    let text = "[model]\nfile = \"/models/good.model\"\nchallenger = \"/models/broken.model\"\n";
    assert_eq!(
        problem_of(text, &[]),
        "portcullis.toml:3: model.challenger: found \"/models/broken.model\", a file that is damaged, expected a model"
    );
    assert!(read_with(&text.replace("broken", "other"), &[]).is_ok());
    let both = read_with(&text.replace("good", "broken"), &[]).unwrap_err();
    assert_eq!(both.problems.len(), 2, "{both}");
}

#[test]
fn without_listeners_everything_answers_on_the_loopback() {
    let loaded = read_with(SMALL, &[]).unwrap();
    let listeners = &loaded.config.api.listeners;
    assert_eq!(listeners.len(), 1);
    assert_eq!(listeners[0].address.to_string(), "127.0.0.1:8600");
    assert_eq!(listeners[0].kinds.len(), 4);
    assert!(read_with("", &[]).unwrap().config.kafka.is_none());
}

#[test]
fn plain_text_off_the_loopback_must_be_asked_for_by_name() {
    let listener = "[[api.listeners]]\naddress = \"0.0.0.0:8600\"\nkinds = [\"bouncer\"]\n";
    let problem = problem_of(listener, &[]);
    assert!(
        problem.starts_with("portcullis.toml:2: api.listeners[0].address: found an address off the loopback")
    );
    assert!(read_with(&format!("{listener}insecure_plaintext = true\n"), &[]).is_ok());
    let tls = format!("{listener}[api.listeners.tls]\ncertificate = \"c\"\nkey = \"k\"\n");
    assert!(read_with(&tls, &[]).is_ok());
}

#[test]
fn dead_letters_must_not_come_back() {
    let text = SMALL.replace("name = \"access\"", "pattern = \"acc*\"");
    let problem = problem_of(&text, &[("PORTCULLIS__KAFKA__DEAD_LETTER_TOPIC", "access-dead")]);
    assert!(
        problem.contains("found a topic that kafka.topics[0] reads"),
        "{problem}"
    );
}

/// A configuration that says who we are by these lines.
fn with_sasl(lines: &str) -> String {
    format!("{SMALL}[kafka.tls]\n[kafka.sasl]\n{lines}")
}

#[test]
fn what_tokens_need_is_named() {
    let check = |lines: &str, expected: &str| {
        let problem = problem_of(&with_sasl(lines), &[]);
        assert_eq!(problem, format!("portcullis.toml:{expected}"));
    };
    let bearer = "mechanism = \"OAUTHBEARER\"\n";
    check(
        &format!("{bearer}client_id = \"a\"\nclient_secret = \"b\"\n"),
        "7: kafka.sasl.token_url: found nothing, expected where tokens come from: kafka.sasl.token_file, or this with \
         client_id and client_secret",
    );
    check(
        &format!("{bearer}token_url = \"https://id.example/token\"\nclient_id = \"a\"\n"),
        "7: kafka.sasl.client_secret: found nothing, expected our secret at kafka.sasl.token_url",
    );
    check(
        &format!("{bearer}token_file = \"/run/token\"\nusername = \"a\"\n"),
        "9: kafka.sasl.username: found a setting that is not used, expected only what the mechanism uses",
    );
    check(
        &format!("{bearer}token_file = \"/run/token\"\ntoken_url = \"https://id.example/token\"\n"),
        "9: kafka.sasl.token_url: found a setting that is not used, expected either kafka.sasl.token_file or \
         kafka.sasl.token_url",
    );
    check(
        "mechanism = \"PLAIN\"\nusername = \"a\"\n",
        "7: kafka.sasl.password: found nothing, expected our password: the mechanism needs one",
    );
    let endpoint = "client_id = \"a\"\nclient_secret = \"b\"\ntoken_url = \"http://id.example/token\"\n";
    check(
        &format!("{bearer}{endpoint}"),
        "10: kafka.sasl.token_url: found an address off the loopback without TLS, expected an https:// address, or \
         kafka.sasl.insecure_plaintext = true",
    );
    for right in [
        format!("{bearer}{endpoint}insecure_plaintext = true\n"),
        format!("{bearer}{}", endpoint.replace("id.example", "127.0.0.1:8080")),
        format!(
            "{bearer}{}scope = \"kafka\"\n",
            endpoint.replace("http:", "https:")
        ),
        format!("{bearer}token_file = \"/run/token\"\n"),
    ] {
        let read = read_with(&with_sasl(&right), &[]);
        assert!(
            read.is_ok(),
            "{right}: {:?}",
            read.err().map(|report| report.to_string())
        );
    }
    let bare = with_sasl(&format!("{bearer}token_file = \"/run/token\"\n")).replace("[kafka.tls]\n", "");
    assert!(problem_of(&bare, &[]).contains("found \"OAUTHBEARER\" without TLS"));
}

#[test]
fn a_reload_knows_what_can_change_without_a_restart() {
    let old = read_with(SMALL, &[]).unwrap();
    let text = format!(
        "{}[policy]\nmode = \"shadow\"\nthrottle_secs = 900\n[[allowlist]]\nvalue = \"203.0.113.9\"\nreason = \"partner\"\n",
        SMALL.replace("9092", "9093")
    );
    let new = read_with(&text, &[]).unwrap();
    let changes = old.diff(&new);
    let live: Vec<&str> = changes.live.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(
        live,
        [
            "policy.mode",
            "allowlist[0].scope",
            "allowlist[0].value",
            "allowlist[0].reason"
        ]
    );
    let expected = Change {
        path: "kafka.brokers".to_owned(),
        old: Some("[\"127.0.0.1:9092\"]".to_owned()),
        new: Some("[\"127.0.0.1:9093\"]".to_owned()),
    };
    assert_eq!(changes.restart, [expected]);
    assert!(old.diff(&old).is_empty());
    assert_eq!(new.diff(&old).live.len(), 4);
}

#[test]
fn the_used_form_is_what_the_other_crates_take() {
    let text = format!(
        "{SMALL}messages = \"array\"\n[kafka.sasl]\nmechanism = \"SCRAM-SHA-256\"\nusername = \"me\"\npassword = \"pw\"\n\
         [clients]\ntrusted_proxies = [\"10.0.0.0/8\", \"192.0.2.1\"]\nown_ranges = [\"198.51.100.0/24\"]\n\
         identity = [\"api_key\", \"consumer\"]\n\
         [[allowlist]]\nvalue = \"203.0.113.9\"\nreason = \"partner\"\nuntil = 2027-01-01T00:00:00Z\n"
    );
    let config = read_with(&text, &[])
        .map_err(|report| report.to_string())
        .unwrap()
        .config;
    let settings = config.kafka.as_ref().unwrap().source_settings();
    assert_eq!(
        settings.topics[0].shape,
        ingest::source::kafka::MessageShape::Array
    );
    let Some(ingest::source::kafka::KafkaSasl::Password(sasl)) = settings.connection.sasl else {
        panic!("no password");
    };
    assert_eq!(
        (sasl.mechanism.as_str(), sasl.password.as_str()),
        ("SCRAM-SHA-256", "pw")
    );
    assert!(
        config
            .clients
            .trusted_proxies()
            .contains("192.0.2.1".parse().unwrap())
    );
    assert_eq!(config.clients.identity().prefer.len(), 2);
    let allowlist = config.allowlist();
    let client = domain::Client::parse(domain::Scope::Ip, "203.0.113.9").unwrap();
    assert_eq!(
        allowlist.protects(&client, domain::Timestamp::from_secs(0)),
        Some("partner")
    );
    assert_eq!(
        allowlist.protects(&client, domain::Timestamp::from_secs(4_000_000_000)),
        None
    );
}

#[test]
fn the_schema_knows_every_setting() {
    let schema = schema();
    for setting in settings::all() {
        let mut node = &schema;
        for segment in setting.path.split('.') {
            let key = segment.trim_end_matches("[]");
            node = &node["properties"][key];
            assert!(!node.is_null(), "{} is missing", setting.path);
            if segment.ends_with("[]") {
                node = &node["items"];
            }
        }
        assert_eq!(node["description"], setting.about);
    }
}
