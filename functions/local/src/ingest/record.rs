//! One line of the upload API's shape, parsed (FORMATS, Ingest).
//!
//! Beside the fields that FORMATS names, these are taken where a record has them, in the shape of the exported
//! records: `name`, `platform`, `push_token` (or `pushToken`), `deviceInfo{make, model, appVersion, sdkVersion,
//! osVersion, browser, dpi, dimensions{width, height, unit}}`, `controlGroupName`, `sessionProps`,
//! `all_identities`; of profiles `deleted`. All other fields are passed over. Where text is wanted, a number
//! counts as its text. `ts` may have a fraction, kept to the microsecond.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::contact::Contact;
use super::dates::replace_dates;
use super::user::Ids;

/// Columns of text: see [`super::rows`] for their order.
pub(super) type Texts<'a> = Vec<Option<Cow<'a, str>>>;

/// A record, ready for the lake.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) kind: Kind<'a>,
    /// The user, as the lake names it.
    pub(super) object_id: Cow<'a, str>,
    /// `ts`, microseconds; only profiles may lack it.
    pub(super) micros: Option<i64>,
    /// In the order of the dataset's text columns.
    pub(super) texts: Texts<'a>,
    pub(super) identities: Vec<Cow<'a, str>>,
}

#[derive(Debug)]
pub(super) enum Kind<'a> {
    Event { name: Cow<'a, str>, numbers: [Option<f64>; 3] },
    Profile { deleted: bool },
}

pub(super) type Raw<'a> = Option<&'a RawValue>;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Raw<'a>,
    #[serde(borrow)]
    identity: Raw<'a>,
    #[serde(borrow, rename = "objectId")]
    object_id: Raw<'a>,
    #[serde(borrow, rename = "FBID")]
    fbid: Raw<'a>,
    #[serde(borrow, rename = "GPID")]
    gpid: Raw<'a>,
    #[serde(borrow)]
    all_identities: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    ts: Raw<'a>,
    #[serde(borrow, rename = "evtName")]
    event_name: Raw<'a>,
    #[serde(borrow, rename = "evtData")]
    event_data: Raw<'a>,
    #[serde(borrow, rename = "sessionProps")]
    session_props: Raw<'a>,
    #[serde(borrow, rename = "profileData")]
    profile_data: Raw<'a>,
    #[serde(borrow)]
    email: Raw<'a>,
    #[serde(borrow)]
    phone: Raw<'a>,
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow)]
    platform: Raw<'a>,
    #[serde(borrow, alias = "pushToken")]
    push_token: Raw<'a>,
    #[serde(borrow, rename = "deviceInfo")]
    device: Option<Device<'a>>,
    #[serde(borrow, rename = "controlGroupName")]
    control_group_name: Raw<'a>,
    deleted: Option<bool>,
}

#[derive(Deserialize, Default)]
struct Device<'a> {
    #[serde(borrow)]
    make: Raw<'a>,
    #[serde(borrow)]
    model: Raw<'a>,
    #[serde(borrow, rename = "appVersion")]
    app_version: Raw<'a>,
    #[serde(borrow, rename = "sdkVersion")]
    sdk_version: Raw<'a>,
    #[serde(borrow, rename = "osVersion")]
    os_version: Raw<'a>,
    #[serde(borrow)]
    browser: Raw<'a>,
    dpi: Option<f64>,
    #[serde(borrow)]
    dimensions: Option<Dimensions<'a>>,
}

#[derive(Deserialize, Default)]
struct Dimensions<'a> {
    width: Option<f64>,
    height: Option<f64>,
    #[serde(borrow)]
    unit: Raw<'a>,
}

impl<'a> Record<'a> {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, String> {
        let text = simdutf8::compat::from_utf8(line)
            .map_err(|error| format!("it is not UTF-8 from byte {} on", error.valid_up_to()))?;
        if !text.starts_with('{') {
            return Err("it is not a JSON object".to_owned());
        }
        let line: Line<'a> = serde_json::from_str(text).map_err(|error| told(&error))?;
        let ids = Ids {
            object_id: id_of("objectId", line.object_id)?,
            identity: id_of("identity", line.identity)?,
            fbid: id_of("FBID", line.fbid)?,
            gpid: id_of("GPID", line.gpid)?,
        };
        let object_id =
            ids.object_id().ok_or("it names no user: give one of identity, objectId, FBID, GPID")?;
        let micros = line.ts.map(micros).transpose()?;
        match id_of("type", line.kind)?.as_deref() {
            Some("event") => Self::event(&line, &ids, object_id, micros),
            Some("profile") => Self::profile(&line, &ids, object_id, micros),
            Some(other) => Err(format!("its `type` is `{other}`, neither event nor profile")),
            None => Err("it has no `type`; write event or profile".to_owned()),
        }
    }

    fn event(
        line: &Line<'a>,
        ids: &Ids<'a>,
        object_id: Cow<'a, str>,
        micros: Option<i64>,
    ) -> Result<Self, String> {
        let name = id_of("evtName", line.event_name)?.ok_or("it has no `evtName`")?;
        if micros.is_none() {
            return Err("it has no `ts`".to_owned());
        }
        let (email, phone) = (text_of("email", line.email)?, text_of("phone", line.phone)?);
        let identities = identities(line, ids, &email, &phone)?;
        let none = Device::default();
        let device = line.device.as_ref().unwrap_or(&none);
        let no_dimensions = Dimensions::default();
        let dimensions = device.dimensions.as_ref().unwrap_or(&no_dimensions);
        let texts = vec![
            Some(object_id.clone()),
            ids.identity(),
            email,
            phone,
            text_of("name", line.name)?,
            text_of("platform", line.platform)?,
            text_of("push_token", line.push_token)?,
            text_of("make", device.make)?,
            text_of("model", device.model)?,
            text_of("appVersion", device.app_version)?,
            text_of("sdkVersion", device.sdk_version)?,
            text_of("osVersion", device.os_version)?,
            text_of("browser", device.browser)?,
            text_of("unit", dimensions.unit)?,
            text_of("controlGroupName", line.control_group_name)?,
            Some(properties("evtData", line.event_data)?.unwrap_or(Cow::Borrowed("{}"))),
            properties("sessionProps", line.session_props)?,
        ];
        let numbers = [device.dpi, dimensions.width, dimensions.height];
        Ok(Self { kind: Kind::Event { name, numbers }, object_id, micros, texts, identities })
    }

    fn profile(
        line: &Line<'a>,
        ids: &Ids<'a>,
        object_id: Cow<'a, str>,
        micros: Option<i64>,
    ) -> Result<Self, String> {
        let data = properties("profileData", line.profile_data)?;
        let contact: Option<Contact<'a>> = match line.profile_data {
            Some(raw) => Some(serde_json::from_str(raw.get()).map_err(|error| told(&error))?),
            None => None,
        };
        let (of_email, of_phone) = contact.map_or((None, None), |contact| (contact.email, contact.phone));
        // In the profile these two are properties, which may be of any type; only texts are contacts.
        let lenient = |raw: Raw<'a>| id_of("", raw).ok().flatten();
        let email = id_of("email", line.email)?.or_else(|| lenient(of_email));
        let phone = id_of("phone", line.phone)?.or_else(|| lenient(of_phone));
        let identities = identities(line, ids, &email, &phone)?;
        let props = Some(data.unwrap_or(Cow::Borrowed("{}")));
        let texts = vec![Some(object_id.clone()), ids.identity(), email, phone, props];
        let kind = Kind::Profile { deleted: line.deleted.unwrap_or(false) };
        Ok(Self { kind, object_id, micros, texts, identities })
    }
}

/// `all_identities`: as given; else what the record itself tells, each once.
fn identities<'a>(
    line: &Line<'a>,
    ids: &Ids<'a>,
    email: &Option<Cow<'a, str>>,
    phone: &Option<Cow<'a, str>>,
) -> Result<Vec<Cow<'a, str>>, String> {
    if let Some(given) = &line.all_identities {
        let text = |raw: &&'a RawValue| id_of("all_identities", Some(*raw));
        return given.iter().filter_map(|raw| text(raw).transpose()).collect();
    }
    let mut known: Vec<Cow<'a, str>> = Vec::new();
    for id in [&ids.identity, &ids.fbid, &ids.gpid, email, phone].into_iter().flatten() {
        if !known.contains(id) {
            known.push(id.clone());
        }
    }
    Ok(known)
}

/// What tells one from another: an empty text is none.
fn id_of<'a>(field: &str, raw: Raw<'a>) -> Result<Option<Cow<'a, str>>, String> {
    Ok(text_of(field, raw)?.filter(|text| !text.is_empty()))
}

/// A text or a number as text; null is none.
fn text_of<'a>(field: &str, raw: Raw<'a>) -> Result<Option<Cow<'a, str>>, String> {
    let Some(raw) = raw.map(RawValue::get) else { return Ok(None) };
    let text: Cow<'a, str> = match raw.as_bytes() {
        [b'"', inner @ .., b'"'] if memchr::memchr(b'\\', inner).is_none() => {
            Cow::Borrowed(&raw[1..raw.len() - 1])
        }
        [b'"', ..] => {
            Cow::Owned(serde_json::from_str(raw).map_err(|error| format!("`{field}`: {}", told(&error)))?)
        }
        [b'-' | b'0'..=b'9', ..] => Cow::Borrowed(raw),
        b"null" => return Ok(None),
        _ => return Err(format!("`{field}` is not text")),
    };
    Ok(Some(text))
}

/// An object's text, with its dates replaced.
fn properties<'a>(field: &str, raw: Raw<'a>) -> Result<Option<Cow<'a, str>>, String> {
    match raw.map(RawValue::get) {
        None | Some("null") => Ok(None),
        Some(text) if text.starts_with('{') => Ok(Some(replace_dates(text))),
        Some(_) => Err(format!("`{field}` is not an object")),
    }
}

/// `ts` in microseconds.
fn micros(ts: &RawValue) -> Result<i64, String> {
    // What an export can write in any time zone, hence a day less at both ends.
    const FIRST_SECOND: i64 = -30_610_137_600; // 1000-01-02
    const LAST_SECOND: i64 = 253_402_214_399; // 9999-12-30
    let text = ts.get();
    let seconds_are_known = |seconds: i64| (FIRST_SECOND..=LAST_SECOND).contains(&seconds);
    let micros = match text.parse::<i64>() {
        Ok(seconds) => seconds_are_known(seconds).then(|| seconds * 1_000_000),
        Err(_) if text.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) => {
            // Exact to the microsecond within the years 1700 to 2250.
            let micros = text.parse::<f64>().map_or(f64::NAN, |seconds| (seconds * 1e6).round());
            let known = micros >= FIRST_SECOND as f64 * 1e6 && micros < (LAST_SECOND + 1) as f64 * 1e6;
            known.then_some(micros as i64)
        }
        Err(_) => return Err("its `ts` is not a number of epoch seconds".to_owned()),
    };
    micros.ok_or_else(|| format!("its `ts` {text} is outside the years 1000 to 9999; is it in milliseconds?"))
}

/// Without the line number, which is always 1.
fn told(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at byte ")
}
