# Alerts about what the failure checker says of its rounds, which are an hour apart.

locals {
  # Longer than a round's distance, so that what lasts is one incident.
  rounds = "5400s"
}

resource "google_monitoring_alert_policy" "findings" {
  display_name          = "Spillway: something is unwell"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "The failure checker finds something"

    condition_threshold {
      filter          = "${local.is_run} AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.findings.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = local.rounds
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["metric.label.finding"]
      }
    }
  }

  documentation {
    content   = file("${path.module}/playbooks/findings.md")
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "mails" {
  display_name          = "Spillway: mails to customers are not sent"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "Mails cannot be sent, or one is given up"

    condition_threshold {
      filter          = "${local.is_run} AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.mails_unsent.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = local.rounds
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = file("${path.module}/playbooks/mails.md")
    mime_type = "text/markdown"
  }
}
