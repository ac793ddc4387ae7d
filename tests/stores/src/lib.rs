//! Tests over real object stores; see tests/.
