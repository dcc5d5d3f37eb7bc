//! The address bar is the state: every view is a value that is read from the fragment and written to it.
//! The fragment never reaches the server, so a one-time code in it never reaches a log.

use std::fmt::Write as _;

/// A place in the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `#/`: the runs of the caller's first tenant.
    Home,
    /// `#/login/<code>`: a one-time link.
    Login {
        /// Good once.
        code: String,
    },
    /// `#/runs/<tenant>`.
    Runs {
        /// Whose runs.
        tenant: String,
        /// Which of them.
        filter: Filter,
    },
    /// `#/runs/<tenant>/<run>`.
    Run {
        /// Whose run.
        tenant: String,
        /// Its name or id.
        run: String,
        /// What is open on its page.
        look: Look,
    },
}

/// Which runs the list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Phases, separated by commas; all when empty.
    pub phase: String,
    /// A part of the name.
    pub name: String,
    /// A label selector.
    pub labels: String,
    /// Where the page of the list begins; the first one when empty.
    pub after: String,
}

/// What is open on the page of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// The chosen node.
    pub node: Option<u32>,
    /// How the nodes are drawn.
    pub view: NodesView,
    /// Only nodes with this text in their name.
    pub find: String,
    /// Whose log is shown.
    pub log: LogScope,
    /// Only log lines that match this.
    pub grep: String,
    /// Whether long log lines are broken.
    pub wrap: Wrap,
}

/// How the nodes of a run are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NodesView {
    /// As nested rows.
    #[default]
    Tree,
    /// As boxes and lines.
    Graph,
}

impl NodesView {
    /// The one that is not shown.
    pub fn other(self) -> Self {
        match self {
            Self::Tree => Self::Graph,
            Self::Graph => Self::Tree,
        }
    }
}

/// Whose log is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogScope {
    /// The chosen node's.
    #[default]
    Node,
    /// All nodes', merged by time.
    Run,
}

/// Whether long log lines are broken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wrap {
    /// Broken at the edge.
    #[default]
    On,
    /// One row a line; the log scrolls sideways.
    Off,
}

impl Wrap {
    /// The one that is not chosen.
    pub fn other(self) -> Self {
        match self {
            Self::On => Self::Off,
            Self::Off => Self::On,
        }
    }
}

impl Route {
    /// Reads a fragment, with or without its `#`. What is not understood leads home.
    pub fn parse(fragment: &str) -> Self {
        let fragment = fragment.strip_prefix('#').unwrap_or(fragment);
        let (path, query) = fragment.split_once('?').unwrap_or((fragment, ""));
        let mut parts = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(unescape);
        match (parts.next().as_deref(), parts.next(), parts.next()) {
            (Some("login"), Some(code), None) => Self::Login { code },
            (Some("runs"), Some(tenant), None) => Self::Runs {
                tenant,
                filter: Filter::parse(query),
            },
            (Some("runs"), Some(tenant), Some(run)) => Self::Run {
                tenant,
                run,
                look: Look::parse(query),
            },
            _ => Self::Home,
        }
    }

    /// The fragment of this place, with its `#`.
    pub fn fragment(&self) -> String {
        match self {
            Self::Home => "#/".to_owned(),
            Self::Login { code } => format!("#/login/{}", escaped(code)),
            Self::Runs { tenant, filter } => {
                format!("#/runs/{}{}", escaped(tenant), filter.query())
            }
            Self::Run { tenant, run, look } => format!(
                "#/runs/{}/{}{}",
                escaped(tenant),
                escaped(run),
                look.query()
            ),
        }
    }

    /// The tenant that the place lies in.
    pub fn tenant(&self) -> Option<&str> {
        match self {
            Self::Runs { tenant, .. } | Self::Run { tenant, .. } => Some(tenant),
            Self::Home | Self::Login { .. } => None,
        }
    }

    /// The unfiltered list of a tenant.
    pub fn runs(tenant: impl Into<String>) -> Self {
        Self::Runs {
            tenant: tenant.into(),
            filter: Filter::default(),
        }
    }

    /// The page of a run with nothing chosen.
    pub fn run(tenant: impl Into<String>, run: impl Into<String>) -> Self {
        Self::Run {
            tenant: tenant.into(),
            run: run.into(),
            look: Look::default(),
        }
    }
}

impl Filter {
    fn parse(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in pairs(query) {
            match name.as_str() {
                "phase" => filter.phase = value,
                "name" => filter.name = value,
                "labels" => filter.labels = value,
                "after" => filter.after = value,
                _ => {}
            }
        }
        filter
    }

    fn query(&self) -> String {
        write_query(&[
            ("phase", &self.phase),
            ("name", &self.name),
            ("labels", &self.labels),
            ("after", &self.after),
        ])
    }

    /// True when some runs may be hidden by it.
    pub fn narrows(&self) -> bool {
        !(self.phase.is_empty() && self.name.is_empty() && self.labels.is_empty())
    }
}

impl Look {
    fn parse(query: &str) -> Self {
        let mut look = Self::default();
        for (name, value) in pairs(query) {
            match (name.as_str(), value.as_str()) {
                ("node", number) => look.node = number.parse().ok(),
                ("view", "graph") => look.view = NodesView::Graph,
                ("find", _) => look.find = value,
                ("log", "run") => look.log = LogScope::Run,
                ("grep", _) => look.grep = value,
                ("wrap", "off") => look.wrap = Wrap::Off,
                _ => {}
            }
        }
        look
    }

    fn query(&self) -> String {
        let node = self.node.map(|ix| ix.to_string()).unwrap_or_default();
        let view = if self.view == NodesView::Graph {
            "graph"
        } else {
            ""
        };
        let log = if self.log == LogScope::Run { "run" } else { "" };
        let wrap = if self.wrap == Wrap::Off { "off" } else { "" };
        write_query(&[
            ("node", &node),
            ("view", view),
            ("find", &self.find),
            ("log", log),
            ("grep", &self.grep),
            ("wrap", wrap),
        ])
    }
}

fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (unescape(name), unescape(value)))
}

fn write_query(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        let separator = if text.is_empty() { '?' } else { '&' };
        text.push(separator);
        text.push_str(name);
        text.push('=');
        text.push_str(&escaped(value));
    }
    text
}

/// Percent-encodes everything but RFC 3986's unreserved characters and the comma, which filters use.
fn escaped(text: &str) -> String {
    let mut into = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b',') {
            into.push(char::from(byte));
        } else {
            // Writing to a string never fails.
            let _ = write!(into, "%{byte:02X}");
        }
    }
    into
}

/// The inverse of [`escaped`]; what is no valid escape stays as it is.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (
            first,
            digits.and_then(|two| u8::from_str_radix(two, 16).ok()),
        ) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(route: &Route) {
        assert_eq!(
            &Route::parse(&route.fragment()),
            route,
            "{}",
            route.fragment()
        );
    }

    #[test]
    fn every_view_survives_being_bookmarked() {
        round(&Route::Home);
        round(&Route::Login {
            code: "a/b?c#d%41".into(),
        });
        round(&Route::runs("genomics"));
        round(&Route::Runs {
            tenant: "default".into(),
            filter: Filter {
                phase: "Failed,Error".into(),
                name: "ä & b".into(),
                labels: "team in (a, b),x=y".into(),
                after: "01jd".into(),
            },
        });
        round(&Route::Run {
            tenant: "default".into(),
            run: "hello-x7k".into(),
            look: Look {
                node: Some(12),
                view: NodesView::Graph,
                find: "align(3".into(),
                log: LogScope::Run,
                grep: "^error=.*\\d+$".into(),
                wrap: Wrap::Off,
            },
        });
    }

    #[test]
    fn the_address_of_a_run_is_short_when_nothing_is_chosen() {
        assert_eq!(
            Route::run("default", "hello").fragment(),
            "#/runs/default/hello"
        );
        assert_eq!(Route::runs("default").fragment(), "#/runs/default");
    }

    #[test]
    fn an_address_that_is_not_understood_leads_home() {
        for fragment in [
            "",
            "#",
            "#/",
            "#/nowhere",
            "#/login",
            "#///",
            "#?phase=x",
            "#%",
        ] {
            assert_eq!(Route::parse(fragment), Route::Home, "{fragment}");
        }
    }

    #[test]
    fn broken_escapes_are_kept_as_text() {
        assert_eq!(unescape("%"), "%");
        assert_eq!(unescape("%4"), "%4");
        assert_eq!(unescape("%zz%41"), "%zzA");
        assert_eq!(unescape("%ff"), "\u{fffd}");
    }
}
