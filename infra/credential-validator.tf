# The credential validator: tries a customer's key on the customer's bucket. Only the dashboard calls it.

module "credential_validator" {
  source     = "./modules/service"
  depends_on = [google_project_service.api]

  name    = "credential-validator"
  service = local.service
  image   = var.images["credential-validator"]

  environment = merge(local.common_environment, {
    SPILLWAY_INVOKER_AUDIENCE = local.url["credential-validator"]
    SPILLWAY_INVOKER_EMAILS   = module.dashboard.email
  })
  invokers = { dashboard = module.dashboard.member }

  timeout_secs  = 180
  concurrency   = 20
  max_instances = 5
}
