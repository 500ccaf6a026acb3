# One function on Cloud Run: its service account, its service, and who may call it.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
    google-beta = {
      source = "hashicorp/google-beta"
    }
  }
}

resource "google_service_account" "this" {
  account_id   = var.name
  display_name = "Spillway ${var.name}"
  description  = "What ${var.name} runs as."
}

# As whom Pub/Sub and Cloud Scheduler call; it can do nothing else.
resource "google_service_account" "invoker" {
  count = var.machine_invoked ? 1 : 0

  account_id   = "${var.name}-invoker"
  display_name = "Spillway ${var.name} invoker"
  description  = "As whom Pub/Sub and Cloud Scheduler call ${var.name}."
}

# Of this database only, whatever else the project may have one day.
resource "google_project_iam_member" "store" {
  project = var.service.project_id
  role    = var.service.store_role
  member  = google_service_account.this.member

  condition {
    title      = "spillway database"
    expression = "resource.name == \"${var.service.database}\""
  }
}

# Of the secrets that it is told. They are made and filled by hand, so that no value is in Terraform's state.
resource "google_secret_manager_secret_iam_member" "told" {
  for_each = var.secrets

  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.this.member
}

resource "google_cloud_run_v2_service" "this" {
  provider = google-beta

  name                = var.name
  location            = var.service.region
  ingress             = var.ingress
  launch_stage        = var.iap ? "BETA" : "GA"
  iap_enabled         = var.iap
  deletion_protection = var.service.protected

  # Where Cloud Run checks a caller's token itself, it takes the signature off before the container sees it, and the
  # functions, which check every token themselves and cannot be told not to, would refuse all calls. Nothing from outside
  # reaches them.
  invoker_iam_disabled = var.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY"

  template {
    service_account                  = google_service_account.this.email
    timeout                          = "${var.timeout_secs}s"
    max_instance_request_concurrency = var.concurrency
    # The second generation's network is the faster one, where bytes are moved; else Cloud Run chooses.
    execution_environment = var.heavy ? "EXECUTION_ENVIRONMENT_GEN2" : null

    scaling {
      min_instance_count = var.min_instances
      max_instance_count = var.max_instances
    }

    # Everything, so that calls between services count as internal and all else leaves by the static addresses.
    vpc_access {
      egress = "ALL_TRAFFIC"

      network_interfaces {
        network    = var.service.network
        subnetwork = var.service.subnetwork
        tags       = [var.service.tag]
      }
    }

    containers {
      image = var.image

      # PORT is Cloud Run's to set.
      ports {
        container_port = 8080
      }

      dynamic "env" {
        for_each = var.environment

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secrets

        content {
          name = env.key

          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }

      resources {
        limits = {
          cpu    = tostring(var.cpu)
          memory = "${var.memory_mib}Mi"
        }
        # Paid for while it works; nothing is done between requests.
        cpu_idle          = true
        startup_cpu_boost = true
      }

      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 30

        http_get {
          path = "/healthz"
        }
      }

      liveness_probe {
        period_seconds    = 30
        timeout_seconds   = 5
        failure_threshold = 4

        http_get {
          path = "/healthz"
        }
      }
    }
  }

  # Said, so that the next apply ends a rollback that was made by hand.
  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  # A service without its rights would start and fail.
  depends_on = [google_project_iam_member.store, google_secret_manager_secret_iam_member.told]
}

# Of internal functions it says who calls, and Cloud Run does not ask (`invoker_iam_disabled`): SPILLWAY_INVOKER_EMAILS
# decides.
resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = merge(
    var.invokers,
    var.machine_invoked ? { invoker = google_service_account.invoker[0].member } : {},
  )

  name     = google_cloud_run_v2_service.this.name
  location = google_cloud_run_v2_service.this.location
  role     = "roles/run.invoker"
  member   = each.value
}
