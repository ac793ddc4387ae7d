//! Parquet in an object store: its footer and the pages of the columns that are used, by ranges.
//!
//! The decoder of `columns` asks for bytes at once; here they have to be waited for, so it is the
//! asynchronous one, in the background, whose rows a reading thread takes. What is held is the
//! pages of a row group, packed, and two batches.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use arrow::array::RecordBatch;
use bytes::Bytes;
use datashark_store::{Begun, Object};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

/// How much of a file's end is asked for at once: most footers are smaller.
const FOOTER_BYTES: usize = 64 << 10;

/// Batches that wait to be taken.
const N_BATCHES: usize = 1;

/// A Parquet file in an object store.
struct ParquetObject(Object);

impl AsyncFileReader for ParquetObject {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move { self.0.range(range).await.map_err(external) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move { self.0.ranges(&ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.0.size();
            let reader = ParquetMetaDataReader::new()
                .with_metadata_options(options.map(|options| options.metadata_options().clone()))
                .with_prefetch_hint(Some(FOOTER_BYTES));
            reader.load_and_finish(self, size).await.map(Arc::new)
        }
        .boxed()
    }
}

fn external(error: impl std::error::Error + Send + Sync + 'static) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// Reads a file's footer.
pub(crate) fn load(object: &Object) -> Result<ArrowReaderMetadata> {
    let mut file = ParquetObject(object.clone());
    let load =
        async move { ArrowReaderMetadata::load_async(&mut file, ArrowReaderOptions::new()).await };
    datashark_store::wait(load).map_err(external)?
}

/// What of a file is read.
pub(crate) struct Selection {
    /// The columns.
    pub mask: ProjectionMask,
    /// How many rows a batch has.
    pub batch_rows: usize,
    /// The first row.
    pub offset: usize,
}

/// The rows of a file, batch by batch.
pub(crate) struct Batches {
    rows: Receiver<Result<RecordBatch>>,
    /// Its end is the end of the work.
    _work: Begun<()>,
}

impl Batches {
    /// Begins to read.
    pub(crate) fn begin(
        object: &Object,
        footer: ArrowReaderMetadata,
        selection: Selection,
    ) -> Result<Self> {
        let file = ParquetObject(object.clone());
        let mut stream = ParquetRecordBatchStreamBuilder::new_with_metadata(file, footer)
            .with_projection(selection.mask)
            .with_batch_size(selection.batch_rows)
            .with_offset(selection.offset)
            .build()?;
        let (sender, rows) = sync_channel(N_BATCHES);
        let work = async move {
            while let Some(rows) = stream.next().await {
                // The queue is what makes it wait.
                if tokio::task::block_in_place(|| sender.send(rows)).is_err() {
                    return;
                }
            }
        };
        let work = datashark_store::begin(work).map_err(external)?;
        Ok(Batches { rows, _work: work })
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.recv().ok()
    }
}
