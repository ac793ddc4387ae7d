//! What this process answers by HTTP: how it does, for people, Prometheus and orchestrators.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 while the process lives |
//! | `/readyz` | 200 once all confs are loaded and every stream runs, else 503 and why not |
//! | `/metrics` | what all use cases are doing, as Prometheus reads it |
//! | `/api/usecases` | the same as JSON |
//! | `/api/usecases/NAME/tap?at=POINT` | a sample of what flows, a JSON object a line, until it is closed; `POINT` is `before-filter`, `after-filter` (where it is not said) or `findings` |
//!
//! # Who may ask
//! Whoever reaches the address: there is no login, and nothing that changes anything. It is loopback
//! unless the conf says otherwise, which is noted at the start. On loopback a request is refused whose
//! `Host` is a name other than `localhost`: so a web page that the operator opens cannot read records
//! by giving its own name the address 127.0.0.1.
//!
//! # Limits
//! [`MOST_CONNECTIONS`] connections at a time, beyond which they wait; request bodies are not read. Who
//! keeps all of them open keeps others from asking, and the use cases from nothing.

mod api;
mod limited;
mod metrics;
mod process;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::{StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use self::limited::Limited;
use crate::board::Board;
use crate::text::say;

/// How many connections are answered at a time: Prometheus, some of `top` and `tap`, a browser.
const MOST_CONNECTIONS: usize = 128;

/// A server that is answering; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers at an address, from now on.
///
/// # Errors
/// The address is taken or is none of this machine's.
pub(crate) async fn serve(address: SocketAddr, board: Arc<Board>) -> Result<Server, String> {
    let failed = |error: std::io::Error| {
        format!(
            "HTTP cannot listen at {address}: {error}; `[engine] http` or `--http` gives another \
             address, or `off`"
        )
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    say(&format!("HTTP: http://{address}"));
    let mut router = routes(board);
    if address.ip().is_loopback() {
        router = router.layer(from_fn(local_names_only));
    } else {
        say(&format!(
            "note: http://{address} has no login: who can reach it sees records and findings"
        ));
    }
    let serving = axum::serve(Limited::new(listener, MOST_CONNECTIONS), router);
    let task = tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "HTTP is no longer answered");
        }
    });
    Ok(Server { task })
}

fn routes(board: Arc<Board>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(api::readyz))
        .route("/metrics", get(api::metrics))
        .route("/api/usecases", get(api::use_cases))
        .route("/api/usecases/{name}/tap", get(api::tap))
        .with_state(board)
}

/// Refuses requests for a name that only pretends to be this machine.
async fn local_names_only(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<Uri>().ok());
    let name = authority.as_ref().and_then(Uri::host);
    let is_local = |name: &str| {
        let address = name.trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
    };
    // One without a host is no browser's.
    if host.is_none() || name.is_some_and(is_local) {
        return next.run(request).await;
    }
    let why = "this address is asked for by number or as `localhost`\n";
    (StatusCode::FORBIDDEN, why).into_response()
}
