# The two queues: chunks for the encoders, wake-ups for the scheduler. Who may send what.

module "chunks" {
  source     = "./modules/queue"
  depends_on = [google_project_service.api]

  name            = "chunks"
  push_url        = "${local.url["chunk-encoder"]}/push"
  audience        = local.url["chunk-encoder"]
  invoker_email   = module.chunk_encoder.invoker_email
  invoker_id      = module.chunk_encoder.invoker_id
  pubsub_agent    = local.pubsub_agent
  storage_regions = [var.region]
  # Whoever finishes a message sends the next of its run; the scheduler sends a run's first ones, the checker what was
  # lost, and the validator what waited for a bucket.
  publishers = {
    chunk-encoder        = module.chunk_encoder.member
    credential-validator = module.credential_validator.member
    export-scheduler     = module.export_scheduler.member
    failure-checker      = module.failure_checker.member
  }
}

module "wakeups" {
  source     = "./modules/queue"
  depends_on = [google_project_service.api]

  name            = "wakeups"
  push_url        = "${local.url["export-scheduler"]}/push"
  audience        = local.url["export-scheduler"]
  invoker_email   = module.export_scheduler.invoker_email
  invoker_id      = module.export_scheduler.invoker_id
  pubsub_agent    = local.pubsub_agent
  storage_regions = [var.region]
  # The dashboard for a new export, the scheduler for a due one, and whoever closes a run for the next that is owed.
  publishers = {
    chunk-encoder        = module.chunk_encoder.member
    credential-validator = module.credential_validator.member
    dashboard            = module.dashboard.member
    export-scheduler     = module.export_scheduler.member
    failure-checker      = module.failure_checker.member
  }
}
