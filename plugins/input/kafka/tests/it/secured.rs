//! TLS and logins.

use datashark_sdk::input::Open;
use datashark_test_services::Service;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;

use crate::broker::{create_topic, numbered, write};
use crate::seen::{Seen, once};

/// A folder with an authority and a certificate of it for 127.0.0.1.
struct Certificates(TempDir);

impl Certificates {
    /// Certificates that were good until this year began.
    fn until(year: i32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, pem: String| std::fs::write(folder.path().join(name), pem).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority
            .distinguished_name
            .push(DnType::CommonName, "an authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        write("ca.pem", authority.self_signed(&key).unwrap().pem());
        let issuer = Issuer::new(authority, key);
        let key = KeyPair::generate().unwrap();
        let mut server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        server.not_after = date_time_ymd(year, 1, 1);
        write("cert.pem", server.signed_by(&key, &issuer).unwrap().pem());
        write("key.pem", key.serialize_pem());
        Certificates(folder)
    }

    fn folder(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    fn authority(&self) -> String {
        format!("{}/ca.pem", self.folder())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_and_logins_let_in_who_may_and_say_why_nobody_else() {
    let (ours, theirs) = (Certificates::until(4000), Certificates::until(4000));
    let Some(service) = Service::start_with("kafka", &[("CERTIFICATES", ours.folder())]) else {
        return;
    };
    create_topic(service.value("bootstrap"), "secret", 1).await;
    write(service.value("bootstrap"), "secret", &numbered(0..10, 1));
    let (ca_file, others) = (ours.authority(), theirs.authority());
    let read = async |listener: &str, more: &[(&str, &str)]| -> Result<usize, String> {
        let place = [
            ("bootstrap_servers", service.value(listener)),
            ("topic", "secret"),
        ];
        let mut seen = Seen::open(&[&place, more].concat(), once()).await;
        loop {
            match seen.next().await {
                Ok(true) => {}
                Ok(false) => return Ok(seen.n_records()),
                Err(error) => return Err(error.to_string()),
            }
        }
    };
    let login = |sasl, password| {
        [
            ("sasl", sasl),
            ("user", "datashark"),
            ("password", password),
        ]
    };
    let tls = [("tls", "true"), ("ca_file", ca_file.as_str())];
    assert_eq!(read("tls", &tls).await, Ok(10));
    assert_eq!(
        read("tls", &[("tls", "true"), ("verify", "false")]).await,
        Ok(10)
    );
    for sasl in ["plain", "scram-sha-256", "scram-sha-512"] {
        assert_eq!(read("sasl", &login(sasl, "secret")).await, Ok(10), "{sasl}");
        let both = [&tls[..], &login(sasl, "secret")].concat();
        assert_eq!(read("sasl_tls", &both).await, Ok(10), "{sasl}");
        let refused = read("sasl", &login(sasl, "wrong")).await.unwrap_err();
        let expected = format!("Kafka at {} refuses the login: ", service.value("sasl"));
        assert!(refused.starts_with(&expected), "{refused}");
        assert!(
            !refused.contains('\n') && !refused.contains("wrong"),
            "{refused}"
        );
    }
    let unknown = read("tls", &[("tls", "true"), ("ca_file", &others)])
        .await
        .unwrap_err();
    let expected = format!("no TLS with Kafka at {}: ", service.value("tls"));
    assert!(
        unknown.starts_with(&expected) && unknown.contains("certificate"),
        "{unknown}"
    );

    // The same of a live run.
    let place = [
        ("bootstrap_servers", service.value("sasl")),
        ("topic", "secret"),
    ];
    let wrong = [&place[..], &login("plain", "wrong")].concat();
    let refused = Seen::open(&wrong, Open::default()).await.error().await;
    assert!(refused.contains("refuses the login"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_said_to_be() {
    let old = Certificates::until(2020);
    let Some(service) = Service::start_with("kafka", &[("CERTIFICATES", old.folder())]) else {
        return;
    };
    let (place, ca_file) = (service.value("tls"), old.authority());
    let conf = [
        ("bootstrap_servers", place),
        ("topic", "secret"),
        ("tls", "true"),
        ("ca_file", ca_file.as_str()),
    ];
    for open in [once(), Open::default()] {
        let error = Seen::open(&conf, open).await.error().await;
        assert!(
            error.starts_with(&format!("no TLS with Kafka at {place}: ")),
            "{error}"
        );
        assert!(error.contains("expired"), "{error}");
    }
}
