//! Servers in this process: S3 over a folder, and a web server over a map.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use datashark_sdk::Stores;
use datashark_sdk::conf::Section;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, RANGE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;

/// Who may use the S3 server.
const KEYS: (&str, &str) = ("reader", "sesame");

/// A request as a test wants to see it: method, path and range.
pub(crate) type Seen = (String, String, Option<String>);

/// An S3 server that has the bucket `logs`.
pub(crate) struct S3 {
    folder: tempfile::TempDir,
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl S3 {
    /// Starts one; it ends with the test's runtime.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("logs")).unwrap();
        let files = s3s_fs::FileSystem::new(folder.path()).unwrap();
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(KEYS.0, KEYS.1));
        let service = service.build();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let noted = Arc::clone(&seen);
        let address = serve(move |request| {
            noted.lock().unwrap().push(note(&request));
            let service: S3Service = service.clone();
            async move { hyper::service::Service::call(&service, request).await }
        })
        .await;
        S3 {
            folder,
            address,
            seen,
        }
    }

    /// Puts an object into the bucket, as another program does.
    pub(crate) fn put(&self, key: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The text of an object.
    pub(crate) fn text(&self, key: &str) -> String {
        std::fs::read_to_string(self.path(key)).unwrap()
    }

    /// Where the server keeps an object.
    pub(crate) fn path(&self, key: &str) -> PathBuf {
        self.folder.path().join("logs").join(key)
    }

    /// The keys of all objects, sorted.
    pub(crate) fn keys(&self) -> Vec<String> {
        let root = self.folder.path().join("logs");
        let mut keys = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => {
                        keys.push(path.strip_prefix(&root).unwrap().display().to_string());
                    }
                }
            }
        }
        keys.sort();
        keys
    }

    /// The ranges that were asked for of an object.
    pub(crate) fn ranges(&self, key: &str) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let path = format!("/logs/{key}");
        let asked = seen
            .iter()
            .filter(|(method, asked, _)| method == "GET" && *asked == path);
        asked.filter_map(|(_, _, range)| range.clone()).collect()
    }

    /// The settings that reach it.
    pub(crate) fn stores(&self) -> Stores {
        self.stores_with(&[])
    }

    /// The settings that reach it, some of them others.
    pub(crate) fn stores_with(&self, others: &[(&str, &str)]) -> Stores {
        let endpoint = format!("http://{}", self.address);
        let right = [
            ("aws_endpoint", endpoint.as_str()),
            ("aws_access_key_id", KEYS.0),
            ("aws_secret_access_key", KEYS.1),
            ("allow_http", "true"),
        ];
        stores(right.into_iter().chain(others.iter().copied()))
    }
}

/// Settings as `[engine] [[object_store]]` has them.
pub(crate) fn stores<'a>(settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Stores {
    let (stores, problems) = Stores::from_section(&Section::from_iter(settings));
    assert!(problems.is_empty(), "{problems}");
    stores
}

/// A web server with files, that may know ranges or not.
pub(crate) async fn web(files: &[(&str, &[u8])], ranges: bool) -> String {
    let files: HashMap<String, Bytes> = files
        .iter()
        .map(|(path, bytes)| (format!("/{path}"), Bytes::copy_from_slice(bytes)))
        .collect();
    let files = Arc::new(files);
    let address = serve(move |request| {
        let answer = answer(&request, &files, ranges);
        async move { Ok::<_, Infallible>(answer) }
    })
    .await;
    format!("http://{address}")
}

fn answer(
    request: &Request<Incoming>,
    files: &HashMap<String, Bytes>,
    ranges: bool,
) -> Response<Full<Bytes>> {
    let Some(file) = files.get(request.uri().path()) else {
        let answer = Response::builder().status(StatusCode::NOT_FOUND);
        return answer.body(Full::default()).unwrap();
    };
    let answer = Response::builder().header(ETAG, "\"one\"");
    if request.method() == Method::HEAD {
        let answer = answer.header(CONTENT_LENGTH, file.len());
        return answer.body(Full::default()).unwrap();
    }
    match range(request, file.len()).filter(|_| ranges) {
        Some(range) => {
            let shown = format!("bytes {}-{}/{}", range.start, range.end - 1, file.len());
            answer
                .status(StatusCode::PARTIAL_CONTENT)
                .header(ACCEPT_RANGES, "bytes")
                .header(CONTENT_RANGE, shown)
                .body(Full::new(file.slice(range)))
                .unwrap()
        }
        None => answer.body(Full::new(file.clone())).unwrap(),
    }
}

/// `bytes=5-9` as a range; a file ends where it ends.
fn range(request: &Request<Incoming>, len: usize) -> Option<Range<usize>> {
    let text = request.headers().get(RANGE)?.to_str().ok()?;
    let (start, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let last: usize = last.parse().ok()?;
    Some(start.parse().ok()?..(last + 1).min(len))
}

fn note(request: &Request<Incoming>) -> Seen {
    let range = request.headers().get(RANGE);
    (
        request.method().to_string(),
        request.uri().path().to_owned(),
        range.map(|range| range.to_str().unwrap().to_owned()),
    )
}

async fn serve<F, A, B, E>(answer: F) -> SocketAddr
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: hyper::body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let service = service_fn(answer.clone());
            tokio::spawn(async move {
                let server = Builder::new(TokioExecutor::new());
                // A client that goes away is none of the test's business.
                let _ = server.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    address
}
