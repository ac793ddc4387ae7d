//! TLS: whom the output believes to be the server.

use std::path::PathBuf;
use std::sync::Arc;

use datashark_sdk::output::Outcome;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::double::Double;
use crate::findings::{TIME, many, open};

/// A double with a certificate for this name, and the file with the certificate.
async fn start(name: &str) -> (Double, tempfile::TempDir, PathBuf) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, cert.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    // Of the two libraries of cryptography that are linked in, the one that the output uses too.
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let double = Double::start_tls(TlsAcceptor::from(Arc::new(config))).await;
    (double, folder, path)
}

/// What a write comes to.
async fn written(double: &Double, entries: &[(&str, &str)]) -> Result<usize, String> {
    let findings = many(TIME, 10);
    let entries = [&[("hosts", double.url.as_str())][..], entries].concat();
    let mut output = open(&entries, &findings).await;
    match output.write(&[findings]).await {
        Outcome::Safe => Ok(double.documents().len()),
        Outcome::Again(reason) => Err(reason),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_is_believed_whose_certificate_is_trusted() {
    let (double, _folder, ca) = start("127.0.0.1").await;
    let untrusted = written(&double, &[]).await.unwrap_err();
    assert!(
        untrusted.contains("cannot be reached: invalid peer certificate: "),
        "{untrusted}"
    );
    assert_eq!(double.requests().len(), 0);
    assert_eq!(
        written(&double, &[("ca_file", ca.to_str().unwrap())]).await,
        Ok(10)
    );
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_believed() {
    let (double, _folder, ca) = start("es.example.com").await;
    let ca = ("ca_file", ca.to_str().unwrap());
    let refused = written(&double, &[ca]).await.unwrap_err();
    assert!(
        refused.contains("invalid peer certificate: certificate not valid for name"),
        "{refused}"
    );
    assert_eq!(written(&double, &[ca, ("verify", "false")]).await, Ok(10));
}
