"""Images to embeddings: the network that gets deployed, no heads inside."""
