//! A directory as one object: tar with gzip, links as links.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::error::ArtifactError;
use crate::source::Source;

/// Packs what lies below `directory` into a file.
pub(super) fn pack(directory: &Path, file: File) -> Result<Source, ArtifactError> {
    let gzip = GzEncoder::new(BufWriter::new(file), Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    archive.follow_symlinks(false);
    // Neither who we are nor when this was is anybody's business.
    archive.mode(tar::HeaderMode::Deterministic);
    archive.append_dir_all(".", directory)?;
    let file = archive.into_inner()?.finish()?;
    let file = file.into_inner().map_err(|error| error.into_error())?;
    Source::file(file)
}
