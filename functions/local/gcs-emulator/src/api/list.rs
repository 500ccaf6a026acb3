//! Listing a bucket: prefix, delimiter, offsets and pages. The page is a pure function of the sorted names.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Allowed, Failure, blocking, resource};
use crate::{
    call::Params,
    error::{ApiError, Error},
};

/// The most entries on a page, as at Google.
const MAX_PAGE: usize = 1000;

#[derive(Debug, Default, PartialEq, Eq)]
struct Query {
    prefix: String,
    delimiter: Option<String>,
    start_offset: String,
    end_offset: Option<String>,
    /// The last entry of the page before.
    after: Option<String>,
    max_results: usize,
}

impl Query {
    fn of(params: &Params) -> Result<Self, ApiError> {
        let text = |name| params.get(name).unwrap_or_default().to_owned();
        let some = |name| params.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let after = match some("pageToken") {
            None => None,
            Some(token) => {
                let name = BASE64_URL_SAFE_NO_PAD.decode(&token).ok();
                let name = name.and_then(|bytes| String::from_utf8(bytes).ok());
                Some(name.ok_or_else(|| ApiError::invalid(format!("Invalid page token: '{token}'")))?)
            }
        };
        Ok(Self {
            prefix: text("prefix"),
            delimiter: some("delimiter"),
            start_offset: text("startOffset"),
            end_offset: some("endOffset"),
            after,
            max_results: params.number("maxResults")?.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE),
        })
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    items: Vec<String>,
    prefixes: Vec<String>,
    next: Option<String>,
}

/// The page of `names` (sorted by bytes) that the query asks for. An entry is an object or a common prefix.
fn page(names: Vec<String>, query: &Query) -> Page {
    let mut page = Page::default();
    let mut last: Option<String> = None;
    for name in names {
        if !name.starts_with(&query.prefix)
            || name < query.start_offset
            || query.end_offset.as_ref().is_some_and(|end| name >= *end)
        {
            continue;
        }
        let folder = query.delimiter.as_ref().and_then(|delimiter| {
            let below = &name[query.prefix.len()..];
            let end = query.prefix.len() + below.find(delimiter.as_str())? + delimiter.len();
            Some(name[..end].to_owned())
        });
        // The names of one common prefix follow each other, so comparing with the last entry is enough.
        let entry = folder.as_ref().unwrap_or(&name);
        if last.as_ref() == Some(entry) || query.after.as_ref().is_some_and(|after| entry <= after) {
            continue;
        }
        if page.items.len() + page.prefixes.len() == query.max_results {
            page.next = last;
            break;
        }
        last = Some(entry.clone());
        match folder {
            Some(folder) => page.prefixes.push(folder),
            None => page.items.push(name),
        }
    }
    page
}

pub(super) async fn list(allowed: Allowed) -> Result<Response, Failure> {
    let query = Query::of(&allowed.call.params)?;
    let answer = blocking(move || {
        let (store, bucket) = (allowed.store(), allowed.bucket()?);
        let page = page(store.object_names(&bucket.name)?, &query);
        let mut items = Vec::with_capacity(page.items.len());
        for name in &page.items {
            match store.object(&bucket.name, name) {
                Ok((record, _)) => items.push(resource::object(&record, bucket, &allowed.app.base_url)),
                // Deleted since the names were read.
                Err(Error::NoObject(..)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut answer = json!({"kind": "storage#objects"});
        if !items.is_empty() {
            answer["items"] = Value::Array(items);
        }
        if !page.prefixes.is_empty() {
            answer["prefixes"] = json!(page.prefixes);
        }
        if let Some(next) = page.next {
            answer["nextPageToken"] = json!(BASE64_URL_SAFE_NO_PAD.encode(next));
        }
        Ok::<_, ApiError>(answer)
    })
    .await?;
    Ok(Json(answer).into_response())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn query() -> Query {
        Query { max_results: MAX_PAGE, ..Query::default() }
    }

    #[test]
    fn prefix_delimiter_and_offsets() {
        let all = || names(&["a", "b/1", "b/2", "b/c/3", "b0", "c/"]);
        let with = |query: Query| {
            let page = page(all(), &query);
            (page.items.join(" "), page.prefixes.join(" "))
        };
        let delimiter = || Some("/".to_owned());
        assert_eq!(with(Query { delimiter: delimiter(), ..query() }), ("a b0".into(), "b/ c/".into()));
        let below = Query { delimiter: delimiter(), prefix: "b/".into(), ..query() };
        assert_eq!(with(below), ("b/1 b/2".into(), "b/c/".into()));
        let between = Query { start_offset: "b/2".into(), end_offset: Some("b0".into()), ..query() };
        assert_eq!(with(between), ("b/2 b/c/3".into(), String::new()));
    }

    proptest! {
        #[test]
        fn pages_together_are_the_whole(
            mut all in proptest::collection::vec("[ab/]{1,4}", 0..40),
            max_results in 1_usize..5,
            delimiter in proptest::option::of(Just("/".to_owned())),
        ) {
            all.sort();
            all.dedup();
            let whole = page(all.clone(), &Query { delimiter: delimiter.clone(), ..query() });
            let mut joined = Page::default();
            let mut after = None;
            loop {
                let query = Query { delimiter: delimiter.clone(), after, max_results, ..query() };
                let next = page(all.clone(), &query);
                prop_assert!(next.items.len() + next.prefixes.len() <= max_results);
                joined.items.extend(next.items);
                joined.prefixes.extend(next.prefixes);
                after = next.next;
                if after.is_none() {
                    break;
                }
            }
            prop_assert_eq!(joined, whole);
        }
    }
}
