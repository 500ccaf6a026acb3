# The way out: Direct VPC egress, Cloud NAT, static addresses.
#
# Direct VPC egress and not a VPC connector: a connector is at least two machines that cost while nothing is exported and
# that bound the throughput of all encoders; Direct VPC egress has neither, and takes network tags, so that the firewall
# can tell what may leave.
#
# What goes to Google's own APIs (Cloud Storage too, the customers' buckets) never passes Cloud NAT: a subnet that has NAT
# has Private Google Access, whatever `private_ip_google_access` says, and shows this network, not the static addresses
# (https://cloud.google.com/nat/docs/nat-product-interactions). See "What customers allow" in README.md.

locals {
  network_tag = "spillway"
}

resource "google_compute_network" "this" {
  name                    = "spillway"
  auto_create_subnetworks = false
  depends_on              = [google_project_service.api]
}

resource "google_compute_subnetwork" "this" {
  #checkov:skip=CKV_GCP_76: IPv4 only; Private Google Access is on for it.
  name                     = "spillway"
  network                  = google_compute_network.this.id
  ip_cidr_range            = var.subnet_range
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_address" "outgoing" {
  count = var.outgoing_ip_count

  name         = "spillway-outgoing-${count.index}"
  description  = "In the allow-lists of customers: releasing it locks us out."
  address_type = "EXTERNAL"
  depends_on   = [google_project_service.api]

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_compute_router" "this" {
  name    = "spillway"
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "this" {
  name                                = "spillway"
  router                              = google_compute_router.this.name
  nat_ip_allocate_option              = "MANUAL_ONLY"
  nat_ips                             = google_compute_address.outgoing[*].self_link
  source_subnetwork_ip_ranges_to_nat  = "LIST_OF_SUBNETWORKS"
  enable_dynamic_port_allocation      = true
  enable_endpoint_independent_mapping = false
  min_ports_per_vm                    = 64
  max_ports_per_vm                    = 4096

  subnetwork {
    name                    = google_compute_subnetwork.this.id
    source_ip_ranges_to_nat = ["ALL_IP_ADDRESSES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

# Nobody in a private network has anything to say to us: an address that a customer gives must not lead there.
resource "google_compute_firewall" "no_private" {
  name               = "spillway-no-private"
  network            = google_compute_network.this.id
  direction          = "EGRESS"
  priority           = 900
  destination_ranges = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"]
  target_tags        = [local.network_tag]

  deny {
    protocol = "all"
  }

  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

# HTTPS, and mail that is handed in with TLS.
resource "google_compute_firewall" "out" {
  name               = "spillway-out"
  network            = google_compute_network.this.id
  direction          = "EGRESS"
  priority           = 1000
  destination_ranges = ["0.0.0.0/0"]
  target_tags        = [local.network_tag]

  allow {
    protocol = "tcp"
    ports    = ["443", "465", "587"]
  }
}

resource "google_compute_firewall" "nothing_else" {
  name               = "spillway-nothing-else"
  network            = google_compute_network.this.id
  direction          = "EGRESS"
  priority           = 65000
  destination_ranges = ["0.0.0.0/0"]
  target_tags        = [local.network_tag]

  deny {
    protocol = "all"
  }

  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}
