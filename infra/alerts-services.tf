# Alerts about the services themselves: errors, and silence.

resource "google_monitoring_alert_policy" "server_errors" {
  display_name          = "Spillway: a service answers 5xx"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  # 503 is how a function tells Pub/Sub to send a message again: busy is no error. It counts where people wait.
  conditions {
    display_name = "5xx but 503"

    condition_threshold {
      filter          = "${local.is_run} AND metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"5xx\" AND metric.labels.response_code != \"503\""
      comparison      = "COMPARISON_GT"
      threshold_value = 5
      duration        = "0s"

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.label.service_name"]
      }
    }
  }

  conditions {
    display_name = "503 of services that take no messages"

    condition_threshold {
      filter          = "${local.is_run} AND metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code = \"503\" AND resource.labels.service_name = one_of(\"dashboard\", \"credential-validator\", \"failure-checker\")"
      comparison      = "COMPARISON_GT"
      threshold_value = 5
      duration        = "0s"

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.label.service_name"]
      }
    }
  }

  # Half an hour of hardly anything else is not busy, it is broken.
  conditions {
    display_name = "503 for more than 9 in 10 messages"

    condition_threshold {
      filter             = "${local.is_run} AND metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code = \"503\" AND resource.labels.service_name = one_of(\"chunk-encoder\", \"export-scheduler\")"
      denominator_filter = "${local.is_run} AND metric.type = \"run.googleapis.com/request_count\" AND resource.labels.service_name = one_of(\"chunk-encoder\", \"export-scheduler\")"
      comparison         = "COMPARISON_GT"
      threshold_value    = 0.9
      duration           = "1800s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.label.service_name"]
      }
      denominator_aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.label.service_name"]
      }
    }
  }

  documentation {
    content   = file("${path.module}/playbooks/server-errors.md")
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "errors_logged" {
  display_name          = "Spillway: many errors are logged"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "More than 20 lines of severity ERROR in 10 minutes"

    condition_threshold {
      filter          = "${local.is_run} AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.errors.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 20
      duration        = "0s"

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.label.service_name"]
      }
    }
  }

  documentation {
    content   = file("${path.module}/playbooks/errors-logged.md")
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "out_of_memory" {
  display_name          = "Spillway: an instance ran out of memory"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "Cloud Run killed an instance for its memory"

    condition_threshold {
      filter          = "${local.is_run} AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.out_of_memory.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.label.service_name"]
      }
    }
  }

  documentation {
    content   = file("${path.module}/playbooks/out-of-memory.md")
    mime_type = "text/markdown"
  }
}

# What should never be silent. Missing numbers mean that nobody ticks, not that all is well. The queues are not here: they
# may be idle for weeks, and a tick that cannot send its wake-ups fails by itself. Lines are counted and not requests: a
# request that succeeds may be another one, and a tick that breaks off is none.
resource "google_monitoring_alert_policy" "silence" {
  display_name          = "Spillway: nobody ticks, or nobody checks"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "No tick is done for 30 minutes"

    condition_absent {
      filter   = "${local.is_run} AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.done["ticks_done"].name}\""
      duration = "1800s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  conditions {
    display_name = "No round is done for 3 hours"

    condition_absent {
      filter   = "${local.is_run} AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.done["rounds_done"].name}\""
      duration = "10800s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = file("${path.module}/playbooks/silence.md")
    mime_type = "text/markdown"
  }
}
