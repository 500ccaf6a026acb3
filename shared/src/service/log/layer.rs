//! Events as lines of JSON.

use std::{fmt, io::Write, sync::Arc};

use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context, registry::LookupSpan};

use crate::ports::Clock;

/// The longest text of a field, in bytes; Cloud Logging takes 256 KiB a line.
const TEXT_MAX_BYTES: usize = 16_384;
/// The names that a field cannot have: it gets a `_` at its end.
const TAKEN: [&str; 3] = ["severity", "time", "target"];

/// Writes a line for each event.
pub struct JsonLines<W> {
    project_id: String,
    clock: Arc<dyn Clock>,
    writer: W,
}

impl<W> JsonLines<W> {
    /// Lines for a project's logs.
    pub fn new(project_id: &str, clock: Arc<dyn Clock>, writer: W) -> Self {
        Self { project_id: project_id.to_owned(), clock, writer }
    }

    /// What a trace's fields are called at Google.
    fn named(&self, fields: Map<String, Value>) -> Map<String, Value> {
        let name = |(name, value): (String, Value)| match (name.as_str(), &value) {
            ("trace", Value::String(trace)) => {
                let trace = format!("projects/{}/traces/{trace}", self.project_id);
                ("logging.googleapis.com/trace".to_owned(), Value::String(trace))
            }
            ("span_id", _) => ("logging.googleapis.com/spanId".to_owned(), value),
            ("trace_sampled", _) => ("logging.googleapis.com/trace_sampled".to_owned(), value),
            _ => (name, value),
        };
        fields.into_iter().map(name).collect()
    }
}

/// The fields of a span, kept with it.
struct SpanFields(Map<String, Value>);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(SpanFields(fields.0));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        if let Some(SpanFields(known)) = extensions.get_mut::<SpanFields>() {
            let mut fields = Fields(std::mem::take(known));
            values.record(&mut fields);
            *known = fields.0;
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(SpanFields(of_span)) = span.extensions().get::<SpanFields>() {
                fields.0.extend(of_span.clone());
            }
        }
        event.record(&mut fields);
        let mut line = Map::new();
        line.insert("severity".to_owned(), severity(*event.metadata().level()).into());
        line.insert("time".to_owned(), self.clock.now().to_string().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        line.extend(self.named(fields.0));
        let mut bytes = Value::Object(line).to_string().into_bytes();
        bytes.push(b'\n');
        // There is nobody to tell where the log itself cannot be written.
        drop(self.writer.make_writer_for(event.metadata()).write_all(&bytes));
    }
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

/// Fields as they come.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        let name = if TAKEN.contains(&name) { format!("{name}_") } else { name.to_owned() };
        self.0.insert(name, value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, shortened(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, shortened(value.to_owned()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > TEXT_MAX_BYTES {
        text.truncate(text.floor_char_boundary(TEXT_MAX_BYTES));
        text.push('…');
    }
    text
}
