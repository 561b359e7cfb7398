"""`inquest collect`: what a cluster and its stores say now, read-only, as a bundle."""
