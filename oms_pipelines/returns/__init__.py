"""Returns: announced with a coded reason (`announce`), found and received at the dock (`dock`).

An announcement and a receipt are landed as files before they reach the store, as if a
partner had sent them: the landing zone can rebuild them, and one path handles all.
"""
