# What others need of a service.

output "name" {
  description = "Its name."
  value       = google_cloud_run_v2_service.this.name
}

output "email" {
  description = "What it runs as."
  value       = google_service_account.this.email
}

output "member" {
  description = "What it runs as, as a member."
  value       = google_service_account.this.member
}

output "invoker_id" {
  description = "The same account, as a resource's name; null where there is none."
  value       = one(google_service_account.invoker[*].name)
}

output "invoker_email" {
  description = "As whom Pub/Sub and Cloud Scheduler call it; null where they do not."
  value       = one(google_service_account.invoker[*].email)
}

# For the tests: what it was told.

output "environment" {
  description = "Its environment."
  value       = var.environment
}

output "invokers" {
  description = "Who may call it."
  value       = { for name, grant in google_cloud_run_v2_service_iam_member.invoker : name => grant.member }
}

output "ingress" {
  description = "Whence calls may come."
  value       = google_cloud_run_v2_service.this.ingress
}

output "checks_callers_itself" {
  description = "Whether tokens arrive whole, for the function to check."
  value       = google_cloud_run_v2_service.this.invoker_iam_disabled
}

output "iap" {
  description = "Whether Identity-Aware Proxy stands in front."
  value       = google_cloud_run_v2_service.this.iap_enabled
}

output "timeout_secs" {
  description = "How long a request may take."
  value       = var.timeout_secs
}
