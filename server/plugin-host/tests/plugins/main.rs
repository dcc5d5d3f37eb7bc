//! What a site is promised about plugins, proved with real components: the built-in one, and one
//! that a stranger wrote against the SDK. They are compiled here, packed and signed with a key made
//! for the test, and loaded from disk.

#[cfg(test)]
mod containment;
#[cfg(test)]
mod guests;
#[cfg(test)]
mod local;
#[cfg(test)]
mod packages;
