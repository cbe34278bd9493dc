//! Clients that stand out: their pages are kept up to date for people to look at.
//!
//! Pages show; they decide nothing and are not part of a checkpoint.

use super::super::page;
use detector::{Detector, Scorer};
use domain::{Action, Client, Timestamp};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use storage::ClientSummary;

/// Clients whose pages are kept up to date: those that stood out last. Pages of earlier ones stay as they are.
const WATCHED_MAX: usize = 512;
/// Points of a page's timeline: what a screen shows. The oldest go first.
const POINTS_MAX: usize = 240;
/// Seconds of event time between two points while nothing else happens.
const POINT_SECS: i64 = 5;
/// Pages written at once: a flood of alerts must not hold the reading up.
const PAGES_MAX: usize = 64;

/// A client's totals at one moment, and its score then. Requests that we stopped are among its requests.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Point {
    at: Timestamp,
    requests: u64,
    failed: u64,
    stopped: u64,
    score: f32,
}

#[derive(Debug, Default)]
struct Watch {
    action: Option<Action>,
    score: f32,
    points: VecDeque<Point>,
    latest: Point,
    is_changed: bool,
}

/// The clients that stood out last.
#[derive(Debug, Default)]
pub(super) struct Watched {
    clients: HashMap<Client, Watch>,
    order: VecDeque<Client>,
}

impl Watched {
    /// Notes that a client was alerted on.
    pub(super) fn watch(&mut self, client: &Client, action: Action, score: f32) {
        if !self.clients.contains_key(client) {
            if self.order.len() >= WATCHED_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.clients.remove(&oldest);
            }
            self.order.push_back(client.clone());
        }
        let watch = self.clients.entry(client.clone()).or_default();
        watch.action = watch.action.max(Some(action));
        watch.score = score;
        watch.is_changed = true;
    }

    /// The pages that changed, at most a screenful at a time.
    pub(super) fn pages<S: Scorer>(&mut self, detector: &Detector<S>, now: Timestamp) -> Vec<ClientSummary> {
        let mut pages = Vec::new();
        for client in &self.order {
            if pages.len() >= PAGES_MAX {
                break;
            }
            let Some(watch) = self.clients.get_mut(client) else {
                continue;
            };
            let Some(view) = detector.client_view(client) else {
                continue;
            };
            let counted = Point {
                at: view.last_seen,
                requests: view.requests + view.stopped,
                failed: view.failed,
                stopped: view.stopped,
                score: view.score.value,
            };
            if counted.requests == watch.latest.requests && !watch.is_changed {
                continue;
            }
            watch.is_changed = false;
            watch.note(counted, detector.now());
            pages.push(ClientSummary {
                client: client.clone(),
                updated_at: now,
                first_seen: view.first_seen,
                last_seen: watch.latest.at,
                requests: watch.latest.requests,
                score: watch.score.max(view.score.value),
                action: watch.action,
                features: page::features(&view),
                timeline: watch.timeline(),
            });
        }
        pages
    }
}

impl Watch {
    /// Takes in what a client's window shows at that moment of event time. Windows do not tell when they stopped
    /// something, but if they did since the last look, the client was seen just now.
    fn note(&mut self, counted: Point, now: Timestamp) {
        let at = if counted.stopped > self.latest.stopped {
            now
        } else {
            counted.at
        };
        self.latest = Point {
            at: at.max(self.latest.at),
            ..counted
        };
        self.add_point(self.latest);
    }

    /// Adds a point, or moves the last one when it is fresh.
    fn add_point(&mut self, point: Point) {
        let is_fresh = self
            .points
            .iter()
            .rev()
            .nth(1)
            .is_some_and(|before| point.at.millis_since(before.at) < POINT_SECS * 1000);
        if is_fresh {
            self.points.pop_back();
        }
        if self.points.len() >= POINTS_MAX {
            self.points.pop_front();
        }
        self.points.push_back(point);
    }

    /// What happened between two points and the next, as the store's form has it.
    fn timeline(&self) -> Value {
        let before = std::iter::once(Point::default()).chain(self.points.iter().copied());
        before
            .zip(&self.points)
            .map(|(before, point)| {
                serde_json::json!({
                    "at": point.at.to_string(),
                    "requests": point.requests.saturating_sub(before.requests),
                    "errors": point.failed.saturating_sub(before.failed),
                    "stopped": point.stopped.saturating_sub(before.stopped),
                    "score": point.score,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn counted(at_secs: i64, requests: u64, failed: u64, stopped: u64) -> Point {
        Point {
            at: Timestamp::from_secs(at_secs),
            requests,
            failed,
            stopped,
            score: 0.5,
        }
    }

    fn check(watch: &Watch, expected: &[(i64, u64, u64, u64)]) {
        let expected: Value = expected
            .iter()
            .map(|&(at, requests, errors, stopped)| {
                let at = Timestamp::from_secs(at).to_string();
                serde_json::json!({
                    "at": at, "requests": requests, "errors": errors, "stopped": stopped, "score": 0.5,
                })
            })
            .collect();
        assert_eq!(watch.timeline(), expected);
    }

    #[test]
    fn a_blocked_client_that_goes_on_is_seen_when_it_is_stopped() {
        let mut watch = Watch::default();
        // The window stands still at the last request that counted; the time goes on.
        for (point, now) in [
            (counted(10, 12, 12, 0), 11),
            (counted(20, 30, 28, 2), 21),
            (counted(20, 48, 28, 20), 31),
            (counted(20, 60, 28, 32), 41),
        ] {
            watch.note(point, Timestamp::from_secs(now));
        }
        check(
            &watch,
            &[(10, 12, 12, 0), (21, 18, 16, 2), (31, 18, 0, 18), (41, 12, 0, 12)],
        );
        assert_eq!(watch.latest.at, Timestamp::from_secs(41));
    }

    #[test]
    fn points_that_come_within_seconds_become_one() {
        let mut watch = Watch::default();
        for (at, sent) in (0..12).zip((2..).step_by(2)) {
            watch.note(counted(at, sent, 0, 0), Timestamp::from_secs(at + 60));
        }
        check(&watch, &[(0, 2, 0, 0), (4, 8, 0, 0), (8, 8, 0, 0), (11, 6, 0, 0)]);
    }
}
