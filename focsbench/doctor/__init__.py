"""What is installed and found on this machine, what is missing, and the next step for a user."""
