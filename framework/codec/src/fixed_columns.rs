//! The check of asked columns against those that a format has.

use arrow::datatypes::Field;

use crate::{CodecError, Columns};

/// Checks that a format has columns of these names with these types.
///
/// # Errors
/// The first column that it does not have, or not with that type.
pub(crate) fn check_columns(
    format: &'static str,
    has: &Columns,
    asked: &[Field],
) -> Result<(), CodecError> {
    check_names(format, has, asked)?;
    let Columns::Fixed(has) = has else {
        return Ok(());
    };
    for field in asked {
        if has
            .find(field.name())
            .is_some_and(|(_, known)| known.data_type() != field.data_type())
        {
            return Err(CodecError::Type {
                format,
                column: field.name().clone(),
                data_type: field.data_type().to_string(),
            });
        }
    }
    Ok(())
}

/// Checks that a format has columns of these names.
///
/// # Errors
/// The first column that it does not have.
pub(crate) fn check_names(
    format: &'static str,
    has: &Columns,
    asked: &[Field],
) -> Result<(), CodecError> {
    let Columns::Fixed(has) = has else {
        return Ok(());
    };
    match asked.iter().find(|field| has.find(field.name()).is_none()) {
        Some(unknown) => Err(CodecError::UnknownColumn {
            format,
            column: unknown.name().clone(),
            known: has.iter().map(|field| field.name().clone()).collect(),
        }),
        None => Ok(()),
    }
}
