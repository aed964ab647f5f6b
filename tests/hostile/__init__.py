"""A corpus of hostile bodies, headers, addresses, cursors and filters against every route there is, on both databases.

The routes come from the application and its document, so a new one is attacked without a line here.
"""
