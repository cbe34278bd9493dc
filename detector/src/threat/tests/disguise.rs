//! Those who go by a browser's name and do what no browser does, beside those who have a reason.

use super::{Ask, get, is_acted_on, named, post, visit};
use domain::ThreatKind;

/// The same visit under another name.
fn under(agent: &str, asks: impl IntoIterator<Item = Ask>) -> Vec<Ask> {
    let renamed = asks.into_iter().map(|ask| Ask {
        agent: agent.to_owned(),
        ..ask
    });
    renamed.collect()
}

#[test]
fn whoever_is_refused_one_object_after_the_other_walks_through_those_of_others() {
    let walk = (0..12).map(|turn| get(turn as f32 * 40.0, format!("/orders/{}", 3415 + turn), 403, 90));
    let walk = visit(walk);
    assert_eq!(named(&walk).0, Some(ThreatKind::ObjectEnumeration));
    assert!(is_acted_on(&walk));
    let guesses = || {
        (0..16).map(|turn| {
            get(
                turn as f32 * 9.0,
                format!("/orders/{}", turn * 7919 % 20_011),
                403,
                90,
            )
        })
    };
    assert!(is_acted_on(&visit(guesses())));
    // A partner whose right to its own orders was taken away.
    assert!(!is_acted_on(&visit(under("partner-sync/2.1", guesses()))));
}

#[test]
fn sixty_pages_without_a_file_are_nobodys_reading_and_a_feed_reader_takes_them() {
    let pages = || {
        (0..110).map(|turn| {
            get(
                turn as f32 * 12.0,
                format!("/{}-news", super::word(turn)),
                200,
                9000 + turn as u64,
            )
        })
    };
    assert!(is_acted_on(&visit(pages())));
    assert!(!is_acted_on(&visit(under("Miniflux/2.2.3", pages()))));
}

#[test]
fn a_form_that_is_loaded_before_each_password_and_nothing_else_is_a_programs() {
    let turns = |count: usize| {
        (0..count).flat_map(|turn| {
            let at = turn as f32 * 100.0 + (turn * 7 % 13) as f32 * 5.0;
            [
                get(at, "/wp-login.php", 200, 7800),
                post(at + 1.0, "/wp-login.php", 200, 8100),
            ]
        })
    };
    assert!(is_acted_on(&visit(turns(20))));
    assert!(!is_acted_on(&visit(turns(4))));
}

#[test]
fn many_links_to_a_new_password_are_guessed_and_a_few_are_looked_through() {
    let links = |count: usize, pause: f32| {
        visit((0..count).map(move |turn| {
            let token = format!(
                "/auth/reset/{:016x}",
                (turn as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            );
            get(turn as f32 * pause, token, 200, 5000)
        }))
    };
    let guesses = links(60, 2.0);
    assert_eq!(named(&guesses).0, Some(ThreatKind::TokenAbuse));
    assert!(is_acted_on(&guesses));
    // What a mail server opens to look for malware, all day.
    assert!(!is_acted_on(&links(60, 1500.0)));
}

#[test]
fn methods_that_administration_does_not_have_are_tried_by_those_who_probe() {
    let tries = |count: usize| {
        (0..count).map(|turn| Ask {
            method: ["PUT", "DELETE", "PATCH"][turn % 3],
            ..get(turn as f32 * 3.0, format!("/admin/users/{turn}"), 405, 90)
        })
    };
    let probing = visit(tries(8));
    assert_eq!(named(&probing).0, Some(ThreatKind::PrivilegeProbing));
    assert!(is_acted_on(&probing));
    assert!(!is_acted_on(&visit(tries(2))));
}

#[test]
fn a_site_that_answers_everything_tells_a_scanner_and_one_console_its_user() {
    let secrets = [
        "/.env",
        "/.git/config",
        "/wp-config.php.bak",
        "/phpmyadmin/",
        "/server.key",
        "/config.inc.php",
        "/adminer.php",
        "/.aws/credentials",
    ];
    let heads = secrets.into_iter().enumerate().map(|(turn, path)| Ask {
        method: "HEAD",
        ..get(turn as f32, path, 200, 0)
    });
    let scan = visit(heads);
    assert_eq!(named(&scan).0, Some(ThreatKind::Reconnaissance));
    assert!(is_acted_on(&scan));
    let console = (0..60).map(|turn| {
        let page = format!("/phpmyadmin/{}.php", super::word(turn));
        get(turn as f32 * 20.0, page, 200, 9000 + turn as u64)
    });
    assert!(!is_acted_on(&visit(console)));
}

#[test]
fn a_wrong_password_may_be_called_bad_input_and_an_old_token_is_none() {
    let tries = |path: &'static str| {
        visit((0..30).map(move |turn| Ask {
            agent: "python-requests/2.32".to_owned(),
            ..post(turn as f32 + (turn % 3) as f32 * 0.4, path, 400, 120)
        }))
    };
    let guesses = tries("/api/sessions");
    assert_eq!(named(&guesses).0, Some(ThreatKind::CredentialCracking));
    assert!(is_acted_on(&guesses));
    assert_ne!(
        named(&tries("/oauth/token")).0,
        Some(ThreatKind::CredentialCracking)
    );
}

#[test]
fn a_script_that_does_not_follow_to_https_asks_for_what_is_there_and_a_scanner_for_nothing() {
    let script = |turn: usize| {
        let page = if turn.is_multiple_of(3) { turn } else { turn % 4 };
        get(
            turn as f32 * 1.5,
            format!("/{}-news", super::word(page)),
            301,
            162,
        )
    };
    assert!(!is_acted_on(&visit(under(
        "python-requests/2.32",
        (0..90).map(script)
    ))));
    let scan = |turn: usize| {
        get(
            turn as f32 * 1.5,
            format!("/{}-news", super::word(turn)),
            301,
            162,
        )
    };
    assert!(is_acted_on(&visit(under(
        "python-requests/2.32",
        (0..30).map(scan)
    ))));
}

#[test]
fn many_behind_one_address_mistype_as_often_as_they_are_many() {
    let crowd = |turn: usize| Ask {
        agent: format!("Mozilla/5.0 (phone {})", turn / 40),
        ..match turn % 40 {
            0 => post(turn as f32, "/login", 401, 90),
            _ => get(
                turn as f32,
                format!("/{}-news", super::word(turn % 60)),
                200,
                9000 + turn as u64,
            ),
        }
    };
    assert!(!is_acted_on(&visit((0..480).map(crowd))));
    let guesses = (0..24).map(|turn| post(turn as f32 * 1.3, "/login", 401, 90));
    assert!(is_acted_on(&visit(guesses)));
}

#[test]
fn an_odd_word_that_is_searched_for_again_is_no_second_payload() {
    let search = |turn: usize| {
        let name = ["s", "q", "query"][turn % 3];
        get(
            turn as f32 * 40.0,
            format!("/search?{name}=..%2Fconfig+not+found"),
            200,
            9000,
        )
    };
    assert!(!is_acted_on(&visit((0..5).map(search))));
    let attack = |turn: usize| {
        let up = "..%2F".repeat(turn + 1);
        get(
            turn as f32 * 40.0,
            format!("/search?q={up}etc%2Fpasswd"),
            200,
            9000,
        )
    };
    assert!(is_acted_on(&visit((0..5).map(attack))));
}

#[test]
fn another_name_with_every_request_for_nothing_is_told_and_many_readers_behind_one_address_are_not() {
    let asks = |status: u16| {
        move |turn: usize| Ask {
            agent: format!("Mozilla/5.0 (device {})", turn * 7919),
            ..get(turn as f32, "/", status, 157)
        }
    };
    let flood = visit((0..24).map(asks(400)));
    assert_eq!(named(&flood).0, Some(ThreatKind::ProtocolAbuse));
    assert!(is_acted_on(&flood));
    assert!(!is_acted_on(&visit((0..24).map(asks(200)))));
}

#[test]
fn being_told_to_wait_is_held_against_nobody() {
    let page = |turn: usize| {
        get(
            turn as f32 * 4.0,
            format!("/{}-news", super::word(turn)),
            200,
            9000 + turn as u64,
        )
    };
    let waits = |turn: usize| Ask {
        status: 429,
        ..page(turn)
    };
    let before = visit((0..20).map(page));
    let after = visit((0..20).map(page).chain((20..60).map(waits)));
    assert!(!is_acted_on(&after));
    assert!(after.suspicion.failed < 0.5 && after.suspicion.asked < before.suspicion.asked + 0.5);
    assert!(after.errors.iter().all(|errors| *errors < 0.5));
}

#[test]
fn a_few_pages_of_one_size_are_read_again_and_again_and_many_are_guessed() {
    let visits = |pages: usize| {
        visit((0..40).map(move |turn| {
            get(
                turn as f32,
                format!("/{}-page", super::word(turn % pages)),
                200,
                13,
            )
        }))
    };
    assert!(!is_acted_on(&visits(4)));
    assert!(is_acted_on(&visits(40)));
}

#[test]
fn a_job_that_asks_every_night_for_objects_that_are_gone_guesses_none_wherever_they_are_named() {
    let night = |night: usize| {
        let status = if night > 3 { 404 } else { 200 };
        (0..30).map(move |turn| Ask {
            agent: "partner-sync/2.1".to_owned(),
            ..get(
                night as f32 * 86_400.0 + turn as f32 * 2.3,
                format!("/order?id={}", turn * 13),
                status,
                300,
            )
        })
    };
    assert!(!is_acted_on(&visit((0..8).flat_map(night))));
    let guess = |turn: usize| {
        let status = if turn.is_multiple_of(3) { 200 } else { 404 };
        get(
            turn as f32 * 2.3,
            format!("/order?id={}", turn * 7919 % 100_000),
            status,
            300,
        )
    };
    assert!(is_acted_on(&visit((0..60).map(guess))));
}

#[test]
fn archives_that_are_all_as_long_are_one_page_and_others_are_downloads() {
    let archives = ["/backup.zip", "/www.tar.gz", "/database.rar"];
    let fetch = |growth: u64| {
        visit(
            archives
                .into_iter()
                .enumerate()
                .map(|(turn, path)| get(turn as f32 * 30.0, path, 200, 5691 + growth * turn as u64)),
        )
    };
    assert!(is_acted_on(&fetch(0)));
    assert!(!is_acted_on(&fetch(80_000)));
}

#[test]
fn a_secret_that_is_redirected_before_it_is_missing_is_asked_for_once() {
    let asked = |statuses: &'static [u16]| {
        let ask = |(turn, status): (usize, &u16)| get(turn as f32 * 0.2, "/.env", *status, 162);
        visit(statuses.iter().enumerate().map(ask)).suspicion.probes
    };
    let missing = asked(&[404]);
    assert!((asked(&[301, 404]) - missing).abs() < 0.01);
    assert!((asked(&[301, 404, 301, 404]) - missing).abs() < 0.01);
    assert!(asked(&[301]) < missing);
}

#[test]
fn a_crawler_that_takes_another_name_is_judged_by_it() {
    let crawl = |turn: usize| {
        let path = match turn {
            0 => "/robots.txt".to_owned(),
            _ => format!("/{}-news", super::word(turn)),
        };
        get(turn as f32 * 20.0, path, 200, 9000 + turn as u64)
    };
    let pages = || {
        (0..110).map(|turn| {
            get(
                90_000.0 + turn as f32 * 3.0,
                format!("/{}-news", super::word(200 + turn)),
                200,
                9000 + turn as u64,
            )
        })
    };
    let bot = "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://bot.example/)";
    let before = || under(bot, (0..40).map(crawl));
    let goes_on_as = |agent: &str| visit(before().into_iter().chain(under(agent, pages())));
    assert!(is_acted_on(&goes_on_as(
        "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
    )));
    // The same company's crawler for pictures.
    assert!(!is_acted_on(&goes_on_as("ExampleBot-Image/1.0")));
}

#[test]
fn several_who_mistype_behind_one_address_take_nothing_over() {
    let row = |agents: usize| {
        let browse = (0..600).map(move |turn| Ask {
            agent: format!("Mozilla/5.0 (phone {})", turn % agents),
            ..get(
                turn as f32,
                format!("/{}-news", super::word(turn % 60)),
                200,
                9000 + turn as u64,
            )
        });
        let tries = (0..13).map(move |turn| Ask {
            agent: format!("Mozilla/5.0 (phone {})", turn % agents),
            ..post(
                600.0 + turn as f32 * 7.0,
                "/login",
                if turn == 12 { 200 } else { 401 },
                90,
            )
        });
        let change = std::iter::once(post(700.0, "/me/profile", 200, 300));
        visit(browse.chain(tries).chain(change))
    };
    assert_eq!(named(&row(1)).0, Some(ThreatKind::AccountTakeover));
    assert_ne!(named(&row(40)).0, Some(ThreatKind::AccountTakeover));
}
