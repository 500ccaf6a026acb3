# Numbers that are counted from the logs.

locals {
  run_logs = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(${join(" OR ", [for name in sort(keys(var.images)) : "\"${name}\""])})"
}

# A line for each run that has ended, by how: DONE, EMPTY, STOPPED, INCOMPLETE.
resource "google_logging_metric" "runs_closed" {
  name        = "spillway/runs_closed"
  description = "Runs that have ended, by status."
  filter      = "${local.run_logs} AND jsonPayload.message=\"a run is closed\""
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
  description = "Log lines of severity ERROR and above."
  filter      = "${local.run_logs} AND severity>=ERROR"
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
