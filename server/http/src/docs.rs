//! The documentation, served offline at `/docs`: Markdown of this repository, rendered here, without a
//! script.

use std::fmt::Write;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

use crate::App;
use crate::problem::Problem;

/// One document.
struct Document {
    /// Its name in the address, which is its file's name.
    name: &'static str,
    /// Its line in the list of documents.
    title: &'static str,
    text: &'static str,
}

macro_rules! documents {
    ($($name:literal, $title:literal;)*) => {
        const DOCUMENTS: &[Document] = &[$(Document {
            name: $name,
            title: $title,
            text: include_str!(concat!("../../docs/", $name, ".md")),
        },)*];
    };
}

documents! {
    "user", "Running workflows";
    "operator", "Operating a site";
    "fields", "Fields of a workflow";
    "plugins", "Writing a plugin";
    "errors", "Errors";
    "architecture", "Architecture";
    "execution", "Local execution";
    "store", "The store";
}

const STYLE: &str = include_str!("docs.css");

/// Nothing runs here; the style sheet and nothing else is loaded.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Routes of the documentation. It tells nothing of the site, so it asks for no token.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/docs", get(async || Redirect::permanent("/docs/user")))
        .route("/docs/", get(async || Redirect::permanent("/docs/user")))
        .route("/docs/style.css", get(style))
        .route("/docs/{name}", get(document))
}

async fn style() -> Response {
    answer("text/css; charset=utf-8", STYLE.to_owned())
}

async fn document(Path(name): Path<String>) -> Response {
    // Documents link to each other as files, so that they read well in the repository too.
    let name = name.strip_suffix(".md").unwrap_or(&name);
    match DOCUMENTS.iter().find(|document| document.name == name) {
        Some(document) => answer("text/html; charset=utf-8", render(document)),
        None => Problem::not_found("page.not-found", "there is no such page").into_response(),
    }
}

fn answer(media: &'static str, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, body).into_response()
}

/// The document as a page of its own, with the list of the others.
fn render(document: &Document) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{} · Steading</title>\
         <link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"/docs/style.css\"></head><body>\
         <nav aria-label=\"Documents\"><a class=\"brand\" href=\"/\">Steading</a>",
        document.title
    );
    for other in DOCUMENTS {
        let here = if other.name == document.name {
            " aria-current=\"page\""
        } else {
            ""
        };
        // Writing to a string never fails.
        let _ = write!(
            page,
            "<a href=\"/docs/{}\"{here}>{}</a>",
            other.name, other.title
        );
    }
    page.push_str("</nav><main>");
    html::push_html(&mut page, events(document.text));
    page.push_str("</main></body></html>");
    page
}

/// Tables scroll in a frame of their own: the page itself must not on a narrow screen.
fn events(text: &str) -> impl Iterator<Item = Event<'_>> {
    let frame = |event| match event {
        Event::Start(Tag::Table(_)) => [
            Some(Event::Html("<div class=\"wide\">".into())),
            Some(event),
            None,
        ],
        Event::End(TagEnd::Table) => [Some(event), Some(Event::Html("</div>".into())), None],
        _ => [Some(event), None, None],
    };
    Parser::new_ext(text, Options::ENABLE_TABLES)
        .flat_map(frame)
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_of_the_repository_is_served() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
        let mut files: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut served: Vec<String> = DOCUMENTS
            .iter()
            .map(|document| format!("{}.md", document.name))
            .collect();
        files.sort();
        served.sort();
        assert_eq!(files, served);
    }

    #[test]
    fn a_document_names_itself_and_links_to_the_others() {
        for document in DOCUMENTS {
            let page = render(document);
            assert_eq!(page.matches("<h1>").count(), 1, "{}", document.name);
            assert_eq!(page.matches("aria-current").count(), 1);
            assert!(!page.contains("<script"), "{}", document.name);
        }
    }
}
