# What all files share: the project, its APIs, names that are known beforehand, and Google's service agents.

data "google_project" "this" {
  project_id = var.project_id
}

locals {
  apis = toset([
    "artifactregistry.googleapis.com",
    "cloudkms.googleapis.com",
    "cloudscheduler.googleapis.com",
    "compute.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iap.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
  ])

  # Cloud Run's deterministic address. Known before the service exists, so that services can name each other, and
  # themselves as the audience of tokens, without going round in circles.
  url = {
    for name in keys(var.images) :
    name => "https://${name}-${data.google_project.this.number}.${var.region}.run.app"
  }

  # The same for every service. What a service may do with it is for IAM to say.
  common_environment = {
    SPILLWAY_PROJECT_ID           = var.project_id
    SPILLWAY_FIRESTORE_DATABASE   = google_firestore_database.this.name
    SPILLWAY_LAKE_URL             = trimsuffix("gs://${google_storage_bucket.lake.name}/${var.lake_prefix}", "/")
    SPILLWAY_CHUNKS_TOPIC         = module.chunks.topic
    SPILLWAY_WAKEUPS_TOPIC        = module.wakeups.topic
    SPILLWAY_KMS_KEY              = google_kms_crypto_key.customer_keys.id
    SPILLWAY_LOG                  = var.log_level
    SPILLWAY_OUTSTANDING_MESSAGES = tostring(var.outstanding_messages)
  }

  # The same for every use of modules/service.
  service = {
    project_id = var.project_id
    region     = var.region
    network    = google_compute_network.this.id
    subnetwork = google_compute_subnetwork.this.id
    tag        = local.network_tag
    store_role = google_project_iam_custom_role.store.id
    database   = google_firestore_database.this.id
    protected  = var.deletion_protection
  }

  pubsub_agent = google_project_service_identity.pubsub.member
}

resource "google_project_service" "api" {
  for_each = local.apis

  service = each.value
  # Turning an API off takes everything behind it down, also what others made.
  disable_on_destroy = false
}

resource "google_project_service_identity" "pubsub" {
  provider = google-beta

  service    = "pubsub.googleapis.com"
  depends_on = [google_project_service.api]
}

resource "google_project_service_identity" "iap" {
  provider = google-beta

  service    = "iap.googleapis.com"
  depends_on = [google_project_service.api]
}
