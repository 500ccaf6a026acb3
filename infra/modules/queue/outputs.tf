# What others need of a queue.

output "topic" {
  description = "The topic's short name."
  value       = google_pubsub_topic.this.name
}

output "subscription" {
  description = "The push subscription's short name."
  value       = google_pubsub_subscription.push.name
}

output "dead_subscription" {
  description = "The short name of the subscription that keeps what has died."
  value       = google_pubsub_subscription.dead.name
}

output "ack_deadline_secs" {
  description = "How long Pub/Sub waits for an answer."
  value       = google_pubsub_subscription.push.ack_deadline_seconds
}

output "publishers" {
  description = "Who may publish."
  value       = { for name, grant in google_pubsub_topic_iam_member.publisher : name => grant.member }
}
