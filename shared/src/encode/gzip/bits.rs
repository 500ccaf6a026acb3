//! Bits on their way into bytes, the first one lowest.

/// What does not fill a byte yet.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bits {
    pub(super) pending: u64,
    /// How many; fewer than eight between two blocks.
    pub(super) count: u32,
}

/// Writes into a buffer that is long enough: at most 56 bits may be put between two calls of [`Writer::drain`].
pub(super) struct Writer<'o> {
    out: &'o mut [u8],
    at: usize,
    bits: Bits,
}

impl<'o> Writer<'o> {
    pub(super) fn new(bits: Bits, out: &'o mut [u8]) -> Self {
        Self { out, at: 0, bits }
    }

    #[inline(always)]
    pub(super) fn put(&mut self, value: u32, count: u32) {
        self.bits.pending |= u64::from(value) << self.bits.count;
        self.bits.count += count;
    }

    /// Moves whole bytes into the buffer.
    #[inline(always)]
    pub(super) fn drain(&mut self) {
        let Bits { pending, count } = self.bits;
        if let Some(place) = self.out.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut::<8>()) {
            *place = pending.to_le_bytes();
        }
        self.at += (count >> 3) as usize;
        self.bits = Bits { pending: pending >> (count & !7), count: count & 7 };
    }

    pub(super) fn put_and_drain(&mut self, value: u32, count: u32) {
        self.put(value, count);
        self.drain();
    }

    /// Fills the last byte with zeros.
    pub(super) fn fill_byte(&mut self) {
        self.drain();
        self.put_and_drain(0, (8 - self.bits.count) % 8);
    }

    /// What is left, and how many bytes were written.
    pub(super) fn end(self) -> (Bits, usize) {
        (self.bits, self.at)
    }
}

/// Appends to `out` what `write` writes; it may take up to `most_bits`.
#[inline]
pub(super) fn append(
    bits: &mut Bits,
    out: &mut Vec<u8>,
    most_bits: u64,
    write: impl FnOnce(&mut Writer<'_>),
) {
    let start = out.len();
    // Eight bytes more, since `drain` always writes eight.
    let most_bytes = usize::try_from((most_bits + u64::from(bits.count)) / 8).unwrap_or(usize::MAX) + 16;
    out.resize(start.saturating_add(most_bytes), 0);
    let mut writer = Writer::new(*bits, &mut out[start..]);
    write(&mut writer);
    writer.drain();
    let (left, written) = writer.end();
    *bits = left;
    out.truncate(start + written);
}
