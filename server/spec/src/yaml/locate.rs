//! Finding the line of a path. Done only when there is a fault to show, so reading costs nothing for it.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser};

use super::repair::repaired;
use crate::fault::Fault;
use crate::path::{ancestors, push_index, push_key};

/// Adds line and column to faults that have a path but no position: that of the path in the document, or
/// of the nearest thing above it. `document` counts all documents of the text from 0.
pub fn locate(bytes: &[u8], document: usize, faults: &mut [Fault]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut wanted: HashMap<String, Option<(usize, usize)>> = HashMap::new();
    for fault in faults.iter().filter(|fault| fault.line.is_none()) {
        wanted.extend(ancestors(&fault.path).map(|path| (path.to_owned(), None)));
    }
    if wanted.is_empty() {
        return;
    }
    walk(&repaired(text), document, &mut |path, mark| {
        if let Some(found @ None) = wanted.get_mut(path) {
            *found = Some((mark.line(), mark.col() + 1));
        }
    });
    for fault in faults.iter_mut().filter(|fault| fault.line.is_none()) {
        let found = ancestors(&fault.path).find_map(|path| wanted.get(path).copied().flatten());
        if let Some((line, column)) = found {
            *fault = fault.clone().at(line, column);
        }
    }
}

/// A list or mapping on the way to the current event.
struct Frame {
    /// Length of the path of the collection itself.
    path: usize,
    kind: Kind,
}

enum Kind {
    List {
        next: usize,
    },
    /// True when the next event is a key.
    Map {
        key: bool,
    },
}

/// Calls `visit` with the path and place of every value of a document; a mapping's entry is at its key.
fn walk(text: &str, document: usize, visit: &mut dyn FnMut(&str, Marker)) {
    let mut parser = Parser::new_from_str(text);
    let mut started = 0;
    let mut path = String::new();
    let mut stack: Vec<Frame> = Vec::new();
    while let Some(Ok((event, span))) = parser.next_event() {
        match event {
            Event::DocumentStart(_) => started += 1,
            Event::DocumentEnd if started > document => return,
            _ if started != document + 1 => {}
            Event::Scalar(text, ..) => {
                if let Some(Frame {
                    path: base,
                    kind: Kind::Map { key: key @ true },
                }) = stack.last_mut()
                {
                    *key = false;
                    path.truncate(*base);
                    push_key(&mut path, &text);
                    visit(&path, span.start);
                } else {
                    enter(&mut stack, &mut path, span.start, visit);
                }
            }
            Event::Alias(_) => enter(&mut stack, &mut path, span.start, visit),
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                enter(&mut stack, &mut path, span.start, visit);
                let kind = match event {
                    Event::SequenceStart(..) => Kind::List { next: 0 },
                    _ => Kind::Map { key: true },
                };
                stack.push(Frame {
                    path: path.len(),
                    kind,
                });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(frame) = stack.pop() {
                    path.truncate(frame.path);
                }
            }
            _ => {}
        }
    }
}

/// A value begins: makes `path` its path and moves its parent on.
fn enter(
    stack: &mut [Frame],
    path: &mut String,
    mark: Marker,
    visit: &mut dyn FnMut(&str, Marker),
) {
    match stack.last_mut() {
        Some(Frame {
            path: base,
            kind: Kind::List { next },
        }) => {
            path.truncate(*base);
            push_index(path, *next);
            *next += 1;
            visit(path, mark);
        }
        // The path is already that of the entry, and its key was visited.
        Some(Frame {
            kind: Kind::Map { key },
            ..
        }) => *key = true,
        None => {}
    }
}
