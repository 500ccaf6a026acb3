# Faults that `terraform validate` must see; terraform_checks.py lists them.

terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
}

resource "google_storage_bucket" "no_place" {
  name   = "no-place"
  colour = "green"
}

resource "google_no_such_thing" "this" {
  name = "nothing"
}

resource "google_cloud_run_v2_service" "open" {
  name     = "open"
  location = var.nobody_declared_it
  ingress  = "INGRESS_TRAFFIC_INTERNAL_ONLY"
}

resource "google_cloud_run_v2_service" "wide" {
  name     = "wide"
  location = "europe-west1"
  ingress  = "INGRESS_TRAFFIC_EVERYBODY"

  template {}
}
