# What a service is told.

variable "name" {
  description = "The function's name; its service account's too."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z-]{4,20}[a-z]$", var.name))
    error_message = "At most 22 letters and hyphens: with -invoker it must still be a service account's name."
  }
}

variable "service" {
  description = "What is the same for all services."
  type = object({
    project_id = string
    region     = string
    network    = string
    subnetwork = string
    tag        = string
    store_role = string
    database   = string
    protected  = bool
  })
}

variable "image" {
  description = "The image, by digest."
  type        = string
}

variable "environment" {
  description = "The environment."
  type        = map(string)
}

variable "secrets" {
  description = "Variables whose values are in Secret Manager: the secret's id for each name. Its newest version counts when an instance starts."
  type        = map(string)
  default     = {}
}

variable "machine_invoked" {
  description = "Whether Pub/Sub or Cloud Scheduler call it; it then has an invoker of its own."
  type        = bool
  default     = false
}

variable "invokers" {
  description = "Who else may call it: a name for each member."
  type        = map(string)
  default     = {}
}

variable "ingress" {
  description = "Whence calls may come."
  type        = string
  default     = "INGRESS_TRAFFIC_INTERNAL_ONLY"

  validation {
    condition     = contains(["INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_ALL"], var.ingress)
    error_message = "Internal only, or all."
  }
}

variable "iap" {
  description = "Whether Identity-Aware Proxy stands in front."
  type        = bool
  default     = false
}

variable "heavy" {
  description = "Whether it moves the bytes of exports."
  type        = bool
  default     = false
}

variable "timeout_secs" {
  description = "How long a request may take."
  type        = number

  validation {
    condition     = var.timeout_secs >= 1 && var.timeout_secs < 600
    error_message = "Less than Pub/Sub's ack deadline of 600 s: else a message comes again while it is worked."
  }
}

variable "concurrency" {
  description = "How many requests an instance takes at once."
  type        = number
}

variable "min_instances" {
  description = "How many instances there are always."
  type        = number
  default     = 0
}

variable "max_instances" {
  description = "How many instances there are at most."
  type        = number
}

variable "cpu" {
  description = "Processors of an instance."
  type        = number
  default     = 1
}

variable "memory_mib" {
  description = "Memory of an instance, in MiB."
  type        = number
  default     = 512
}
