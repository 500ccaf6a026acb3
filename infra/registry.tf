# Where the images lie. Cloud Build makes it first, then pushes, then applies the rest.
#
# Cloud Run keeps a copy of what serves; a way back to an older revision needs its image here.

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

  # Every build leaves five images. The last twenty of each stay whatever their age: so far one can go back.
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

  # Another region would make another one, and lose what revisions start from.
  lifecycle {
    prevent_destroy = true
  }
}
