//! Image names as people write them, in one full form.

use super::ImageError;

/// The full form of a name: `busybox` and `docker.io/library/busybox:latest` are one image. A digest
/// stays part of the name: `…@sha256:…`.
///
/// # Errors
/// [`ImageError::BadName`] when the text can not be a name.
pub fn canonical(name: &str) -> Result<String, ImageError> {
    let bad = || ImageError::BadName {
        name: name.chars().take(120).collect(),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    if name.is_empty() || name.len() > 512 || !name.chars().all(allowed) {
        return Err(bad());
    }
    let (rest, digest) = match name.split_once('@') {
        Some((rest, digest)) if digest.starts_with("sha256:") => (rest, Some(digest)),
        Some(_) => return Err(bad()),
        None => (name, None),
    };
    // A colon after the last slash begins the tag; one before it belongs to the host's port.
    let (path, tag) = match rest.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (rest, None),
    };
    let (host, path) = match path.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => ("docker.io", path),
    };
    let host = if host == "index.docker.io" {
        "docker.io"
    } else {
        host
    };
    let empty = |part: &str| part.is_empty() || part == "." || part == "..";
    if empty(host)
        || path.split('/').any(empty)
        || tag.is_some_and(str::is_empty)
        || path.contains(':')
    {
        return Err(bad());
    }
    let library = if host == "docker.io" && !path.contains('/') {
        "library/"
    } else {
        ""
    };
    Ok(match (digest, tag) {
        (Some(digest), _) => format!("{host}/{library}{path}@{digest}"),
        (None, tag) => format!("{host}/{library}{path}:{}", tag.unwrap_or("latest")),
    })
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn the_ways_to_write_a_name_mean_one_image() {
        for (name, full) in [
            ("busybox", "docker.io/library/busybox:latest"),
            (
                "docker.io/library/busybox:latest",
                "docker.io/library/busybox:latest",
            ),
            (
                "index.docker.io/library/busybox",
                "docker.io/library/busybox:latest",
            ),
            ("alpine:3.23", "docker.io/library/alpine:3.23"),
            ("argoproj/argosay:v2", "docker.io/argoproj/argosay:v2"),
            ("localhost/x", "localhost/x:latest"),
            ("host:5000/a/b:1", "host:5000/a/b:1"),
        ] {
            assert_eq!(canonical(name).unwrap(), full, "{name}");
        }
        for bad in [
            "",
            "a b",
            "a//b",
            "../x",
            "x:",
            "a@md5:0",
            "ä",
            &"a".repeat(600),
        ] {
            assert!(canonical(bad).is_err(), "{bad}");
        }
    }
}
