//! Web anomaly detection: sources whose response codes are unlike the training log's.
//!
//! # Finds
//! Sources of web requests that get another mix of answers than the sources of a log that is taken
//! for normal: scanners and brute force (many errors), scrapers (many answers).
//!
//! # Why it matters
//! A scanner asks for what is not there and sends what breaks a page. Its share of errors shows
//! it, whatever tool it is and whatever it asks for; no signature is needed.
//!
//! # Reads
//! Lines of an access log, matched from their start by a pattern with at least these groups:
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `source` | `Utf8View` | who asked: an address or a host name |
//! | `response_code` | `Utf8View` | the HTTP status, three digits |
//!
//! # Parameters
//! | key | default | meaning |
//! |---|---|---|
//! | `apache_access_logs_pattern` | required | the pattern, a regular expression; no look-around |
//! | `clusters` | 2 | centres of normal behaviour, 1 to 1000; dataShark 1.2 had 2, fixed |
//! | `features` | `counts` | what a source is compared by: `counts` or `rates`, see below |
//! | `seed` | 0 | of the random starts; any number, the same one gives the same centres |
//! | `starts` | 10 | random starts of which the best is kept, 1 to 1000; as scikit-learn's `n_init` |
//! | `max_iterations` | 300 | rounds of a start at most; scikit-learn's default |
//! | `tolerance` | 1e-4 | a start is near its end when its centres move less than this in a round |
//!
//! With `features = counts`, as dataShark 1.2 had it, a source is the point (`twoxx`, `nxx`). It is
//! not scaled: sources with many requests stand out whatever the answers were, and the window must
//! be about as long as the training log for the counts to be alike. It is the default for
//! compatibility alone. With `features = rates` a source is five numbers: the shares of its 2xx,
//! 3xx, 4xx and 5xx answers among its requests, and the natural logarithm of one more than its
//! requests. Each has the mean of the training log's sources subtracted and is divided by their
//! standard deviation (of the population); one that is the same for all of them is only shifted.
//!
//! # Findings
//! One for each source of the window.
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `key` | text | the source |
//! | `score` | number | Euclidean distance to the nearest centre, from 0 up; high is suspicious |
//! | `cluster` | integer | which centre that is, from 0; centres are in ascending order |
//! | `twoxx`, `nxx` | integer | lines with a 2xx, with a 5xx code |
//! | `threexx`, `fourxx`, `total` | integer | only with `rates`: 3xx, 4xx, and all lines |
//!
//! # Known limits
//! - The training log must be clean: what is in it is normal.
//! - A training log with fewer distinct points than `clusters` is refused.
//! - With `rates`, the logarithm of the requests still grows with the window: train on a log that
//!   is about as long as the window, or read the shares in the metadata with the score.
//! - A source with few requests has coarse shares: one failed request is a share of 1.
//!
//! # Run it
//! ```text
//! ./standalone.sh -d conf/web-anomaly-detection/web-anomaly-detection.conf
//! ```
//!
//! # References
//! - S. Lloyd, Least squares quantization in PCM, IEEE Trans. Inf. Theory 28 (1982).
//! - D. Arthur, S. Vassilvitskii, k-means++: the advantages of careful seeding, SODA 2007.
//! - `reference/kmeans.py`: the same centres and distances by scikit-learn.

mod conf;
mod features;
mod score;
mod train;

use arrow::array::{Float64Array, Int64Array};
use datashark_sdk::prelude::*;

pub use conf::Conf;
pub use features::{Features, Scaling};
pub use score::{Centres, Nearest};
pub use train::KMeans;

/// Distance of a source's response codes from the nearest centre of normal behaviour.
pub struct WebAnomaly {
    pattern: String,
    features: Features,
    k_means: KMeans,
}

impl UseCase for WebAnomaly {
    type Conf = Conf;
    type Model = Centres;
    const NAME: &'static str = "web-anomaly-detection";
    const ABOUT: &'static str = "sources whose response codes are unlike the training log's";

    fn new(conf: Conf) -> Result<Self> {
        let problems = conf.problems();
        if problems.has_errors() {
            return Err(problems.into());
        }
        let k_means = KMeans::of(&conf);
        Ok(WebAnomaly {
            pattern: conf.apache_access_logs_pattern,
            features: conf.features,
            k_means,
        })
    }

    fn input(&self) -> Records {
        Records::regex(&self.pattern)
    }

    fn aggregate(&self) -> Aggregate {
        Aggregate::sql(self.features.sql())
    }

    fn train(&self, rows: Batches<'_>) -> Result<Centres> {
        let points = self.features.points(rows)?;
        let scaling = self.features.scaling(&points);
        let centres = self.k_means.fit(&scaling.apply(points))?;
        Ok(Centres {
            features: self.features,
            scaling,
            centres,
        })
    }

    fn score(&self, model: &Centres, _: &Window, rows: Batches<'_>) -> Result<Findings> {
        model.check(self.features)?;
        let points = model.scaling.apply(self.features.points(rows)?);
        let nearest = model.nearest(&points);
        let distances: Float64Array = nearest.iter().map(|n| Some(n.distance)).collect();
        let clusters: Int64Array = nearest.iter().map(|n| Some(n.cluster as i64)).collect();
        Findings::from(rows)
            .score(distances)
            .with("cluster", clusters)
            .build()
    }
}

datashark_sdk::export_usecase!(WebAnomaly);
