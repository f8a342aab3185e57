"""The gateway's HTTP routes, by topic."""
