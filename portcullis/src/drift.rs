//! Have this site's clients changed: since the model was trained, and since last week?
//!
//! What is scored is counted on the way, feature by feature. It decides nothing, but that nobody is acted on by a score alone that
//! is carried by a feature in which clients have changed. One vote per client and day, its last look of the day: that one rests
//! on most of what the client did, and can be taken back. Whoever the model finds beyond the budget has no vote. An attack must
//! not raise the alarm under a name that asks for another model, nor become what later days are held against. If the clients
//! themselves have changed so much that the model finds them beyond it, it is blind to those: so they are counted, and shown
//! beside the index.

use detector::feature::{COUNT, FEATURES};
use detector::{Score, Windows};
use models::drift::{DRIFT_ROWS_MIN, DriftCounts, DriftReference, PSI_LARGE};
use std::collections::{HashMap, VecDeque};

/// Clients of a day that are followed, some 60 bytes each; past it half of them are, by their keyed hash: nobody chooses
/// whether to be. A fortieth is enough to compare.
const FOLLOWED_MAX: usize = 20_000;

/// Whole days that the last one is held against: a week, so that each day of it is among them. With fewer nothing is said of
/// it: in the first week after a first start windows fill from day to day, and no weekend was seen.
const DAYS_BEFORE: usize = 7;

/// So many looks in a row at days that are over tell of a clock that was put right. Past midnight a few hundred are late.
const LATE_IN_A_ROW: u32 = 2_000;

/// The bins that a client's last look lies in; `None` once it was beyond the budget.
type Vote = Option<[u8; COUNT]>;

/// One day's votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Day {
    /// Counted from 1970.
    pub(crate) number: i64,
    pub(crate) votes: DriftCounts,
    /// Client-days without a vote: beyond the budget.
    pub(crate) beyond: u64,
}

/// What is remembered to tell whether the clients have changed.
#[derive(Debug)]
pub(crate) struct Drift {
    reference: DriftReference,
    /// P-value from which a client has no vote.
    beyond_from: f64,
    today: Day,
    /// Whether the present day was seen from its beginning.
    is_whole: bool,
    followed: HashMap<u64, Vote>,
    /// Clients are followed whose key ends in so many zero bits.
    thinning: u32,
    /// Whole days, the last one first: it, and those that it is held against.
    days: VecDeque<Day>,
    late_in_a_row: u32,
    /// Places of the features that moved by much on the last whole day; worked out once a day.
    changed: Vec<usize>,
}

/// How far the clients have moved, by the last whole day, or by the present one as long as no whole one is over.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moved {
    /// The day, counted from 1970.
    pub(crate) day: i64,
    /// Whether it is over, and was seen whole.
    pub(crate) is_whole: bool,
    /// Client-days that were counted.
    pub(crate) client_days: u64,
    /// Client-days beyond the budget, which were not.
    pub(crate) beyond: u64,
    /// Client-days of the whole days before it.
    pub(crate) client_days_before: u64,
    /// Every feature's index against the model's training rows; `None` with too few client-days.
    pub(crate) against_model: Option<Vec<f64>>,
    /// Every feature's index against this site's own days before; `None` until a week of them is known, and with too few
    /// client-days on either side.
    pub(crate) against_site: Option<Vec<f64>>,
}

impl Moved {
    /// Names of the features that have moved by much since the days before: what a person should look at.
    pub(crate) fn alarms(&self) -> Vec<&'static str> {
        self.changed().map(|place| FEATURES[place].name).collect()
    }

    /// Their places among the features.
    fn changed(&self) -> impl Iterator<Item = usize> {
        let indices = self.against_site.iter().flatten();
        let moved = indices.enumerate().filter(|(_, index)| **index > PSI_LARGE);
        moved.map(|(place, _)| place)
    }
}

impl Drift {
    /// Nothing counted yet.
    pub(crate) fn new(reference: DriftReference, beyond_from: f64) -> Self {
        Self {
            // Earlier than every day: nothing was seen yet.
            today: Day {
                number: i64::MIN,
                votes: reference.no_rows(),
                beyond: 0,
            },
            reference,
            beyond_from,
            is_whole: false,
            followed: HashMap::new(),
            thinning: 0,
            days: VecDeque::new(),
            late_in_a_row: 0,
            changed: Vec::new(),
        }
    }

    /// Goes on from whole days that another process counted in the bins of the same reference, the last one first.
    pub(crate) fn resume(&mut self, days: Vec<Day>) {
        self.days = days.into_iter().take(1 + DAYS_BEFORE).collect();
        self.note_changes();
    }

    /// Whether clients moved by much in the feature of that place: see [`Moved::alarms`].
    pub(crate) fn has_changed(&self, place: usize) -> bool {
        self.changed.contains(&place)
    }

    fn note_changes(&mut self) {
        self.changed = self
            .moved()
            .map_or_else(Vec::new, |moved| moved.changed().collect());
    }

    /// The whole days that are known, the last one first.
    pub(crate) fn whole_days(&self) -> Vec<Day> {
        self.days.iter().cloned().collect()
    }

    /// What the days are counted by.
    pub(crate) const fn reference(&self) -> &DriftReference {
        &self.reference
    }

    /// Takes in windows that were scored.
    pub(crate) fn look(&mut self, windows: Windows<'_>, scores: &[Score]) {
        let looks = windows.clients.iter().zip(windows.days);
        let rows = windows.rows.chunks_exact(COUNT);
        for (((client, day), row), score) in looks.zip(rows).zip(scores) {
            self.look_at(*client, *day, row, score.p_value);
        }
    }

    fn look_at(&mut self, client: u64, day: i64, row: &[f32], p_value: f64) {
        if day > self.today.number {
            self.begin(day);
        } else if day < self.today.number {
            self.late_in_a_row += 1;
            if self.late_in_a_row >= LATE_IN_A_ROW {
                self.go_back(day);
            }
            return;
        }
        self.late_in_a_row = 0;
        if client.trailing_zeros() < self.thinning {
            return;
        }
        let before = self.followed.get(&client).copied();
        let now = match before {
            Some(None) => return,
            _ if p_value <= self.beyond_from => None,
            _ => {
                let mut bins = [0; COUNT];
                self.reference.bins(row, &mut bins);
                Some(bins)
            }
        };
        if let Some(vote) = before {
            self.take_back(vote);
        }
        match &now {
            Some(bins) => self.today.votes.add(bins),
            None => self.today.beyond += 1,
        }
        self.followed.insert(client, now);
        self.thin_out();
    }

    fn take_back(&mut self, vote: Vote) {
        match vote {
            Some(bins) => self.today.votes.remove(&bins),
            None => self.today.beyond -= 1,
        }
    }

    /// The present day is over: it is kept if it was seen from its beginning. The very first one was not.
    fn begin(&mut self, day: i64) {
        let is_first = self.today.number == i64::MIN;
        let next = self.empty(day);
        let over = std::mem::replace(&mut self.today, next);
        if self.is_whole {
            // What is read again counts once.
            self.days.retain(|kept| kept.number < over.number);
            self.days.push_front(over);
            self.days.truncate(1 + DAYS_BEFORE);
            self.note_changes();
        }
        self.is_whole = !is_first;
        self.followed.clear();
        // Fewer clients may come: one step back each day.
        self.thinning = self.thinning.saturating_sub(1);
    }

    /// The clock was ahead and is right again: what was counted under its dates is dropped.
    fn go_back(&mut self, day: i64) {
        self.days.retain(|kept| kept.number < day);
        self.note_changes();
        self.today = self.empty(day);
        self.is_whole = false;
        self.followed.clear();
        self.late_in_a_row = 0;
    }

    fn empty(&self, day: i64) -> Day {
        Day {
            number: day,
            votes: self.reference.no_rows(),
            beyond: 0,
        }
    }

    /// Follows half as many clients while there are too many; the votes of the others are taken back.
    fn thin_out(&mut self) {
        while self.followed.len() > FOLLOWED_MAX {
            self.thinning += 1;
            let all = std::mem::take(&mut self.followed);
            let (kept, dropped) = part(all, self.thinning);
            self.followed = kept;
            dropped.into_iter().for_each(|vote| self.take_back(vote));
        }
    }

    /// How far the clients have moved; `None` before the first look.
    pub(crate) fn moved(&self) -> Option<Moved> {
        let (day, is_whole) = match self.days.front() {
            Some(day) => (day, true),
            None => (&self.today, false),
        };
        if day.number == i64::MIN {
            return None;
        }
        let mut before = self.reference.no_rows();
        let others = self.days.iter().skip(1);
        others.for_each(|other| before.merge(&other.votes));
        let is_enough = day.votes.rows() >= DRIFT_ROWS_MIN;
        let is_known = self.days.len() > DAYS_BEFORE && before.rows() >= DRIFT_ROWS_MIN;
        let against_model = is_enough.then(|| self.reference.stability_of(&day.votes));
        let against_site = (is_enough && is_known).then(|| self.since(day, &before));
        Some(Moved {
            day: day.number,
            is_whole,
            client_days: day.votes.rows(),
            beyond: day.beyond,
            client_days_before: before.rows(),
            against_model,
            against_site,
        })
    }

    /// Each feature's smallest index against one of the days before it, and against all of them together: has the day a like
    /// among them? A Sunday is unlike its week, and like the last Sunday; windows that fill after a first start are unlike those of
    /// a week ago, and like yesterday's.
    fn since(&self, day: &Day, before: &DriftCounts) -> Vec<f64> {
        let mut indices = before.stability(&day.votes);
        let others = self.days.iter().skip(1);
        for other in others.filter(|other| other.votes.rows() >= DRIFT_ROWS_MIN) {
            let pairs = indices.iter_mut().zip(other.votes.stability(&day.votes));
            pairs.for_each(|(index, other)| *index = index.min(other));
        }
        indices
    }
}

/// Clients that are still followed, and the votes of those that are not.
fn part(all: HashMap<u64, Vote>, thinning: u32) -> (HashMap<u64, Vote>, Vec<Vote>) {
    let mut kept = HashMap::with_capacity(all.len() / 2);
    let mut dropped = Vec::new();
    for (client, vote) in all {
        if client.trailing_zeros() >= thinning {
            kept.insert(client, vote);
        } else {
            dropped.push(vote);
        }
    }
    (kept, dropped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::rows::Rows;

    /// Training rows whose every feature takes the values 0, 1, … 9 equally often.
    fn reference() -> DriftReference {
        let values: Vec<f32> = (0..1000u16)
            .flat_map(|row| [f32::from(row % 10); COUNT])
            .collect();
        DriftReference::fit(Rows::new(&values, COUNT).unwrap()).unwrap()
    }

    fn drift() -> Drift {
        Drift::new(reference(), 0.001)
    }

    /// A keyed hash of a client by its number.
    fn key(client: u64) -> u64 {
        client.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31)
    }

    /// One look of each client at a day: the same mixture each day, but that the first feature is moved up by so much.
    fn play(drift: &mut Drift, day: i64, clients: u64, up: f32) {
        for client in 0..clients {
            let mut row = [(client % 10) as f32; COUNT];
            row[0] += up;
            drift.look_at(key(client), day, &row, 0.5);
        }
    }

    fn index_of(indices: &Option<Vec<f64>>, feature: usize) -> Option<f64> {
        indices.as_ref().map(|indices| indices[feature])
    }

    #[test]
    fn a_feature_that_moved_since_the_days_before_raises_the_alarm() {
        let mut drift = drift();
        assert_eq!(drift.moved(), None);
        // The first day was not seen from its beginning, and is shown only as long as there is no other.
        play(&mut drift, 10, 600, 0.0);
        let moved = drift.moved().unwrap();
        assert_eq!((moved.day, moved.is_whole, moved.client_days), (10, false, 600));
        assert!(index_of(&moved.against_model, 0).unwrap() < 0.01);
        for day in 11..18 {
            play(&mut drift, day, 600, 0.0);
        }
        play(&mut drift, 18, 600, 4.0);
        // Six days are known before the last whole one: not a week. And the day that moved is not over.
        let moved = drift.moved().unwrap();
        assert_eq!(
            (moved.day, moved.is_whole, moved.client_days_before),
            (17, true, 3600)
        );
        assert_eq!((&moved.against_site, moved.alarms().len()), (&None, 0));
        play(&mut drift, 19, 1, 4.0);
        let moved = drift.moved().unwrap();
        assert_eq!((moved.day, moved.client_days_before), (18, 4200));
        assert_eq!(moved.alarms(), [FEATURES[0].name]);
        assert!(drift.has_changed(0) && !drift.has_changed(1));
        assert!(index_of(&moved.against_model, 0).unwrap() > PSI_LARGE);
        assert!(index_of(&moved.against_site, 1).unwrap() < 0.01);
        // The day after is like the one that moved: a change is told once.
        play(&mut drift, 19, 600, 4.0);
        play(&mut drift, 20, 1, 4.0);
        assert_eq!(drift.moved().unwrap().alarms(), [""; 0]);
    }

    #[test]
    fn clients_that_change_a_little_every_day_raise_nothing() {
        let mut drift = drift();
        for day in 0..20 {
            // After ten days every client's first feature is another.
            for client in 0..600 {
                let mut row = [(client % 10) as f32; COUNT];
                row[0] += if client % 20 < day as u64 { 10.0 } else { 0.0 };
                drift.look_at(key(client), day, &row, 0.5);
            }
            let moved = drift.moved().unwrap();
            assert_eq!(moved.alarms(), [""; 0], "{day}");
        }
    }

    #[test]
    fn the_next_process_goes_on_from_the_whole_days() {
        let mut drift = drift();
        for day in 0..10 {
            play(&mut drift, day, 600, 0.0);
        }
        let mut next = Drift::new(reference(), 0.001);
        next.resume(drift.whole_days());
        assert_eq!(next.moved(), drift.moved());
        // The day of the start is not whole to it; the days after it are.
        play(&mut next, 9, 600, 4.0);
        play(&mut next, 10, 600, 4.0);
        assert_eq!(next.moved().unwrap().day, 8);
        play(&mut next, 11, 1, 0.0);
        let moved = next.moved().unwrap();
        assert_eq!((moved.day, moved.alarms()), (10, vec![FEATURES[0].name]));
        // What is read again counts once.
        let mut again = Drift::new(reference(), 0.001);
        again.resume(next.whole_days());
        for day in 9..12 {
            play(&mut again, day, 600, 0.0);
        }
        let kept: Vec<i64> = again.whole_days().iter().map(|day| day.number).collect();
        assert_eq!(kept, [10, 8, 7, 6, 5, 4, 3, 2]);
    }

    #[test]
    fn too_few_client_days_say_nothing() {
        let mut drift = drift();
        for day in 1..12 {
            play(&mut drift, day, DRIFT_ROWS_MIN - 1, 4.0 * day as f32);
        }
        play(&mut drift, 12, 1, 0.0);
        let moved = drift.moved().unwrap();
        assert_eq!((moved.day, moved.client_days), (11, DRIFT_ROWS_MIN - 1));
        assert_eq!((&moved.against_model, &moved.against_site), (&None, &None));
    }

    #[test]
    fn a_sunday_is_held_against_the_last_sunday() {
        let mut drift = drift();
        let is_sunday = |day: i64| day % 7 == 0;
        for day in 0..15 {
            play(&mut drift, day, 600, if is_sunday(day) { 5.0 } else { 0.0 });
        }
        // Day 14 is the second whole Sunday; day 7 was the first.
        play(&mut drift, 15, 1, 0.0);
        let moved = drift.moved().unwrap();
        assert_eq!((moved.day, moved.client_days_before), (14, 7 * 600));
        assert_eq!(moved.alarms(), [""; 0]);
    }

    #[test]
    fn a_client_has_one_vote_a_day_its_last_and_none_beyond_the_budget() {
        let mut drift = drift();
        let low = [0.0; COUNT];
        let high = [9.0; COUNT];
        for (client, row, p_value) in [
            (1, low, 0.5),
            (1, high, 0.5),
            (2, low, 0.5),
            // Beyond once, beyond for the day.
            (2, low, 0.0005),
            (2, low, 0.5),
            (3, high, 0.001),
        ] {
            drift.look_at(client, 5, &row, p_value);
        }
        let moved = drift.moved().unwrap();
        assert_eq!((moved.client_days, moved.beyond), (1, 2));
        let mut expected = drift.reference.no_rows();
        expected.add(&[9; COUNT]);
        assert_eq!(drift.today.votes, expected);
        // The next day everybody votes again.
        drift.look_at(2, 6, &low, 0.5);
        assert_eq!((drift.today.votes.rows(), drift.today.beyond), (1, 0));
    }

    #[test]
    fn an_attack_that_the_model_sees_is_not_taken_for_drift() {
        let mut drift = drift();
        for day in 0..9 {
            play(&mut drift, day, 600, 0.0);
        }
        for client in 10_000..12_000 {
            drift.look_at(key(client), 8, &[100.0; COUNT], 0.0001);
        }
        play(&mut drift, 9, 1, 0.0);
        assert!(drift.moved().unwrap().against_site.is_some());
        let moved = drift.moved().unwrap();
        assert_eq!((moved.client_days, moved.beyond), (600, 2000));
        assert_eq!(moved.alarms(), [""; 0]);
    }

    #[test]
    fn too_many_clients_are_a_sample() {
        let mut drift = drift();
        let clients = FOLLOWED_MAX as u64 * 3;
        play(&mut drift, 1, clients, 0.0);
        assert!(drift.followed.len() <= FOLLOWED_MAX && drift.thinning >= 2);
        assert_eq!(drift.today.votes.rows(), drift.followed.len() as u64);
        let mut counted = drift.reference.no_rows();
        drift
            .followed
            .values()
            .flatten()
            .for_each(|bins| counted.add(bins));
        assert_eq!(drift.today.votes, counted);
        let moved = drift.moved().unwrap();
        assert!(index_of(&moved.against_model, 0).unwrap() < 0.01);
        // The sample is drawn again as the next day asks.
        let before = drift.thinning;
        play(&mut drift, 2, 10, 0.0);
        assert_eq!(drift.thinning, before - 1);
    }

    #[test]
    fn late_looks_are_left_out_and_a_clock_that_was_put_right_begins_anew() {
        let mut drift = drift();
        for day in 1..4 {
            play(&mut drift, day, 600, 0.0);
        }
        // A clock far ahead makes a day of its own; a few late looks change nothing.
        play(&mut drift, 50_000, 3, 0.0);
        play(&mut drift, 4, 100, 0.0);
        assert_eq!(drift.today.number, 50_000);
        play(&mut drift, 4, u64::from(LATE_IN_A_ROW), 0.0);
        assert_eq!((drift.today.number, drift.is_whole), (4, false));
        play(&mut drift, 5, 600, 0.0);
        play(&mut drift, 6, 1, 0.0);
        let kept: Vec<i64> = drift.days.iter().map(|day| day.number).collect();
        assert_eq!(kept, [5, 3, 2]);
    }
}
