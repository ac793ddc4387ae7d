//! What the functions' tests need: a function called as a query calls it.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, LargeStringArray, StringArray, StringViewArray, StringViewBuilder,
};
use arrow::datatypes::{DataType, Field};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};

/// A column of each kind that text comes in, with the same texts; one of them is a slice.
pub(crate) fn columns(texts: &[Option<&str>]) -> [ArrayRef; 4] {
    let longer: Vec<Option<&str>> = [Some("cut off in front of the rest")]
        .into_iter()
        .chain(texts.iter().copied())
        .chain([Some("cut off behind the rest")])
        .collect();
    [
        Arc::new(texts.iter().collect::<StringArray>()),
        Arc::new(texts.iter().collect::<LargeStringArray>()),
        Arc::new(several_blocks(texts)),
        Arc::new(
            longer
                .iter()
                .collect::<StringViewArray>()
                .slice(1, texts.len()),
        ),
    ]
}

/// Views into blocks so small that each has few texts.
fn several_blocks(texts: &[Option<&str>]) -> StringViewArray {
    let mut builder = StringViewBuilder::new().with_fixed_block_size(32);
    texts.iter().for_each(|text| builder.append_option(*text));
    builder.finish()
}

pub(crate) fn named(name: &str) -> ScalarUDF {
    let mut all = crate::all().into_iter();
    all.find(|function| function.name() == name).unwrap()
}

pub(crate) fn literal(text: &str) -> ColumnarValue {
    ColumnarValue::Scalar(ScalarValue::Utf8(Some(text.to_owned())))
}

/// Plans and runs a function.
pub(crate) fn call(name: &str, args: Vec<ColumnarValue>) -> Result<ColumnarValue> {
    let function = named(name);
    let field = |value: &ColumnarValue| Arc::new(Field::new("a", value.data_type(), true));
    let arg_fields: Vec<_> = args.iter().map(field).collect();
    let scalars: Vec<Option<&ScalarValue>> = args
        .iter()
        .map(|value| match value {
            ColumnarValue::Scalar(scalar) => Some(scalar),
            ColumnarValue::Array(_) => None,
        })
        .collect();
    let return_field = function.return_field_from_args(ReturnFieldArgs {
        arg_fields: &arg_fields,
        scalar_arguments: &scalars,
    })?;
    let n_rows = args.iter().find_map(|value| match value {
        ColumnarValue::Array(array) => Some(array.len()),
        ColumnarValue::Scalar(_) => None,
    });
    let result = function.invoke_with_args(ScalarFunctionArgs {
        args,
        arg_fields,
        number_rows: n_rows.unwrap_or(3),
        return_field: Arc::clone(&return_field),
        config_options: Arc::new(ConfigOptions::default()),
    })?;
    assert_eq!(result.data_type(), *return_field.data_type());
    Ok(result)
}

/// The column that a function gives for a column; sound, as Arrow sees it.
pub(crate) fn column(name: &str, first: &ArrayRef, others: &[ColumnarValue]) -> ArrayRef {
    let mut args = vec![ColumnarValue::Array(Arc::clone(first))];
    args.extend_from_slice(others);
    let ColumnarValue::Array(array) = call(name, args).unwrap() else {
        panic!("a column gives a column");
    };
    assert_eq!(array.len(), first.len());
    array.to_data().validate_full().unwrap();
    array
}

/// The same of text, for each kind of column.
pub(crate) fn texts(
    name: &str,
    first: &[Option<&str>],
    others: &[ColumnarValue],
) -> Vec<Option<String>> {
    let results = columns(first).map(|first| {
        let array = column(name, &first, others);
        let array = array.as_string_view();
        array
            .iter()
            .map(|text| text.map(str::to_owned))
            .collect::<Vec<_>>()
    });
    for result in &results[1..] {
        assert_eq!(*result, results[0], "whatever kind the column is of");
    }
    results.into_iter().next().unwrap()
}

#[test]
fn every_function_has_a_name_a_description_and_an_example_of_its_own() {
    for function in crate::all() {
        let documentation = function.documentation().unwrap();
        let name = function.name();
        assert!(
            documentation
                .syntax_example
                .starts_with(&format!("{name}("))
        );
        assert!(documentation.description.len() > 20, "{name}");
        let example = documentation.sql_example.as_deref().unwrap();
        assert!(example.contains(&format!("SELECT {name}(")), "{example}");
        let arguments = documentation.arguments.as_deref().unwrap();
        assert!(arguments.iter().all(|(_, about)| !about.is_empty()));
    }
}

#[test]
fn null_gives_null_and_literals_give_a_literal() {
    for function in crate::all() {
        let n_arguments = function
            .documentation()
            .unwrap()
            .arguments
            .as_ref()
            .unwrap()
            .len();
        let others = [literal("host")].into_iter().take(n_arguments - 1);
        let others: Vec<_> = match function.name() {
            "ip_in" => vec![literal("10.0.0.0/8")],
            _ => others.collect(),
        };
        for null in [
            DataType::Utf8,
            DataType::LargeUtf8,
            DataType::Utf8View,
            DataType::Null,
        ] {
            let null = ScalarValue::try_from(&null).unwrap();
            let args = [vec![ColumnarValue::Scalar(null)], others.clone()].concat();
            match call(function.name(), args).unwrap() {
                ColumnarValue::Scalar(value) => assert!(value.is_null(), "{value:?}"),
                ColumnarValue::Array(_) => panic!("{} gives a column", function.name()),
            }
        }
        let empty: ArrayRef = Arc::new(StringViewArray::new_null(0));
        assert_eq!(column(function.name(), &empty, &others).len(), 0);
    }
}
