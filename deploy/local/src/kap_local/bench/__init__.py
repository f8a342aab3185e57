"""`kap bench`: what KAP does a second, beside the raw limit of each hop and the peer, in one run."""
