//! Who is signed in.

use crate::auth::Caller;
use crate::route::Doc;
use crate::wire::{SessionView, shown};
use axum::Json;
use axum::extract::Extension;

pub(crate) fn doc() -> Doc {
    Doc::new("read_session", "Who is signed in, or whose key this is")
        .answers::<SessionView>(200, "Who it is.")
}

pub(crate) async fn handle(Extension(caller): Extension<Caller>) -> Json<SessionView> {
    Json(SessionView {
        name: shown(&caller.name),
        role: caller.role.as_str().to_owned(),
    })
}
