//! What a site is promised about plugins, proved with real components: the built-in one, and one
//! that a stranger wrote against the SDK. They are compiled here, packed and signed with a key made
//! for the test, and loaded from disk.

mod containment;
mod guests;
mod local;
mod packages;
