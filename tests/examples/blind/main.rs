//! `blind SUITE DATA OUT`: the logs of an evaluation suite with every path segment, parameter, referer and user agent replaced by a
//! pseudonym, so that only behaviour is left: who asked when, how, how often for the same, and what came of it.
//!
//! Writes each log twice, under `OUT/tokens` (pseudonyms like `9f86d081`, which look like ids) and `OUT/words` (letters only), beside
//! a link to the truth files. Lines that are not in the combined format are left out: the suites' real logs are.

use anyhow::{Context as _, Result, bail};
use domain::HashKey;
use serde::Deserialize;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Any key does: the same name must get the same pseudonym, run after run.
const KEY: HashKey = HashKey::new(*b"names are hidden");

/// The part of a suite that is read here.
#[derive(Deserialize)]
struct Suite {
    log: Vec<Log>,
}

#[derive(Deserialize)]
struct Log {
    file: PathBuf,
    truth: PathBuf,
}

/// How a pseudonym is written.
#[derive(Clone, Copy)]
enum Style {
    Tokens,
    Words,
}

impl Style {
    const ALL: [(Self, &'static str); 2] = [(Self::Tokens, "tokens"), (Self::Words, "words")];

    fn pseudonym(self, name: &str) -> String {
        let hash = format!("{:016x}", KEY.hash(name));
        let letter = |digit: char| char::from(b'a' + digit.to_digit(16).unwrap_or(0) as u8);
        match self {
            Self::Tokens => hash[..8].to_owned(),
            Self::Words => hash[..10].chars().map(letter).collect(),
        }
    }

    /// Each segment and each parameter by itself; separators stay.
    fn target(self, target: &str) -> String {
        let mut hidden = String::with_capacity(target.len());
        for part in target.split_inclusive(['/', '?', '&', '=']) {
            let name = part.trim_end_matches(['/', '?', '&', '=']);
            if !name.is_empty() {
                hidden.push_str(&self.pseudonym(name));
            }
            hidden.push_str(&part[name.len()..]);
        }
        hidden
    }

    fn text(self, text: &str) -> String {
        if text == "-" {
            text.to_owned()
        } else {
            self.pseudonym(text)
        }
    }

    fn referer(self, referer: &str) -> String {
        match referer.split_once("://") {
            Some((scheme, rest)) => format!("{scheme}://{}", self.target(rest)),
            None => self.text(referer),
        }
    }

    /// A combined line; `None` when it is none.
    fn line(self, line: &str) -> Option<String> {
        let mut quoted = line.split('"');
        let (head, request, middle) = (quoted.next()?, quoted.next()?, quoted.next()?);
        let (referer, between, agent) = (quoted.next()?, quoted.next()?, quoted.next()?);
        let request = match request.split_once(' ') {
            Some((method, rest)) => {
                let (target, protocol) = rest.rsplit_once(' ').unwrap_or((rest, ""));
                format!("{method} {} {protocol}", self.target(target))
            }
            None => self.text(request),
        };
        let (referer, agent) = (self.referer(referer), self.text(agent));
        Some(format!(
            "{head}\"{request}\"{middle}\"{referer}\"{between}\"{agent}\"\n"
        ))
    }
}

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [suite, data, out] = arguments.as_slice() else {
        bail!("usage: blind SUITE DATA OUT");
    };
    let text = fs::read_to_string(suite).with_context(|| format!("could not read {}", suite.display()))?;
    let suite: Suite = toml::from_str(&text).context("the suite is no list of logs")?;
    for log in &suite.log {
        for (style, folder) in Style::ALL {
            hide(style, &data.join(&log.file), &out.join(folder).join(&log.file))?;
            copy(&data.join(&log.truth), &out.join(folder).join(&log.truth))?;
        }
    }
    Ok(())
}

fn hide(style: Style, from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("could not read {}", from.display()))?;
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    let mut file = std::io::BufWriter::new(fs::File::create(to)?);
    let mut left_out = 0_u64;
    for line in String::from_utf8_lossy(&bytes).lines() {
        match style.line(line) {
            Some(hidden) => file.write_all(hidden.as_bytes())?,
            None => left_out += 1,
        }
    }
    file.flush()?;
    if left_out > 0 {
        eprintln!(
            "{}: {left_out} lines are not combined and were left out",
            from.display()
        );
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    fs::copy(from, to).with_context(|| format!("could not read {}", from.display()))?;
    Ok(())
}
