//! Exports listed, for customers and for the scheduler.
//!
//! A list is filtered by Firestore: each field that may be asked for has an index in the list's order, and Firestore
//! merges those of the fields that are. `exported on` asks for runs: an export's document has the days in UTC on which
//! runs were created, and those that have one of up to thirty days are found by an index too (of longer times most
//! exports have a run: those that have none are read and passed over). Where a day of the account begins within a day
//! in UTC, the run itself is looked for.

use jiff::Timestamp;

use super::{
    client::Client,
    documents::{Stored, flag_value, instant_number, instant_of_number, number_value, text_value},
    exports,
    faults::Fault,
    paths,
    queries::Queries,
    query::{MOST_VALUES, Query, name_value},
};
use crate::{
    domain::{AccountId, Export, ExportFilter, ExportedOn, RequestId, StatusKind},
    ports::{DueExport, ExportPage},
};

/// Seconds.
const DAY: i64 = 86_400;
/// How many exports are read at once, so that a page of any size takes little memory on its way.
const BATCH: usize = 1_000;

/// The time of the runs for which exports are wanted, in seconds: from the first on, before the second.
struct RunsIn {
    from: i64,
    to: i64,
}

impl RunsIn {
    fn new(on: &ExportedOn) -> Self {
        let (from, to) = on.runs();
        Self { from: from.0, to: to.0 }
    }

    /// The days in UTC that it touches, where they are few enough to be asked for.
    fn days(&self) -> Option<Vec<i64>> {
        let (first, last) = (self.from.div_euclid(DAY), (self.to - 1).div_euclid(DAY));
        let count = usize::try_from(last - first + 1).unwrap_or(0);
        (count <= MOST_VALUES).then(|| (first..=last).collect())
    }

    /// Whether a run of this export is within it.
    async fn holds_a_run_of(&self, client: &Client, export: &Stored) -> Result<bool, Fault> {
        let mut is_near = false;
        for day in export.numbers("run_days") {
            let (begin, end) = (day.saturating_mul(DAY), day.saturating_add(1).saturating_mul(DAY));
            if begin >= self.from && end <= self.to {
                return Ok(true);
            }
            is_near |= begin < self.to && end > self.from;
        }
        if !is_near {
            return Ok(false);
        }
        let runs = Query::new(Queries::NewestRuns, Some(&export.path))
            .from(number_value(self.from))
            .below(number_value(self.to))
            .only(&["__name__"])
            .limit(1);
        Ok(!client.query(runs, None).await?.documents.is_empty())
    }
}

fn query(account: AccountId, filter: &ExportFilter, days: Option<&Vec<i64>>) -> Query {
    let text = |text: Option<&str>| text.map(text_value);
    let query = Query::new(Queries::Exports, Some(&paths::account(account)))
        .equal_if("bucket", text(filter.bucket.as_ref().map(|bucket| bucket.0.as_str())))
        .equal_if("data", text(filter.data.map(|data| data.as_str())))
        .equal_if("format", text(filter.format.map(|format| format.as_str())))
        .equal_if("frequency", text(filter.frequency.map(|frequency| frequency.as_str())))
        .equal_if("status", text(filter.status.map(StatusKind::as_str)));
    match days {
        Some(days) => query.contains_any(days),
        None => query,
    }
}

pub(super) async fn page(
    client: &Client,
    account: AccountId,
    filter: &ExportFilter,
    cursor: Option<RequestId>,
    limit: usize,
) -> Result<ExportPage, Fault> {
    // A page has at least one export, so that whoever follows `next` gets on.
    let limit = limit.clamp(1, 1 << 20);
    let runs_in = filter.exported_on.as_ref().map(RunsIn::new);
    let days = runs_in.as_ref().and_then(RunsIn::days);
    let (mut exports, mut below) =
        (Vec::<(RequestId, Option<Export>)>::new(), cursor.map(|request| request.0));
    loop {
        let batch = (limit + 1 - exports.len()).min(BATCH);
        let mut query = query(account, filter, days.as_ref()).limit(batch);
        if let Some(below) = below {
            query = query.below(number_value(below));
        }
        let found = client.query(query, None).await?.documents;
        for stored in &found {
            let Some(request) = stored.number("request") else { continue };
            below = Some(request);
            if let Some(runs_in) = &runs_in
                && !runs_in.holds_a_run_of(client, stored).await?
            {
                continue;
            }
            let request = RequestId(request);
            exports.push((request, stored.readable(|| exports::name(account, request))));
        }
        if found.len() < batch || exports.len() > limit {
            break;
        }
    }
    let is_last = exports.len() <= limit;
    exports.truncate(limit);
    // By the documents, so that a page that ends with a damaged one has the right next one.
    let next = exports.last().map(|(request, _)| *request).filter(|_| !is_last);
    Ok(ExportPage { exports: exports.into_iter().filter_map(|(_, export)| export).collect(), next })
}

pub(super) async fn due(
    client: &Client,
    now: Timestamp,
    after: Option<&DueExport>,
    limit: usize,
) -> Result<Vec<DueExport>, Fault> {
    let mut query = Query::new(Queries::DueExports, None)
        .equal("active", flag_value(true))
        .upto(number_value(instant_number(now)))
        .only(&["due_at"])
        .limit(limit.clamp(1, 1 << 20));
    if let Some(DueExport { next_due_at, account, request }) = after {
        let name = client.name(&paths::export(*account, *request));
        query = query.after(vec![number_value(instant_number(*next_due_at)), name_value(name)]);
    }
    let found = client.query(query, None).await?.documents;
    let due = |stored: &Stored| {
        let account = AccountId(stored.parts().get(1)?.parse().ok()?);
        let next_due_at = instant_of_number(stored.number("due_at")?);
        Some(DueExport { next_due_at, account, request: RequestId(stored.id().parse().ok()?) })
    };
    Ok(found.iter().filter_map(due).collect())
}
