//! Foreign protocols, a folder each: their formats are read and written there and nowhere else.

pub(crate) mod argo;
