# The export scheduler: what is due gets its run, and runs are planned.
#
# A tick only creates runs and sends each a wake-up through Pub/Sub; planning is work of its own that resumes where it
# stopped. Two ticks at once, or none for hours, do no harm.

locals {
  # What is due, live exports or others, is found by either tick; together they tick every five minutes.
  ticks = {
    tick-hourly = { schedule = "0 * * * *", what = "Recurring exports that are due, and the catalogue." }
    tick-live   = { schedule = "5-55/5 * * * *", what = "Live exports, every five minutes." }
  }
}

module "export_scheduler" {
  source     = "./modules/service"
  depends_on = [google_project_service.api]

  name    = "export-scheduler"
  service = local.service
  image   = var.images["export-scheduler"]

  environment = merge(local.common_environment, {
    SPILLWAY_INVOKER_AUDIENCE = local.url["export-scheduler"]
    SPILLWAY_INVOKER_EMAILS   = module.export_scheduler.invoker_email
  })
  machine_invoked = true

  # A plan of 100,000 chunks is held in memory while it is written.
  timeout_secs  = 560
  concurrency   = 4
  max_instances = 10
  memory_mib    = 1024
}

resource "google_cloud_scheduler_job" "tick" {
  for_each = local.ticks

  name        = each.key
  description = each.value.what
  region      = var.region
  schedule    = each.value.schedule
  time_zone   = "Etc/UTC"
  # As long as the request may take; a tick that is cut off is made up for by the next.
  attempt_deadline = "560s"

  retry_config {
    retry_count          = 2
    min_backoff_duration = "10s"
    max_backoff_duration = "60s"
  }

  http_target {
    http_method = "POST"
    uri         = "${local.url["export-scheduler"]}/tick"

    oidc_token {
      service_account_email = module.export_scheduler.invoker_email
      audience              = local.url["export-scheduler"]
    }
  }
}
