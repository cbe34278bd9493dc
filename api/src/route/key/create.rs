//! Making a key. Its secret is in this answer and nowhere else.

use crate::auth::{Caller, Secret};
use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::Json;
use crate::state::ApiState;
use crate::wire::{KeyView, NewKey, NewKeyView};
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use std::sync::Arc;
use storage::{NewApiKey, Role};

/// Longest name of a key or a gateway: fits a column of every list.
const NAME_MAX: usize = 64;

pub(crate) fn doc() -> Doc {
    Doc::new("create_key", "Makes a key; its secret is shown once")
        .body::<NewKey>()
        .answers::<NewKeyView>(201, "The key and its secret.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Extension(caller): Extension<Caller>,
    Json(wanted): Json<NewKey>,
) -> Result<(StatusCode, axum::Json<NewKeyView>), Problem> {
    let secret = Secret::generate().map_err(|error| {
        tracing::error!(%error, "no key was made");
        Problem::internal()
    })?;
    let key = read(wanted, &secret, caller.name).map_err(|why| Problem::bad_request(&why))?;
    let key = state.store.add_api_key(&key, state.now()).await?;
    tracing::info!(key = %key.name, role = key.role.as_str(), by = %key.created_by, "a key was made");
    let answer = NewKeyView {
        key: KeyView::new(&key),
        secret: secret.reveal().to_owned(),
    };
    Ok((StatusCode::CREATED, axum::Json(answer)))
}

fn read(wanted: NewKey, secret: &Secret, created_by: String) -> Result<NewApiKey, String> {
    let role = Role::from_name(&wanted.role).ok_or_else(|| format!("unknown role {:?}", wanted.role))?;
    let gateway = wanted.gateway.filter(|gateway| !gateway.is_empty());
    check_name("name", &wanted.name)?;
    if let Some(gateway) = &gateway {
        check_name("gateway", gateway)?;
        if !matches!(role, Role::Bouncer | Role::Ingest) {
            return Err("only a key of the role bouncer or ingest is limited to a gateway".to_owned());
        }
    } else if role == Role::Ingest {
        return Err("a key of the role ingest speaks for one gateway: name it".to_owned());
    }
    Ok(NewApiKey {
        name: wanted.name,
        hash: secret.hash(),
        role,
        gateway,
        created_by,
    })
}

fn check_name(what: &str, name: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    match (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_plain) {
        true => Ok(()),
        false => Err(format!(
            "{what} must have 1 to {NAME_MAX} letters, digits, dots, dashes or underscores"
        )),
    }
}
