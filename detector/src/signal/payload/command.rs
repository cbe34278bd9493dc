//! Values read as a shell would read them: a command where one can begin.

use super::{PayloadClass, PayloadHits};

/// A command that stands where a shell would run it.
const RUN: f32 = 1.0;

/// Commands whose names are no words of any language and no names of technologies: telling behind any separator.
const TELLING: &[&[u8]] = &[
    b"bitsadmin",
    b"certutil",
    b"chmod",
    b"chown",
    b"getent",
    b"ifconfig",
    b"ipconfig",
    b"lsof",
    b"mkfifo",
    b"netstat",
    b"nslookup",
    b"printenv",
    b"systeminfo",
    b"tasklist",
    b"uname",
    b"wget",
    b"whoami",
];

/// Commands that are words too (`titles=dog|cat`, `tags=perl;python`): telling only with an argument that words do not have.
const ORDINARY: &[&[u8]] = &[
    b"ansible",
    b"awk",
    b"base64",
    b"bash",
    b"cat",
    b"cmd",
    b"cp",
    b"cscript",
    b"curl",
    b"dig",
    b"dir",
    b"echo",
    b"env",
    b"find",
    b"grep",
    b"head",
    b"id",
    b"less",
    b"ls",
    b"mv",
    b"nc",
    b"ncat",
    b"netcat",
    b"nmap",
    b"od",
    b"perl",
    b"php",
    b"ping",
    b"powershell",
    b"ps",
    b"pwsh",
    b"python",
    b"python3",
    b"rm",
    b"ruby",
    b"sed",
    b"sh",
    b"sleep",
    b"socat",
    b"ssh",
    b"tac",
    b"tail",
    b"tee",
    b"telnet",
    b"touch",
    b"type",
    b"xargs",
    b"xxd",
    b"zsh",
];

/// Folders that a command may be called with.
const FOLDERS: &[&[u8]] = &[b"/bin/", b"/usr/bin/", b"/sbin/", b"/usr/sbin/"];

/// Reads one decoded, lower-cased value.
pub(super) fn read(value: &[u8], hits: &mut PayloadHits) {
    let mut begin = 0;
    let mut is_separated = false;
    loop {
        if runs(&value[begin..], is_separated) {
            hits.add(PayloadClass::Command, RUN);
            return;
        }
        let Some(place) = value[begin..].iter().position(|byte| is_separator(*byte)) else {
            return;
        };
        begin += place + 1;
        is_separated = true;
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b';' | b'|' | b'&' | b'`' | b'\n' | b'(' | b'{')
}

/// Whether a command begins here. `is_separated` says that a separator stands before: the start of a value is the start of
/// prose more often than of a command.
fn runs(text: &[u8], is_separated: bool) -> bool {
    let text = text.trim_ascii_start();
    let text = FOLDERS
        .iter()
        .find_map(|folder| text.strip_prefix(*folder))
        .unwrap_or(text);
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric())
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if TELLING.contains(&name) {
        return is_separated && !matches!(rest.first(), Some(b'.' | b'_' | b'-' | b'='));
    }
    ORDINARY.contains(&name) && takes_argument(rest)
}

/// Whether a path, an option or an address follows: `cat /etc`, `ls -la`, `nc 192.0.2.1`.
fn takes_argument(rest: &[u8]) -> bool {
    let Some(argument) = rest.strip_prefix(b" ").map(<[u8]>::trim_ascii_start) else {
        return false;
    };
    match argument {
        [b'/' | b'-', next, ..] => next.is_ascii_alphabetic(),
        [b'.', b'.' | b'/', ..] | [b'$' | b'*', ..] => true,
        argument => argument.starts_with(b"http:") || argument.starts_with(b"https:"),
    }
}
