"""Synthetic noise, and estimating how much noise a picture has."""
