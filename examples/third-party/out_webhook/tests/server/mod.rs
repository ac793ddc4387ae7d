//! An HTTP server on this machine that does as a script says, and then takes what comes.

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;

/// What it does with a request.
#[derive(Debug, Clone, Copy)]
pub enum Does {
    Take,
    /// Answers with this status and these headers, and takes nothing.
    Answer(u16, &'static str),
    /// Resets the connection before the request is read.
    Reset,
    /// Takes the request and never answers.
    Hang,
    /// Takes the request and breaks off within the answer.
    BreakOff,
}

/// A request that was taken.
#[derive(Debug, Clone)]
pub struct Request {
    pub at: Instant,
    headers: Vec<(String, String)>,
    body: Value,
}

impl Request {
    pub fn findings(&self) -> &[Value] {
        self.body["findings"].as_array().expect("findings")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(one, _)| one.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn members(&self, of: fn(&Value) -> &Value) -> impl Iterator<Item = String> + '_ {
        self.findings()
            .iter()
            .map(move |one| of(one).as_str().expect("a text").to_owned())
    }
}

#[derive(Default)]
struct State {
    script: VecDeque<Does>,
    taken: Vec<Request>,
    refuses: Option<&'static str>,
    always: Option<u16>,
    /// Connections that are never answered, and kept so that they stay open.
    hanging: Vec<TcpStream>,
}

pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// One that does this, request after request, and then takes what comes.
    pub fn start(script: impl IntoIterator<Item = Does>) -> Server {
        let server = Server::reserve();
        server.state.lock().unwrap().script = script.into_iter().collect();
        server.listen(TcpListener::bind(server.address).expect("the port"));
        server
    }

    /// One at a port where nobody listens yet.
    pub fn reserve() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Server::at(listener.local_addr().expect("its address"))
    }

    /// One that somebody else is.
    pub fn at(address: SocketAddr) -> Server {
        Server {
            address,
            state: Arc::default(),
        }
    }

    /// Begins to listen.
    pub fn open(self) -> Server {
        self.listen(TcpListener::bind(self.address).expect("the port"));
        self
    }

    /// Refuses whatever has this in it.
    pub fn refusing(self, word: &'static str) -> Server {
        self.state.lock().unwrap().refuses = Some(word);
        self
    }

    /// Answers with a status, whatever comes.
    pub fn always(self, status: u16) -> Server {
        self.state.lock().unwrap().always = Some(status);
        self
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn taken(&self) -> Vec<Request> {
        self.state.lock().unwrap().taken.clone()
    }

    /// The words that were taken.
    pub fn keys(&self) -> BTreeSet<String> {
        let taken = self.taken();
        taken
            .iter()
            .flat_map(|request| request.members(|one| &one["finding"]["word"]))
            .collect()
    }

    /// The ids that were taken.
    pub fn ids(&self) -> BTreeSet<String> {
        let taken = self.taken();
        taken
            .iter()
            .flat_map(|request| request.members(|one| &one["id"]))
            .collect()
    }

    fn listen(&self, listener: TcpListener) {
        let state = Arc::clone(&self.state);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                std::thread::spawn(move || serve(connection, &state));
            }
        });
    }
}

fn serve(connection: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(connection.try_clone().expect("a second handle"));
    // Nothing yet: it is the request that counts, not the connection.
    while reader.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
        let does = {
            let mut state = state.lock().unwrap();
            let always = state.always.map(|status| Does::Answer(status, ""));
            always
                .or_else(|| state.script.pop_front())
                .unwrap_or(Does::Take)
        };
        if matches!(does, Does::Reset) {
            // Closed with bytes unread, it is reset.
            return;
        }
        let Some(request) = read(&mut reader) else {
            return;
        };
        let refused = {
            let refuses = state.lock().unwrap().refuses;
            refuses.filter(|word| request.body.to_string().contains(word))
        };
        let (answer, stays) = match (does, refused) {
            (Does::Answer(status, headers), _) => (answer(status, headers, ""), true),
            (_, Some(word)) => (answer(422, "", &format!("cannot take {word}")), true),
            (Does::BreakOff, _) => ("HTTP/1.1 200 O".to_owned(), false),
            _ => (answer(200, "", ""), true),
        };
        if refused.is_none() && !matches!(does, Does::Answer(..)) {
            state.lock().unwrap().taken.push(request);
        }
        if matches!(does, Does::Hang) {
            state.lock().unwrap().hanging.push(connection);
            return;
        }
        if (&connection).write_all(answer.as_bytes()).is_err() || !stays {
            return;
        }
    }
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    assert!(line.starts_with("POST /findings HTTP/1.1"), "{line}");
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut request = Request {
        at: Instant::now(),
        headers,
        body: Value::Null,
    };
    let length: u64 = request.header("content-length")?.parse().ok()?;
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body).ok()?;
    request.body = serde_json::from_slice(&body).expect("JSON");
    Some(request)
}
