//! What windows of whole visits name: an attack, and its innocent look-alike beside it.

mod disguise;

use super::{THREATS, assess, strengthen};
use crate::population::RouteStanding;
use crate::signal;
use crate::testing::{KEY, Line};
use crate::window::{Hashes, Window};
use domain::{ThreatKind, Timestamp};
use std::borrow::Cow;

/// Confidence from which the default policy acts, when the score adds nothing.
const ACTED_ON: f32 = 0.8;

/// One request: seconds since the visit began, method, path with query, status, bytes, user agent.
struct Ask {
    secs: f32,
    method: &'static str,
    target: String,
    status: u16,
    bytes: u64,
    agent: String,
}

fn get(secs: f32, target: impl Into<String>, status: u16, bytes: u64) -> Ask {
    Ask {
        secs,
        method: "GET",
        target: target.into(),
        status,
        bytes,
        agent: "Mozilla/5.0 Firefox/130.0".to_owned(),
    }
}

fn post(secs: f32, target: &str, status: u16, bytes: u64) -> Ask {
    Ask {
        method: "POST",
        ..get(secs, target, status, bytes)
    }
}

/// The window after a visit on a site where nobody else was yet.
fn visit(asks: impl IntoIterator<Item = Ask>) -> Window {
    visit_from(None, asks)
}

/// The same, of a browser that says from which page it comes.
fn visit_from(referer: Option<&str>, asks: impl IntoIterator<Item = Ask>) -> Window {
    let mut window = Window::default();
    for (place, ask) in asks.into_iter().enumerate() {
        let (path, query) = match ask.target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (ask.target.as_str(), None),
        };
        let line = Line {
            method: ask.method,
            ..Line::new((ask.secs * 1000.0) as i64, 1, path, ask.status)
        };
        let mut record = line.record(place as u64);
        let named = query.as_deref().and_then(|query| query.strip_prefix("id="));
        record.route.object = named.or_else(|| path.rsplit('/').next()).and_then(|last| {
            let number = last.parse().ok()?;
            Some(domain::ObjectId {
                hash: KEY.hash(last),
                number: Some(number),
            })
        });
        record.query = query.map(Cow::Owned);
        record.bytes_out = Some(ask.bytes);
        record.host = Some(Cow::Borrowed("shop.example"));
        record.referer = referer.map(Cow::Borrowed);
        let hash = |text: &str| KEY.hash(text) | 1;
        let hashes = Hashes {
            query: record.query.as_deref().map_or(0, hash),
            query_name: record
                .query
                .as_deref()
                .map_or(0, |query| hash(query.split('=').next().unwrap_or(""))),
            agent: hash(&ask.agent),
        };
        record.user_agent = Some(Cow::Owned(ask.agent));
        let signals = signal::read(&record, false, place == 0, u32::MAX);
        let at = Timestamp::from_millis(line.millis);
        window.observe(&record, at, &signals, RouteStanding::default(), hashes);
    }
    window
}

/// The surest threat and its confidence; the confidence of nothing is 0.
fn named(window: &Window) -> (Option<ThreatKind>, f32) {
    assess(window)
        .first()
        .map_or((None, 0.0), |(_, claim)| (Some(claim.kind), claim.confidence))
}

fn is_acted_on(window: &Window) -> bool {
    named(window).1 >= ACTED_ON
}

/// Words that are no probe, an attack's or a reader's.
fn word(number: usize) -> String {
    let letter = |place: usize| char::from(b'a' + ((number / 26usize.pow(place as u32)) % 26) as u8);
    format!("{}{}{}ing", letter(1), letter(0), letter(1))
}

#[test]
fn a_scanner_that_is_redirected_first_is_told_by_what_it_misses_then() {
    let asks = |number: usize| {
        let (secs, path) = (number as f32 * 900.0, format!("/{}", word(number)));
        let ask = |secs, status| Ask {
            method: "HEAD",
            ..get(secs, path.clone(), status, 200)
        };
        [ask(secs, 301), ask(secs + 0.2, 404)]
    };
    let scanner = visit((0..5).flat_map(asks));
    assert_eq!(named(&scanner).0, Some(ThreatKind::Reconnaissance));
    assert!(is_acted_on(&scanner));
    assert!(!is_acted_on(&visit((0..2).flat_map(asks))));
}

#[test]
fn following_old_links_now_and_then_is_no_reconnaissance() {
    let reader = |number: usize| {
        let is_gone = !number.is_multiple_of(3);
        let status = if is_gone { 404 } else { 200 };
        get(
            number as f32 * 8.0,
            format!("/{}", word(number)),
            status,
            3000 + number as u64,
        )
    };
    assert!(!is_acted_on(&visit((0..12).map(reader))));
}

#[test]
fn a_scanner_that_gets_the_one_page_for_everything_is_told() {
    let scan = visit((0..16).map(|number| get(number as f32, format!("/{}/", word(number)), 200, 1128)));
    assert_eq!(named(&scan).0, Some(ThreatKind::Reconnaissance));
    assert!(is_acted_on(&scan));
}

#[test]
fn files_of_one_size_in_one_folder_are_not_the_one_page() {
    let files =
        visit((0..60).map(|number| get(number as f32, format!("/logs/{}.txt", word(number)), 200, 307)));
    assert!(!is_acted_on(&files));
}

#[test]
fn a_stale_password_on_a_slow_beat_is_shown_and_guessing_at_that_pace_is_acted_on() {
    let stuck = visit((0..200).map(|turn| post(turn as f32 * 15.0, "/login", 401, 400)));
    let (kind, confidence) = named(&stuck);
    assert_eq!(kind, Some(ThreatKind::CredentialCracking));
    assert!((0.35..0.5).contains(&confidence));
    // The same number of tries in the same time, but not on a beat.
    let uneven = |turn: i32| turn as f32 * 15.0 + (turn * 7 % 13) as f32;
    assert!(is_acted_on(&visit((0..200).map(|turn| post(
        uneven(turn),
        "/login",
        401,
        400
    )))));
}

#[test]
fn wrong_passwords_that_are_answered_200_are_told_by_the_answer() {
    let asks = |turn: usize| {
        [
            get(turn as f32 * 3.0, "/login", 200, 7800),
            post(turn as f32 * 3.0 + 1.0, "/login", 200, 38_238),
        ]
    };
    let guesses = visit((0..20).flat_map(asks));
    assert_eq!(named(&guesses).0, Some(ThreatKind::CredentialCracking));
    assert!(is_acted_on(&guesses));
    assert!(!is_acted_on(&visit((0..3).flat_map(asks))));
}

#[test]
fn a_class_signs_up_and_a_bot_signs_up_more() {
    let sign_up = |number: usize, agents: usize| Ask {
        agent: format!("Mozilla/5.0 pupil {}", number % agents),
        ..post(number as f32 * 20.0, "/register", 201, 420)
    };
    assert!(!is_acted_on(&visit((0..14).map(|number| sign_up(number, 14)))));
    assert!(is_acted_on(&visit((0..14).map(|number| sign_up(number, 1)))));
    assert!(is_acted_on(&visit((0..60).map(|number| sign_up(number, 60)))));
    // Where a form sends on to the next page; and a form's address that has moved, which takes nobody's name.
    let sent_on = |status: u16| {
        move |number: usize| Ask {
            status,
            ..sign_up(number, 1)
        }
    };
    assert!(is_acted_on(&visit((0..14).map(sent_on(302)))));
    assert!(!is_acted_on(&visit((0..14).map(sent_on(301)))));
}

#[test]
fn vouchers_tried_one_by_one_are_told_and_a_form_filled_in_badly_is_not() {
    let tries = |count: usize| {
        (0..count).map(|turn| {
            post(
                turn as f32 * 0.9 + (turn % 3) as f32 * 0.2,
                "/cart/coupon",
                422,
                300,
            )
        })
    };
    let guesses = visit(tries(60));
    assert_eq!(named(&guesses).0, Some(ThreatKind::BusinessFlowAbuse));
    assert!(is_acted_on(&guesses));
    assert!(!is_acted_on(&visit(tries(8))));
}

#[test]
fn past_every_cache_is_a_flood_and_a_list_read_page_by_page_is_not() {
    let bust = visit((0..200).map(|turn| {
        get(
            turn as f32 * 0.2,
            format!("/?{}", turn * 7919),
            200,
            54_000 + turn,
        )
    }));
    assert_eq!(named(&bust).0, Some(ThreatKind::DenialOfService));
    assert!(is_acted_on(&bust));
    let pages = visit((0..200).map(|turn| {
        get(
            turn as f32 * 0.2,
            format!("/orders?page={turn}"),
            200,
            20_000 + turn,
        )
    }));
    assert_ne!(named(&pages).0, Some(ThreatKind::DenialOfService));
}

#[test]
fn tokens_tried_in_a_header_are_told_and_an_app_whose_token_ran_out_is_not() {
    let refusals = |gap: fn(usize) -> f32, count: usize| {
        visit((0..count).map(move |turn| get(gap(turn), "/me/profile", 401, 487)))
    };
    let guesses = refusals(|turn| turn as f32 * 0.7 + (turn % 5) as f32, 120);
    assert_eq!(named(&guesses).0, Some(ThreatKind::TokenAbuse));
    assert!(is_acted_on(&guesses));
    assert!(!is_acted_on(&refusals(|turn| turn as f32 * 30.0, 300)));
}

#[test]
fn a_browser_that_loads_pages_and_nothing_else_for_hours_is_none() {
    let page = |number: usize| {
        let uneven = number as f32 * 14.0 + (number % 7) as f32;
        get(
            uneven,
            format!("/articles/{}", word(number)),
            200,
            9000 + number as u64 * 37,
        )
    };
    let scraper = visit((0..200).map(page));
    assert_eq!(named(&scraper).0, Some(ThreatKind::Scraping));
    assert!(is_acted_on(&scraper));
    let declared = |number| Ask {
        agent: "ExampleBot/1.0 (+https://example.org/bot)".to_owned(),
        ..page(number)
    };
    assert!(!is_acted_on(&visit((0..200).map(declared))));
}

#[test]
fn an_empty_window_names_nothing() {
    assert!(assess(&Window::default()).is_empty());
}

#[test]
fn each_threat_is_listed_once() {
    for (place, threat) in THREATS.iter().enumerate() {
        assert!(THREATS[..place].iter().all(|other| other.kind != threat.kind));
        assert!(!(threat.sentence)(&Window::default()).is_empty());
    }
}

#[test]
fn a_score_strengthens_and_never_weakens() {
    assert!((strengthen(0.5, 0.001) - 0.7).abs() < 1e-6);
    assert!((strengthen(0.5, 0.9) - 0.5).abs() < 1e-6);
}

#[test]
fn a_week_of_silence_takes_every_kind_of_evidence_away() {
    let week = 7.0 * 86_400.0;
    let scan = |number: usize| get(number as f32, format!("/{}/", word(number)), 200, 1128);
    let misses = |number: usize| get(100.0 + number as f32, format!("/{}", word(number)), 404, 300);
    let sign_ins = |turn: usize| post(200.0 + turn as f32, "/login", 200, 38_238);
    let vouchers = |turn: usize| post(300.0 + turn as f32, "/cart/coupon", 422, 300);
    let stalls = |turn: usize| get(400.0 + turn as f32, "/", 408, 0);
    let attack = (0..16)
        .map(scan)
        .chain((0..16).map(misses))
        .chain((0..16).map(sign_ins))
        .chain((0..16).map(vouchers))
        .chain((0..16).map(stalls));
    let window = visit(attack.chain([get(week, "/", 200, 5000)]));
    assert!(window.suspicion.rank() < 0.1, "{}", window.suspicion.rank());
    assert_eq!(named(&window).0, None);
}

#[test]
fn a_program_that_fetches_its_token_again_and_again_guesses_nothing() {
    let fetch = |turn: usize| {
        post(
            turn as f32 * 40.0 + (turn * 7 % 23) as f32,
            "/oauth/token",
            200,
            1180,
        )
    };
    assert!(!is_acted_on(&visit((0..60).map(fetch))));
}

#[test]
fn a_dashboard_whose_session_ran_out_and_a_sender_of_bad_messages_are_left_alone() {
    let widgets = ["/api/me", "/api/alerts", "/api/orders", "/api/stock", "/api/news"];
    let ask = |turn: usize| {
        get(
            (turn / 5) as f32 * 4.0 + (turn % 5) as f32 * 0.1,
            widgets[turn % 5],
            401,
            90,
        )
    };
    assert!(!is_acted_on(&visit((0..400).map(ask))));
    let message = |turn: usize| post(turn as f32 * 3.0 + (turn * 5 % 7) as f32, "/hooks/build", 400, 60);
    assert!(!is_acted_on(&visit((0..300).map(message))));
}

#[test]
fn what_a_page_of_another_site_makes_browsers_ask_for_blocks_nobody() {
    let secrets = [
        "/.env",
        "/wp-config.php.bak",
        "/.git/config",
        "/backup.sql",
        "/id_rsa",
        "/.aws/credentials",
    ];
    let payloads = [
        "/?q=1%27+union+select+1,2,3--",
        "/?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/?f=../../../../etc/passwd",
    ];
    let probe = |turn: usize| get(turn as f32 * 0.1, secrets[turn % 6], 404, 300);
    let inject = |turn: usize| {
        get(
            9.0 + turn as f32 * 0.1,
            format!("{}&n={turn}", payloads[turn % 3]),
            404,
            300,
        )
    };
    let acts = || (0..30).map(probe).chain((0..30).map(inject));
    let blocked_from = crate::policy::PolicySettings::default().block_from;
    let strongest = |window: &Window| {
        let claims = assess(window);
        let strengthened = claims.iter().map(|(_, claim)| strengthen(claim.confidence, 1e-4));
        (
            strengthened.fold(0.0, f32::max),
            claims.iter().any(|(_, claim)| claim.is_conclusive),
        )
    };
    let (planted, is_conclusive) = strongest(&visit_from(Some("https://news.example/"), acts()));
    assert!(planted < blocked_from && !is_conclusive, "{planted}");
    // As is what somebody writes into a message, and a program looks up that shows links.
    let shown = |ask: Ask| Ask {
        agent: "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)".to_owned(),
        ..ask
    };
    let (planted, is_conclusive) = strongest(&visit(acts().map(shown)));
    assert!(planted < blocked_from && !is_conclusive, "{planted}");
    let sent = |ask: Ask| Ask {
        method: "POST",
        ..shown(ask)
    };
    let (attack, is_conclusive) = strongest(&visit(acts().map(sent)));
    assert!(
        attack >= blocked_from && is_conclusive,
        "nobody's program sends anything for a link"
    );
    for own in [None, Some("https://shop.example/")] {
        let (attack, is_conclusive) = strongest(&visit_from(own, acts()));
        assert!(attack >= blocked_from && is_conclusive, "{own:?}");
    }
}

#[test]
fn guessing_numbers_is_told_and_a_job_whose_objects_are_gone_is_not() {
    let object = |number: usize, status| {
        move |secs: f32| Ask {
            target: format!("/orders/{number}"),
            ..get(secs, "", status, 300)
        }
    };
    let guess = |turn: usize| {
        object(
            turn * 7919 % 100_000,
            if turn.is_multiple_of(3) { 200 } else { 404 },
        )(turn as f32 * 2.3)
    };
    let guesses = visit((0..60).map(guess));
    assert_eq!(named(&guesses).0, Some(ThreatKind::ObjectEnumeration));
    assert!(is_acted_on(&guesses));
    // The same thirty orders every night; since last night they are gone.
    let night = |night: usize| {
        let status = if night > 3 { 404 } else { 200 };
        (0..30).map(move |turn| object(turn * 13, status)(night as f32 * 86_400.0 + turn as f32 * 2.3))
    };
    assert!(!is_acted_on(&visit((0..8).flat_map(night))));
}

#[test]
fn what_was_asked_for_over_months_does_not_weigh_on_one_bad_answer() {
    let day = |day: usize| {
        (0..3).map(move |turn| {
            get(
                day as f32 * 86_400.0 + turn as f32 * 60.0,
                format!("/search?q={}", day * 3 + turn),
                200,
                900,
            )
        })
    };
    let expired = get(61.0 * 86_400.0, "/search?q=last", 401, 90);
    assert!(!is_acted_on(&visit((0..60).flat_map(day).chain([expired]))));
}

#[test]
fn a_program_that_spreads_its_tries_is_broken_and_one_in_a_hurry_guesses() {
    // Between a half and one and a half of the wait, as libraries draw it.
    let at = |turn: usize, wait: f32| wait * (turn as f32 + ((turn * 7919) % 100) as f32 / 200.0);
    let visit_as = |agent: &'static str, ask: &dyn Fn(usize) -> Ask| {
        visit((0..90).map(|turn| Ask {
            agent: agent.to_owned(),
            ..ask(turn)
        }))
    };
    let tries = |agent, wait| visit_as(agent, &|turn| post(at(turn, wait), "/login", 401, 90));
    let refused = |agent, wait| visit_as(agent, &|turn| get(at(turn, wait), "/account", 401, 90));
    let program = "okhttp/4.12.0";
    assert!(!is_acted_on(&tries(program, 8.0)));
    assert!(is_acted_on(&tries(program, 0.7)));
    assert!(!is_acted_on(&refused(program, 2.2)));
    assert!(is_acted_on(&refused(program, 0.7)));
    // A browser that asks again says which page it is on.
    let browser = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
    assert!(is_acted_on(&tries(browser, 8.0)));
    assert!(is_acted_on(&refused(browser, 2.2)));
}
