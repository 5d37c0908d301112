"""What a job is told: the file, checked before anything is read."""
