//! The configuration read anew, on SIGHUP: what can change at once does, the rest is named.

use super::Service;
use crate::config;
use std::path::Path;

/// Reads the file again. A wrong one changes nothing, and every problem of it is logged.
pub(crate) fn reload(service: &mut Service, file: &Path) {
    let mut loaded = match config::load(file) {
        Ok(loaded) => loaded,
        Err(error) => {
            tracing::error!(
                "the configuration stays as it was: {}",
                api::neutralise(&format!("{error:#}"))
            );
            return;
        }
    };
    let changes = service.loaded.diff(&loaded);
    if changes.is_empty() {
        tracing::info!("the configuration was read again: nothing differs");
        return;
    }
    for change in &changes.live {
        tracing::info!(setting = change.path, "changed: {}", change.path);
    }
    for change in &changes.restart {
        tracing::warn!(
            setting = change.path,
            "{} changes at the next start only",
            change.path
        );
    }
    let mut config = service.loaded.config.clone();
    config.take_live(&loaded.config);
    loaded.config = config;
    service.shared.blocklist.set_configured(loaded.config.allowlist());
    if let Some(detect) = &service.detect {
        detect.change(loaded.config.clone());
    }
    service.loaded = loaded;
}
