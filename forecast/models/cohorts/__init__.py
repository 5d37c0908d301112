"""Cohorts: development by age, pooled with credibility."""
