//! Puts the index template on the server, once, before the first findings.

use bytes::Bytes;
use elasticsearch::http::{Method, StatusCode};
use serde_json::Value;
use tracing::{info, warn};

use crate::client::{Answer, Client, Content};
use crate::index::IndexName;
use crate::template::Form;

/// What is to be installed.
pub(crate) struct Template<'a> {
    pub(crate) index: &'a IndexName,
    pub(crate) properties: &'a Value,
}

impl Template<'_> {
    /// Installs it, or adds to one of ours what it lacks. Where it is not wanted (no right to install
    /// one, another template for the same indices) findings are written without, with a warning.
    ///
    /// # Errors
    /// The server is away, busy or does not know who asks: try again.
    pub(crate) async fn install(&self, client: &mut Client) -> Result<(), String> {
        if self.install_as(Form::Composable, client).await? == Known::No {
            self.install_as(Form::Legacy, client).await?;
        }
        Ok(())
    }

    async fn install_as(&self, form: Form, client: &mut Client) -> Result<Known, String> {
        let name = self.index.template();
        let path = form.path(&crate::path_segment(&name));
        let found = answered(client, client_get(&path)).await?;
        let body = match found.status {
            StatusCode::NOT_FOUND => form.body(self.index, self.properties),
            status if status.is_success() => {
                let mut answer: Value = serde_json::from_slice(&found.body).unwrap_or_default();
                match form.found(&mut answer, &name) {
                    Some(template) => match form.complete(template, self.properties) {
                        true => template.take(),
                        false => return Ok(Known::Yes),
                    },
                    // A server that does not have it says so by an empty answer.
                    None => form.body(self.index, self.properties),
                }
            }
            StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED
                if form == Form::Composable =>
            {
                return Ok(Known::No);
            }
            _ => {
                without(&name, &found.reason(&client.host()));
                return Ok(Known::Yes);
            }
        };
        let body = Bytes::from(body.to_string());
        let put = answered(client, (Method::Put, path, Some((Content::Json, body)))).await?;
        match put.status.is_success() {
            true => info!(template = %name, "installed the index template"),
            false => without(&name, &put.reason(&client.host())),
        }
        Ok(Known::Yes)
    }
}

/// Whether the server knows templates of a form.
#[derive(PartialEq, Eq)]
enum Known {
    Yes,
    No,
}

type Request = (Method, String, Option<(Content, Bytes)>);

fn client_get(path: &str) -> Request {
    (Method::Get, path.to_owned(), None)
}

/// An answer that says something of the request.
async fn answered(client: &mut Client, (method, path, body): Request) -> Result<Answer, String> {
    let answer = client.send(method, &path, body).await?;
    let status = answer.status;
    match status.is_server_error()
        || [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS].contains(&status)
    {
        true => Err(answer.reason(&client.host())),
        false => Ok(answer),
    }
}

fn without(name: &str, reason: &str) {
    warn!(template = %name, %reason, "findings are written without an index template of dataShark's");
}
