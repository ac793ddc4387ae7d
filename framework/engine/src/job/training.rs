//! A use case's model: the saved one where it still is of the same training, else a new one.

use std::path::Path;
use std::sync::Arc;

use datashark_sdk::input::Open;
use datashark_sdk::{Batches, Model};

use super::run::RunOptions;
use super::{Job, sql_use_case};
use crate::error::{Error, Result};
use crate::model::{self, ModelFile, Reason};
use crate::run::Observer;
use crate::run::lane::guarded;
use crate::run::pipeline::TimeSource;
use crate::window::Windowing;

impl Job {
    /// The model: of an earlier run where it is of the same training, else trained now and kept.
    pub(super) async fn model(
        &self,
        folder: &Path,
        options: &RunOptions,
        observer: &Arc<dyn Observer>,
    ) -> Result<Model> {
        let (model, trained) = self.model_of(folder, options, observer).await?;
        if let Some(file) = trained {
            file.save(&model)?;
        }
        Ok(model)
    }

    /// The model of an earlier run that kept it in this folder, if it is of the same training; else one
    /// that is trained now, and the file that is to keep it.
    pub(super) async fn model_of(
        &self,
        folder: &Path,
        options: &RunOptions,
        observer: &Arc<dyn Observer>,
    ) -> Result<(Model, Option<ModelFile>)> {
        if !self.use_case.trains() {
            return Ok((sql_use_case::no_model(self.use_case.as_ref())?, None));
        }
        let training = self.conf.training.clone();
        let training = training.ok_or_else(|| Error::Internal("no training file".to_owned()))?;
        let file = ModelFile {
            path: folder.join(model::NAME),
            code: super::folder_name(&format!("{:?}", self.conf.code)),
            training,
            stores: self.global.engine.stores.clone(),
            parameters: self.parameters.clone(),
        };
        let reason = match options.retrain {
            true => Reason::Asked,
            false => match file.load(self.use_case.as_ref())? {
                Ok(model) => {
                    let path = file.training.display();
                    observer.message(&format!("Model of an earlier run, trained on {path}"));
                    return Ok((model, None));
                }
                Err(reason) => reason,
            },
        };
        let path = file.training.display();
        observer.message(&format!("Training on {path}: {}", reason.describe()));
        let model = self.train(&file.training, options).await?;
        Ok((model, Some(file)))
    }

    /// Trains on a file: the same decoding, filter and aggregation, over everything.
    async fn train(&self, path: &Path, options: &RunOptions) -> Result<Model> {
        let (input, section) = self.batch_of(path)?;
        let open = Open {
            once: true,
            ..self.open()
        };
        let input = input.open(&section, open).await?;
        let pipeline = self.pipeline(Windowing::Whole, TimeSource::Arrival);
        let observer = Arc::new(Quiet);
        let (rows, ledger) = self.whole(pipeline, input, options, observer).await?;
        if ledger.invalid > 0 {
            tracing::warn!(
                n_invalid = ledger.invalid,
                n_read = ledger.read,
                "records of the training file did not parse and were left out"
            );
        }
        let schema = self.records.aggregation.rows_schema()?;
        let use_case = Arc::clone(&self.use_case);
        let train = move || {
            let rows = Batches::new(&schema, &rows);
            guarded(|| Ok(use_case.train(rows)?))
        };
        let model = tokio::task::spawn_blocking(train).await;
        model.map_err(|error| Error::Internal(format!("training: {error}")))?
    }
}

/// Nobody watches.
struct Quiet;

impl Observer for Quiet {}
