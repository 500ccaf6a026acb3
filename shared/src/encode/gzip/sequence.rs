//! What a search finds in a block: letters as they are, and repetitions of what stood before.

/// The farthest repetition.
pub(super) const WINDOW_BYTES: usize = 32 * 1024;
/// The longest repetition.
pub(super) const LONGEST: usize = 258;
/// No search begins closer to the end than this, so that eight bytes can always be read.
pub(super) const END_BYTES: usize = 16;

/// Some letters, and a repetition behind them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence {
    pub(super) letters: u32,
    /// 3 to 258; 0 at the block's end.
    pub(super) length: u16,
    /// One less than how far back.
    pub(super) distance: u16,
}

/// A block's sequences.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) sequences: Vec<Sequence>,
    /// How often each length occurs.
    pub(super) lengths: [u32; LONGEST + 1],
}

impl Default for Found {
    fn default() -> Self {
        Self { sequences: Vec::new(), lengths: [0; LONGEST + 1] }
    }
}

impl Found {
    pub(super) fn clear(&mut self) {
        self.sequences.clear();
        self.lengths.fill(0);
    }

    /// `length` bytes, 3 to 258, as they stand `distance` before, 1 to 32,768.
    #[inline(always)]
    pub(super) fn repeat(&mut self, letters: usize, length: usize, distance: usize) {
        #[expect(clippy::cast_possible_truncation, reason = "see above; a block is far shorter than 2^32")]
        let sequence = Sequence {
            letters: letters as u32,
            length: length as u16,
            distance: distance.wrapping_sub(1) as u16,
        };
        self.sequences.push(sequence);
        self.lengths[length.min(LONGEST)] += 1;
    }

    /// The letters behind the last repetition.
    pub(super) fn end(&mut self, letters: usize) {
        #[expect(clippy::cast_possible_truncation, reason = "a block is far shorter than 2^32")]
        let letters = letters as u32;
        self.sequences.push(Sequence { letters, length: 0, distance: 0 });
    }
}

/// The eight bytes at `at`; zeros behind the end.
#[inline(always)]
pub(super) fn eight_at(data: &[u8], at: usize) -> u64 {
    data.get(at..at + 8)
        .and_then(|bytes| bytes.first_chunk::<8>())
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// How many bytes at `at` are as `distance` before, of which eight are known to be; not more than `most`, which are there.
#[inline(always)]
pub(super) fn same_length(data: &[u8], at: usize, distance: usize, most: usize) -> usize {
    let (here, there) = (&data[at + 8..at + most], &data[at + 8 - distance..at + most - distance]);
    let (here, here_rest) = here.as_chunks::<8>();
    let (there, there_rest) = there.as_chunks::<8>();
    let mut length = 8;
    for (here, there) in here.iter().zip(there) {
        let differing = u64::from_le_bytes(*here) ^ u64::from_le_bytes(*there);
        if differing != 0 {
            return length + (differing.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    length + here_rest.iter().zip(there_rest).take_while(|(here, there)| here == there).count()
}

/// A place in a table for eight bytes.
#[inline(always)]
pub(super) fn hash<const BITS: u32>(eight: u64) -> usize {
    (eight.wrapping_mul(0x9E37_79B1_85EB_CA87) >> (64 - BITS)) as usize
}
