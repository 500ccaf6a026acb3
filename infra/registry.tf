# Where the images lie. Cloud Build makes it first, then pushes, then applies the rest.

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84: Images are our published program, no secret; Google's own encryption at rest will do.
  repository_id = "spillway"
  location      = var.region
  format        = "DOCKER"
  description   = "Spillway's functions"
  depends_on    = [google_project_service.api]

  docker_config {
    immutable_tags = true
  }

  # Every commit leaves five images; the last ones are enough to roll back.
  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"

    most_recent_versions {
      keep_count = 20
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"

    condition {
      older_than = "${90 * 24 * 3600}s"
    }
  }
}
