//! PostgreSQL against the contract, and what only a server can do wrong. The server is real.

use super::server::Server;
use super::*;
use crate::contract::{AnyStore, START, contract_tests, decision, ip};
use domain::Action;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// One server for all tests of this process; each test has a database of its own.
async fn open_one() -> (AnyStore, String) {
    static SERVER: OnceLock<Server> = OnceLock::new();
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let url = SERVER.get_or_init(Server::start).make_database(&name).await;
    (open(&url).await.unwrap(), url)
}

contract_tests!(open_one);

#[tokio::test]
async fn a_crashed_server_is_unavailable_loses_nothing_and_is_used_again_when_it_is_back() {
    let server = Server::start();
    let url = server.make_database("crash").await;
    let store = open(&url).await.unwrap();
    let rows = [decision(&ip("203.0.113.1"), Action::Block)];
    let stored = store.append_decisions(&rows, None, START).await.unwrap();
    server.tell("crash");
    let error = store.tail_decisions(0, 10).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    let later = [decision(&ip("203.0.113.2"), Action::Block)];
    let error = store.append_decisions(&later, None, START).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    server.tell("start");
    store.append_decisions(&later, None, START).await.unwrap();
    let all = store.tail_decisions(0, 10).await.unwrap();
    assert_eq!((all.len(), &all[0]), (2, &stored[0]));
}

#[tokio::test]
async fn a_database_of_a_newer_binary_is_refused_naming_both_versions() {
    let (store, url) = open_one().await;
    store.close().await;
    let pool = PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql(crate::migration::NEWER_ROW)
        .execute(&pool)
        .await
        .unwrap();
    let error = open(&url).await.err().unwrap();
    assert!(matches!(error, Error::NewerVersion { .. }));
    assert!(error.to_string().contains("version 99"), "{error}");
    assert!(error.to_string().contains("up to 7"), "{error}");
}

#[tokio::test]
async fn a_database_of_an_older_binary_is_migrated() {
    let (store, url) = open_one().await;
    store.close().await;
    let pool = PgPool::connect(&url).await.unwrap();
    for sql in ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"] {
        sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    }
    crate::migration::first_only(&MIGRATOR).run(&pool).await.unwrap();
    let store = open(&url).await.unwrap();
    assert_eq!(store.health().await.unwrap().schema, 7);
    assert_eq!(store.api_keys().await.unwrap(), []);
}

#[tokio::test]
async fn a_wrong_url_is_refused_without_repeating_its_password() {
    let error = open("postgres://user:hunter2@host:notaport/db")
        .await
        .err()
        .unwrap();
    assert!(matches!(error, Error::Refused { .. }));
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
