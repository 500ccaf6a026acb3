# The lake's bucket: others append to it, the services read it.

resource "google_storage_bucket" "lake" {
  #checkov:skip=CKV_GCP_78: Lake files are never rewritten; soft delete brings back what was deleted, versions would only cost.
  #checkov:skip=CKV_GCP_62: Cloud Audit Logs tell who read and wrote; usage logs would need a bucket more and tell less.
  name                        = coalesce(var.lake_bucket, "${var.project_id}-lake")
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  depends_on                  = [google_project_service.api]

  soft_delete_policy {
    retention_duration_seconds = 30 * 24 * 3600
  }

  dynamic "lifecycle_rule" {
    for_each = var.lake_delete_after_days == 0 ? [] : [var.lake_delete_after_days]

    content {
      condition {
        age = lifecycle_rule.value
      }
      action {
        type = "Delete"
      }
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# The dashboard asks whether an account has data, and reads footers for an estimate; the scheduler plans; the encoder
# reads rows; the checker looks for files in wrong folders.
resource "google_storage_bucket_iam_member" "lake_reader" {
  for_each = {
    dashboard        = module.dashboard.member
    export-scheduler = module.export_scheduler.member
    chunk-encoder    = module.chunk_encoder.member
    failure-checker  = module.failure_checker.member
  }

  bucket = google_storage_bucket.lake.name
  role   = google_project_iam_custom_role.lake_reader.id
  member = each.value
}

# Who wrote, and who read that is none of the readers above: they read all day long, and their reads are no news.
resource "google_project_iam_audit_config" "storage" {
  project = var.project_id
  service = "storage.googleapis.com"

  audit_log_config {
    log_type = "ADMIN_READ"
  }
  audit_log_config {
    log_type = "DATA_WRITE"
  }
  audit_log_config {
    log_type         = "DATA_READ"
    exempted_members = [for reader in google_storage_bucket_iam_member.lake_reader : reader.member]
  }
}

resource "google_storage_bucket_iam_member" "lake_writer" {
  for_each = toset(var.lake_writers)

  bucket = google_storage_bucket.lake.name
  role   = "roles/storage.objectCreator"
  member = each.value
}
