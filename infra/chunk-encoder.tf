# The chunk encoder: lake to file in the customer's bucket. Where the time and the money go.

module "chunk_encoder" {
  source     = "./modules/service"
  depends_on = [google_project_service.api]

  name    = "chunk-encoder"
  service = local.service
  image   = var.images["chunk-encoder"]

  environment = merge(local.common_environment, {
    SPILLWAY_INVOKER_AUDIENCE    = local.url["chunk-encoder"]
    SPILLWAY_INVOKER_EMAILS      = module.chunk_encoder.invoker_email
    SPILLWAY_ENCODER_CONCURRENCY = tostring(var.encoder.concurrency)
    SPILLWAY_ENCODER_GZIP_LEVEL  = var.encoder.gzip_level
  })
  machine_invoked = true
  heavy           = true

  # Longer than a lease (520 s), shorter than the ack deadline (600 s): `domain/lease.rs` asserts the order.
  timeout_secs = 560
  # What is over it gets 429 of Cloud Run, and Pub/Sub sends it again later.
  concurrency   = var.encoder.concurrency
  max_instances = var.encoder.max_instances
  cpu           = var.encoder.cpu
  memory_mib    = var.encoder.memory_mib
}
