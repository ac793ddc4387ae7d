//! The settings of stores: whose each is, by object_store's own names.

use std::str::FromStr;

use datashark_sdk::conf::{Problem, Problems, nearest};
use datashark_sdk::{StoreSettings, Stores};
use object_store::ClientConfigKey;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;

use crate::StoreError;
use crate::error::flat;
use crate::scheme::Kind;

/// The kinds of stores that have settings by name; Hadoop's are whatever has a dot in it.
const KINDS: [Kind; 4] = [Kind::Aws, Kind::Google, Kind::Azure, Kind::Http];

/// The names to suggest. More are taken: object_store's documentation lists them.
const NAMES: [&str; 30] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_region",
    "aws_endpoint",
    "aws_skip_signature",
    "aws_virtual_hosted_style_request",
    "aws_web_identity_token_file",
    "aws_role_arn",
    "aws_server_side_encryption",
    "aws_sse_kms_key_id",
    "aws_request_payer",
    "aws_unsigned_payload",
    "google_service_account",
    "google_service_account_key",
    "google_application_credentials",
    "google_skip_signature",
    "azure_storage_account_name",
    "azure_storage_account_key",
    "azure_storage_client_id",
    "azure_storage_client_secret",
    "azure_storage_tenant_id",
    "azure_storage_sas_key",
    "azure_storage_endpoint",
    "azure_use_azure_cli",
    "allow_http",
    "allow_invalid_certificates",
    "connect_timeout",
    "timeout",
    "proxy_url",
];

/// Checks the settings of `[[object_store]]`; the problems' paths are below it.
pub fn check(stores: &Stores) -> Problems {
    let mut problems = Problems::new();
    for (name, value) in stores.common() {
        problems.extend(problem(name, value.reveal(), &KINDS, [name]));
    }
    for (prefix, settings) in stores.sections() {
        let scheme = prefix.split("://").next().unwrap_or_default();
        let kind = match Kind::of_scheme(scheme) {
            Ok(kind) => kind,
            Err(error) => {
                problems.push(error.at(prefix).of_key());
                continue;
            }
        };
        for (name, value) in settings {
            problems.extend(problem(name, value.reveal(), &[kind], [prefix, name]));
        }
    }
    problems
}

/// What is wrong with the settings of one url.
pub(crate) fn refuse(settings: &StoreSettings, kind: Kind) -> Result<(), StoreError> {
    for (name, value) in settings {
        // Those of all stores may be another store's.
        let kinds = if knows(kind, name) {
            &[kind][..]
        } else {
            &KINDS
        };
        if let Some(problem) = problem(name, value.reveal(), kinds, [name]) {
            let message = format!("`[engine] [[object_store]]`: {}", problem.message);
            let error = StoreError::conf(message);
            return Err(match problem.help {
                Some(help) => error.help(help),
                None => error,
            });
        }
    }
    Ok(())
}

/// The settings that a kind of store knows, each given to `set`.
pub(crate) fn apply<B, K: FromStr>(
    builder: B,
    settings: &StoreSettings,
    set: impl Fn(B, K, &str) -> B,
) -> B {
    settings
        .iter()
        .fold(builder, |builder, (name, value)| match name.parse() {
            Ok(key) => set(builder, key, value.reveal()),
            Err(_) => builder,
        })
}

/// Whether a setting is one of Hadoop's: they all have a dot in their names.
pub(crate) fn is_hadoop(name: &str) -> bool {
    name.contains('.')
}

fn problem<const N: usize>(
    name: &str,
    value: &str,
    kinds: &[Kind],
    path: [&str; N],
) -> Option<Problem> {
    if is_hadoop(name) && (kinds.len() > 1 || kinds == [Kind::Hdfs]) {
        return None;
    }
    let known: Vec<Kind> = kinds
        .iter()
        .copied()
        .filter(|kind| knows(*kind, name))
        .collect();
    if known.is_empty() {
        let near = nearest(
            name,
            NAMES
                .iter()
                .copied()
                .filter(|name| kinds.iter().any(|kind| knows(*kind, name))),
        );
        let message = match near {
            Some(near) => format!("unknown setting `{name}`, did you mean `{near}`?"),
            None => format!("unknown setting `{name}`"),
        };
        let help = match kinds {
            [Kind::Hdfs] => "the settings of HDFS are Hadoop's, such as `dfs.nameservices`",
            _ => {
                "a name that object_store has for S3 (`aws_…`), Google (`google_…`), Azure \
                 (`azure_…`) or all (`allow_http`, `timeout`, …), or one of Hadoop's, with a dot"
            }
        };
        return Some(Problem::at(path, message).help(help).of_key());
    }
    let why = known
        .into_iter()
        .find_map(|kind| misread(kind, name, value))?;
    Some(Problem::at(path, format!("`{name}`: {why}")))
}

fn knows(kind: Kind, name: &str) -> bool {
    match kind {
        Kind::Aws => AmazonS3ConfigKey::from_str(name).is_ok(),
        Kind::Google => GoogleConfigKey::from_str(name).is_ok(),
        Kind::Azure => AzureConfigKey::from_str(name).is_ok(),
        Kind::Http => ClientConfigKey::from_str(name).is_ok(),
        Kind::Hdfs => is_hadoop(name),
    }
}

/// Why a value cannot be read, found by making a store of nothing but that setting.
fn misread(kind: Kind, name: &str, value: &str) -> Option<String> {
    let built = match kind {
        Kind::Aws => AmazonS3Builder::new()
            .with_bucket_name("bucket")
            .with_config(name.parse().ok()?, value)
            .build()
            .err(),
        Kind::Google => GoogleCloudStorageBuilder::new()
            .with_bucket_name("bucket")
            .with_config(name.parse().ok()?, value)
            .build()
            .err(),
        Kind::Azure => MicrosoftAzureBuilder::new()
            .with_account("account")
            .with_container_name("container")
            .with_config(name.parse().ok()?, value)
            .build()
            .err(),
        Kind::Http => HttpBuilder::new()
            .with_url("https://host")
            .with_config(name.parse().ok()?, value)
            .build()
            .err(),
        Kind::Hdfs => None,
    };
    match built? {
        // Only these are of the value itself; others miss the settings that belong to it.
        object_store::Error::Generic {
            store: "Config",
            source,
        } => Some(flat(source.as_ref())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datashark_sdk::conf::{Section, Value};

    use super::*;

    fn problems(entries: &[(&str, &str)], prefix: Option<&str>) -> Vec<String> {
        let mut section = Section::from_iter(entries.iter().copied());
        if let Some(prefix) = prefix {
            section = Section::from_iter([(prefix, Value::Section(section))]);
        }
        let (stores, problems) = Stores::from_section(&section);
        assert!(problems.is_empty(), "{problems}");
        check(&stores).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn settings_go_by_the_names_of_object_store() {
        let right = [
            ("aws_endpoint", "http://127.0.0.1:9000"),
            ("AWS_Access_Key_Id", "AKIA"),
            ("allow_http", "true"),
            ("google_service_account", "/etc/key.json"),
            ("azure_storage_account_name", "logs"),
            ("timeout", "30s"),
            ("dfs.ha.namenodes.ns", "nn1,nn2"),
        ];
        assert_eq!(problems(&right, None), [] as [&str; 0]);
        assert_eq!(problems(&right[..3], Some("s3://b")), [] as [&str; 0]);
    }

    #[test]
    fn names_to_suggest_are_right_themselves() {
        for name in NAMES {
            assert!(KINDS.iter().any(|kind| knows(*kind, name)), "{name}");
        }
    }

    #[test]
    fn an_unknown_setting_is_answered_with_the_nearest() {
        assert_eq!(
            problems(&[("aws_endpont", "x")], None),
            ["aws_endpont: unknown setting `aws_endpont`, did you mean `aws_endpoint`?"]
        );
        assert_eq!(
            problems(&[("aws_region", "x")], Some("gs://b")),
            ["gs://b.aws_region: unknown setting `aws_region`"]
        );
        assert_eq!(
            problems(&[("timeout", "1s")], Some("s5://b")),
            ["s5://b: unknown scheme `s5://`, did you mean `s3://`?"]
        );
    }

    #[test]
    fn a_value_that_cannot_be_read_is_named() {
        let found = problems(&[("allow_http", "perhaps"), ("timeout", "soon")], None);
        assert_eq!(
            found,
            [
                "allow_http: `allow_http`: failed to parse \"perhaps\" as boolean",
                "timeout: `timeout`: failed to parse \"soon\" as Duration",
            ]
        );
    }
}
