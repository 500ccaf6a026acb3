# Custom roles, where Google's own are too wide.

# roles/datastore.user also lists databases, indexes, statistics and App Engine.
resource "google_project_iam_custom_role" "store" {
  role_id     = "spillwayStore"
  title       = "Spillway store"
  description = "Reads and writes the documents of one Firestore database."
  permissions = [
    "datastore.databases.get",
    "datastore.entities.create",
    "datastore.entities.delete",
    "datastore.entities.get",
    "datastore.entities.list",
    "datastore.entities.update",
  ]
  depends_on = [google_project_service.api]
}

# roles/storage.objectViewer also lists folders, managed folders and the project.
resource "google_project_iam_custom_role" "lake_reader" {
  role_id     = "spillwayLakeReader"
  title       = "Spillway lake reader"
  description = "Lists and reads the files of the lake."
  permissions = ["storage.objects.get", "storage.objects.list"]
  depends_on  = [google_project_service.api]
}
