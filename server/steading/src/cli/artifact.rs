//! `artifacts` and `cp`: what the nodes of a run gave as files.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Component, Path, PathBuf};

use clap::Args;
use sha2::{Digest, Sha256};
use steading_api::artifact::{ArtifactBody, ArtifactFilter, ArtifactQuery, Form, Side};
use steading_api::operations::{GetArtifact, ListArtifactFiles, ListArtifacts};
use steading_types::artifact::Packing;

use super::client::Client;
use super::display::{self, harmless, size, table};
use super::exit::{Code, Failure};
use super::{Format, Output, logs};

/// Arguments of `artifacts`.
#[derive(Debug, Args)]
pub(crate) struct Artifacts {
    /// The run: its name, its id or @latest
    run: String,
    /// Also what nodes took
    #[arg(long)]
    inputs: bool,
    #[command(flatten)]
    output: Output,
}

impl Artifacts {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        let filter = ArtifactFilter {
            side: (!self.inputs).then_some(Side::Outputs),
            ..ArtifactFilter::default()
        };
        let found = all(client, &self.run, filter).await?;
        match self.output.format {
            format @ (Format::Json | Format::Yaml) => display::document(&found, format),
            Format::Name => {
                let names = found
                    .iter()
                    .map(|one| format!("{}/{}\n", one.node_id, one.name));
                display::print(&names.collect::<String>())
            }
            Format::Text | Format::Wide => {
                let rows: Vec<_> = found.iter().map(row).collect();
                display::print(&table(&["NODE", "SIDE", "NAME", "SIZE", "PLACE"], &rows))
            }
        }
    }
}

async fn all(
    client: &Client,
    run: &str,
    mut filter: ArtifactFilter,
) -> Result<Vec<ArtifactBody>, Failure> {
    let mut found = Vec::new();
    loop {
        let page = client
            .tenant_call::<ListArtifacts>(&[run], &filter, &())
            .await?;
        found.extend(page.artifacts);
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return Ok(found),
        }
    }
}

fn row(one: &ArtifactBody) -> Vec<String> {
    vec![
        harmless(&one.node_name),
        match one.side {
            Side::Inputs => "in".to_owned(),
            Side::Outputs => "out".to_owned(),
        },
        harmless(&one.name),
        one.size.map(size).unwrap_or_default(),
        harmless(&one.place),
    ]
}

/// Arguments of `cp`.
#[derive(Debug, Args)]
pub(crate) struct Cp {
    /// What: RUN:NODE/NAME; the run by its name, its id or @latest, the node by its name or id
    #[arg(value_name = "RUN:NODE/NAME")]
    from: String,
    /// Where to: a file, a directory, or - for standard output
    to: PathBuf,
    /// What the node took, not what it gave
    #[arg(long)]
    input: bool,
    /// As it lies in its repository: do not unpack it
    #[arg(long)]
    packed: bool,
}

impl Cp {
    pub(crate) async fn run(self, client: &Client) -> Result<(), Failure> {
        let wrong = || Failure::new(Code::Usage, format!("'{}' is no RUN:NODE/NAME", self.from));
        let (run, rest) = self.from.split_once(':').ok_or_else(wrong)?;
        let (node, name) = rest.rsplit_once('/').ok_or_else(wrong)?;
        let node = logs::node(client, run, node).await?;
        let side = match self.input {
            true => Side::Inputs,
            false => Side::Outputs,
        };
        let filter = ArtifactFilter {
            node: Some(node.ix),
            side: Some(side),
            after: None,
        };
        let found = all(client, run, filter).await?;
        let artifact = found
            .into_iter()
            .find(|one| one.name == name)
            .ok_or_else(|| {
                Failure::new(
                    Code::NotFound,
                    format!("{} has no artifact '{name}'", node.name),
                )
            })?;
        let wanted = Wanted {
            client,
            parts: [run, &artifact.node_id, &artifact.name],
            side,
        };
        let form = match self.packed {
            true => Form::Packed,
            false => Form::Unpacked,
        };
        if self.to.as_os_str() == "-" {
            let mut out = std::io::stdout().lock();
            return wanted.write(None, form, &mut out).await;
        }
        let to = match self.to.is_dir() {
            true => self.to.join(own_name(&artifact, form)),
            false => self.to.clone(),
        };
        wanted.save(&artifact, &to, form).await
    }
}

/// Whether the copy is what lies in the repository, byte for byte.
fn as_it_lies(artifact: &ArtifactBody, form: Form) -> bool {
    form == Form::Packed || artifact.packing == Packing::None
}

/// The name of the copy in a directory.
fn own_name(artifact: &ArtifactBody, form: Form) -> String {
    let last = artifact
        .place
        .rsplit('/')
        .next()
        .filter(|last| !last.is_empty());
    match (as_it_lies(artifact, form), last) {
        (true, Some(last)) => last.to_owned(),
        _ => artifact.name.clone(),
    }
}

struct Wanted<'c> {
    client: &'c Client,
    parts: [&'c str; 3],
    side: Side,
}

impl Wanted<'_> {
    fn query(&self, path: Option<&str>, form: Form) -> ArtifactQuery {
        ArtifactQuery {
            side: Some(self.side),
            path: path.map(str::to_owned),
            form: Some(form),
        }
    }

    /// Streams a content.
    async fn write(
        &self,
        path: Option<&str>,
        form: Form,
        into: &mut impl Write,
    ) -> Result<(), Failure> {
        let query = self.query(path, form);
        let mut bytes = self
            .client
            .download::<GetArtifact>(&self.parts, &query)
            .await?;
        while let Some(piece) = bytes.next().await? {
            into.write_all(&piece)?;
        }
        Ok(into.flush()?)
    }

    async fn save(&self, artifact: &ArtifactBody, to: &Path, form: Form) -> Result<(), Failure> {
        // What has no sum is no object, or one of a store that is not ours.
        if artifact.sha256.is_none() {
            let query = self.query(None, Form::Packed);
            let list = self
                .client
                .tenant_call::<ListArtifactFiles>(&self.parts, &query, &());
            let list = list.await?;
            if list.more {
                let many = "it has more files than a list can hold";
                return Err(Failure::new(Code::Refused, many));
            }
            for file in &list.files {
                let copy = below(to, &file.path)?;
                if let Some(parent) = copy.parent() {
                    std::fs::create_dir_all(parent)?;
                }
                let content = self.fetch(Some(&file.path), &copy, None).await?;
                content.persist(&copy).map_err(Failure::internal)?;
            }
            if !list.files.is_empty() {
                return Ok(());
            }
        }
        let content = self.fetch(None, to, artifact.sha256.as_deref()).await?;
        if as_it_lies(artifact, form) {
            content.persist(to).map_err(Failure::internal)?;
            return Ok(());
        }
        let to = std::path::absolute(to)?;
        let mut file = content.as_file().try_clone()?;
        file.rewind()?;
        steading_exec::unpack_artifact(&file, artifact.packing, &to).map_err(Failure::internal)
    }

    /// A file beside its later place; nobody finds half of it there.
    async fn fetch(
        &self,
        path: Option<&str>,
        beside: &Path,
        sum: Option<&str>,
    ) -> Result<tempfile::NamedTempFile, Failure> {
        let parent = beside
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let mut file = tempfile::Builder::new()
            .prefix(".steading-cp-")
            .permissions(plain_mode())
            .tempfile_in(parent.unwrap_or(Path::new(".")))?;
        let mut summed = Summed {
            file: file.as_file_mut(),
            sum: Sha256::new(),
        };
        self.write(path, Form::Packed, &mut summed).await?;
        let found = format!("{:x}", summed.sum.finalize());
        match sum.filter(|said| *said != found) {
            Some(said) => Err(Failure::new(
                Code::Refused,
                format!("what came has the SHA-256 {found} and not {said}"),
            )),
            None => Ok(file),
        }
    }
}

/// That of other new files, which are less private than temporary ones.
fn plain_mode() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}

struct Summed<'f> {
    file: &'f mut File,
    sum: Sha256,
}

impl Write for Summed<'_> {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(piece)?;
        self.sum.update(piece.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// A path below a directory, whatever a server says.
fn below(to: &Path, path: &str) -> Result<PathBuf, Failure> {
    let plain = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if plain && !path.is_empty() {
        Ok(to.join(path))
    } else {
        let why = format!("the file '{}' would lie elsewhere", harmless(path));
        Err(Failure::new(Code::Refused, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f02_no_file_of_an_artifact_lies_elsewhere() {
        let to = Path::new("/there");
        assert_eq!(below(to, "a/b").unwrap(), Path::new("/there/a/b"));
        for wrong in ["../a", "/etc/passwd", "a/../../b", ""] {
            assert!(below(to, wrong).is_err(), "{wrong}");
        }
    }
}
