"""The search page: what it answers, how it is guarded, and its files in page/."""
