//! The strongest compression: done once here, never while serving.

use std::io::Write;

use anyhow::Result;
use brotli::CompressorWriter;
use flate2::{Compression, GzBuilder};

/// The same input gives the same bytes.
pub(crate) fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut gzip = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::best());
    gzip.write_all(content)?;
    Ok(gzip.finish()?)
}

/// Quality 11 with a window of 4 MiB.
pub(crate) fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    const BUFFER: usize = 64 * 1024;
    const QUALITY: u32 = 11;
    const WINDOW_BITS: u32 = 22;
    let mut writer = CompressorWriter::new(Vec::new(), BUFFER, QUALITY, WINDOW_BITS);
    writer.write_all(content)?;
    Ok(writer.into_inner())
}
