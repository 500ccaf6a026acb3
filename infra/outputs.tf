# What an operator needs after an apply.

output "dashboard_url" {
  description = "Where people go."
  value       = coalesce(var.public_url, local.url["dashboard"])
}

output "service_urls" {
  description = "Each function's address; of those that are called from inside, the audience of callers' tokens too."
  value       = local.url
}

output "outgoing_ips" {
  description = "For customers' allow-lists: whence webhooks, mail and everything that is no Google API come."
  value       = local.outgoing_ips
}

output "vpc_network" {
  description = "For customers who filter their bucket by network: writes to Cloud Storage come from here (README.md)."
  value       = google_compute_network.this.id
}

output "vpc_range" {
  description = "The addresses in that network."
  value       = google_compute_subnetwork.this.ip_cidr_range
}

output "lake_url" {
  description = "Where the platform puts its files."
  value       = local.common_environment.SPILLWAY_LAKE_URL
}

output "image_repository" {
  description = "Where Cloud Build pushes images."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
}

output "service_accounts" {
  description = "What each function runs as."
  value = {
    dashboard            = module.dashboard.email
    credential-validator = module.credential_validator.email
    export-scheduler     = module.export_scheduler.email
    chunk-encoder        = module.chunk_encoder.email
    failure-checker      = module.failure_checker.email
  }
}
