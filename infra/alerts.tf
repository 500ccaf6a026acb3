# Alerts about exports: runs that do not end well, messages that nobody takes. Each carries its playbook whole, so that
# whoever is woken reads what to do in the mail itself.

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.alert_emails)

  display_name = "Spillway: ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }
  depends_on   = [google_project_service.api]
}

locals {
  channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  is_run   = "resource.type = \"cloud_run_revision\""
  is_queue = "resource.type = \"pubsub_subscription\""
  # Half an hour more: runs of a day are not all equally long. Cloud Monitoring looks back for 25 hours at most, retest
  # included.
  no_run_secs = var.no_run_alert_hours * 3600 + 1800
  succeeded   = "${local.is_run} AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.runs_closed.name}\" AND metric.labels.status = monitoring.regex.full_match(\"(?i)(done|empty)\")"
}

resource "google_monitoring_alert_policy" "no_run" {
  count = var.no_run_alert_hours == 0 ? 0 : 1

  display_name          = "Spillway: no run has succeeded for ${var.no_run_alert_hours} hours"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "No run has ended DONE or EMPTY"

    condition_threshold {
      filter                  = local.succeeded
      comparison              = "COMPARISON_LT"
      threshold_value         = 1
      duration                = "300s"
      evaluation_missing_data = "EVALUATION_MISSING_DATA_ACTIVE"

      aggregations {
        alignment_period     = "${local.no_run_secs}s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  # Absence is noticed for 23.5 hours at most; beyond that the other condition, which takes missing data for none, has to do.
  dynamic "conditions" {
    for_each = local.no_run_secs <= 84600 ? [local.no_run_secs] : []

    content {
      display_name = "Nothing is heard of runs at all"

      condition_absent {
        filter   = local.succeeded
        duration = "${conditions.value}s"

        aggregations {
          alignment_period     = "300s"
          per_series_aligner   = "ALIGN_DELTA"
          cross_series_reducer = "REDUCE_SUM"
        }
      }
    }
  }

  documentation {
    content   = file("${path.module}/playbooks/no-run.md")
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "incomplete" {
  display_name          = "Spillway: a run is incomplete"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "A run has ended INCOMPLETE"

    condition_threshold {
      filter          = "${local.is_run} AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.runs_closed.name}\" AND metric.labels.status = monitoring.regex.full_match(\"(?i)incomplete\")"
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = file("${path.module}/playbooks/incomplete-run.md")
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "dead_letters" {
  display_name          = "Spillway: dead letters"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "A message lies in a dead-letter subscription"

    condition_threshold {
      filter          = "${local.is_queue} AND metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.labels.subscription_id = one_of(\"${module.chunks.dead_subscription}\", \"${module.wakeups.dead_subscription}\")"
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    content   = file("${path.module}/playbooks/dead-letters.md")
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "oldest_message" {
  display_name          = "Spillway: messages wait for too long"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "The oldest message is older than ${var.oldest_message_alert_minutes} minutes"

    condition_threshold {
      filter          = "${local.is_queue} AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.labels.subscription_id = one_of(\"${module.chunks.subscription}\", \"${module.wakeups.subscription}\")"
      comparison      = "COMPARISON_GT"
      threshold_value = var.oldest_message_alert_minutes * 60
      duration        = "300s"

      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    content   = file("${path.module}/playbooks/oldest-message.md")
    mime_type = "text/markdown"
  }
}
