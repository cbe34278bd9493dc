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

/// A client's totals at one moment, and its score then.
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
    requests: u64,
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
            let requests = view.requests + view.stopped;
            if requests == watch.requests && !watch.is_changed {
                continue;
            }
            watch.requests = requests;
            watch.is_changed = false;
            watch.add_point(Point {
                at: view.last_seen,
                requests: view.requests,
                failed: view.failed,
                stopped: view.stopped,
                score: view.score.value,
            });
            pages.push(ClientSummary {
                client: client.clone(),
                updated_at: now,
                first_seen: view.first_seen,
                last_seen: view.last_seen,
                requests: view.requests,
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
