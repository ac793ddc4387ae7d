//! What counts as delivered, with servers that end in every way.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream as StdTcpStream};
use std::thread::JoinHandle;

use super::*;

const BOUND: Duration = Duration::from_secs(60);

/// A server of one connection.
fn server(serve: impl FnOnce(StdTcpStream) + Send + 'static) -> (Target, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = "127.0.0.1".to_owned();
    let served = std::thread::spawn(move || serve(listener.accept().unwrap().0));
    (Target::Tcp { host, port }, served)
}

#[tokio::test]
async fn what_was_read_to_the_end_is_delivered() {
    let (target, served) = server(|mut stream| {
        // A greeting that nobody reads before the end.
        stream.write_all(b"220 welcome").unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len(), 3_000_000);
    });
    let mut connection = target.connect(BOUND).await.unwrap();
    connection
        .send(&vec![b'x'; 3_000_000], BOUND)
        .await
        .unwrap();
    connection.finish(BOUND).await.unwrap();
    served.join().unwrap();
}

#[tokio::test]
async fn a_server_that_ends_with_bytes_unread_has_not_got_them() {
    let (target, served) = server(|mut stream| {
        stream.read_exact(&mut [0; 10]).unwrap();
    });
    let mut connection = target.connect(BOUND).await.unwrap();
    // TCP acknowledges all of them.
    connection.send(&[b'x'; 1000], BOUND).await.unwrap();
    connection.finish(BOUND).await.unwrap_err();
    served.join().unwrap();
}

#[tokio::test]
async fn a_server_that_has_closed_before_gets_nothing_more() {
    let (target, served) = server(|mut stream| {
        stream.read_exact(&mut [0; 10]).unwrap();
    });
    let mut connection = target.connect(BOUND).await.unwrap();
    connection.send(&[b'x'; 10], BOUND).await.unwrap();
    served.join().unwrap();
    // The kernel takes these, and the server's answers with a reset.
    let sent = connection.send(&[b'x'; 10], BOUND).await;
    let finished = connection.finish(BOUND).await;
    assert!(sent.is_err() || finished.is_err());
}

#[tokio::test]
async fn a_server_that_closes_first_with_everything_read_has_got_it() {
    let (target, served) = server(|mut stream| {
        stream.read_exact(&mut [0; 10]).unwrap();
    });
    let mut connection = target.connect(BOUND).await.unwrap();
    connection.send(&[b'x'; 10], BOUND).await.unwrap();
    served.join().unwrap();
    connection.finish(BOUND).await.unwrap();
}

#[tokio::test]
async fn a_connection_is_not_taken_before_its_last_byte_is_acknowledged() {
    let (target, served) = server(|mut stream| {
        stream.read_to_end(&mut Vec::new()).unwrap();
    });
    let Connection::Tcp(mut stream) = target.connect(BOUND).await.unwrap() else {
        panic!("TCP")
    };
    stream.write_all(b"x").await.unwrap();
    let error = all_taken(&stream, Duration::from_millis(50)).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::TimedOut);
    to_the_end(&mut stream, BOUND).await.unwrap();
    all_taken(&stream, BOUND).await.unwrap();
    served.join().unwrap();
}

#[tokio::test]
async fn a_server_that_does_not_read_to_the_end_is_waited_for_so_long() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (target, served) = server(move |stream| {
        let _ = released.recv();
        drop(stream);
    });
    let mut connection = target.connect(BOUND).await.unwrap();
    connection.send(b"x", BOUND).await.unwrap();
    let error = connection
        .finish(Duration::from_millis(50))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    drop(release);
    served.join().unwrap();
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_waited_for_so_long() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (target, served) = server(move |stream| {
        let _ = released.recv();
        drop(stream);
    });
    let mut connection = target.connect(BOUND).await.unwrap();
    let bytes = vec![b'x'; 64 << 20];
    let error = connection
        .send(&bytes, Duration::from_millis(50))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    drop(release);
    served.join().unwrap();
}

#[tokio::test]
async fn a_datagram_that_nobody_listens_for_is_no_delivery() {
    let free = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let host = "127.0.0.1".to_owned();
    let mut connection = Target::Udp { host, port }.connect(BOUND).await.unwrap();
    connection.send(b"x", BOUND).await.unwrap();
    let error = connection.finish(BOUND).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn targets_are_shown_as_they_are_written() {
    let shown = |host: &str| {
        Target::Udp {
            host: host.to_owned(),
            port: 514,
        }
        .to_string()
    };
    assert_eq!(shown("logs.example.com"), "logs.example.com:514");
    assert_eq!(shown("2001:db8::1"), "[2001:db8::1]:514");
    assert_eq!(Target::Unix("/dev/log".into()).to_string(), "/dev/log");
}
