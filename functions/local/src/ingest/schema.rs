//! The schema and the settings of the lake's Parquet files (FORMATS, The lake's columns).

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, SchemaDescriptor};
use spillway::encode::columns::{
    ALL_IDENTITIES, EVENT_PROPS, IDENTITY, OBJECT_ID, PROFILE_PROPS, SESSION_PROPS, timestamp,
};

use super::rows::{Rows, number_columns, text_columns};
use super::write::{flag_columns, time_column};

/// Large enough to compress well, small enough to be a slice.
const ROW_GROUP_ROWS: usize = 100_000;
const ROW_GROUP_BYTES: usize = 64 * 1000 * 1000;
const EVENT_PAGE_BYTES: usize = 1024 * 1024;
/// Merging reads up to 64 files at once, of each a page a column.
const PROFILE_PAGE_BYTES: usize = 64 * 1024;

/// Values of these differ from row to row, so a dictionary would only take room.
const WITHOUT_DICTIONARY: [&str; 3] = [EVENT_PROPS, PROFILE_PROPS, SESSION_PROPS];
/// And of these from user to user.
const OF_USERS: [&str; 4] = [OBJECT_ID, IDENTITY, "email", "phone"];

pub(super) struct LakeSchema {
    is_event: bool,
    pub(super) arrow: SchemaRef,
    pub(super) parquet: SchemaDescriptor,
}

impl LakeSchema {
    pub(super) fn of(is_event: bool) -> Result<Self, ParquetError> {
        let required =
            |name: &str| [EVENT_PROPS, PROFILE_PROPS].contains(&name) || (!is_event && name == OBJECT_ID);
        let word = |name: &str| if required(name) { "required" } else { "optional" };
        let time = time_column(is_event);
        let mut message = format!("message lake {{ required int64 {time} (TIMESTAMP(MICROS,true));");
        let mut fields = vec![Field::new(time, timestamp(), false)];
        for name in text_columns(is_event) {
            let kind = if WITHOUT_DICTIONARY.contains(&name) { "JSON" } else { "UTF8" };
            message.push_str(&format!("{} binary {name} ({kind});", word(name)));
            fields.push(Field::new(name, DataType::Utf8, !required(name)));
        }
        message.push_str(&format!(
            "optional group {ALL_IDENTITIES} (LIST) {{ repeated group list {{ optional binary element (UTF8); }} }}"
        ));
        fields.push(Field::new(ALL_IDENTITIES, DataType::List(Self::element()), true));
        for name in number_columns(is_event) {
            message.push_str(&format!("optional double {name};"));
            fields.push(Field::new(*name, DataType::Float64, true));
        }
        for name in flag_columns(is_event) {
            message.push_str(&format!("optional boolean {name};"));
            fields.push(Field::new(*name, DataType::Boolean, true));
        }
        message.push('}');
        let parquet = SchemaDescriptor::new(Arc::new(parse_message_type(&message)?));
        Ok(Self { is_event, arrow: Arc::new(Schema::new(fields)), parquet })
    }

    /// What `all_identities` lists.
    pub(super) fn element() -> FieldRef {
        Arc::new(Field::new("element", DataType::Utf8, true))
    }

    /// The writer's settings for some rows: pages stay near their limit also where rows are large.
    pub(super) fn properties(&self, rows: &Rows) -> WriterProperties {
        let page_bytes = if self.is_event { EVENT_PAGE_BYTES } else { PROFILE_PAGE_BYTES };
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by("spillway".to_owned())
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .set_data_page_size_limit(page_bytes)
            .set_dictionary_page_size_limit(page_bytes)
            .set_write_batch_size((page_bytes / 8 / rows.average_bytes().max(1)).clamp(1, 1024));
        for name in WITHOUT_DICTIONARY {
            // Nobody asks for the least of these texts, which are long and begin alike.
            properties =
                properties.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::None);
        }
        let mut without_dictionary: Vec<ColumnPath> = WITHOUT_DICTIONARY.map(ColumnPath::from).into();
        if !(self.is_event && rows.repeat_users()) {
            without_dictionary.extend(OF_USERS.map(ColumnPath::from));
            let identities = [ALL_IDENTITIES, "list", "element"].map(str::to_owned).to_vec();
            without_dictionary.push(ColumnPath::new(identities));
        }
        let names =
            text_columns(self.is_event).into_iter().chain(number_columns(self.is_event).iter().copied());
        for (name, _) in names.zip(rows.used_columns(self.is_event)).filter(|(_, used)| !used) {
            // A compressor made ready for nothing would cost more than the column.
            properties = properties.set_column_compression(ColumnPath::from(name), Compression::UNCOMPRESSED);
            without_dictionary.push(ColumnPath::from(name));
        }
        for column in without_dictionary {
            properties = properties.set_column_dictionary_enabled(column, false);
        }
        properties.build()
    }
}
