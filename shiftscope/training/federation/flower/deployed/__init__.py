"""Flower between real hospitals: the coordinator's side (`deployments`), and each site's (`site_services`)."""
