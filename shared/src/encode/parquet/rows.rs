//! Rows on their way into columns.

use std::sync::Arc;

use arrow_array::builder::{Int64Builder, TimestampMillisecondBuilder};
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{Fields, SchemaRef};

use super::cost::Cost;
use super::fields::{FieldBuilder, StructBuilder};
use super::properties::PropertiesBuilder;
use super::schema;
use crate::domain::IdentityPriority;
use crate::encode::json_text::MemberReader;
use crate::encode::record::{DEVICE, DIMENSIONS, Events, PROFILE, Profiles};
use crate::encode::time::LocalTime;
use crate::encode::{EncodeError, FileOptions, columns};

/// The columns of one content.
pub(in crate::encode) trait ColumnRows: Send {
    /// A batch whose columns have been found.
    type Batch<'b>;

    /// Finds the columns of a batch.
    fn bind<'b>(&self, batch: &'b RecordBatch) -> Result<Self::Batch<'b>, EncodeError>;

    /// The file's schema.
    fn schema(&self) -> SchemaRef;

    /// Takes a row if `fits` says so of its cost; none is returned where it does not.
    fn append(
        &mut self,
        batch: &Self::Batch<'_>,
        row: usize,
        fits: impl FnOnce(Cost) -> bool,
    ) -> Result<Option<Cost>, EncodeError>;

    /// The rows taken so far; none remain.
    fn take(&mut self) -> Vec<ArrayRef>;
}

/// The rows of an events file.
pub(in crate::encode) struct EventRows {
    schema: SchemaRef,
    identities: IdentityPriority,
    local_time: LocalTime,
    event_name: String,
    event_reader: MemberReader,
    session_reader: MemberReader,
    ts: Int64Builder,
    event_time: TimestampMillisecondBuilder,
    profile: StructBuilder,
    device: StructBuilder,
    device_fields: Fields,
    dimensions: StructBuilder,
    control_group_name: FieldBuilder,
    event_props: PropertiesBuilder,
    session_props: PropertiesBuilder,
    count: usize,
}

impl EventRows {
    pub(in crate::encode) fn new(options: &FileOptions, event_name: &str) -> Self {
        Self {
            schema: schema::events(options.as_string),
            identities: options.identities.clone(),
            local_time: LocalTime::new(options.time_zone.clone()),
            event_name: event_name.to_owned(),
            event_reader: MemberReader::default(),
            session_reader: MemberReader::default(),
            ts: Int64Builder::new(),
            event_time: TimestampMillisecondBuilder::new().with_data_type(schema::event_time()),
            profile: StructBuilder::new(schema::fields(&PROFILE)),
            device: StructBuilder::new(schema::fields(&DEVICE)),
            device_fields: schema::device(),
            dimensions: StructBuilder::new(schema::fields(&DIMENSIONS)),
            control_group_name: FieldBuilder::new(&arrow_schema::DataType::Utf8),
            event_props: PropertiesBuilder::new(options.as_string),
            session_props: PropertiesBuilder::new(options.as_string),
            count: 0,
        }
    }
}

impl ColumnRows for EventRows {
    type Batch<'b> = Events<'b>;

    fn bind<'b>(&self, batch: &'b RecordBatch) -> Result<Events<'b>, EncodeError> {
        Events::bind(batch)
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn append(
        &mut self,
        batch: &Events<'_>,
        row: usize,
        fits: impl FnOnce(Cost) -> bool,
    ) -> Result<Option<Cost>, EncodeError> {
        let ts_micros = batch.ts_micros(row)?;
        let ts = self.local_time.number(ts_micros).ok_or(EncodeError::BadTime { row, ts_micros })?;
        let props = self.event_reader.object(batch.event_props(row)?);
        let props = props.map_err(|fault| fault.in_row(row, columns::EVENT_PROPS))?;
        let session = batch.session_props(row).map(|text| self.session_reader.object(text)).transpose();
        let session = session.map_err(|fault| fault.in_row(row, columns::SESSION_PROPS))?;
        let (profile, device) = (batch.profile(row, &self.identities), batch.device(row));
        let (dimensions, group) = (batch.dimensions(row), batch.control_group_name(row));

        let values = [&profile[..], &device, &dimensions, std::slice::from_ref(&group)];
        let cost = Cost::of_row(&values, &[&self.event_name], &[Some(props), session]);
        if !fits(cost) {
            return Ok(None);
        }
        self.ts.append_value(ts);
        self.event_time.append_value(ts_micros.div_euclid(1000));
        self.profile.append(&profile, false);
        self.dimensions.append(&dimensions, false);
        self.device.append(&device, dimensions.iter().any(|value| !value.is_absent()));
        self.control_group_name.append(self.count, &group);
        self.event_props.append(Some(props), true);
        self.session_props.append(session, false);
        self.count += 1;
        Ok(Some(cost))
    }

    fn take(&mut self) -> Vec<ArrayRef> {
        let rows = std::mem::take(&mut self.count);
        let names = std::iter::repeat_n(&self.event_name, rows);
        let dimensions: ArrayRef = Arc::new(self.dimensions.finish());
        vec![
            Arc::new(self.ts.finish()),
            Arc::new(self.event_time.finish()),
            Arc::new(StringArray::from_iter_values(names)),
            Arc::new(self.profile.finish()),
            Arc::new(self.device.finish_with(Some((&self.device_fields, dimensions)))),
            self.control_group_name.finish(rows),
            self.event_props.finish(),
            self.session_props.finish(),
        ]
    }
}

/// The rows of a profiles file.
pub(in crate::encode) struct ProfileRows {
    schema: SchemaRef,
    identities: IdentityPriority,
    reader: MemberReader,
    user: Vec<FieldBuilder>,
    profile_props: PropertiesBuilder,
    count: usize,
}

impl ProfileRows {
    pub(in crate::encode) fn new(options: &FileOptions) -> Self {
        let fields = schema::fields(&crate::encode::record::USER);
        Self {
            schema: schema::profiles(options.as_string),
            identities: options.identities.clone(),
            reader: MemberReader::default(),
            user: fields.iter().map(|field| FieldBuilder::new(field.data_type())).collect(),
            profile_props: PropertiesBuilder::new(options.as_string),
            count: 0,
        }
    }
}

impl ColumnRows for ProfileRows {
    type Batch<'b> = Profiles<'b>;

    fn bind<'b>(&self, batch: &'b RecordBatch) -> Result<Profiles<'b>, EncodeError> {
        Profiles::bind(batch)
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// `profileProps` is a container of its own, so a property named like a field of the profile stays.
    fn append(
        &mut self,
        batch: &Profiles<'_>,
        row: usize,
        fits: impl FnOnce(Cost) -> bool,
    ) -> Result<Option<Cost>, EncodeError> {
        let props = self.reader.object(batch.profile_props(row));
        let props = props.map_err(|fault| fault.in_row(row, columns::PROFILE_PROPS))?;
        let user = batch.user(row, &self.identities);
        let cost = Cost::of_row(&[&user], &[], &[Some(props)]);
        if !fits(cost) {
            return Ok(None);
        }
        self.user.iter_mut().zip(&user).for_each(|(column, value)| column.append(self.count, value));
        self.profile_props.append(Some(props), true);
        self.count += 1;
        Ok(Some(cost))
    }

    fn take(&mut self) -> Vec<ArrayRef> {
        let rows = std::mem::take(&mut self.count);
        let mut arrays: Vec<ArrayRef> = self.user.iter_mut().map(|column| column.finish(rows)).collect();
        arrays.push(self.profile_props.finish());
        arrays
    }
}
