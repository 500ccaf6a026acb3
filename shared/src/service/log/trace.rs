//! Which trace a request belongs to, as its headers say: W3C's `traceparent`, or Google's older header.

use http::HeaderMap;

/// A request's place in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// 32 hexadecimal digits.
    pub trace: String,
    /// The caller's span: 16 hexadecimal digits; none where it is not told.
    pub span_id: Option<String>,
    /// Whether the trace is kept.
    pub is_sampled: bool,
}

impl TraceContext {
    /// What the headers say, where it has the right form: it goes into the log as it is.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let w3c = text("traceparent").and_then(of_traceparent);
        w3c.or_else(|| text("x-cloud-trace-context").and_then(of_cloud_trace))
    }
}

/// `00-<trace>-<span>-<flags>`; later versions may go on behind that.
fn of_traceparent(text: &str) -> Option<TraceContext> {
    let mut parts = text.split('-');
    let [version, trace, span_id, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let is_right = is_hex(version, 2) && version != "ff" && is_id(trace, 32) && is_id(span_id, 16);
    if !is_right || !is_hex(flags, 2) || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let is_sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
    Some(TraceContext { trace: trace.to_owned(), span_id: Some(span_id.to_owned()), is_sampled })
}

/// `<trace>/<span in decimal>;o=1`.
fn of_cloud_trace(text: &str) -> Option<TraceContext> {
    let (ids, options) = text.split_once(';').unwrap_or((text, ""));
    let (trace, span) = ids.split_once('/').unwrap_or((ids, ""));
    let span_id = span.parse::<u64>().ok().filter(|span| *span != 0).map(|span| format!("{span:016x}"));
    let is_sampled = options == "o=1";
    is_id(trace, 32).then(|| TraceContext { trace: trace.to_owned(), span_id, is_sampled })
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_id(text: &str, len: usize) -> bool {
    is_hex(text, len) && text.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn of(name: &'static str, value: &str) -> Option<TraceContext> {
        TraceContext::of(&HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]))
    }

    #[test]
    fn both_headers_are_read() {
        let known = |span_id: Option<&str>, is_sampled| {
            let span_id = span_id.map(ToOwned::to_owned);
            Some(TraceContext { trace: TRACE.to_owned(), span_id, is_sampled })
        };
        let parent = |flags: &str| of("traceparent", &format!("00-{TRACE}-b7ad6b7169203331-{flags}"));
        assert_eq!(parent("01"), known(Some("b7ad6b7169203331"), true));
        assert_eq!(parent("00"), known(Some("b7ad6b7169203331"), false));
        let cloud = |rest: &str| of("x-cloud-trace-context", &format!("{TRACE}{rest}"));
        assert_eq!(cloud("/74;o=1"), known(Some("000000000000004a"), true));
        assert_eq!(cloud("/0;o=0"), known(None, false));
        assert_eq!(cloud(""), known(None, false));
    }

    #[test]
    fn what_has_another_form_is_none() {
        for wrong in [
            "",
            "00",
            "00-0-0-0",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319\"-b7ad6b7169203331-01",
        ] {
            assert_eq!(of("traceparent", wrong), None, "{wrong}");
        }
        for wrong in ["", "/1", "abc/1;o=1", "0af7651916cd43dd8448eb211c80319c\"/1"] {
            assert_eq!(of("x-cloud-trace-context", wrong), None, "{wrong}");
        }
    }
}
