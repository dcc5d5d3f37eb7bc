//! Paths in a document, as in `spec.templates[0].steps[1][0].template`.

use std::fmt::Write;

/// Adds a key. One that is no plain word is put in brackets: `labels["a.b/c"]`.
pub(crate) fn push_key(path: &mut String, key: &str) {
    let plain = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if !plain {
        // Writing to a String can not fail.
        let _ = write!(path, "[{key:?}]");
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

/// Adds a position in a list.
pub(crate) fn push_index(path: &mut String, index: usize) {
    let _ = write!(path, "[{index}]");
}

/// The path of serde_path_to_error in this form.
pub(crate) fn of_error(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push_index(&mut text, *index),
            Segment::Map { key } | Segment::Enum { variant: key } => push_key(&mut text, key),
            Segment::Unknown => {}
        }
    }
    text
}

/// The path of serde_ignored in this form.
pub(crate) fn of_ignored(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => {
            let mut text = of_ignored(parent);
            push_index(&mut text, *index);
            text
        }
        Path::Map { parent, key } => {
            let mut text = of_ignored(parent);
            push_key(&mut text, key);
            text
        }
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => of_ignored(parent),
    }
}

/// Everything above a path, from the longest to the empty one; the path itself comes first.
pub(crate) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        let end = path.rfind(['.', '['])?;
        path.get(..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_like_code() {
        let mut path = String::new();
        push_key(&mut path, "metadata");
        push_key(&mut path, "labels");
        push_key(&mut path, "a.b/c");
        push_index(&mut path, 3);
        assert_eq!(path, r#"metadata.labels["a.b/c"][3]"#);
    }

    #[test]
    fn the_ancestors_of_a_path_end_at_the_document() {
        let all: Vec<_> = ancestors("spec.templates[0].name").collect();
        assert_eq!(
            all,
            [
                "spec.templates[0].name",
                "spec.templates[0]",
                "spec.templates",
                "spec"
            ]
        );
    }
}
