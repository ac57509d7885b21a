"""Designs proposed without simulating, by a model of stored trials.

After A. Kumar, A. Yazdanbakhsh, M. Hashemi, K. Swersky, S. Levine, "Data-Driven Offline
Optimization for Architecting Hardware Accelerators" (PRIME), ICLR 2022: a model that is fitted to
feasible trials and held down on infeasible ones and on designs it is wrongly fond of, so that its
best design is good and not merely an error. docs/transfer.md says where this one differs.
"""
