# The failure checker: blocked buckets are tried again, lost messages sent again, people told.

locals {
  # Null where no mails are sent.
  mail_password_secret = try(var.mail.password_secret, null)

  # What is not given is left out, so that what is built in holds.
  mail_options = var.mail == null ? {} : { for name, value in {
    SPILLWAY_MAIL_SERVER   = var.mail.server
    SPILLWAY_MAIL_PORT     = tostring(var.mail.port)
    SPILLWAY_MAIL_SECURITY = var.mail.security
    SPILLWAY_MAIL_USER     = var.mail.user
    SPILLWAY_MAIL_FROM     = var.mail.from
    SPILLWAY_MAIL_NAME     = var.mail.name
    SPILLWAY_MAIL_BOUNCES  = var.mail.bounces
  } : name => value if value != null }
}

module "failure_checker" {
  source     = "./modules/service"
  depends_on = [google_project_service.api]

  name    = "failure-checker"
  service = local.service
  image   = var.images["failure-checker"]

  environment = merge(local.common_environment, local.mail_options, {
    SPILLWAY_INVOKER_AUDIENCE = local.url["failure-checker"]
    SPILLWAY_INVOKER_EMAILS   = module.failure_checker.invoker_email
    SPILLWAY_PUBLIC_URL       = coalesce(var.public_url, local.url["dashboard"])
  })
  secrets = {
    for name, secret in {
      SPILLWAY_MAIL_PASSWORD = local.mail_password_secret
    } : name => secret if secret != null
  }
  machine_invoked = true

  timeout_secs = 560
  # One check at a time is enough, and a second one does no harm.
  concurrency   = 1
  max_instances = 2
}

resource "google_cloud_scheduler_job" "check" {
  name             = "check-hourly"
  description      = "Blocked buckets, lost messages, notices that are owed."
  region           = var.region
  schedule         = "30 * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "560s"

  retry_config {
    retry_count          = 2
    min_backoff_duration = "30s"
    max_backoff_duration = "300s"
  }

  http_target {
    http_method = "POST"
    uri         = "${local.url["failure-checker"]}/check"

    oidc_token {
      service_account_email = module.failure_checker.invoker_email
      audience              = local.url["failure-checker"]
    }
  }
}

resource "google_cloud_scheduler_job" "notify" {
  name             = "notify"
  description      = "Deliveries that are owed to webhooks."
  region           = var.region
  schedule         = "*/5 * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "560s"

  # The next call goes on.
  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = "${local.url["failure-checker"]}/notify"

    oidc_token {
      service_account_email = module.failure_checker.invoker_email
      audience              = local.url["failure-checker"]
    }
  }
}
