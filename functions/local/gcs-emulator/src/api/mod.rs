//! The JSON API over HTTP: one entry that understands, strikes, checks and dispatches every request.

mod buckets;
pub(crate) mod checksums;
mod iam;
mod incoming;
mod list;
mod multipart;
mod objects;
pub(crate) mod preconditions;
pub(crate) mod range;
mod read;
mod resource;
mod resumable;
mod upload;

use std::sync::Arc;

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};

use crate::{
    Emulator,
    auth::{self, Account},
    call::{Call, Operation},
    error::{ApiError, Error},
    faults::{Fault, Strike},
    iam::permission::*,
    serve::Peer,
    state::{Store, buckets::BucketRecord},
};
use incoming::Incoming;

/// What every handler reaches.
#[derive(Clone)]
pub(crate) struct App {
    emulator: Emulator,
    /// `Location` of resumable uploads is built from it: clients send a `Host` without the port.
    base_url: Arc<str>,
}

/// Why a request got no answer of its own.
enum Failure {
    Refused(ApiError),
    /// The body broke off, or a fault wants it to look so: the connection is reset.
    Broken,
}

impl From<ApiError> for Failure {
    fn from(refusal: ApiError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error.into())
    }
}

/// All routes.
pub(crate) fn router(emulator: Emulator, base_url: String) -> Router {
    let app = App { emulator, base_url: base_url.into() };
    Router::new().fallback(answer).with_state(app)
}

async fn answer(State(app): State<App>, ConnectInfo(peer): ConnectInfo<Peer>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let call = match Call::parse(&head.method, &head.uri, &head.headers) {
        Ok(call) => call,
        Err(refusal) => {
            Incoming::new(body, Strike::default()).drain().await;
            return refusal.into_response();
        }
    };
    let strike = app.emulator.faults().strike(&call);
    tracing::debug!(operation = ?call.operation, bucket = call.bucket, object = call.object, ?strike, "request");
    // In a task of its own: a client that goes away must not stop us between two steps of a commit.
    let work = tokio::spawn(async move {
        let mut body = Incoming::new(body, strike);
        let done = work(app, call, head.headers, &mut body, strike).await;
        if let Err(Failure::Refused(_)) = &done {
            // A refusal sent while the client still sends would be lost with the reset that follows.
            body.drain().await;
        }
        done
    });
    match work.await {
        Ok(Ok(_)) if strike.fault == Some(Fault::LoseResponse) => cut(&peer),
        Ok(Ok(response)) => response,
        Ok(Err(Failure::Refused(refusal))) => refusal.into_response(),
        Ok(Err(Failure::Broken)) => cut(&peer),
        Err(error) => {
            tracing::error!(%error, "a request's task died");
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internalError", "Internal error")
                .into_response()
        }
    }
}

/// Resets the connection. The response only makes the server try to write, which then fails.
fn cut(peer: &Peer) -> Response {
    peer.cut();
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

/// A request that may go ahead.
struct Allowed {
    app: App,
    call: Call,
    headers: HeaderMap,
    /// Who asks; `None` is anonymous.
    account: Option<Account>,
    /// In whose name it is done: the account's, or of who began the resumable upload.
    caller: Option<String>,
    /// The bucket, for all operations inside one.
    bucket: Option<BucketRecord>,
    strike: Strike,
}

impl Allowed {
    fn store(&self) -> Store {
        self.app.emulator.store().clone()
    }

    /// The bucket of an operation inside one.
    fn bucket(&self) -> Result<&BucketRecord, ApiError> {
        self.bucket.as_ref().ok_or_else(ApiError::no_bucket)
    }

    /// Whether the caller may also replace and delete objects.
    fn may_replace(&self) -> bool {
        let policy = self.bucket.as_ref().map(|bucket| &bucket.policy);
        policy.is_some_and(|policy| policy.allows(self.caller.as_deref(), OBJECTS_DELETE))
    }
}

async fn work(
    app: App,
    call: Call,
    headers: HeaderMap,
    body: &mut Incoming,
    strike: Strike,
) -> Result<Response, Failure> {
    use Operation::*;
    if strike.fault == Some(Fault::Reset) {
        return Err(Failure::Broken);
    }
    let (emulator, token_headers) = (app.emulator.clone(), headers.clone());
    let account = blocking(move || {
        let now = (emulator.token_clock)();
        auth::caller(&token_headers, now, |id| emulator.store().key(id))
    })
    .await;
    if let Some(fault) = strike.fault {
        let email = account.as_ref().ok().and_then(Option::as_ref).map(|account| &*account.email);
        let permission = permission_of(call.operation).unwrap_or(BUCKETS_GET);
        if let Some(refusal) = fault.refusal(email, permission, &call) {
            return Err(refusal.into());
        }
    }
    let account = account?;
    let allowed = blocking(move || allow(app, call, headers, account, strike)).await?;
    let response = match allowed.call.operation {
        ListBuckets => buckets::list(allowed).await?,
        CreateBucket => buckets::create(allowed, body).await?,
        GetBucket => buckets::get(&allowed)?,
        UpdateBucket => buckets::update(allowed, body).await?,
        DeleteBucket => buckets::delete(allowed).await?,
        LockRetention => buckets::lock_retention(allowed).await?,
        GetIam => iam::get(&allowed)?,
        SetIam => iam::set(allowed, body).await?,
        TestPermissions => iam::test(&allowed)?,
        List => list::list(allowed).await?,
        Metadata => objects::metadata(allowed).await?,
        Read => read::read(allowed).await?,
        Update => objects::update(allowed, body).await?,
        Delete => objects::delete(allowed).await?,
        Insert => upload::insert(allowed, body).await?,
        Start => resumable::start(allowed, body).await?,
        UploadPart | Finish => resumable::put(allowed, body).await?,
        UploadStatus => resumable::status(allowed).await?,
        Cancel => resumable::cancel(allowed).await?,
    };
    Ok(response)
}

/// The permission on the bucket that an operation takes; `None` where it is not a bucket's to give.
fn permission_of(operation: Operation) -> Option<&'static str> {
    use Operation::*;
    match operation {
        ListBuckets | CreateBucket | TestPermissions => None,
        GetBucket => Some(BUCKETS_GET),
        UpdateBucket | LockRetention => Some(BUCKETS_UPDATE),
        DeleteBucket => Some(BUCKETS_DELETE),
        GetIam => Some(BUCKETS_GET_IAM),
        SetIam => Some(BUCKETS_SET_IAM),
        List => Some(OBJECTS_LIST),
        Metadata | Read => Some(OBJECTS_GET),
        Update => Some(OBJECTS_UPDATE),
        Delete => Some(OBJECTS_DELETE),
        Insert | Start | UploadPart | UploadStatus | Finish | Cancel => Some(OBJECTS_CREATE),
    }
}

/// Checks scopes, bucket, who pays and IAM, in this order.
fn allow(
    app: App,
    call: Call,
    headers: HeaderMap,
    account: Option<Account>,
    strike: Strike,
) -> Result<Allowed, ApiError> {
    if let Some(account) = &account {
        account.reach.check(call.operation)?;
    }
    let store = app.emulator.store();
    let mut caller = account.as_ref().map(|account| account.email.clone());
    if let Some(upload_id) = call.params.get("upload_id") {
        let started_by = store.upload_started_by(upload_id, &call.bucket, &call.object)?;
        // An upload's URL is a credential by itself; Google's own curl examples send nothing else.
        caller = caller.or(started_by.ok_or_else(resumable::no_upload)?);
    }
    if matches!(call.operation, Operation::ListBuckets | Operation::CreateBucket) {
        return Ok(Allowed { app, call, headers, account, caller, bucket: None, strike });
    }
    let bucket = store.bucket(&call.bucket)?.ok_or_else(ApiError::no_bucket)?;
    let pays = call.params.get("userProject").is_some() || headers.contains_key("x-goog-user-project");
    if bucket.requester_pays && !pays {
        return Err(ApiError::required("Bucket is a requester pays bucket but no user project provided."));
    }
    if let Some(permission) = permission_of(call.operation)
        && !bucket.policy.allows(caller.as_deref(), permission)
    {
        return Err(ApiError::no_permission(caller.as_deref(), permission));
    }
    Ok(Allowed { app, call, headers, account, caller, bucket: Some(bucket), strike })
}

/// Runs blocking work on the pool for it.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, ApiError>
where
    T: Send + 'static,
    E: Into<ApiError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Into::into),
        Err(error) => {
            tracing::error!(%error, "work on the folder died");
            Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internalError", "Internal error"))
        }
    }
}
