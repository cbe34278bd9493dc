//! Machines: CrowdSec's watchers and `cscli`, which sign in with a key's name and secret and ask with a token from then on.
//!
//! A token names its key by the hash of the secret and ends by itself; nothing is stored for it, and a key that was revoked opens
//! nothing any more.

use super::handler::{JSON, forbidden, message, unauthorized};
use crate::auth::{KeyError, KnownKey, Secret, SharedSecret, hash_secret};
use crate::peer::Peer;
use crate::state::ApiState;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::Timestamp;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use storage::{NewApiKey, Role, Store};
use tokio::sync::OnceCell;

/// How long a token opens something: an hour, as CrowdSec's own.
const TOKEN_MILLIS: i64 = 3_600_000;
/// Longest token that is read: ours has some 145 characters.
const TOKEN_BYTES_MAX: usize = 512;
/// Shortest password that a machine may choose for itself: its hash is a fast one, made for secrets that nobody can guess. CrowdSec's own
/// machines choose 64 characters at random.
const PASSWORD_BYTES_MIN: usize = 32;
/// Longest password that is taken.
const PASSWORD_BYTES_MAX: usize = 256;
/// Longest name of a machine; as long as a key's.
const NAME_BYTES_MAX: usize = 64;
/// Most machines that may register themselves; whoever makes keys by hand may make more.
const REGISTERED_MAX: usize = 1_000;
/// What one machine may report in a minute: CrowdSec pushes a handful. Above it, it is told to come later.
const REPORTS_A_MINUTE_MAX: u32 = 600;
/// Most machines whose reports are counted; above it the counts begin anew.
const COUNTED_MAX: usize = 10_000;
/// The setting that holds the key under which tokens are made: every process of an installation takes the others'.
const TOKEN_KEY: &str = "lapi_token_key";

/// How machines come in.
pub(crate) struct Machines {
    registration: Option<SharedSecret>,
    token_key: OnceCell<[u8; 32]>,
    /// Reports of the minute, by machine.
    reported: Mutex<HashMap<String, (i64, u32)>>,
}

impl Machines {
    /// With what a machine has to know to register itself; `None`: no machine can.
    pub(crate) fn new(registration: Option<SharedSecret>) -> Self {
        Self {
            registration,
            token_key: OnceCell::new(),
            reported: Mutex::default(),
        }
    }

    /// Whether a machine may report so much more within this minute; counts it if so.
    pub(super) fn takes(&self, machine: &str, reports: u32, now: Timestamp) -> bool {
        let minute = now.as_millis().div_euclid(60_000);
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.len() >= COUNTED_MAX && !reported.contains_key(machine) {
            reported.clear();
        }
        let counted = reported.entry(machine.to_owned()).or_insert((minute, 0));
        if counted.0 != minute {
            *counted = (minute, 0);
        }
        let sum = counted.1.saturating_add(reports);
        if sum > REPORTS_A_MINUTE_MAX {
            return false;
        }
        counted.1 = sum;
        true
    }

    async fn key(&self, store: &dyn Store) -> Result<&[u8; 32], TokenError> {
        let read = || async {
            let fresh = Secret::generate().map_err(|error| TokenError::Own(error.to_string()))?;
            let kept = store.setting_or_insert(TOKEN_KEY, fresh.reveal()).await?;
            Ok::<_, TokenError>(blake3::derive_key("portcullis lapi token 1", kept.as_bytes()))
        };
        self.token_key.get_or_try_init(read).await
    }

    async fn token(&self, store: &dyn Store, hash: &str, expires: Timestamp) -> Result<String, TokenError> {
        let said = format!("{}.{hash}", expires.as_millis());
        let seal = blake3::keyed_hash(self.key(store).await?, said.as_bytes());
        Ok(format!("{said}.{}", seal.to_hex()))
    }

    /// The key's hash that a token names.
    async fn read(&self, store: &dyn Store, token: &str, now: Timestamp) -> Result<String, TokenError> {
        let (said, seal) = token.rsplit_once('.').ok_or(TokenError::Wrong)?;
        let expected = blake3::keyed_hash(self.key(store).await?, said.as_bytes());
        let seal = blake3::Hash::from_hex(seal).map_err(|_| TokenError::Wrong)?;
        // `blake3::Hash` compares in constant time.
        if seal != expected {
            return Err(TokenError::Wrong);
        }
        let (expires, hash) = said.split_once('.').ok_or(TokenError::Wrong)?;
        let expires: i64 = expires.parse().map_err(|_| TokenError::Wrong)?;
        if expires <= now.as_millis() {
            return Err(TokenError::Expired);
        }
        Ok(hash.to_owned())
    }
}

/// Why a token opened nothing; the text is what CrowdSec says.
#[derive(Debug, thiserror::Error)]
enum TokenError {
    #[error("signature is invalid")]
    Wrong,
    #[error("Token is expired")]
    Expired,
    #[error("could not make a token's key: {0}")]
    Own(String),
    #[error(transparent)]
    Store(#[from] storage::Error),
}

/// Why a machine is not answered.
#[derive(Debug)]
pub(super) enum Refused {
    /// It has to sign in.
    Unauthorized(&'static str),
    /// Anything else.
    Message(StatusCode, String),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthorized(text) => unauthorized(text),
            Self::Message(status, text) => message(status, &text),
        }
    }
}

/// A refusal with a status and a sentence.
pub(super) fn refused(status: StatusCode, text: &str) -> Refused {
    Refused::Message(status, text.to_owned())
}

/// A machine that has signed in.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    /// Its key.
    pub(super) key: Arc<KnownKey>,
    hash: String,
}

impl Machine {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.key.key.name
    }

    /// Whether what it decides is a person's word: it signed in with an operator's key.
    pub(super) fn is_operator(&self) -> bool {
        self.key.key.role >= Role::Operator
    }
}

/// Lets machines through by their token.
pub(super) async fn require(
    State(state): State<Arc<ApiState>>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(token) = presented(request.headers()) else {
        return unauthorized("cookie token is empty");
    };
    let now = state.now();
    let hash = match state.machines.read(&*state.store, token, now).await {
        Ok(hash) => hash,
        Err(error @ (TokenError::Wrong | TokenError::Expired)) => return unauthorized(&error.to_string()),
        Err(error) => return store_failed(&error).into_response(),
    };
    match found(state.keys.find_by_hash(&hash, peer.address.ip(), now).await) {
        Ok(key) => {
            if key.claim_touch(now) {
                state.note_key_use(&key.key.name, now);
            }
            request.extensions_mut().insert(Machine { key, hash });
            next.run(request).await
        }
        Err(why) => why.into_response(),
    }
}

/// A token as the header holds it. `None` where there is none.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let token = header.strip_prefix("Bearer ")?.trim();
    (!token.is_empty() && token.len() <= TOKEN_BYTES_MAX).then_some(token)
}

/// The key of a machine, or the refusal.
fn found(key: Result<Arc<KnownKey>, KeyError>) -> Result<Arc<KnownKey>, Refused> {
    match key {
        Ok(key) if key.key.role == Role::Watcher || key.key.role >= Role::Operator => Ok(key),
        Ok(_) | Err(KeyError::Unknown | KeyError::TooMany) => {
            Err(Refused::Unauthorized("ent: machine not found"))
        }
        Err(KeyError::Store(error)) => Err(store_failed(&TokenError::Store(error))),
    }
}

fn store_failed(error: &TokenError) -> Refused {
    tracing::error!(%error, "could not sign a machine in");
    refused(StatusCode::INTERNAL_SERVER_ERROR, "the store does not answer")
}

/// What a machine says who it is. Its scenarios are nobody's business here.
#[derive(Deserialize)]
struct Credentials {
    machine_id: String,
    password: String,
    #[serde(default)]
    registration_token: Option<String>,
}

/// `POST /v1/watchers/login`: a key's name and secret for a token.
pub(super) async fn sign_in(
    State(state): State<Arc<ApiState>>,
    Extension(peer): Extension<Peer>,
    body: Bytes,
) -> Response {
    let now = state.now();
    let Ok(said) = serde_json::from_slice::<Credentials>(&body) else {
        return unauthorized("ent: machine not found");
    };
    let found = found(state.keys.find(&said.password, peer.address.ip(), now).await);
    match found {
        Ok(key) if key.key.name == said.machine_id => {
            give_token(&state, &hash_secret(&said.password), now).await
        }
        Ok(_) => {
            state.metrics.refused_key();
            unauthorized("ent: machine not found")
        }
        Err(why) => {
            state.metrics.refused_key();
            why.into_response()
        }
    }
}

/// `GET /v1/refresh_token`: a token for a token.
pub(super) async fn refresh(
    State(state): State<Arc<ApiState>>,
    Extension(machine): Extension<Machine>,
) -> Response {
    give_token(&state, &machine.hash, state.now()).await
}

async fn give_token(state: &ApiState, hash: &str, now: Timestamp) -> Response {
    let expires = now.plus_millis(TOKEN_MILLIS);
    match state.machines.token(&*state.store, hash, expires).await {
        Ok(token) => {
            let body = serde_json::json!({ "code": 200, "expire": expires.to_string(), "token": token });
            ([(header::CONTENT_TYPE, JSON)], body.to_string()).into_response()
        }
        Err(error) => store_failed(&error).into_response(),
    }
}

/// `POST /v1/watchers`: a machine that knows the configured token makes a watcher's key for itself, with a secret that it chose.
pub(super) async fn register(State(state): State<Arc<ApiState>>, body: Bytes) -> Response {
    let Some(registration) = &state.machines.registration else {
        return message(
            StatusCode::FORBIDDEN,
            "registration is off (lapi.registration_token): ask for a key of the role watcher",
        );
    };
    let Ok(said) = serde_json::from_slice::<Credentials>(&body) else {
        return message(StatusCode::BAD_REQUEST, "could not read who registers");
    };
    if !said
        .registration_token
        .as_deref()
        .is_some_and(|token| registration.matches(token))
    {
        state.metrics.refused_key();
        return forbidden();
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_named =
        (1..=NAME_BYTES_MAX).contains(&said.machine_id.len()) && said.machine_id.bytes().all(is_plain);
    if !is_named || !(PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&said.password.len()) {
        return message(
            StatusCode::BAD_REQUEST,
            &format!(
                "machine_id has 1 to {NAME_BYTES_MAX} letters, digits, dots, dashes or underscores, and the password at least {PASSWORD_BYTES_MIN} bytes"
            ),
        );
    }
    match add(&state, &said).await {
        // Nobody has to let it in: it knew the token.
        Ok(true) => StatusCode::ACCEPTED.into_response(),
        Ok(false) => message(
            StatusCode::FORBIDDEN,
            "as many machines have registered as may: ask for a key of the role watcher",
        ),
        Err(storage::Error::AlreadyExists { .. }) => message(StatusCode::FORBIDDEN, "user already exist"),
        Err(error) => store_failed(&TokenError::Store(error)).into_response(),
    }
}

/// Stores a machine's key; false when there are too many.
async fn add(state: &ApiState, said: &Credentials) -> Result<bool, storage::Error> {
    let keys = state.store.api_keys().await?;
    let watchers = keys.iter().filter(|key| key.role == Role::Watcher);
    if watchers.count() >= REGISTERED_MAX {
        return Ok(false);
    }
    let key = NewApiKey {
        name: said.machine_id.clone(),
        hash: hash_secret(&said.password),
        role: Role::Watcher,
        gateway: None,
        created_by: "registration".to_owned(),
    };
    let key = state.store.add_api_key(&key, state.now()).await?;
    tracing::info!(key = %key.name, "a machine registered itself as a watcher");
    Ok(true)
}

/// `DELETE /v1/watchers/self`: the machine's key is revoked. A person's key is not, whatever signs in with it.
pub(super) async fn leave(
    State(state): State<Arc<ApiState>>,
    Extension(machine): Extension<Machine>,
) -> Response {
    if machine.is_operator() {
        return forbidden();
    }
    let name = machine.name();
    match state.store.revoke_api_key(name, name, state.now()).await {
        Ok(_) => {
            state.keys.forget_name(name);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => store_failed(&TokenError::Store(error)).into_response(),
    }
}

/// What CrowdSec answers with a body of one word, as JSON.
pub(super) fn json(status: StatusCode, body: serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, JSON)], Json(body)).into_response()
}
