//! Batches across: every type bit for bit, and what is not as it should be refused.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, FixedSizeBinaryArray, FixedSizeListArray,
    Int8Array, Int32Array, Int64Array, ListArray, MapBuilder, NullArray, RecordBatch, StringArray,
    StringBuilder, StringViewArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, IntervalUnit, Schema, SchemaRef, TimeUnit};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use proptest::prelude::*;

use super::super::batches::{LastSchema, Lent, Trust, import, import_after, import_schema};
use super::super::check::RawSchema;
use super::super::stream::export;

/// Types that a number can be cast to.
fn of_numbers() -> Vec<DataType> {
    use DataType::*;
    let mut types = vec![
        Boolean,
        Int8,
        Int16,
        Int32,
        Int64,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
        Float16,
        Float32,
        Float64,
        Utf8,
        LargeUtf8,
        Utf8View,
        Date64,
        Decimal128(20, 2),
        Decimal256(40, 3),
    ];
    for unit in [
        TimeUnit::Second,
        TimeUnit::Millisecond,
        TimeUnit::Microsecond,
        TimeUnit::Nanosecond,
    ] {
        types.push(Timestamp(unit, None));
        types.push(Timestamp(unit, Some("Europe/Berlin".into())));
        types.push(Duration(unit));
    }
    types.extend([Time64(TimeUnit::Microsecond), Time64(TimeUnit::Nanosecond)]);
    types
}

/// A column of each type, of the same rows.
fn columns(values: &[Option<i64>]) -> Vec<ArrayRef> {
    let numbers: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    let nulls = NullBuffer::from_iter(values.iter().map(Option::is_some));
    let mut columns: Vec<ArrayRef> = of_numbers()
        .iter()
        .map(|data_type| cast(&numbers, data_type).unwrap())
        .collect();
    let small: ArrayRef = Arc::new(Int32Array::from_iter(
        values.iter().map(|v| v.map(|v| v as i32)),
    ));
    for data_type in [
        DataType::Date32,
        DataType::Time32(TimeUnit::Second),
        DataType::Time32(TimeUnit::Millisecond),
        DataType::Interval(IntervalUnit::YearMonth),
        DataType::Decimal32(9, 2),
    ] {
        let shown = if matches!(data_type, DataType::Decimal32(..)) {
            Arc::new(Int32Array::from_iter(
                values.iter().map(|v| v.map(|v| v as i32 % 1000)),
            )) as _
        } else {
            Arc::clone(&small)
        };
        columns.push(cast(&shown, &data_type).unwrap());
    }
    let texts: Vec<Option<String>> = values
        .iter()
        .map(|value| {
            value.map(|value| format!("{value} and a text longer than a view's twelve bytes"))
        })
        .collect();
    let utf8: ArrayRef = Arc::new(StringArray::from(texts.clone()));
    for data_type in [
        DataType::Binary,
        DataType::LargeBinary,
        DataType::BinaryView,
    ] {
        columns.push(cast(&utf8, &data_type).unwrap());
    }
    columns.push(Arc::new(StringViewArray::from_iter(
        texts.iter().map(Option::as_deref),
    )));
    let keys = Int8Array::from_iter(
        values
            .iter()
            .map(|value| value.map(|value| (value & 1) as i8)),
    );
    let values_of = Arc::new(StringArray::from(vec!["even", "odd"]));
    columns.push(Arc::new(DictionaryArray::new(keys, values_of)));
    columns.push(Arc::new(NullArray::new(values.len())));
    let bytes = values.iter().map(|value| value.map(i64::to_be_bytes));
    columns.push(Arc::new(
        FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes, 8).unwrap(),
    ));
    columns.extend(nested(&numbers, &nulls));
    columns
}

fn nested(numbers: &ArrayRef, nulls: &NullBuffer) -> Vec<ArrayRef> {
    let n = numbers.len();
    let item = Arc::new(Field::new("item", DataType::Int64, true));
    let list = ListArray::new(
        Arc::clone(&item),
        OffsetBuffer::from_lengths(vec![1; n]),
        Arc::clone(numbers),
        Some(nulls.clone()),
    );
    let fixed = FixedSizeListArray::new(item, 1, Arc::clone(numbers), Some(nulls.clone()));
    let both = StructArray::new(
        vec![
            Arc::new(Field::new("a", DataType::Int64, true)),
            Arc::new(Field::new("b", DataType::Boolean, true)),
        ]
        .into(),
        vec![
            Arc::clone(numbers),
            Arc::new(BooleanArray::from(vec![true; n])),
        ],
        Some(nulls.clone()),
    );
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for at in 0..n {
        map.keys().append_value(format!("key {at}"));
        map.values().append_option((at % 2 == 0).then_some("value"));
        map.append(nulls.is_valid(at)).unwrap();
    }
    vec![
        Arc::new(list),
        Arc::new(fixed),
        Arc::new(both),
        Arc::new(map.finish()),
    ]
}

fn batch(values: &[Option<i64>]) -> RecordBatch {
    let columns = columns(values);
    let field = |(at, column): (usize, &ArrayRef)| {
        Field::new(format!("column {at}"), column.data_type().clone(), true)
            .with_metadata([("unit".to_owned(), "m".to_owned())].into())
    };
    let fields: Vec<Field> = columns.iter().enumerate().map(field).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_type_survives_a_round_trip_bit_for_bit(
        values in proptest::collection::vec(proptest::option::of(0i64..86_400), 0..40),
        cut in 0usize..10,
        n_batches in 0usize..3,
    ) {
        let whole = batch(&values);
        let cut = cut.min(values.len());
        let part = whole.slice(cut, values.len() - cut);
        let batches = vec![part; n_batches];
        let (none, lent) = (Lent::default(), Lent::of(&batches));
        for trust in [Trust::Host, Trust::Plugin(&none), Trust::Plugin(&lent), Trust::Elsewhere] {
            let (schema, back) = import(export(&whole.schema(), batches.clone()), trust).unwrap();
            prop_assert_eq!(&schema, &whole.schema());
            prop_assert_eq!(&back, &batches);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_a_plugin_fills_in_is_valid_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        crate::ffi::host::read_hostile(&bytes);
    }
}

/// A stream that gives these once, whatever they are.
struct Hostile {
    schema: Option<FFI_ArrowSchema>,
    array: Option<FFI_ArrowArray>,
}

unsafe extern "C" fn get_schema(
    stream: *mut FFI_ArrowArrayStream,
    out: *mut FFI_ArrowSchema,
) -> i32 {
    // SAFETY: `stream_of` put it there.
    let hostile = unsafe { &mut *(*stream).private_data.cast::<Hostile>() };
    // SAFETY: the importer's place.
    unsafe { out.write(hostile.schema.take().unwrap_or_else(FFI_ArrowSchema::empty)) };
    0
}

unsafe extern "C" fn get_next(stream: *mut FFI_ArrowArrayStream, out: *mut FFI_ArrowArray) -> i32 {
    // SAFETY: as above.
    let hostile = unsafe { &mut *(*stream).private_data.cast::<Hostile>() };
    // SAFETY: as above.
    unsafe { out.write(hostile.array.take().unwrap_or_else(FFI_ArrowArray::empty)) };
    0
}

unsafe extern "C" fn fails(_: *mut FFI_ArrowArrayStream, _: *mut FFI_ArrowArray) -> i32 {
    5
}

unsafe extern "C" fn why(_: *mut FFI_ArrowArrayStream) -> *const std::ffi::c_char {
    c"the disk is gone".as_ptr()
}

unsafe extern "C" fn release(stream: *mut FFI_ArrowArrayStream) {
    // SAFETY: `stream_of` leaked it.
    drop(unsafe { Box::from_raw((*stream).private_data.cast::<Hostile>()) });
    // SAFETY: the stream that is released.
    unsafe { (*stream).release = None };
}

fn stream_of(
    schema: Option<FFI_ArrowSchema>,
    array: Option<FFI_ArrowArray>,
) -> FFI_ArrowArrayStream {
    let hostile = Box::into_raw(Box::new(Hostile { schema, array }));
    FFI_ArrowArrayStream {
        get_schema: Some(get_schema),
        get_next: Some(get_next),
        get_last_error: Some(why),
        release: Some(release),
        private_data: hostile.cast::<c_void>(),
    }
}

unsafe extern "C" fn leave(_: *mut FFI_ArrowArray) {}

/// What the import of a batch of numbers and texts says when its structure was changed.
fn refusal(change: impl FnOnce(&mut FFI_ArrowArray, &mut FFI_ArrowSchema)) -> String {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["one", "two"]));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let rows = RecordBatch::try_from_iter([("n", numbers), ("t", texts)]).unwrap();
    let schema: SchemaRef = rows.schema();
    let mut raw = FFI_ArrowSchema::try_from(schema.as_ref()).unwrap();
    let mut array = FFI_ArrowArray::new(&StructArray::from(rows).into());
    // Arrow's own release goes by what is changed here.
    array.release = Some(leave);
    change(&mut array, &mut raw);
    import(
        stream_of(Some(raw), Some(array)),
        Trust::Plugin(&Lent::default()),
    )
    .unwrap_err()
    .to_string()
}

/// A child of an array, for changing it.
fn child(array: &mut FFI_ArrowArray, at: usize) -> &mut FFI_ArrowArray {
    // SAFETY: the export of two columns has these children.
    unsafe { &mut **array.children.add(at) }
}

#[test]
fn structures_that_are_not_as_they_should_be_are_refused() {
    let of = "internal error: Arrow data that cannot be used: ";
    let says = |change: fn(&mut FFI_ArrowArray, &mut FFI_ArrowSchema), what: &str| {
        let said = refusal(change);
        assert!(said.starts_with(of) && said.contains(what), "{said}");
    };
    says(
        |array, _| array.length = -1,
        "has a negative length or offset",
    );
    says(
        |array, _| child(array, 0).offset = i64::MIN,
        "has a negative length or offset",
    );
    says(
        |array, _| child(array, 0).length = 1,
        "a column of 1 rows in a batch of 2",
    );
    says(
        |array, _| child(array, 0).null_count = 3,
        "a wrong number of nulls",
    );
    says(|array, _| child(array, 0).n_buffers = 1, "has 1 buffers");
    says(
        |array, _| child(array, 1).n_buffers = 1 << 40,
        "has 1099511627776 buffers",
    );
    says(
        |array, _| child(array, 1).buffers = ptr::null_mut(),
        "has 3 buffers",
    );
    // SAFETY: an `Int64` column has two buffers.
    says(
        |array, _| unsafe { *child(array, 0).buffers.add(1) = ptr::null() },
        "a buffer that is not there",
    );
    says(
        |array, _| array.n_children = 1,
        "has 1 children, expected 2",
    );
    // SAFETY: a batch of two columns has two children.
    says(
        |array, _| unsafe { *array.children = ptr::null_mut() },
        "is not there",
    );
}

#[test]
fn contents_that_are_not_as_they_should_be_are_refused() {
    static BACKWARDS: [i32; 3] = [0, 3, -1];
    static UNORDERED: [i32; 3] = [0, 5, 4];
    static NO_TEXT: [u8; 6] = [0xff; 6];
    // SAFETY: a `Utf8` column has three buffers.
    let offsets = |at: *const i32| {
        move |array: &mut FFI_ArrowArray| unsafe {
            *child(array, 1).buffers.add(1) = at.cast();
        }
    };
    let said = refusal(|array, _| offsets(BACKWARDS.as_ptr())(array));
    assert!(said.contains("a negative length in it"), "{said}");
    let said = refusal(|array, _| offsets(UNORDERED.as_ptr())(array));
    assert!(said.contains("offset"), "{said}");
    // SAFETY: as above.
    let said =
        refusal(|array, _| unsafe { *child(array, 1).buffers.add(2) = NO_TEXT.as_ptr().cast() });
    assert!(said.contains("UTF"), "{said}");
}

#[test]
fn a_type_of_negative_width_is_refused_with_the_schema() {
    for format in [c"w:-3", c"+w:-2"] {
        let list =
            Field::new_fixed_size_list("a", Field::new("item", DataType::Int8, true), 2, true);
        let schema = Schema::new(vec![list]);
        let mut raw = FFI_ArrowSchema::try_from(&schema).unwrap();
        // SAFETY: the two types have one layout; the schema has a child, whose release is not looked at.
        let column = unsafe {
            let raw: *mut RawSchema = ptr::from_mut(&mut raw).cast();
            &mut **(*raw).children
        };
        let own = std::mem::replace(&mut column.format, format.as_ptr());
        let said = import_schema(&raw).unwrap_err().to_string();
        column.format = own;
        assert!(said.contains("values cannot be -"), "{said}");
    }
}

#[test]
fn the_last_schema_is_taken_for_the_same_one_alone() {
    let last = LastSchema::default();
    let none = Lent::default();
    let field = |name: &str, metadata: &[(&str, &str)]| {
        let metadata = metadata
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Field::new(name, DataType::Int64, true).with_metadata(metadata.collect())
    };
    let fields = [
        field("a", &[]),
        field("a", &[("k", "v")]),
        field("a", &[("k", "w")]),
        field("a", &[("k", "v"), ("l", "")]),
        field("b", &[]),
        field("a", &[]).with_data_type(DataType::UInt64),
        field("a", &[]).with_nullable(false),
    ];
    for field in fields
        .iter()
        .chain(&fields)
        .flat_map(|field| [field, field])
    {
        let schema: SchemaRef = Arc::new(Schema::new(vec![field.clone()]));
        let batch = RecordBatch::new_empty(Arc::clone(&schema));
        let stream = export(&schema, vec![batch]);
        let (back, _) = import_after(stream, Trust::Plugin(&none), &last).unwrap();
        assert_eq!(back, schema);
    }
}

#[test]
fn only_what_was_lent_and_comes_back_as_it_was_is_not_looked_at() {
    let texts = StringArray::from(vec!["a", "\u{e4}", "b"]);
    let rows = |texts: StringArray| {
        RecordBatch::try_from_iter([("t", Arc::new(texts) as ArrayRef)]).unwrap()
    };
    let whole = rows(texts.clone());
    let lent = Lent::of(std::slice::from_ref(&whole));
    let said = |change: &dyn Fn(&mut FFI_ArrowArray)| {
        let mut array = FFI_ArrowArray::new(&StructArray::from(whole.clone()).into());
        array.release = Some(leave);
        change(&mut array);
        let raw = FFI_ArrowSchema::try_from(whole.schema().as_ref()).unwrap();
        let stream = stream_of(Some(raw), Some(array));
        import(stream, Trust::Plugin(&lent)).map_err(|error| error.to_string())
    };
    assert_eq!(said(&|_| ()).unwrap().1[0], whole);
    // Other offsets over the same bytes, which cut a letter in half.
    static HALVES: [i32; 4] = [0, 2, 3, 4];
    // SAFETY: a `Utf8` column has three buffers.
    let error = said(&|array| unsafe {
        *child(array, 0).buffers.add(1) = HALVES.as_ptr().cast();
    });
    assert!(error.unwrap_err().contains("utf-8"));
    // Fewer rows of the same column are looked at, and found right.
    let part = whole.slice(1, 2);
    let stream = export(&part.schema(), vec![part.clone()]);
    assert_eq!(import(stream, Trust::Plugin(&lent)).unwrap().1, [part]);
}

#[test]
fn streams_that_end_badly_say_why() {
    let schema = || {
        Some(
            FFI_ArrowSchema::try_from(&Schema::new(vec![Field::new("a", DataType::Int8, true)]))
                .unwrap(),
        )
    };
    let mut failing = stream_of(schema(), None);
    failing.get_next = Some(fails);
    let said = import(failing, Trust::Plugin(&Lent::default()))
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "internal error: a stream of batches failed: the disk is gone"
    );
    let said = import(stream_of(None, None), Trust::Plugin(&Lent::default()))
        .unwrap_err()
        .to_string();
    assert!(said.ends_with("a stream without a schema"), "{said}");
    let said = import(
        FFI_ArrowArrayStream::empty(),
        Trust::Plugin(&Lent::default()),
    )
    .unwrap_err()
    .to_string();
    assert!(
        said.ends_with("was released already, or lacks a function"),
        "{said}"
    );
    let mut lacking = stream_of(schema(), None);
    lacking.get_next = None;
    assert!(import(lacking, Trust::Plugin(&Lent::default())).is_err());
    assert_eq!(
        import(stream_of(schema(), None), Trust::Plugin(&Lent::default()))
            .unwrap()
            .1,
        []
    );
}
