# What an operator decides: the place, the images and who may come in. Sizes and alerts: variables-operation.tf.

variable "project_id" {
  description = "The project; one of its own, for nothing else runs in it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "Where everything runs. Put it where the lake and most of the customers' buckets are: traffic between regions costs."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", var.region))
    error_message = "Give a region, like europe-west1, not a zone."
  }
}

variable "firestore_location" {
  description = "Where Firestore keeps its documents: a region, or eur3 or nam5. It can never be changed. Null: the region."
  type        = string
  default     = null
}

variable "firestore_database" {
  description = "The database's id."
  type        = string
  default     = "(default)"

  validation {
    condition     = var.firestore_database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.firestore_database))
    error_message = "Give (default), or 4 to 63 lower-case letters, digits and hyphens."
  }
}

variable "lake_bucket" {
  description = "The name of the lake's bucket. Null: the project's id and -lake."
  type        = string
  default     = null

  validation {
    condition     = var.lake_bucket == null || can(regex("^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$", var.lake_bucket))
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits, hyphens and underscores."
  }
}

variable "lake_prefix" {
  description = "The folder in the lake's bucket in which account=… begins; empty for its root."
  type        = string
  default     = ""

  validation {
    condition     = !startswith(var.lake_prefix, "/") && !endswith(var.lake_prefix, "/")
    error_message = "The prefix has no slash at its beginning or end."
  }
}

variable "lake_writers" {
  description = "Who puts files into the lake, like serviceAccount:etl@….iam.gserviceaccount.com. They can create objects, not change or delete them."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for who in var.lake_writers : can(regex("^(serviceAccount|group|user|principal|principalSet):", who))])
    error_message = "Each writer is a serviceAccount:, group:, user:, principal: or principalSet:; never allUsers."
  }
}

variable "lake_delete_after_days" {
  description = "How old lake files are deleted; 0 keeps them. They must outlive every owed window (README.md)."
  type        = number
  default     = 0

  validation {
    condition     = var.lake_delete_after_days == 0 || var.lake_delete_after_days >= 90
    error_message = "The lake keeps files for at least 90 days: windows that a customer's bucket could not take are still owed."
  }
}

variable "images" {
  description = "Function to image, each by digest. Cloud Build gives it."
  type        = map(string)

  validation {
    condition = toset(keys(var.images)) == toset([
      "dashboard", "credential-validator", "export-scheduler", "chunk-encoder", "failure-checker",
    ])
    error_message = "Give an image for each of the five functions, and for nothing else."
  }

  validation {
    condition     = alltrue([for image in values(var.images) : can(regex("@sha256:[0-9a-f]{64}$", image))])
    error_message = "Images are named by digest (…@sha256:…): a tag may mean something else tomorrow."
  }
}

variable "dashboard_identity" {
  description = <<-EOT
    Who may come to the dashboard. kind iap: Google's login in front; `members` may pass (and, by the claims, belong to an
    account). kind oidc: the tokens of your own OpenID provider, which the dashboard checks itself; see README.md.
  EOT
  type = object({
    kind            = string
    members         = optional(list(string), [])
    issuer          = optional(string)
    audience        = optional(string)
    jwks_url        = optional(string)
    header          = optional(string)
    claims          = optional(map(string), {})
    default_account = optional(number)
  })

  validation {
    condition     = contains(["iap", "oidc"], var.dashboard_identity.kind)
    error_message = "The kind is iap or oidc."
  }

  validation {
    condition     = var.dashboard_identity.kind != "iap" || length(var.dashboard_identity.members) > 0
    error_message = "With iap nobody can come in until `members` names somebody, like group:exports@example.com."
  }

  validation {
    condition     = alltrue([for who in var.dashboard_identity.members : !contains(["allUsers", "allAuthenticatedUsers"], who)])
    error_message = "Everybody is not a member: name groups, people or domains."
  }

  validation {
    condition = var.dashboard_identity.kind != "oidc" || alltrue([
      for value in [var.dashboard_identity.issuer, var.dashboard_identity.audience, var.dashboard_identity.jwks_url] : value != null
    ])
    error_message = "oidc needs issuer, audience and jwks_url."
  }

  validation {
    condition     = try(startswith(var.dashboard_identity.jwks_url, "https://"), true)
    error_message = "jwks_url begins with https://: who can change the keys in transit can make tokens."
  }
}

variable "public_url" {
  description = "The dashboard's address as browsers see it, where a domain of your own leads to it. Null: Cloud Run's address."
  type        = string
  default     = null

  validation {
    condition     = try(startswith(var.public_url, "https://"), var.public_url == null)
    error_message = "The address begins with https://."
  }
}

variable "frame_ancestors" {
  description = "The origins, like https://app.example.com, whose pages may embed the dashboard."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.frame_ancestors : can(regex("^https://[^/,*]+$", origin))])
    error_message = "Each is an origin: https:// and a host, without a path, a comma or a star."
  }
}

variable "operator_contact" {
  description = "Whom a customer asks, in words or as an address."
  type        = string
  default     = null
}
