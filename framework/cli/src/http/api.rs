//! The answers.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use datashark_engine::TapPoint;
use serde::Deserialize;

use super::metrics;
use crate::board::Board;

/// Whether all that is to run does.
pub(super) async fn readyz(State(board): State<Arc<Board>>) -> Response {
    match board.unready() {
        reasons if reasons.is_empty() => "ready\n".into_response(),
        reasons => {
            let text = reasons.join("\n") + "\n";
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

/// What all use cases are doing, as Prometheus reads it.
pub(super) async fn metrics(State(board): State<Arc<Board>>) -> Response {
    let text = metrics::render(&board.report());
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}

/// What all use cases are doing.
pub(super) async fn use_cases(State(board): State<Arc<Board>>) -> Response {
    match serde_json::to_vec(&board.report()) {
        Ok(json) => ([(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// What a request for a tap may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tapping {
    #[serde(default)]
    at: TapPoint,
}

/// A sample of what flows, a JSON object a line, for as long as it is listened to.
pub(super) async fn tap(
    State(board): State<Arc<Board>>,
    Path(name): Path<String>,
    Query(Tapping { at }): Query<Tapping>,
) -> Response {
    let tap = match board.tap(&name, at) {
        Some(Ok(tap)) => tap,
        Some(Err(full)) => {
            return (StatusCode::SERVICE_UNAVAILABLE, format!("{full}\n")).into_response();
        }
        None => {
            let report = board.report();
            let names: Vec<&str> = report.use_cases.iter().map(|it| it.name.as_str()).collect();
            let text = format!(
                "no use case `{name}` runs here; those that do are {}\n",
                names.join(", ")
            );
            return (StatusCode::NOT_FOUND, text).into_response();
        }
    };
    let lines = futures::stream::unfold(tap, |mut tap| async move {
        let line = tap.next().await?;
        Some((Ok::<_, Infallible>(line + "\n"), tap))
    });
    let body = Body::from_stream(lines);
    ([(CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}
