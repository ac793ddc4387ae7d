//! What a function of SQL is made of, and the one adapter that DataFusion sees.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::types::logical_string;
use datafusion_common::{Result, ScalarValue, exec_datafusion_err};
use datafusion_expr::{
    Coercion, ColumnarValue, DocSection, Documentation, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, TypeSignatureClass, Volatility,
};

/// A function of text arguments. The same arguments always give the same, null gives null.
pub(crate) trait Function:
    fmt::Debug + Default + Clone + PartialEq + Eq + Hash + Send + Sync + 'static
{
    /// As a query calls it.
    const NAME: &'static str;
    /// Names of the arguments and what they are.
    const ARGUMENTS: &'static [(&'static str, &'static str)];
    /// What it gives.
    const RETURNS: DataType;
    /// What it is for, what is null.
    const ABOUT: &'static str;
    /// A query, and what comes out.
    const EXAMPLE: &'static str;

    /// Looks at the arguments that are literals while the query is planned; others are `None`.
    ///
    /// # Errors
    /// What is wrong with them, for the author of the query.
    fn check(_literals: &[Option<&ScalarValue>]) -> Result<()> {
        Ok(())
    }

    /// A value for each row.
    ///
    /// # Errors
    /// What [`Self::check`] would have refused.
    fn run(arguments: &Arguments<'_>) -> Result<ArrayRef>;
}

/// The arguments' values for the rows of a batch.
pub(crate) struct Arguments<'a> {
    values: &'a [ColumnarValue],
    n_rows: usize,
}

impl Arguments<'_> {
    /// An argument as a column; the text stays where it is.
    pub(crate) fn column(&self, idx: usize) -> Result<StringViewArray> {
        let value = self.values.get(idx);
        let value = value.ok_or_else(|| exec_datafusion_err!("argument {} is missing", idx + 1))?;
        let array = value.to_array(self.n_rows)?;
        Ok(match array.data_type() {
            DataType::Utf8View => array.as_string_view().clone(),
            DataType::Utf8 => StringViewArray::from(array.as_string::<i32>()),
            DataType::LargeUtf8 => StringViewArray::from(array.as_string::<i64>()),
            _ => arrow::compute::cast(&array, &DataType::Utf8View)?
                .as_string_view()
                .clone(),
        })
    }

    /// An argument that is the same for all rows and not null.
    pub(crate) fn literal(&self, idx: usize) -> Option<&str> {
        match self.values.get(idx) {
            Some(ColumnarValue::Scalar(value)) => text(value),
            _ => None,
        }
    }
}

/// The text of a literal, unless it is null.
pub(crate) fn text(value: &ScalarValue) -> Option<&str> {
    value.try_as_str().flatten()
}

/// The function as DataFusion has it.
pub(crate) fn udf<F: Function>() -> ScalarUDF {
    ScalarUDF::from(Udf::<F>::new())
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Udf<F> {
    function: F,
    signature: Signature,
    documentation: Documentation,
}

impl<F: Function> Udf<F> {
    fn new() -> Self {
        let text = Coercion::new_exact(TypeSignatureClass::Native(logical_string()));
        let arguments = vec![text; F::ARGUMENTS.len()];
        let names: Vec<&str> = F::ARGUMENTS.iter().map(|(name, _)| *name).collect();
        let syntax = format!("{}({})", F::NAME, names.join(", "));
        let documentation = Documentation::builder(SECTION, F::ABOUT, syntax);
        let documentation = F::ARGUMENTS
            .iter()
            .fold(documentation, |documentation, (name, about)| {
                documentation.with_argument(*name, *about)
            });
        Udf {
            function: F::default(),
            signature: Signature::coercible(arguments, Volatility::Immutable),
            documentation: documentation.with_sql_example(F::EXAMPLE).build(),
        }
    }
}

/// Where a list of all functions has them.
const SECTION: DocSection = DocSection {
    include: true,
    label: "Security Log Functions",
    description: None,
};

impl<F: Function> ScalarUDFImpl for Udf<F> {
    fn name(&self) -> &str {
        F::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(F::RETURNS)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        F::check(arguments.scalar_arguments)?;
        Ok(Arc::new(Field::new(F::NAME, F::RETURNS, true)))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_column = |value: &ColumnarValue| matches!(value, ColumnarValue::Array(_));
        if arguments.args.iter().any(is_column) {
            let n_rows = arguments.number_rows;
            let values = &arguments.args;
            return Ok(ColumnarValue::Array(F::run(&Arguments { values, n_rows })?));
        }
        let values = &arguments.args;
        let one = F::run(&Arguments { values, n_rows: 1 })?;
        Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}
