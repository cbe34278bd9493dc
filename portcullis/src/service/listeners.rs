//! The listeners: bound before anything starts, served until the end.

use crate::config::used::{Listener, ListenerKind};
use anyhow::Context as _;
use api::{ApiState, Entrance, SharedSecret, Surface, TlsFiles};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A bound listener and what it will answer.
pub(super) struct Socket {
    pub(super) address: SocketAddr,
    listener: TcpListener,
    entrance: Entrance,
    tls: Option<TlsFiles>,
}

/// Binds every listener.
///
/// # Errors
/// When an address is taken or not ours; the message names it.
pub(super) async fn bind(listeners: &[Listener]) -> anyhow::Result<Vec<Socket>> {
    let mut sockets = Vec::with_capacity(listeners.len());
    for settings in listeners {
        let wanted = settings.address;
        let listener = TcpListener::bind(wanted)
            .await
            .with_context(|| format!("could not listen on {wanted} (api.listeners): is it taken?"))?;
        let address = listener.local_addr().unwrap_or(wanted);
        let tls = settings
            .tls
            .as_ref()
            .map(|tls| TlsFiles::load(&tls.certificate, &tls.key))
            .transpose()
            .with_context(|| format!("could not listen on {wanted}"))?;
        sockets.push(Socket {
            address,
            listener,
            entrance: entrance(settings),
            tls,
        });
    }
    Ok(sockets)
}

/// Serves them until the process stops.
pub(super) fn serve(
    sockets: Vec<Socket>,
    api: &Arc<ApiState>,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) {
    for socket in sockets {
        let scheme = if socket.tls.is_some() { "https" } else { "http" };
        tracing::info!(
            "listens on {scheme}://{}: {:?}",
            socket.address,
            socket.entrance.surfaces
        );
        let router = api::router(api, socket.entrance);
        let until = stop.clone().cancelled_owned();
        tasks.spawn(api::serve(socket.listener, socket.tls, router, until));
    }
}

fn entrance(settings: &Listener) -> Entrance {
    Entrance {
        surfaces: settings.kinds.iter().map(|kind| surface(*kind)).collect(),
        hosts: settings.hosts.clone(),
        secret: settings
            .shared_secret
            .as_ref()
            .map(|secret| SharedSecret::new(secret.reveal())),
    }
}

fn surface(kind: ListenerKind) -> Surface {
    match kind {
        ListenerKind::Admin => Surface::Admin,
        ListenerKind::Bouncer => Surface::Bouncer,
        ListenerKind::Check => Surface::Check,
        ListenerKind::Metrics => Surface::Metrics,
    }
}
