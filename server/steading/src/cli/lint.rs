//! `lint`: every problem of files, with its place; nothing is stored.

use std::path::{Path, PathBuf};

use clap::Args;
use steading_api::error::{FaultBody, Severity};
use steading_api::operations::Lint as LintOperation;
use steading_api::template::Text;
use steading_spec::resolve::NoLibrary;
use steading_spec::{Fault, Limits, Mode, Object};

use super::client::{Connection, read_input};
use super::display;
use super::exit::{Code, Failure, fault_line};
use super::{Format, Output};

/// Arguments of `lint`.
#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Files and folders; `-` is standard input
    #[arg(required_unless_present = "refused")]
    paths: Vec<PathBuf>,
    /// Ask no server: references to saved templates are then unknown
    #[arg(long)]
    offline: bool,
    /// Print what this version makes of each field of the language: refused, without effect, supported
    #[arg(long, conflicts_with = "paths")]
    refused: bool,
    #[command(flatten)]
    output: Output,
}

impl Lint {
    pub(crate) async fn run(self, connection: &Connection) -> Result<(), Failure> {
        if self.refused {
            return display::print(&steading_spec::inventory::page());
        }
        let files = files(&self.paths)?;
        if files.is_empty() {
            return Err(Failure::new(
                Code::Usage,
                "found nothing to lint in the specified paths, failing...",
            ));
        }
        let mut found: Vec<(PathBuf, FaultBody)> = Vec::new();
        for file in files {
            let text = read_input(&file)?;
            let faults = if self.offline {
                offline(&text)
            } else {
                connection
                    .open()?
                    .tenant_call::<LintOperation>(&[], &(), &Text { text })
                    .await?
                    .faults
            };
            found.extend(faults.into_iter().map(|fault| (file.clone(), fault)));
        }
        self.print(&found)
    }

    fn print(&self, found: &[(PathBuf, FaultBody)]) -> Result<(), Failure> {
        let errors = found
            .iter()
            .filter(|(_, fault)| fault.severity == Severity::Error)
            .count();
        match self.output.format {
            Format::Json | Format::Yaml => {
                let list: Vec<_> = found
                    .iter()
                    .map(|(file, fault)| serde_json::json!({"file": file, "fault": fault}))
                    .collect();
                display::document(&list, self.output.format)?;
            }
            Format::Text | Format::Wide | Format::Name => {
                for (file, fault) in found {
                    display::print(&format!("{}:{}\n", file.display(), fault_line(fault)))?;
                }
                let verdict = if errors == 0 {
                    "no linting errors found!".to_owned()
                } else {
                    format!("{errors} linting errors found!")
                };
                display::print(&format!("{verdict}\n"))?;
            }
        }
        if errors == 0 {
            Ok(())
        } else {
            Err(Failure::silent(Code::RunFailed))
        }
    }
}

fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut inside: Vec<PathBuf> = std::fs::read_dir(path)?
                .map(|entry| entry.map(|e| e.path()))
                .collect::<Result<_, _>>()?;
            inside.sort();
            inside.retain(|path| path.is_dir() || is_document(path));
            files.extend(self::files(&inside)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn is_document(path: &Path) -> bool {
    path.extension()
        .and_then(|e| e.to_str())
        .is_some_and(|e| ["yaml", "yml", "json"].contains(&e))
}

fn offline(text: &str) -> Vec<FaultBody> {
    let documents = match steading_spec::parse(text.as_bytes(), Mode::Strict, &Limits::default()) {
        Ok(documents) => documents,
        Err(faults) => {
            return faults
                .iter()
                .map(|fault| body(fault, Severity::Error))
                .collect();
        }
    };
    let mut found = Vec::new();
    for document in documents {
        found.extend(
            document
                .warnings
                .iter()
                .map(|fault| body(fault, Severity::Warning)),
        );
        let outcome = match &document.object {
            Object::Workflow(workflow) => {
                steading_spec::check(workflow, &NoLibrary).map(|checked| checked.warnings)
            }
            Object::WorkflowTemplate(template) => {
                steading_spec::check_template(template, &NoLibrary)
            }
            _ => Ok(Vec::new()),
        };
        match outcome {
            Ok(warnings) => {
                found.extend(warnings.iter().map(|fault| body(fault, Severity::Warning)))
            }
            Err(mut faults) => {
                steading_spec::locate(text.as_bytes(), document.position, &mut faults);
                found.extend(faults.iter().map(|fault| body(fault, Severity::Error)));
            }
        }
    }
    found
}

fn body(fault: &Fault, severity: Severity) -> FaultBody {
    FaultBody {
        code: fault.code.as_str().to_owned(),
        path: fault.path.clone(),
        line: fault.line.unwrap_or(0),
        column: fault.column.unwrap_or(0),
        message: fault.message.clone(),
        severity,
    }
}
