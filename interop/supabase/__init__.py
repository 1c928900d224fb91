"""Is our server a Supabase Realtime to Supabase's own client, and ours a client alike?

``python -m interop.supabase --help``.
"""
