"""A rehearsal for methods: named checks of a baseline, or of a folder of predictions."""
