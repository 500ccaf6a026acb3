# The key that wraps the data keys under which customers' service account keys are sealed.

resource "google_kms_key_ring" "this" {
  name       = "spillway"
  location   = var.region
  depends_on = [google_project_service.api]

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key" "customer_keys" {
  name            = "customer-keys"
  key_ring        = google_kms_key_ring.this.id
  purpose         = "ENCRYPT_DECRYPT"
  rotation_period = "7776000s" # 90 days
  # Old versions go on decrypting what they encrypted. Destroying one is final for every key sealed under it.
  destroy_scheduled_duration = "${30 * 24 * 3600}s"

  version_template {
    algorithm        = "GOOGLE_SYMMETRIC_ENCRYPTION"
    protection_level = "SOFTWARE"
  }

  lifecycle {
    prevent_destroy = true
  }
}

# Only who uses a customer's key can open it. The scheduler can do neither.
resource "google_kms_crypto_key_iam_member" "decrypter" {
  for_each = {
    credential-validator = module.credential_validator.member
    chunk-encoder        = module.chunk_encoder.member
    failure-checker      = module.failure_checker.member
  }

  crypto_key_id = google_kms_crypto_key.customer_keys.id
  role          = "roles/cloudkms.cryptoKeyDecrypter"
  member        = each.value
}

# Who takes a customer's key can seal it, and never see one again.
resource "google_kms_crypto_key_iam_member" "encrypter" {
  crypto_key_id = google_kms_crypto_key.customer_keys.id
  role          = "roles/cloudkms.cryptoKeyEncrypter"
  member        = module.dashboard.member
}

# Each use of the key leaves a trace, with who it was.
resource "google_project_iam_audit_config" "kms" {
  project = var.project_id
  service = "cloudkms.googleapis.com"

  audit_log_config {
    log_type = "ADMIN_READ"
  }
  audit_log_config {
    log_type = "DATA_READ"
  }
  audit_log_config {
    log_type = "DATA_WRITE"
  }
}
