//! Places boxes in layers from left to right, each after all that lead to it, with few crossings.
//!
//! The usual recipe for layered drawings: longest paths give the layers, bends stand in for lines that
//! pass a layer, means of neighbours give the order and then the heights.

/// Between layers, in pixels.
const GAP_X: f64 = 56.0;
/// Between boxes of a layer.
const GAP_Y: f64 = 14.0;
/// Free space around everything.
const MARGIN: f64 = 16.0;
/// Bends that are worth their time; with more, long lines go straight.
const MOST_BENDS: usize = 4_000;
/// Sweeps over all layers, forth and back.
const SWEEPS: usize = 6;

/// Width and height, in pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Size {
    /// From left to right.
    pub width: f64,
    /// From top to bottom.
    pub height: f64,
}

/// Where everything goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    /// The upper left corner of each box.
    pub corners: Vec<(f64, f64)>,
    /// The points of each link.
    pub lines: Vec<Vec<(f64, f64)>>,
    /// The whole drawing.
    pub size: Size,
}

/// A box, or the bend of a line that passes a layer.
#[derive(Debug, Clone, Default)]
struct Slot {
    layer: usize,
    size: Size,
    /// Centre, from the top.
    y: f64,
    before: Vec<usize>,
    after: Vec<usize>,
}

impl Layout {
    /// Places boxes; a link leads from an earlier box to a later one, other links are left out.
    pub fn of(sizes: &[Size], links: &[(usize, usize)]) -> Self {
        let links: Vec<(usize, usize)> = links
            .iter()
            .copied()
            .filter(|(from, to)| from < to && *to < sizes.len())
            .collect();
        let mut slots: Vec<Slot> = sizes
            .iter()
            .map(|size| Slot {
                size: *size,
                ..Slot::default()
            })
            .collect();
        assign_layers(&mut slots, &links);
        let routes = bend(&mut slots, &links);
        let mut layers = vec![
            Vec::new();
            slots
                .iter()
                .map(|slot| slot.layer + 1)
                .max()
                .unwrap_or_default()
        ];
        for (at, slot) in slots.iter().enumerate() {
            if let Some(layer) = layers.get_mut(slot.layer) {
                layer.push(at);
            }
        }
        order(&mut slots, &mut layers);
        straighten(&mut slots, &layers);
        finish(&slots, &layers, &routes, sizes.len())
    }
}

/// The longest path to a box is its layer. Links lead forwards, so one walk is enough.
fn assign_layers(slots: &mut [Slot], links: &[(usize, usize)]) {
    let mut sorted = links.to_vec();
    sorted.sort_unstable();
    for (from, to) in &sorted {
        let next = slots.get(*from).map_or(0, |slot| slot.layer + 1);
        if let Some(slot) = slots.get_mut(*to) {
            slot.layer = slot.layer.max(next);
        }
    }
    // What nothing leads to and nothing follows, an exit handler, comes last.
    let last = slots
        .iter()
        .map(|slot| slot.layer)
        .max()
        .unwrap_or_default();
    let linked: std::collections::BTreeSet<usize> =
        links.iter().flat_map(|(from, to)| [*from, *to]).collect();
    for (at, slot) in slots.iter_mut().enumerate().skip(1) {
        if !linked.contains(&at) {
            slot.layer = last + 1;
        }
    }
}

/// Gives each link its slots: both ends, and a bend in each layer between.
fn bend(slots: &mut Vec<Slot>, links: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let layer = |slots: &[Slot], at: usize| slots.get(at).map_or(0, |slot| slot.layer);
    let bends: usize = links
        .iter()
        .map(|(from, to)| layer(slots, *to).saturating_sub(layer(slots, *from) + 1))
        .sum();
    let mut routes = Vec::with_capacity(links.len());
    for (from, to) in links {
        let mut route = vec![*from];
        if bends <= MOST_BENDS {
            for between in layer(slots, *from) + 1..layer(slots, *to) {
                route.push(slots.len());
                slots.push(Slot {
                    layer: between,
                    ..Slot::default()
                });
            }
        }
        route.push(*to);
        for (one, next) in route.iter().zip(route.iter().skip(1)) {
            if let Some(slot) = slots.get_mut(*one) {
                slot.after.push(*next);
            }
            if let Some(slot) = slots.get_mut(*next) {
                slot.before.push(*one);
            }
        }
        routes.push(route);
    }
    routes
}

/// Which neighbours a sweep looks at.
#[derive(Debug, Clone, Copy)]
enum Sweep {
    Forth,
    Back,
}

/// The layers in the order of a sweep.
fn sweep(number: usize, layers: usize) -> (Sweep, Vec<usize>) {
    if number.is_multiple_of(2) {
        (Sweep::Forth, (0..layers).collect())
    } else {
        (Sweep::Back, (0..layers).rev().collect())
    }
}

/// The mean height of a slot's neighbours; nothing when it has none.
fn mean(slots: &[Slot], at: usize, sweep: Sweep) -> Option<f64> {
    let slot = slots.get(at)?;
    let neighbours = match sweep {
        Sweep::Forth => &slot.before,
        Sweep::Back => &slot.after,
    };
    let sum: f64 = neighbours
        .iter()
        .filter_map(|other| slots.get(*other))
        .map(|other| other.y)
        .sum();
    (!neighbours.is_empty()).then(|| sum / neighbours.len() as f64)
}

/// Orders each layer by the means of neighbours; `y` counts places for now.
fn order(slots: &mut [Slot], layers: &mut [Vec<usize>]) {
    for layer in layers.iter() {
        number(slots, layer);
    }
    for round in 0..SWEEPS {
        let (direction, sequence) = sweep(round, layers.len());
        for at in sequence {
            let Some(layer) = layers.get_mut(at) else {
                continue;
            };
            let mut keyed: Vec<(f64, usize)> = layer
                .iter()
                .map(|at| {
                    (
                        mean(slots, *at, direction)
                            .unwrap_or_else(|| slots.get(*at).map_or(0.0, |slot| slot.y)),
                        *at,
                    )
                })
                .collect();
            keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
            *layer = keyed.into_iter().map(|(_, at)| at).collect();
            number(slots, layer);
        }
    }
}

fn number(slots: &mut [Slot], layer: &[usize]) {
    for (place, at) in layer.iter().enumerate() {
        if let Some(slot) = slots.get_mut(*at) {
            slot.y = place as f64;
        }
    }
}

/// Turns places into heights: each box as near to its neighbours' mean as its layer allows.
fn straighten(slots: &mut [Slot], layers: &[Vec<usize>]) {
    for layer in layers {
        spread(slots, layer, |_, _| None);
    }
    for round in 0..SWEEPS {
        let (direction, sequence) = sweep(round, layers.len());
        for at in sequence {
            if let Some(layer) = layers.get(at) {
                spread(slots, layer, |slots, at| mean(slots, at, direction));
            }
        }
    }
}

/// Puts a layer's boxes below each other, then moves it as a whole towards what its boxes want.
fn spread(slots: &mut [Slot], layer: &[usize], wanted: impl Fn(&[Slot], usize) -> Option<f64>) {
    let mut bottom = f64::NEG_INFINITY;
    let (mut pull, mut pulling) = (0.0, 0usize);
    for at in layer {
        let wish = wanted(slots, *at);
        let Some(slot) = slots.get_mut(*at) else {
            continue;
        };
        let half = slot.size.height / 2.0;
        let lowest = if bottom.is_finite() {
            bottom + GAP_Y + half
        } else {
            f64::NEG_INFINITY
        };
        slot.y = wish
            .unwrap_or(if lowest.is_finite() { lowest } else { 0.0 })
            .max(lowest);
        bottom = slot.y + half;
        if let Some(wish) = wish {
            pull += wish - slot.y;
            pulling += 1;
        }
    }
    let shift = if pulling == 0 {
        0.0
    } else {
        pull / pulling as f64
    };
    for at in layer {
        if let Some(slot) = slots.get_mut(*at) {
            slot.y += shift;
        }
    }
}

fn finish(slots: &[Slot], layers: &[Vec<usize>], routes: &[Vec<usize>], boxes: usize) -> Layout {
    let top = slots
        .iter()
        .map(|slot| slot.y - slot.size.height / 2.0)
        .fold(f64::INFINITY, f64::min);
    let mut lefts = Vec::with_capacity(layers.len());
    let mut left = MARGIN;
    for layer in layers {
        let widest = layer
            .iter()
            .filter_map(|at| slots.get(*at))
            .map(|slot| slot.size.width)
            .fold(0.0, f64::max);
        lefts.push((left, widest));
        left += widest + GAP_X;
    }
    // A box stands in the middle of its layer.
    let edges = |slot: &Slot| {
        let (left, widest) = lefts.get(slot.layer).copied().unwrap_or_default();
        let inner = left + (widest - slot.size.width) / 2.0;
        (inner, inner + slot.size.width)
    };
    let y = |slot: &Slot| slot.y - top + MARGIN;
    let corners: Vec<(f64, f64)> = slots
        .iter()
        .take(boxes)
        .map(|slot| (edges(slot).0, y(slot) - slot.size.height / 2.0))
        .collect();
    let line = |route: &Vec<usize>| {
        let last = route.len().saturating_sub(1);
        let mut points = Vec::with_capacity(route.len() * 2);
        for (at, slot) in route
            .iter()
            .enumerate()
            .filter_map(|(at, slot)| Some((at, slots.get(*slot)?)))
        {
            let (left, widest) = lefts.get(slot.layer).copied().unwrap_or_default();
            match at {
                0 => points.push((edges(slot).1, y(slot))),
                _ if at == last => points.push((edges(slot).0, y(slot))),
                // A bend is a level piece through its whole layer, so that no box is touched.
                _ => points.extend([(left, y(slot)), (left + widest, y(slot))]),
            }
        }
        points
    };
    let bottom = slots
        .iter()
        .map(|slot| y(slot) + slot.size.height / 2.0)
        .fold(0.0, f64::max);
    Layout {
        corners,
        lines: routes.iter().map(line).collect(),
        size: Size {
            width: (left - GAP_X).max(0.0) + MARGIN,
            height: bottom + MARGIN,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UNIT: Size = Size {
        width: 100.0,
        height: 30.0,
    };

    proptest! {
        #[test]
        fn boxes_never_overlap_and_every_link_leads_to_the_right(
            boxes in 1usize..60,
            links in proptest::collection::vec((0usize..60, 0usize..60), 0..150),
        ) {
            let layout = Layout::of(&vec![UNIT; boxes], &links);
            prop_assert_eq!(layout.corners.len(), boxes);
            for (i, (x, y)) in layout.corners.iter().enumerate() {
                prop_assert!(*x >= 0.0 && x + UNIT.width <= layout.size.width, "{x}");
                prop_assert!(*y >= 0.0 && y + UNIT.height <= layout.size.height, "{y}");
                for (other_x, other_y) in layout.corners.iter().skip(i + 1) {
                    let apart = (x - other_x).abs() >= UNIT.width || (y - other_y).abs() >= UNIT.height;
                    prop_assert!(apart, "({x}, {y}) ({other_x}, {other_y})");
                }
            }
            for (from, to) in links.iter().filter(|(from, to)| from < to && *to < boxes) {
                prop_assert!(layout.corners[*from].0 < layout.corners[*to].0);
            }
            for line in &layout.lines {
                prop_assert!(line.windows(2).all(|two| two[0].0 <= two[1].0));
            }
        }
    }

    #[test]
    fn a_chain_is_drawn_as_a_straight_line() {
        let layout = Layout::of(&[UNIT; 4], &[(0, 1), (1, 2), (2, 3)]);
        assert!(
            layout.corners.windows(2).all(|two| two[0].1 == two[1].1),
            "{:?}",
            layout.corners
        );
    }

    #[test]
    fn two_chains_side_by_side_do_not_cross() {
        let layout = Layout::of(&[UNIT; 6], &[(0, 3), (1, 2), (2, 5), (3, 4)]);
        let y = |at: usize| layout.corners[at].1;
        assert_eq!(y(1) < y(3), y(2) < y(3), "{:?}", layout.corners);
        assert_eq!(y(2) < y(3), y(5) < y(4), "{:?}", layout.corners);
    }

    #[test]
    fn nothing_gives_an_empty_drawing() {
        assert_eq!(Layout::of(&[], &[(0, 1)]).corners, []);
    }
}
