//! A double of a server: speaks as much HTTP as the output needs, keeps documents by their ids, and
//! fails as it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What to do with a request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// As a server in good health does.
    Answer,
    /// Answer with this status and body, and take nothing.
    Status(u16, &'static str),
    /// Take nothing, answer nothing, keep the connection.
    Hang,
    /// Read half of the body, then close the connection.
    Reset,
    /// Take all, then close the connection in the middle of the answer.
    Truncate,
    /// Take every second document; the others are answered with this status.
    Half(u16, &'static str),
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
struct State {
    /// What to do with the next bulk requests; after them all is well.
    script: VecDeque<Step>,
    /// The same for requests about templates; first comes what is asked, then what is installed.
    template_script: VecDeque<Step>,
    requests: Vec<Request>,
    /// By index and id.
    documents: BTreeMap<(String, String), Value>,
    /// How often each id was written.
    n_writes: BTreeMap<String, usize>,
    templates: BTreeMap<String, Value>,
    /// The most bytes of a body, the answer to others is 413.
    bytes_max: Option<usize>,
    /// The header `Authorization` that is right.
    login: Option<String>,
}

/// A running double.
#[derive(Clone)]
pub(crate) struct Double {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

impl Double {
    /// Starts one that does these steps with the first bulk requests.
    pub(crate) async fn start(script: impl IntoIterator<Item = Step>) -> Self {
        let (listener, double) = Double::listen("http").await;
        double.state.lock().unwrap().script = script.into_iter().collect();
        let server = double.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.serve(connection).await });
            }
        });
        double
    }

    /// Starts one in good health that is reached by TLS.
    pub(crate) async fn start_tls(tls: TlsAcceptor) -> Self {
        let (listener, double) = Double::listen("https").await;
        let server = double.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (server, tls) = (server.clone(), tls.clone());
                tokio::spawn(async move {
                    // A client that does not trust the certificate goes away.
                    if let Ok(connection) = tls.accept(connection).await {
                        server.serve(connection).await;
                    }
                });
            }
        });
        double
    }

    async fn listen(scheme: &str) -> (TcpListener, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let state = Arc::default();
        (listener, Double { url, state })
    }

    pub(crate) fn template_script(&self, script: impl IntoIterator<Item = Step>) {
        self.state.lock().unwrap().template_script = script.into_iter().collect();
    }

    pub(crate) fn bytes_max(&self, bytes_max: usize) {
        self.state.lock().unwrap().bytes_max = Some(bytes_max);
    }

    pub(crate) fn login(&self, header: &str) {
        self.state.lock().unwrap().login = Some(header.to_owned());
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    pub(crate) fn n_bulks(&self) -> usize {
        self.requests()
            .iter()
            .filter(|request| request.path.contains("_bulk"))
            .count()
    }

    /// The documents by index and id.
    pub(crate) fn documents(&self) -> BTreeMap<(String, String), Value> {
        self.state.lock().unwrap().documents.clone()
    }

    /// How often the id was written that was written most often.
    pub(crate) fn n_writes_max(&self) -> usize {
        self.state
            .lock()
            .unwrap()
            .n_writes
            .values()
            .copied()
            .max()
            .unwrap_or(0)
    }

    pub(crate) fn templates(&self) -> BTreeMap<String, Value> {
        self.state.lock().unwrap().templates.clone()
    }

    async fn serve(&self, mut connection: impl AsyncRead + AsyncWrite + Unpin) {
        while let Some((head, mut body)) = read_head(&mut connection).await {
            let mut request = parse(&head);
            let length: usize = request
                .headers
                .get("content-length")
                .map_or(0, |n| n.parse().unwrap());
            let step = self.step(&request);
            let wanted = if matches!(step, Step::Reset) {
                length / 2
            } else {
                length
            };
            while body.len() < wanted {
                let mut buffer = vec![0; 65_536];
                match connection.read(&mut buffer).await {
                    Ok(n) if n > 0 => body.extend_from_slice(&buffer[..n]),
                    _ => return,
                }
            }
            request.body = unpacked(&request, body);
            let (status, answer) = match step {
                Step::Hang => {
                    self.state.lock().unwrap().requests.push(request);
                    std::future::pending::<()>().await;
                    return;
                }
                Step::Reset => {
                    self.state.lock().unwrap().requests.push(request);
                    return;
                }
                Step::Truncate => {
                    let (_, answer) = self.answer(&request, None);
                    let head = format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
                        answer.len()
                    );
                    let half = &answer[..answer.len() / 2];
                    let _ = connection
                        .write_all(&[head.as_bytes(), half.as_bytes()].concat())
                        .await;
                    return;
                }
                Step::Status(status, body) => {
                    self.state.lock().unwrap().requests.push(request);
                    (status, body.to_owned())
                }
                Step::Half(status, kind) => self.answer(&request, Some((status, kind))),
                Step::Answer => self.answer(&request, None),
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            if connection
                .write_all((head + &answer).as_bytes())
                .await
                .is_err()
            {
                return;
            }
        }
    }

    fn step(&self, request: &Request) -> Step {
        let mut state = self.state.lock().unwrap();
        let script = match request.path.contains("_bulk") {
            true => &mut state.script,
            false => &mut state.template_script,
        };
        script.pop_front().unwrap_or(Step::Answer)
    }

    fn answer(&self, request: &Request, every_second: Option<(u16, &str)>) -> (u16, String) {
        let mut state = self.state.lock().unwrap();
        state.requests.push(request.clone());
        let path = request
            .path
            .split('?')
            .next()
            .unwrap()
            .trim_matches('/')
            .to_owned();
        if state.login.is_some() && state.login.as_ref() != request.headers.get("authorization") {
            return (
                401,
                json!({"error": {"type": "security_exception", "reason": "who are you"}})
                    .to_string(),
            );
        }
        if path.starts_with("_index_template/") || path.starts_with("_template/") {
            let name = path.split('/').nth(1).unwrap().to_owned();
            if request.method == "PUT" {
                let template = serde_json::from_slice(&request.body).unwrap();
                state.templates.insert(path.clone(), template);
                return (200, json!({"acknowledged": true}).to_string());
            }
            return match state.templates.get(&path) {
                None => (404, json!({"error": "no such template"}).to_string()),
                Some(found) if path.starts_with("_template/") => {
                    (200, json!({name: found}).to_string())
                }
                Some(found) => {
                    let found = json!({"name": name, "index_template": found});
                    (200, json!({"index_templates": [found]}).to_string())
                }
            };
        }
        if state
            .bytes_max
            .is_some_and(|most| request.body.len() > most)
        {
            return (413, String::new());
        }
        let index = path.strip_suffix("/_bulk").unwrap().to_owned();
        let lines: Vec<&[u8]> = request.body.split(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len() % 2, 1, "a line end behind the last");
        let mut items = Vec::new();
        for (i, pair) in lines.chunks_exact(2).enumerate() {
            let action: Value = serde_json::from_slice(pair[0]).unwrap();
            let document: Value = serde_json::from_slice(pair[1]).unwrap();
            if let Some((status, kind)) = every_second.filter(|_| i % 2 == 1) {
                let error = json!({"type": kind, "reason": "not now"});
                items.push(json!({"index": {"status": status, "error": error}}));
                continue;
            }
            let id = action["index"]["_id"].as_str().unwrap().to_owned();
            *state.n_writes.entry(id.clone()).or_default() += 1;
            let before = state.documents.insert((index.clone(), id), document);
            let status = if before.is_some() { 200 } else { 201 };
            items.push(json!({"index": {"status": status}}));
        }
        (200, json!({"items": items}).to_string())
    }
}

async fn read_head(connection: &mut (impl AsyncRead + Unpin)) -> Option<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let body = read.split_off(end + 4);
            return Some((String::from_utf8(read).unwrap(), body));
        }
        let mut buffer = [0; 4096];
        match connection.read(&mut buffer).await {
            Ok(n) if n > 0 => read.extend_from_slice(&buffer[..n]),
            _ => return None,
        }
    }
}

fn parse(head: &str) -> Request {
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ');
    let (method, path) = (
        first.next().unwrap().to_owned(),
        first.next().unwrap().to_owned(),
    );
    let headers = lines.filter_map(|line| line.split_once(": "));
    Request {
        method,
        path,
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: Vec::new(),
    }
}

fn unpacked(request: &Request, body: Vec<u8>) -> Vec<u8> {
    if request.headers.get("content-encoding").map(String::as_str) != Some("gzip") {
        return body;
    }
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&body[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    unpacked
}
