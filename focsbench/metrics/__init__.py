"""Pure functions of arrays: one number per image, or one per pool of distances."""
