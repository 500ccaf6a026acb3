# The store: one database, the indexes that the code's queries need, fields that need none, and documents that expire.
#
# firestore.indexes.json says what; a test compares it with the queries that the code can make.

locals {
  firestore = jsondecode(file("${path.module}/firestore.indexes.json"))

  # A field of one collection has automatic indexes; of a collection group it is a field's setting, not a composite index.
  composite = { for index in local.firestore.indexes : join("/", concat(
    [index.collection, index.scope],
    [for field in index.fields : "${field.path}:${lookup(field, "order", "CONTAINS")}"],
  )) => index if length(index.fields) > 1 }
  group = { for index in local.firestore.indexes : "${index.collection}/${index.fields[0].path}" => index if length(index.fields) == 1 }

  exempt = { for field in local.firestore.exemptions : "${field.collection}/${field.path}" => field }
  ttl    = { for field in local.firestore.ttl : "${field.collection}/${field.path}" => field }
  # One resource a field, whatever is said of it.
  fields = merge(local.group, local.exempt, local.ttl)
}

resource "google_firestore_database" "this" {
  name                              = var.firestore_database
  location_id                       = coalesce(var.firestore_location, var.region)
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "PESSIMISTIC"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = "ABANDON"
  depends_on                        = [google_project_service.api]

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_firestore_backup_schedule" "daily" {
  database  = google_firestore_database.this.name
  retention = "${14 * 24 * 3600}s"

  daily_recurrence {}
}

resource "google_firestore_index" "composite" {
  for_each = local.composite

  database    = google_firestore_database.this.name
  collection  = each.value.collection
  query_scope = each.value.scope

  dynamic "fields" {
    for_each = each.value.fields

    content {
      field_path   = fields.value.path
      order        = lookup(fields.value, "order", null)
      array_config = lookup(fields.value, "array", null)
    }
  }
}

resource "google_firestore_field" "this" {
  for_each = local.fields

  database   = google_firestore_database.this.name
  collection = each.value.collection
  field      = try(each.value.path, each.value.fields[0].path)

  # An empty one takes the automatic indexes away; none leaves them.
  dynamic "index_config" {
    for_each = contains(keys(local.exempt), each.key) || contains(keys(local.group), each.key) ? [each.key] : []

    content {
      dynamic "indexes" {
        for_each = contains(keys(local.exempt), each.key) ? [] : ["ASCENDING", "DESCENDING"]

        content {
          order       = indexes.value
          query_scope = "COLLECTION"
        }
      }

      dynamic "indexes" {
        for_each = contains(keys(local.group), each.key) ? local.group[each.key].fields : []

        content {
          order       = indexes.value.order
          query_scope = "COLLECTION_GROUP"
        }
      }
    }
  }

  dynamic "ttl_config" {
    for_each = contains(keys(local.ttl), each.key) ? [each.key] : []

    content {}
  }
}
