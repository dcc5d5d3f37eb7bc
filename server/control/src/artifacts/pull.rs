//! A body of a store, read by a thread that may wait.

use std::io::{self, Read};

use bytes::Bytes;
use futures_util::StreamExt;
use steading_artifacts::{ArtifactError, Body};
use tokio::runtime::Handle;

pub(super) struct Pull {
    handle: Handle,
    body: Body,
    part: Bytes,
    /// What the store said when a read failed.
    pub(super) failure: Option<ArtifactError>,
}

impl Pull {
    pub(super) fn new(handle: Handle, body: Body) -> Self {
        Self {
            handle,
            body,
            part: Bytes::new(),
            failure: None,
        }
    }
}

impl Read for Pull {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() {
            match self.handle.block_on(self.body.next()) {
                Some(Ok(part)) => self.part = part,
                Some(Err(failure)) => {
                    self.failure = Some(failure);
                    return Err(io::ErrorKind::Other.into());
                }
                None => return Ok(0),
            }
        }
        let part = self.part.split_to(self.part.len().min(buffer.len()));
        let mut from = part.as_ref();
        from.read(buffer)
    }
}
