"""Third-party operator graphs with measured times, and the algorithms of the paper they are from.

After J. M. Tarnawski, A. Phanishayee, N. R. Devanur, D. Mahajan, F. Nina Paravecino, "Efficient
Algorithms for Device Placement of DNN Graph Operators", NeurIPS 2020. docs/placement_graphs.md
says how we read its objectives, and how ours compare with its figures.
"""
