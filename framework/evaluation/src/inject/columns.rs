//! Events as columns: real records, with what the events say in place of what these said.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, take};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use chrono::DateTime;

use super::event::{Event, Value};
use crate::role::{Role, TimePart, is_constant};

/// The events with the columns of the real records.
pub(super) fn written(records: &RecordBatch, events: &[Event]) -> Result<RecordBatch, ArrowError> {
    let templates = events.iter().map(|event| event.template as u32);
    let templates = UInt32Array::from_iter_values(templates);
    let schema = records.schema();
    let mut columns = Vec::with_capacity(records.num_columns());
    for (field, real) in schema.fields().iter().zip(records.columns()) {
        let copied = take(real, &templates, None)?;
        let role = Role::of(field.name());
        // The time is told in several columns, of which one may be the same for all.
        let role = role.filter(|role| role.is_time() || !is_constant(real));
        columns.push(match role {
            Some(role) => overwritten(&copied, role, events)?,
            None => copied,
        });
    }
    RecordBatch::try_new(schema, columns)
}

/// A column with what the events say there.
fn overwritten(copied: &ArrayRef, role: Role, events: &[Event]) -> Result<ArrayRef, ArrowError> {
    let values: Vec<Option<Value>> = events.iter().map(|event| event.value(role)).collect();
    let Some(first) = values.iter().flatten().next() else {
        return Ok(Arc::clone(copied));
    };
    let said = array(&values, first, copied.data_type())?;
    let is_said: BooleanArray = values.iter().map(|value| Some(value.is_some())).collect();
    zip(&is_said, &said, copied)
}

/// Values of one kind as a column of a type.
fn array(
    values: &[Option<Value>],
    like: &Value,
    data_type: &DataType,
) -> Result<ArrayRef, ArrowError> {
    let values = values.iter().map(Option::as_ref);
    let array: ArrayRef = match like {
        Value::Text(_) => Arc::new(StringViewArray::from_iter(values.map(
            |value| match value {
                Some(Value::Text(text)) => Some(text.as_str()),
                _ => None,
            },
        ))),
        Value::Number(_) => Arc::new(Int64Array::from_iter(values.map(|value| match value {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }))),
        Value::Float(_) => Arc::new(Float64Array::from_iter(values.map(|value| match value {
            Some(Value::Float(number)) => Some(*number),
            _ => None,
        }))),
        Value::Time(_) => {
            let times = values.map(|value| match value {
                Some(Value::Time(time)) => Some(*time),
                _ => None,
            });
            Arc::new(TimestampMicrosecondArray::from_iter(times).with_timezone("UTC"))
        }
    };
    cast(&array, data_type)
}

impl Event {
    /// What it says of a role.
    fn value(&self, role: Role) -> Option<Value> {
        let number = |number: Option<i64>| number.map(Value::Number);
        let text = |text: &Option<String>| text.clone().map(Value::Text);
        let name = |name: &str| Some(Value::Text(name.to_owned()));
        match role {
            Role::Time(part) => time(self.time?, part),
            // The machine is the one that the record is of.
            Role::Source => None,
            Role::Destination => text(&self.destination),
            Role::SourcePort => number(self.source_port),
            Role::DestinationPort => number(self.destination_port),
            Role::ProtocolUpper => self.is_tcp.then(|| name("TCP"))?,
            Role::ProtocolLower => self.is_tcp.then(|| name("tcp"))?,
            Role::Duration => self.duration.map(Value::Float),
            Role::PacketsOut => number(self.packets_out),
            Role::BytesOut => number(self.bytes_out),
            Role::PacketsIn => number(self.packets_in),
            Role::BytesIn => number(self.bytes_in),
            Role::QueryName => text(&self.name),
            Role::QueryType => number(self.query_type.map(|code| code.number)),
            Role::QueryTypeName => name(self.query_type?.name),
            Role::ResponseCode => number(self.response.map(|code| code.number)),
            Role::ResponseCodeName => name(self.response?.name),
            Role::FrameBytes => number(self.frame_bytes),
            Role::Host => text(&self.host),
            Role::Path => text(&self.path),
            Role::Uri => {
                let (host, path) = (self.host.as_ref()?, self.path.as_ref()?);
                Some(Value::Text(format!("{host}{path}")))
            }
            Role::Method => name(self.method?),
            Role::Status => number(self.status),
            Role::RequestBytes => number(self.request_bytes),
            Role::ResponseBytes => number(self.response_bytes),
        }
    }
}

fn time(time: i64, part: TimePart) -> Option<Value> {
    let text = |form: &str| {
        let time = DateTime::from_timestamp_micros(time)?;
        Some(time.format(form).to_string())
    };
    match part {
        TimePart::Timestamp => Some(Value::Time(time)),
        TimePart::Seconds => Some(Value::Number(time.div_euclid(1_000_000))),
        TimePart::Text(form) => text(form).map(Value::Text),
        TimePart::Number(form) => text(form)?.parse().ok().map(Value::Number),
    }
}
