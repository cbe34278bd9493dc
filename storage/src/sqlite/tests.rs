//! SQLite against the contract, and what only a file can do wrong.

use super::*;
use crate::contract::{AnyStore, START, contract_tests, decision, ip};
use crate::{Retention, Store};
use domain::{Action, Client};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

async fn open_one() -> (AnyStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("portcullis.db")).await.unwrap();
    (store, folder)
}

contract_tests!(open_one);

fn numbered(number: u32) -> Client {
    Client::from_address(std::net::IpAddr::from((0xC612_0000 + number).to_be_bytes()))
}

#[tokio::test]
async fn a_full_disk_is_retryable_keeps_what_was_stored_and_is_written_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    // A cap on the file's pages is a disk that is full at 90 pages.
    let options = options(&folder.path().join("portcullis.db")).pragma("max_page_count", "90");
    let store = open_with(options).await.unwrap();
    let mut stored = 0;
    let error = loop {
        let rows: Vec<_> = (stored..stored + 10)
            .map(|number| decision(&numbered(number), Action::Block))
            .collect();
        match store.append_decisions(&rows, None, START).await {
            Ok(rows) => stored += rows.len() as u32,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Full { .. }), "{error}");
    assert!(error.is_retryable() && stored > 0);
    let kept = store.tail_decisions(0, 10_000).await.unwrap();
    assert_eq!(
        kept.len(),
        stored as usize,
        "no half of the failed batch is there"
    );
    let later = START.plus_secs(7200);
    let retention = Retention {
        decisions_secs: 0,
        ..Retention::default()
    };
    store.retain(later, &retention).await.unwrap();
    let rows = [decision(&numbered(70_000), Action::Block)];
    assert_eq!(store.append_decisions(&rows, None, later).await.unwrap().len(), 1);
}

/// Names the file to the process that is to be killed.
const KILL_ENV: &str = "PORTCULLIS_TEST_KILL_DB";

#[tokio::test]
async fn committed_rows_survive_a_kill() {
    if let Ok(path) = std::env::var(KILL_ENV) {
        write_until_killed(Path::new(&path)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portcullis.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "sqlite::tests::committed_rows_survive_a_kill",
            "--nocapture",
        ])
        .env(KILL_ENV, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let committed: Vec<u64> = output
        .lines()
        .filter_map(|line| line.unwrap().strip_prefix("committed ")?.parse().ok())
        .take(20)
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(committed.len(), 20, "the writer ended by itself");
    let store = open(&path).await.unwrap();
    let found: Vec<u64> = store
        .tail_decisions(0, 10_000)
        .await
        .unwrap()
        .iter()
        .map(|row| row.seq)
        .collect();
    assert!(
        committed.iter().all(|seq| found.contains(seq)),
        "{committed:?} {found:?}"
    );
    assert_eq!(
        found,
        (1..=found.len() as u64).collect::<Vec<_>>(),
        "and none is half there"
    );
}

async fn write_until_killed(path: &Path) -> ! {
    let store = open(path).await.unwrap();
    let mut number = 0;
    loop {
        let row = decision(&numbered(number), Action::Block);
        let stored = store.append_decisions(&[row], None, START).await.unwrap();
        println!("committed {}", stored[0].seq);
        number += 1;
    }
}

#[tokio::test]
async fn readers_never_wait_for_a_writer_and_a_second_writer_gives_up_in_time() {
    let (store, folder) = open_one().await;
    let rows = [decision(&ip("203.0.113.1"), Action::Block)];
    store.append_decisions(&rows, None, START).await.unwrap();
    let other = SqlitePool::connect_with(options(&folder.path().join("portcullis.db")))
        .await
        .unwrap();
    let mut held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    sqlx::query("DELETE FROM decisions")
        .execute(&mut *held)
        .await
        .unwrap();
    assert_eq!(store.tail_decisions(0, 10).await.unwrap().len(), 1);
    let later = [decision(&ip("203.0.113.2"), Action::Block)];
    let error = store.append_decisions(&later, None, START).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    held.rollback().await.unwrap();
    assert_eq!(
        store.append_decisions(&later, None, START).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_file_of_a_newer_binary_is_refused_naming_both_versions() {
    let (store, folder) = open_one().await;
    store.close().await;
    let path = folder.path().join("portcullis.db");
    let pool = SqlitePool::connect_with(options(&path)).await.unwrap();
    sqlx::raw_sql(crate::migration::NEWER_ROW)
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let error = open(&path).await.err().unwrap();
    assert!(matches!(error, Error::NewerVersion { .. }));
    assert!(error.to_string().contains("version 99"), "{error}");
    assert!(error.to_string().contains("up to 7"), "{error}");
}

#[tokio::test]
async fn a_file_of_an_older_binary_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portcullis.db");
    let pool = SqlitePool::connect_with(options(&path)).await.unwrap();
    crate::migration::first_only(&MIGRATOR).run(&pool).await.unwrap();
    pool.close().await;
    let store = open(&path).await.unwrap();
    assert_eq!(store.health().await.unwrap().schema, 7);
    assert_eq!(store.api_keys().await.unwrap(), []);
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_or_is_no_database_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = open(&folder.path().join("no/such/folder.db"))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    let path = folder.path().join("notes.txt");
    std::fs::write(
        &path,
        "not a database, but long enough to be looked at as one".repeat(100),
    )
    .unwrap();
    let error = open(&path).await.err().unwrap();
    assert!(!error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_url_picks_the_backend() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("a.db").display());
    assert_eq!(
        crate::open(&url).await.unwrap().health().await.unwrap().backend,
        "sqlite"
    );
    let error = crate::open("mysql://x").await.err().unwrap();
    assert!(
        error.to_string().contains("sqlite: postgres: postgresql:"),
        "{error}"
    );
}
