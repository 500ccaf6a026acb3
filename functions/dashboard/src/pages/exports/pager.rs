//! From page to page: by cursors, so that what is created meanwhile moves nothing.

use crate::pages::form::Fields;

/// How many exports a page may have.
pub(crate) const SIZES: [usize; 4] = [10, 20, 30, 40];
/// How many it has unless one chooses.
pub(crate) const SIZE: usize = 20;

/// The links beneath the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pager {
    /// How many a page has.
    pub size: usize,
    /// What is shown.
    pub text: String,
    /// The fields that choosing another size keeps.
    pub kept: Vec<(String, String)>,
    /// The first page.
    pub first_href: String,
    /// The next page.
    pub next_href: Option<String>,
    is_later: bool,
}

/// The size that an address asks for, where it is one that is offered.
#[must_use]
pub(crate) fn size(query: &Fields) -> usize {
    query.text("size").parse().ok().filter(|size| SIZES.contains(size)).unwrap_or(SIZE)
}

impl Pager {
    /// The links of a page of `shown` exports behind `cursor`, under a filter's fields.
    #[must_use]
    pub(crate) fn new(
        filter: &Fields,
        size: usize,
        shown: usize,
        (cursor, next): (Option<String>, Option<String>),
    ) -> Self {
        let href = |cursor: Option<String>| {
            let mut fields = filter.clone();
            fields.push("size", size.to_string());
            fields.push("cursor", cursor.unwrap_or_default());
            format!("/exports?{}", fields.to_query())
        };
        let kept = filter.pairs().iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
        let older = if cursor.is_some() { "older " } else { "" };
        let many = if shown == 1 { "export" } else { "exports" };
        Self {
            size,
            text: format!("{shown} {older}{many} shown"),
            kept,
            first_href: href(None),
            next_href: next.map(|next| href(Some(next))),
            is_later: cursor.is_some(),
        }
    }

    /// Whether there are pages before it.
    #[must_use]
    pub(crate) fn is_later(&self) -> bool {
        self.is_later
    }

    /// The sizes to choose from.
    #[must_use]
    pub(crate) fn sizes(&self) -> &'static [usize] {
        &SIZES
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn links_keep_the_filter_and_the_size() {
        let mut filter = Fields::default();
        filter.push("type", "all-events");
        filter.push("bucket", "");
        let pager = Pager::new(&filter, 30, 30, (Some("9".to_owned()), Some("5".to_owned())));
        assert_eq!(pager.first_href, "/exports?type=all-events&size=30");
        assert_eq!(pager.next_href.as_deref(), Some("/exports?type=all-events&size=30&cursor=5"));
        assert_eq!(pager.text, "30 older exports shown");
        assert_eq!(pager.kept, [("type".to_owned(), "all-events".to_owned())]);
        assert!(pager.is_later());
        let first = Pager::new(&filter, 20, 1, (None, None));
        assert_eq!(
            (first.text.as_str(), first.next_href.clone(), first.is_later()),
            ("1 export shown", None, false)
        );
    }

    #[test]
    fn only_sizes_that_are_offered_count() {
        let of = |query: &str| size(&Fields::parse(query.as_bytes()));
        assert_eq!([of(""), of("size=40"), of("size=1000000"), of("size=-1")], [20, 40, 20, 20]);
    }
}
