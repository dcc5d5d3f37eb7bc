//! What a run promises, told by workflows on a backend that does what the test says.

mod backend;
mod flow;
