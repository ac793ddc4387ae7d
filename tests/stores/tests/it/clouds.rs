//! `az://` and `gs://`, against emulators of both clouds.

use std::io::{Read, Write};
use std::net::TcpStream;

use datashark_test_services::Service;

use crate::any_store::{
    files_are_read, files_are_read_that, findings_are_written, findings_wait_for_the_server,
};
use crate::input::problems;
use crate::server::stores;

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_and_findings_written_in_azure() {
    let Some(mut server) = Service::start("azurite") else {
        return;
    };
    let endpoint = server.value("endpoint").to_owned();
    let key = server.value("key").to_owned();
    let with_key = |key: &str| {
        stores([
            ("azure_storage_endpoint", endpoint.as_str()),
            ("azure_storage_account_name", server.value("account")),
            ("azure_storage_account_key", key),
            ("allow_http", "true"),
        ])
    };
    let right = with_key(&key);
    files_are_read("az://logs", &right).await;
    findings_are_written("az://logs", &right).await;
    let found = problems("az://logs/logs/a.log", &with_key("Z3Vlc3M=")).await;
    let (message, help) = &found[0];
    assert!(
        message.starts_with("`az://logs/logs/a.log` is refused: "),
        "{message}"
    );
    assert!(
        help.as_deref()
            .unwrap()
            .contains("`azure_storage_account_key`")
    );
    findings_wait_for_the_server("az://logs", &right, &mut server).await;
}

// The emulator takes no objects by the XML interface, which is how they are put; so nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_in_google_cloud() {
    let Some(server) = Service::start("fake-gcs") else {
        return;
    };
    let url = server.value("url");
    let stores = stores([
        ("google_base_url", url),
        ("google_skip_signature", "true"),
        ("allow_http", "true"),
    ]);
    let address = url.strip_prefix("http://").unwrap();
    let put = async |key: &str, bytes: Vec<u8>| upload(address, key, &bytes).unwrap();
    files_are_read_that(put, "gs://logs", &stores).await;
}

/// Puts an object by the JSON interface.
fn upload(address: &str, key: &str, bytes: &[u8]) -> std::io::Result<()> {
    let (name, length) = (key.replace('/', "%2F"), bytes.len());
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "POST /upload/storage/v1/b/logs/o?uploadType=media&name={name} HTTP/1.1\r\n\
         host: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    )?;
    stream.write_all(bytes)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    Ok(())
}
