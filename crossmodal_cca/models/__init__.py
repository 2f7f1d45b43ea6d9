"""What a fit leaves: one frozen value of two sides."""
