//! A use case that is an `.sql` file and nothing else.

use datashark_sdk::{
    Aggregate, Batches, DynUseCase, Error, Findings, Model, Records, Result, UseCase, Window,
};

/// A query over the table `records` whose first two columns are key and score.
pub(super) struct SqlUseCase {
    text: String,
}

impl SqlUseCase {
    /// Of the text of a file.
    pub(super) fn boxed(text: String) -> Box<dyn DynUseCase> {
        Box::new(SqlUseCase { text })
    }
}

impl UseCase for SqlUseCase {
    type Conf = String;
    type Model = ();
    const NAME: &'static str = "sql";
    const ABOUT: &'static str = "a query over the table `records`, in a file beside the conf";

    fn new(text: String) -> Result<Self> {
        Ok(SqlUseCase { text })
    }

    fn input(&self) -> Records {
        Records::as_configured()
    }

    fn aggregate(&self) -> Aggregate {
        Aggregate::sql(self.text.as_str())
    }

    fn score(&self, (): &(), _: &Window, rows: Batches<'_>) -> Result<Findings> {
        Findings::try_from_rows(&rows.concat())
    }
}

/// The model of a use case that learns nothing.
pub(super) fn no_model(use_case: &dyn DynUseCase) -> Result<Model> {
    use_case
        .load(&serde_json::Value::Null)
        .map_err(|_| Error::internal("a use case that learns nothing has a model"))
}
