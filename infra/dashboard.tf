# The dashboard: pages and API, for people. The only service that the internet reaches.

locals {
  iap = var.dashboard_identity.kind == "iap"

  dashboard_claims = merge(
    var.dashboard_identity.claims,
    var.dashboard_identity.default_account == null ? {} : { default_account = var.dashboard_identity.default_account },
  )

  # Whose word it takes. For Identity-Aware Proxy the audience follows from where the service is.
  iap_identity = {
    kind     = "iap"
    audience = "/projects/${data.google_project.this.number}/locations/${var.region}/services/dashboard"
  }
  oidc_identity = {
    for name, value in {
      kind     = "oidc"
      issuer   = var.dashboard_identity.issuer
      audience = var.dashboard_identity.audience
      jwks_url = var.dashboard_identity.jwks_url
      header   = var.dashboard_identity.header
    } : name => value if value != null
  }
  dashboard_identity = merge(
    local.iap ? local.iap_identity : local.oidc_identity,
    length(local.dashboard_claims) == 0 ? {} : { claims = local.dashboard_claims },
  )
  # What is not given is left out, so that what is built in holds.
  dashboard_options = { for name, value in {
    SPILLWAY_OPERATOR_CONTACT = var.operator_contact
    SPILLWAY_FRAME_ANCESTORS  = length(var.frame_ancestors) == 0 ? null : join(",", var.frame_ancestors)
    SPILLWAY_LIMITS = var.dashboard_limits == null ? null : jsonencode({
      for name, limit in var.dashboard_limits : name => limit if limit != null
    })
  } : name => value if value != null }
  outgoing_ips = google_compute_address.outgoing[*].address
}

module "dashboard" {
  source     = "./modules/service"
  depends_on = [google_project_service.api]

  name    = "dashboard"
  service = local.service
  image   = var.images["dashboard"]

  environment = merge(local.common_environment, local.dashboard_options, {
    SPILLWAY_PUBLIC_URL    = coalesce(var.public_url, local.url["dashboard"])
    SPILLWAY_IDENTITY      = jsonencode(local.dashboard_identity)
    SPILLWAY_VALIDATOR_URL = local.url["credential-validator"]
    SPILLWAY_OUTGOING_IPS  = join(",", local.outgoing_ips)
  })

  ingress = "INGRESS_TRAFFIC_ALL"
  iap     = local.iap
  # With iap only the proxy may call, and it lets nobody through but `members`. With oidc people come with tokens of
  # another issuer, which Cloud Run cannot check: everybody may knock, and the dashboard itself turns away who has no
  # token that it accepts. It has no mode without login beyond a loopback address.
  invokers = local.iap ? { iap = google_project_service_identity.iap.member } : { anybody = "allUsers" }

  # Reports of checks are streamed for up to two minutes.
  timeout_secs  = 300
  concurrency   = 80
  min_instances = var.dashboard_instances.min
  max_instances = var.dashboard_instances.max
}

resource "google_iap_web_cloud_run_service_iam_member" "people" {
  for_each = local.iap ? toset(var.dashboard_identity.members) : []

  cloud_run_service_name = module.dashboard.name
  location               = var.region
  role                   = "roles/iap.httpsResourceAccessor"
  member                 = each.value
}
