//! A store that can be asked, made of a url and the settings.

use std::sync::Arc;
use std::time::Duration;

use datashark_sdk::{StoreSettings, Stores};
use hdfs_native_object_store::HdfsObjectStoreBuilder;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{ObjectStore, RetryConfig};

use crate::error::flat;
use crate::location::{Location, shown};
use crate::scheme::Kind;
use crate::{StoreError, options, runtime};

/// How long a store is asked again where somebody waits for the answer, as in a check.
const QUICK: (usize, Duration) = (2, Duration::from_secs(15));

/// A store, and where in it a url points.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub location: Location,
    /// Gives up soon.
    pub quick: Arc<dyn ObjectStore>,
    /// Goes on for some minutes: object_store's default, 10 times within 3 minutes.
    pub patient: Arc<dyn ObjectStore>,
}

impl Store {
    /// Makes a store; asks nothing of it.
    ///
    /// # Errors
    /// The url or a setting is wrong.
    pub(crate) fn connect(url: &str, stores: &Stores) -> Result<Self, StoreError> {
        let location = Location::parse(url)?;
        let settings = stores.settings(&location.root);
        options::refuse(&settings, location.kind)?;
        let quick = RetryConfig {
            max_retries: QUICK.0,
            retry_timeout: QUICK.1,
            ..RetryConfig::default()
        };
        let build = |retry| build(&location, &settings, stores.name_node(), retry);
        Ok(Store {
            quick: build(quick)?,
            patient: build(RetryConfig::default())?,
            location,
        })
    }

    /// What the store answered about a url of it.
    pub(crate) fn error(&self, error: &object_store::Error, url: &str) -> StoreError {
        StoreError::of(error, url, self.location.kind)
    }
}

fn build(
    location: &Location,
    settings: &StoreSettings,
    name_node: Option<&str>,
    retry: RetryConfig,
) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let root = location.root.as_str();
    let built: Result<Arc<dyn ObjectStore>, object_store::Error> = match location.kind {
        Kind::Aws => options::apply(
            AmazonS3Builder::from_env(),
            settings,
            |builder, key, value| builder.with_config(key, value),
        )
        .with_retry(retry)
        .with_url(root)
        .build()
        .map(|store| Arc::new(store) as _),
        Kind::Google => options::apply(
            GoogleCloudStorageBuilder::from_env(),
            settings,
            |builder, key, value| builder.with_config(key, value),
        )
        .with_retry(retry)
        .with_url(root)
        .build()
        .map(|store| Arc::new(store) as _),
        Kind::Azure => options::apply(
            MicrosoftAzureBuilder::from_env(),
            settings,
            |builder, key, value| builder.with_config(key, value),
        )
        .with_retry(retry)
        .with_url(root)
        .build()
        .map(|store| Arc::new(store) as _),
        Kind::Http => {
            // Who writes `http://` means it; for the others it is a mistake to be asked about.
            let allow_http = object_store::ClientConfigKey::AllowHttp;
            let builder = HttpBuilder::new().with_config(allow_http, "true");
            options::apply(builder, settings, |builder, key, value| {
                builder.with_config(key, value)
            })
            .with_retry(retry)
            .with_url(root)
            .build()
            .map(|store| Arc::new(store) as _)
        }
        Kind::Hdfs => return hdfs(root, settings, name_node),
    };
    built.map_err(|error| {
        let message = format!("`{}` cannot be reached: {}", shown(root), flat(&error));
        StoreError::conf(message).help("see `[engine] [[object_store]]` and the environment")
    })
}

/// HDFS; who asks is said by Hadoop's own environment (`HADOOP_USER_NAME`, `HADOOP_CONF_DIR`).
fn hdfs(
    root: &str,
    settings: &StoreSettings,
    name_node: Option<&str>,
) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let handle = runtime::handle().map_err(|error| StoreError::io(root, &error))?;
    let own = settings.iter().filter(|(name, _)| options::is_hadoop(name));
    let mut builder = HdfsObjectStoreBuilder::new()
        .with_config(own.map(|(name, value)| (name.as_str(), value.reveal())))
        .with_io_runtime(handle.clone());
    // Without either, `fs.defaultFS` of Hadoop's conf says where.
    if root != "hdfs://" {
        builder = builder.with_url(root);
    } else if let Some(name_node) = name_node {
        builder = builder.with_url(format!("hdfs://{name_node}"));
    }
    match builder.build() {
        Ok(store) => Ok(Arc::new(store)),
        Err(error) => {
            let message = format!("`{root}` cannot be reached: {}", flat(&error));
            let help = "write `hdfs://host:port/path`, or set `hdfs.host` and `hdfs.port` in \
                        datashark.conf, or HADOOP_CONF_DIR to the folder of core-site.xml";
            Err(StoreError::conf(message).help(help))
        }
    }
}
