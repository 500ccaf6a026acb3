//! Byte ranges: `Content-Range` of uploads and `Range` of reads.

use http::HeaderValue;

use crate::error::ApiError;

/// `bytes FIRST-LAST/TOTAL`, where either side may be `*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// First and last byte, both included.
    pub(crate) bytes: Option<(u64, u64)>,
    /// The object's size, once the client knows it.
    pub(crate) total: Option<u64>,
}

/// Reads an upload's `Content-Range`.
pub(crate) fn content_range(value: &HeaderValue) -> Result<ContentRange, ApiError> {
    let parse = || {
        let (bytes, total) = value.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
        let total = if total == "*" { None } else { Some(total.parse().ok()?) };
        let bytes = match bytes {
            "*" => None,
            bytes => {
                let (first, last) = bytes.split_once('-')?;
                Some((first.parse().ok()?, last.parse().ok()?))
            }
        };
        let range = ContentRange { bytes, total };
        match range {
            ContentRange { bytes: Some((first, last)), .. } if first > last || last == u64::MAX => None,
            ContentRange { bytes: Some((_, last)), total: Some(total) } if last >= total => None,
            _ => Some(range),
        }
    };
    parse().ok_or_else(|| {
        ApiError::invalid(format!(
            "Failed to parse Content-Range header: '{}'",
            String::from_utf8_lossy(value.as_bytes())
        ))
    })
}

/// What a read's `Range` header leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slice {
    /// No range, or one that servers ignore (several ranges, another unit).
    Whole,
    /// First byte and how many.
    Part { first: u64, len: u64 },
    /// Nothing of it lies in the object: 416.
    Outside,
}

/// Applies a `Range` header to an object of `size` bytes (RFC 9110, 14.1.2).
pub(crate) fn slice(header: Option<&HeaderValue>, size: u64) -> Slice {
    let Some(spec) =
        header.and_then(|value| value.to_str().ok()).and_then(|text| text.strip_prefix("bytes="))
    else {
        return Slice::Whole;
    };
    let Some((first, last)) = spec.split_once('-') else { return Slice::Whole };
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        return match last.parse::<u64>() {
            Ok(0) => Slice::Outside,
            Ok(_) if size == 0 => Slice::Outside,
            Ok(suffix) => Slice::Part { first: size.saturating_sub(suffix), len: suffix.min(size) },
            Err(_) => Slice::Whole,
        };
    }
    let Ok(first) = first.parse::<u64>() else { return Slice::Whole };
    let last = match last {
        "" => u64::MAX,
        text => match text.parse::<u64>() {
            Ok(last) if last >= first => last,
            _ => return Slice::Whole,
        },
    };
    if first >= size {
        return Slice::Outside;
    }
    Slice::Part { first, len: last.min(size - 1) - first + 1 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn ranges_of_reads() {
        let of = |text: &str, size| slice(Some(&text.parse().unwrap()), size);
        assert_eq!(slice(None, 10), Slice::Whole);
        assert_eq!(of("bytes=0-3", 10), Slice::Part { first: 0, len: 4 });
        assert_eq!(of("bytes=4-", 10), Slice::Part { first: 4, len: 6 });
        assert_eq!(of("bytes=4-99", 10), Slice::Part { first: 4, len: 6 });
        assert_eq!(of("bytes=-3", 10), Slice::Part { first: 7, len: 3 });
        assert_eq!(of("bytes=-99", 10), Slice::Part { first: 0, len: 10 });
        assert_eq!(of("bytes=10-", 10), Slice::Outside);
        assert_eq!(of("bytes=0-", 0), Slice::Outside);
        assert_eq!(of("bytes=-0", 10), Slice::Outside);
        for ignored in ["bytes=5-4", "bytes=0-1,3-4", "lines=0-1", "bytes=x-", "bytes=1"] {
            assert_eq!(of(ignored, 10), Slice::Whole, "{ignored}");
        }
    }

    #[test]
    fn ranges_of_uploads() {
        let of = |text: &str| content_range(&text.parse().unwrap()).ok();
        assert_eq!(of("bytes 0-9/*"), Some(ContentRange { bytes: Some((0, 9)), total: None }));
        assert_eq!(of("bytes */*"), Some(ContentRange { bytes: None, total: None }));
        assert_eq!(of("bytes */7"), Some(ContentRange { bytes: None, total: Some(7) }));
        for bad in ["bytes 9-0/*", "bytes 0-9/9", "0-9/10", "bytes 0-9", "bytes -1/*"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
