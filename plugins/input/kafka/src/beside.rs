//! What a Kafka record has beside its value, as columns.

use std::sync::Arc;

use arrow::array::builder::{
    Int32Builder, Int64Builder, StringViewBuilder, TimestampMicrosecondBuilder,
};
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datashark_sdk::Result;
use rdkafka::message::{Headers, Message};

/// What a record without its columns is guessed to take in them.
const COLUMN_BYTES: usize = 16;

/// A column beside the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BesideColumn {
    Key,
    Timestamp,
    Partition,
    Offset,
    Headers,
}

impl BesideColumn {
    /// The column of Kafka's time.
    pub(crate) const TIMESTAMP: &str = "_timestamp";

    /// All of them.
    pub(crate) const ALL: [BesideColumn; 5] = [
        BesideColumn::Key,
        BesideColumn::Timestamp,
        BesideColumn::Partition,
        BesideColumn::Offset,
        BesideColumn::Headers,
    ];

    /// Its name and type.
    pub(crate) fn field(self) -> Field {
        let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        match self {
            BesideColumn::Key => Field::new("_key", DataType::Utf8View, true),
            BesideColumn::Timestamp => Field::new(Self::TIMESTAMP, time(), true),
            BesideColumn::Partition => Field::new("_partition", DataType::Int32, true),
            BesideColumn::Offset => Field::new("_offset", DataType::Int64, true),
            BesideColumn::Headers => Field::new("_headers", DataType::Utf8View, true),
        }
    }

    /// Those of these names, in their order.
    pub(crate) fn named(names: &[String]) -> Vec<Self> {
        let named = |name: &String| Self::ALL.into_iter().find(|it| it.field().name() == name);
        names.iter().filter_map(named).collect()
    }
}

/// Columns beside the records of a block.
#[derive(Debug)]
pub(crate) struct Beside {
    columns: Vec<Column>,
    schema: Arc<Schema>,
    n_rows: usize,
    text_bytes: usize,
}

#[derive(Debug)]
enum Column {
    Key(StringViewBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Partition(Int32Builder),
    Offset(Int64Builder),
    Headers(StringViewBuilder),
}

impl Beside {
    /// Empty columns; `None` where there are none.
    pub(crate) fn new(columns: &[BesideColumn]) -> Option<Self> {
        if columns.is_empty() {
            return None;
        }
        let fields: Vec<Field> = columns.iter().map(|column| column.field()).collect();
        let column = |column: &BesideColumn| match column {
            BesideColumn::Key => Column::Key(StringViewBuilder::new()),
            BesideColumn::Timestamp => {
                Column::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("UTC"))
            }
            BesideColumn::Partition => Column::Partition(Int32Builder::new()),
            BesideColumn::Offset => Column::Offset(Int64Builder::new()),
            BesideColumn::Headers => Column::Headers(StringViewBuilder::new()),
        };
        Some(Beside {
            columns: columns.iter().map(column).collect(),
            schema: Arc::new(Schema::new(fields)),
            n_rows: 0,
            text_bytes: 0,
        })
    }

    /// About what they take in memory.
    pub(crate) fn size_bytes(&self) -> usize {
        self.n_rows * self.columns.len() * COLUMN_BYTES + self.text_bytes
    }

    /// Adds a record's row.
    pub(crate) fn push(&mut self, record: &impl Message) {
        self.n_rows += 1;
        for column in &mut self.columns {
            match column {
                Column::Key(key) => {
                    let text = record.key().map(String::from_utf8_lossy);
                    self.text_bytes += text.as_ref().map_or(0, |text| text.len());
                    key.append_option(text);
                }
                Column::Timestamp(time) => {
                    let millis = record.timestamp().to_millis();
                    time.append_option(millis.and_then(|millis| millis.checked_mul(1000)));
                }
                Column::Partition(partition) => partition.append_value(record.partition()),
                Column::Offset(offset) => offset.append_value(record.offset()),
                Column::Headers(headers) => {
                    let json = record.headers().map(json);
                    self.text_bytes += json.as_ref().map_or(0, String::len);
                    headers.append_option(json);
                }
            }
        }
    }

    /// The rows so far.
    ///
    /// # Errors
    /// A defect: the columns differ in length.
    pub(crate) fn take(&mut self) -> Result<RecordBatch> {
        (self.n_rows, self.text_bytes) = (0, 0);
        let finish = |column: &mut Column| -> ArrayRef {
            match column {
                Column::Key(texts) | Column::Headers(texts) => Arc::new(texts.finish()),
                Column::Timestamp(times) => Arc::new(times.finish()),
                Column::Partition(numbers) => Arc::new(numbers.finish()),
                Column::Offset(numbers) => Arc::new(numbers.finish()),
            }
        };
        let columns = self.columns.iter_mut().map(finish).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// Headers as a JSON object; of two of one name the last one counts.
fn json(headers: &impl Headers) -> String {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let member = |header: rdkafka::message::Header<'_, &[u8]>| {
        let value = header
            .value
            .map_or(serde_json::Value::Null, |value| text(value).into());
        (header.key.to_owned(), value)
    };
    let object: serde_json::Map<_, _> = headers.iter().map(member).collect();
    serde_json::Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use arrow::util::display::array_value_to_string;
    use rdkafka::Timestamp;
    use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};

    use super::*;

    #[test]
    fn a_record_has_its_key_time_place_and_headers_as_columns() {
        let value = |value| Header { key: "a\"b", value };
        let headers = OwnedHeaders::new()
            .insert(value(Some("1")))
            .insert(value(Some("é")));
        let time = Timestamp::CreateTime(1500);
        let full = OwnedMessage::new(
            None,
            Some(vec![b'k', 0xff]),
            "t".into(),
            time,
            2,
            7,
            Some(headers),
        );
        let bare = OwnedMessage::new(None, None, "t".into(), Timestamp::NotAvailable, 2, 8, None);
        let names: Vec<String> = [
            "_offset",
            "_key",
            "_timestamp",
            "_headers",
            "_partition",
            "no",
        ]
        .map(str::to_owned)
        .to_vec();
        let mut beside = Beside::new(&BesideColumn::named(&names)).unwrap();
        beside.push(&full);
        beside.push(&bare);
        let rows = beside.take().unwrap();
        let shown = |row| -> Vec<String> {
            let columns = rows.columns().iter();
            columns
                .map(|column| array_value_to_string(column, row).unwrap())
                .collect()
        };
        assert_eq!(
            shown(0),
            [
                "7",
                "k\u{fffd}",
                "1970-01-01T00:00:01.500Z",
                r#"{"a\"b":"é"}"#,
                "2"
            ]
        );
        assert_eq!(shown(1), ["8", "", "", "", "2"]);
        assert_eq!(beside.take().unwrap().num_rows(), 0);
        assert!(Beside::new(&[]).is_none());
    }
}
