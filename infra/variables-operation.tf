# What an operator tunes: sizes, limits, alerts.

variable "encoder" {
  description = <<-EOT
    The chunk encoder's instances. A chunk takes up to 256 MiB, so memory_mib is at least that much for each of
    `concurrency`, and 256 MiB beside. max_instances bounds what exports can cost at once, and has to fit into
    cloud_run_vcpus.
  EOT
  type = object({
    concurrency   = optional(number, 2)
    max_instances = optional(number, 8)
    cpu           = optional(number, 2)
    memory_mib    = optional(number, 1024)
    gzip_level    = optional(string, "fast")
  })
  default = {}

  validation {
    condition     = contains(["fast", "compact"], var.encoder.gzip_level)
    error_message = "gzip_level is fast, or compact: about an eighth fewer bytes for customers, and about twice the CPU time."
  }

  validation {
    condition     = contains([1, 2], var.encoder.concurrency)
    error_message = "An encoder works one or two messages at once: it is bound by its processor."
  }

  validation {
    condition     = var.encoder.max_instances >= 1 && var.encoder.max_instances <= 1000
    error_message = "max_instances is from 1 to 1000; above 100 ask Google for quota of Direct VPC egress too (README.md)."
  }

  validation {
    condition     = var.encoder.max_instances * var.encoder.cpu <= var.cloud_run_vcpus - 4
    error_message = "max_instances × cpu, and 4 vCPUs for the other four services, is more than cloud_run_vcpus: ask Google for quota first, then raise that (README.md)."
  }

  validation {
    condition     = contains([1, 2], var.encoder.cpu) || (var.encoder.cpu == 4 && var.encoder.memory_mib >= 2048)
    error_message = "cpu is 1, 2, or 4 with at least 2048 MiB of memory (Cloud Run's rule)."
  }

  validation {
    condition     = var.encoder.memory_mib >= 256 * (var.encoder.concurrency + 1)
    error_message = "memory_mib is at least 256 for each message at once, and 256 beside."
  }
}

variable "cloud_run_vcpus" {
  description = "Your quota: how many vCPUs all Cloud Run services of the region may have at once (CpuAllocPerProjectRegion). A new project has 20. Beyond it Cloud Run refuses an apply, and answers people 503."
  type        = number
  default     = 20

  validation {
    condition     = var.cloud_run_vcpus >= 5
    error_message = "At least 5: one for an encoder, and 4 for the other services."
  }
}

variable "dashboard_instances" {
  description = "The dashboard's instances: at least (1 spares people a cold start) and at most."
  type = object({
    min = optional(number, 0)
    max = optional(number, 10)
  })
  default = {}

  validation {
    condition     = var.dashboard_instances.min >= 0 && var.dashboard_instances.max >= max(1, var.dashboard_instances.min)
    error_message = "At most cannot be less than at least."
  }
}

variable "dashboard_limits" {
  description = "What anybody may ask for of the dashboard, as in the README's table; null for what is built in."
  type = object({
    reads_per_minute     = optional(number)
    writes_per_minute    = optional(number)
    body_bytes           = optional(number)
    request_timeout_secs = optional(number)
    streams              = optional(number)
    streams_per_account  = optional(number)
  })
  default = null

  validation {
    condition     = alltrue([for limit in values(coalesce(var.dashboard_limits, {})) : limit == null ? true : limit >= 1])
    error_message = "A limit of 0 would let no request through."
  }
}

variable "outstanding_messages" {
  description = "How many messages of one run are out at most, so that a huge export starves nobody; between half of them and all are. About twice the encoders' slots, divided by the runs that should go side by side."
  type        = number
  default     = 32

  validation {
    condition     = var.outstanding_messages >= 1 && var.outstanding_messages <= 1000
    error_message = "From 1 to 1000."
  }
}

variable "log_level" {
  description = "What the services log: info, debug or trace, or a filter like info,spillway=debug. Not less: alerts count lines of level info."
  type        = string
  default     = "info"

  validation {
    condition     = can(regex("^(info|debug|trace)(,[a-z0-9_:]+=(off|error|warn|info|debug|trace))*$", var.log_level))
    error_message = "info, debug or trace, and then targets with levels of their own, with commas between them."
  }

  validation {
    condition     = !can(regex("(^|,)(spillway|export_scheduler|failure_checker)[a-z0-9_:]*=(off|error|warn)", var.log_level))
    error_message = "Alerts count lines of level info of spillway, export_scheduler and failure_checker: they cannot be quieter."
  }
}

variable "subnet_range" {
  description = "The addresses of the instances. Cloud Run takes two for each of them, four while a revision is replaced."
  type        = string
  default     = "10.8.0.0/21"

  validation {
    condition     = can(cidrhost(var.subnet_range, 0)) && can(regex("/(1[6-9]|2[0-6])$", var.subnet_range))
    error_message = "An IPv4 range from /16 to /26."
  }
}

variable "outgoing_ip_count" {
  description = "How many static outgoing addresses there are. Each gives 64,512 connections to one place at once."
  type        = number
  default     = 1

  validation {
    condition     = var.outgoing_ip_count >= 1 && var.outgoing_ip_count <= 16
    error_message = "From 1 to 16. Do not lower it: customers have the addresses in their allow-lists."
  }
}

variable "mail" {
  description = <<-EOT
    How customers are written to when their bucket fails. `password_secret` is the id of a secret in Secret Manager, made
    and filled by hand. Null: they are told by the dashboard and by webhooks only.
  EOT
  type = object({
    server          = string
    from            = string
    port            = optional(number, 587)
    security        = optional(string, "starttls")
    user            = optional(string)
    password_secret = optional(string)
    name            = optional(string)
    bounces         = optional(string)
  })
  default = null

  validation {
    condition     = var.mail == null ? true : contains(["starttls", "tls"], var.mail.security)
    error_message = "Mails leave encrypted: security is starttls (port 587) or tls (port 465)."
  }

  validation {
    condition     = var.mail == null ? true : contains([465, 587], var.mail.port)
    error_message = "The firewall lets 465 and 587 out; Google Cloud itself blocks 25."
  }

  validation {
    condition     = var.mail == null ? true : (var.mail.user == null) == (var.mail.password_secret == null)
    error_message = "A user has a password, and a password a user."
  }
}

variable "alert_emails" {
  description = "Whom alerts wake."
  type        = list(string)

  validation {
    condition     = length(var.alert_emails) > 0 && alltrue([for mail in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+$", mail))])
    error_message = "An alert that reaches nobody is none: give at least one e-mail address."
  }
}

variable "no_run_alert_hours" {
  description = "After how many hours without a successful run of anybody somebody is woken; half an hour is added. 24 suits every mix of exports; where some always run more often, their distance, like 4, tells sooner. 0 where there are no recurring ones."
  type        = number
  default     = 24

  validation {
    condition     = var.no_run_alert_hours >= 0 && var.no_run_alert_hours <= 24
    error_message = "From 0 (no alert) to 24: Cloud Monitoring looks back for 25 hours at most, and exports run once a day at least."
  }
}

variable "oldest_message_alert_minutes" {
  description = "How old the oldest message may get before somebody is woken. Chunks wait where the encoders are at their maximum; that is the sign to raise it."
  type        = number
  default     = 60

  validation {
    condition     = var.oldest_message_alert_minutes >= 15
    error_message = "At least 15: until then the failure checker sends again by itself what was lost."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete services and the database. False only to take everything down."
  type        = bool
  default     = true
}
