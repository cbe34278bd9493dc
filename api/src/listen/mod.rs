//! Listeners: plain or encrypted, HTTP/1.1 and HTTP/2, bounded in everything a stranger chooses.

mod tls;

pub use tls::{TLS_POLL, TlsError, TlsFiles};

use crate::peer::{Peer, Stopping};
use axum::Router;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

/// Most connections of one listener at once: hundreds of gateways with a handful each. Above it new ones wait in
/// the system's queue until one ends.
pub const CONNECTIONS_MAX: usize = 4096;
/// How long a head may take, and how long a connection may be idle between two requests. Bouncers ask every ten
/// seconds and keep their connection; whoever sends a byte a minute loses it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the encryption's handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests that run may take to end when the listener is told to stop.
pub const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Pause after the system refused to accept (no file descriptors): trying at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// An HTTP/2 connection is asked for a sign of life this often, and closed without one.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Requests that one HTTP/2 connection may have open.
const STREAMS_MAX: u32 = 128;
/// Longest head of a request in bytes; also the bound of what one connection makes us buffer.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Serves a router until `shutdown` is ready, then lets running requests end within [`DRAIN_MAX`].
///
/// Every request carries its [`Peer`]. Changed certificates are taken up while it serves, see [`TlsFiles`].
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsFiles>,
    router: Router,
    shutdown: impl Future<Output = ()>,
) {
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let tls = tls.map(Arc::new);
    if let Some(tls) = &tls {
        tasks.spawn(Arc::clone(tls).follow(stop.clone()));
    }
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, address, place) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let peer = Peer {
            // A listener of both families sees IPv4 peers as mapped into IPv6.
            address: SocketAddr::new(address.ip().to_canonical(), address.port()),
            is_tls: tls.is_some(),
        };
        let service = Served {
            router: router.clone(),
            peer,
            stopping: Stopping(stop.clone()),
        };
        tasks.spawn(serve_one(stream, tls.clone(), service, stop.clone(), place));
    }
    drop(listener);
    stop.cancel();
    tasks.close();
    // Every task ends by itself within the bound: see `serve_connection`.
    tasks.wait().await;
}

/// The next connection and its place; waits while all places are taken.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed: it lives as long as the listener");
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return (stream, address, place),
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_one(
    stream: TcpStream,
    tls: Option<Arc<TlsFiles>>,
    service: Served,
    stop: CancellationToken,
    place: OwnedSemaphorePermit,
) {
    // Answers are small and whole: waiting to fill a packet only delays them. A failure changes nothing else.
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve_connection(stream, service, &stop).await,
        Some(tls) => {
            let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.acceptor().accept(stream));
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = handshake => accepted,
            };
            match accepted {
                Ok(Ok(stream)) => serve_connection(stream, service, &stop).await,
                // Scanners and plain HTTP end here by the thousand: no reason for a line at the usual level.
                Ok(Err(error)) => tracing::debug!(%error, peer = %service.peer.address, "handshake failed"),
                Err(_) => tracing::debug!(peer = %service.peer.address, "handshake took too long"),
            }
        }
    }
    drop(place);
}

/// Serves one connection to its end, or until the drain is over.
async fn serve_connection<S>(stream: S, service: Served, stop: &CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX));
    let peer = service.peer;
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(DRAIN_MAX, connection).await {
                Ok(ended) => ended,
                Err(_) => return tracing::warn!(peer = %peer.address, "a request was cut off by the shutdown"),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, peer = %peer.address, "a connection broke off");
    }
}

/// The router, telling every request who sent it and when to end.
#[derive(Debug, Clone)]
struct Served {
    router: Router,
    peer: Peer,
    stopping: Stopping,
}

impl<B> Service<Request<B>> for Served
where
    Router: Service<Request<B>>,
{
    type Response = <Router as Service<Request<B>>>::Response;
    type Error = <Router as Service<Request<B>>>::Error;
    type Future = <Router as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.router.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.stopping.clone());
        self.router.call(request)
    }
}

#[cfg(test)]
mod tests;
