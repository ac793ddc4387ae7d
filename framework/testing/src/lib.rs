//! In-memory input and output, a manual clock and the case runner.
