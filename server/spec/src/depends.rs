//! The `depends` expression of a DAG task: `A && (B.Failed || !C.Succeeded)`.
//!
//! Names may contain hyphens and are compared as they are written. A decision may be asked for before
//! all tasks have ended; it is then made only if the missing answers can not change it.

use std::fmt;

use thiserror::Error;

/// What is asked of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskResult {
    /// It ended well.
    Succeeded,
    /// Its work failed.
    Failed,
    /// It could not be done.
    Errored,
    /// Its `when` was false.
    Skipped,
    /// Its own `depends` was false.
    Omitted,
    /// It runs as a daemon and is ready.
    Daemoned,
    /// At least one item of its loop ended well.
    AnySucceeded,
    /// All items of its loop failed.
    AllFailed,
}

impl TaskResult {
    const ALL: [Self; 8] = [
        Self::Succeeded,
        Self::Failed,
        Self::Errored,
        Self::Skipped,
        Self::Omitted,
        Self::Daemoned,
        Self::AnySucceeded,
        Self::AllFailed,
    ];

    /// Argo's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Errored => "Errored",
            Self::Skipped => "Skipped",
            Self::Omitted => "Omitted",
            Self::Daemoned => "Daemoned",
            Self::AnySucceeded => "AnySucceeded",
            Self::AllFailed => "AllFailed",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.as_str() == text)
    }
}

/// Why a text is no `depends` expression.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DependsError {
    /// It has another form.
    #[error("{message} at character {at} of the depends expression")]
    Syntax {
        /// What was found or is missing.
        message: String,
        /// Counted from 1.
        at: usize,
    },
    /// A task was asked for something that tasks do not have.
    #[error("task result '{result}' for task '{task}' is invalid")]
    UnknownResult {
        /// The task.
        task: String,
        /// What was asked.
        result: String,
    },
    /// Parentheses are nested too deeply.
    #[error("the depends expression is nested more than {DEPTH} levels deep")]
    TooDeep,
}

impl DependsError {
    /// The stable dotted code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "depends.syntax",
            Self::UnknownResult { .. } => "depends.unknown-result",
            Self::TooDeep => "depends.too-deep",
        }
    }

    /// What a person can do about it.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::UnknownResult { .. } => {
                let names = TaskResult::ALL.map(TaskResult::as_str);
                Some(format!("use one of {}", names.join(", ")))
            }
            Self::Syntax { .. } => Some("combine task names with &&, ||, ! and ( )".into()),
            Self::TooDeep => None,
        }
    }
}

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Depends {
    /// A task, and what is asked of it; without a result: that it ended in a way that lets others go on.
    Task(String, Option<TaskResult>),
    /// The opposite.
    Not(Box<Depends>),
    /// All of them.
    And(Vec<Depends>),
    /// At least one of them.
    Or(Vec<Depends>),
}

/// Parentheses and signs inside each other.
const DEPTH: usize = 50;

impl Depends {
    /// Parses an expression.
    ///
    /// # Errors
    /// [`DependsError`] when it has another form.
    pub fn parse(text: &str) -> Result<Self, DependsError> {
        let mut parser = Parser {
            text,
            rest: text,
            depth: 0,
        };
        let parsed = parser.any()?;
        if parser.rest.is_empty() {
            return Ok(parsed);
        }
        parser.wrong("an operator is missing")
    }

    /// The older form: all of a list of tasks. Nothing for an empty list.
    pub fn all_of<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<Self> {
        let tasks = names.into_iter();
        let mut tasks: Vec<Self> = tasks.map(|name| Self::Task(name.into(), None)).collect();
        match tasks.len() {
            0 => None,
            1 => tasks.pop(),
            _ => Some(Self::And(tasks)),
        }
    }

    /// The tasks that it names, each once, in the order of their first appearance.
    pub fn tasks(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let mut seen = std::collections::HashSet::new();
        self.visit(&mut |name, _| {
            if seen.insert(name) {
                names.push(name);
            }
        });
        names
    }

    /// What it asks of which task, in the order of appearance.
    pub fn questions(&self) -> Vec<(&str, Option<TaskResult>)> {
        let mut out = Vec::new();
        self.visit(&mut |name, result| out.push((name, result)));
        out
    }

    fn visit<'s>(&'s self, see: &mut impl FnMut(&'s str, Option<TaskResult>)) {
        match self {
            Self::Task(name, result) => see(name, *result),
            Self::Not(inner) => inner.visit(see),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.visit(see)),
        }
    }

    /// Decides, where `answer` tells about a task what is known so far. Nothing when the open answers
    /// can still change the decision.
    pub fn decide(
        &self,
        answer: &mut impl FnMut(&str, Option<TaskResult>) -> Option<bool>,
    ) -> Option<bool> {
        match self {
            Self::Task(name, result) => answer(name, *result),
            Self::Not(inner) => inner.decide(answer).map(|holds| !holds),
            Self::And(parts) => decide_until(parts, false, answer),
            Self::Or(parts) => decide_until(parts, true, answer),
        }
    }
}

/// One part with the deciding answer decides; otherwise every part must be known.
fn decide_until(
    parts: &[Depends],
    deciding: bool,
    answer: &mut impl FnMut(&str, Option<TaskResult>) -> Option<bool>,
) -> Option<bool> {
    let mut all_known = true;
    for part in parts {
        match part.decide(answer) {
            Some(holds) if holds == deciding => return Some(deciding),
            Some(_) => {}
            None => all_known = false,
        }
    }
    all_known.then_some(!deciding)
}

impl fmt::Display for Depends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, parts: &[Self], sign: &str| {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    write!(f, " {sign} ")?;
                }
                match part {
                    Self::And(_) | Self::Or(_) => write!(f, "({part})")?,
                    _ => write!(f, "{part}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::Task(name, None) => f.write_str(name),
            Self::Task(name, Some(result)) => write!(f, "{name}.{}", result.as_str()),
            Self::Not(inner) => match &**inner {
                Self::Task(..) | Self::Not(_) => write!(f, "!{inner}"),
                _ => write!(f, "!({inner})"),
            },
            Self::And(parts) => list(f, parts, "&&"),
            Self::Or(parts) => list(f, parts, "||"),
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    rest: &'t str,
    depth: usize,
}

impl Parser<'_> {
    fn wrong<T>(&self, message: &str) -> Result<T, DependsError> {
        let read = self.text.len().saturating_sub(self.rest.len());
        let before = self.text.get(..read).unwrap_or_default();
        Err(DependsError::Syntax {
            message: message.to_owned(),
            at: before.chars().count().saturating_add(1),
        })
    }

    fn accept(&mut self, sign: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn any(&mut self) -> Result<Depends, DependsError> {
        let mut parts = vec![self.all()?];
        while self.accept("||") {
            parts.push(self.all()?);
        }
        Ok(joined(parts, Depends::Or))
    }

    fn all(&mut self) -> Result<Depends, DependsError> {
        let mut parts = vec![self.one()?];
        while self.accept("&&") {
            parts.push(self.one()?);
        }
        Ok(joined(parts, Depends::And))
    }

    fn one(&mut self) -> Result<Depends, DependsError> {
        if self.depth == DEPTH {
            return Err(DependsError::TooDeep);
        }
        self.depth = self.depth.saturating_add(1);
        let parsed = if self.accept("!") {
            self.one().map(|inner| Depends::Not(Box::new(inner)))
        } else if self.accept("(") {
            let inner = self.any();
            match inner {
                Ok(_) if !self.accept(")") => self.wrong("')' is missing"),
                inner => inner,
            }
        } else {
            self.task()
        };
        self.depth = self.depth.saturating_sub(1);
        parsed
    }

    fn word(&mut self) -> Option<String> {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    fn task(&mut self) -> Result<Depends, DependsError> {
        let Some(task) = self.word() else {
            return self.wrong("a task's name is missing");
        };
        let Some(rest) = self.rest.strip_prefix('.') else {
            return Ok(Depends::Task(task, None));
        };
        self.rest = rest;
        let Some(result) = self.word() else {
            return self.wrong("a result is missing after '.'");
        };
        match TaskResult::from_text(&result) {
            Some(known) => Ok(Depends::Task(task, Some(known))),
            None => Err(DependsError::UnknownResult { task, result }),
        }
    }
}

fn joined(mut parts: Vec<Depends>, join: fn(Vec<Depends>) -> Depends) -> Depends {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            join(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decide(text: &str, known: &[(&str, bool)]) -> Option<bool> {
        let answer = |name: &str, result: Option<TaskResult>| {
            let asked = match result {
                None => name.to_owned(),
                Some(result) => format!("{name}.{}", result.as_str()),
            };
            known.iter().find(|(n, _)| *n == asked).map(|(_, v)| *v)
        };
        Depends::parse(text).unwrap().decide(&mut { answer })
    }

    #[test]
    fn names_with_hyphens_and_underscores_are_different_tasks() {
        let depends = Depends::parse("a-b && a_b.Failed").unwrap();
        assert_eq!(depends.tasks(), ["a-b", "a_b"]);
        assert_eq!(
            depends.questions(),
            [("a-b", None), ("a_b", Some(TaskResult::Failed))]
        );
    }

    #[test]
    fn and_binds_stronger_than_or_and_parentheses_strongest() {
        let known = [("a", true), ("b", false), ("c", false)];
        assert_eq!(decide("a || b && c", &known), Some(true));
        assert_eq!(decide("(a || b) && c", &known), Some(false));
        assert_eq!(decide("!b && !(c || !a)", &known), Some(true));
    }

    #[test]
    fn a_decision_waits_only_for_answers_that_matter() {
        assert_eq!(decide("a && b", &[("a", false)]), Some(false));
        assert_eq!(decide("a && b", &[("a", true)]), None);
        assert_eq!(
            decide("a.Succeeded || b", &[("a.Succeeded", true)]),
            Some(true)
        );
        assert_eq!(decide("!(a || b)", &[]), None);
    }

    #[test]
    fn a_list_of_dependencies_means_all_of_them() {
        assert_eq!(Depends::all_of([]), None);
        let all = Depends::all_of(["a", "b"]).unwrap();
        assert_eq!(all, Depends::parse("a && b").unwrap());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, at) in [
            ("", 1),
            ("a &&", 5),
            ("a b", 3),
            ("(a", 3),
            ("a.", 3),
            ("ä | b", 3),
        ] {
            match Depends::parse(text) {
                Err(DependsError::Syntax { at: found, .. }) => assert_eq!(found, at, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        let unknown = Depends::parse("a.Done").unwrap_err();
        assert_eq!(unknown.code(), "depends.unknown-result");
        assert_eq!(
            unknown.to_string(),
            "task result 'Done' for task 'a' is invalid"
        );
        let deep = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
        assert_eq!(Depends::parse(&deep), Err(DependsError::TooDeep));
        let long = vec!["a"; 50_000].join(" || ");
        assert_eq!(decide(&long, &[("a", false)]), Some(false));
    }

    fn any_depends() -> impl Strategy<Value = Depends> {
        let result = prop::option::of(prop::sample::select(TaskResult::ALL.to_vec()));
        let task = ("[a-z][a-z0-9_-]{0,5}", result).prop_map(|(n, r)| Depends::Task(n, r));
        task.prop_recursive(4, 24, 3, |inner| {
            let list = prop::collection::vec(inner.clone(), 2..4);
            prop_oneof![
                inner.prop_map(|d| Depends::Not(Box::new(d))),
                list.clone().prop_map(Depends::And),
                list.prop_map(Depends::Or),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(depends in any_depends()) {
            prop_assert_eq!(Depends::parse(&depends.to_string()), Ok(depends));
        }

        #[test]
        fn no_text_panics(text in "[-a-c_.&|!() SFa-z]{0,60}") {
            let _ = Depends::parse(&text);
        }
    }
}
