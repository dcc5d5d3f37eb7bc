//! Keys. All numbers are big-endian, so that byte order is their order; keys of a tenant's data begin
//! with the tenant's number.

use steading_engine::command::Timer;
use steading_engine::lock::Holder;
use steading_types::{AttemptId, NodeIx, RunId};

use crate::StoreError;

/// A tenant's number in keys: given once, never re-used. 0 is the site itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TenantNo(pub(crate) u32);

impl TenantNo {
    /// The owner of what belongs to no tenant.
    pub(crate) const SITE: Self = Self(0);
}

/// A key, or the beginning of one, under construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    pub(crate) fn empty() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn tenant(tenant: TenantNo) -> Self {
        Self(Vec::with_capacity(40)).u32(tenant.0)
    }

    pub(crate) fn run(tenant: TenantNo, run: RunId) -> Self {
        Self::tenant(tenant).bytes(&run.to_bytes())
    }

    pub(crate) fn node(tenant: TenantNo, run: RunId, node: NodeIx) -> Self {
        Self::run(tenant, run).u32(node.0)
    }

    pub(crate) fn attempt(tenant: TenantNo, attempt: AttemptId) -> Self {
        Self::node(tenant, attempt.run, attempt.node).u32(attempt.generation)
    }

    pub(crate) fn timer(tenant: TenantNo, run: RunId, timer: Timer) -> Self {
        let (kind, node) = match timer {
            Timer::Deadline => (0, NodeIx::ROOT),
            Timer::NodeDeadline(node) => (1, node),
            Timer::Resume(node) => (2, node),
            Timer::Backoff(node) => (3, node),
            Timer::Expiry => (4, NodeIx::ROOT),
        };
        Self::run(tenant, run).u8(kind).u32(node.0)
    }

    pub(crate) fn hold(tenant: TenantNo, run: RunId, holder: Holder) -> Self {
        let run = Self::run(tenant, run);
        match holder {
            Holder::Run => run.u8(0).u32(0),
            Holder::Node(node) => run.u8(1).u32(node.0),
        }
    }

    pub(crate) fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn u16(self, value: u16) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A text that more key follows; texts in keys hold no zero byte.
    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes()).u8(0)
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The first key after all that begin with this one; nothing when there is none.
    pub(crate) fn end_of_prefix(&self) -> Option<Self> {
        let mut end = self.0.clone();
        while let Some(last) = end.last_mut() {
            if let Some(next) = last.checked_add(1) {
                *last = next;
                return Some(Self(end));
            }
            end.pop();
        }
        None
    }
}

/// Reads a key from its front.
pub(crate) struct Parts<'k>(&'k [u8]);

impl<'k> Parts<'k> {
    pub(crate) fn new(key: &'k [u8]) -> Self {
        Self(key)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (head, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or_else(|| StoreError::damaged("a key is too short"))?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, StoreError> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, StoreError> {
        self.take().map(u32::from_be_bytes)
    }

    pub(crate) fn tenant(&mut self) -> Result<TenantNo, StoreError> {
        self.u32().map(TenantNo)
    }

    pub(crate) fn run(&mut self) -> Result<RunId, StoreError> {
        self.take().map(RunId::from_bytes)
    }

    pub(crate) fn node(&mut self) -> Result<NodeIx, StoreError> {
        self.u32().map(NodeIx)
    }

    pub(crate) fn attempt(&mut self) -> Result<AttemptId, StoreError> {
        Ok(AttemptId {
            run: self.run()?,
            node: self.node()?,
            generation: self.u32()?,
        })
    }

    pub(crate) fn holder(&mut self) -> Result<Holder, StoreError> {
        let (kind, node) = (self.u8()?, self.node()?);
        match kind {
            0 => Ok(Holder::Run),
            1 => Ok(Holder::Node(node)),
            _ => Err(StoreError::damaged("a holder of an unknown kind")),
        }
    }

    pub(crate) fn timer(&mut self) -> Result<Timer, StoreError> {
        let (kind, node) = (self.u8()?, self.node()?);
        match kind {
            0 => Ok(Timer::Deadline),
            1 => Ok(Timer::NodeDeadline(node)),
            2 => Ok(Timer::Resume(node)),
            3 => Ok(Timer::Backoff(node)),
            4 => Ok(Timer::Expiry),
            _ => Err(StoreError::damaged("a timer of an unknown kind")),
        }
    }

    /// A text written by [`Key::text`].
    pub(crate) fn text(&mut self) -> Result<&'k str, StoreError> {
        let wrong = || StoreError::damaged("a key holds no text where one is due");
        let end = self
            .0
            .iter()
            .position(|byte| *byte == 0)
            .ok_or_else(wrong)?;
        let (text, rest) = self.0.split_at_checked(end).ok_or_else(wrong)?;
        self.0 = rest.split_first().map(|(_, rest)| rest).unwrap_or_default();
        std::str::from_utf8(text).map_err(|_| wrong())
    }
}
