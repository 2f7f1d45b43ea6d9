"""Values that fits leave."""
