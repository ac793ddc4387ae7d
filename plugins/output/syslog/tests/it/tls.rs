//! Who is trusted by TLS, and certificates for it.

use std::path::Path;

use datashark_sdk::output::Outcome;
use datashark_test_outputs::deliver;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::findings::{batch, open, try_open};
use crate::server::{BOTH, Kind, Server};

/// A folder with an authority and two certificates of it: the server's, for 127.0.0.1, and a
/// client's.
pub(crate) struct Certificates {
    folder: TempDir,
    shown: String,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = named("an authority", &[]);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = authority.self_signed(&authority_key).unwrap();
        let write =
            |name: &str, pem: String| std::fs::write(folder.path().join(name), pem).unwrap();
        write("ca.pem", certificate.pem());
        let issuer = Issuer::new(authority, authority_key);
        for (name, key_name, common_name, names) in [
            ("cert.pem", "key.pem", "a server", &["127.0.0.1"][..]),
            (
                "client.pem",
                "client-key.pem",
                "a client",
                &["client.example.com"][..],
            ),
        ] {
            let key = KeyPair::generate().unwrap();
            let signed = named(common_name, names).signed_by(&key, &issuer).unwrap();
            write(name, signed.pem());
            write(key_name, key.serialize_pem());
        }
        let shown = folder.path().to_str().unwrap().to_owned();
        Certificates { folder, shown }
    }

    /// The path of a file.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// What a server's script is told.
    pub(crate) fn variables(&self) -> [(&str, &str); 1] {
        [("CERTIFICATES", &self.shown)]
    }
}

fn named(common_name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}

/// The reason of a write that is to be tried again.
async fn reason(entries: &[(&str, &str)]) -> String {
    match open(entries).await.write(&[batch(&["a"])]).await {
        Outcome::Again(reason) => reason,
        outcome => panic!("{outcome:?}"),
    }
}

#[tokio::test]
async fn a_server_is_trusted_by_its_authority_and_its_name() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    for kind in BOTH {
        let Some(mut server) = Server::start_with(kind, &certificates.variables()) else {
            return;
        };
        let place = [("transport", "tls"), ("port", server.value("tls_port"))];
        let with = |more: &[(&'static str, &str)]| -> Vec<(String, String)> {
            let all = place.iter().chain(more);
            all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let (ours, theirs) = (certificates.path("ca.pem"), others.path("ca.pem"));
        let trusted = with(&[("ca_file", &ours)]);
        let delivered = deliver(
            open(&borrowed(&trusted)).await.as_mut(),
            batch(&["trusted"]),
        )
        .await;
        assert!(delivered.again.is_empty(), "{delivered:?}");

        let unknown = reason(&borrowed(&with(&[("ca_file", &theirs)]))).await;
        assert!(
            unknown.contains("UnknownIssuer") || unknown.contains("BadSignature"),
            "{unknown}"
        );
        let other_name = with(&[("ca_file", &ours), ("host", "localhost")]);
        let other_name = reason(&borrowed(&other_name)).await;
        assert!(other_name.contains("not valid for name"), "{other_name}");

        let unverified = with(&[("verify", "false"), ("host", "localhost")]);
        let delivered = deliver(
            open(&borrowed(&unverified)).await.as_mut(),
            batch(&["anyone"]),
        )
        .await;
        assert!(delivered.again.is_empty(), "{delivered:?}");
        server.received(2).await;
        assert_eq!(server.stop().len(), 2);
    }
}

fn borrowed(entries: &[(String, String)]) -> Vec<(&str, &str)> {
    let entries = entries.iter();
    entries
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_is_shown_it() {
    let certificates = Certificates::new();
    for kind in BOTH {
        let asks = match kind {
            Kind::Rsyslog => ("AUTH_MODE", "x509/certvalid"),
            Kind::SyslogNg => ("PEER_VERIFY", "required-trusted"),
        };
        let variables = [&certificates.variables()[..], &[asks]].concat();
        let Some(mut server) = Server::start_with(kind, &variables) else {
            return;
        };
        let ca_file = certificates.path("ca.pem");
        let port = server.value("tls_port").to_owned();
        let place = [
            ("transport", "tls"),
            ("port", port.as_str()),
            ("ca_file", &ca_file),
        ];
        let refused = reason(&place).await;
        // Why it is, the server may say or not.
        let place_shown = format!("syslog server 127.0.0.1:{port}: ");
        assert!(refused.starts_with(&place_shown), "{refused}");
        let (cert_file, key_file) = (
            certificates.path("client.pem"),
            certificates.path("client-key.pem"),
        );
        let files = [("cert_file", cert_file.as_str()), ("key_file", &key_file)];
        let mut output = open(&[&place[..], &files].concat()).await;
        let delivered = deliver(output.as_mut(), batch(&["shown"])).await;
        assert!(delivered.again.is_empty(), "{delivered:?}");
        server.received(1).await;
        let received = server.stop();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].document()["source_ip"], "shown");
    }
}

#[tokio::test]
async fn a_file_that_is_no_certificate_is_named_when_the_output_is_opened() {
    let certificates = Certificates::new();
    let key = certificates.path("key.pem");
    let none = certificates.path("none.pem");
    for (path, reason) in [
        (&key, "it holds no certificate in PEM form"),
        (&none, "No such file"),
    ] {
        let opened = try_open(&[("transport", "tls"), ("ca_file", path)]).await;
        let error = opened.err().unwrap().to_string();
        assert!(
            error.contains(&format!("`ca_file = {path}`: ")) && error.contains(reason),
            "{error}"
        );
    }
    assert!(Path::new(&key).exists());
}
