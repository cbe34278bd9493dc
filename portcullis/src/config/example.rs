//! A commented example, made from the list of settings.

use super::check::{inner_sections, key_of};
use super::setting::{Fallback, Kind, Reload, Setting};
use super::settings::{SECTIONS, Section};
use std::fmt::Write as _;

/// Widest line of a comment, in characters.
const WIDTH: usize = 100;

const HEAD: &str = "\
# Configuration of Portcullis. `portcullis config check FILE` names everything that is wrong with it.
# Lines that begin with `#` and no space are settings at their default, or examples of ones without.
# Every setting can be overridden by the environment: PORTCULLIS__KAFKA__GROUP=staging,
# PORTCULLIS__KAFKA__TOPICS__0__FORMAT=kong_json. (live) marks what a SIGHUP changes without a restart.
";

/// Writes an example of every setting. It is itself a right configuration.
pub(crate) fn example() -> String {
    let mut out = HEAD.to_owned();
    for section in SECTIONS {
        write_section(&mut out, section);
    }
    out
}

/// Whether the section stands in the example as something to be switched on.
fn is_shown_only(section: &Section) -> bool {
    let is_nested = section.path.contains('.');
    (section.is_optional && is_nested)
        || matches!(
            section.path,
            "stdin"
                | "push"
                | "files[]"
                | "syslog[]"
                | "allowlist[]"
                | "crawlers.known[]"
                | "routes[]"
                | "api.listeners[]"
                | "gateways[]"
                | "alarms.webhooks[]"
                | "alarms.commands[]"
        )
}

fn write_section(out: &mut String, section: &Section) {
    let is_off = is_shown_only(section);
    let mark = if is_off { "#" } else { "" };
    let header = match section.path.strip_suffix("[]") {
        Some(path) => format!("[[{path}]]"),
        // Within an element of an array TOML names the array without its mark.
        None => format!("[{}]", section.path.replace("[]", "")),
    };
    out.push('\n');
    write_comment(out, section.about);
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{mark}{header}");
    for setting in section.settings {
        write_setting(out, setting, is_off);
    }
    debug_assert!(!section.settings.is_empty() || inner_sections(section).next().is_some());
}

fn write_setting(out: &mut String, setting: &Setting, is_off: bool) {
    let kind = match setting.kind {
        // The names of formats stand in `portcullis formats`: a list here would be out of date with the next one.
        Kind::Format => "auto, a format's name, or one written down".to_owned(),
        kind => kind.to_string(),
    };
    let live = if setting.reload == Reload::Live {
        " (live)"
    } else {
        ""
    };
    write_comment(out, &format!("{} Expects {kind}.{live}", setting.about));
    let (value, is_active) = match setting.fallback {
        Fallback::Required(value) => (value, !is_off),
        // A topic needs a name or a pattern: the example has a name.
        Fallback::Absent(value) => (value, setting.path == "kafka.topics[].name"),
        Fallback::Value(value) => (value, false),
    };
    let mark = if is_active { "" } else { "#" };
    let _ = writeln!(out, "{mark}{} = {value}", key_of(setting.path));
}

fn write_comment(out: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}
