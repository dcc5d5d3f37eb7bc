//! Rows that may outgrow 64 KiB. No single value in the database does: a longer one lies in pieces
//! under its key followed by the piece's number.
//!
//! Piece 0 is `form, pieces: u16 LE, size: u32 LE, bytes`; the others are bytes alone. `size` is the
//! length before compression.

use crate::StoreError;
use crate::key::Key;

/// Bytes of one piece.
const PIECE: usize = 60 * 1024;
/// Shorter rows are not worth compressing.
const COMPRESS_FROM: usize = 512;
/// The fastest level: it takes most of the redundancy out of JSON.
const LEVEL: i32 = 1;
/// No row is longer, whatever its frame says.
const LIMIT: usize = 256 * 1024 * 1024;
const HEADER: usize = 7;

const RAW: u8 = 1;
const ZSTD: u8 = 2;

/// A key and its value.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

/// The key of a piece.
pub(crate) fn piece_key(key: &Key, piece: u16) -> Key {
    key.clone().u16(piece)
}

/// Cuts a row into pieces.
pub(crate) fn pack(row: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
    let too_large = || StoreError::TooLarge {
        bytes: row.len(),
        limit: LIMIT,
    };
    if row.len() > LIMIT {
        return Err(too_large());
    }
    let compressed = (row.len() >= COMPRESS_FROM)
        .then(|| zstd::bulk::compress(row, LEVEL))
        .transpose()?
        .filter(|packed| packed.len() < row.len());
    let (form, body) = match &compressed {
        Some(packed) => (ZSTD, packed.as_slice()),
        None => (RAW, row),
    };
    let first = body.len().min(PIECE);
    let (head, tail) = body.split_at_checked(first).unwrap_or((body, &[]));
    let pieces = u16::try_from(1 + tail.len().div_ceil(PIECE)).map_err(|_| too_large())?;
    let size = u32::try_from(row.len()).map_err(|_| too_large())?;
    let mut piece = Vec::with_capacity(HEADER + first);
    piece.push(form);
    piece.extend_from_slice(&pieces.to_le_bytes());
    piece.extend_from_slice(&size.to_le_bytes());
    piece.extend_from_slice(head);
    let mut all = vec![piece];
    all.extend(tail.chunks(PIECE).map(<[u8]>::to_vec));
    Ok(all)
}

/// A row on its way back from its pieces.
pub(crate) struct Unpacking {
    form: u8,
    size: usize,
    missing: u16,
    body: Vec<u8>,
}

/// How many pieces follow piece 0.
pub(crate) fn more_pieces(first: &[u8]) -> Result<u16, StoreError> {
    Unpacking::begin(first).map(|unpacking| unpacking.missing)
}

impl Unpacking {
    /// Starts with piece 0.
    pub(crate) fn begin(first: &[u8]) -> Result<Self, StoreError> {
        let wrong = || StoreError::damaged("the frame of a long row");
        let ([form, p0, p1, size @ ..], body) =
            first.split_first_chunk::<HEADER>().ok_or_else(wrong)?;
        let size = u32::from_le_bytes(*size) as usize;
        let missing = u16::from_le_bytes([*p0, *p1])
            .checked_sub(1)
            .ok_or_else(wrong)?;
        if size > LIMIT || !matches!(*form, RAW | ZSTD) {
            return Err(wrong());
        }
        Ok(Self {
            form: *form,
            size,
            missing,
            body: body.to_vec(),
        })
    }

    /// How many pieces are still to come.
    pub(crate) fn missing(&self) -> u16 {
        self.missing
    }

    /// Adds the next piece.
    pub(crate) fn add(&mut self, piece: &[u8]) {
        self.missing = self.missing.saturating_sub(1);
        self.body.extend_from_slice(piece);
    }

    /// The row.
    pub(crate) fn finish(self) -> Result<Vec<u8>, StoreError> {
        let wrong = || StoreError::damaged("a long row is incomplete");
        let row = match self.form {
            ZSTD => zstd::bulk::decompress(&self.body, self.size).map_err(|_| wrong())?,
            _ => self.body,
        };
        if self.missing == 0 && row.len() == self.size {
            Ok(row)
        } else {
            Err(wrong())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(row: &[u8]) -> usize {
        let pieces = pack(row).unwrap();
        assert!(pieces.iter().all(|piece| piece.len() <= 64 * 1024));
        let mut unpacking = Unpacking::begin(&pieces[0]).unwrap();
        for piece in &pieces[1..] {
            unpacking.add(piece);
        }
        assert_eq!(unpacking.finish().unwrap(), row);
        pieces.len()
    }

    #[test]
    fn a_row_of_any_length_comes_back_and_no_piece_is_above_64_kib() {
        assert_eq!(there_and_back(b""), 1);
        assert_eq!(there_and_back(&[7; 400_000]), 1);
        // Bytes that do not compress.
        let mut state = 1u64;
        let noise: Vec<u8> = (0..200_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        assert_eq!(there_and_back(&noise), 4);
    }

    #[test]
    fn a_damaged_frame_is_an_error_and_never_a_panic() {
        assert!(Unpacking::begin(&[]).is_err());
        assert!(Unpacking::begin(&[9, 1, 0, 0, 0, 0, 0]).is_err());
        assert!(Unpacking::begin(&[ZSTD, 0, 0, 0, 0, 0, 0]).is_err());
        let bomb = Unpacking::begin(&[ZSTD, 1, 0, 255, 255, 255, 15, 1, 2, 3]).unwrap();
        assert!(bomb.finish().is_err());
    }
}
