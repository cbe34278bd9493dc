//! When suspects are no accident, and who is listed.

use super::*;
use crate::limits::CAMPAIGN_MEMBERS_MAX;

const RECON: ThreatKind = ThreatKind::Reconnaissance;

fn cohorts(clients: u64, suspects: u64) -> Cohorts {
    Cohorts {
        clients,
        suspects: {
            let mut tally = Tally::default();
            tally[RECON as usize] = suspects;
            tally
        },
        ..Cohorts::default()
    }
}

fn cohort(clients: u32, suspects: usize) -> Cohort {
    let at = Timestamp::default();
    let member = member(&Client::Ip([203, 0, 113, 9].into()), 2, at);
    let suspected = Suspected::new((0, 0), 0, (member, ThreatKind::Reconnaissance), at);
    Cohort {
        clients,
        suspects: vec![suspected; suspects],
        ..Cohort::default()
    }
}

#[test]
fn four_of_four_are_no_accident_where_others_behave_and_three_of_four_may_be_one() {
    let site = cohorts(300, 4);
    assert!(site.excess(&cohort(4, 4), RECON).is_no_accident());
    assert!(!site.excess(&cohort(4, 3), RECON).is_no_accident());
    assert!(!site.excess(&cohort(40, 8), RECON).is_no_accident());
}

#[test]
fn many_suspects_elsewhere_ask_for_more_and_never_for_the_impossible() {
    let site = cohorts(300, 200);
    assert!(!site.excess(&cohort(4, 4), RECON).is_no_accident());
    assert!(site.excess(&cohort(8, 8), RECON).is_no_accident());
    assert!(!site.is_site_sound() && cohorts(300, 4).is_site_sound());
}

#[test]
fn the_more_of_a_cohort_are_suspects_the_surer_each_is_one() {
    let site = cohorts(1000, 60);
    let sure = |clients, suspects| site.excess(&cohort(clients, suspects), RECON).confidence;
    assert!(sure(40, 40) > 0.98 && sure(40, 30) > 0.95);
    assert!(sure(40, 20) < sure(40, 30));
}

#[test]
fn whoever_gives_way_is_counted_once_and_the_latest_are_listed() {
    let mut cohort = Cohort::default();
    let all = CAMPAIGN_MEMBERS_MAX as u64 + 500;
    let suspect = |key: u64| {
        let at = Timestamp::from_millis(key as i64);
        let member = member(&Client::Ip([203, 0, 113, 9].into()), 2, at);
        Suspected::new((key, key), 0, (member, ThreatKind::Reconnaissance), at)
    };
    for key in 0..all {
        cohort.note(suspect(key), None, true);
    }
    assert_eq!(
        (cohort.tally()[RECON as usize], cohort.suspects.len()),
        (all, CAMPAIGN_MEMBERS_MAX)
    );
    assert!(cohort.suspects.iter().all(|known| known.key >= 500));
    // One that gave way comes back.
    cohort.note(suspect(3), None, false);
    assert_eq!(cohort.tally()[RECON as usize], all);
}

#[test]
fn only_those_who_do_the_same_make_a_campaign_and_two_campaigns_share_a_range() {
    let site = cohorts(300, 4);
    let mut mixed = cohort(16, 16);
    for (place, known) in mixed.suspects.iter_mut().enumerate() {
        known.threat = [ThreatKind::CredentialStuffing, RECON][usize::from(place > 11)];
    }
    for (threat, suspects) in [(ThreatKind::CredentialStuffing, 12), (RECON, 4)] {
        let excess = site.excess(&mixed, threat);
        assert_eq!((excess.suspects, excess.clients), (suspects, suspects));
        assert!(excess.is_no_accident());
    }
    // Whoever does nothing wrong speaks for the others, whatever the rest does.
    mixed.clients = 21;
    assert!(
        site.excess(&mixed, ThreatKind::CredentialStuffing)
            .is_no_accident()
    );
    assert!(!site.excess(&mixed, RECON).is_no_accident());
}

#[test]
fn whoever_shows_too_little_is_left_out_and_no_more_than_so_many_are() {
    let site = cohorts(300, 4);
    let at = |key: u64| Timestamp::from_millis(key as i64);
    let faint = |key: u64| {
        let member = member(&Client::Ip([203, 0, 113, 9].into()), 1, at(key));
        Suspected::new((key, key), 0, (member, RECON), at(key))
    };
    let mut range = cohort(16, 5);
    assert!(!site.excess(&range, RECON).is_no_accident());
    (100..109).for_each(|key| range.note_faint(faint(key)));
    let excess = site.excess(&range, RECON);
    assert_eq!((excess.suspects, excess.clients), (5, 7));
    assert!(excess.is_no_accident());
    // One of them turns out to be a suspect, another to be somebody who looks around.
    range.note(faint(100), None, true);
    range.clear(101);
    let excess = site.excess(&range, RECON);
    assert_eq!((excess.suspects, excess.clients), (6, 9));
    (1000..2000).for_each(|key| range.note_faint(faint(key)));
    assert_eq!(range.faint.len(), 256);
    assert!(range.faint.iter().all(|known| known.key >= 1000));
}

#[test]
fn a_share_that_a_range_has_every_day_makes_no_campaign_of_it_one_day() {
    let key = CohortKey::Range("203.0.113.0/24".parse().unwrap());
    let mut site = cohorts(2000, 10);
    site.join(&[(key.number(), true); 9]);
    let show = |site: &mut Cohorts, day: i64, suspects: u64| {
        let shows = |key_of_client: u64| {
            let at = Timestamp::from_secs(day * 86_400 + 100 * key_of_client as i64);
            let member = member(&Client::Ip([203, 0, 113, 9].into()), 3, at);
            let mut suspected = Suspected::new((key_of_client, key_of_client), 0, (member, RECON), at);
            suspected.is_small = true;
            site.suspect(&key, suspected, (None, &KinNames::default()), true)
        };
        (0..suspects).map(shows).last().unwrap()
    };
    // Five of nine at once are a campaign where nobody else looks like that.
    assert!(show(&mut site.clone(), 20_000, 5));
    (20_000..20_010).for_each(|day| assert!(!show(&mut site, day, 4)));
    let mut usual = site.clone();
    assert!(
        !show(&mut usual, 20_010, 5),
        "where four are there every day, a fifth is no news"
    );
    assert!(show(&mut site, 20_010, 9), "all of them are, whatever was usual");
}

#[test]
fn days_of_a_campaign_do_not_make_it_usual() {
    let key = CohortKey::Range("203.0.113.0/24".parse().unwrap());
    let mut site = cohorts(2000, 10);
    site.join(&[(key.number(), true); 6]);
    for day in 20_000..20_014 {
        let shows = |key_of_client: u64| {
            let at = Timestamp::from_secs(day * 86_400 + 100 * key_of_client as i64);
            let member = member(&Client::Ip([203, 0, 113, 9].into()), 3, at);
            let suspected = Suspected::new((key_of_client, key_of_client), 0, (member, RECON), at);
            site.suspect(&key, suspected, (None, &KinNames::default()), true)
        };
        let told: Vec<bool> = (0..5).map(shows).collect();
        assert!(told[4], "day {day}");
    }
}
