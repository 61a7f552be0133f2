"""Graph-based acquisition: how much a label tells about all clips, on a graph of neighbors.

A pool's mapped vectors become a graph (`neighbors`, `weights`), the graph a spectrum (`spectrum`),
once a pool. On it a Gaussian field says how uncertain each clip is given the clips that are taken
(`covariance`), and four functions how much a label would change that (`acquisition`).
"""
