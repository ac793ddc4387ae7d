//! The TLS of `transport = tls` (RFC 5425): who is trusted, and what is shown to the server.

use std::path::Path;
use std::sync::Arc;

use datashark_sdk::{Error, Result};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    self, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use crate::SyslogConf;

/// How to connect, by the files that the conf names.
///
/// # Errors
/// A file cannot be read or is no certificate or key; the system has no authorities.
pub(crate) fn connector(conf: &SyslogConf) -> Result<TlsConnector> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(provider as Arc<CryptoProvider>)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal(format!("no TLS: {error}")))?;
    let builder = match conf.verify {
        Some(false) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone { algorithms })),
        _ => builder.with_root_certificates(authorities(conf.ca_file.as_deref())?),
    };
    let mut client = match (&conf.cert_file, &conf.key_file) {
        (Some(cert_file), Some(key_file)) => {
            let key = PrivateKeyDer::from_pem_file(key_file);
            let key = key.map_err(|error| unusable("key_file", key_file, error))?;
            builder
                .with_client_auth_cert(certificates("cert_file", cert_file)?, key)
                .map_err(|error| unusable("cert_file", cert_file, error))?
        }
        _ => builder.with_no_client_auth(),
    };
    // rsyslog that asks for a certificate refuses a session that is resumed.
    client.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(client)))
}

fn authorities(ca_file: Option<&Path>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            for certificate in certificates("ca_file", path)? {
                let added = roots.add(certificate);
                added.map_err(|error| unusable("ca_file", path, error))?;
            }
        }
        None => {
            let system = rustls_native_certs::load_native_certs();
            // The system's store may hold some that are of no use here; the others serve.
            roots.add_parsable_certificates(system.certs);
            if roots.is_empty() {
                let why = "the system has no certificates of authorities to trust";
                return Err(Error::data(format!("{why}: name a file with `ca_file`")));
            }
        }
    }
    Ok(roots)
}

/// The certificates of a PEM file, at least one.
fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|error| unusable(key, path, error))?;
    match certificates.is_empty() {
        true => Err(unusable(key, path, "it holds no certificate in PEM form")),
        false => Ok(certificates),
    }
}

fn unusable(key: &str, path: &Path, why: impl std::fmt::Display) -> Error {
    Error::data(format!("`{key} = {}`: {why}", path.display()))
}

/// `verify = false`: whoever answers is the server.
#[derive(Debug)]
struct Anyone {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
