use super::*;
use proptest::prelude::*;

const KEY: HashKey = HashKey::new([7; 16]);

fn check(path: &str, expected: &str) {
    assert_eq!(template(path), expected, "{path}");
}

#[test]
fn variable_parts_are_taken_out() {
    check("/users/7", "/users/{id}");
    check("/users/7/orders/12345.json", "/users/{id}/orders/{id}.json");
    check("/x/550e8400-e29b-41d4-a716-446655440000", "/x/{id}");
    check("/x/5203a7e70b667d2cfaee2cd2eb3de082/y", "/x/{id}/y");
    check("/x/deadbee1", "/x/{id}");
    check("/x/FMuukC2JOJ5HKmLBujjE_BkDo", "/x/{id}");
    check("/log/2024-01-31", "/log/{id}");
    check("/u/somebody@example.org/avatar.png", "/u/{id}/avatar.png");
    check("/a;jsessionid=1A2B/b", "/a;{id}/b");
    check("/ids/1,2,3", "/ids/{id}");
    check(&format!("/x/{}", "w".repeat(49)), "/x/{id}");
}

#[test]
fn words_and_versions_stay() {
    for path in [
        "/",
        "/api/v1/users",
        "/v2.1/x",
        "/deadbeef",
        "/facade/added",
        "/logstash-monitorama-2013/images",
        "/wp-login.php",
        "/.env",
        "/index.html",
        "/how-to-win-in-2024-and-later",
        "/base64",
        "/utf8",
        "/users/@me",
    ] {
        check(path, path);
    }
}

#[test]
fn what_is_no_path_has_one_template_a_kind() {
    check("", "{other}");
    check("\\x16\\x03\\x01", "{other}");
    check("*", "*");
    check("http://a.example/users/7", "{absolute}/users/{id}");
    check("http://b.example", "{absolute}/");
    check("//a///b/", "/a/b");
}

#[test]
fn a_hostile_path_has_a_bounded_template() {
    let deep = "/é".repeat(10_000);
    assert!(template(&deep).ends_with("/{rest}"));
    let longest = format!("/{}", "w".repeat(WORD_BYTES_MAX)).repeat(SEGMENTS_MAX + 1);
    assert!(template(&longest).len() < TEMPLATE_BYTES_MAX);
    assert_eq!(digest(&deep, &KEY).depth, u8::MAX);
}

#[test]
fn assets_are_files_that_pages_load() {
    for (path, expected) in [
        ("/favicon.ico", true),
        ("/a/site.CSS", true),
        ("/x/app.3f2a.js", true),
        ("/robots.txt", false),
        ("/download.zip", false),
        ("/css", false),
        ("/a.css/b", false),
        ("/", false),
    ] {
        assert_eq!(digest(path, &KEY).is_asset, expected, "{path}");
    }
}

#[test]
fn the_last_object_is_remembered_with_its_number() {
    let object = |path| digest(path, &KEY).object;
    assert_eq!(object("/users/7/orders/12").and_then(|id| id.number), Some(12));
    assert_eq!(object("/users/7/orders").and_then(|id| id.number), Some(7));
    assert_eq!(object("/x/9223372036854775808").map(|id| id.number), Some(None));
    assert_eq!(object("/x/99999999999999999999").map(|id| id.number), Some(None));
    assert_eq!(object("/users"), None);
    assert_eq!(object("/a/7"), object("/b/7.json"));
}

#[test]
fn paths_of_tokens_alone_are_routes_of_their_own() {
    let route = |path| digest(path, &KEY);
    assert_ne!(route("/9f86d081").template, route("/a665a459").template);
    assert_ne!(
        route("/9f86d081/1b4f0e98").template,
        route("/9f86d081/2c624232").template
    );
    assert_eq!(route("/9f86d081").object, None);
    // A word, a number or a mail address beside them makes sense of them.
    assert_eq!(
        route("/files/9f86d081").template,
        route("/files/a665a459").template
    );
    assert_eq!(route("/7/9f86d081").template, route("/8/a665a459").template);
    assert_eq!(route("/a@example.org").template, route("/b@example.org").template);
    assert!(route("/files/9f86d081").object.is_some());
}

proptest! {
    #[test]
    fn equal_templates_mean_equal_hashes(
        left in "(/([a-z]{1,3}|[0-9]{1,4}|[0-9a-f]{8})){0,4}",
        right in "(/([a-z]{1,3}|[0-9]{1,4}|[0-9a-f]{8})){0,4}",
    ) {
        let same_hash = digest(&left, &KEY).template == digest(&right, &KEY).template;
        // Tokens alone make a route of their own; whatever shares a hash shares the template all the same.
        let is_opaque = [&left, &right].into_iter().any(|path| Template::new().fill(path).is_opaque());
        let expected = if is_opaque { left == right } else { template(&left) == template(&right) };
        prop_assert_eq!(expected, same_hash);
    }

    #[test]
    fn any_path_is_digested(path in "\\PC{0,200}") {
        let route = digest(&path, &KEY);
        prop_assert_eq!(route.template, digest(&path, &KEY).template);
        prop_assert!(template(&path).len() <= TEMPLATE_BYTES_MAX + 2 * REST.len());
    }
}
