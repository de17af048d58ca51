"""Sentence vectors: the bundled model's repack, its unpacking, and the encoder that the knowledge base uses."""
