# What a queue is told.

variable "name" {
  description = "The topic's name."
  type        = string
}

variable "push_url" {
  description = "Where messages are pushed."
  type        = string
}

variable "audience" {
  description = "The audience of the token that comes with each message."
  type        = string
}

variable "invoker_email" {
  description = "The service account as which messages are pushed."
  type        = string
}

variable "invoker_id" {
  description = "The same account, as a resource's name."
  type        = string
}

variable "pubsub_agent" {
  description = "Pub/Sub's own service agent, as a member."
  type        = string
}

variable "storage_regions" {
  description = "Where messages may be stored."
  type        = list(string)
}

variable "publishers" {
  description = "Who may publish: a name for each member."
  type        = map(string)
}
