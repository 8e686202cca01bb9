"""What happens when things die at bad moments: nothing is lost, nothing is said twice, and stop means stop."""
