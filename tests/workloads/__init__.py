"""Tests of the networks and of what reads them."""
