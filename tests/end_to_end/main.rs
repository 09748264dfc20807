//! Tests that drive the real `loom` binary as a user would. One binary, one module per subject.

mod gate;
