//! Symbolic links of an artifact: those that stay inside it are kept, others are refused.

use super::Fault;

/// How many directories a link goes up before it goes down.
///
/// A target goes up only at its beginning: `a/../b` may lead anywhere when `a` is a link itself. What goes up no
/// further than the artifact's top, and then down through links for which the same holds, stays inside.
pub(super) fn climbs(name: &str, target: &[u8]) -> Result<usize, Fault> {
    let leaves = || Fault::hostile(format!("the link {name} leads out of it"));
    if target.is_empty() || target.first() == Some(&b'/') || target.contains(&0) {
        return Err(leaves());
    }
    let parts = target.split(|byte| *byte == b'/');
    let parts = parts.filter(|part| !matches!(*part, b"" | b"."));
    let mut up = 0usize;
    let mut down = false;
    for part in parts {
        match part {
            b".." if down => return Err(leaves()),
            b".." => up = up.saturating_add(1),
            _ => down = true,
        }
    }
    Ok(up)
}

/// Whether a link whose directory lies `depth` below the top stays inside.
pub(super) fn stays(name: &str, target: &[u8], depth: usize) -> Result<(), Fault> {
    if climbs(name, target)? > depth {
        return Err(Fault::hostile(format!("the link {name} leads out of it")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// security.md F02.
    #[test]
    fn f02_a_link_stays_inside_or_is_refused() {
        for (target, depth) in [
            ("a", 0),
            ("a/b", 0),
            ("../a", 1),
            ("./a", 0),
            ("../../a/b", 2),
        ] {
            assert!(stays("l", target.as_bytes(), depth).is_ok(), "{target}");
        }
        for (target, depth) in [
            ("/etc/passwd", 9),
            ("../a", 0),
            ("../../a", 1),
            ("a/../b", 5),
            ("", 5),
            ("a\0", 5),
            ("./../a", 0),
        ] {
            assert!(stays("l", target.as_bytes(), depth).is_err(), "{target}");
        }
    }
}
