//! Every shape of query that this store makes.
//!
//! A [`Query`](super::query::Query) is one of these and refuses what its shape does not have. A test derives from
//! them, by Firestore's rules, which indexes there must be, and compares them with `infra/firestore.indexes.json`: the
//! emulator asks for none.

/// Where documents are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// In one collection below one document.
    Collection,
    /// In all collections of the name.
    Group,
}

/// Which comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The lowest.
    Ascending,
    /// The highest.
    Descending,
}

/// What a query may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryShape {
    /// The collection's name.
    pub collection: &'static str,
    /// Where collections of the name are looked through.
    pub scope: Scope,
    /// Fields that always have a given value.
    pub equal: &'static [&'static str],
    /// Fields of which any may have a given value.
    pub optional: &'static [&'static str],
    /// A list that may have to hold one of some values.
    pub contains: Option<&'static str>,
    /// The field that gives the order, and over which alone there may be a range; after it documents are ordered by
    /// name, in its direction.
    pub order: Option<(&'static str, Direction)>,
    /// Fields that are added up.
    pub sums: &'static [&'static str],
}

impl QueryShape {
    const fn of(scope: Scope, collection: &'static str) -> Self {
        Self { collection, scope, equal: &[], optional: &[], contains: None, order: None, sums: &[] }
    }

    const fn equal(self, equal: &'static [&'static str]) -> Self {
        Self { equal, ..self }
    }

    const fn by(self, field: &'static str) -> Self {
        Self { order: Some((field, Direction::Ascending)), ..self }
    }

    const fn back_by(self, field: &'static str) -> Self {
        Self { order: Some((field, Direction::Descending)), ..self }
    }
}

macro_rules! queries {
    ($($(#[$doc:meta])* $name:ident: $shape:expr;)+) => {
        /// A query by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Queries {
            $($(#[$doc])* $name,)+
        }

        impl Queries {
            const ALL: &'static [Self] = &[$(Self::$name,)+];

            pub(super) const fn shape(self) -> QueryShape {
                match self {
                    $(Self::$name => $shape,)+
                }
            }
        }
    };
}

use QueryShape as Q;
use Scope::{Collection, Group};

queries! {
    /// Accounts by number.
    Accounts: Q::of(Collection, "accounts").by("__name__");
    /// An account's buckets.
    Buckets: Q::of(Collection, "buckets");
    /// Every account's bucket of a name at Google.
    BucketsNamed: Q::of(Group, "buckets").equal(&["bucket_name"]).by("account");
    /// Every account's buckets that are blocked.
    BlockedBuckets: Q::of(Group, "buckets").equal(&["blocked"]).by("account");
    /// An account's incidents, newest first.
    Incidents: Q::of(Collection, "incidents").back_by("id");
    /// Every account's incidents of which something may still come.
    OpenIncidents: Q::of(Group, "incidents").equal(&["open"]).by("account");
    /// Those of an account.
    OpenIncidentsOf: Q::of(Collection, "incidents").equal(&["open"]);
    /// Notices of a channel that are owed.
    OwedNotices: Q::of(Collection, "notices").equal(&["owed_by"]).by("next_attempt_at");
    /// Those of an account, oldest first.
    OwedNoticesOf: Q::of(Collection, "notices").equal(&["account", "owed_by"]).by("created_at");
    /// An account's notices, newest first.
    Notices: Q::of(Collection, "notices").equal(&["account"]).back_by("created_at");
    /// Candidates that have expired.
    ExpiredCandidates: Q::of(Collection, "candidates").by("expires_at");
    /// An account's exports, newest first.
    Exports: Q {
        optional: &["bucket", "data", "format", "frequency", "status"],
        contains: Some("run_days"),
        ..Q::of(Collection, "exports").back_by("request")
    };
    /// The active exports into a bucket.
    ExportsIntoBucket: Q::of(Collection, "exports").equal(&["active", "bucket"]);
    /// An account's active export of profiles that flow.
    ProfilesFlow: Q::of(Collection, "exports").equal(&["profiles_flow"]);
    /// Exports whose next run is due.
    DueExports: Q::of(Group, "exports").equal(&["active"]).by("due_at");
    /// An export's runs, oldest first.
    Runs: Q::of(Collection, "runs").by("cut");
    /// An export's runs, newest first.
    NewestRuns: Q::of(Collection, "runs").back_by("run");
    /// An export's runs that have not ended.
    OpenRuns: Q::of(Collection, "runs").equal(&["open"]).by("cut");
    /// An export's runs with a status.
    RunsWithStatus: Q::of(Collection, "runs").equal(&["status"]);
    /// Every run that has not ended.
    AllOpenRuns: Q::of(Group, "runs").equal(&["open"]).by("cut");
    /// An account's runs into a bucket that have not ended, or may be retried.
    RunsIntoBucket: Q::of(Group, "runs").equal(&["account", "bucket", "unfinished"]);
    /// A run's plans.
    Plans: Q::of(Collection, "plans");
    /// A plan's chunks.
    Chunks: Q::of(Collection, "chunks").by("__name__");
    /// A plan's chunks in a state.
    ChunksInState: Q::of(Collection, "chunks").equal(&["state"]);
    /// A plan's chunks that are held.
    HeldChunks: Q::of(Collection, "chunks").by("held_until");
    /// A plan's unfinished chunks that were published.
    PublishedChunks: Q::of(Collection, "chunks").by("published_at");
    /// A plan's unfinished chunks that never were.
    WaitingChunks: Q::of(Collection, "chunks").by("waiting_message");
    /// The unfinished chunks of a message.
    ChunksOfMessage: Q::of(Collection, "chunks").equal(&["message"]);
    /// A plan's objects by name.
    Files: Q::of(Collection, "chunks").by("object");
    /// What a plan's objects hold.
    Written: Q { sums: &["bytes", "rows"], ..Q::of(Collection, "chunks").equal(&["written"]) };
    /// A plan's lists of profiles files.
    ProfileLists: Q::of(Collection, "profile_lists");
    /// What an account's lake holds of some days.
    CatalogueDays: Q::of(Collection, "catalogue_days").by("date");
    /// The same of days that have not settled.
    CatalogueRecent: Q::of(Collection, "catalogue_recent");
    /// The same of all days.
    CatalogueTotals: Q::of(Collection, "catalogue_totals");
}

/// Every shape of query that the store makes.
#[must_use]
pub fn query_shapes() -> Vec<QueryShape> {
    Queries::ALL.iter().map(|query| query.shape()).collect()
}
