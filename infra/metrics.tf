# Numbers that are counted from the logs. The texts are those of the functions' lines; a test looks for each in their source.

locals {
  run_logs = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(${join(" OR ", [for name in sort(keys(var.images)) : "\"${name}\""])})"
  # What the functions say themselves. Cloud Run's own lines of requests have severities too: a 503 counts as an error there,
  # and is how a function says "busy".
  said = "${local.run_logs} AND logName=\"projects/${var.project_id}/logs/run.googleapis.com%2Fstdout\""
}

# A line for each run that has ended, by how: DONE, EMPTY, STOPPED, INCOMPLETE.
resource "google_logging_metric" "runs_closed" {
  name        = "spillway/runs_closed"
  description = "Runs that have ended, by status."
  filter      = "${local.said} AND jsonPayload.message=\"a run is closed\""
  depends_on  = [google_project_service.api]

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    labels {
      key         = "status"
      value_type  = "STRING"
      description = "How it ended."
    }
  }

  label_extractors = {
    status = "EXTRACT(jsonPayload.status)"
  }
}

resource "google_logging_metric" "errors" {
  name        = "spillway/errors"
  description = "The functions' lines of severity ERROR and above."
  filter      = "${local.said} AND severity>=ERROR"
  depends_on  = [google_project_service.api]

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

# What must come again and again. Requests that succeed say less: the checker is also called for webhooks, and the
# scheduler for wake-ups.
resource "google_logging_metric" "done" {
  for_each = {
    ticks_done  = "a tick is done"
    rounds_done = "a round is done"
  }

  name        = "spillway/${each.key}"
  description = "Lines \"${each.value}\"."
  filter      = "${local.said} AND jsonPayload.message=\"${each.value}\""
  depends_on  = [google_project_service.api]

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

# The checker says in each of its rounds what is unwell, as long as it is.
resource "google_logging_metric" "findings" {
  name        = "spillway/findings"
  description = "What the failure checker finds unwell, by kind."
  filter      = "${local.said} AND jsonPayload.finding:*"
  depends_on  = [google_project_service.api]

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    labels {
      key         = "finding"
      value_type  = "STRING"
      description = "no_success, no_run, unexpectedly_empty or misfiled."
    }
  }

  label_extractors = {
    finding = "EXTRACT(jsonPayload.finding)"
  }
}

# Customers are not told: the mail server takes nothing, or refuses one mail for good.
resource "google_logging_metric" "mails_unsent" {
  name        = "spillway/mails_unsent"
  description = "Rounds in which mails could not be sent, and mails that were given up."
  filter      = "${local.said} AND jsonPayload.message=(\"mails cannot be sent; they wait for the next round\" OR \"a mail is given up\")"
  depends_on  = [google_project_service.api]

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

# Cloud Run says so in a line of its own when it kills an instance.
resource "google_logging_metric" "out_of_memory" {
  name        = "spillway/out_of_memory"
  description = "Instances that Cloud Run killed for their memory."
  filter      = "${local.run_logs} AND logName:\"run.googleapis.com%2Fvarlog%2Fsystem\" AND textPayload:\"Memory limit of\""
  depends_on  = [google_project_service.api]

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}
