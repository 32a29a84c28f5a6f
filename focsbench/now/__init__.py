"""The NoW evaluation: scans, scores of predictions, submissions."""
