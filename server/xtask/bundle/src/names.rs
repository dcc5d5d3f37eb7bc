//! Names with a hash of the content, and the placeholders that stand for them.

use anyhow::{Result, bail};
use sha2::{Digest, Sha256};

/// A file of the bundle.
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
}

/// The bundle's files, in the order in which they were added.
#[derive(Default)]
pub(crate) struct Names {
    files: Vec<File>,
    placeholders: Vec<(&'static str, String)>,
}

impl Names {
    /// Adds a file under a hashed name, from now on known by its placeholder.
    pub(crate) fn add(&mut self, placeholder: &'static str, file: &str, content: Vec<u8>) {
        let name = hashed(file, &content);
        self.placeholders.push((placeholder, name.clone()));
        self.files.push(File { name, content });
    }

    /// Adds a file under its own name.
    pub(crate) fn add_unhashed(&mut self, file: &str, content: Vec<u8>) {
        self.files.push(File {
            name: file.to_owned(),
            content,
        });
    }

    /// Everything that was added.
    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    /// Replaces each `{{placeholder}}`; one that stands for nothing is an error.
    pub(crate) fn fill(&self, text: &str) -> Result<String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((word, after)) = after.split_once("}}") else {
                bail!("a placeholder has no end");
            };
            let Some((_, name)) = self.placeholders.iter().find(|(known, _)| *known == word) else {
                bail!("no file stands for {{{{{word}}}}}");
            };
            filled.push_str(before);
            filled.push_str(name);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// `style.css` -> `style-0f3a….css`.
fn hashed(file: &str, content: &[u8]) -> String {
    let mut hash = hex::encode(Sha256::digest(content));
    hash.truncate(16);
    match file.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}-{hash}.{extension}"),
        None => format!("{file}-{hash}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_becomes_the_hashed_name() {
        let mut names = Names::default();
        names.add("css", "style.css", b"body{}".to_vec());
        let filled = names.fill("<link href=\"/{{css}}\"> {{css}}").unwrap();
        let name = hashed("style.css", b"body{}");
        assert_eq!(filled, format!("<link href=\"/{name}\"> {name}"));
        assert!(name.starts_with("style-") && name.ends_with(".css") && name.len() == 26);
    }

    #[test]
    fn a_placeholder_without_a_file_is_an_error() {
        assert!(Names::default().fill("{{css}}").is_err());
        assert!(Names::default().fill("{{css").is_err());
    }
}
