"""Fitted models: one frozen value with two sides."""
