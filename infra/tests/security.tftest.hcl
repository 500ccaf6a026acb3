# Who may do what, as it would be applied. Resources are mocked: nothing of Google is asked.

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

run "keys" {
  command = plan

  assert {
    condition     = toset(keys(google_kms_crypto_key_iam_member.decrypter)) == toset(["chunk-encoder", "credential-validator", "failure-checker"])
    error_message = "Only the validator, the encoder and the checker may decrypt."
  }
  assert {
    condition     = google_kms_crypto_key_iam_member.encrypter.role == "roles/cloudkms.cryptoKeyEncrypter"
    error_message = "The dashboard can only encrypt."
  }
  assert {
    condition     = google_kms_crypto_key.customer_keys.rotation_period != null
    error_message = "The key rotates."
  }
}

# README.md has the same as a table.
run "queues" {
  command = plan

  assert {
    condition     = toset(keys(module.chunks.publishers)) == toset(["chunk-encoder", "credential-validator", "export-scheduler", "failure-checker"])
    error_message = "The dashboard speaks to the scheduler, never to encoders."
  }
  assert {
    condition     = toset(keys(module.wakeups.publishers)) == toset(["chunk-encoder", "credential-validator", "dashboard", "export-scheduler", "failure-checker"])
    error_message = "Whoever makes or ends a run wakes the scheduler: all of them."
  }
}

run "iap" {
  command = plan

  assert {
    condition     = keys(module.dashboard.invokers) == ["iap"]
    error_message = "Behind Identity-Aware Proxy only the proxy may call."
  }
  assert {
    condition     = jsondecode(module.dashboard.environment.SPILLWAY_IDENTITY).audience == "/projects/123456789012/locations/europe-west1/services/dashboard"
    error_message = "The dashboard takes tokens for itself only."
  }
  assert {
    condition     = jsondecode(module.dashboard.environment.SPILLWAY_IDENTITY).claims == { default_account = 1, default_role = "editor" }
    error_message = "The account is a number, the role a word."
  }
  assert {
    condition     = output.outgoing_ips == ["203.0.113.7"] && module.dashboard.environment.SPILLWAY_OUTGOING_IPS == "203.0.113.7"
    error_message = "The static addresses are an output, and shown to customers."
  }
}

run "oidc" {
  command = plan

  variables {
    dashboard_identity = {
      kind     = "oidc"
      issuer   = "https://login.example.com/"
      audience = "spillway"
      jwks_url = "https://login.example.com/jwks.json"
    }
  }
  assert {
    condition     = module.dashboard.invokers == { anybody = "allUsers" } && !module.dashboard.iap
    error_message = "Whoever has a token of another issuer must reach the dashboard, which checks it."
  }
  assert {
    condition     = keys(jsondecode(module.dashboard.environment.SPILLWAY_IDENTITY)) == ["audience", "issuer", "jwks_url", "kind"]
    error_message = "What is not given is left out."
  }
  assert {
    condition     = length(google_iap_web_cloud_run_service_iam_member.people) == 0
    error_message = "Without the proxy nobody is let through it."
  }
}

run "internal" {
  command = plan

  assert {
    condition = alltrue([
      for service in [module.credential_validator, module.export_scheduler, module.chunk_encoder, module.failure_checker] :
      service.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY" && !contains(values(service.invokers), "allUsers") && length(service.invokers) == 1
    ])
    error_message = "All but the dashboard are internal, and called by one account."
  }
  assert {
    condition = alltrue([
      for service in [module.credential_validator, module.export_scheduler, module.chunk_encoder, module.failure_checker] :
      service.checks_callers_itself
    ]) && !module.dashboard.checks_callers_itself
    error_message = "Cloud Run must leave the signature on the tokens that functions check, and on no others."
  }
  assert {
    condition = alltrue([
      for service in [module.credential_validator, module.export_scheduler, module.chunk_encoder, module.failure_checker] :
      service.environment.SPILLWAY_INVOKER_AUDIENCE == "https://${service.name}-123456789012.europe-west1.run.app" && service.environment.SPILLWAY_INVOKER_EMAILS != ""
    ])
    error_message = "Each takes tokens for its own address, of named callers."
  }
  assert {
    condition     = alltrue([for job in values(google_cloud_scheduler_job.tick) : job.http_target[0].oidc_token[0].audience == module.export_scheduler.environment.SPILLWAY_INVOKER_AUDIENCE])
    error_message = "Ticks carry the audience that the scheduler expects."
  }
  assert {
    condition     = module.chunk_encoder.timeout_secs == 560 && module.chunks.ack_deadline_secs == 600
    error_message = "step < lease < request timeout ≤ ack deadline."
  }
}
