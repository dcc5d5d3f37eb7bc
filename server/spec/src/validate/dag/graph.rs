//! A graph of tasks by position. Hostile documents have many tasks, so nothing here recurses and the
//! search for ancestors has a bound.

use std::cell::RefCell;
use std::collections::HashMap;

/// Edges that all searches of one graph may follow together (about a tenth of a second).
const SEARCH_BOUND: usize = 10_000_000;

/// Who waits for whom.
pub(super) struct Graph {
    positions: HashMap<String, usize>,
    /// For each task, those that it waits for.
    before: Vec<Vec<usize>>,
    search: RefCell<Search>,
}

/// What searches share: how far all went, and which tasks the current one has seen.
#[derive(Default)]
struct Search {
    followed: usize,
    turn: usize,
    /// The last turn that saw the task.
    seen: Vec<usize>,
}

impl Search {
    /// True the first time that the current search meets a task.
    fn meets(&mut self, task: usize) -> bool {
        let turn = self.turn;
        self.seen
            .get_mut(task)
            .is_some_and(|seen| std::mem::replace(seen, turn) != turn)
    }
}

impl Graph {
    /// A graph without edges; the first of two tasks with one name counts.
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let mut positions = HashMap::new();
        let mut count = 0;
        for (i, name) in names.enumerate() {
            positions.entry(name.to_owned()).or_insert(i);
            count = i + 1;
        }
        Self {
            positions,
            before: vec![Vec::new(); count],
            search: RefCell::new(Search {
                seen: vec![0; count],
                ..Search::default()
            }),
        }
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.positions.get(name).copied()
    }

    /// `task` waits for `other`.
    pub(super) fn add(&mut self, task: usize, other: usize) {
        if let Some(before) = self.before.get_mut(task) {
            before.push(other);
        }
    }

    fn before(&self, task: usize) -> &[usize] {
        self.before.get(task).map_or(&[], Vec::as_slice)
    }

    /// The tasks of a cycle, the first one repeated at its end.
    pub(super) fn cycle(&self) -> Option<Vec<usize>> {
        let mut done = vec![false; self.before.len()];
        let mut on_path = vec![false; self.before.len()];
        for start in 0..self.before.len() {
            // A path of tasks, each with the number of its edges that were followed.
            let mut path = vec![(start, 0usize)];
            while let Some((task, next)) = path.last_mut() {
                let task = *task;
                if done.get(task).copied().unwrap_or(true) {
                    path.pop();
                    continue;
                }
                mark(&mut on_path, task, true);
                let Some(other) = self.before(task).get(*next).copied() else {
                    mark(&mut done, task, true);
                    mark(&mut on_path, task, false);
                    path.pop();
                    continue;
                };
                *next += 1;
                if on_path.get(other).copied().unwrap_or(false) {
                    let tasks = path.iter().map(|(task, _)| *task);
                    let mut cycle: Vec<usize> = tasks.skip_while(|t| *t != other).collect();
                    cycle.push(other);
                    return Some(cycle);
                }
                path.push((other, 0));
            }
        }
        None
    }

    /// Whether `other` has ended when `task` starts. Believed once the search has cost too much.
    pub(super) fn is_before(&self, other: usize, task: usize) -> bool {
        let mut search = self.search.borrow_mut();
        search.turn += 1;
        let mut next = std::collections::VecDeque::from([task]);
        while let Some(task) = next.pop_front() {
            for before in self.before(task) {
                if *before == other || search.followed > SEARCH_BOUND {
                    return true;
                }
                search.followed += 1;
                if search.meets(*before) {
                    next.push_back(*before);
                }
            }
        }
        false
    }
}

fn mark(list: &mut [bool], at: usize, value: bool) {
    if let Some(slot) = list.get_mut(at) {
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(names: &str, edges: &[(usize, usize)]) -> Graph {
        let mut graph = Graph::new(names.split(' '));
        for (task, other) in edges {
            graph.add(*task, *other);
        }
        graph
    }

    #[test]
    fn a_cycle_is_found_and_a_diamond_is_none() {
        let diamond = graph("a b c d", &[(1, 0), (2, 0), (3, 1), (3, 2)]);
        assert_eq!(diamond.cycle(), None);
        assert!(diamond.is_before(0, 3) && !diamond.is_before(1, 2) && !diamond.is_before(3, 0));
        assert_eq!(
            graph("a b c", &[(0, 1), (1, 2), (2, 1)]).cycle(),
            Some(vec![1, 2, 1])
        );
        assert_eq!(graph("a", &[(0, 0)]).cycle(), Some(vec![0, 0]));
    }

    #[test]
    fn long_chains_need_no_stack() {
        let names: Vec<String> = (0..200_000).map(|i| format!("t{i}")).collect();
        let mut chain = Graph::new(names.iter().map(String::as_str));
        for i in 1..200_000 {
            chain.add(i, i - 1);
        }
        assert_eq!(chain.cycle(), None);
        assert!(chain.is_before(0, 199_999));
    }
}
