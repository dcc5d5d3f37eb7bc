//! Archives into a directory: tar with gzip or zstd or without, and zip.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use steading_types::artifact::Packing;
use tar::EntryType;

use super::Fault;
use super::tree::Tree;
use crate::images::archive::{decompressed, each_entry};

/// Bytes of a block of tar.
const BLOCK: usize = 512;
/// Bytes of the list of a zip archive: it is held in memory.
const LIST: u32 = 16 * 1024 * 1024;
/// Bytes at the end of a zip archive in which that list is told.
const TAIL: u64 = 22 + 65_535;
/// Bytes of a link's target.
const TARGET: u64 = 4096;

/// What a staged content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One file, as it is.
    Plain,
    Tar,
    Zip,
}

/// What a content is that was packed this way. One that nobody spoke about is looked at, as Argo does.
pub(super) fn form(file: &mut File, packing: Packing) -> Result<Form, Fault> {
    Ok(match packing {
        Packing::None => Form::Plain,
        Packing::Tar(_) => Form::Tar,
        Packing::Zip => Form::Zip,
        Packing::Usual => found(file)?,
    })
}

fn found(file: &mut File) -> Result<Form, Fault> {
    let mut start = Vec::new();
    file.rewind()?;
    Read::by_ref(file).take(4).read_to_end(&mut start)?;
    file.rewind()?;
    if matches!(start.as_slice(), b"PK\x03\x04" | b"PK\x05\x06") {
        return Ok(Form::Zip);
    }
    if !start.starts_with(&[0x1f, 0x8b]) {
        return Ok(Form::Plain);
    }
    let mut block = Vec::new();
    // A content that is no gzip after all is a plain file.
    let read =
        decompressed(&*file).and_then(|inner| inner.take(BLOCK as u64).read_to_end(&mut block));
    file.rewind()?;
    Ok(match read {
        Ok(_) if is_header(&block) => Form::Tar,
        _ => Form::Plain,
    })
}

/// Whether a block is the first of a tar archive: its checksum holds, or it is the end of an empty one.
fn is_header(block: &[u8]) -> bool {
    let Ok(block) = <&[u8; BLOCK]>::try_from(block) else {
        return false;
    };
    if block.iter().all(|byte| *byte == 0) {
        return true;
    }
    let header = tar::Header::from_byte_slice(block);
    let mut fresh = header.clone();
    fresh.set_cksum();
    matches!((header.cksum(), fresh.cksum()), (Ok(said), Ok(is)) if said == is)
}

/// Unpacks a tar archive.
pub(super) fn tar(file: &mut File, tree: &mut Tree) -> Result<(), Fault> {
    file.rewind()?;
    let mut fault = None;
    let read = each_entry(decompressed(&*file)?, |entry| {
        let about = (entry.mode, entry.mtime, entry.size);
        let link = entry.link.as_deref().unwrap_or_default();
        let done = match entry.kind {
            EntryType::Directory => tree.directory(&entry.name, entry.mode),
            EntryType::Regular | EntryType::Continuous => tree.file(&entry.name, about, entry.data),
            EntryType::Symlink => tree.link(&entry.name, link),
            EntryType::Link => tree.hard_link(&entry.name, link),
            _ => Err(Fault::hostile("it holds a device or a pipe")),
        };
        done.map_err(|error| {
            fault = Some(error);
            crate::images::ImageError::archive("it is not taken over")
        })
    });
    match fault {
        Some(fault) => Err(fault),
        None => Ok(read?),
    }
}

/// Unpacks a zip archive, by its list at the end.
pub(super) fn zip(file: &mut File, tree: &mut Tree) -> Result<(), Fault> {
    bounded(file)?;
    file.rewind()?;
    let mut archive = ::zip::ZipArchive::new(&*file)?;
    for number in 0..archive.len() {
        let mut entry = archive.by_index(number)?;
        let name = entry.name_raw().to_vec();
        let mode = entry.unix_mode();
        let kind = mode.map(|mode| mode & 0o170_000);
        if entry.is_dir() {
            tree.directory(&name, mode.unwrap_or(0o755))?;
        } else if kind == Some(0o120_000) {
            let mut target = Vec::new();
            Read::by_ref(&mut entry)
                .take(TARGET)
                .read_to_end(&mut target)?;
            tree.link(&name, &target)?;
        } else if matches!(kind, None | Some(0 | 0o100_000)) {
            let about = (mode.unwrap_or(0o644), 0, entry.size());
            tree.file(&name, about, &mut entry)?;
        } else {
            return Err(Fault::hostile("it holds a device or a pipe"));
        }
    }
    Ok(())
}

/// Refuses an archive whose list would fill the memory ("end of central directory record", APPNOTE 4.3.16).
fn bounded(file: &mut File) -> Result<(), Fault> {
    let end = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(end.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    Read::by_ref(file).take(TAIL).read_to_end(&mut tail)?;
    let none = || Fault::hostile("it is no zip archive");
    let at = tail.windows(4).rposition(|four| four == b"PK\x05\x06");
    let record = at.and_then(|at| tail.get(at..)).ok_or_else(none)?;
    let size = record.get(12..16).and_then(|size| size.try_into().ok());
    let size = size.map(u32::from_le_bytes).ok_or_else(none)?;
    if size > LIST {
        return Err(Fault::Bomb);
    }
    Ok(())
}
