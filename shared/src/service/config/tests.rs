//! Reading an environment: defaults, what is wrong, what nobody knows, what is hidden.

use super::*;

const PORT: Variable = Variable::new("PORT", "Where to listen.").or("8080");
const LAKE: Variable = Variable::new("SPILLWAY_LAKE_URL", "Where the lake is.");
const MAIL: Variable = Variable::new("SPILLWAY_ENDPOINT", "Another endpoint.");
const KEY: Variable = Variable::new("SPILLWAY_PASSWORD", "A password.").secret();

#[derive(Debug, PartialEq)]
struct Some4 {
    port: u16,
    lake: String,
    mail: Option<Url>,
    key: Option<String>,
}

impl Settings for Some4 {
    fn read(env: &mut Environment) -> Option<Self> {
        let port = env.required(PORT, number(1..=65_535));
        let lake = env.required(LAKE, any);
        let mail = env.optional(MAIL, http_url);
        let key = env.optional(KEY, |text| match text.len() {
            0..8 => Err("give at least 8 letters".to_owned()),
            _ => Ok(text.to_owned()),
        });
        Some(Self { port: port?, lake: lake?, mail: mail?, key: key? })
    }
}

use url::Url;

fn read(variables: &[(&str, &str)]) -> (Environment, Result<Some4, Problems>) {
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let mut env = Environment::new(variables);
    let read = Some4::read(&mut env);
    let checked = env.checked(read);
    (env, checked)
}

#[test]
fn defaults_count_where_nothing_is_set() {
    let (env, read) =
        read(&[("SPILLWAY_LAKE_URL", "gs://lake"), ("SPILLWAY_ENDPOINT", ""), ("HOME", "/root")]);
    assert_eq!(read, Ok(Some4 { port: 8080, lake: "gs://lake".to_owned(), mail: None, key: None }));
    let wanted = "PORT=8080\nSPILLWAY_LAKE_URL=gs://lake\n# SPILLWAY_ENDPOINT is not set\n\
                  # SPILLWAY_PASSWORD is not set\n";
    assert_eq!(env.effective(), wanted);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let (_, read) = read(&[
        ("PORT", "99999"),
        ("SPILLWAY_ENDPOINT", "ftp://x"),
        ("SPILLWAY_LAKE_URI", "gs://lake"),
        ("SPILLWAY_COLOUR_OF_THE_SKY", "blue"),
        ("SPILLWAY_PASSWORD", "s3cret"),
    ]);
    let wanted = "  PORT: `99999` will not do: give a whole number from 1 to 65535\n  \
                  SPILLWAY_COLOUR_OF_THE_SKY: no such variable is known; see --help\n  \
                  SPILLWAY_ENDPOINT: `ftp://x` will not do: give an address like https://name.example.com\n  \
                  SPILLWAY_LAKE_URI: no such variable is known; did you mean SPILLWAY_LAKE_URL?\n  \
                  SPILLWAY_LAKE_URL: it is not set. Where the lake is.\n  \
                  SPILLWAY_PASSWORD: `(hidden)` will not do: give at least 8 letters\n";
    assert_eq!(read.map_err(|problems| problems.to_string()), Err(wanted.to_owned()));
}

#[test]
fn secrets_are_hidden_wherever_they_stand() {
    let (env, read) = read(&[
        ("SPILLWAY_LAKE_URL", "{\"a\":\"https://u:pa@h/x\",\"b\":\"https://me:p@ss@g:1?q\"}"),
        ("SPILLWAY_ENDPOINT", "http://user:s3cret@host/path@x"),
        ("SPILLWAY_PASSWORD", "s3cret-s3cret"),
    ]);
    assert!(read.is_ok());
    let wanted = "PORT=8080\nSPILLWAY_LAKE_URL={\"a\":\"https://(hidden)@h/x\",\"b\":\"https://(hidden)@g:1?q\"}\n\
                  SPILLWAY_ENDPOINT=http://(hidden)@host/path@x\nSPILLWAY_PASSWORD=(hidden)\n";
    assert_eq!(env.effective(), wanted);
}

#[test]
fn help_says_what_each_is_for() {
    let (env, _) = read(&[]);
    let wanted = "  PORT (default: 8080)\n      Where to listen.\n  SPILLWAY_LAKE_URL (required)\n      \
                  Where the lake is.\n  SPILLWAY_ENDPOINT\n      Another endpoint.\n  SPILLWAY_PASSWORD\n      \
                  A password.\n";
    assert_eq!(env.help(), wanted);
}

#[cfg(unix)]
#[test]
fn what_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;

    let broken = OsString::from_vec(vec![0xff]);
    let env = Environment::new([("SPILLWAY_LAKE_URL".into(), broken.clone()), ("OTHER".into(), broken)]);
    assert_eq!(env.checked(Some(())).unwrap_err().to_string(), "  SPILLWAY_LAKE_URL: it is not UTF-8\n");
}

#[test]
fn values_have_a_form() {
    assert_eq!(list(any)(" a, b,,c ").unwrap(), ["a", "b", "c"]);
    assert_eq!(list(any)(",").unwrap_err(), "give at least one, with commas between several");
    assert!(host_port("127.0.0.1:8085").is_ok() && host_port("[::1]:1").is_ok());
    for wrong in ["http://127.0.0.1:1", "localhost", ":1", "a:b", "a/b:1", "u@h:1"] {
        assert!(host_port(wrong).is_err(), "{wrong}");
    }
    assert!(project_id("my-project-1").is_ok() && project_id("example.com:mine").is_ok());
    for wrong in ["My", "123", "a b", "a/b", ""] {
        assert!(project_id(wrong).is_err(), "{wrong}");
    }
    assert!(http_url("https://x.example:8/y").is_ok());
    for wrong in ["x.example", "gs://x", "https://", "/x"] {
        assert!(http_url(wrong).is_err() && safe_url(wrong).is_err(), "{wrong}");
    }
    for safe in ["https://x.example", "http://localhost:1/certs", "http://127.0.0.1:1", "http://[::1]:1"] {
        assert!(safe_url(safe).is_ok(), "{safe}");
    }
    assert!(safe_url("http://x.example/certs").is_err() && safe_url("http://localhost.x.example").is_err());
}
