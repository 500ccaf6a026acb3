//! Byte ranges: `Content-Range` of uploads and `Range` of reads.

use http::HeaderValue;

use crate::error::ApiError;

/// Which bytes of an object an upload's request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// `*`: none, the request asks or ends.
    Nothing,
    /// `FIRST-LAST`, both included.
    Bytes { first: u64, last: u64 },
    /// `FIRST-*`: from there to the end of the body, which is the end of the object.
    Rest { first: u64 },
}

/// `bytes SPAN/TOTAL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub(crate) span: Span,
    /// The object's size, once the client knows it; `*` until then.
    pub(crate) total: Option<u64>,
}

impl ContentRange {
    /// Whether the object is whole once the request's bytes are there.
    pub(crate) fn is_last(self) -> bool {
        match (self.span, self.total) {
            (Span::Rest { .. }, _) => true,
            (Span::Nothing, total) => total.is_some(),
            (Span::Bytes { last, .. }, total) => total == Some(last + 1),
        }
    }
}

/// Reads an upload's `Content-Range`.
pub(crate) fn content_range(value: &HeaderValue) -> Result<ContentRange, ApiError> {
    parse(value).ok_or_else(|| {
        let text = String::from_utf8_lossy(value.as_bytes());
        ApiError::invalid(format!("Failed to parse Content-Range header: '{text}'"))
    })
}

fn parse(value: &HeaderValue) -> Option<ContentRange> {
    let (span, total) = value.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let total: Option<u64> = if total == "*" { None } else { Some(total.parse().ok()?) };
    let span = match span.split_once('-') {
        None if span == "*" => Span::Nothing,
        None => return None,
        Some((first, "*")) => Span::Rest { first: first.parse().ok()? },
        Some((first, last)) => Span::Bytes { first: first.parse().ok()?, last: last.parse().ok()? },
    };
    let sensible = match span {
        Span::Bytes { first, last } => {
            first <= last && last < u64::MAX && total.is_none_or(|total| last < total)
        }
        Span::Nothing | Span::Rest { .. } => true,
    };
    sensible.then_some(ContentRange { span, total })
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
        let range = |span, total| Some(ContentRange { span, total });
        assert_eq!(of("bytes 0-9/*"), range(Span::Bytes { first: 0, last: 9 }, None));
        assert_eq!(of("bytes */*"), range(Span::Nothing, None));
        assert_eq!(of("bytes */7"), range(Span::Nothing, Some(7)));
        assert_eq!(of("bytes 5-*/*"), range(Span::Rest { first: 5 }, None));
        for bad in ["bytes 9-0/*", "bytes 0-9/9", "0-9/10", "bytes 0-9", "bytes -1/*", "bytes 5/9"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
