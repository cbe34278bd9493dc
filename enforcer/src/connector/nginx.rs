//! NGINX by a file that its `geo` block includes: written as a whole, tested, loaded by a reload.
//!
//! The file may be somebody's own: what is ours stands between two marks, and what stands around them stays. A reload that NGINX
//! refuses takes the file back to what it was. NGINX says nothing of whether a reload went well, so the master's workers are looked
//! at: when only new ones serve, the new list holds. Workers from before finish the requests that they have, and take no more.

use super::command::run;
use super::{Connector, Piece, PointError, file};
use crate::item::{Expresses, Held, Holding, Item};
use crate::plan::Changes;
use async_trait::async_trait;
use domain::{Action, Client, Scope, Timestamp};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// What stands before what is ours.
const BEGIN: &str =
    "# portcullis begin: written by Portcullis; what stands between these marks is overwritten";
/// What stands after it.
const END: &str = "# portcullis end";

/// NGINX reads everything anew at each reload, and old workers linger: no more often than this, unless told otherwise.
const RELOAD_EVERY: Duration = Duration::from_secs(5);

/// How long a reload may take until only new workers serve.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How an NGINX is reached.
#[derive(Debug, Clone)]
pub struct NginxSettings {
    /// The file that its `geo` block includes.
    pub file: PathBuf,
    /// Tests the configuration: `nginx -t`.
    pub test: Vec<String>,
    /// Makes NGINX read it anew: `nginx -s reload`.
    pub reload: Vec<String>,
    /// Where NGINX writes its process number: by it is seen that a reload took effect.
    pub pid_file: PathBuf,
}

/// See the module.
#[derive(Debug)]
pub struct Nginx {
    settings: NginxSettings,
}

impl Nginx {
    /// A way to that NGINX.
    #[must_use]
    pub fn new(settings: NginxSettings) -> Self {
        Self { settings }
    }

    /// Has NGINX read its configuration anew, and waits until it serves by it.
    async fn reload(&self) -> Result<(), PointError> {
        let master = self.master()?;
        let before = workers(master).await?;
        run(&self.settings.reload, None).await?;
        let wait = async {
            // The master starts new workers first, and tells the old ones a tenth of a second later to take no more.
            loop {
                let now = workers(master).await?;
                if !now.is_empty() && now.is_disjoint(&before) {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(RELOAD_TIMEOUT, wait)
            .await
            .unwrap_or_else(|_| {
                let told =
                    "NGINX was told to reload and its old workers go on serving: its error log says why";
                Err(PointError::Refused(told.to_owned()))
            })
    }

    fn master(&self) -> Result<u32, PointError> {
        let file = self.settings.pid_file.display();
        let text = std::fs::read_to_string(&self.settings.pid_file)
            .map_err(|error| PointError::Unreachable(format!("{file}: {error}: is NGINX running?")))?;
        text.trim()
            .parse()
            .map_err(|_| PointError::Unreachable(format!("{file}: holds no process number")))
    }
}

#[async_trait]
impl Connector for Nginx {
    fn kind(&self) -> &'static str {
        "nginx"
    }

    fn expresses(&self) -> Expresses {
        Expresses {
            scopes: &[Scope::Ip, Scope::Range],
            actions: &[Action::Throttle, Action::Block],
            capacity: None,
            is_aggregated: false,
            is_disjoint: false,
        }
    }

    fn read_every(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn change_every(&self) -> Duration {
        RELOAD_EVERY
    }

    fn advice(&self) -> Vec<Piece> {
        let file = self.settings.file.display();
        vec![
            Piece {
                place: "inside http { … }; the file that is included has to be there: touch it first",
                text: format!("geo $portcullis {{\n    default \"\";\n    include {file};\n}}\n"),
            },
            Piece {
                place: "inside each server { … }",
                text:
                    "if ($portcullis = block) { return 403; }\nif ($portcullis = throttle) { return 429; }\n"
                        .to_owned(),
            },
        ]
    }

    async fn read(&mut self) -> Result<Holding, PointError> {
        // Whoever is not running holds nothing, whatever its file says.
        self.master()?;
        Ok(read_section(&file::content(&self.settings.file).await?))
    }

    async fn apply(&mut self, _: &Changes, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let file = &self.settings.file;
        let before = file::content(file).await?;
        file::replace(file, with_section(&before, wanted)).await?;
        let reloaded = match run(&self.settings.test, None).await {
            Ok(_) => self.reload().await,
            Err(error) => Err(error),
        };
        if reloaded.is_err() {
            file::replace(file, before).await?;
        }
        reloaded
    }
}

/// The content with our section replaced, or put at its end.
fn with_section(before: &str, wanted: &BTreeMap<Client, Item>) -> String {
    let mut section = format!("{BEGIN}\n");
    for item in wanted.values() {
        if let Some(range) = item.client.range() {
            let until = item.expires_at.as_secs();
            let _ = writeln!(
                section,
                "{range} {}; # until={until} decision={}",
                item.action, item.decision
            );
        }
    }
    section.push_str(END);
    section.push('\n');
    match (before.find(BEGIN), before.find(END)) {
        (Some(begin), Some(end)) if begin < end => {
            let after = before[end + END.len()..].trim_start_matches('\n');
            format!("{}{section}{after}", &before[..begin])
        }
        _ if before.is_empty() || before.ends_with('\n') => format!("{before}{section}"),
        _ => format!("{before}\n{section}"),
    }
}

/// What our section says. A line that is none of ours is as if it were not there: it goes with the next write.
fn read_section(content: &str) -> Holding {
    let Some((_, rest)) = content.split_once(BEGIN) else {
        return Holding::new();
    };
    let section = rest.split_once(END).map_or(rest, |(section, _)| section);
    section.lines().filter_map(read_line).collect()
}

fn read_line(line: &str) -> Option<(Client, Held)> {
    let (entry, comment) = line.split_once("; # until=")?;
    let (range, action) = entry.split_once(' ')?;
    let until = comment.split(' ').next()?.parse().ok()?;
    let held = Held {
        action: action.parse().ok()?,
        expires_at: Some(Timestamp::from_secs(until)),
    };
    Some((Client::from_range(range.parse::<IpNet>().ok()?), held))
}

/// The serving workers of a master, by their process numbers and when they began: numbers are used again.
async fn workers(master: u32) -> Result<BTreeSet<(u32, u64)>, PointError> {
    file::aside(move || {
        let processes = std::fs::read_dir("/proc")
            .map_err(|error| PointError::Unreachable(format!("/proc: {error}: no reload can be watched")))?;
        Ok(processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter_map(|process| worker(process, master))
            .collect())
    })
    .await
}

/// A process, if it is a worker of that master and takes requests.
fn worker(process: u32, master: u32) -> Option<(u32, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in brackets may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let parent: u32 = fields.nth(1)?.parse().ok()?;
    let began: u64 = fields.nth(17)?.parse().ok()?;
    if parent != master {
        return None;
    }
    let title = std::fs::read(format!("/proc/{process}/cmdline")).ok()?;
    let title = String::from_utf8_lossy(&title);
    (title.starts_with("nginx: worker process") && !title.contains("shutting down"))
        .then_some((process, began))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::of_range as item;

    #[test]
    fn what_is_written_is_read_and_what_is_not_ours_stays() {
        let wanted: BTreeMap<Client, Item> = [
            item("203.0.113.9/32", Action::Block),
            item("2001:db8:1:2::/64", Action::Throttle),
        ]
        .into();
        let own = "10.0.0.0/8 office;";
        let once = with_section(own, &wanted);
        assert_eq!(
            once,
            with_section(&once, &wanted),
            "writing twice changes nothing"
        );
        assert!(once.starts_with("10.0.0.0/8 office;\n"));
        let held = read_section(&once);
        assert_eq!(held.len(), 2);
        let first = held[&wanted.keys().next().cloned().expect("one")];
        assert_eq!(first.action, Action::Block);
        assert_eq!(first.expires_at, Some(Timestamp::from_secs(2_000_000_000)));
        let emptied = with_section(&once, &BTreeMap::new());
        assert!(read_section(&emptied).is_empty());
        assert!(emptied.starts_with("10.0.0.0/8 office;\n"));
    }
}
