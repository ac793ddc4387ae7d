//! The type of a section that connects to Kafka.

/// Declares a section's struct: its own fields, and behind them those of every [`Connection`], which
/// its method `connection` gives. Unknown keys are refused, with the nearest right name; a struct that
/// is flattened into another would not.
///
/// [`Connection`]: crate::Connection
#[macro_export]
macro_rules! conf {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, $crate::serde::Deserialize)]
        #[serde(crate = "datashark_kafka_connection::serde", deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
            /// The brokers to begin with, `a:9092`.
            #[serde(default)]
            pub bootstrap_servers: Option<Vec<String>>,
            /// In place of them, one broker's name or address; `127.0.0.1`.
            #[serde(default)]
            pub host: Option<String>,
            /// Its port; 9092.
            #[serde(default)]
            pub port: Option<u16>,
            /// Whether connections are encrypted; `false`.
            #[serde(default)]
            pub tls: bool,
            /// A PEM file with the authorities to trust; without it the system's.
            #[serde(default)]
            pub ca_file: Option<::std::path::PathBuf>,
            /// Whether a broker has to prove who it is; `true`.
            #[serde(default)]
            pub verify: Option<bool>,
            /// A PEM file with the certificate to show to the brokers.
            #[serde(default)]
            pub cert_file: Option<::std::path::PathBuf>,
            /// A PEM file with that certificate's key.
            #[serde(default)]
            pub key_file: Option<::std::path::PathBuf>,
            /// How to log in.
            #[serde(default)]
            pub sasl: Option<$crate::Sasl>,
            /// Who to log in as.
            #[serde(default)]
            pub user: Option<String>,
            /// The password of the user.
            #[serde(default)]
            pub password: Option<::datashark_sdk::conf::Secret>,
            /// A file whose first line is the password.
            #[serde(default)]
            pub password_file: Option<::std::path::PathBuf>,
            /// Properties of librdkafka. Secrets, as a password may be among them.
            #[serde(default)]
            pub options: ::std::collections::BTreeMap<String, ::datashark_sdk::conf::Secret>,
        }

        impl $name {
            /// How to connect.
            pub fn connection(&self) -> $crate::Connection {
                $crate::Connection {
                    bootstrap_servers: self.bootstrap_servers.clone(),
                    host: self.host.clone(),
                    port: self.port,
                    tls: self.tls,
                    ca_file: self.ca_file.clone(),
                    verify: self.verify,
                    cert_file: self.cert_file.clone(),
                    key_file: self.key_file.clone(),
                    sasl: self.sasl,
                    user: self.user.clone(),
                    password: self.password.clone(),
                    password_file: self.password_file.clone(),
                    options: self.options.clone(),
                }
            }
        }
    };
}
