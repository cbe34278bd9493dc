use super::*;
use crate::route::{self, DocumentedRoutes, RouteMemo};
use domain::{Documented, HashKey};
use proptest::prelude::*;

const KEY: HashKey = HashKey::new([7; 16]);

fn catalogue(templates: &[&str]) -> RouteCatalogue {
    RouteCatalogue::new(templates.iter().copied()).unwrap()
}

fn shop() -> RouteCatalogue {
    catalogue(&[
        "/",
        "/users/{userId}",
        "/users/{name}/orders/{order}",
        "/users/me/profile",
        "/users/me",
        "/files/{name}.json",
        "/files/{name}",
        "/reports/{from}..{to}",
        "/jobs/{id}:cancel",
        "/{tenant}",
        "/caf\u{e9}/{id}",
    ])
}

fn check(path: &str, expected: Option<&str>) {
    let catalogue = shop();
    let found = catalogue
        .find(path)
        .map(|number| catalogue.templates().nth(number.into()).unwrap());
    assert_eq!(found, expected, "{path}");
}

#[test]
fn a_path_finds_its_documented_route() {
    check("/", Some("/"));
    check("/users/17", Some("/users/{id}"));
    check("/users/anna/orders/9f86d081", Some("/users/{id}/orders/{id}"));
    check("/users/anna/orders", None);
    check("/users//17/", Some("/users/{id}"));
    check("/users;v=1/17;x=2", Some("/users/{id}"));
    check("/users/;x=2", None);
    check("/files/a.json", Some("/files/{id}.json"));
    check("/files/.json", Some("/files/{id}"));
    check("/reports/1..2", Some("/reports/{id}..{id}"));
    check("/reports/..2", None);
    check("/jobs/7:cancel", Some("/jobs/{id}:cancel"));
    check("/caf%C3%A9/1", Some("/caf%C3%A9/{id}"));
    check("/anything", Some("/{id}"));
    check("users/17", None);
    check("", None);
    check("http://shop.example/users/17", None);
}

#[test]
fn what_is_written_out_goes_before_parameters_and_dead_ends_are_left_again() {
    check("/users/me", Some("/users/me"));
    check("/users/me/profile", Some("/users/me/profile"));
    check("/users/me/orders/7", Some("/users/{id}/orders/{id}"));
}

#[test]
fn templates_that_differ_in_names_are_one() {
    assert_eq!(catalogue(&["/a/{b}", "/a/{c}", "/a/{d}/"]).len(), 1);
}

#[test]
fn a_template_that_no_path_can_fit_is_named_with_what_was_expected() {
    let wrong = |template: &str| RouteCatalogue::new(["/good", template]).unwrap_err();
    assert_eq!(wrong("users"), (1, WrongTemplate::NoSlash));
    for braces in ["/a/{b", "/a/b}", "/a/{b{c}}", "/a}{"] {
        assert_eq!(wrong(braces), (1, WrongTemplate::Braces), "{braces}");
    }
    assert_eq!(wrong("/a/{}"), (1, WrongTemplate::NoName));
    assert_eq!(wrong("/a/{b}{c}"), (1, WrongTemplate::NoJoint));
    assert_eq!(wrong(&"/a".repeat(SEGMENTS_MAX + 1)), (1, WrongTemplate::TooDeep));
    assert_eq!(
        wrong(&format!("/{}", "a".repeat(DOCUMENTED_BYTES_MAX))),
        (1, WrongTemplate::TooLong)
    );
    let many: Vec<String> = (0..=ROUTES_MAX).map(|number| format!("/{number}")).collect();
    let wrong = RouteCatalogue::new(many.iter().map(String::as_str)).unwrap_err();
    assert_eq!(wrong, (ROUTES_MAX, WrongTemplate::TooMany));
    assert_eq!(
        RouteCatalogue::new(many[..ROUTES_MAX].iter().map(String::as_str))
            .unwrap()
            .len(),
        ROUTES_MAX
    );
}

/// Routes of paths, as a parser with documents finds them.
fn routes(documents: &DocumentedRoutes, paths: &[&str]) -> Vec<domain::Route> {
    let mut memo = RouteMemo::new(Some(documents.clone()));
    paths.iter().map(|path| memo.of(path, None, &KEY)).collect()
}

#[test]
fn names_in_documented_places_are_one_route_and_each_an_object() {
    let documents = DocumentedRoutes::new(shop());
    let found = routes(
        &documents,
        &[
            "/users/anna/orders/17",
            "/users/bob-2/orders/x",
            "/users/7/orders/8",
        ],
    );
    assert!(found.iter().all(|route| route.template == found[0].template));
    assert_eq!(found[0].object.unwrap().number, Some(17));
    assert_ne!(found[0].object.unwrap().hash, found[1].object.unwrap().hash);
    // What the look of a path tells, too, is the same route with a document and without.
    assert_eq!(
        found[2].template,
        route::digest("/users/7/orders/8", &KEY).template
    );
    assert_eq!(found[2].object, route::digest("/users/7/orders/8", &KEY).object);
}

#[test]
fn a_documented_route_vouches_for_nothing_that_is_no_name() {
    let documents = DocumentedRoutes::new(shop());
    let long = format!("/users/{}", "a".repeat(WORD_BYTES_MAX + 1));
    for path in [
        "/users/.env",
        "/users/wp-login.php",
        "/users/7'--",
        "/users/7%27%20or%201=1",
        "/users/<script>",
        "/users/..",
        "/users/${jndi:x}",
        &long,
        // Nothing but parameters fits everything.
        "/phpmyadmin",
    ] {
        let found = routes(&documents, &[path])[0];
        let built_in = route::digest(path, &KEY);
        assert!(matches!(found.documented, Documented::As(_)), "{path}");
        assert_eq!(
            (found.template, found.object),
            (built_in.template, built_in.object),
            "{path}"
        );
    }
}

#[test]
fn what_no_document_names_is_marked_and_taken_apart_as_ever() {
    let documents = DocumentedRoutes::new(shop());
    for path in [
        "/hidden/7/x",
        "/users/7/admin",
        "*",
        "",
        "http://a.example/users/7",
    ] {
        let found = routes(&documents, &[path])[0];
        assert_eq!(found.documented, Documented::No, "{path}");
        let built_in = route::digest(path, &KEY);
        assert_eq!(
            found,
            domain::Route {
                documented: Documented::No,
                ..built_in
            },
            "{path}"
        );
        assert_eq!(built_in.documented, Documented::Unasked);
    }
}

#[test]
fn changed_documents_hold_for_paths_that_were_looked_up_before() {
    let documents = DocumentedRoutes::new(shop());
    let mut memo = RouteMemo::new(Some(documents.clone()));
    assert!(matches!(
        memo.of("/users/anna", None, &KEY).documented,
        Documented::As(_)
    ));
    assert_eq!(
        memo.of("/hidden", None, &KEY).documented,
        Documented::As(shop().find("/hidden").unwrap())
    );
    assert_eq!(memo.route_use().unwrap().requests.iter().sum::<u64>(), 2);
    documents.exchange(catalogue(&["/hidden"]));
    assert_eq!(memo.of("/users/anna", None, &KEY).documented, Documented::No);
    assert_eq!(memo.of("/hidden", None, &KEY).documented, Documented::As(0));
    let tally = memo.route_use().unwrap();
    assert_eq!((&tally.requests[..], tally.undocumented), (&[1][..], 1));
}

#[test]
fn a_path_that_is_made_to_be_looked_up_slowly_visits_each_node_once() {
    // Every word and every parameter in every place: all ways lead to the last segment, and end there.
    let mut templates = Vec::new();
    for bits in 0u32..1 << 12 {
        let place = |at: u32| if bits >> at & 1 == 1 { "/a" } else { "/{x}" };
        templates.push((0..12).map(place).collect::<String>() + "/end");
    }
    let catalogue = RouteCatalogue::new(templates.iter().map(String::as_str)).unwrap();
    assert!(catalogue.nodes.len() < 2 << 13);
    assert_eq!(catalogue.find(&("/a".repeat(12) + "/other")), None);
    assert!(catalogue.find(&("/a".repeat(12) + "/end")).is_some());
    assert_eq!(catalogue.find(&"/a".repeat(100_000)), None);
}

/// Whether a path fits a template, worked out slowly from the template's text.
fn fits(template: &str, path: &str) -> bool {
    let split = |text: &str| -> Vec<String> {
        let segments = text.split('/').filter(|segment| !segment.is_empty());
        segments.map(str::to_owned).collect()
    };
    let (wanted, found) = (split(template), split(path));
    wanted.len() == found.len()
        && wanted
            .iter()
            .zip(&found)
            .all(|(wanted, found)| match wanted.split_once("{p}") {
                None => wanted == found,
                Some((before, after)) => {
                    found.len() > before.len() + after.len()
                        && found.starts_with(before)
                        && found.ends_with(after)
                }
            })
}

proptest! {
    #[test]
    fn the_trie_finds_what_a_slow_look_finds(
        templates in proptest::collection::vec("(/(a|b|ab|\\{p\\}|a\\{p\\}|\\{p\\}b|a\\{p\\}b)){0,4}", 0..12),
        path in "(/[ab]{1,3}){0,4}",
    ) {
        let templates: Vec<String> = templates.into_iter().map(|text| if text.is_empty() { "/".to_owned() } else { text }).collect();
        let path = if path.is_empty() { "/".to_owned() } else { path };
        let catalogue = RouteCatalogue::new(templates.iter().map(String::as_str)).unwrap();
        let slow: Vec<String> = templates.iter().filter(|template| fits(template, &path)).map(|template| template.replace("{p}", "{id}")).collect();
        match catalogue.find(&path) {
            Some(number) => prop_assert!(slow.contains(&catalogue.templates().nth(number.into()).unwrap().to_owned())),
            None => prop_assert!(slow.is_empty(), "{:?}", slow),
        }
        // The order of the documents decides nothing.
        let turned = RouteCatalogue::new(templates.iter().rev().map(String::as_str)).unwrap();
        prop_assert_eq!(&turned, &catalogue);
    }

    #[test]
    fn any_text_is_looked_up(path in "\\PC{0,200}") {
        let catalogue = shop();
        let fit = catalogue.fit(&path);
        prop_assert!(fit.is_none_or(|fit| fit.depth <= SEGMENTS_MAX));
    }

    #[test]
    fn whatever_a_client_asked_for_before_a_path_keeps_its_route(
        before in proptest::collection::vec("(/([a-z]{1,8}|[0-9]{1,6}|\\{id\\})){1,5}", 0..200),
        path in "/(users|files|x)/([a-z]{1,8}|[0-9]{1,6})(/orders/[0-9]{1,3})?",
    ) {
        for documents in [None, Some(DocumentedRoutes::new(shop()))] {
            let mut memo = RouteMemo::new(documents.clone());
            let alone = memo.of(&path, None, &KEY);
            let mut memo = RouteMemo::new(documents);
            for other in &before {
                memo.of(other, None, &KEY);
            }
            prop_assert_eq!(memo.of(&path, None, &KEY), alone);
        }
    }
}

#[test]
fn heads_tell_texts_of_one_length_apart_by_their_first_bytes() {
    for len in 0..12 {
        let text: Vec<u8> = (0..len).map(|at| b'a' + at).collect();
        for place in 0..usize::from(len) {
            let mut other = text.clone();
            other[place] = b'Z';
            assert_eq!(head(&text) == head(&other), place >= 8, "{text:?} {place}");
        }
    }
}
