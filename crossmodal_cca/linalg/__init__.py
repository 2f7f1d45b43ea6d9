"""The mathematics: covariances or rows in, solutions out; nothing here knows where they come from."""
