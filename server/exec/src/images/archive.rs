//! Reading archives that nobody vouches for: decompression with a budget, and tar entries whose
//! names and extension records are bounded in memory.

use std::io::{self, BufRead, BufReader, Read};

use tar::{Archive, EntryType};

use super::ImageError;

/// Bytes of one extension record (long names, PAX).
const EXTENSION: u64 = 1024 * 1024;

/// Plain, gzip or zstd, told by the first bytes.
pub(crate) fn decompressed<'a>(source: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut source = BufReader::with_capacity(128 * 1024, source);
    let start = source.fill_buf()?;
    if start.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(source)));
    }
    if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
        // 128 MiB: a larger window is a way to use up memory.
        decoder.window_log_max(27)?;
        return Ok(Box::new(decoder));
    }
    Ok(Box::new(source))
}

/// Fails when more than `left` bytes or entries come.
pub(super) struct Budget {
    pub(super) bytes: u64,
    pub(super) entries: u64,
}

impl Budget {
    pub(super) fn entry(&mut self, size: u64) -> Result<(), ImageError> {
        let entries = self.entries.checked_sub(1);
        self.entries = entries.ok_or_else(|| ImageError::archive("it has too many files"))?;
        let bytes = self.bytes.checked_sub(size);
        self.bytes = bytes.ok_or_else(|| ImageError::archive("its files are too large"))?;
        Ok(())
    }
}

/// One entry, with its extension records applied.
pub(crate) struct Entry<'a> {
    pub(crate) name: Vec<u8>,
    pub(crate) link: Option<Vec<u8>>,
    pub(crate) kind: EntryType,
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    pub(crate) mtime: u64,
    pub(crate) size: u64,
    pub(crate) data: &'a mut dyn Read,
}

/// Calls `each` with every entry of a tar stream.
pub(crate) fn each_entry<R: Read>(
    source: R,
    mut each: impl FnMut(Entry<'_>) -> Result<(), ImageError>,
) -> Result<(), ImageError> {
    let mut archive = Archive::new(source);
    let (mut long_name, mut long_link) = (None, None);
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let header = entry.header().clone();
        match header.entry_type() {
            EntryType::GNULongName => long_name = Some(text(&mut entry)?),
            EntryType::GNULongLink => long_link = Some(text(&mut entry)?),
            EntryType::XGlobalHeader => drop(extension(&mut entry)?),
            EntryType::XHeader => {
                let record = extension(&mut entry)?;
                for pair in tar::PaxExtensions::new(&record) {
                    let pair = pair?;
                    match pair.key_bytes() {
                        b"path" => long_name = Some(pair.value_bytes().to_vec()),
                        b"linkpath" => long_link = Some(pair.value_bytes().to_vec()),
                        // Two readers that disagree on a size see different archives.
                        b"size" | b"GNU.sparse.major" => {
                            return Err(ImageError::archive("it uses an unsupported tar form"));
                        }
                        _ => {}
                    }
                }
            }
            kind => {
                let link = long_link.take();
                let link = link.or_else(|| header.link_name_bytes().map(|n| n.into_owned()));
                let name = long_name.take();
                each(Entry {
                    name: name.unwrap_or_else(|| header.path_bytes().into_owned()),
                    link,
                    kind,
                    mode: header.mode().unwrap_or(0o755),
                    uid: header.uid().unwrap_or(0),
                    gid: header.gid().unwrap_or(0),
                    mtime: header.mtime().unwrap_or(0),
                    size: header.entry_size()?,
                    data: &mut entry,
                })?;
            }
        }
    }
    Ok(())
}

fn extension<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Vec<u8>, ImageError> {
    let mut record = Vec::new();
    entry.take(EXTENSION + 1).read_to_end(&mut record)?;
    if record.len() as u64 > EXTENSION {
        return Err(ImageError::archive("a name in it is too long"));
    }
    Ok(record)
}

fn text<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Vec<u8>, ImageError> {
    let mut name = extension(entry)?;
    while name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}
