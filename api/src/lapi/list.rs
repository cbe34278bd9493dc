//! `GET /api/v1/list`: who is to be refused, one address or range a line or as JSON, for anything that reads a list and knows no
//! bouncer's protocol. Answered from memory, with an entity tag, and held back until something changes where that is asked for.

use super::filter::Filter;
use super::handler::{accepts_gzip, note_asked, note_bouncer};
use super::packed::Packed;
use super::wire::is_served;
use crate::auth::KnownKey;
use crate::blocklist::read;
use crate::neutral::neutralise;
use crate::peer::{Peer, Stopping};
use crate::problem::Problem;
use crate::state::ApiState;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::blocklist::{Blocklist, Entry};
use domain::{Action, Scope, Timestamp};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Longest that an answer is held back, in seconds: what stands between often cuts a silent connection off after a minute.
const WAIT_SECS_MAX: u64 = 60;
/// Most askers whose answers are held back at once: a connection each. Whoever comes then is answered at once.
const WAITERS_MAX: usize = 1_000;
/// How often is looked whether something has changed, while an answer is held back.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Most written lists that are kept: those who ask share a few questions.
const WRITTEN_MAX: usize = 8;
/// A list may be this old when something has changed since: its tag says which it is, and the next question brings the difference.
/// Bounds the work that many askers cause.
const STALE_MILLIS_MAX: i64 = 250;

/// The lists that were written, and who waits.
pub(crate) struct Lists {
    written: Mutex<HashMap<Question, Arc<Written>>>,
    /// One list is written at a time: the others that want it wait and share it.
    writing: tokio::sync::Mutex<()>,
    waiters: Arc<Semaphore>,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            written: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            waiters: Arc::new(Semaphore::new(WAITERS_MAX)),
        }
    }
}

/// A written list.
struct Written {
    generation: u64,
    at: Timestamp,
    tag: String,
    body: Packed,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Question {
    is_json: bool,
    actions: Vec<Action>,
    scopes: Vec<Scope>,
    gateway: Option<String>,
}

/// The question, and how long to wait.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    question: Question,
    wait: Duration,
}

impl Asked {
    fn parse(query: &str, accept: &str, gateway: Option<&str>) -> Result<Self, String> {
        let mut asked = Self {
            question: Question {
                is_json: accept.contains("application/json"),
                actions: vec![Action::Block],
                scopes: vec![Scope::Ip, Scope::Range],
                gateway: gateway.map(str::to_owned),
            },
            wait: Duration::ZERO,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "format" => {
                    asked.question.is_json = match value.as_ref() {
                        "json" => true,
                        "text" => false,
                        _ => return Err("format is text or json".to_owned()),
                    };
                }
                "action" => asked.question.actions = each(&value, action)?,
                "scope" => {
                    asked.question.scopes = each(&value, |name| {
                        Scope::from_name(name).ok_or_else(|| "an unknown scope".to_owned())
                    })?;
                }
                "wait" => {
                    let secs = value.strip_suffix('s').unwrap_or(&value).parse::<u64>();
                    let secs = secs.ok().filter(|secs| *secs <= WAIT_SECS_MAX);
                    asked.wait =
                        Duration::from_secs(secs.ok_or_else(|| format!("wait is 0s to {WAIT_SECS_MAX}s"))?);
                }
                _ => return Err("there are format, action, scope and wait".to_owned()),
            }
        }
        Ok(asked)
    }
}

/// The items of a comma list, each once and in one order: two who ask for the same share what is written.
fn each<T: Ord>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let mut items = text.split(',').map(read).collect::<Result<Vec<_>, _>>()?;
    items.sort_unstable();
    items.dedup();
    Ok(items)
}

fn action(name: &str) -> Result<Action, String> {
    let action: Option<Action> = name.parse().ok();
    action
        .filter(|action| action.is_enforced())
        .ok_or_else(|| "action is block, throttle or challenge".to_owned())
}

/// Answers.
pub(super) async fn handle(
    State(state): State<Arc<ApiState>>,
    Extension(key): Extension<Arc<KnownKey>>,
    Extension(peer): Extension<Peer>,
    stopping: Option<Extension<Stopping>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let asked = Asked::parse(
        query.as_deref().unwrap_or_default(),
        text(header::ACCEPT).unwrap_or_default(),
        key.key.gateway.as_deref(),
    )
    .map_err(|why| Problem::bad_request(&why))?;
    let now = state.now();
    note_asked(&state, &key, &Filter::of_scopes(&asked.question.scopes));
    note_bouncer(&state, &key, &headers, peer, Some(now), now);
    let known = text(header::IF_NONE_MATCH).unwrap_or_default().to_owned();
    let stopping = stopping.map(|Extension(stopping)| stopping);
    let written = changed(&state, &asked, &known, stopping).await;
    state.metrics.pulled();
    Ok(match written {
        Ok(written) => answer(written, asked.question.is_json, &headers).await,
        Err(tag) => same(&tag),
    })
}

/// The list, once it is another than the known one; its tag where it still is that one when the time is over.
async fn changed(
    state: &Arc<ApiState>,
    asked: &Asked,
    known: &str,
    stopping: Option<Stopping>,
) -> Result<Arc<Written>, String> {
    let deadline = Instant::now() + asked.wait;
    let mut written = current(state, &asked.question).await;
    // Without a place nobody waits.
    let place = (!asked.wait.is_zero()).then(|| Arc::clone(&state.lists.waiters).try_acquire_owned());
    let may_wait = place.as_ref().is_some_and(Result::is_ok);
    while is_known(&written.tag, known) {
        let is_stopping = stopping
            .as_ref()
            .is_some_and(|stopping| stopping.0.is_cancelled());
        if !may_wait || is_stopping || Instant::now() >= deadline {
            return Err(written.tag.clone());
        }
        tokio::time::sleep(LOOK_EVERY).await;
        if read(&*state.blocklist, Blocklist::generation) != written.generation {
            written = current(state, &asked.question).await;
        }
    }
    Ok(written)
}

/// Whether a tag is among those of `If-None-Match` (RFC 9110, 13.1.2).
fn is_known(tag: &str, known: &str) -> bool {
    known
        .split(',')
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*")
}

/// The list as it is, written anew only when something has changed.
async fn current(state: &Arc<ApiState>, question: &Question) -> Arc<Written> {
    let lists = &state.lists;
    let fresh = || {
        let generation = read(&*state.blocklist, Blocklist::generation);
        let now = state.now();
        let kept = lists.written.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(question).filter(|written| {
            let age = now.millis_since(written.at);
            written.generation == generation || (0..STALE_MILLIS_MAX).contains(&age)
        });
        found.cloned()
    };
    if let Some(written) = fresh() {
        return written;
    }
    let _alone = lists.writing.lock().await;
    if let Some(written) = fresh() {
        return written;
    }
    let (state_there, asked) = (Arc::clone(state), question.clone());
    let write = move || Arc::new(write(&state_there, &asked));
    // A million lines take a good while: not on a thread that answers lookups.
    let written = match tokio::task::spawn_blocking(write.clone()).await {
        Ok(written) => written,
        Err(_) => write(),
    };
    let mut kept = lists.written.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= WRITTEN_MAX && !kept.contains_key(question) {
        let oldest = kept.iter().min_by_key(|(_, written)| written.at);
        if let Some(oldest) = oldest.map(|(question, _)| question.clone()) {
            kept.remove(&oldest);
        }
    }
    kept.insert(question.clone(), Arc::clone(&written));
    written
}

fn write(state: &ApiState, question: &Question) -> Written {
    let now = state.now();
    let (mut entries, generation) = read(&*state.blocklist, |list| {
        let is_wanted = |entry: &Entry| {
            entry.expires_at > now
                && is_served(entry, question.gateway.as_deref())
                && question.actions.contains(&entry.action)
                && question.scopes.contains(&entry.client.scope())
        };
        let found: Vec<Entry> = list.strongest(is_wanted).cloned().collect();
        (found, list.generation())
    });
    // Addresses in their own order, then names; of one client the strongest first.
    entries.sort_by(|left, right| {
        let place = |entry: &Entry| (entry.client.range().is_none(), entry.client.range());
        place(left)
            .cmp(&place(right))
            .then_with(|| left.client.value().cmp(&right.client.value()))
            .then(right.action.cmp(&left.action))
    });
    let text = if question.is_json {
        json_of(&entries)
    } else {
        lines_of(&entries)
    };
    let digest = blake3::hash(text.as_bytes()).to_hex();
    Written {
        generation,
        at: now,
        tag: format!("\"{}\"", &digest[..32]),
        body: Packed::new(text),
    }
}

/// One client a line, each once.
fn lines_of(entries: &[Entry]) -> String {
    let mut out = String::with_capacity(entries.len() * 16);
    let mut last = None;
    for entry in entries {
        if last.replace(&entry.client) != Some(&entry.client) {
            out.push_str(&neutralise(&entry.client.value()));
            out.push('\n');
        }
    }
    out
}

/// One entry a line, so that a difference between two lists can be read.
fn json_of(entries: &[Entry]) -> String {
    let mut out = String::from("[");
    for (place, entry) in entries.iter().enumerate() {
        out.push_str(if place > 0 { ",\n" } else { "\n" });
        let one = json!({
            "scope": entry.client.scope().as_str(),
            "value": neutralise(&entry.client.value()),
            "action": entry.action.as_str(),
            "until": entry.expires_at.to_string(),
            "threat": entry.threat.as_str(),
            "decision": entry.id.to_string(),
        });
        out.push_str(&one.to_string());
    }
    out.push_str("\n]\n");
    out
}

async fn answer(written: Arc<Written>, is_json: bool, headers: &HeaderMap) -> Response {
    let is_gzip = written.body.is_long() && accepts_gzip(headers);
    let bytes = if is_gzip {
        let shared = Arc::clone(&written);
        let packed = tokio::task::spawn_blocking(move || shared.body.gzip()).await;
        packed.unwrap_or_else(|_| written.body.gzip())
    } else {
        written.body.plain()
    };
    let mut response = bytes.into_response();
    let kind = if is_json {
        "application/json"
    } else {
        "text/plain; charset=utf-8"
    };
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if is_gzip {
        head.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    tagged(response, &written.tag)
}

fn same(tag: &str) -> Response {
    tagged(StatusCode::NOT_MODIFIED.into_response(), tag)
}

fn tagged(mut response: Response, tag: &str) -> Response {
    let head = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        head.insert(header::ETAG, tag);
    }
    head.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    // It is whose key asked: nobody in between keeps it without asking again.
    head.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Answer, Rig, request};
    use axum::Router;
    use axum::http::Method;
    use domain::Client;
    use storage::Role;

    struct Asker {
        rig: Rig,
        router: Router,
        secret: String,
    }

    impl Asker {
        async fn new() -> Self {
            let rig = Rig::new().await;
            let secret = rig.key("edge", Role::Bouncer, None).await;
            let router = crate::router(&rig.state, crate::Entrance::to(&[crate::Surface::Bouncer]));
            Self { rig, router, secret }
        }

        fn put(&self, scope: Scope, value: &str, action: Action) {
            let client = Client::parse(scope, value).unwrap();
            self.rig.put(|decision| {
                decision.client = client;
                decision.action = action;
            });
        }

        async fn get(&self, query: &str, more: &[(&str, &str)]) -> Answer {
            let mut headers = vec![("X-Api-Key", self.secret.as_str())];
            headers.extend(more);
            let uri = format!("/api/v1/list{query}");
            self.rig
                .send(&self.router, request(Method::GET, &uri, &headers))
                .await
        }
    }

    async fn example() -> Asker {
        let asker = Asker::new().await;
        asker.put(Scope::Ip, "203.0.113.10", Action::Block);
        asker.put(Scope::Ip, "203.0.113.9", Action::Block);
        asker.put(Scope::Ip, "203.0.113.9", Action::Throttle);
        asker.put(Scope::Ip, "203.0.113.8", Action::Throttle);
        asker.put(Scope::Range, "198.51.100.0/24", Action::Block);
        asker.put(Scope::Ip, "2001:db8:1::7", Action::Block);
        asker.put(Scope::Consumer, "bob", Action::Block);
        asker
    }

    #[tokio::test]
    async fn a_list_holds_each_blocked_address_once_in_order() {
        let asker = example().await;
        let answer = asker.get("", &[]).await;
        assert_eq!(
            answer.text(),
            "198.51.100.0/24\n203.0.113.9\n203.0.113.10\n2001:db8:1::/64\n"
        );
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        let check = async |query: &str, expected: &str| {
            assert_eq!(asker.get(query, &[]).await.text(), expected, "{query}");
        };
        check("?action=throttle", "203.0.113.8\n203.0.113.9\n").await;
        check("?scope=consumer", "bob\n").await;
        let json = asker.get("", &[("Accept", "application/json")]).await;
        assert_eq!(json.json()[1]["value"], "203.0.113.9");
        assert_eq!(asker.get("?format=json", &[]).await.text(), json.text());
        for wrong in [
            "?wait=61s",
            "?wait=x",
            "?action=observe",
            "?scope=planet",
            "?format=xml",
            "?foo=1",
        ] {
            assert_eq!(asker.get(wrong, &[]).await.status.as_u16(), 400, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_key_of_the_role_bouncer_opens_it_and_sees_its_own_gateway() {
        let asker = Asker::new().await;
        asker
            .rig
            .put(|decision| decision.gateways = vec!["edge-2".to_owned()]);
        assert_eq!(asker.get("", &[]).await.text(), "");
        let own = asker.rig.key("edge-2", Role::Bouncer, Some("edge-2")).await;
        let ask = async |secret: &str| {
            let headers = [("X-Api-Key", secret)];
            asker
                .rig
                .send(&asker.router, request(Method::GET, "/api/v1/list", &headers))
                .await
        };
        assert_eq!(ask(&own).await.text(), "203.0.113.1\n");
        let viewer = asker.rig.key("viewer", Role::Viewer, None).await;
        for wrong in ["", "guessed", &viewer] {
            assert_eq!(ask(wrong).await.status.as_u16(), 403);
        }
    }

    #[tokio::test]
    async fn what_is_known_is_not_sent_again() {
        let asker = example().await;
        let tag = asker.get("", &[]).await.header("etag").unwrap().to_owned();
        let known = [("If-None-Match", tag.as_str())];
        let again = asker.get("", &known).await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
        assert_eq!(again.header("etag"), Some(tag.as_str()));
        // What the list does not hold changes nothing.
        asker.put(Scope::Ip, "203.0.113.77", Action::Challenge);
        asker.rig.advance(1_000);
        assert_eq!(asker.get("", &known).await.status.as_u16(), 304);
        asker.put(Scope::Ip, "203.0.113.78", Action::Block);
        asker.rig.advance(1_000);
        let changed = asker.get("", &known).await;
        assert_eq!(changed.status.as_u16(), 200);
        assert!(changed.text().contains("203.0.113.78"));
        asker.rig.advance(14_400_000);
        assert_eq!(asker.get("", &[]).await.text(), "", "everything has expired");
    }

    #[tokio::test]
    async fn whoever_waits_is_answered_when_something_changes() {
        let asker = example().await;
        let tag = asker.get("", &[]).await.header("etag").unwrap().to_owned();
        let known = [("If-None-Match", tag.as_str())];
        let change = async {
            // The other has begun to wait by then, or finds the change there: either is right.
            tokio::task::yield_now().await;
            asker.put(Scope::Ip, "203.0.113.78", Action::Block);
            asker.rig.advance(1_000);
        };
        let (answer, ()) = tokio::join!(asker.get("?wait=60s", &known), change);
        assert_eq!(answer.status.as_u16(), 200);
        assert!(answer.text().contains("203.0.113.78"));

        // With all places taken nobody waits.
        let waiters = Arc::clone(&asker.rig.state.lists.waiters);
        let _all = waiters.acquire_many_owned(WAITERS_MAX as u32).await.unwrap();
        let tag = answer.header("etag").unwrap().to_owned();
        let known = [("If-None-Match", tag.as_str())];
        assert_eq!(asker.get("?wait=60s", &known).await.status.as_u16(), 304);
    }
}
