//! What a task needs of its tenant's objects. The engine knows their names only: the values are put in
//! when the task is handed over, and never stand in a row or in a plugin's memory.

/// A ConfigMap or a Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

/// What may happen when something is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// The attempt fails.
    Fails,
    /// It does without.
    Allowed,
}

/// An object that is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What it is.
    pub source: Source,
    /// Its name.
    pub name: String,
    /// What may happen when it, or a key of it, is not there.
    pub absence: Absence,
}

/// One need of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// The value of a variable that stands empty in the task.
    Variable {
        /// The container's name.
        container: String,
        /// The variable's place among those of the container.
        at: usize,
        /// The object.
        object: Wanted,
        /// The key.
        key: String,
    },
    /// All values of an object as variables, before the variable at a place.
    Variables {
        /// The container's name.
        container: String,
        /// The place that they come before.
        at: usize,
        /// Put before each key.
        prefix: String,
        /// The object.
        object: Wanted,
    },
    /// Files in a volume that has none of that path yet.
    Files {
        /// The volume's name.
        volume: String,
        /// The object.
        object: Wanted,
        /// Which keys, under which paths; none: all, under their own names.
        items: Vec<Item>,
        /// Permission bits of files that say none.
        mode: u32,
    },
    /// The directory of a claim.
    Claim {
        /// The volume's name.
        volume: String,
        /// The claim's name.
        claim: String,
    },
}

impl Want {
    /// The claim that is wanted, if it is one.
    pub fn claim(&self) -> Option<&str> {
        match self {
            Self::Claim { claim, .. } => Some(claim),
            _ => None,
        }
    }
}

/// One key as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The key.
    pub key: String,
    /// The relative path.
    pub path: String,
    /// Its permission bits.
    pub mode: Option<u32>,
}
