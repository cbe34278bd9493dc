//! lnav's test logs: it states no fields, so each request's line has to be read as the format that it is, with nothing in
//! it that cannot be.

use crate::{Expected, Row};
use anyhow::Result;
use std::path::Path;

/// A kind of file: how its name begins, the formats that it may be, and which of its lines are requests.
type Kind = (&'static str, &'static [&'static str], fn(&str) -> bool);

const KINDS: &[Kind] = &[
    (
        "logfile_access_log",
        &["nginx_combined", "apache_combined"],
        is_text,
    ),
    (
        "logfile_bad_access_log",
        &["nginx_combined", "apache_combined"],
        has_user,
    ),
    ("logfile_shop_access_log", &["nginx_main"], is_text),
    ("logfile_caddy_log", &["caddy_json"], |line| {
        line.contains("handled request")
    }),
    ("logfile_cloudflare", &["cloudflare", "cloudflare_json"], |line| {
        line.starts_with('{')
    }),
    ("logfile_haproxy", &["haproxy_http", "haproxy_https"], |line| {
        line.contains(" \"")
    }),
    ("logfile_w3c", &["w3c"], |line| {
        !line.starts_with('#') && is_text(line)
    }),
];

fn is_text(line: &str) -> bool {
    !line.trim().is_empty()
}

/// One line of it lacks ident and user: no common log format.
fn has_user(line: &str) -> bool {
    line.contains(" - - [")
}

pub(crate) fn rows(path: &Path) -> Result<Vec<Row>> {
    let mut files: Vec<_> = std::fs::read_dir(path)?.collect::<Result<_, _>>()?;
    files.sort_by_key(std::fs::DirEntry::file_name);
    let mut rows = Vec::new();
    for file in files {
        let name = file.file_name().to_string_lossy().into_owned();
        let Some((prefix, formats, is_request)) =
            KINDS.iter().find(|(prefix, _, _)| name.starts_with(prefix))
        else {
            continue;
        };
        let text = String::from_utf8_lossy(&std::fs::read(file.path())?).into_owned();
        for (number, line) in (1..).zip(text.lines()) {
            let expected = is_request(line).then(|| Expected {
                formats: formats.to_vec(),
                is_plausible: true,
                ..Expected::default()
            });
            rows.push(Row {
                group: format!("lnav {}", prefix.trim_start_matches("logfile_")),
                stream: name.clone(),
                place: format!("{name}:{number}"),
                line: line.to_owned(),
                expected,
            });
        }
    }
    Ok(rows)
}
