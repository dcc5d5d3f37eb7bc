//! Contents of artifacts as answers. What comes out was made by tasks, so a browser treats it as a stranger's:
//! an origin of its own without cookies, no request to anywhere, no guess at its type.

use std::fmt::Write;
use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use steading_api::artifact::{Form, Side};
use steading_api::client::escape;
use steading_artifacts::Content;
use steading_control::Control;
use steading_control::artifacts::{Found, Wanted};
use steading_store::RunRef;
use steading_types::artifact::{Artifact, Packing, Place};

use crate::problem::Problem;

/// A report may run the script that stands in it, as nobody: it reaches no origin and no cookie.
const POLICY: HeaderValue = HeaderValue::from_static(
    "sandbox allow-scripts; default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'unsafe-inline'; \
     style-src 'unsafe-inline'; img-src data:; font-src data:",
);
/// Types that a browser may show, by the end of the name.
const SHOWN: [(&str, &str); 15] = [
    ("txt", "text/plain; charset=utf-8"),
    ("log", "text/plain; charset=utf-8"),
    ("csv", "text/plain; charset=utf-8"),
    ("tsv", "text/plain; charset=utf-8"),
    ("md", "text/plain; charset=utf-8"),
    ("yaml", "text/plain; charset=utf-8"),
    ("yml", "text/plain; charset=utf-8"),
    ("json", "application/json"),
    ("html", "text/html; charset=utf-8"),
    ("htm", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
];

/// Which content of a run a request is for.
pub(crate) struct Asked<'p> {
    /// The node's Argo id or name.
    pub(crate) node: &'p str,
    pub(crate) side: Side,
    pub(crate) name: &'p str,
    /// Below the artifact.
    pub(crate) path: &'p str,
    pub(crate) form: Form,
    pub(crate) links: Links,
}

/// How a listing leads to what lies in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// Below the path of the request.
    Path,
    /// By the query of the request.
    Query,
}

/// Answers a content of a run that the caller may see.
pub(crate) async fn serve(
    control: &Control,
    run: &RunRef,
    asked: &Asked<'_>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let artifact = control.artifact(run, asked.node, asked.side, asked.name)?;
    let range = headers.get(header::RANGE).and_then(range);
    let wanted = Wanted {
        path: asked.path.to_owned(),
        form: asked.form,
        range: range.clone(),
    };
    let opened = control.open_artifact(&run.tenant, &artifact, &wanted);
    let mut response = match opened.await? {
        Found::Directory(names) => listing(&names, &prefix(asked)),
        Found::File(own, content) => {
            let name = own.unwrap_or_else(|| file_name(&artifact, asked.path));
            bytes(content, &name, range)
        }
    };
    response.headers_mut().extend([
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::X_FRAME_OPTIONS,
            HeaderValue::from_static("SAMEORIGIN"),
        ),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
    ]);
    Ok(response)
}

/// The last part of where it lies: Argo's client names its files so.
fn file_name(artifact: &Artifact, path: &str) -> String {
    let last = |key: &str| {
        key.rsplit('/')
            .find(|part| !part.is_empty())
            .map(str::to_owned)
    };
    let of_key = match &artifact.place {
        Place::Repository { key } => last(key),
        Place::Raw { .. } | Place::Store { .. } => None,
    };
    last(path)
        .or(of_key)
        .unwrap_or_else(|| match artifact.packing {
            Packing::None => artifact.name.clone(),
            Packing::Zip => format!("{}.zip", artifact.name),
            Packing::Usual | Packing::Tar(_) => format!("{}.tgz", artifact.name),
        })
}

fn bytes(content: Content, name: &str, range: Option<Range<u64>>) -> Response {
    let mut answer = Response::builder();
    if let Some(range) = range {
        let size = content.size;
        let Some(last) = range
            .start
            .saturating_add(content.length)
            .checked_sub(1)
            .filter(|_| content.length > 0)
        else {
            let whole = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, whole).into_response();
        };
        let part = format!("bytes {}-{last}/{size}", range.start);
        answer = answer
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, part);
    }
    let (kind, placed) = shown_as(name);
    answer
        .header(header::CONTENT_TYPE, kind)
        .header(header::CONTENT_LENGTH, content.length)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(
            header::CONTENT_DISPOSITION,
            format!("{placed}; filename=\"{}\"", plain(name)),
        )
        .body(Body::from_stream(content.body))
        .unwrap_or_else(|error| Problem::internal(&error).into_response())
}

/// The type of a file, and whether a browser shows or keeps it.
fn shown_as(name: &str) -> (&'static str, &'static str) {
    let end = name
        .rsplit_once('.')
        .map(|(_, end)| end.to_ascii_lowercase());
    let known = end.and_then(|end| SHOWN.iter().find(|(known, _)| *known == end));
    known.map_or(("application/octet-stream", "attachment"), |(_, kind)| {
        (*kind, "inline")
    })
}

/// What a header can hold of a name.
fn plain(name: &str) -> String {
    let held = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | ';');
    name.chars()
        .map(|c| if held(c) { c } else { '_' })
        .collect()
}

/// `bytes=from-to`, the only form that is understood: others get the whole.
fn range(value: &HeaderValue) -> Option<Range<u64>> {
    let spec = value.to_str().ok()?.strip_prefix("bytes=")?;
    let (from, to) = spec.split_once('-')?;
    let from = from.parse().ok()?;
    let end = match to {
        "" => u64::MAX,
        to => to.parse::<u64>().ok()?.saturating_add(1),
    };
    (from < end).then_some(from..end)
}

/// What stands in a link before a name.
fn prefix(asked: &Asked<'_>) -> String {
    if asked.links == Links::Path {
        return "./".to_owned();
    }
    let side = match asked.side {
        Side::Inputs => "inputs",
        Side::Outputs => "outputs",
    };
    let above = match asked.path.trim_matches('/') {
        "" => String::new(),
        path => format!("{}/", encoded(path)),
    };
    format!("?side={side}&amp;path={above}")
}

/// A path in a link: its slashes stay.
fn encoded(path: &str) -> String {
    let mut link = String::new();
    for (number, part) in path.split('/').enumerate() {
        if number > 0 {
            link.push('/');
        }
        escape(part, &mut link);
    }
    link
}

/// Links to what lies in a directory. Names are a task's: nothing of them is markup.
fn listing(names: &[String], prefix: &str) -> Response {
    let mut page = String::from("<!DOCTYPE html><meta charset=utf-8><title>Files</title><ul>");
    for name in names {
        let link = encoded(name);
        let shown = name
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let _ = write!(page, "<li><a href=\"{prefix}{link}\">{shown}</a>");
    }
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_part_or_the_whole() {
        let of = |text: &'static str| range(&HeaderValue::from_static(text));
        assert_eq!(of("bytes=2-4"), Some(2..5));
        assert_eq!(of("bytes=7-"), Some(7..u64::MAX));
        for whole in [
            "bytes=-5",
            "bytes=4-2",
            "bytes=0-1,4-5",
            "lines=1-2",
            "bytes=x-",
        ] {
            assert_eq!(of(whole), None, "{whole}");
        }
    }

    /// security.md W01 (CVE-2022-29164): a file that is none of the known kinds is never shown.
    #[test]
    fn w01_only_known_kinds_are_shown() {
        assert_eq!(shown_as("report.HTML").1, "inline");
        for kept in ["a.svg", "a.xhtml", "a.pdf", "a", "html", "a.html.exe"] {
            assert_eq!(shown_as(kept), ("application/octet-stream", "attachment"));
        }
    }

    /// security.md W (CVE-2026-23960): names in a listing are text.
    #[tokio::test]
    async fn w01_names_of_a_listing_are_no_markup() {
        let page = listing(&["<img src=x onerror=alert(1)>\"'".to_owned()], "./");
        let body = axum::body::to_bytes(page.into_body(), 10_000)
            .await
            .unwrap();
        let page = String::from_utf8(body.to_vec()).unwrap();
        assert!(!page.contains("<img"), "{page}");
        assert!(page.contains("href=\"./%3Cimg%20"), "{page}");
        assert_eq!(plain("a\"; x=\n\u{fc}"), "a___x=__");
    }
}
