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
