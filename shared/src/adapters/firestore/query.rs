//! Queries, built of what their shape has and of nothing else.

use firestore::gcloud_sdk::google::firestore::v1::{
    ArrayValue, Cursor, StructuredAggregationQuery, StructuredQuery, Value, structured_aggregation_query,
    structured_aggregation_query::{Aggregation, aggregation},
    structured_query::{
        self, CollectionSelector, CompositeFilter, FieldFilter, FieldReference, Filter, Order, Projection,
        composite_filter, field_filter::Operator, filter::FilterType,
    },
    value::ValueType,
};

use super::{
    documents::number_value,
    paths::DocPath,
    queries::{Direction, Queries, QueryShape, Scope},
};

/// The most values of which a list may have to hold one: Firestore's limit.
pub(super) const MOST_VALUES: usize = 30;

/// A query.
#[derive(Debug, Clone)]
pub(super) struct Query {
    shape: QueryShape,
    parent: Option<DocPath>,
    equal: Vec<&'static str>,
    filters: Vec<Filter>,
    start: Option<Cursor>,
    limit: Option<i32>,
    only: Option<&'static [&'static str]>,
}

impl Query {
    /// Below a document; without one, of a collection at the top or of all collections of the name.
    pub(super) fn new(query: Queries, parent: Option<&DocPath>) -> Self {
        let shape = query.shape();
        assert!(shape.scope == Scope::Collection || parent.is_none(), "{shape:?} is of all collections");
        Self {
            shape,
            parent: parent.cloned(),
            equal: vec![],
            filters: vec![],
            start: None,
            limit: None,
            only: None,
        }
    }

    pub(super) fn equal(mut self, field: &'static str, value: Value) -> Self {
        let shape = self.shape;
        assert!(shape.equal.contains(&field) || shape.optional.contains(&field), "{shape:?} has no {field}");
        self.equal.push(field);
        self.filter(field, Operator::Equal, value)
    }

    pub(super) fn equal_if(self, field: &'static str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.equal(field, value),
            None => self,
        }
    }

    /// The list must hold one of these.
    pub(super) fn contains_any(self, numbers: &[i64]) -> Self {
        assert!(numbers.len() <= MOST_VALUES, "Firestore takes no more");
        let field = self.shape.contains.expect("the shape has a list");
        let values = numbers.iter().map(|number| number_value(*number)).collect();
        let values = Value { value_type: Some(ValueType::ArrayValue(ArrayValue { values })) };
        self.filter(field, Operator::ArrayContainsAny, values)
    }

    pub(super) fn from(self, value: Value) -> Self {
        self.range(Operator::GreaterThanOrEqual, value)
    }

    pub(super) fn above(self, value: Value) -> Self {
        self.range(Operator::GreaterThan, value)
    }

    pub(super) fn below(self, value: Value) -> Self {
        self.range(Operator::LessThan, value)
    }

    pub(super) fn upto(self, value: Value) -> Self {
        self.range(Operator::LessThanOrEqual, value)
    }

    fn range(self, operator: Operator, value: Value) -> Self {
        let (field, _) = self.shape.order.expect("the shape has an order");
        self.filter(field, operator, value)
    }

    fn filter(mut self, field: &str, operator: Operator, value: Value) -> Self {
        let filter = FieldFilter { field: Some(reference(field)), op: operator.into(), value: Some(value) };
        self.filters.push(Filter { filter_type: Some(FilterType::FieldFilter(filter)) });
        self
    }

    /// Behind these values of the order's field and, last, the document's name.
    pub(super) fn after(mut self, values: Vec<Value>) -> Self {
        self.start = Some(Cursor { values, before: false });
        self
    }

    /// From the document of this name on, in the order of names.
    pub(super) fn at_document(mut self, name: String) -> Self {
        self.start = Some(Cursor { values: vec![name_value(name)], before: true });
        self
    }

    pub(super) fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(i32::try_from(limit).unwrap_or(i32::MAX));
        self
    }

    /// These fields alone; `__name__` for none.
    pub(super) fn only(mut self, fields: &'static [&'static str]) -> Self {
        self.only = Some(fields);
        self
    }

    /// The document's name below which Firestore looks; `root` is that of the database.
    pub(super) fn parent(&self, root: &str) -> String {
        self.parent.as_ref().map_or_else(|| root.to_owned(), |parent| format!("{root}/{parent}"))
    }

    pub(super) fn build(self) -> StructuredQuery {
        let Self { shape, mut equal, filters, start, limit, only, .. } = self;
        equal.retain(|field| shape.equal.contains(field));
        assert_eq!(equal.len(), shape.equal.len(), "{shape:?} has more fields, or each once");
        let filters = match filters.len() {
            0 => None,
            1 => filters.into_iter().next(),
            _ => {
                let all = CompositeFilter { op: composite_filter::Operator::And.into(), filters };
                Some(Filter { filter_type: Some(FilterType::CompositeFilter(all)) })
            }
        };
        let order_by = shape.order.map_or_else(Vec::new, |(field, direction)| {
            let order = |field| Order { field: Some(reference(field)), direction: proto(direction).into() };
            if field == "__name__" { vec![order(field)] } else { vec![order(field), order("__name__")] }
        });
        StructuredQuery {
            select: only.map(|fields| Projection { fields: fields.iter().copied().map(reference).collect() }),
            from: vec![CollectionSelector {
                collection_id: shape.collection.to_owned(),
                all_descendants: shape.scope == Scope::Group,
            }],
            r#where: filters,
            order_by,
            start_at: start,
            end_at: None,
            offset: 0,
            limit,
            find_nearest: None,
        }
    }

    /// The number of documents, and the sums of the shape's fields, in its order.
    pub(super) fn build_sums(self) -> StructuredAggregationQuery {
        let count = aggregation::Operator::Count(aggregation::Count { up_to: None });
        let sum = |field: &&str| {
            let sum = aggregation::Sum { field: Some(reference(field)) };
            Aggregation { alias: (*field).to_owned(), operator: Some(aggregation::Operator::Sum(sum)) }
        };
        let sums = self.shape.sums.iter().map(sum);
        let count = Aggregation { alias: "count".to_owned(), operator: Some(count) };
        let aggregations = std::iter::once(count).chain(sums).collect();
        // The order says over which field the range is; a count has none.
        let query = StructuredQuery { order_by: vec![], ..self.build() };
        let query = structured_aggregation_query::QueryType::StructuredQuery(query);
        StructuredAggregationQuery { aggregations, query_type: Some(query) }
    }
}

fn reference(field: &str) -> FieldReference {
    FieldReference { field_path: field.to_owned() }
}

fn proto(direction: Direction) -> structured_query::Direction {
    match direction {
        Direction::Ascending => structured_query::Direction::Ascending,
        Direction::Descending => structured_query::Direction::Descending,
    }
}

pub(super) fn name_value(name: String) -> Value {
    Value { value_type: Some(ValueType::ReferenceValue(name)) }
}
