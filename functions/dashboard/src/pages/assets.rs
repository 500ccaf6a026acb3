//! Styles, script and icons, compiled in. Their addresses carry a hash of their bytes, so that browsers keep them for
//! ever and never show an old one.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::{App, problem::Problem};

/// One file.
struct Asset {
    path: String,
    etag: String,
    content_type: &'static str,
    bytes: String,
}

impl Asset {
    fn new(stem: &str, extension: &str, content_type: &'static str, parts: &[&str]) -> Self {
        let bytes = parts.concat();
        let digest = Sha256::digest(bytes.as_bytes());
        let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self {
            path: format!("/static/{stem}.{hash}.{extension}"),
            etag: format!("\"{hash}\""),
            content_type,
            bytes,
        }
    }
}

static CSS: LazyLock<Asset> = LazyLock::new(|| {
    let parts = [
        include_str!("../../static/css/1-tokens.css"),
        include_str!("../../static/css/2-base.css"),
        include_str!("../../static/css/3-frame.css"),
        include_str!("../../static/css/4-controls.css"),
        include_str!("../../static/css/5-parts.css"),
        include_str!("../../static/css/6-pages.css"),
        include_str!("../../static/css/7-dialogs.css"),
    ];
    Asset::new("spillway", "css", "text/css; charset=utf-8", &parts)
});
static JS: LazyLock<Asset> = LazyLock::new(|| {
    let parts = [
        include_str!("../../static/js/calendar.js"),
        include_str!("../../static/js/list.js"),
        include_str!("../../static/js/dialog.js"),
        include_str!("../../static/js/estimate.js"),
        include_str!("../../static/js/check.js"),
        include_str!("../../static/js/begin.js"),
    ];
    Asset::new("spillway", "js", "text/javascript; charset=utf-8", &parts)
});
static ICONS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icons", "svg", "image/svg+xml", &[include_str!("../../static/icons.svg")]));
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", &[include_str!("../../static/icon.svg")]));

/// The styles' address.
pub(crate) fn css() -> &'static str {
    &CSS.path
}

/// The script's.
pub(crate) fn js() -> &'static str {
    &JS.path
}

/// The icons', each a fragment of it.
pub(crate) fn icons() -> &'static str {
    &ICONS.path
}

/// Of the icon in the browser's tab.
pub(crate) fn icon() -> &'static str {
    &ICON.path
}

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new().route("/static/{name}", get(file))
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let assets = [&*CSS, &*JS, &*ICONS, &*ICON];
    let found = assets.into_iter().find(|asset| asset.path.strip_prefix("/static/") == Some(name.as_str()));
    let Some(asset) = found else { return Problem::no_route(&format!("/static/{name}")).into_response() };
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == asset.etag.as_str());
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, asset.content_type)], asset.bytes.as_str()).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// The texts of all files of an extension in a folder.
    fn texts(folder: &Path, extension: &str) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(texts(&path, extension));
            } else if path.extension().is_some_and(|known| known == extension) {
                found.push(fs::read_to_string(path).unwrap());
            }
        }
        found
    }

    /// What stands in quotes behind each `begin`.
    fn quoted<'a>(text: &'a str, begin: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(begin).skip(1).filter_map(|rest| rest.split(['"', '}']).next())
    }

    #[test]
    fn every_icon_that_is_shown_is_drawn() {
        let drawn = |name: &str| ICONS.bytes.contains(&format!("<symbol id=\"{name}\""));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let templates = texts(&folder.join("templates"), "html");
        assert!(templates.len() > 20, "{}", templates.len());
        let mut named = BTreeSet::new();
        for text in &templates {
            named.extend(quoted(text, "icon(\""));
            named.extend(quoted(text, "assets::icons() }}#").filter(|name| !name.starts_with("{{")));
        }
        // Those that are chosen at run time, in views and in the script.
        let views = texts(&folder.join("src/pages"), "rs");
        named.extend(views.iter().flat_map(|text| quoted(text, "icon: \"")));
        let script = JS.bytes.as_str();
        let marks = script.lines().find(|line| line.starts_with("const MARKS")).unwrap();
        named.extend(quoted(marks, "[\""));
        named.extend(quoted(script, "icon(\""));
        named.extend(["clock", "spin"].map(|name| {
            assert!(script.contains(&format!("\"{name}\"")));
            name
        }));
        for name in &named {
            assert!(drawn(name), "{name}");
        }
        assert!(named.len() > 15, "{named:?}");
        assert!(!drawn("dodo"));
    }

    #[test]
    fn nothing_of_another_site_is_asked_for() {
        for asset in [&*CSS, &*JS, &*ICONS] {
            let text = asset.bytes.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http://") && !text.contains("https://"), "{}", asset.path);
        }
    }
}
