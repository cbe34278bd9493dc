//! Where messages go out to people and their tools: webhooks and commands. Alarms use it, and whatever else has to be told.
//!
//! Each has a queue and a worker of its own, so that one that hangs keeps neither the others waiting nor whoever sends: sending
//! never waits. A message is told in the order of sending, and given up after some tries; both are counted.

mod command;
mod webhook;

use crate::config::used;
use anyhow::Context as _;
use api::{Exposition, MetricKind, MetricsSource};
use command::Program;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use webhook::Webhook;

/// Messages that wait for one outlet. Alarms come at most once a minute: an hour of them. Further ones are dropped, and counted.
const WAITING_MAX: usize = 64;

/// Longest message, in bytes: a pipe takes it whole (64 KiB on Linux), so that a program that does not read keeps nobody waiting.
/// Longer ones are dropped, and counted.
pub(crate) const MESSAGE_BYTES_MAX: usize = 60 * 1024;

/// Times that a message is tried, with pauses of 1, 2, 4 and 8 seconds between: over a restart of the receiver.
const TRIES_MAX: u32 = 5;

/// What is told, as JSON.
type Message = Arc<str>;

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Refusal {
    /// Another try may do better.
    Again(String),
    /// It will not.
    Final(String),
}

/// What became of the messages of one outlet.
#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

/// One outlet.
#[derive(Debug)]
struct Outlet {
    /// `webhook[0]`: its place in the configuration. Addresses may hold secrets.
    name: String,
    queue: mpsc::Sender<Message>,
    counts: Arc<Counts>,
}

/// Every outlet that is configured.
#[derive(Debug, Default)]
pub(crate) struct Outlets {
    outlets: Vec<Outlet>,
}

/// Whoever takes messages.
enum Taker {
    Webhook(Webhook),
    Program(Program),
}

impl Taker {
    async fn take(&self, message: &Message) -> Result<(), Refusal> {
        match self {
            Self::Webhook(webhook) => webhook.post(message).await,
            Self::Program(program) => program.run(message).await,
        }
    }
}

impl Outlets {
    /// Opens what is configured. Workers end when `stop` says so: what still waits then is lost, and was logged when it was raised.
    ///
    /// # Errors
    /// When a certificate cannot be read.
    pub(crate) fn open(
        settings: &used::Alarms,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) -> anyhow::Result<Self> {
        let mut outlets = Self::default();
        for (at, webhook) in settings.webhooks.iter().enumerate() {
            let name = format!("webhook[{at}]");
            let taker =
                Webhook::new(webhook).with_context(|| format!("could not use alarms.webhooks[{at}]"))?;
            outlets.add(name, Taker::Webhook(taker), stop, tasks);
        }
        for (at, command) in settings.commands.iter().enumerate() {
            let taker = Taker::Program(Program::new(command));
            outlets.add(format!("command[{at}]"), taker, stop, tasks);
        }
        Ok(outlets)
    }

    fn add(&mut self, name: String, taker: Taker, stop: &CancellationToken, tasks: &TaskTracker) {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let counts = Arc::new(Counts::default());
        let worker = work(name.clone(), taker, waiting, Arc::clone(&counts));
        tasks.spawn(stop.clone().run_until_cancelled_owned(worker));
        self.outlets.push(Outlet { name, queue, counts });
    }

    /// Sends a message through every outlet. Returns at once.
    pub(crate) fn send(&self, message: &str) {
        let message: Message = message.into();
        for outlet in &self.outlets {
            let is_taken =
                message.len() <= MESSAGE_BYTES_MAX && outlet.queue.try_send(Arc::clone(&message)).is_ok();
            if !is_taken {
                outlet.counts.dropped.fetch_add(1, Ordering::Relaxed);
                tracing::error!(
                    "a message for {} was dropped: it is too long, or too many wait",
                    outlet.name
                );
            }
        }
    }
}

/// Hands on what comes, one message after the other.
async fn work(name: String, taker: Taker, mut waiting: mpsc::Receiver<Message>, counts: Arc<Counts>) {
    while let Some(message) = waiting.recv().await {
        match try_often(&taker, &message).await {
            Ok(()) => {
                counts.sent.fetch_add(1, Ordering::Relaxed);
            }
            Err(why) => {
                counts.failed.fetch_add(1, Ordering::Relaxed);
                tracing::error!("{name} did not take a message: {}", api::neutralise(&why));
            }
        }
    }
}

async fn try_often(taker: &Taker, message: &Message) -> Result<(), String> {
    let mut pause = Duration::from_secs(1);
    let mut tries = 1;
    loop {
        match taker.take(message).await {
            Ok(()) => return Ok(()),
            Err(Refusal::Final(why)) => return Err(why),
            Err(Refusal::Again(why)) if tries >= TRIES_MAX => return Err(why),
            Err(Refusal::Again(_)) => {}
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
        tries += 1;
    }
}

impl MetricsSource for Outlets {
    fn write(&self, out: &mut Exposition) {
        let mut labels: Vec<([(&str, &str); 2], f64)> = Vec::new();
        for outlet in &self.outlets {
            let counts = &outlet.counts;
            for (result, count) in [
                ("sent", &counts.sent),
                ("failed", &counts.failed),
                ("dropped", &counts.dropped),
            ] {
                let count = count.load(Ordering::Relaxed) as f64;
                labels.push(([("outlet", outlet.name.as_str()), ("result", result)], count));
            }
        }
        let values: Vec<(&[(&str, &str)], f64)> = labels
            .iter()
            .map(|(labels, value)| (labels.as_slice(), *value))
            .collect();
        let help = "Messages for a webhook or a command, by what became of them.";
        out.add(MetricKind::Counter, "alarm_messages_total", help, &values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    /// Answers each question with the next of these statuses; gives what was asked.
    fn receiver(statuses: &'static [&'static str]) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let answer = |status: &&str| {
                let (mut stream, _) = listener.accept().unwrap();
                let (mut question, mut chunk) = (Vec::new(), [0; 4096]);
                while !question.ends_with(b"}") {
                    let read = stream.read(&mut chunk).unwrap();
                    assert!(read > 0, "the question broke off");
                    question.extend_from_slice(&chunk[..read]);
                }
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).unwrap();
                String::from_utf8(question).unwrap()
            };
            statuses.iter().map(answer).collect()
        });
        (url, asked)
    }

    fn settings(text: &str) -> used::Alarms {
        let surroundings = crate::config::Surroundings {
            environment: &std::collections::BTreeMap::new(),
            read_file: &|_| Ok("Bearer hidden\n".to_owned()),
            models: &crate::config::NoModels,
        };
        let read = crate::config::read("portcullis.toml", text, &surroundings);
        read.map_err(|report| report.to_string()).unwrap().config.alarms
    }

    fn counted(outlets: &Outlets, result: &str) -> f64 {
        let mut out = Exposition::default();
        outlets.write(&mut out);
        let text = out.into_text();
        let line = text
            .lines()
            .find(|line| line.contains(&format!("result=\"{result}\"")));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap()
    }

    /// Waits until a figure is reached.
    async fn until(outlets: &Outlets, result: &str, count: f64) {
        while counted(outlets, result) < count {
            tokio::task::yield_now().await;
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_webhook_gets_the_message_with_its_secret_and_is_asked_again_after_a_failure() {
        let (url, asked) = receiver(&["503 Service Unavailable", "204 No Content", "400 Bad Request"]);
        let alarms = settings(&format!(
            "[[alarms.webhooks]]\nurl = \"{url}\"\nsecret = {{ file = \"/run/hook\" }}\nheader = \"X-Token\"\n"
        ));
        assert!(!format!("{alarms:?}").contains("hidden"));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let outlets = Outlets::open(&alarms, &stop, &tasks).unwrap();
        outlets.send("{\"first\":1}");
        until(&outlets, "sent", 1.0).await;
        outlets.send("{\"second\":1}");
        until(&outlets, "failed", 1.0).await;
        let asked = asked.join().unwrap();
        assert_eq!(asked.len(), 3, "one was tried again, one refused for good");
        assert!(asked[0].starts_with("POST /hook HTTP/1.1\r\n"), "{}", asked[0]);
        assert!(asked[1].contains("x-token: Bearer hidden\r\n"), "{}", asked[1]);
        assert!(
            asked[1].contains("content-type: application/json\r\n") && asked[1].ends_with("{\"first\":1}")
        );
        assert!(asked[2].ends_with("{\"second\":1}"));
        stop.cancel();
        tasks.close();
        tasks.wait().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_command_gets_the_message_on_its_standard_input_and_none_of_our_environment() {
        let folder = tempfile::tempdir().unwrap();
        let (script, out) = (folder.path().join("page.sh"), folder.path().join("out"));
        let text = format!(
            "cat > {0}.new; echo \" $1\" >> {0}.new; env >> {0}.new; mv {0}.new {0}",
            out.display()
        );
        std::fs::write(&script, text).unwrap();
        let alarms = settings(&format!(
            "[[alarms.commands]]\nprogram = \"/bin/sh\"\narguments = [{:?}, \"a b; c\"]\n",
            script.display().to_string()
        ));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let outlets = Outlets::open(&alarms, &stop, &tasks).unwrap();
        outlets.send("{\"news\":[]}");
        until(&outlets, "sent", 1.0).await;
        let told = std::fs::read_to_string(&out).unwrap();
        assert!(told.starts_with("{\"news\":[]}\n a b; c\n"), "{told}");
        assert!(!told.contains("CARGO"), "{told}");
        stop.cancel();
        tasks.close();
        tasks.wait().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_command_that_hangs_is_ended_and_too_many_messages_are_dropped() {
        let alarms = settings(
            "[[alarms.commands]]\nprogram = \"/bin/sleep\"\narguments = [\"600\"]\ntimeout_secs = 1\n",
        );
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let outlets = Outlets::open(&alarms, &stop, &tasks).unwrap();
        for _ in 0..WAITING_MAX * 2 {
            outlets.send("{}");
        }
        outlets.send(&"x".repeat(MESSAGE_BYTES_MAX + 1));
        assert!(counted(&outlets, "dropped") >= WAITING_MAX as f64);
        until(&outlets, "failed", 1.0).await;
        stop.cancel();
        tasks.close();
        tasks.wait().await;
    }
}
