//! What is attacked: a real NGINX that writes the log our documentation recommends, with a small API behind it.

use anyhow::{Context as _, Result};
use portcullis_tests::component::{
    Command, Example, Nginx, SERVER, Site, Stop, Supervised, checkout, folder, free_ports,
};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;

/// The name that clients know it by.
pub(crate) const HOST: &str = "shop.example";
/// The size of the one thing that takes long to fetch over a slow line: more than the kernel's buffers hold.
const CATALOGUE_LINES: u32 = 320_000;

/// The shop, open until it is dropped.
#[derive(Debug)]
pub(crate) struct Shop {
    nginx: Nginx,
    _api: Supervised,
    _folder: tempfile::TempDir,
}

impl Shop {
    pub(crate) fn open() -> Result<Self> {
        let folder = folder("shop")?;
        let here = checkout().join("tests/examples/tools");
        let [port] = free_ports()?;
        let command = Command::new("api", folder.path(), Stop::Kill, "/usr/bin/python3")
            .args([here.join("api.py").as_os_str(), port.to_string().as_ref()]);
        let api = Supervised::start(&command)?;
        api.wait_until("it accepted a connection", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        })?;
        let catalogue = folder.path().join("catalogue.txt");
        write_catalogue(&catalogue)?;
        let format = Example::read("nginx/log-format.conf")?;
        let nginx = Nginx::start(|site| http(site, format.text(), port, &here.join("site"), &catalogue))?;
        Ok(Self {
            nginx,
            _api: api,
            _folder: folder,
        })
    }

    /// Closes it in order, so that the last lines are written, and keeps the log.
    pub(crate) fn close(self, log: &Path) -> Result<()> {
        let written = self.nginx.site().folder.join("access.log");
        // The file is opened here, because it goes with NGINX's folder.
        let mut lines =
            std::fs::File::open(&written).with_context(|| format!("could not read {}", written.display()))?;
        drop(self.nginx);
        let mut kept =
            std::fs::File::create(log).with_context(|| format!("could not write {}", log.display()))?;
        std::io::copy(&mut lines, &mut kept)?;
        Ok(())
    }
}

fn write_catalogue(file: &Path) -> Result<()> {
    let mut text = String::new();
    for number in 1..=CATALOGUE_LINES {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{number:06}  a thing that this shop sells, and its price");
    }
    std::fs::write(file, text).with_context(|| format!("could not write {}", file.display()))
}

/// NGINX with its default timeouts: what they make of a slow client is part of what is measured.
fn http(site: &Site, format: &str, api: u16, pages: &Path, catalogue: &Path) -> String {
    format!(
        "{format}
  types {{ text/html html; text/css css; application/javascript js; image/svg+xml svg; text/plain txt; }}
  server {{
    listen 127.0.0.1:{port};
    listen {SERVER}:80;
    server_name {HOST};
    access_log {folder}/access.log portcullis;
    root {pages};
    location /api/ {{
      proxy_pass http://127.0.0.1:{api};
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
    location = /login {{ proxy_pass http://127.0.0.1:{api}; }}
    location /admin {{ return 403; }}
    location = /catalogue.txt {{ alias {catalogue}; }}
  }}",
        port = site.port,
        folder = site.folder.display(),
        pages = pages.display(),
        catalogue = catalogue.display(),
    )
}
