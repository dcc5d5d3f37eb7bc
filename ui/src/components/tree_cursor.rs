//! Where the keys stand in the tree. Choosing a row is another thing: that opens it.

use leptos::prelude::*;

use crate::tree::Row;

/// The rows, the row under the keys, and the node that is open.
#[derive(Clone, Copy)]
pub(crate) struct Cursor {
    /// All rows, from top to bottom.
    pub(crate) rows: Memo<Vec<Row>>,
    /// The node that is open.
    pub(crate) chosen: Memo<Option<u32>>,
    /// The row under the keys; the open node's when nothing was moved yet.
    pub(crate) active: RwSignal<Option<Row>>,
}

impl Cursor {
    /// How many rows lie above a row.
    pub(crate) fn place(self, row: &Row) -> Option<usize> {
        self.rows
            .with_untracked(|rows| rows.iter().position(|other| same(other, row)))
    }

    /// The row under the keys as it is now.
    pub(crate) fn present(self) -> Option<Row> {
        let (active, chosen) = (self.active.get_untracked(), self.chosen.get_untracked());
        self.rows.with_untracked(|rows| {
            let wanted = |row: &&Row| {
                active.map_or_else(
                    || row.node().is_some() && row.node() == chosen,
                    |active| same(row, &active),
                )
            };
            rows.iter().find(wanted).copied()
        })
    }

    /// Moves down, or up when negative; stays within the rows.
    pub(crate) fn step(self, by: isize) {
        let here = self.present().and_then(|row| self.place(&row));
        self.rows.with_untracked(|rows| {
            let last = rows.len().saturating_sub(1);
            let goal = here.map_or(0, |here| here.saturating_add_signed(by).min(last));
            if let Some(row) = rows.get(goal) {
                self.active.set(Some(*row));
            }
        });
    }

    /// Moves to the row that this one lies under.
    pub(crate) fn out(self) {
        let Some(row) = self.present() else { return };
        let Some(place) = self.place(&row) else {
            return;
        };
        let owner = self.rows.with_untracked(|rows| {
            rows.iter()
                .take(place)
                .rev()
                .find(|other| other.level() < row.level())
                .copied()
        });
        if let Some(owner) = owner {
            self.active.set(Some(owner));
        }
    }
}

/// The same row, however it is folded and placed now.
pub(crate) fn same(one: &Row, other: &Row) -> bool {
    match (one, other) {
        (Row::Node { ix, .. }, Row::Node { ix: other, .. }) => ix == other,
        (Row::More { owner, .. }, Row::More { owner: other, .. }) => owner == other,
        _ => false,
    }
}
