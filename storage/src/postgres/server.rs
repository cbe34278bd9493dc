//! A PostgreSQL server for tests: started on a socket in a folder of its own, gone with this process however it ends.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

/// Starts and stops the server on words from standard input; at its end, also when we were killed, it stops the
/// server and removes the folder. PostgreSQL refuses to run as root, so root becomes user postgres. `fsync` is off:
/// these tests crash servers, not machines.
const SCRIPT: &str = r#"
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || { echo "PostgreSQL is not installed: scripts/setup.sh test installs it"; exit 0; }
dir=$(mktemp -d)
if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; as="runuser -u postgres --"; else as=; fi
cd "$dir"
trap '$as $bin/pg_ctl -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT
$as "$bin/initdb" -D "$dir/data" -A trust -U postgres --no-sync -E UTF8 --locale=C.UTF-8 >"$dir/init.log" 2>&1 \
  || { echo "initdb failed: $(tail -n 3 "$dir/init.log" | tr '\n' ' ')"; exit 0; }
start() {
  $as "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/log" -w \
    -o "-c listen_addresses= -c unix_socket_directories=$dir -c fsync=off -c max_connections=200" \
    start >/dev/null 2>&1
}
start || { echo "the server did not start: $(tail -n 3 "$dir/data/log" | tr '\n' ' ')"; exit 0; }
echo "ready $dir"
while read -r word; do
  case $word in
    crash) $as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 ;;
    start) start ;;
  esac
  echo "done"
done
"#;

pub(super) struct Server {
    folder: String,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    _shell: Child,
}

impl Server {
    /// Starts a server, or fails with the reason.
    pub(super) fn start() -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("could not run sh");
        let input = shell.stdin.take().expect("standard input is piped");
        let mut output = BufReader::new(shell.stdout.take().expect("standard output is piped"));
        let answer = read_line(&mut output);
        let Some(folder) = answer.strip_prefix("ready ") else {
            panic!("no PostgreSQL server for this test: {answer}");
        };
        Self {
            folder: folder.to_owned(),
            pipes: Mutex::new((input, output)),
            _shell: shell,
        }
    }

    /// Sends `crash` or `start` and waits until it is done.
    pub(super) fn tell(&self, word: &str) {
        let mut pipes = self.pipes.lock().unwrap();
        writeln!(pipes.0, "{word}").unwrap();
        assert_eq!(read_line(&mut pipes.1), "done");
    }

    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.folder)
    }

    /// Makes a database and returns its URL.
    pub(super) async fn make_database(&self, name: &str) -> String {
        let pool = sqlx::PgPool::connect(&self.url("postgres")).await.unwrap();
        let sql = format!("CREATE DATABASE {name}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .unwrap();
        pool.close().await;
        self.url(name)
    }
}

fn read_line(output: &mut impl BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}
