# Which Terraform and which providers; where the state lies.

terraform {
  required_version = ">= 1.11"

  # Half a configuration: the bucket's name is given to `terraform init` (README.md).
  backend "gcs" {
    prefix = "spillway"
  }

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
    # Only for what the other one has not: Identity-Aware Proxy in front of Cloud Run, and service agents.
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 6.50"
    }
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
}

provider "google-beta" {
  project = var.project_id
  region  = var.region
}
