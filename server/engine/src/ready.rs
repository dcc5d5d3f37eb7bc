//! What may be made next, ordered by where it is, so that parallelism blocks a whole boundary at once.

use std::collections::{BTreeMap, BTreeSet};

use steading_types::NodeIx;

/// The node whose `parallelism` counts; none: only the run's own.
pub(crate) type Boundary = Option<NodeIx>;

/// The owner of what is to be made, and which of its places.
pub(crate) type Place = (NodeIx, u32);

/// Places whose children may be made.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    places: BTreeMap<Boundary, BTreeSet<Place>>,
    /// Boundaries that may have room; kept loosely, checked when used.
    roomy: BTreeSet<Boundary>,
}

impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        self.places == other.places
    }
}

impl Ready {
    pub(crate) fn insert(&mut self, boundary: Boundary, place: Place) {
        self.places.entry(boundary).or_default().insert(place);
        self.roomy.insert(boundary);
    }

    pub(crate) fn remove(&mut self, boundary: Boundary, place: Place) {
        if let Some(places) = self.places.get_mut(&boundary) {
            places.remove(&place);
            if places.is_empty() {
                self.places.remove(&boundary);
                self.roomy.remove(&boundary);
            }
        }
    }

    /// Forgets what an owner was to make, and says how many places that were.
    pub(crate) fn remove_owner(&mut self, boundary: Boundary, owner: NodeIx) {
        let Some(places) = self.places.get(&boundary) else {
            return;
        };
        let range = (owner, 0)..=(owner, u32::MAX);
        let gone: Vec<Place> = places.range(range).copied().collect();
        for place in gone {
            self.remove(boundary, place);
        }
    }

    /// The owners that wait in a boundary.
    pub(crate) fn owners(&self, boundary: Boundary) -> BTreeSet<NodeIx> {
        let places = self.places.get(&boundary).into_iter().flatten();
        places.map(|(owner, _)| *owner).collect()
    }

    /// A place of a boundary became free.
    pub(crate) fn room(&mut self, boundary: Boundary) {
        if self.places.contains_key(&boundary) {
            self.roomy.insert(boundary);
        }
    }

    /// The next place: in the youngest boundary that is not full, so that nested work is finished
    /// before more is opened.
    pub(crate) fn next(&mut self, full: impl Fn(Boundary) -> bool) -> Option<(Boundary, Place)> {
        while let Some(boundary) = self.roomy.last().copied() {
            let first = self.places.get(&boundary).and_then(|p| p.first().copied());
            match first {
                Some(place) if !full(boundary) => return Some((boundary, place)),
                _ => self.roomy.remove(&boundary),
            };
        }
        None
    }

    /// Whether a boundary with room has anything to make.
    pub(crate) fn has_next(&self, full: impl Fn(Boundary) -> bool) -> bool {
        self.places.keys().any(|boundary| !full(*boundary))
    }
}
