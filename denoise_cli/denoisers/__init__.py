"""Denoisers: the catalogue, their cards, the classical filters, networks and weights files."""
