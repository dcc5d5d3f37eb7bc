//! What is wrong with a document: one type for errors and warnings, made for people and for scripts.

use std::fmt;

use serde::{Serialize, Serializer};

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Stable, dotted.
    pub code: Code,
    /// The field, as in `spec.templates[0].steps[1][0].template`; empty for the document itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// 1 is the first line; nothing when the text is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// 1 is the first character of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// One sentence. For rules that Argo has too, it is Argo's, because clients match it.
    pub message: String,
    /// What to do, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Fault {
    /// A fault of a field.
    pub fn new(code: Code, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            path: path.into(),
            line: None,
            column: None,
            message: message.into(),
            fix: None,
        }
    }

    /// The same fault with advice.
    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// The same fault at a line and column, both counted from 1.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.line = u32::try_from(line).ok();
        self.column = u32::try_from(column).ok();
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{} [{}]", self.message, self.code)?;
        if let Some(fix) = &self.fix {
            write!(f, " ({fix})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The stable codes of faults.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code, for the page of the documentation that lists them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code's text.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// Not YAML and not JSON.
    Syntax = "spec.syntax",
    /// Not UTF-8, or holds a NUL outside a quoted escape.
    Encoding = "spec.encoding",
    /// More bytes than allowed.
    TooLarge = "spec.too-large",
    /// Nested deeper than allowed.
    TooDeep = "spec.too-deep",
    /// More values than allowed.
    TooManyNodes = "spec.too-many-nodes",
    /// More values than allowed once aliases are written out.
    AliasBomb = "spec.alias-bomb",
    /// A key longer than allowed.
    KeyTooLong = "spec.key-too-long",
    /// More documents than allowed.
    TooManyDocuments = "spec.too-many-documents",
    /// A key given twice.
    DuplicateKey = "spec.duplicate-key",
    /// A value that JSON has no form for, a list as a key for instance.
    NotRepresentable = "spec.not-representable",
    /// No document at all.
    Empty = "spec.empty",
    /// No `kind`, or a kind or version that does not belong together.
    Kind = "spec.kind",
    /// A field of the wrong type.
    WrongType = "spec.wrong-type",
    /// A field that the language does not have.
    UnknownField = "spec.unknown-field",
    /// A spelling of v3.
    Version3 = "spec.v3-spelling",
    /// A name that is missing, malformed or given twice.
    Name = "spec.name",
    /// No entrypoint, or one that does not exist.
    Entrypoint = "spec.entrypoint",
    /// A template of no type or of several.
    TemplateType = "spec.template-type",
    /// A field that the template's type does not have.
    FieldOfType = "spec.field-of-type",
    /// A value outside what the field allows.
    Value = "spec.value",
    /// A parameter without a value, or with one that is not allowed.
    Parameter = "spec.parameter",
    /// An artifact without a source.
    Artifact = "spec.artifact",
    /// An output without exactly one source.
    Output = "spec.output",
    /// A tag that names nothing in its scope.
    Unresolved = "spec.unresolved",
    /// A malformed expression or condition.
    Expression = "spec.expression",
    /// A malformed loop.
    Loop = "spec.loop",
    /// A malformed graph: dependency, target.
    Dag = "spec.dag",
    /// Tasks that wait for each other.
    Cycle = "spec.cycle",
    /// A template that does not exist.
    Reference = "spec.reference",
    /// More or deeper references than allowed.
    TooManyReferences = "spec.too-many-references",
    /// A malformed metric.
    Metric = "spec.metric",
    /// A malformed container.
    Container = "spec.container",
    /// A malformed schedule.
    Schedule = "spec.schedule",
    /// Something that this version does not run yet.
    Unsupported = "spec.unsupported",
    /// Something that has no meaning here, and is kept without effect.
    NoEffect = "spec.no-effect",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
