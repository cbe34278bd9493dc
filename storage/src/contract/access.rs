//! Keys, sessions and bouncers.

use super::{AnyStore, START};
use crate::{Bouncer, Error, NewApiKey, Role, Session};

fn key(name: &str, hash: &str) -> NewApiKey {
    NewApiKey {
        name: name.to_owned(),
        hash: hash.to_owned(),
        role: Role::Operator,
        gateway: Some("edge".to_owned()),
        created_by: "bootstrap".to_owned(),
    }
}

pub(crate) async fn a_key_is_found_by_its_hash_until_it_is_revoked(store: AnyStore) {
    let made = store.add_api_key(&key("ops", "h1"), START).await.unwrap();
    assert_eq!(store.api_key_by_hash("h1").await.unwrap().as_ref(), Some(&made));
    assert_eq!(store.api_key_by_hash("h2").await.unwrap(), None);
    for taken in [key("ops", "h2"), key("other", "h1")] {
        let error = store.add_api_key(&taken, START).await.unwrap_err();
        assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
    }
    store.touch_api_key("ops", START.plus_secs(60)).await.unwrap();
    let at = START.plus_secs(90);
    assert!(store.revoke_api_key("ops", "admin", at).await.unwrap());
    assert!(!store.revoke_api_key("ops", "admin", at).await.unwrap());
    assert!(!store.revoke_api_key("nobody", "admin", at).await.unwrap());
    assert_eq!(store.api_key_by_hash("h1").await.unwrap(), None);
    let keys = store.api_keys().await.unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].last_used_at, Some(START.plus_secs(60)));
    assert_eq!(
        (keys[0].revoked_at, keys[0].revoked_by.as_deref()),
        (Some(at), Some("admin"))
    );
}

pub(crate) async fn revoking_a_key_ends_its_sessions(store: AnyStore) {
    store.add_api_key(&key("ops", "h1"), START).await.unwrap();
    let session = |hash: &str| Session {
        hash: hash.to_owned(),
        key_name: "ops".to_owned(),
        role: Role::Operator,
        created_at: START,
        last_used_at: START,
        expires_at: START.plus_secs(600),
    };
    store.add_session(&session("s1")).await.unwrap();
    store.add_session(&session("s2")).await.unwrap();
    store.touch_session("s1", START.plus_secs(5)).await.unwrap();
    let found = store.session_by_hash("s1", START).await.unwrap().unwrap();
    assert_eq!(found.last_used_at, START.plus_secs(5));
    assert_eq!(
        store.session_by_hash("s1", START.plus_secs(600)).await.unwrap(),
        None
    );
    assert!(store.remove_session("s2").await.unwrap());
    assert!(!store.remove_session("s2").await.unwrap());
    store.revoke_api_key("ops", "admin", START).await.unwrap();
    assert_eq!(store.session_by_hash("s1", START).await.unwrap(), None);
}

pub(crate) async fn a_bouncers_cursor_never_goes_back(store: AnyStore) {
    let bouncer = |secs: i64, last_pull: Option<i64>| Bouncer {
        name: "nginx-1".to_owned(),
        kind: "crowdsec-custom-bouncer".to_owned(),
        version: "0.0.15".to_owned(),
        address: "127.0.0.1".to_owned(),
        last_seen: START.plus_secs(secs),
        last_pull: last_pull.map(|secs| START.plus_secs(secs)),
    };
    store.put_bouncer(&bouncer(0, None)).await.unwrap();
    assert_eq!(store.bouncer("nginx-1").await.unwrap(), Some(bouncer(0, None)));
    store.put_bouncer(&bouncer(10, Some(10))).await.unwrap();
    store.put_bouncer(&bouncer(11, Some(9))).await.unwrap();
    store.put_bouncer(&bouncer(12, None)).await.unwrap();
    assert_eq!(store.bouncers().await.unwrap(), [bouncer(12, Some(10))]);
    assert_eq!(store.bouncer("other").await.unwrap(), None);
}
