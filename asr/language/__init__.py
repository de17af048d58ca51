"""The language part of a recogniser: words and their sounds, which word follows which, and the decoding graph.

Needs no PyTorch, so that a running installation can build it anew from its own texts.
"""
