"""dien-lightning: person re-identification embeddings that carry over to cameras nobody labelled."""
