# A topic, its push subscription, and where messages go that nobody could take.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

resource "google_pubsub_topic" "this" {
  #checkov:skip=CKV_GCP_83: Messages carry ids only, no key and no customer's data; Google's own encryption at rest will do.
  name = var.name

  message_storage_policy {
    allowed_persistence_regions = var.storage_regions
  }
}

resource "google_pubsub_topic" "dead" {
  #checkov:skip=CKV_GCP_83: The same messages: ids only, no key and no customer's data.
  name = "${var.name}-dead"

  message_storage_policy {
    allowed_persistence_regions = var.storage_regions
  }
}

resource "google_pubsub_subscription" "push" {
  name  = "${var.name}-push"
  topic = google_pubsub_topic.this.id
  # Pub/Sub's maximum. A step (480 s) ends before its lease (520 s), that before the request (560 s), that before this.
  ack_deadline_seconds       = 600
  message_retention_duration = "${7 * 24 * 3600}s"

  push_config {
    push_endpoint = var.push_url

    oidc_token {
      service_account_email = var.invoker_email
      audience              = var.audience
    }
  }

  # Busy is an answer too: ten seconds, then twice as long each time. A hundred attempts take 16 hours or more.
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = 100
  }

  # Without it Pub/Sub deletes a subscription that saw nothing for 31 days.
  expiration_policy {
    ttl = ""
  }

  depends_on = [google_pubsub_topic_iam_member.dead_publisher, google_service_account_iam_member.push_identity]
}

# Keeps what died until somebody has looked at it.
resource "google_pubsub_subscription" "dead" {
  name                       = "${var.name}-dead"
  topic                      = google_pubsub_topic.dead.id
  message_retention_duration = "${31 * 24 * 3600}s"
  ack_deadline_seconds       = 60

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub makes the invoker's ID tokens, and nothing else of it.
resource "google_service_account_iam_member" "push_identity" {
  service_account_id = var.invoker_id
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = var.pubsub_agent
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = var.publishers

  topic  = google_pubsub_topic.this.id
  role   = "roles/pubsub.publisher"
  member = each.value
}

# Pub/Sub itself moves what has died: it publishes there and acknowledges here.
resource "google_pubsub_topic_iam_member" "dead_publisher" {
  topic  = google_pubsub_topic.dead.id
  role   = "roles/pubsub.publisher"
  member = var.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead_acknowledger" {
  subscription = google_pubsub_subscription.push.id
  role         = "roles/pubsub.subscriber"
  member       = var.pubsub_agent
}
