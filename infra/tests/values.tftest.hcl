# What is refused before anything is planned, and what lists of indexes become.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
  mock_resource "google_service_account" {
    override_during = plan
    defaults = {
      email  = "one@example-spillway.iam.gserviceaccount.com"
      member = "serviceAccount:one@example-spillway.iam.gserviceaccount.com"
    }
  }
  mock_resource "google_compute_address" {
    override_during = plan
    defaults        = { address = "203.0.113.7" }
  }
  mock_resource "google_firestore_database" {
    override_during = plan
    defaults        = { id = "projects/example-spillway/databases/(default)" }
  }
}

mock_provider "google-beta" {
  mock_resource "google_project_service_identity" {
    override_during = plan
    defaults        = { member = "serviceAccount:service-123456789012@agents.example.com" }
  }
}

variables {
  project_id   = "example-spillway"
  region       = "europe-west1"
  alert_emails = ["oncall@example.com"]
  images = {
    dashboard            = "europe-west1-docker.pkg.dev/example-spillway/spillway/dashboard@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    credential-validator = "europe-west1-docker.pkg.dev/example-spillway/spillway/credential-validator@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    export-scheduler     = "europe-west1-docker.pkg.dev/example-spillway/spillway/export-scheduler@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    chunk-encoder        = "europe-west1-docker.pkg.dev/example-spillway/spillway/chunk-encoder@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    failure-checker      = "europe-west1-docker.pkg.dev/example-spillway/spillway/failure-checker@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  }
  dashboard_identity = {
    kind            = "iap"
    members         = ["group:exports@example.com"]
    default_account = 1
    claims          = { default_role = "editor" }
  }
}

run "an_image_by_tag" {
  command = plan
  variables {
    images = merge(var.images, { dashboard = "europe-west1-docker.pkg.dev/example-spillway/spillway/dashboard:latest" })
  }
  expect_failures = [var.images]
}

run "an_image_too_few" {
  command = plan
  variables {
    images = { dashboard = var.images.dashboard }
  }
  expect_failures = [var.images]
}

run "everybody_behind_iap" {
  command = plan
  variables {
    dashboard_identity = { kind = "iap", members = ["allUsers"] }
  }
  expect_failures = [var.dashboard_identity]
}

run "nobody_behind_iap" {
  command = plan
  variables {
    dashboard_identity = { kind = "iap" }
  }
  expect_failures = [var.dashboard_identity]
}

run "keys_in_the_clear" {
  command = plan
  variables {
    dashboard_identity = { kind = "oidc", issuer = "i", audience = "a", jwks_url = "http://login.example.com/jwks.json" }
  }
  expect_failures = [var.dashboard_identity]
}

run "no_login" {
  command = plan
  variables {
    dashboard_identity = { kind = "local" }
  }
  expect_failures = [var.dashboard_identity]
}

run "a_small_encoder" {
  command = plan
  variables {
    encoder = { concurrency = 2, memory_mib = 512 }
  }
  expect_failures = [var.encoder]
}

run "a_crowded_encoder" {
  command = plan
  variables {
    encoder = { concurrency = 3, memory_mib = 2048 }
  }
  expect_failures = [var.encoder]
}

run "a_star_as_ancestor" {
  command = plan
  variables {
    frame_ancestors = ["https://*"]
  }
  expect_failures = [var.frame_ancestors]
}

run "a_public_writer" {
  command = plan
  variables {
    lake_writers = ["allUsers"]
  }
  expect_failures = [var.lake_writers]
}

run "a_short_memory" {
  command = plan
  variables {
    lake_delete_after_days = 30
  }
  expect_failures = [var.lake_delete_after_days]
}

run "an_alert_to_nobody" {
  command = plan
  variables {
    alert_emails = []
  }
  expect_failures = [var.alert_emails]
}

run "a_limit_of_nothing" {
  command = plan
  variables {
    dashboard_limits = { streams = 0 }
  }
  expect_failures = [var.dashboard_limits]
}

run "indexes" {
  command = plan

  assert {
    condition     = length(google_firestore_index.composite) == length([for index in jsondecode(file("firestore.indexes.json")).indexes : index if length(index.fields) > 1])
    error_message = "Each composite index that is listed is made, once."
  }
  assert {
    condition     = alltrue([for field in jsondecode(file("firestore.indexes.json")).exemptions : length(google_firestore_field.this["${field.collection}/${field.path}"].index_config[0].indexes) == 0])
    error_message = "An exempt field has no index."
  }
  assert {
    condition     = alltrue([for field in jsondecode(file("firestore.indexes.json")).ttl : length(google_firestore_field.this["${field.collection}/${field.path}"].ttl_config) == 1])
    error_message = "A field with an expiry expires its documents."
  }
}

run "limits" {
  command = plan
  variables {
    dashboard_limits = { writes_per_minute = 60 }
  }
  assert {
    condition     = jsondecode(module.dashboard.environment.SPILLWAY_LIMITS) == { writes_per_minute = 60 }
    error_message = "Only the limits that are given are set."
  }
}

run "a_limit_of_one_account" {
  command = plan
  variables {
    dashboard_limits = { streams_per_account = 3 }
  }
  assert {
    condition     = jsondecode(module.dashboard.environment.SPILLWAY_LIMITS) == { streams_per_account = 3 }
    error_message = "Each limit that the dashboard knows can be set."
  }
}

run "more_encoders_than_quota" {
  command = plan
  variables {
    encoder = { max_instances = 9 }
  }
  expect_failures = [var.encoder]
}

run "as_many_encoders_as_quota" {
  command = plan
  variables {
    cloud_run_vcpus = 204
    encoder         = { max_instances = 100 }
  }
  assert {
    condition     = var.encoder.max_instances * var.encoder.cpu + 4 == var.cloud_run_vcpus
    error_message = "With quota there can be more."
  }
}

run "logs_that_alerts_do_not_see" {
  command = plan
  variables {
    log_level = "warn"
  }
  expect_failures = [var.log_level]
}

run "a_quiet_checker" {
  command = plan
  variables {
    log_level = "info,failure_checker::check=warn"
  }
  expect_failures = [var.log_level]
}

run "logs_with_a_quiet_library" {
  command = plan
  variables {
    log_level = "info,h2=warn,spillway::adapters=debug"
  }
  assert {
    condition     = module.chunk_encoder.environment.SPILLWAY_LOG == "info,h2=warn,spillway::adapters=debug"
    error_message = "Libraries may be quieter, and ours louder."
  }
}

run "runs_once_a_day" {
  command = plan

  assert {
    condition = alltrue([
      for condition in google_monitoring_alert_policy.no_run[0].conditions : length(condition.condition_absent) == 0
    ]) && google_monitoring_alert_policy.no_run[0].conditions[0].condition_threshold[0].aggregations[0].alignment_period == "88200s"
    error_message = "Of runs a day apart none is missed, and within the 25 hours that Cloud Monitoring looks back."
  }
}

run "runs_every_four_hours" {
  command = plan
  variables {
    no_run_alert_hours = 4
  }
  assert {
    condition     = length(google_monitoring_alert_policy.no_run[0].conditions) == 2
    error_message = "Silence is noticed too."
  }
}

run "runs_less_than_once_a_day" {
  command = plan
  variables {
    no_run_alert_hours = 25
  }
  expect_failures = [var.no_run_alert_hours]
}

run "mails_in_the_open" {
  command = plan
  variables {
    mail = { server = "smtp.example.com", from = "exports@example.com", security = "plain" }
  }
  expect_failures = [var.mail]
}

run "a_user_without_a_password" {
  command = plan
  variables {
    mail = { server = "smtp.example.com", from = "exports@example.com", user = "exports" }
  }
  expect_failures = [var.mail]
}

run "a_port_that_is_closed" {
  command = plan
  variables {
    mail = { server = "smtp.example.com", from = "exports@example.com", port = 25 }
  }
  expect_failures = [var.mail]
}
