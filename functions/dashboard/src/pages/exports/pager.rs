//! From page to page: by cursors, so that what is created meanwhile moves nothing. An address carries the cursors of the
//! pages before it, so that the way back leads over the same pages.

use crate::pages::form::Fields;

/// How many exports a page may have.
pub(crate) const SIZES: [usize; 4] = [10, 20, 30, 40];
/// How many it has unless one chooses.
pub(crate) const SIZE: usize = 20;

/// How many pages back an address remembers; further back leads the first page. Cursors have ten digits each.
const REMEMBERED: usize = 40;
/// The field with the cursors of the pages before, newest first; the first page's is empty.
pub(crate) const BACK: &str = "back";

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
    /// The page before; none of the first one.
    pub newer_href: Option<String>,
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
    /// The links of a page of `shown` exports behind `cursor`, under a filter's fields, to which the pages with the
    /// cursors of `back` have led.
    #[must_use]
    pub(crate) fn new(
        filter: &Fields,
        size: usize,
        shown: usize,
        (cursor, next): (Option<String>, Option<String>),
        back: &Back,
    ) -> Self {
        let href = |cursor: Option<String>, back: &Back| {
            let mut fields = filter.clone();
            fields.push("size", size.to_string());
            fields.push("cursor", cursor.unwrap_or_default());
            fields.push(BACK, back.to_text());
            format!("/exports?{}", fields.to_query())
        };
        let first_href = href(None, &Back::default());
        let newer_href = match back.newer() {
            Some((before, further)) => href(Some(before), &further),
            None => first_href.clone(),
        };
        let kept = filter.pairs().iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
        let older = if cursor.is_some() { "older " } else { "" };
        let many = if shown == 1 { "export" } else { "exports" };
        Self {
            size,
            text: format!("{shown} {older}{many} shown"),
            kept,
            first_href,
            newer_href: cursor.is_some().then_some(newer_href),
            next_href: next.map(|next| href(Some(next), &back.and(cursor.clone()))),
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

/// The cursors of the pages before, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Back(Vec<String>);

impl Back {
    /// What an address says; what is no cursor is left out.
    #[must_use]
    pub(crate) fn of(query: &Fields) -> Self {
        let is_cursor = |text: &&str| {
            !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let cursors = query.text(BACK).split('.').filter(is_cursor).map(ToOwned::to_owned);
        Self(cursors.take(REMEMBERED).collect())
    }

    /// As in addresses.
    #[must_use]
    pub(crate) fn to_text(&self) -> String {
        self.0.join(".")
    }

    /// With the page that is left; the first one needs no cursor.
    fn and(&self, cursor: Option<String>) -> Self {
        let mut cursors = self.0.clone();
        cursors.extend(cursor);
        let forgotten = cursors.len().saturating_sub(REMEMBERED);
        Self(cursors.split_off(forgotten))
    }

    /// The page before and those before that; none where that is the first, or not remembered.
    fn newer(&self) -> Option<(String, Self)> {
        let (last, before) = self.0.split_last()?;
        Some((last.clone(), Self(before.to_vec())))
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
        let cursors = (Some("9".to_owned()), Some("5".to_owned()));
        let pager = Pager::new(&filter, 30, 30, cursors, &Back::default());
        assert_eq!(pager.first_href, "/exports?type=all-events&size=30");
        assert_eq!(pager.newer_href.as_ref(), Some(&pager.first_href));
        assert_eq!(pager.next_href.as_deref(), Some("/exports?type=all-events&size=30&cursor=5&back=9"));
        assert_eq!(pager.text, "30 older exports shown");
        assert_eq!(pager.kept, [("type".to_owned(), "all-events".to_owned())]);
        assert!(pager.is_later());
        let first = Pager::new(&filter, 20, 1, (None, None), &Back::default());
        assert_eq!(
            (first.text.as_str(), first.newer_href.clone(), first.next_href.clone(), first.is_later()),
            ("1 export shown", None, None, false)
        );
    }

    /// Forth and back over the same pages; what an address remembers is bounded.
    #[test]
    fn the_way_back_leads_over_the_same_pages() {
        let filter = Fields::default();
        let followed = |href: &str| {
            let query = Fields::parse(href.split_once('?').unwrap().1.as_bytes());
            (Some(query.text("cursor").to_owned()).filter(|cursor| !cursor.is_empty()), Back::of(&query))
        };
        let pager = |at: &(Option<String>, Back), next: Option<String>| {
            Pager::new(&filter, 20, 20, (at.0.clone(), next), &at.1)
        };
        let mut at = (None, Back::default());
        let mut seen = Vec::new();
        for page in (100..200).rev() {
            seen.push(at.clone());
            at = followed(&pager(&at, Some(page.to_string())).next_href.unwrap());
            assert_eq!(at.0, Some(page.to_string()));
            assert!(at.1.to_text().len() < 11 * REMEMBERED);
        }
        for before in seen.into_iter().rev().take(REMEMBERED) {
            at = followed(&pager(&at, None).newer_href.unwrap());
            assert_eq!(at.0, before.0);
        }
        assert_eq!(pager(&at, None).newer_href.as_deref(), Some("/exports?size=20"), "no more is remembered");
        let strange = Fields::parse(b"back=1.x.%3Cscript%3E..99999999999999999999.2");
        assert_eq!(Back::of(&strange).to_text(), "1.2");
    }

    #[test]
    fn only_sizes_that_are_offered_count() {
        let of = |query: &str| size(&Fields::parse(query.as_bytes()));
        assert_eq!([of(""), of("size=40"), of("size=1000000"), of("size=-1")], [20, 40, 20, 20]);
    }
}
