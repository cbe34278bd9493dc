//! Syslog's listeners: what comes is appended to the source's spool before more is taken.
//!
//! A stream whose spool is full is not read on, so that its sender keeps what it has. A datagram that finds no room is
//! dropped and counted; so are those that the kernel drops before we see them.

use super::spools::{Spooled, Spools};
use crate::config::used::{Syslog, SyslogProtocol};
use anyhow::Context as _;
use api::TlsFiles;
use ingest::source::spool::{SpoolError, SpoolLine};
use ingest::source::syslog::{MESSAGE_BYTES_MAX, SyslogFramer, trim};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections of one listener at a time; each may hold a message that is not whole yet. Relays keep one each.
const CONNECTIONS_MAX: usize = 256;

/// A connection that says nothing for so long is closed: its sender connects again when it has something to say.
const IDLE_MAX: Duration = Duration::from_secs(900);

/// How long a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// How long a full spool, or a disk that fails, is given before it is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Bytes read from a connection at once, and appended together.
const READ_BYTES: usize = 64 << 10;

/// Datagrams that are appended together, and waited for together on the disk.
const DATAGRAMS_MAX: usize = 1024;

/// Bytes that the kernel is asked to keep for us between two reads: half a second of ten thousand lines of 800 bytes. It
/// gives what net.core.rmem_max allows.
const RECEIVE_BYTES: usize = 4 << 20;

/// How often the kernel is asked what it dropped.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A bound listener.
pub(super) struct SyslogListener {
    settings: Syslog,
    socket: Socket,
    tls: Option<Arc<TlsFiles>>,
}

enum Socket {
    Stream(TcpListener),
    Datagrams(UdpSocket),
}

/// What a listener's tasks share.
struct Door {
    settings: Syslog,
    spools: Arc<Spools>,
    spooled: Arc<Spooled>,
    name: String,
}

/// Binds every listener.
///
/// # Errors
/// When an address is taken or not ours, or a certificate cannot be used; the message names it.
pub(super) async fn bind(settings: &[Syslog]) -> anyhow::Result<Vec<SyslogListener>> {
    let mut listeners = Vec::with_capacity(settings.len());
    for settings in settings {
        let wanted = settings.listen;
        let failed = || format!("could not listen on {wanted} (syslog): is it taken?");
        let socket = match settings.protocol {
            SyslogProtocol::Udp => Socket::Datagrams(datagrams(wanted).with_context(failed)?),
            _ => Socket::Stream(TcpListener::bind(wanted).await.with_context(failed)?),
        };
        let tls = settings
            .tls
            .as_ref()
            .map(|tls| TlsFiles::load(&tls.certificate, &tls.key))
            .transpose()
            .with_context(|| format!("could not listen on {wanted}"))?;
        listeners.push(SyslogListener {
            settings: settings.clone(),
            socket,
            tls: tls.map(Arc::new),
        });
    }
    Ok(listeners)
}

fn datagrams(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, None)?;
    socket.set_recv_buffer_size(RECEIVE_BYTES)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// Listens until the process stops.
///
/// # Errors
/// When a spool cannot be made.
pub(super) fn serve(
    listeners: Vec<SyslogListener>,
    spools: &Arc<Spools>,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> anyhow::Result<()> {
    for listener in listeners {
        let name = listener.settings.source();
        let door = Arc::new(Door {
            spooled: spools.get(&name)?,
            spools: Arc::clone(spools),
            settings: listener.settings,
            name,
        });
        tracing::info!("listens for {}", door.name);
        match listener.socket {
            Socket::Datagrams(socket) => {
                tasks.spawn(until(stop.clone(), receive(Arc::clone(&door), socket)));
            }
            Socket::Stream(socket) => {
                if let Some(tls) = &listener.tls {
                    tasks.spawn(Arc::clone(tls).follow(stop.clone()));
                }
                let accept = accept(door, socket, listener.tls, stop.clone(), tasks.clone());
                tasks.spawn(until(stop.clone(), accept));
            }
        }
    }
    Ok(())
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

async fn accept(
    door: Arc<Door>,
    listener: TcpListener,
    tls: Option<Arc<TlsFiles>>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "could not accept a connection of {}: {error}", door.name);
                tokio::time::sleep(RETRY_AFTER).await;
                continue;
            }
        };
        if !door.settings.admits(peer.ip()) {
            tracing::debug!("{} does not listen to {}", door.name, peer.ip());
            continue;
        }
        let (door, tls) = (Arc::clone(&door), tls.clone());
        let work = async move {
            if let Err(error) = converse(&door, stream, tls).await {
                tracing::debug!(%error, "a connection of {} ended: {error}", door.name);
            }
            drop(permit);
        };
        tasks.spawn(until(stop.clone(), work));
    }
}

async fn converse(door: &Door, stream: TcpStream, tls: Option<Arc<TlsFiles>>) -> anyhow::Result<()> {
    match tls {
        None => read(door, stream).await,
        Some(tls) => {
            let stream = tokio::time::timeout(HANDSHAKE_MAX, tls.acceptor().accept(stream)).await??;
            read(door, stream).await
        }
    }
}

/// Reads a connection to its end. Nothing more is read before what came is on the disk.
async fn read(door: &Door, mut stream: impl AsyncRead + Unpin) -> anyhow::Result<()> {
    let mut framer = SyslogFramer::default();
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let read = tokio::time::timeout(IDLE_MAX, stream.read(&mut bytes)).await??;
        let mut messages = Messages::default();
        if read == 0 {
            framer.finish(|message| messages.push(message));
            return door.append(messages).await;
        }
        let framed = framer.feed(&bytes[..read], |message| messages.push(message));
        door.append(messages).await?;
        framed?;
    }
}

/// Messages that came together.
#[derive(Debug, Default)]
struct Messages {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Messages {
    fn push(&mut self, message: &[u8]) {
        self.bytes.extend_from_slice(message);
        self.ends.push(self.bytes.len());
    }

    fn iter(&self) -> impl Iterator<Item = SpoolLine<'_>> + Clone {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| SpoolLine::within(&self.bytes[start..*end], MESSAGE_BYTES_MAX))
    }
}

impl Door {
    /// Appends messages; waits while there is no room.
    async fn append(&self, messages: Messages) -> anyhow::Result<()> {
        let messages = Arc::new(messages);
        while self.try_append(&messages).await?.is_err() {
            tokio::time::sleep(RETRY_AFTER).await;
        }
        Ok(())
    }

    async fn try_append(&self, messages: &Arc<Messages>) -> anyhow::Result<Result<(), SpoolError>> {
        if messages.ends.is_empty() {
            return Ok(Ok(()));
        }
        let (spools, spooled) = (Arc::clone(&self.spools), Arc::clone(&self.spooled));
        let messages = Arc::clone(messages);
        let appended = tokio::task::spawn_blocking(move || spools.append(&spooled, messages.iter()));
        appended.await.context("could not wait for the disk")
    }
}

/// Receives datagrams, one line each.
async fn receive(door: Arc<Door>, socket: UdpSocket) {
    let mut datagram = vec![0; MESSAGE_BYTES_MAX + 1];
    let mut looked = std::time::Instant::now();
    loop {
        let mut messages = Messages::default();
        let first = tokio::time::timeout(LOOK_EVERY, socket.recv_from(&mut datagram)).await;
        if let Ok(first) = first {
            let mut next = first;
            while let Ok((length, peer)) = next {
                let message = trim(&datagram[..length]);
                if door.settings.admits(peer.ip()) && !message.is_empty() {
                    messages.push(message);
                }
                if messages.ends.len() >= DATAGRAMS_MAX {
                    break;
                }
                next = socket.try_recv_from(&mut datagram);
            }
        }
        let count = messages.ends.len() as u64;
        let appended = door.try_append(&Arc::new(messages)).await;
        if !matches!(appended, Ok(Ok(()))) {
            door.spooled.dropped.fetch_add(count, Ordering::Relaxed);
        }
        if looked.elapsed() >= LOOK_EVERY {
            looked = std::time::Instant::now();
            if let Some(dropped) = dropped_by_kernel(&socket) {
                door.spooled.dropped_by_kernel.store(dropped, Ordering::Relaxed);
            }
        }
    }
}

/// Datagrams that the kernel dropped since the socket was bound, because its queue was full.
fn dropped_by_kernel(socket: &UdpSocket) -> Option<u64> {
    let address = socket.local_addr().ok()?;
    let table = if address.is_ipv6() {
        "/proc/net/udp6"
    } else {
        "/proc/net/udp"
    };
    drops_in(&std::fs::read_to_string(table).ok()?, address)
}

/// The last column of the socket's row: `sl local_address rem_address … drops`.
fn drops_in(table: &str, address: SocketAddr) -> Option<u64> {
    let host: String = match address.ip() {
        std::net::IpAddr::V4(ip) => format!("{:08X}", u32::from_le_bytes(ip.octets())),
        std::net::IpAddr::V6(ip) => {
            let words = ip.octets();
            let words = words.chunks_exact(4).map(|word| {
                let word: [u8; 4] = word.try_into().unwrap_or_default();
                format!("{:08X}", u32::from_le_bytes(word))
            });
            words.collect()
        }
    };
    let local = format!("{host}:{:04X}", address.port());
    let mut rows = table.lines().map(str::split_ascii_whitespace);
    let mut row = rows.find(|row| row.clone().nth(1) == Some(local.as_str()))?;
    row.next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_dropped_stands_in_the_row_of_the_socket() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
                     114: 0100007F:158A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1234 2 0000 17\n\
                     115: 00000000:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1235 2 0000 3\n";
        let check = |address: &str, expected| assert_eq!(drops_in(table, address.parse().unwrap()), expected);
        check("127.0.0.1:5514", Some(17));
        check("0.0.0.0:514", Some(3));
        check("127.0.0.1:514", None);
        let six = "1: 00000000000000000000000001000000:158A 0:0 07 0 0 0 0 0 0 0 9\n";
        assert_eq!(drops_in(six, "[::1]:5514".parse().unwrap()), Some(9));
    }
}
