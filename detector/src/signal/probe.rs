//! Paths that only scanners ask for: secrets, backups, version control, consoles, other people's software.

use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, MatchKind, StartKind};
use std::sync::LazyLock;

/// Longest path that is searched. Nothing that scanners ask for is longer.
const PATH_BYTES_MAX: usize = 512;

/// What a path asks for that only scanners ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProbeHit {
    /// How surely nobody but a scanner asks for it, 0 (nothing found) to 1.
    pub weight: f32,
}

impl ProbeHit {
    /// Whether scanners ask for it and nobody else.
    #[must_use]
    pub fn is_secret(self) -> bool {
        self.weight >= SECRET
    }
}

/// Secrets, configuration, shells: nobody follows a link to these.
const SECRET: f32 = 0.9;
/// Other people's software and consoles: a bookmark or a mistake now and then.
const SOFTWARE: f32 = 0.5;

/// Fragments anywhere in the lower-cased path.
const FRAGMENTS: &[(&str, f32)] = &[
    ("/.env", SECRET),
    ("/.git/", SECRET),
    ("/.git-credentials", SECRET),
    ("/.svn/", SECRET),
    ("/.hg/", SECRET),
    ("/.bzr/", SECRET),
    ("/.aws/", SECRET),
    ("/.ssh/", SECRET),
    ("/.htpasswd", SECRET),
    ("/.htaccess", SECRET),
    ("/.ds_store", SECRET),
    ("/.bash_history", SECRET),
    ("/.bashrc", SECRET),
    ("/.npmrc", SECRET),
    ("/.dockerenv", SECRET),
    ("/.docker/", SECRET),
    ("/.kube/", SECRET),
    ("/.vscode/", SECRET),
    ("/.idea/", SECRET),
    ("/.config/", SECRET),
    ("/.netrc", SECRET),
    ("/.pgpass", SECRET),
    ("/.mysql_history", SECRET),
    ("/.travis.yml", SECRET),
    ("/.gitignore", SECRET),
    ("/.gitlab-ci", SECRET),
    ("/.circleci", SECRET),
    ("/.s3cfg", SECRET),
    ("/.remote-sync.json", SECRET),
    ("/.ftpconfig", SECRET),
    ("/sftp-config.json", SECRET),
    ("/sftp.json", SECRET),
    ("/id_rsa", SECRET),
    ("/id_dsa", SECRET),
    ("/server.key", SECRET),
    ("/private.key", SECRET),
    ("/privatekey", SECRET),
    ("/wallet.dat", SECRET),
    ("/wallet.zip", SECRET),
    ("/credentials.", SECRET),
    ("/credentials/", SECRET),
    ("/secrets.", SECRET),
    ("/passwd", SECRET),
    ("/shadow", SECRET),
    ("/database.yml", SECRET),
    ("/settings.py", SECRET),
    ("/local_settings", SECRET),
    ("/appsettings.json", SECRET),
    ("/application.properties", SECRET),
    ("/application.yml", SECRET),
    ("/docker-compose.y", SECRET),
    ("/config.inc", SECRET),
    ("/configuration.php", SECRET),
    ("/config.php", SECRET),
    ("/wp-config", SECRET),
    ("/web.config", SECRET),
    ("/phpinfo", SECRET),
    ("/php-info", SECRET),
    ("/info.php", SECRET),
    ("/test.php", SOFTWARE),
    ("/config.json", SOFTWARE),
    ("/config.js", SOFTWARE),
    ("/config.y", SECRET),
    ("/composer.lock", SOFTWARE),
    ("/composer.json", SOFTWARE),
    ("/.well-known.", SECRET),
    ("/phpmyadmin", SECRET),
    ("/phpmy", SECRET),
    ("/pma/", SECRET),
    ("/pma2", SECRET),
    ("/myadmin", SECRET),
    ("/mysqladmin", SECRET),
    ("/dbadmin", SECRET),
    ("/adminer", SECRET),
    ("/sqladmin", SECRET),
    ("/mysql/", SOFTWARE),
    ("/sqlite", SOFTWARE),
    ("/shell.php", SECRET),
    ("/cmd.php", SECRET),
    ("/c99", SECRET),
    ("/r57", SECRET),
    ("/wso.php", SECRET),
    ("/alfa.php", SECRET),
    ("/up.php", SECRET),
    ("/ups.php", SECRET),
    ("/vuln.php", SECRET),
    ("/upload.php", SECRET),
    ("/uploader.php", SECRET),
    ("/uploadify", SECRET),
    ("/elfinder", SECRET),
    ("/fckeditor", SECRET),
    ("/kcfinder", SECRET),
    ("/filemanager", SECRET),
    ("/webshell", SECRET),
    ("/backdoor", SECRET),
    ("/eval-stdin", SECRET),
    ("/vendor/phpunit", SECRET),
    ("/wp-file-manager", SECRET),
    ("/xmlrpc.php", SOFTWARE),
    ("/wlwmanifest.xml", SECRET),
    ("/wp-login.php", SOFTWARE),
    ("/wp-admin", SOFTWARE),
    ("/wp-content/plugins/", SOFTWARE),
    ("/wp-includes/", SOFTWARE),
    ("/wp-json/wp/v2/users", SECRET),
    ("/administrator/", SOFTWARE),
    ("/joomla", SOFTWARE),
    ("/sites/default/files", SOFTWARE),
    ("/media-admin.php", SECRET),
    ("/magmi", SECRET),
    ("/downloader/", SOFTWARE),
    ("/plus/", SOFTWARE),
    ("/dede/", SECRET),
    ("/utility/convert", SECRET),
    ("/ueditor", SECRET),
    ("/thinkphp", SECRET),
    ("/admin_aspcms", SECRET),
    ("/cgi-bin/", SOFTWARE),
    ("/boaform", SECRET),
    ("/goform/", SECRET),
    ("/hnap1", SECRET),
    ("/gponform", SECRET),
    ("/setup.cgi", SECRET),
    ("/shell?", SECRET),
    ("/luci", SECRET),
    ("/manager/html", SECRET),
    ("/jmx-console", SECRET),
    ("/invoker/", SECRET),
    ("/web-console", SECRET),
    ("/struts", SECRET),
    ("/solr/", SOFTWARE),
    ("/jenkins", SOFTWARE),
    ("/hudson", SOFTWARE),
    ("/script-security", SECRET),
    ("/actuator/", SOFTWARE),
    ("/env.json", SECRET),
    ("/heapdump", SECRET),
    ("/jolokia", SECRET),
    ("/_profiler", SECRET),
    ("/_ignition", SECRET),
    ("/telescope/requests", SECRET),
    ("/debug/default", SECRET),
    ("/debug/pprof", SECRET),
    ("/server-status", SOFTWARE),
    ("/server-info", SOFTWARE),
    ("/nagios", SOFTWARE),
    ("/zabbix", SOFTWARE),
    ("/owa/", SOFTWARE),
    ("/ecp/", SECRET),
    ("/autodiscover/autodiscover", SECRET),
    ("/remote/fgt_lang", SECRET),
    ("/remote/login", SOFTWARE),
    ("/dana-na", SECRET),
    ("/vpn/../", SECRET),
    ("/vpns/", SECRET),
    ("/global-protect", SECRET),
    ("/+cscoe+", SECRET),
    ("/tmui/", SECRET),
    ("/sdk", SOFTWARE),
    ("/nmaplowercheck", SECRET),
    ("/nice ports", SECRET),
    ("/evox/", SECRET),
    ("/hudson", SOFTWARE),
    ("/console/", SOFTWARE),
    ("/muieblackcat", SECRET),
    ("/w00tw00t", SECRET),
    ("/azenv.php", SECRET),
    ("/proxyheader.php", SECRET),
    ("/stalker_portal", SECRET),
    ("/system_api.php", SECRET),
    ("/portal/redlion", SECRET),
    ("/_cat/indices", SECRET),
    ("/_search?", SOFTWARE),
    ("/v2/_catalog", SECRET),
    ("/containers/json", SECRET),
    ("/api/v1/pods", SECRET),
    ("/currentsetting.htm", SECRET),
    ("/login.cgi", SOFTWARE),
    ("/config/getuser", SECRET),
    ("/nette.micro", SECRET),
    ("/ab2g", SECRET),
    ("/ab2h", SECRET),
    ("/sitemap.xml.gz.bak", SECRET),
    ("/elmah.axd", SECRET),
    ("/trace.axd", SECRET),
    ("/web-inf/", SECRET),
    ("/crossdomain.xml", 0.0),
    ("/clientaccesspolicy.xml", 0.0),
];

/// Endings of editors' and backups' left-overs.
const LEFT_OVERS: &[&str] = &[
    ".bak", ".old", ".orig", ".save", ".swp", ".sql", ".sql.gz", ".sql.zip", ".sql.tar", ".dump", "~",
    ".php.txt", ".inc", ".key", ".pem",
];
/// Archives: fine as a download, telling under a name that backups have.
const ARCHIVES: &[&str] = &[
    ".zip", ".rar", ".tar", ".tar.gz", ".tgz", ".gz", ".7z", ".tar.bz2",
];
/// Names that backups have.
const BACKUP_NAMES: &[&str] = &[
    "www",
    "web",
    "website",
    "site",
    "html",
    "data",
    "archive",
    "latest",
    "upload",
    "uploads",
    "admin",
    "release",
    "dist",
    "src",
    "source",
    "code",
    "app",
    "1",
    "123",
    "2017",
    "2018",
    "2019",
    "2020",
    "2021",
    "2022",
    "2023",
    "2024",
    "2025",
    "2026",
    "directory",
    "index",
    "home",
    "root",
    "test",
    "new",
    "wp",
    "wordpress",
    "wallet",
    "backup.sql",
    "config",
];
/// Names that backups have, and folders of backups. Downloads lie in folders named after years and kinds of data.
const BACKUP_FOLDERS: &[&str] = &[
    "backup",
    "backups",
    "bak",
    "back",
    "public_html",
    "htdocs",
    "wwwroot",
    "old",
    "db",
    "database",
    "dump",
    "sql",
    "mysql",
    "restore",
    "full_backup",
];

static AUTOMATON: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .start_kind(StartKind::Unanchored)
        .kind(Some(AhoCorasickKind::DFA))
        .build(FRAGMENTS.iter().map(|(text, _)| *text))
        .expect("a constant list of short fragments fits an automaton")
});

/// Looks a path up. The strongest fragment counts.
pub(super) fn find(path: &str) -> ProbeHit {
    if path.len() < 3 || path.len() > PATH_BYTES_MAX {
        return ProbeHit::default();
    }
    let mut buffer = [0u8; PATH_BYTES_MAX];
    let len = lowercase_ascii(path.as_bytes(), &mut buffer);
    let path = &buffer[..len];
    let mut weight = left_over(path);
    for hit in AUTOMATON.find_overlapping_iter(Input::new(path).anchored(Anchored::No)) {
        weight = weight.max(FRAGMENTS[hit.pattern().as_usize()].1);
    }
    ProbeHit { weight }
}

/// Lower-cases into a buffer, as much as fits.
pub(super) fn lowercase_ascii(bytes: &[u8], buffer: &mut [u8]) -> usize {
    let len = bytes.len().min(buffer.len());
    for (out, byte) in buffer[..len].iter_mut().zip(bytes) {
        *out = byte.to_ascii_lowercase();
    }
    len
}

/// How telling a path's ending is: `/db.sql`, `/backup/www.zip`.
fn left_over(path: &[u8]) -> f32 {
    if LEFT_OVERS.iter().any(|ending| path.ends_with(ending.as_bytes())) {
        return SECRET;
    }
    let Some(ending) = ARCHIVES
        .iter()
        .filter(|ending| path.ends_with(ending.as_bytes()))
        .max_by_key(|ending| ending.len())
    else {
        return 0.0;
    };
    let stem = &path[..path.len() - ending.len()];
    let mut segments = stem.rsplit(|byte| *byte == b'/');
    let name = segments.next().unwrap_or_default();
    let folder = segments.next().unwrap_or_default();
    let is_one_of = |names: &[&str], text: &[u8]| names.iter().any(|known| known.as_bytes() == text);
    if is_one_of(BACKUP_NAMES, name) || is_one_of(BACKUP_FOLDERS, name) || is_one_of(BACKUP_FOLDERS, folder) {
        SECRET
    } else {
        0.0
    }
}

/// Whether browsers, crawlers and mail programs ask for it without a link: a miss shows nothing.
pub(super) fn is_convention(path: &str) -> bool {
    const CONVENTIONS: &[&str] = &[
        "/favicon",
        "/apple-touch-icon",
        "/apple-app-site-association",
        "/robots.txt",
        "/ads.txt",
        "/app-ads.txt",
        "/sitemap",
        "/browserconfig.xml",
        "/humans.txt",
        "/security.txt",
        "/.well-known/",
        "/manifest.json",
        "/site.webmanifest",
        "/crossdomain.xml",
        "/opensearch.xml",
        "/feed",
        "/rss",
        "/atom.xml",
        "/service-worker.js",
        "/sw.js",
        "/mstile",
    ];
    // Also in a folder: browsers try `/blog/apple-touch-icon.png` as well.
    let tail_start = path.rfind('/').unwrap_or(0);
    CONVENTIONS
        .iter()
        .any(|known| path.starts_with(known) || path[tail_start..].starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: f32) {
        assert!(
            (find(path).weight - expected).abs() < f32::EPSILON,
            "{path}: {}",
            find(path).weight
        );
    }

    #[test]
    fn what_only_scanners_ask_for_is_found() {
        check("/.env", SECRET);
        check("/app/.git/config", SECRET);
        check("/backup/www.tar.gz", SECRET);
        check("/2018.zip", SECRET);
        check("/WP-LOGIN.php", SOFTWARE);
        check("/index.php.bak", SECRET);
    }

    #[test]
    fn ordinary_paths_and_downloads_are_not() {
        for path in [
            "/",
            "/index.html",
            "/downloads/portcullis-1.2.tar.gz",
            "/logs/access.log.2016-08-27.gz",
            "/data/2020/game-283.zip",
            "/users/7",
            "/environment",
            "/.well-known/acme-challenge/x",
        ] {
            check(path, 0.0);
        }
    }

    #[test]
    fn conventions_are_known_in_any_folder() {
        assert!(is_convention("/favicon.ico") && is_convention("/blog/apple-touch-icon-120x120.png"));
        assert!(is_convention("/.well-known/security.txt") && !is_convention("/private"));
    }
}
